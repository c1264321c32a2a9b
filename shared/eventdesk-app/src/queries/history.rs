//! Who did what, when.

use eventdesk_domain::ticket::Ticket;
use eventdesk_events::{Actor, EventId, StreamId, TicketId, Timestamp, Version};
use serde_json::value::RawValue;

use super::{Page, PageRequest, Queries, QueryContext, TicketKey, consistency::Model, content, cursor::List};
use crate::{
    QueryError, Resource,
    ports::{Filter, Sort, Value},
    projections::{HISTORY, HistoryDocument, TicketDocument, USERS},
};

/// Whose history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryFilter {
    /// The ticket, with its messages.
    pub ticket: TicketId,
    /// Whether the caller may see the history of deleted tickets.
    pub may_see_deleted: bool,
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
        self.wait_for(Model::History, &context.token).await?;
        self.require_history(context, filter).await?;
        let list = List {
            view: &HISTORY,
            filters: vec![Filter::Equal("ticket", Value::Text(filter.ticket.to_string()))],
            sort: Sort { field: "place", descending: false },
            bound: filter.ticket.to_string(),
        };
        let page = self.page(list, page).await?.try_map(|document| {
            let id = EventId::parse(&document.id).map_err(|error| QueryError::Internal(error.into()))?;
            Ok((id, content::<HistoryDocument>(&document.body)?))
        })?;
        let names = self.names(&USERS, page.items.iter().map(|(_, row)| row.actor.id.clone())).await?;
        page.try_map(|(id, row)| {
            let actor_name = names.get(&row.actor.id).and_then(|name| name.name.clone());
            Ok(HistoryEntry {
                id,
                event_type: row.event_type,
                stream: row.stream,
                version: row.version,
                index: row.index,
                occurred_at: row.occurred_at,
                actor: row.actor,
                actor_name,
                correlation_id: row.correlation_id,
                causation_id: row.causation_id,
                facts: row.facts,
            })
        })
    }

    async fn require_history(&self, context: &QueryContext, filter: &HistoryFilter) -> Result<(), QueryError> {
        let unknown = QueryError::NotFound(Resource::Ticket);
        let Some(document) = self.ticket_document(TicketKey::Id(filter.ticket)).await? else { return Err(unknown) };
        let content: TicketDocument = content(&document.body)?;
        match &content.ticket {
            Ticket::Live(facts) if self.may_see(context, facts).await? => Ok(()),
            Ticket::Deleted(_) if filter.may_see_deleted => Ok(()),
            _ => Err(unknown),
        }
    }
}
