//! What only an import asks of an event store.

use async_trait::async_trait;

use super::{EventStore, StoreError};

/// An event store that can be filled from a file.
#[async_trait]
pub trait ImportStore: EventStore {
    /// The mark of an import that was begun and not ended: such a store is not to be served from.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn unfinished_import(&self) -> Result<Option<u32>, StoreError>;

    /// Sets or takes away the mark; durable when it returns.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn mark_import(&self, mark: Option<u32>) -> Result<(), StoreError>;

    /// From now on every number that [`EventStore::next_ticket_number`] gives is greater than this one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn raise_ticket_numbers(&self, used: u64) -> Result<(), StoreError>;
}
