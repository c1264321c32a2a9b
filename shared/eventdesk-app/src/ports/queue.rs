//! What one consumer has yet to work through.

use async_trait::async_trait;
use eventdesk_events::Envelope;

use super::Progress;

/// Names one delivery until it is settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub String);

/// Events handed to a consumer: one event where the bus carries single events, a whole commit where it can.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// To settle it by.
    pub id: DeliveryId,
    /// 1 at first; grows with each redelivery.
    pub attempt: u32,
    /// In any order, possibly seen before, possibly only some of their commit.
    pub events: Vec<Envelope>,
}

/// How a batch went.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// Worked through; never delivered again by this queue.
    pub done: Vec<DeliveryId>,
    /// Not worked through, with the reason: delivered again after a back-off, dead after too many attempts.
    pub failed: Vec<(DeliveryId, String)>,
}

/// The queue could not be reached or refused; nothing was settled or handed out.
#[derive(Debug, thiserror::Error)]
#[error("queue unavailable")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// One consumer's queue: delivers at least once, in no promised order.
///
/// A delivery that is neither done nor failed within the visibility time is delivered again. A failed one comes
/// back after a back-off that grows with its attempts; after the last attempt it is a dead letter with its reason,
/// and deliveries of other streams never waited for it.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Up to `max` deliveries, at least one; waits until there is one.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError>;

    /// What to store in one transaction with the views when this settlement takes place; `None` where the queue
    /// keeps its own state elsewhere.
    fn progress(&self, settlement: &Settlement) -> Option<Progress>;

    /// Settles a batch, after its [`Queue::progress`] was stored with the views.
    ///
    /// # Errors
    /// [`QueueError`]; the deliveries may then come again.
    async fn settle(&self, settlement: Settlement) -> Result<(), QueueError>;
}
