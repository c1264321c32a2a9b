use eventdesk_events::ticket::{Opened, Status, TicketEvent, TicketType};

use super::{history_to, opened, order};
use crate::{
    testing::{given, place, ticket, user},
    ticket::{MAX_TAGS, OpenTicket, Ticket, TicketCommand, TicketError},
};

#[test]
fn a_ticket_opens_as_new() {
    given::<Ticket>([]).when(TicketCommand::Open(order())).then([TicketEvent::Opened(opened())]);
}

#[test]
fn a_ticket_assigned_at_once_opens_as_open() {
    let order = OpenTicket { assignee_id: Some(user(2)), ..order() };
    given::<Ticket>([]).when(TicketCommand::Open(order)).then([TicketEvent::Opened(Opened {
        status: Status::Open,
        assignee_id: Some(user(2)),
        ..opened()
    })]);
}

#[test]
fn opening_records_every_fact() {
    let due_at = Some(place(9).at);
    let order = OpenTicket {
        ticket_type: Some(TicketType::Incident),
        due_at,
        follow_up_of: Some(ticket(4)),
        tags: vec!["vpn".into(), "office".into(), "vpn".into()],
        ..order()
    };
    given::<Ticket>([]).when(TicketCommand::Open(order)).then([TicketEvent::Opened(Opened {
        ticket_type: Some(TicketType::Incident),
        due_at,
        follow_up_of: Some(ticket(4)),
        tags: vec!["office".into(), "vpn".into()],
        ..opened()
    })]);
}

#[test]
fn a_ticket_opens_with_twenty_tags_and_not_with_more() {
    let tags = |n: usize| (0..n).map(|i| format!("tag-{i:02}")).collect::<Vec<_>>();
    given::<Ticket>([])
        .when(TicketCommand::Open(OpenTicket { tags: tags(MAX_TAGS), ..order() }))
        .then([TicketEvent::Opened(Opened { tags: tags(MAX_TAGS), ..opened() })]);
    given::<Ticket>([])
        .when(TicketCommand::Open(OpenTicket { tags: tags(MAX_TAGS + 1), ..order() }))
        .then_err(TicketError::TooManyTags);
}

#[test]
fn a_ticket_opens_once() {
    given::<Ticket>(history_to(Status::New)).when(TicketCommand::Open(order())).then_err(TicketError::AlreadyOpened);
}
