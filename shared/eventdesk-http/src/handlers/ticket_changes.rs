//! Changes of tickets.

use eventdesk_app::commands::{
    AssignTicket, ChangeRequester, DeleteTicket, EditTicket, MoveTicket, OpenTicket, TagTicket, UnassignTicket,
    UntagTicket,
};
use eventdesk_app::{Done, TicketRecord};
use eventdesk_events::{
    EmployeeId, StreamId, TicketId, Timestamp, UserId,
    ticket::{Priority, Status, TicketType},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Answered, changed, created, gone};
use crate::{Problem, represent::TicketView, request::Request};

/// A new ticket.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTicket {
    /// 1 to 200 characters, one line.
    #[schemars(required, with = "String", length(min = 1, max = 200))]
    title: Option<String>,
    /// 1 to 20,000 characters.
    #[schemars(required, with = "String", length(min = 1, max = 20_000))]
    description: Option<String>,
    /// Whom it is about. Staff must say; employees may leave it out and can name nobody but themselves.
    employee_id: Option<EmployeeId>,
    /// `normal` if not given.
    priority: Option<Priority>,
    /// What it is about.
    #[serde(rename = "type")]
    ticket_type: Option<TicketType>,
    /// At most 20, each 1 to 40 of `a` to `z`, digits, `-`, `_` and `.`.
    #[serde(default, deserialize_with = "absent_if_null")]
    tags: Vec<String>,
    /// The active staff user who shall work on it; it is then `open` at once.
    assignee_id: Option<UserId>,
    /// When it should be solved.
    due_at: Option<Timestamp>,
    /// The closed ticket that it continues.
    follow_up_of: Option<TicketId>,
}

/// `null` means the same as leaving the member out.
fn absent_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

pub(crate) async fn open(r: &Request<'_>) -> Answered {
    let body: NewTicket = r.json()?;
    let command = OpenTicket {
        title: body.title.clone(),
        description: body.description.clone(),
        employee_id: body.employee_id,
        priority: body.priority,
        ticket_type: body.ticket_type,
        tags: body.tags.clone(),
        assignee_id: body.assignee_id,
        due_at: body.due_at,
        follow_up_of: body.follow_up_of,
    };
    let done = r.create(command, &body).await?;
    let view = TicketView::new(&done.record, r.caller()?);
    created(r, &done, done.record.version, &format!("/tickets/{}", done.record.id), &view)
}

/// All fields of a ticket that can be set; what is left out gets its default or is taken away.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WholeTicket {
    /// 1 to 200 characters, one line.
    #[schemars(required, with = "String", length(min = 1, max = 200))]
    title: Option<String>,
    /// 1 to 20,000 characters.
    #[schemars(required, with = "String", length(min = 1, max = 20_000))]
    description: Option<String>,
    /// `normal` if not given.
    priority: Option<Priority>,
    /// What it is about.
    #[serde(rename = "type")]
    ticket_type: Option<TicketType>,
    /// All tags it shall have.
    #[serde(default, deserialize_with = "absent_if_null")]
    tags: Vec<String>,
    /// When it should be solved.
    due_at: Option<Timestamp>,
}

pub(crate) async fn replace(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let body: WholeTicket = r.json()?;
    let required = |text: &Option<String>| Some(text.clone().unwrap_or_default());
    missing(&[("title", body.title.is_none()), ("description", body.description.is_none())])?;
    let command = EditTicket {
        id,
        title: required(&body.title),
        description: required(&body.description),
        priority: Some(body.priority.unwrap_or_default()),
        ticket_type: Some(body.ticket_type),
        tags: Some(body.tags.clone()),
        due_at: Some(body.due_at),
    };
    let done = r.change(command, StreamId::Ticket(id), &body).await?;
    ticket(r, &done)
}

/// 422 for all required fields that are not there.
fn missing(fields: &[(&str, bool)]) -> Result<(), Problem> {
    let absent = fields.iter().filter(|(_, absent)| *absent).map(|(name, _)| crate::problem::FieldProblem {
        pointer: format!("/{name}"),
        code: "required",
        detail: "must be given".into(),
    });
    let absent: Vec<_> = absent.collect();
    if absent.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(absent)) }
}

/// Where a ticket shall stand.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusBody {
    /// The status.
    status: Status,
    /// Why, in words: 1 to 1,000 characters.
    #[schemars(length(min = 1, max = 1000))]
    reason: Option<String>,
}

pub(crate) async fn set_status(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let body: StatusBody = r.json()?;
    let command = MoveTicket { id, status: body.status, reason: body.reason.clone() };
    let done = r.change(command, StreamId::Ticket(id), &body).await?;
    ticket(r, &done)
}

/// Who shall work on a ticket.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssigneeBody {
    /// An active staff user.
    user_id: UserId,
}

pub(crate) async fn assign(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let body: AssigneeBody = r.json()?;
    let command = AssignTicket { id, user_id: body.user_id };
    let done = r.change(command, StreamId::Ticket(id), &body).await?;
    ticket(r, &done)
}

pub(crate) async fn unassign(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let done = r.change(UnassignTicket { id }, StreamId::Ticket(id), &r.no_body()?).await?;
    Ok(gone(&done, Some(done.record.version)))
}

/// Whom a ticket shall be about.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequesterBody {
    /// The employee.
    employee_id: EmployeeId,
}

pub(crate) async fn change_requester(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let body: RequesterBody = r.json()?;
    let command = ChangeRequester { id, employee_id: body.employee_id };
    let done = r.change(command, StreamId::Ticket(id), &body).await?;
    ticket(r, &done)
}

pub(crate) async fn tag(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let command = TagTicket { id, tag: r.param("tag")?.into_owned() };
    let done = r.change(command, StreamId::Ticket(id), &r.no_body()?).await?;
    ticket(r, &done)
}

pub(crate) async fn untag(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let command = UntagTicket { id, tag: r.param("tag")?.into_owned() };
    let done = r.change(command, StreamId::Ticket(id), &r.no_body()?).await?;
    Ok(gone(&done, Some(done.record.version)))
}

pub(crate) async fn delete(r: &Request<'_>) -> Answered {
    let id = r.ticket_id()?;
    let done = r.change(DeleteTicket { id }, StreamId::Ticket(id), &r.no_body()?).await?;
    Ok(gone(&done, None))
}

/// 200 with the ticket as it is now.
pub(super) fn ticket(r: &Request<'_>, done: &Done<TicketRecord>) -> Answered {
    changed(done, done.record.version, &TicketView::new(&done.record, r.caller()?))
}
