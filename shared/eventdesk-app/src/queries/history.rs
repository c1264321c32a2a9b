//! Who did what, when.

use eventdesk_domain::ticket::Ticket;
use eventdesk_events::{Actor, Event, EventId, StreamId, TicketId, Timestamp, UserId, Version, ticket::TicketEvent};
use serde_json::value::RawValue;

use super::{Page, PageRequest, Queries, QueryContext, TicketKey, consistency::Model, content, cursor::List};
use crate::{
    QueryError, Resource,
    ports::{Commit, Filter, Hit, RecordedEvent, Sort, Value},
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

/// One event of a history: the facts, and of private texts a reason alone.
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
    /// Why a ticket's status changed, in words, if that was given and is not erased.
    pub reason: Option<String>,
}

/// The bits of a place in a stream that say which event of a commit is meant.
const INDEX_BITS: u32 = 16;

fn entry(commit: &Commit, index: u16, recorded: &RecordedEvent) -> HistoryEntry {
    HistoryEntry {
        id: commit.event_id(index),
        event_type: recorded.event_type.to_string(),
        stream: commit.stream,
        version: commit.version,
        index,
        occurred_at: commit.at,
        actor: commit.actor.clone(),
        actor_name: None,
        correlation_id: commit.correlation_id,
        causation_id: commit.causation_id,
        facts: recorded.data.clone(),
        reason: None,
    }
}

/// Where the next page begins.
fn hit(place: u64, user: UserId) -> Hit {
    let place = Value::Int(i64::try_from(place).unwrap_or(i64::MAX));
    Hit { id: user.to_string(), version: 0, body: String::new(), place }
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
        let mut page = page.try_map(|(id, row)| {
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
                reason: None,
            })
        })?;
        self.add_reasons(&mut page.items).await?;
        Ok(page)
    }

    /// One page of what happened to a user, deleted ones too, oldest first: read from the events themselves, so it is
    /// never behind.
    ///
    /// # Errors
    /// `NotFound`, `BadCursor`, `Unavailable` and `Internal` only.
    pub async fn user_history(&self, user: UserId, page: &PageRequest) -> Result<Page<HistoryEntry>, QueryError> {
        let (stream, bound) = (StreamId::User(user), format!("history\n{user}"));
        let after = page.cursor.as_deref().map(|cursor| self.open_cursor(cursor, &bound)).transpose()?;
        let after = match after {
            Some((Value::Int(place), _)) => u64::try_from(place).map_err(|_| QueryError::BadCursor)?,
            Some(_) => return Err(QueryError::BadCursor),
            None => 0,
        };
        // The commit that the page before ended in may have more events.
        let from = Version::new((after >> INDEX_BITS).max(1));
        let commits = self.store.read(stream, from, page.limit + 2).await?;
        if commits.is_empty() {
            return Err(QueryError::NotFound(Resource::User));
        }
        let mut entries: Vec<(u64, HistoryEntry)> = Vec::new();
        for commit in commits {
            for (index, recorded) in (0_u16..).zip(&commit.events) {
                let place = (commit.version.get() << INDEX_BITS) | u64::from(index);
                if place >= after {
                    entries.push((place, entry(&commit, index, recorded)));
                }
            }
        }
        let next_cursor = match entries.get(page.limit) {
            Some((place, _)) => Some(self.make_cursor(&hit(*place, user), &bound)?),
            None => None,
        };
        let mut items: Vec<_> = entries.into_iter().take(page.limit).map(|(_, entry)| entry).collect();
        let names = self.names(&USERS, items.iter().map(|entry| entry.actor.id.clone())).await?;
        for entry in &mut items {
            entry.actor_name = names.get(&entry.actor.id).and_then(|name| name.name.clone());
        }
        Ok(Page { items, next_cursor, total: None })
    }

    /// Reasons are private: the view does not have them, so an erasure need not look for them there.
    async fn add_reasons(&self, entries: &mut [HistoryEntry]) -> Result<(), QueryError> {
        let moves = entries.iter_mut().filter(|entry| entry.event_type == "ticket.status_changed");
        let moves: Vec<&mut HistoryEntry> = moves.collect();
        if moves.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = moves.iter().map(|entry| (entry.stream, entry.version)).collect();
        let commits = self.store.read_many(&keys).await?;
        for (entry, commit) in moves.into_iter().zip(commits) {
            let Some(commit) = commit else { continue };
            let Some(recorded) = commit.events.get(usize::from(entry.index)) else { continue };
            if let Event::Ticket(TicketEvent::StatusChanged(changed)) = recorded.event()? {
                entry.reason = changed.private.map(|private| private.reason);
            }
        }
        Ok(())
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
