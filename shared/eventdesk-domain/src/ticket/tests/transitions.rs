//! Every cell of the table of moves.

use eventdesk_events::ticket::{
    Status::{self, Closed, New, OnHold, Open, Pending, Solved},
    StatusCause, StatusChanged, StatusReason, TicketEvent,
};

use super::{history_to, moved};
use crate::{
    testing::given,
    ticket::{Ticket, TicketCommand, TicketError, allowed_transitions},
};

/// Rows from, columns to (`new`, `open`, `pending`, `on_hold`, `solved`, `closed`): `y` moves, `n` refuses, `=` is
/// where the ticket stands.
const TABLE: [(Status, &str); 6] = [
    (New, "=yyyyn"),
    (Open, "n=yyyn"),
    (Pending, "ny=yyn"),
    (OnHold, "nyy=yn"),
    (Solved, "nynn=y"),
    (Closed, "nnnnn="),
];

#[test]
fn every_move_is_as_the_table_says() {
    for (from, row) in TABLE {
        assert_eq!(row.len(), Status::ALL.len());
        for (to, cell) in Status::ALL.into_iter().zip(row.chars()) {
            let answer = given::<Ticket>(history_to(from)).when(TicketCommand::SetStatus { status: to, reason: None });
            match cell {
                'y' => answer.then([moved(from, to)]),
                '=' => answer.then([]),
                _ => answer.then_err(TicketError::InvalidTransition {
                    current: from,
                    allowed: allowed_transitions(from).to_vec(),
                }),
            }
        }
    }
}

#[test]
fn the_allowed_moves_are_those_of_the_table() {
    for (from, row) in TABLE {
        let allowed: Vec<Status> =
            Status::ALL.into_iter().zip(row.chars()).filter(|(_, cell)| *cell == 'y').map(|(to, _)| to).collect();
        assert_eq!(allowed_transitions(from), allowed, "from {from:?}");
    }
}

#[test]
fn a_move_records_its_reason() {
    given::<Ticket>(history_to(New))
        .when(TicketCommand::SetStatus { status: OnHold, reason: Some("waits for the vendor".into()) })
        .then([TicketEvent::StatusChanged(StatusChanged {
            previous: New,
            current: OnHold,
            cause: StatusCause::Command,
            private: Some(StatusReason { reason: "waits for the vendor".into() }),
        })]);
}

#[test]
fn closing_twice_adds_nothing() {
    given::<Ticket>(history_to(Closed)).when(TicketCommand::SetStatus { status: Closed, reason: None }).then([]);
}
