//! Rules of the ticket, case by case.

mod assigning;
mod editing;
mod fold;
mod life;
mod messages;
mod opening;
mod tags;
mod transitions;

use eventdesk_events::{
    message::{AuthorKind, Visibility},
    ticket::{Opened, OpenedText, Priority, Status, StatusCause, StatusChanged, TicketEvent},
};

use super::{EditTicket, OpenTicket, TicketCommand};
use crate::testing::{employee, user};

/// An order for a plain ticket.
fn order() -> OpenTicket {
    OpenTicket {
        number: 7,
        title: "Network problem".into(),
        description: "The printer on floor 3 is offline.".into(),
        priority: Priority::Normal,
        ticket_type: None,
        tags: vec![],
        requester_id: employee(1),
        assignee_id: None,
        opened_by: user(1),
        due_at: None,
        follow_up_of: None,
    }
}

/// What that order leads to.
fn opened() -> Opened {
    Opened {
        number: 7,
        status: Status::New,
        priority: Priority::Normal,
        ticket_type: None,
        tags: vec![],
        requester_id: employee(1),
        assignee_id: None,
        opened_by: user(1),
        due_at: None,
        follow_up_of: None,
        private: Some(OpenedText {
            title: "Network problem".into(),
            description: "The printer on floor 3 is offline.".into(),
        }),
    }
}

fn changed(previous: Status, current: Status, cause: StatusCause) -> TicketEvent {
    TicketEvent::StatusChanged(StatusChanged { previous, current, cause, private: None })
}

fn moved(previous: Status, current: Status) -> TicketEvent {
    changed(previous, current, StatusCause::Command)
}

/// A ticket without tags or assignee, brought to `status` by command.
fn history_to(status: Status) -> Vec<TicketEvent> {
    use Status::{Closed, New, Solved};
    let mut history = vec![TicketEvent::Opened(opened())];
    match status {
        New => {}
        Closed => history.extend([moved(New, Solved), moved(Solved, Closed)]),
        other => history.push(moved(New, other)),
    }
    history
}

/// One command of each kind that would change a plain ticket, deletion and opening aside.
fn every_change() -> Vec<TicketCommand> {
    vec![
        TicketCommand::Edit(EditTicket { priority: Some(Priority::Urgent), ..EditTicket::default() }),
        TicketCommand::Edit(EditTicket { title: Some("Another title".into()), ..EditTicket::default() }),
        TicketCommand::Edit(EditTicket { tags: Some(vec!["vpn".into()]), ..EditTicket::default() }),
        TicketCommand::Assign { user_id: user(2) },
        TicketCommand::ChangeRequester { employee_id: employee(2) },
        TicketCommand::AddTag("vpn".into()),
        TicketCommand::TakeMessage { author: AuthorKind::Requester, visibility: Visibility::Public },
        TicketCommand::TakeMessage { author: AuthorKind::Staff, visibility: Visibility::Internal },
    ]
}
