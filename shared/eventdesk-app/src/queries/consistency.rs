//! Reading one's writes.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Bounds how many queries wait for the read models at once.
#[derive(Debug, Clone)]
pub struct Waiters(Arc<Semaphore>);

impl Waiters {
    /// At most `most` at once; the next one is told to come back.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}
