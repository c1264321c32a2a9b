//! The rules of a live ticket, one function a command.
//!
//! What would change nothing is answered before what would be refused: setting what is set is silent, on a closed
//! ticket too.

use std::collections::BTreeSet;

use eventdesk_events::{
    EmployeeId, UserId,
    message::{AuthorKind, Visibility},
    ticket::{
        Assigned, Deleted, Edited, EditedFacts, EditedText, Opened, OpenedText, RequesterChanged, Status, StatusCause,
        StatusChanged, StatusReason, Tagged, TicketEvent, Unassigned, Untagged,
    },
};

use super::{EditTicket, MAX_TAGS, OpenTicket, TicketError, TicketFacts, allowed_transitions};

type Decision = Result<Vec<TicketEvent>, TicketError>;

/// `events` unless the ticket is closed; nothing is never refused.
fn unless_closed(facts: &TicketFacts, events: Vec<TicketEvent>) -> Decision {
    if facts.status == Status::Closed && !events.is_empty() { Err(TicketError::Closed) } else { Ok(events) }
}

fn status_changed(facts: &TicketFacts, current: Status, cause: StatusCause, reason: Option<String>) -> TicketEvent {
    TicketEvent::StatusChanged(StatusChanged {
        previous: facts.status,
        current,
        cause,
        private: reason.map(|reason| StatusReason { reason }),
    })
}

fn tag_set(tags: Vec<String>) -> Result<BTreeSet<String>, TicketError> {
    let tags: BTreeSet<String> = tags.into_iter().collect();
    if tags.len() > MAX_TAGS { Err(TicketError::TooManyTags) } else { Ok(tags) }
}

pub(super) fn open(open: OpenTicket) -> Decision {
    Ok(vec![TicketEvent::Opened(Opened {
        number: open.number,
        status: if open.assignee_id.is_some() { Status::Open } else { Status::New },
        priority: open.priority,
        ticket_type: open.ticket_type,
        tags: tag_set(open.tags)?.into_iter().collect(),
        requester_id: open.requester_id,
        assignee_id: open.assignee_id,
        opened_by: open.opened_by,
        due_at: open.due_at,
        follow_up_of: open.follow_up_of,
        private: Some(OpenedText { title: open.title, description: open.description }),
    })])
}

pub(super) fn edit(facts: &TicketFacts, mut edit: EditTicket) -> Decision {
    let wanted_tags = edit.tags.take().map(tag_set).transpose()?;
    let mut events: Vec<TicketEvent> = edited(facts, edit).map(TicketEvent::Edited).into_iter().collect();
    if let Some(wanted) = wanted_tags {
        let present: BTreeSet<String> = facts.tags.iter().cloned().collect();
        // Removed before added, so that a reader who applies event by event never holds more than the bound.
        let removed: Vec<String> = present.difference(&wanted).cloned().collect();
        if !removed.is_empty() {
            events.push(TicketEvent::Untagged(Untagged { tags: removed }));
        }
        let added: Vec<String> = wanted.difference(&present).cloned().collect();
        if !added.is_empty() {
            events.push(TicketEvent::Tagged(Tagged { tags: added }));
        }
    }
    unless_closed(facts, events)
}

