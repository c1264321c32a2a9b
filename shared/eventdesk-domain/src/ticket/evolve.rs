//! The fold of a ticket's history. It applies what is recorded and judges nothing.

use eventdesk_events::ticket::{Edited, Opened, Status, TicketEvent};

use super::{Ticket, TicketFacts};
use crate::Place;

pub(super) fn evolve(ticket: Ticket, event: &TicketEvent, place: Place) -> Ticket {
    match (ticket, event) {
        (Ticket::Unopened, TicketEvent::Opened(opened)) => Ticket::Live(facts_of(opened, place)),
        (Ticket::Live(facts), TicketEvent::Deleted(_)) => {
            Ticket::Deleted(TicketFacts { updated_at: place.at, ..facts })
        }
        (Ticket::Live(mut facts), event) => {
            apply(&mut facts, event, place);
            facts.updated_at = place.at;
            Ticket::Live(facts)
        }
        // No decider records these; whatever they were, they changed nothing.
        (state @ (Ticket::Unopened | Ticket::Deleted(_)), _) => state,
    }
}

fn facts_of(opened: &Opened, place: Place) -> TicketFacts {
    TicketFacts {
        number: opened.number,
        status: opened.status,
        priority: opened.priority,
        ticket_type: opened.ticket_type,
        tags: opened.tags.clone(),
        requester_id: opened.requester_id,
        assignee_id: opened.assignee_id,
        opened_by: opened.opened_by,
        due_at: opened.due_at,
        follow_up_of: opened.follow_up_of,
        created_at: place.at,
        updated_at: place.at,
        solved_at: None,
        closed_at: None,
        title_version: place.version,
        description_version: place.version,
    }
}

fn apply(facts: &mut TicketFacts, event: &TicketEvent, place: Place) {
    match event {
        TicketEvent::Opened(_) | TicketEvent::Deleted(_) => {}
        TicketEvent::Edited(edited) => apply_edit(facts, edited, place),
        TicketEvent::StatusChanged(changed) => apply_status(facts, changed.current, place),
        TicketEvent::Assigned(assigned) => facts.assignee_id = Some(assigned.current),
        TicketEvent::Unassigned(_) => facts.assignee_id = None,
        TicketEvent::RequesterChanged(changed) => facts.requester_id = changed.current,
        TicketEvent::Tagged(tagged) => {
            facts.tags.extend(tagged.tags.iter().cloned());
            facts.tags.sort_unstable();
            facts.tags.dedup();
        }
        TicketEvent::Untagged(untagged) => facts.tags.retain(|tag| !untagged.tags.contains(tag)),
    }
}

fn apply_edit(facts: &mut TicketFacts, edited: &Edited, place: Place) {
    for field in &edited.changed {
        match field.as_str() {
            "title" => facts.title_version = place.version,
            "description" => facts.description_version = place.version,
            "priority" => facts.priority = edited.current.priority.unwrap_or(facts.priority),
            "type" => facts.ticket_type = edited.current.ticket_type,
            "due_at" => facts.due_at = edited.current.due_at,
            _ => {}
        }
    }
}

fn apply_status(facts: &mut TicketFacts, current: Status, place: Place) {
    facts.status = current;
    match current {
        Status::Solved => facts.solved_at = Some(place.at),
        Status::Closed => facts.closed_at = Some(place.at),
        Status::New | Status::Open | Status::Pending | Status::OnHold => {
            facts.solved_at = None;
            facts.closed_at = None;
        }
    }
}
