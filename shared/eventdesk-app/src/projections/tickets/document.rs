//! The ticket document.

use eventdesk_domain::{
    Decider,
    message::MessageFacts,
    ticket::{Ticket, TicketFacts},
};
use eventdesk_events::{
    Event, MessageId, Timestamp,
    message::{AuthorKind, Visibility},
    ticket::{Priority, TicketEvent, TicketText},
};
use serde::{Deserialize, Serialize};

use crate::{
    ports::{Field, FieldKind, Index, Value, ViewSpec},
    projections::{Applied, Folded, applied::millis},
};

macro_rules! field {
    ($name:literal, $kind:ident) => {
        Field { name: $name, kind: FieldKind::$kind }
    };
}
macro_rules! index {
    ($($name:literal),+) => {
        Index { fields: &[$($name),+], unique: false }
    };
}
pub(in crate::projections) use {field, index};

/// Tickets, by every filter and sort of the list.
pub static TICKETS: ViewSpec = ViewSpec {
    name: "tickets",
    shape: 1,
    fields: &[
        field!("number", Int),
        field!("status", Text),
        field!("priority", Int),
        field!("assignee", Text),
        field!("requester", Text),
        field!("opened_by", Text),
        field!("created_at", Int),
        field!("updated_at", Int),
        field!("due_order", Int),
        field!("overdue_from", Int),
        field!("tags", Set),
    ],
    indexes: &[
        index!("number"),
        index!("created_at"),
        index!("updated_at"),
        index!("priority"),
        index!("due_order"),
        index!("overdue_from"),
        index!("status", "updated_at"),
        index!("assignee", "updated_at"),
        index!("requester", "updated_at"),
        index!("opened_by", "updated_at"),
    ],
};

/// Messages as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many were posted; retracted ones count, the fact stays.
    pub count: u64,
    /// When the newest was posted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_at: Option<Timestamp>,
}

impl Tally {
    fn add(&mut self, at: Timestamp) {
        self.count += 1;
        self.last_at = self.last_at.max(Some(at));
    }
}

/// What messages feed into their ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tallies {
    /// What requesters see.
    pub public: Tally,
    /// What staff see besides.
    pub internal: Tally,
    /// The earliest public message of staff: a minimum, so that order does not matter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_response_at: Option<Timestamp>,
}

/// A ticket as the read model has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TicketDocument {
    /// The fold of its own stream.
    pub ticket: Ticket,
    /// Title and description, unless erased.
    pub text: TicketText,
    /// The fold of its messages.
    pub messages: Tallies,
    /// Messages that are counted above, whose rows may not exist yet.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pending: Vec<MessageId>,
}

impl TicketDocument {
    /// Counts a message whose row does not exist yet; `false` if it is counted already.
    pub(crate) fn count(&mut self, id: MessageId, facts: &MessageFacts) -> bool {
        if self.pending.contains(&id) {
            return false;
        }
        match facts.visibility {
            Visibility::Public => self.messages.public.add(facts.created_at),
            Visibility::Internal => self.messages.internal.add(facts.created_at),
        }
        if facts.visibility == Visibility::Public && facts.author.kind == AuthorKind::Staff {
            let first = self.messages.first_response_at.get_or_insert(facts.created_at);
            *first = (*first).min(facts.created_at);
        }
        self.pending.push(id);
        true
    }

    /// Forgets pending messages whose rows exist.
    pub(super) fn settle(&mut self, row_exists: impl Fn(&MessageId) -> bool) {
        self.pending.retain(|id| !row_exists(id));
    }

    fn set_text(&mut self, event: &TicketEvent) {
        match event {
            TicketEvent::Opened(opened) => {
                self.text = opened.private.clone().map_or_else(TicketText::default, |text| TicketText {
                    title: Some(text.title),
                    description: Some(text.description),
                });
            }
            TicketEvent::Edited(edited) => {
                let current = edited.private.as_ref().map(|text| &text.current);
                for field in &edited.changed {
                    match field.as_str() {
                        "title" => self.text.title = current.and_then(|text| text.title.clone()),
                        "description" => self.text.description = current.and_then(|text| text.description.clone()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

impl Folded for TicketDocument {
    const VIEW: &'static ViewSpec = &TICKETS;

    fn fold(&mut self, commit: &Applied) {
        for applied in &commit.events {
            if let Event::Ticket(event) = &applied.event {
                self.set_text(event);
                self.ticket = std::mem::take(&mut self.ticket).evolve(event, commit.place);
            }
        }
    }

    fn is_deleted(&self) -> bool {
        !matches!(self.ticket, Ticket::Live(_))
    }

    fn fields(&self) -> Vec<Value> {
        self.ticket.facts().map_or_else(|| vec![Value::Null; TICKETS.fields.len()], fields)
    }
}

fn fields(facts: &TicketFacts) -> Vec<Value> {
    vec![
        Value::Int(i64::try_from(facts.number).unwrap_or(i64::MAX)),
        Value::Text(facts.status.as_str().to_owned()),
        Value::Int(priority_rank(facts.priority)),
        facts.assignee_id.map_or(Value::Null, |id| Value::Text(id.to_string())),
        Value::Text(facts.requester_id.to_string()),
        Value::Text(facts.opened_by.to_string()),
        millis(facts.created_at),
        millis(facts.updated_at),
        // What has no due time, or is done, waits at the end of time.
        facts.due_at.map_or(Value::Int(i64::MAX), millis),
        facts.due_at.filter(|_| !facts.status.is_done()).map_or(Value::Int(i64::MAX), millis),
        Value::Set(facts.tags.clone()),
    ]
}

/// A priority as the view sorts it, least urgent first.
pub(crate) fn priority_rank(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
        Priority::Urgent => 3,
    }
}
