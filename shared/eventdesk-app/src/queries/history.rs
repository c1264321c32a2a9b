//! Who did what, when.

use eventdesk_events::{Actor, EventId, StreamId, TicketId, Timestamp, Version};
use serde_json::value::RawValue;

use super::{Page, PageRequest, Queries, QueryContext};
use crate::QueryError;

/// Whose history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryFilter {
    /// The ticket, with its messages.
    pub ticket: TicketId,
    /// Whether the caller may see the history of deleted tickets.
    pub may_see_deleted: bool,
    /// Whether the caller may see internal notes.
    pub may_note: bool,
}

/// One event of a history: the facts, without private texts.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// The event's id.
    pub id: EventId,
    /// `ticket.opened` and the like.
    pub event_type: String,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// The version of its commit.
    pub version: Version,
    /// Its place in the commit.
    pub index: u16,
    /// When.
    pub occurred_at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The actor's display name, the last known one after deletion.
    pub actor_name: Option<String>,
    /// The request that started the chain of causes.
    pub correlation_id: uuid::Uuid,
    /// The event that it answers to.
    pub causation_id: Option<EventId>,
    /// The event's `data`.
    pub facts: Box<RawValue>,
}

impl Queries {
    /// One page of a ticket's history, oldest first.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn history(
        &self,
        context: &QueryContext,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<HistoryEntry>, QueryError> {
        let _ = (context, filter, page);
        Err(QueryError::Forbidden)
    }
}
