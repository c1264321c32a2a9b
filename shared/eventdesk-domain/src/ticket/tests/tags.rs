use eventdesk_events::ticket::{Opened, Status, Tagged, TicketEvent, Untagged};

use super::{history_to, moved, opened};
use crate::{
    testing::given,
    ticket::{MAX_TAGS, Ticket, TicketCommand, TicketError},
};

fn full_ticket() -> Vec<TicketEvent> {
    let tags = (0..MAX_TAGS).map(|i| format!("tag-{i:02}")).collect();
    vec![TicketEvent::Opened(Opened { tags, ..opened() })]
}

fn closed(mut history: Vec<TicketEvent>) -> Vec<TicketEvent> {
    history.extend([moved(Status::New, Status::Solved), moved(Status::Solved, Status::Closed)]);
    history
}

#[test]
fn a_tag_is_added_once() {
    let tagged = TicketEvent::Tagged(Tagged { tags: vec!["vpn".into()] });
    let mut history = history_to(Status::New);
    given::<Ticket>(history.clone()).when(TicketCommand::AddTag("vpn".into())).then([tagged.clone()]);
    history.push(tagged);
    given::<Ticket>(history).when(TicketCommand::AddTag("vpn".into())).then([]);
}

#[test]
fn a_tag_is_removed_once() {
    let removal = || TicketCommand::RemoveTag("tag-03".into());
    let untagged = TicketEvent::Untagged(Untagged { tags: vec!["tag-03".into()] });
    let mut history = full_ticket();
    given::<Ticket>(history.clone()).when(removal()).then([untagged.clone()]);
    history.push(untagged);
    given::<Ticket>(history).when(removal()).then([]);
}

#[test]
fn the_twenty_first_tag_is_refused() {
    let ticket = given::<Ticket>(full_ticket());
    ticket.when(TicketCommand::AddTag("one-more".into())).then_err(TicketError::TooManyTags);
    ticket.when(TicketCommand::AddTag("tag-00".into())).then([]);
}

#[test]
fn a_closed_ticket_keeps_its_tags() {
    let ticket = given::<Ticket>(closed(full_ticket()));
    ticket.when(TicketCommand::AddTag("one-more".into())).then_err(TicketError::Closed);
    ticket.when(TicketCommand::RemoveTag("tag-00".into())).then_err(TicketError::Closed);
    ticket.when(TicketCommand::AddTag("tag-00".into())).then([]);
}
