//! A bus at its worst.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use eventdesk_app::ports::{Delivery, Progress, Queue, QueueError, Settlement};

/// A queue that repeats deliveries, loses some until they come again, reorders them and hands out half a commit.
///
/// It behaves the same for the same seed.
pub struct Unreliable<Q> {
    inner: Q,
    seed: Mutex<u64>,
}

impl<Q> std::fmt::Debug for Unreliable<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unreliable").finish_non_exhaustive()
    }
}

impl<Q> Unreliable<Q> {
    /// Spoils a queue.
    pub fn new(inner: Q, seed: u64) -> Self {
        Self { inner, seed: Mutex::new(seed) }
    }

    /// The queue itself.
    pub fn inner(&self) -> &Q {
        &self.inner
    }

    /// A number below `below`.
    fn chance(&self, below: u64) -> u64 {
        let mut seed = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        // Knuth's MMIX generator; its high bits are the good ones.
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }
}

#[async_trait]
impl<Q: Queue> Queue for Unreliable<Q> {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut spoilt = Vec::new();
        for mut delivery in self.inner.receive((max / 2).max(1)).await? {
            match self.chance(6) {
                // The last hope of a batch is not lost, for a batch is never empty.
                0 if !spoilt.is_empty() => continue,
                1 if max > 1 => spoilt.push(delivery.clone()),
                2 => delivery.events.truncate(delivery.events.len().div_ceil(2)),
                3 => delivery.events.reverse(),
                _ => {}
            }
            let place = self.chance(spoilt.len() as u64 + 1);
            spoilt.insert(usize::try_from(place).unwrap_or(0), delivery);
        }
        Ok(spoilt)
    }

    fn progress(&self, settlement: &Settlement) -> Option<Progress> {
        self.inner.progress(settlement)
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), QueueError> {
        self.inner.settle(settlement).await
    }
}
