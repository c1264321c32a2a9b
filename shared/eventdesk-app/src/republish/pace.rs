//! So many events a second, and no more.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::{Instant, sleep_until};

/// A batch is a tenth of a second's events, within these bounds.
const LARGEST_BATCH: usize = 100;

/// Lets batches through at a rate; what comes late is not made up for.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time of one event.
    each: Duration,
    batch: usize,
    /// When the next batch may go.
    next: Option<Instant>,
}

impl Pace {
    /// Events a second.
    pub(super) fn of(rate: NonZeroU32) -> Self {
        let batch = usize::try_from(rate.get() / 10).unwrap_or(LARGEST_BATCH).clamp(1, LARGEST_BATCH);
        Self { each: Duration::from_secs(1) / rate.get(), batch, next: None }
    }

    /// How many events go at once.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// Waits until so many events may go; the first ones may at once.
    pub(super) async fn wait(&mut self, events: usize) {
        let now = Instant::now();
        let at = self.next.unwrap_or(now).max(now);
        sleep_until(at).await;
        self.next = Some(at + self.each * u32::try_from(events).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rate: u32) -> Pace {
        Pace::of(NonZeroU32::new(rate).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn batches_keep_the_rate() {
        for (per_second, events, batch) in [(1, 5, 1), (50, 500, 5), (10_000, 50_000, 100)] {
            let (mut pace, start) = (rate(per_second), Instant::now());
            assert_eq!(pace.batch(), batch);
            for _ in 0..events / batch {
                pace.wait(batch).await;
            }
            // The first batch goes at once.
            let expected = Duration::from_secs(1) * u32::try_from(events - batch).unwrap() / per_second;
            let took = start.elapsed();
            assert!(
                took >= expected && took < expected.mul_f64(1.2) + Duration::from_millis(2),
                "{took:?} {expected:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lost_time_is_not_made_up_for() {
        let mut pace = rate(10);
        pace.wait(1).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        pace.wait(1).await;
        let start = Instant::now();
        pace.wait(1).await;
        assert!(start.elapsed() >= Duration::from_millis(100));
    }
}
