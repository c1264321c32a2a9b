//! What the state remembers of a history.

use eventdesk_events::{
    Version,
    ticket::{
        Assigned, Deleted, Edited, EditedFacts, Opened, Priority, Status, Tagged, TicketEvent, TicketType, Unassigned,
        Untagged,
    },
};

use super::{history_to, moved, opened};
use crate::{
    testing::{fold, place, user},
    ticket::{Ticket, TicketFacts},
};

fn facts(history: &[TicketEvent]) -> TicketFacts {
    let Ticket::Live(facts) = fold::<Ticket>(history) else { panic!("not a live ticket") };
    facts
}

#[test]
fn solving_and_closing_leave_their_times() {
    let facts = facts(&history_to(Status::Closed));
    assert_eq!((facts.solved_at, facts.closed_at), (Some(place(2).at), Some(place(3).at)));
    assert_eq!((facts.created_at, facts.updated_at), (place(1).at, place(3).at));
}

#[test]
fn reopening_clears_the_time_of_solving() {
    let mut history = history_to(Status::Solved);
    history.push(moved(Status::Solved, Status::Open));
    assert_eq!(facts(&history).solved_at, None);
}

#[test]
fn an_edit_moves_the_version_of_the_texts_it_names() {
    let edited = |changed: &[&str]| {
        TicketEvent::Edited(Edited {
            changed: changed.iter().map(ToString::to_string).collect(),
            previous: EditedFacts::default(),
            current: EditedFacts { priority: Some(Priority::High), ..EditedFacts::default() },
            private: None,
        })
    };
    let opened =
        TicketEvent::Opened(Opened { ticket_type: Some(TicketType::Task), due_at: Some(place(50).at), ..opened() });
    let facts = facts(&[opened, edited(&["title"]), edited(&["description", "type"]), edited(&["priority", "due_at"])]);
    assert_eq!(facts.title_version, Version::new(2));
    assert_eq!(facts.description_version, Version::new(3));
    assert_eq!((facts.priority, facts.ticket_type, facts.due_at), (Priority::High, None, None));
}

#[test]
fn assignee_and_tags_follow_their_events() {
    let tags = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut history = history_to(Status::Open);
    history.extend([
        TicketEvent::Assigned(Assigned { previous: None, current: user(2) }),
        TicketEvent::Tagged(Tagged { tags: tags(&["vpn", "wifi"]) }),
        TicketEvent::Tagged(Tagged { tags: tags(&["mail"]) }),
        TicketEvent::Untagged(Untagged { tags: tags(&["vpn"]) }),
    ]);
    let before = facts(&history);
    assert_eq!((before.assignee_id, before.tags), (Some(user(2)), tags(&["mail", "wifi"])));
    history.push(TicketEvent::Unassigned(Unassigned { previous: user(2) }));
    assert_eq!(facts(&history).assignee_id, None);
}

#[test]
fn a_deleted_ticket_keeps_its_last_facts() {
    let mut history = history_to(Status::Pending);
    let before = facts(&history);
    history.push(TicketEvent::Deleted(Deleted {}));
    assert_eq!(fold::<Ticket>(&history), Ticket::Deleted(TicketFacts { updated_at: place(3).at, ..before }));
}
