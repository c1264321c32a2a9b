//! What the audit needs besides the ports of the desk.

use async_trait::async_trait;
use eventdesk_events::{Envelope, StreamId, Timestamp, Version};

use crate::ports::{QueueError, StoreError};

/// A commit's line in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedEntry {
    /// When it was made, by its writer's clock.
    pub at: Timestamp,
    /// The aggregate.
    pub stream: StreamId,
    /// The place in the stream.
    pub version: Version,
}

/// Every commit in the order of time, without its content.
#[async_trait]
pub trait Feed: Send + Sync {
    /// All commits made at `from` or later and before `to`, in any order. The newest may be missing: the feed may lag
    /// behind the store by some seconds.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<FeedEntry>, StoreError>;
}

/// The queues of the bus's consumers, by the consumers' names.
#[async_trait]
pub trait Consumers: Send + Sync {
    /// About how many messages wait in a consumer's queue, those included that are being worked through or wait for
    /// their back-off.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn waiting(&self, consumer: &str) -> Result<u64, QueueError>;

    /// Puts events into a consumer's queue, past the bus; all are of one replay, or of none.
    ///
    /// # Errors
    /// [`QueueError`]; some may be there all the same.
    async fn nudge(&self, consumer: &str, events: &[Envelope]) -> Result<(), QueueError>;
}
