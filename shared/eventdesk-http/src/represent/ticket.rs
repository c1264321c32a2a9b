//! Tickets.

use eventdesk_app::{TicketRecord, access::Caller, commands::allowed_moves};
use eventdesk_events::{
    EmployeeId, TicketId, Timestamp, UserId, Version,
    ticket::{Priority, Status, TicketType},
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// A ticket.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Ticket")]
pub(crate) struct TicketView<'a> {
    /// Its id.
    id: TicketId,
    /// Unique among tickets, for people; in paths it stands for the id.
    number: u64,
    /// Absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    /// Absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Where it stands.
    status: Status,
    /// How soon it wants attention.
    priority: Priority,
    /// What it is about.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ticket_type: Option<TicketType>,
    /// In alphabetical order.
    tags: &'a [String],
    /// The employee it is about.
    requester: Requester<'a>,
    /// The staff user who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Assignee<'a>>,
    /// The user who opened it.
    opened_by: UserId,
    /// The closed ticket that it continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_up_of: Option<TicketId>,
    /// When it was opened.
    created_at: Timestamp,
    /// When it last changed itself.
    updated_at: Timestamp,
    /// The first public message of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_response_at: Option<Timestamp>,
    /// When it was solved; reopening takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    solved_at: Option<Timestamp>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
    /// When it should be solved.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    /// Messages that the caller may read; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_count: Option<u64>,
    /// The newest of them; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_at: Option<Timestamp>,
    /// Where the caller may move it.
    allowed_statuses: AllowedStatuses<'a>,
    /// Grows with each change of the ticket itself.
    version: Version,
}

/// The employee a ticket is about.
#[derive(Serialize, JsonSchema)]
struct Requester<'a> {
    /// The employee.
    employee_id: EmployeeId,
    /// The last known display name; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The user a ticket is given to.
#[derive(Serialize, JsonSchema)]
struct Assignee<'a> {
    /// The user.
    user_id: UserId,
    /// The last known display name; absent in a command's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(JsonSchema)]
#[schemars(transparent)]
struct AllowedStatuses<'a>(#[schemars(with = "Vec<Status>")] (&'a Caller, Status));

impl Serialize for AllowedStatuses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (caller, status) = self.0;
        serializer.collect_seq(allowed_moves(caller, status))
    }
}

impl<'a> TicketView<'a> {
    /// The ticket as the caller may see it.
    pub(crate) fn new(record: &'a TicketRecord, caller: &'a Caller) -> Self {
        let (facts, fed) = (&record.facts, record.fed.as_ref());
        Self {
            id: record.id,
            number: facts.number,
            title: record.text.title.as_deref(),
            description: record.text.description.as_deref(),
            status: facts.status,
            priority: facts.priority,
            ticket_type: facts.ticket_type,
            tags: &facts.tags,
            requester: Requester {
                employee_id: facts.requester_id,
                name: fed.and_then(|fed| fed.requester_name.as_deref()),
            },
            assignee: facts
                .assignee_id
                .map(|user_id| Assignee { user_id, name: fed.and_then(|fed| fed.assignee_name.as_deref()) }),
            opened_by: facts.opened_by,
            follow_up_of: facts.follow_up_of,
            created_at: facts.created_at,
            updated_at: facts.updated_at,
            first_response_at: fed.and_then(|fed| fed.first_response_at),
            solved_at: facts.solved_at,
            closed_at: facts.closed_at,
            due_at: facts.due_at,
            message_count: fed.map(|fed| fed.message_count),
            last_message_at: fed.and_then(|fed| fed.last_message_at),
            allowed_statuses: AllowedStatuses((caller, facts.status)),
            version: record.version,
        }
    }
}
