//! Times in claims.

use eventdesk_events::Timestamp;

/// Seconds since the epoch; the gateway may write large numbers with an exponent.
pub(crate) fn seconds(text: &str) -> Option<Timestamp> {
    let whole = text.parse::<i64>().ok();
    #[expect(clippy::cast_possible_truncation, reason = "a number out of range ends at the last representable time")]
    let seconds = whole.or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n as i64))?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn expiry_is_read_in_both_forms_of_the_gateway() {
        let wanted = "2026-11-21T12:00:00.000Z";
        for text in ["1795262400", "1.7952624E9"] {
            assert_eq!(seconds(text).map(|time| time.to_string()).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(seconds("soon"), None);
    }
}
