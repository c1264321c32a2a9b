//! Access tokens that were taken back before their end.

use async_trait::async_trait;
use eventdesk_events::Timestamp;
use uuid::Uuid;

/// The revocations could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("revocations unavailable")]
pub struct RevocationsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Remembers ids of tokens (`jti`) and of sessions (`sid`) until every token of theirs has ended by itself. There are
/// few at any time. What was answered is durable.
#[async_trait]
pub trait Revocations: Send + Sync {
    /// Revokes an id until a time; a second one for the same id never shortens it.
    ///
    /// # Errors
    /// [`RevocationsError`].
    async fn revoke(&self, id: Uuid, until: Timestamp, now: Timestamp) -> Result<(), RevocationsError>;

    /// Every id that is revoked beyond `now`, in no order.
    ///
    /// # Errors
    /// [`RevocationsError`].
    async fn all(&self, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, RevocationsError>;
}
