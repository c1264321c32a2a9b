//! Tickets and messages.

use eventdesk_events::{
    message::{Author, AuthorKind, Visibility},
    ticket::{Priority, Status, TicketText, TicketType},
};
use proptest::{option, prelude::*, sample::select};

use super::{SECRET, folds_the_same, never_panics, run};
use crate::{
    Decider,
    message::{Message, MessageCommand},
    testing::{employee, place, ticket, user},
    ticket::{EditTicket, MAX_TAGS, OpenTicket, Ticket, TicketCommand, allowed_transitions},
};

fn text() -> impl Strategy<Value = String> {
    (0..4_u8).prop_map(|n| format!("{SECRET} {n}"))
}

/// One of 30 tags, all as long as a tag may be.
fn tag() -> impl Strategy<Value = String> {
    (0..30_u8).prop_map(|n| format!("{n:x>40}"))
}

fn tags() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(tag(), 0..=25)
}

fn visibility() -> impl Strategy<Value = Visibility> {
    select(vec![Visibility::Public, Visibility::Internal])
}

fn author() -> impl Strategy<Value = AuthorKind> {
    select(vec![AuthorKind::Staff, AuthorKind::Requester])
}

fn ticket_type() -> impl Strategy<Value = Option<TicketType>> {
    option::of(select(TicketType::ALL.to_vec()))
}

fn open() -> impl Strategy<Value = TicketCommand> {
    (text(), text(), ticket_type(), tags(), option::of(0..3_u32), option::of(0..90_u64)).prop_map(
        |(title, description, ticket_type, tags, assignee, due)| {
            TicketCommand::Open(OpenTicket {
                number: u64::MAX,
                title,
                description,
                priority: Priority::Normal,
                ticket_type,
                tags,
                requester_id: employee(1),
                assignee_id: assignee.map(user),
                opened_by: user(1),
                due_at: due.map(|minute| place(minute).at),
                follow_up_of: Some(ticket(9)),
            })
        },
    )
}

fn edit() -> impl Strategy<Value = TicketCommand> {
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let facts = (option::of(select(Priority::ALL.to_vec())), option::of(ticket_type()), option::of(tags()));
    (texts, facts, option::of(option::of(0..90_u64))).prop_map(
        |((title, description, held_title, held_description), (priority, ticket_type, tags), due)| {
            TicketCommand::Edit(EditTicket {
                title,
                description,
                priority,
                ticket_type,
                due_at: due.map(|due| due.map(|minute| place(minute).at)),
                tags,
                held: TicketText { title: held_title, description: held_description },
            })
        },
    )
}

fn ticket_command() -> impl Strategy<Value = TicketCommand> {
    prop_oneof![
        1 => open(),
        6 => edit(),
        8 => (select(Status::ALL.to_vec()), option::of(text()))
            .prop_map(|(status, reason)| TicketCommand::SetStatus { status, reason }),
        3 => (0..3_u32).prop_map(|n| TicketCommand::Assign { user_id: user(n) }),
        2 => Just(TicketCommand::Unassign),
        2 => (0..3_u32).prop_map(|n| TicketCommand::ChangeRequester { employee_id: employee(n) }),
        8 => tag().prop_map(TicketCommand::AddTag),
        4 => tag().prop_map(TicketCommand::RemoveTag),
        1 => Just(TicketCommand::Delete),
        4 => (author(), visibility())
            .prop_map(|(author, visibility)| TicketCommand::TakeMessage { author, visibility }),
    ]
}

fn opened_and_worked() -> impl Strategy<Value = Vec<TicketCommand>> {
    (open(), proptest::collection::vec(ticket_command(), 0..60))
        .prop_map(|(open, rest)| std::iter::once(open).chain(rest).collect())
}

fn message_command() -> impl Strategy<Value = MessageCommand> {
    let post = (author(), visibility(), text()).prop_map(|(kind, visibility, body)| MessageCommand::Post {
        ticket_id: ticket(1),
        author: Author { id: user(1), kind },
        visibility,
        body,
    });
    let edit = (0..3_u32, text(), option::of(text())).prop_map(|(by, body, held)| MessageCommand::Edit {
        by: user(by),
        body,
        held,
    });
    let retract = (0..3_u32, any::<bool>()).prop_map(|(by, any)| MessageCommand::Retract { by: user(by), any });
    prop_oneof![1 => post, 6 => edit, 1 => retract]
}

proptest! {
    #[test]
    fn a_ticket_folds_the_same_however_it_is_split(commands in opened_and_worked(), split in 0..60_usize) {
        folds_the_same::<Ticket>(commands, split);
    }

    #[test]
    fn a_ticket_folds_any_events_without_a_panic(
        first in opened_and_worked(),
        second in opened_and_worked(),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut events: Vec<_> = [run::<Ticket>(first).0, run::<Ticket>(second).0].concat().concat();
        if !events.is_empty() {
            let places = events.len();
            events.rotate_left(seed.index(places));
        }
        never_panics::<Ticket>(&events);
    }

    #[test]
    fn a_ticket_never_has_too_many_tags_and_knows_its_times(commands in opened_and_worked()) {
        let (_, state) = run::<Ticket>(commands);
        if let Some(facts) = state.facts() {
            prop_assert!(facts.tags.len() <= MAX_TAGS);
            prop_assert!(facts.tags.is_sorted());
            prop_assert!(facts.created_at <= facts.updated_at);
            prop_assert_eq!(facts.solved_at.is_some(), facts.status.is_done());
            prop_assert_eq!(facts.closed_at.is_some(), facts.status == Status::Closed);
        }
    }

    #[test]
    fn repeating_a_command_adds_nothing_or_is_refused(commands in opened_and_worked(), status in select(Status::ALL.to_vec())) {
        let (_, state) = run::<Ticket>(commands);
        let again = || TicketCommand::SetStatus { status, reason: None };
        if let (Some(facts), Ok(events)) = (state.facts(), state.decide(again())) {
            let moves = events.len();
            prop_assert_eq!(moves == 1, allowed_transitions(facts.status).contains(&status));
            let after = events.iter().fold(state, |state, event| state.evolve(event, place(99)));
            prop_assert_eq!(after.decide(again()), Ok(vec![]));
        }
    }

    #[test]
    fn a_message_folds_the_same_however_it_is_split(
        commands in proptest::collection::vec(message_command(), 0..30),
        split in 0..30_usize,
    ) {
        folds_the_same::<Message>(commands, split);
    }
}

#[test]
fn the_largest_ticket_state_stays_small() {
    let tags = (0..MAX_TAGS).map(|n| format!("{n:x>40}")).collect();
    let open = OpenTicket {
        number: u64::MAX,
        title: SECRET.into(),
        description: SECRET.into(),
        priority: Priority::Urgent,
        ticket_type: Some(TicketType::Question),
        tags,
        requester_id: employee(1),
        assignee_id: Some(user(2)),
        opened_by: user(1),
        due_at: Some(place(1).at),
        follow_up_of: Some(ticket(1)),
    };
    let status = |status| TicketCommand::SetStatus { status, reason: Some(SECRET.into()) };
    let (_, state) = run::<Ticket>(vec![TicketCommand::Open(open), status(Status::Solved), status(Status::Closed)]);
    let stored = serde_json::to_string(&state).unwrap();
    assert!(stored.len() < 4_096, "{} bytes", stored.len());
    assert!(!stored.contains(SECRET));
}
