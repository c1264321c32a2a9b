//! Tickets and their conversations: lists, details and counts.
//!
//! A ticket's document is fed by two kinds of streams. Its own commits are folded; each message adds its contribution
//! once, though its events may come again days later. So the ticket document is written first and notes the message as
//! *pending*, then the message's row is written: a repeat finds the row, or the id among the pending. Ids whose rows are
//! known to exist are dropped from pending with the next write.

mod document;
mod message;

use std::collections::HashMap;

use async_trait::async_trait;
use eventdesk_events::{Envelope, MessageId, StreamId, TicketId, Version};
use serde::Deserialize;

pub(crate) use document::priority_rank;
pub use document::{TICKETS, Tallies, Tally, TicketDocument};
pub(super) use document::{field, index};
pub use message::{MESSAGES, MessageDocument};

use super::{
    Nudges, Plan, Projection, ProjectionError, Sources,
    applied::read_from,
    folded::{Draft, read},
};
use crate::ports::{Document, Put, ViewSpec};

/// Projects tickets and messages.
#[derive(Debug, Clone, Copy)]
pub struct TicketsProjection;

#[derive(Deserialize)]
struct OfTicket {
    ticket_id: TicketId,
}

#[async_trait]
impl Projection for TicketsProjection {
    fn name(&self) -> &'static str {
        "projector-ticket"
    }

    fn views(&self) -> &'static [&'static ViewSpec] {
        static VIEWS: [&ViewSpec; 2] = [&TICKETS, &MESSAGES];
        &VIEWS
    }

    fn takes(&self, event_type: &str) -> bool {
        event_type.starts_with("ticket.") || event_type.starts_with("message.")
    }

    fn subject(&self, nudge: &Envelope) -> Result<String, ProjectionError> {
        match nudge.stream {
            StreamId::Ticket(id) => Ok(id.to_string()),
            _ => serde_json::from_str::<OfTicket>(nudge.data.get())
                .map(|of| of.ticket_id.to_string())
                .map_err(|error| ProjectionError::Poison(error.to_string())),
        }
    }

    async fn plan(&self, sources: &Sources, subjects: &[Nudges]) -> Result<Vec<Plan>, ProjectionError> {
        let stored = Stored::fetch(sources, subjects).await?;
        let mut plans = Vec::with_capacity(subjects.len());
        for nudges in subjects {
            match plan_ticket(sources, &stored, nudges).await {
                Err(error @ ProjectionError::Unavailable(_)) => return Err(error),
                plan => plans.push(plan),
            }
        }
        Ok(plans)
    }
}

/// The documents that a batch touches, read in two round trips.
struct Stored {
    tickets: HashMap<String, Document>,
    messages: HashMap<String, Document>,
}

impl Stored {
    async fn fetch(sources: &Sources, subjects: &[Nudges]) -> Result<Self, ProjectionError> {
        let ids: Vec<&str> = subjects.iter().map(|nudges| nudges.subject.as_str()).collect();
        let tickets = by_id(sources.views.get(&TICKETS, &ids).await?);
        let mut rows: Vec<String> = subjects.iter().flat_map(Nudges::streams).filter_map(message_id).collect();
        for ticket in tickets.values() {
            // A document that cannot be read is its own subject's poison, found again below.
            if let Ok(content) = read::<TicketDocument>(ticket) {
                rows.extend(content.pending.iter().map(MessageId::to_string));
            }
        }
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let messages = if rows.is_empty() { HashMap::new() } else { by_id(sources.views.get(&MESSAGES, &rows).await?) };
        Ok(Self { tickets, messages })
    }
}

async fn plan_ticket(sources: &Sources, stored: &Stored, nudges: &Nudges) -> Plan {
    let id = TicketId::parse(&nudges.subject).map_err(|error| ProjectionError::Poison(error.to_string()))?;
    let stream = StreamId::Ticket(id);
    let mut ticket: Draft<TicketDocument> = Draft::open(nudges.subject.clone(), stored.tickets.get(&nudges.subject))?;
    let applied = Version::new(ticket.version);
    let commits = if applied == Version::NONE && nudges.newest(stream) == Version::NONE {
        // A message came before its ticket did.
        read_from(&*sources.store, stream, Version::FIRST).await?
    } else {
        nudges.missing(&*sources.store, stream, applied).await?
    };
    ticket.apply(&commits);
    // Rides along with the next change: by itself it is not worth a write.
    ticket.content.settle(|message| stored.messages.contains_key(&message.to_string()));
    let mut rows = Vec::new();
    for stream in nudges.streams().filter(|stream| matches!(stream, StreamId::Message(_))) {
        rows.extend(plan_message(sources, stored, nudges, stream, &mut ticket).await?);
    }
    let mut puts: Vec<Put> = ticket.put()?.into_iter().collect();
    puts.extend(rows);
    Ok(puts)
}

async fn plan_message(
    sources: &Sources,
    stored: &Stored,
    nudges: &Nudges,
    stream: StreamId,
    ticket: &mut Draft<TicketDocument>,
) -> Result<Option<Put>, ProjectionError> {
    let StreamId::Message(id) = stream else { return Ok(None) };
    let key = id.to_string();
    let row = stored.messages.get(&key);
    let mut message: Draft<MessageDocument> = Draft::open(key, row)?;
    let commits = nudges.missing(&*sources.store, stream, Version::new(message.version)).await?;
    message.apply(&commits);
    if row.is_none()
        && let Some(facts) = message.content.message.facts()
    {
        ticket.changed |= ticket.content.count(id, facts);
    }
    message.put()
}

fn message_id(stream: StreamId) -> Option<String> {
    match stream {
        StreamId::Message(id) => Some(id.to_string()),
        _ => None,
    }
}

pub(super) fn by_id(documents: Vec<Option<Document>>) -> HashMap<String, Document> {
    documents.into_iter().flatten().map(|document| (document.id.clone(), document)).collect()
}