/// The fields that really change, `None` if none does.
fn edited(facts: &TicketFacts, edit: EditTicket) -> Option<Edited> {
    let mut changed = Vec::new();
    let (mut previous, mut current) = (EditedFacts::default(), EditedFacts::default());
    let mut text = EditedText::default();
    if let Some(title) = edit.title.filter(|new| edit.held.title.as_ref() != Some(new)) {
        changed.push("title".to_owned());
        text.previous.title = edit.held.title;
        text.current.title = Some(title);
    }
    if let Some(description) = edit.description.filter(|new| edit.held.description.as_ref() != Some(new)) {
        changed.push("description".to_owned());
        text.previous.description = edit.held.description;
        text.current.description = Some(description);
    }
    let private = if changed.is_empty() { None } else { Some(text) };
    if let Some(priority) = edit.priority.filter(|new| *new != facts.priority) {
        changed.push("priority".to_owned());
        previous.priority = Some(facts.priority);
        current.priority = Some(priority);
    }
    if let Some(ticket_type) = edit.ticket_type.filter(|new| *new != facts.ticket_type) {
        changed.push("type".to_owned());
        previous.ticket_type = facts.ticket_type;
        current.ticket_type = ticket_type;
    }
    if let Some(due_at) = edit.due_at.filter(|new| *new != facts.due_at) {
        changed.push("due_at".to_owned());
        previous.due_at = facts.due_at;
        current.due_at = due_at;
    }
    if changed.is_empty() { None } else { Some(Edited { changed, previous, current, private }) }
}

pub(super) fn set_status(facts: &TicketFacts, status: Status, reason: Option<String>) -> Decision {
    if status == facts.status {
        return Ok(Vec::new());
    }
    let allowed = allowed_transitions(facts.status);
    if !allowed.contains(&status) {
        return Err(TicketError::InvalidTransition { current: facts.status, allowed: allowed.to_vec() });
    }
    Ok(vec![status_changed(facts, status, StatusCause::Command, reason)])
}

pub(super) fn assign(facts: &TicketFacts, user_id: UserId) -> Decision {
    if facts.assignee_id == Some(user_id) {
        return Ok(Vec::new());
    }
    let mut events = vec![TicketEvent::Assigned(Assigned { previous: facts.assignee_id, current: user_id })];
    if facts.status == Status::New {
        events.push(status_changed(facts, Status::Open, StatusCause::Assignment, None));
    }
    unless_closed(facts, events)
}

pub(super) fn unassign(facts: &TicketFacts) -> Decision {
    let unassigned = facts.assignee_id.map(|previous| TicketEvent::Unassigned(Unassigned { previous }));
    unless_closed(facts, unassigned.into_iter().collect())
}

pub(super) fn change_requester(facts: &TicketFacts, employee_id: EmployeeId) -> Decision {
    if employee_id == facts.requester_id {
        return Ok(Vec::new());
    }
    let changed = RequesterChanged { previous: facts.requester_id, current: employee_id };
    unless_closed(facts, vec![TicketEvent::RequesterChanged(changed)])
}

pub(super) fn add_tag(facts: &TicketFacts, tag: String) -> Decision {
    if facts.tags.contains(&tag) {
        return Ok(Vec::new());
    }
    let events = unless_closed(facts, vec![TicketEvent::Tagged(Tagged { tags: vec![tag] })])?;
    if facts.tags.len() >= MAX_TAGS { Err(TicketError::TooManyTags) } else { Ok(events) }
}

pub(super) fn remove_tag(facts: &TicketFacts, tag: String) -> Decision {
    if !facts.tags.contains(&tag) {
        return Ok(Vec::new());
    }
    unless_closed(facts, vec![TicketEvent::Untagged(Untagged { tags: vec![tag] })])
}

pub(super) fn delete() -> Vec<TicketEvent> {
    vec![TicketEvent::Deleted(Deleted {})]
}

/// What a message does to its ticket: staff's first public one opens it, the requester's reopens it.
pub(super) fn take_message(facts: &TicketFacts, author: AuthorKind, visibility: Visibility) -> Decision {
    use Status::{Closed, New, OnHold, Pending, Solved};
    let opens = match (facts.status, author, visibility) {
        (Closed, _, _) => return Err(TicketError::Closed),
        (New, AuthorKind::Staff, Visibility::Public)
        | (Pending | OnHold | Solved, AuthorKind::Requester, Visibility::Public) => true,
        (_, AuthorKind::Staff | AuthorKind::Requester, Visibility::Public | Visibility::Internal) => false,
    };
    Ok(opens.then(|| status_changed(facts, Status::Open, StatusCause::Message, None)).into_iter().collect())
}
