use eventdesk_events::ticket::{Assigned, Opened, RequesterChanged, Status, StatusCause, TicketEvent, Unassigned};

use super::{changed, history_to, opened};
use crate::{
    testing::{employee, given, user},
    ticket::{Ticket, TicketCommand, TicketError},
};

fn assigned_ticket() -> Vec<TicketEvent> {
    vec![TicketEvent::Opened(Opened { status: Status::Open, assignee_id: Some(user(2)), ..opened() })]
}

#[test]
fn assigning_a_new_ticket_opens_it() {
    given::<Ticket>(history_to(Status::New)).when(TicketCommand::Assign { user_id: user(2) }).then([
        TicketEvent::Assigned(Assigned { previous: None, current: user(2) }),
        changed(Status::New, Status::Open, StatusCause::Assignment),
    ]);
}

#[test]
fn assigning_a_ticket_at_work_keeps_its_status() {
    for status in [Status::Open, Status::Pending, Status::OnHold, Status::Solved] {
        given::<Ticket>(history_to(status))
            .when(TicketCommand::Assign { user_id: user(2) })
            .then([TicketEvent::Assigned(Assigned { previous: None, current: user(2) })]);
    }
}

#[test]
fn assigning_to_another_names_both() {
    given::<Ticket>(assigned_ticket())
        .when(TicketCommand::Assign { user_id: user(3) })
        .then([TicketEvent::Assigned(Assigned { previous: Some(user(2)), current: user(3) })]);
}

#[test]
fn assigning_to_the_same_adds_nothing() {
    given::<Ticket>(assigned_ticket()).when(TicketCommand::Assign { user_id: user(2) }).then([]);
}

#[test]
fn unassigning_names_who_had_it() {
    given::<Ticket>(assigned_ticket())
        .when(TicketCommand::Unassign)
        .then([TicketEvent::Unassigned(Unassigned { previous: user(2) })]);
}

#[test]
fn unassigning_an_unassigned_ticket_adds_nothing() {
    given::<Ticket>(history_to(Status::New)).when(TicketCommand::Unassign).then([]);
}

#[test]
fn a_closed_ticket_keeps_its_assignee() {
    let mut history = assigned_ticket();
    history.extend([super::moved(Status::Open, Status::Solved), super::moved(Status::Solved, Status::Closed)]);
    let ticket = given::<Ticket>(history);
    ticket.when(TicketCommand::Unassign).then_err(TicketError::Closed);
    ticket.when(TicketCommand::Assign { user_id: user(3) }).then_err(TicketError::Closed);
    ticket.when(TicketCommand::Assign { user_id: user(2) }).then([]);
}

#[test]
fn a_ticket_changes_its_requester() {
    let ticket = given::<Ticket>(history_to(Status::Pending));
    ticket
        .when(TicketCommand::ChangeRequester { employee_id: employee(2) })
        .then([TicketEvent::RequesterChanged(RequesterChanged { previous: employee(1), current: employee(2) })]);
    ticket.when(TicketCommand::ChangeRequester { employee_id: employee(1) }).then([]);
}
