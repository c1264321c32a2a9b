//! The real clock and the real randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use eventdesk_app::ports::{Clock, Ids};
use eventdesk_events::Timestamp;
use uuid::Uuid;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the real clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    /// Ascending within the process, also within a millisecond and when the clock is set back.
    #[expect(clippy::disallowed_methods, reason = "the one place that makes random ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// # Panics
    /// If the operating system has no randomness: nothing could be kept secret then.
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_thread_and_never_repeat_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    let ids: Vec<Uuid> = (0..10_000).map(|_| RandomIds.next()).collect();
                    assert!(ids.is_sorted(), "later ids sort after earlier ones");
                    assert!(ids.iter().all(|id| id.get_version_num() == 7));
                    ids
                })
            })
            .collect();
        let mut all: Vec<Uuid> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let made = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), made);
    }

    #[test]
    fn random_bytes_differ_from_call_to_call() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        RandomIds.fill(&mut one);
        RandomIds.fill(&mut other);
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }

    #[test]
    fn the_clock_tells_this_century() {
        let now = SystemClock.now();
        assert!(now > Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        assert!(SystemClock.now() >= now);
    }
}
