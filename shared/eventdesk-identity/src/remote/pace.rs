//! How often an issuer may be asked.

/// Asks that may follow each other at once.
const BURST: f64 = 3.0;
/// Milliseconds until one more may be made.
const REFILL_MS: f64 = 20_000.0;
/// First pause after a failure, in milliseconds; it doubles with each further one.
const FIRST_PAUSE_MS: i64 = 500;
/// Longest pause after failures, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 15_000;

/// Whether a call may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Yes.
    Go,
    /// No: it has answered often enough of late.
    Enough,
    /// No: it failed a moment ago.
    Resting,
}

/// A bucket of calls, and pauses after failures that grow.
#[derive(Debug)]
pub(super) struct Pacing {
    calls_left: f64,
    counted_at_ms: i64,
    failures: u32,
    rests_until_ms: i64,
}

impl Pacing {
    pub(super) fn new() -> Self {
        Self { calls_left: BURST, counted_at_ms: 0, failures: 0, rests_until_ms: 0 }
    }

    /// Whether it rests after a failure.
    pub(super) fn rests(&self, now_ms: i64) -> bool {
        // A clock that was set back must not make a pause of days.
        now_ms < self.rests_until_ms && self.rests_until_ms - now_ms <= LONGEST_PAUSE_MS
    }

    /// Takes one call out of the bucket, if there is one.
    pub(super) fn take(&mut self, now_ms: i64) -> Pace {
        if self.rests(now_ms) {
            return Pace::Resting;
        }
        if self.failures > 0 {
            return Pace::Go;
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one process's life")]
        let passed_ms = now_ms.saturating_sub(self.counted_at_ms).max(0) as f64;
        self.counted_at_ms = now_ms;
        self.calls_left = (self.calls_left + passed_ms / REFILL_MS).min(BURST);
        if self.calls_left < 1.0 {
            return Pace::Enough;
        }
        self.calls_left -= 1.0;
        Pace::Go
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failed(&mut self, now_ms: i64) {
        let pause_ms = (FIRST_PAUSE_MS << self.failures.min(8)).min(LONGEST_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        self.rests_until_ms = now_ms.saturating_add(pause_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_calls_may_follow_each_other_and_then_one_in_twenty_seconds() {
        let mut pacing = Pacing::new();
        let start_ms = 1_795_305_600_000;
        for _ in 0..3 {
            assert_eq!(pacing.take(start_ms), Pace::Go);
        }
        assert_eq!(pacing.take(start_ms + 19_000), Pace::Enough);
        assert_eq!(pacing.take(start_ms + 20_001), Pace::Go);
        assert_eq!(pacing.take(start_ms + 20_001), Pace::Enough);
        assert_eq!(pacing.take(start_ms), Pace::Enough, "a clock that was set back gives nothing away");
        for _ in 0..3 {
            assert_eq!(pacing.take(start_ms + 600_000), Pace::Go, "and never more than three");
        }
        assert_eq!(pacing.take(start_ms + 600_000), Pace::Enough);
    }

    #[test]
    fn pauses_after_failures_grow_to_a_bound_and_end_with_a_success() {
        let mut pacing = Pacing::new();
        let mut now_ms = 1_795_305_600_000;
        for pause_ms in [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] {
            assert_eq!(pacing.take(now_ms), Pace::Go);
            pacing.failed(now_ms);
            assert_eq!(pacing.take(now_ms + pause_ms - 1), Pace::Resting);
            now_ms += pause_ms;
        }
        assert_eq!(pacing.take(now_ms), Pace::Go);
        pacing.succeeded();
        assert!(!pacing.rests(now_ms));
        pacing.failed(now_ms);
        assert!(!pacing.rests(now_ms - 86_400_000), "a clock that was set back makes no pause of days");
    }
}
