//! What holds for a ticket that does not exist, is closed or was deleted.

use eventdesk_events::ticket::{Deleted, Status, TicketEvent};

use super::{every_change, history_to, order};
use crate::{
    testing::{employee, given},
    ticket::{EditTicket, Ticket, TicketCommand, TicketError},
};

fn deleted() -> Vec<TicketEvent> {
    let mut history = history_to(Status::Open);
    history.push(TicketEvent::Deleted(Deleted {}));
    history
}

#[test]
fn an_unopened_ticket_refuses_everything_but_opening() {
    let others = [
        TicketCommand::SetStatus { status: Status::Open, reason: None },
        TicketCommand::Unassign,
        TicketCommand::RemoveTag("vpn".into()),
        TicketCommand::Delete,
    ];
    for command in every_change().into_iter().chain(others) {
        given::<Ticket>([]).when(command).then_err(TicketError::NotFound);
    }
}

#[test]
fn a_closed_ticket_refuses_every_change() {
    for command in every_change() {
        given::<Ticket>(history_to(Status::Closed)).when(command).then_err(TicketError::Closed);
    }
}

#[test]
fn setting_what_is_set_is_silent_on_a_closed_ticket_too() {
    for command in [
        TicketCommand::Edit(EditTicket::default()),
        TicketCommand::SetStatus { status: Status::Closed, reason: Some("again".into()) },
        TicketCommand::Unassign,
        TicketCommand::ChangeRequester { employee_id: employee(1) },
        TicketCommand::RemoveTag("vpn".into()),
    ] {
        given::<Ticket>(history_to(Status::Closed)).when(command).then([]);
    }
}

#[test]
fn a_ticket_can_be_deleted_in_any_status() {
    for status in Status::ALL {
        given::<Ticket>(history_to(status)).when(TicketCommand::Delete).then([TicketEvent::Deleted(Deleted {})]);
    }
}

#[test]
fn a_deleted_ticket_refuses_everything() {
    let others = [
        TicketCommand::Edit(EditTicket::default()),
        TicketCommand::SetStatus { status: Status::Open, reason: None },
        TicketCommand::Unassign,
        TicketCommand::Delete,
    ];
    for command in every_change().into_iter().chain(others) {
        given::<Ticket>(deleted()).when(command).then_err(TicketError::Deleted);
    }
    given::<Ticket>(deleted()).when(TicketCommand::Open(order())).then_err(TicketError::AlreadyOpened);
}
