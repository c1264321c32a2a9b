//! What a message does to its ticket, for every status, author and visibility.

use eventdesk_events::{
    message::{
        AuthorKind::{self, Requester, Staff},
        Visibility::{self, Internal, Public},
    },
    ticket::{
        Status::{self, Closed, New, OnHold, Open, Pending, Solved},
        StatusCause,
    },
};

use super::{changed, history_to};
use crate::{
    testing::given,
    ticket::{Ticket, TicketCommand, TicketError},
};

/// Which messages open a ticket that stands in a status.
const OPENS: [(Status, AuthorKind, Visibility); 4] =
    [(New, Staff, Public), (Pending, Requester, Public), (OnHold, Requester, Public), (Solved, Requester, Public)];

#[test]
fn a_message_opens_its_ticket_or_leaves_it_or_is_refused() {
    for status in Status::ALL {
        for (author, visibility) in [(Staff, Public), (Staff, Internal), (Requester, Public), (Requester, Internal)] {
            let answer = given::<Ticket>(history_to(status)).when(TicketCommand::TakeMessage { author, visibility });
            if status == Closed {
                answer.then_err(TicketError::Closed);
            } else if OPENS.contains(&(status, author, visibility)) {
                answer.then([changed(status, Open, StatusCause::Message)]);
            } else {
                answer.then([]);
            }
        }
    }
}
