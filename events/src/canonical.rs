//! The one text form of a time that eventdesk itself writes, `2026-01-31T08:15:30.250Z`, digit by digit.
//!
//! Every event, state and document holds several of them, so that a general parser and printer would be most of the
//! cost of reading a list. All other forms are left to `jiff`, and a property test holds the two together.

const DAY_MS: i64 = 86_400_000;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH_DAYS: i64 = 719_468;
/// Days in 400 years.
const ERA_DAYS: i64 = 146_097;

/// `ms` since the epoch, within the years 0001 to 9999, as 24 ASCII characters.
pub(crate) fn print(ms: i64) -> [u8; 24] {
    let (year, month, day) = date(ms.div_euclid(DAY_MS));
    let time = ms.rem_euclid(DAY_MS);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], time / 3_600_000);
    put(&mut text[14..16], time / 60_000 % 60);
    put(&mut text[17..19], time / 1_000 % 60);
    put(&mut text[20..23], time % 1_000);
    text
}

/// Milliseconds since the epoch; `None` if the text has another form or names no instant, a leap second included.
pub(crate) fn read(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')] {
        if text[at] != mark {
            return None;
        }
    }
    let (year, month, day) = (get(&text[0..4])?, get(&text[5..7])?, get(&text[8..10])?);
    let (hour, minute, second) = (get(&text[11..13])?, get(&text[14..16])?, get(&text[17..19])?);
    let millis = get(&text[20..23])?;
    if year == 0 || hour > 23 || minute > 59 || second > 59 || !(1..=12).contains(&month) {
        return None;
    }
    let days = days(year, month, day);
    // A day that its month does not have comes back as another date.
    if date(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + millis)
}

fn put(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

fn get(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Year, month and day of a day counted from the epoch ("chrono-Compatible Low-Level Date Algorithms", Hinnant:
/// `civil_from_days`; years begin in March there, so that the leap day is the last).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of a date, counted from the epoch (`days_from_civil` there).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jiff_print(ms: i64) -> String {
        format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap())
    }

    proptest! {
        #[test]
        fn it_prints_and_reads_as_jiff_does(ms in -62_135_596_800_000_i64..253_402_207_200_000) {
            let text = print(ms);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), jiff_print(ms));
            prop_assert_eq!(read(&text), Some(ms));
        }

        #[test]
        fn it_reads_what_jiff_reads_and_no_more(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9]\\.[0-9]{3}Z") {
            if let Some(ms) = read(text.as_bytes()) {
                let known: jiff::Timestamp = text.parse().unwrap();
                prop_assert_eq!(known.as_millisecond(), ms);
            } else if let Ok(known) = text.parse::<jiff::Timestamp>() {
                // Out of the years, or a leap second: left to jiff.
                prop_assert!(text.starts_with("0000") || text.contains(":60."), "{known}");
            }
        }
    }

    #[test]
    fn the_corners_of_the_calendar() {
        for text in ["0001-01-01T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "1900-03-01T00:00:00.000Z"] {
            assert_eq!(print(read(text.as_bytes()).unwrap()), text.as_bytes());
        }
        for text in ["1900-02-29T00:00:00.000Z", "2026-04-31T00:00:00.000Z", "2026-01-01t00:00:00.000Z", ""] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
