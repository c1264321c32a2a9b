//! Telling the bus.

use async_trait::async_trait;

use super::Commit;

/// Why commits did not reach the bus; they are durable in the store all the same and will be found by the audit.
#[derive(Debug, thiserror::Error)]
#[error("publication failed")]
pub struct PublishError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Brings the events of durable commits to the bus.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes all events of `commits`, at least once, in any order.
    ///
    /// # Errors
    /// [`PublishError`] if some may not have been taken; publishing them again is safe, consumers drop repeats.
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError>;
}
