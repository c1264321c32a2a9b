//! Publishing where the bus tails the store.

use async_trait::async_trait;

use crate::ports::{Commit, PublishError, Publisher};

/// Publishes nothing, for the [`LocalQueue`](crate::local_queue::LocalQueue) reads the log itself: an appended
/// commit is a published one.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalPublisher;

#[async_trait]
impl Publisher for LocalPublisher {
    async fn publish(&self, _commits: &[Commit]) -> Result<(), PublishError> {
        Ok(())
    }
}
