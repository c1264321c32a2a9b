//! The ticket: its life, and what may be asked of it when.

mod decide;
mod evolve;
#[cfg(test)]
mod tests;
mod transitions;

use eventdesk_events::{
    EmployeeId, TicketId, Timestamp, UserId, Version,
    message::{AuthorKind, Visibility},
    ticket::{Priority, Status, TicketEvent, TicketText, TicketType},
};
use serde::{Deserialize, Serialize};

use crate::{Decider, Place};

pub use transitions::allowed_transitions;

/// How many tags a ticket may have.
pub const MAX_TAGS: usize = 20;

/// A ticket as far as rules need it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ticket {
    /// It does not exist yet.
    #[default]
    Unopened,
    /// It exists, closed ones included.
    Live(TicketFacts),
    /// It was deleted; the facts are those of its last moment.
    Deleted(TicketFacts),
}

/// The facts about a ticket, without its texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketFacts {
    /// Unique among tickets, from 1.
    pub number: u64,
    /// Where it stands.
    pub status: Status,
    /// How soon it wants attention.
    pub priority: Priority,
    /// What it is about.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub ticket_type: Option<TicketType>,
    /// Sorted, without repeats, at most [`MAX_TAGS`].
    pub tags: Vec<String>,
    /// The employee it is about.
    pub requester_id: EmployeeId,
    /// The staff user who works on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assignee_id: Option<UserId>,
    /// The user who opened it.
    pub opened_by: UserId,
    /// When it should be solved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    /// The closed ticket that it continues.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub follow_up_of: Option<TicketId>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its last event happened.
    pub updated_at: Timestamp,
    /// When it was solved; reopening clears it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub solved_at: Option<Timestamp>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed_at: Option<Timestamp>,
    /// The version that last set the title.
    pub title_version: Version,
    /// The version that last set the description.
    pub description_version: Version,
}

/// What can be asked of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum TicketCommand {
    /// Open it.
    Open(OpenTicket),
    /// Set fields to new values.
    Edit(EditTicket),
    /// Move it to another status.
    SetStatus {
        /// The status it shall have.
        status: Status,
        /// Why, in words.
        reason: Option<String>,
    },
    /// Give it to a staff user.
    Assign {
        /// The user, known to be active staff.
        user_id: UserId,
    },
    /// Take it from its assignee.
    Unassign,
    /// Make it about another employee.
    ChangeRequester {
        /// The employee, known to exist.
        employee_id: EmployeeId,
    },
    /// Add one tag.
    AddTag(String),
    /// Remove one tag.
    RemoveTag(String),
    /// Delete it.
    Delete,
    /// Take a message that is being posted.
    TakeMessage {
        /// On which side of the desk its author stands.
        author: AuthorKind,
        /// Who may read it.
        visibility: Visibility,
    },
}

/// A new ticket; its texts and tags have passed [`crate::text`].
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTicket {
    /// Unique among tickets, from 1.
    pub number: u64,
    /// 1 to 200 characters.
    pub title: String,
    /// 1 to 20,000 characters.
    pub description: String,
    /// How soon it wants attention.
    pub priority: Priority,
    /// What it is about.
    pub ticket_type: Option<TicketType>,
    /// In any order, repeats allowed.
    pub tags: Vec<String>,
    /// The employee, known to exist.
    pub requester_id: EmployeeId,
    /// The user, known to be active staff; a ticket assigned at once starts as `open`.
    pub assignee_id: Option<UserId>,
    /// The user who opens it.
    pub opened_by: UserId,
    /// When it should be solved.
    pub due_at: Option<Timestamp>,
    /// The ticket that it continues, known to be closed.
    pub follow_up_of: Option<TicketId>,
}

/// New values for some fields; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EditTicket {
    /// 1 to 200 characters.
    pub title: Option<String>,
    /// 1 to 20,000 characters.
    pub description: Option<String>,
    /// How soon it wants attention.
    pub priority: Option<Priority>,
    /// What it is about; `Some(None)` takes the type away.
    pub ticket_type: Option<Option<TicketType>>,
    /// When it should be solved; `Some(None)` takes the date away.
    pub due_at: Option<Option<Timestamp>>,
    /// All tags it shall have, in any order.
    pub tags: Option<Vec<String>>,
    /// The texts now stored; `None` where they were erased, so that any new text is a change.
    pub held: TicketText,
}

/// Why a ticket refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It was never opened.
    #[error("no such ticket")]
    NotFound,
    /// It was deleted; also what a second deletion gets.
    #[error("the ticket was deleted")]
    Deleted,
    /// The id is taken.
    #[error("the ticket was opened already")]
    AlreadyOpened,
    /// It is closed for good; a follow-up ticket may continue it.
    #[error("the ticket is closed")]
    Closed,
    /// The status cannot be reached from where the ticket stands; a closed ticket reaches none.
    #[error("the ticket is {} and cannot move there", current.as_str())]
    InvalidTransition {
        /// Where it stands.
        current: Status,
        /// Where it may move.
        allowed: Vec<Status>,
    },
    /// It would have more than [`MAX_TAGS`].
    #[error("a ticket has at most {MAX_TAGS} tags")]
    TooManyTags,
}

impl Ticket {
    /// The facts, unless it was never opened.
    pub fn facts(&self) -> Option<&TicketFacts> {
        match self {
            Self::Unopened => None,
            Self::Live(facts) | Self::Deleted(facts) => Some(facts),
        }
    }
}

impl Decider for Ticket {
    type Command = TicketCommand;
    type Event = TicketEvent;
    type Error = TicketError;

    fn decide(&self, command: TicketCommand) -> Result<Vec<TicketEvent>, TicketError> {
        use {TicketCommand as C, TicketError as R};
        match (self, command) {
            (Self::Unopened, C::Open(open)) => decide::open(open),
            (Self::Unopened, _) => Err(R::NotFound),
            (Self::Live(_) | Self::Deleted(_), C::Open(_)) => Err(R::AlreadyOpened),
            (Self::Deleted(_), _) => Err(R::Deleted),
            (Self::Live(facts), C::Edit(edit)) => decide::edit(facts, edit),
            (Self::Live(facts), C::SetStatus { status, reason }) => decide::set_status(facts, status, reason),
            (Self::Live(facts), C::Assign { user_id }) => decide::assign(facts, user_id),
            (Self::Live(facts), C::Unassign) => decide::unassign(facts),
            (Self::Live(facts), C::ChangeRequester { employee_id }) => decide::change_requester(facts, employee_id),
            (Self::Live(facts), C::AddTag(tag)) => decide::add_tag(facts, tag),
            (Self::Live(facts), C::RemoveTag(tag)) => decide::remove_tag(facts, tag),
            (Self::Live(_), C::Delete) => Ok(decide::delete()),
            (Self::Live(facts), C::TakeMessage { author, visibility }) => {
                decide::take_message(facts, author, visibility)
            }
        }
    }

    fn evolve(self, event: &TicketEvent, place: Place) -> Self {
        evolve::evolve(self, event, place)
    }
}
