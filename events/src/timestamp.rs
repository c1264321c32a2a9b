//! Points in time as every interface shows them: RFC 3339, UTC, milliseconds, `Z`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{canonical, parsed::parsed};

/// A text that is not an RFC 3339 date-time with an offset, lies outside what a [`Timestamp`] can be, has more than
/// nine decimals, or names a leap second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {}", Timestamp::EXPECTED)]
pub struct ParseTimestampError;

/// Milliseconds since 1970-01-01T00:00:00Z; printed as `2026-01-31T08:15:30.250Z` (RFC 3339, section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z.
const FIRST_MS: i64 = -62_135_596_800_000;
/// 9999-12-30T22:00:00Z, the last instant `jiff` represents, in whole seconds.
const LAST_MS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// What [`Timestamp::parse`] takes, in words that complete "must be".
    pub const EXPECTED: &str = "an RFC 3339 date-time from 0001-01-01 to 9999-12-30, with at most nine decimals";

    /// The instant `ms` milliseconds after the epoch, held within the years 0001 to 9999.
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(FIRST_MS, LAST_MS))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset; finer than milliseconds is cut off.
    ///
    /// # Errors
    /// [`ParseTimestampError`] if `text` is anything else.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        if let Some(ms) = canonical::read(text.as_bytes()) {
            return if (FIRST_MS..=LAST_MS).contains(&ms) { Ok(Self(ms)) } else { Err(ParseTimestampError) };
        }
        if !has_rfc3339_shape(text.as_bytes()) {
            return Err(ParseTimestampError);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        // Floor, also before 1970: cut off means towards the past.
        let ms = i64::try_from(instant.as_nanosecond().div_euclid(1_000_000)).map_err(|_| ParseTimestampError)?;
        if (FIRST_MS..=LAST_MS).contains(&ms) { Ok(Self(ms)) } else { Err(ParseTimestampError) }
    }
}

/// Whether `text` is laid out as RFC 3339, section 5.6, says; `jiff` takes other forms of ISO 8601 and Temporal, too,
/// offsets of more than a day among them, and makes another second of a leap second.
fn has_rfc3339_shape(text: &[u8]) -> bool {
    fn fits(text: &[u8], shape: &[u8]) -> bool {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, place)| match place {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                b'+' => matches!(byte, b'+' | b'-'),
                other => byte == other,
            })
    }
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let offset = match rest.first() {
        Some(b'.') if digits > 0 => &rest[1 + digits..],
        _ => rest,
    };
    let offset_fits = || fits(offset, b"+00:00") && offset[1..3] <= b"23"[..] && offset[4..6] <= b"59"[..];
    fits(seconds, b"0000-00-00T00:00:00")
        && seconds[17..19] <= b"59"[..]
        && digits <= 9
        && (matches!(offset, b"Z" | b"z") || offset_fits())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&canonical::print(self.0)).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = canonical::print(self.0);
        serializer.serialize_str(str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, Self::EXPECTED, Self::parse)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC, milliseconds." })
    }
}
