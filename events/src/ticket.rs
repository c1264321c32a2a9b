//! Events of a ticket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    EmployeeId, TicketId, Timestamp, UserId,
    payload::{events, private},
    text_form::read_from_text,
};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has worked on it yet.
    New,
    /// Being worked on.
    Open,
    /// Waits for the requester.
    Pending,
    /// Waits for a third party.
    OnHold,
    /// Answered; the requester may reopen it.
    Solved,
    /// Final.
    Closed,
}

impl Status {
    /// All statuses in the order of a ticket's life.
    pub const ALL: [Self; 6] = [Self::New, Self::Open, Self::Pending, Self::OnHold, Self::Solved, Self::Closed];

    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::OnHold => "on_hold",
            Self::Solved => "solved",
            Self::Closed => "closed",
        }
    }

    /// Whether the work is over: solved or closed.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Solved | Self::Closed)
    }
}

/// How soon a ticket wants attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Soon.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// All priorities, least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// What a ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketType {
    /// Somebody asks.
    Question,
    /// Something broke.
    Incident,
    /// The cause behind incidents.
    Problem,
    /// Something to do.
    Task,
}

impl TicketType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Question, Self::Incident, Self::Problem, Self::Task];

    /// The text form, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Incident => "incident",
            Self::Problem => "problem",
            Self::Task => "task",
        }
    }
}

read_from_text!(Status, Priority, TicketType);

/// Why a status changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusCause {
    /// Somebody set it.
    Command,
    /// A new ticket was assigned, which opens it.
    Assignment,
    /// A message opened or reopened it.
    Message,
}

/// A ticket was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// Unique among tickets, from 1; neither gapless nor in time order.
    pub number: u64,
    /// `new`, or `open` when it was assigned at once.
    pub status: Status,
    /// How soon it wants attention.
    pub priority: Priority,
    /// What it is about.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub ticket_type: Option<TicketType>,
    /// Lower case, without repeats, in alphabetical order.
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
    /// Title and description.
    #[serde(skip)]
    pub private: Option<OpenedText>,
}

/// The texts of a new ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedText {
    /// 1 to 200 characters.
    pub title: String,
    /// 1 to 20,000 characters.
    pub description: String,
}

/// Fields of a ticket were set to new values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// Names of the fields that changed: `title`, `description`, `priority`, `type`, `due_at`.
    pub changed: Vec<String>,
    /// The facts before; only fields that changed count.
    pub previous: EditedFacts,
    /// The facts after; only fields that changed count.
    pub current: EditedFacts,
    /// The texts before and after.
    #[serde(skip)]
    pub private: Option<EditedText>,
}

/// The facts that an edit can change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EditedFacts {
    /// How soon it wants attention.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<Priority>,
    /// What it is about; absent also when it has no type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub ticket_type: Option<TicketType>,
    /// When it should be solved; absent also when nothing is due.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
}

/// The texts that an edit can change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EditedText {
    /// The texts before, as far as they changed and were known.
    pub previous: TicketText,
    /// The texts after, as far as they changed.
    pub current: TicketText,
}

/// A ticket's texts; each may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TicketText {
    /// 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// 1 to 20,000 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
}

/// A ticket moved to another status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusChanged {
    /// The status before.
    pub previous: Status,
    /// The status after.
    pub current: Status,
    /// Why.
    pub cause: StatusCause,
    /// The reason in words, if one was given.
    #[serde(skip)]
    pub private: Option<StatusReason>,
}

/// A reason in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReason {
    /// 1 to 1,000 characters.
    pub reason: String,
}

/// A ticket was given to a staff user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    /// Who had it before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<UserId>,
    /// Who has it now.
    pub current: UserId,
}

/// A ticket was taken from its assignee.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unassigned {
    /// Who had it.
    pub previous: UserId,
}

/// A ticket is about another employee now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequesterChanged {
    /// The employee before.
    pub previous: EmployeeId,
    /// The employee now.
    pub current: EmployeeId,
}

/// Tags were added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tagged {
    /// The tags that were added, in alphabetical order.
    pub tags: Vec<String>,
}

/// Tags were removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Untagged {
    /// The tags that were removed, in alphabetical order.
    pub tags: Vec<String>,
}

/// A ticket was deleted; its history stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {}

private!(Opened => OpenedText);
private!(Edited => EditedText);
private!(StatusChanged => StatusReason);
private!(Assigned, Unassigned, RequesterChanged, Tagged, Untagged, Deleted);

events! {
    /// What can happen to a ticket.
    pub enum TicketEvent {
        /// It was opened.
        Opened(Opened) = "ticket.opened", schema 1;
        /// Fields were set to new values.
        Edited(Edited) = "ticket.edited", schema 1;
        /// It moved to another status.
        StatusChanged(StatusChanged) = "ticket.status_changed", schema 1;
        /// It was given to a staff user.
        Assigned(Assigned) = "ticket.assigned", schema 1;
        /// It was taken from its assignee.
        Unassigned(Unassigned) = "ticket.unassigned", schema 1;
        /// It is about another employee.
        RequesterChanged(RequesterChanged) = "ticket.requester_changed", schema 1;
        /// Tags were added.
        Tagged(Tagged) = "ticket.tagged", schema 1;
        /// Tags were removed.
        Untagged(Untagged) = "ticket.untagged", schema 1;
        /// It was deleted.
        Deleted(Deleted) = "ticket.deleted", schema 1;
    }
}
