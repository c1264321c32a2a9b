use eventdesk_events::ticket::{
    Edited, EditedFacts, EditedText, Opened, Priority, Status, Tagged, TicketEvent, TicketText, TicketType, Untagged,
};

use super::{history_to, opened};
use crate::{
    testing::{given, place},
    ticket::{EditTicket, MAX_TAGS, Ticket, TicketCommand, TicketError},
};

fn held() -> TicketText {
    TicketText { title: Some("Network problem".into()), description: Some("The printer on floor 3 is offline.".into()) }
}

fn edit(edit: EditTicket) -> TicketCommand {
    TicketCommand::Edit(EditTicket { held: held(), ..edit })
}

fn tagged_ticket(tags: &[&str]) -> Vec<TicketEvent> {
    let tags = tags.iter().map(ToString::to_string).collect();
    vec![TicketEvent::Opened(Opened { tags, ..opened() })]
}

#[test]
fn an_edit_names_only_what_really_changes() {
    let command = edit(EditTicket {
        title: Some("Printer offline".into()),
        description: held().description,
        priority: Some(Priority::High),
        ticket_type: Some(None),
        ..EditTicket::default()
    });
    given::<Ticket>(history_to(Status::New)).when(command).then([TicketEvent::Edited(Edited {
        changed: vec!["title".into(), "priority".into()],
        previous: EditedFacts { priority: Some(Priority::Normal), ..EditedFacts::default() },
        current: EditedFacts { priority: Some(Priority::High), ..EditedFacts::default() },
        private: Some(EditedText {
            previous: TicketText { title: held().title, description: None },
            current: TicketText { title: Some("Printer offline".into()), description: None },
        }),
    })]);
}

#[test]
fn an_edit_of_facts_alone_has_no_private_part() {
    let due_at = place(30).at;
    let command = edit(EditTicket {
        ticket_type: Some(Some(TicketType::Incident)),
        due_at: Some(Some(due_at)),
        ..EditTicket::default()
    });
    given::<Ticket>(history_to(Status::New)).when(command).then([TicketEvent::Edited(Edited {
        changed: vec!["type".into(), "due_at".into()],
        previous: EditedFacts::default(),
        current: EditedFacts { priority: None, ticket_type: Some(TicketType::Incident), due_at: Some(due_at) },
        private: None,
    })]);
}

#[test]
fn type_and_due_date_can_be_taken_away() {
    let due_at = place(30).at;
    let history = TicketEvent::Opened(Opened { ticket_type: Some(TicketType::Task), due_at: Some(due_at), ..opened() });
    let command = edit(EditTicket { ticket_type: Some(None), due_at: Some(None), ..EditTicket::default() });
    given::<Ticket>([history]).when(command).then([TicketEvent::Edited(Edited {
        changed: vec!["type".into(), "due_at".into()],
        previous: EditedFacts { priority: None, ticket_type: Some(TicketType::Task), due_at: Some(due_at) },
        current: EditedFacts::default(),
        private: None,
    })]);
}

#[test]
fn an_edit_to_what_is_there_adds_nothing() {
    let TicketText { title, description } = held();
    let command = edit(EditTicket {
        title,
        description,
        priority: Some(Priority::Normal),
        ticket_type: Some(None),
        due_at: Some(None),
        tags: Some(vec![]),
        held: TicketText::default(),
    });
    given::<Ticket>(history_to(Status::New)).when(command).then([]);
}

#[test]
fn any_text_is_a_change_where_the_old_one_was_erased() {
    let command = TicketCommand::Edit(EditTicket { title: held().title, ..EditTicket::default() });
    given::<Ticket>(history_to(Status::New)).when(command).then([TicketEvent::Edited(Edited {
        changed: vec!["title".into()],
        previous: EditedFacts::default(),
        current: EditedFacts::default(),
        private: Some(EditedText {
            previous: TicketText::default(),
            current: TicketText { title: held().title, description: None },
        }),
    })]);
}

#[test]
fn new_tags_replace_the_old_ones() {
    let command = edit(EditTicket {
        priority: Some(Priority::Low),
        tags: Some(vec!["vpn".into(), "office".into(), "dns".into(), "vpn".into()]),
        ..EditTicket::default()
    });
    given::<Ticket>(tagged_ticket(&["mail", "office", "wifi"])).when(command).then([
        TicketEvent::Edited(Edited {
            changed: vec!["priority".into()],
            previous: EditedFacts { priority: Some(Priority::Normal), ..EditedFacts::default() },
            current: EditedFacts { priority: Some(Priority::Low), ..EditedFacts::default() },
            private: None,
        }),
        TicketEvent::Untagged(Untagged { tags: vec!["mail".into(), "wifi".into()] }),
        TicketEvent::Tagged(Tagged { tags: vec!["dns".into(), "vpn".into()] }),
    ]);
}

#[test]
fn the_same_tags_in_another_order_add_nothing() {
    let command = edit(EditTicket { tags: Some(vec!["vpn".into(), "mail".into()]), ..EditTicket::default() });
    given::<Ticket>(tagged_ticket(&["mail", "vpn"])).when(command).then([]);
}

#[test]
fn an_edit_to_more_than_twenty_tags_is_refused() {
    let tags = Some((0..=MAX_TAGS).map(|i| format!("tag-{i}")).collect());
    given::<Ticket>(history_to(Status::New))
        .when(edit(EditTicket { tags, ..EditTicket::default() }))
        .then_err(TicketError::TooManyTags);
}
