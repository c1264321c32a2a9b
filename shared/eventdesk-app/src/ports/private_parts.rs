//! Removing what was written privately: the one change that commits ever see.

use async_trait::async_trait;
use eventdesk_events::{StreamId, Version};
use serde_json::value::RawValue;

use super::StoreError;

/// What is left of one commit's private parts.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The commit's stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
    /// One for each event, in their order; `None` where nothing private is left.
    pub private: Vec<Option<Box<RawValue>>>,
}

/// A store from which private parts can be removed for good.
#[async_trait]
pub trait PrivateParts: Send + Sync {
    /// Leaves of the commits' private parts what is given, and nothing else of what there was. A commit that does not
    /// exist is passed over. Readers see it at once, other processes within a moment.
    ///
    /// # Errors
    /// See [`StoreError`]; some may be done all the same.
    async fn redact(&self, redactions: Vec<Redaction>) -> Result<(), StoreError>;

    /// Makes sure that nothing of what was removed before stands in the store's files any more, its logs included.
    ///
    /// # Errors
    /// See [`StoreError`]; `Unavailable` while others hold on to it.
    async fn scrub(&self) -> Result<(), StoreError>;
}
