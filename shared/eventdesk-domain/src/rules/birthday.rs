//! Birthdays: real calendar dates that have come.

use eventdesk_events::Timestamp;
use jiff::{civil::Date, tz::TimeZone};

use crate::text::Fault;

/// The date, trimmed, as `1998-06-01`.
pub(super) fn check(text: &str, today: Timestamp) -> Result<String, Fault> {
    let text = text.trim();
    let date = parse(text).ok_or_else(|| Fault::new("date", "must be a calendar date, such as 1998-06-01"))?;
    if date > utc_date(today) {
        return Err(Fault::new("in_future", "must not lie in the future"));
    }
    Ok(text.to_owned())
}

/// Reads `YYYY-MM-DD` alone: `jiff` would take other ISO 8601 forms, too.
fn parse(text: &str) -> Option<Date> {
    let digits = |range: std::ops::Range<usize>| -> Option<i16> {
        let part = text.get(range)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let shaped = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (shaped && year > 0).then_some(date)
}

fn utc_date(at: Timestamp) -> Date {
    let instant = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.to_zoned(TimeZone::UTC).date()
}
