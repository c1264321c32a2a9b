//! Points in time as every interface shows them: RFC 3339, UTC, milliseconds, `Z`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not an RFC 3339 date-time with an offset, or lies outside the years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date-time")]
pub struct ParseTimestampError;

/// Milliseconds since 1970-01-01T00:00:00Z; printed as `2026-01-31T08:15:30.250Z` (RFC 3339, section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z.
const FIRST_MS: i64 = -62_135_596_800_000;
/// 9999-12-30T22:00:00Z, the last instant `jiff` represents, in whole seconds.
const LAST_MS: i64 = 253_402_207_200_000;

impl Timestamp {
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
        let parsed: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        let ms = parsed.as_millisecond();
        if (FIRST_MS..=LAST_MS).contains(&ms) { Ok(Self(ms)) } else { Err(ParseTimestampError) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
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
