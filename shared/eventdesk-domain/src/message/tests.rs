//! Rules of the message, case by case.

use eventdesk_events::{
    Version,
    message::{Author, AuthorKind, Body, Edited, EditedBody, MessageEvent, Posted, Retracted, Visibility},
};

use super::{Message, MessageCommand, MessageError};
use crate::testing::{fold, given, place, ticket, user};

const AUTHOR: u32 = 1;
const OTHER: u32 = 2;

fn post() -> MessageCommand {
    MessageCommand::Post {
        ticket_id: ticket(1),
        author: Author { id: user(AUTHOR), kind: AuthorKind::Staff },
        visibility: Visibility::Public,
        body: "Have you tried it again?".into(),
    }
}

fn posted() -> MessageEvent {
    MessageEvent::Posted(Posted {
        ticket_id: ticket(1),
        author: Author { id: user(AUTHOR), kind: AuthorKind::Staff },
        visibility: Visibility::Public,
        private: Some(Body { body: "Have you tried it again?".into() }),
    })
}

fn edit(by: u32, body: &str, held: Option<&str>) -> MessageCommand {
    MessageCommand::Edit { by: user(by), body: body.into(), held: held.map(Into::into) }
}

fn edited(previous: Option<&str>, current: &str) -> MessageEvent {
    let private = Some(EditedBody { previous: previous.map(Into::into), current: current.into() });
    MessageEvent::Edited(Edited { ticket_id: ticket(1), private })
}

fn retracted() -> MessageEvent {
    MessageEvent::Retracted(Retracted { ticket_id: ticket(1) })
}

#[test]
fn a_message_is_posted_once() {
    given::<Message>([]).when(post()).then([posted()]);
    given::<Message>([posted()]).when(post()).then_err(MessageError::AlreadyPosted);
    given::<Message>([posted(), retracted()]).when(post()).then_err(MessageError::AlreadyPosted);
}

#[test]
fn a_message_that_was_never_posted_can_be_neither_edited_nor_retracted() {
    given::<Message>([]).when(edit(AUTHOR, "new", None)).then_err(MessageError::NotFound);
    given::<Message>([]).when(MessageCommand::Retract { by: user(AUTHOR), any: true }).then_err(MessageError::NotFound);
}

#[test]
fn its_author_edits_a_message() {
    given::<Message>([posted()]).when(edit(AUTHOR, "new", Some("old"))).then([edited(Some("old"), "new")]);
}

#[test]
fn editing_to_the_same_text_adds_nothing() {
    given::<Message>([posted()]).when(edit(AUTHOR, "old", Some("old"))).then([]);
}

#[test]
fn any_text_is_a_change_where_the_old_one_was_erased() {
    given::<Message>([posted()]).when(edit(AUTHOR, "old", None)).then([edited(None, "old")]);
}

#[test]
fn nobody_else_edits_a_message() {
    for history in [vec![posted()], vec![posted(), retracted()]] {
        given::<Message>(history).when(edit(OTHER, "new", Some("old"))).then_err(MessageError::NotAuthor);
    }
}

#[test]
fn a_retracted_message_is_not_edited() {
    let message = given::<Message>([posted(), retracted()]);
    message.when(edit(AUTHOR, "new", Some("old"))).then_err(MessageError::Retracted);
    message.when(edit(AUTHOR, "old", Some("old"))).then_err(MessageError::Retracted);
}

#[test]
fn its_author_retracts_a_message() {
    given::<Message>([posted()]).when(MessageCommand::Retract { by: user(AUTHOR), any: false }).then([retracted()]);
}

#[test]
fn another_retracts_a_message_only_if_they_may_retract_any() {
    let message = given::<Message>([posted()]);
    message.when(MessageCommand::Retract { by: user(OTHER), any: true }).then([retracted()]);
    message.when(MessageCommand::Retract { by: user(OTHER), any: false }).then_err(MessageError::NotAuthor);
}

#[test]
fn retracting_twice_adds_nothing() {
    let message = given::<Message>([posted(), retracted()]);
    message.when(MessageCommand::Retract { by: user(AUTHOR), any: false }).then([]);
    message.when(MessageCommand::Retract { by: user(OTHER), any: true }).then([]);
    message.when(MessageCommand::Retract { by: user(OTHER), any: false }).then_err(MessageError::NotAuthor);
}

#[test]
fn the_state_knows_when_and_in_which_version_the_text_was_set() {
    let message: Message = fold(&[posted(), edited(None, "new"), retracted()]);
    let Message::Retracted(facts) = message else { panic!("not retracted") };
    assert_eq!(facts.body_version, Version::new(2));
    assert_eq!(
        (facts.created_at, facts.edited_at, facts.retracted_at),
        (place(1).at, Some(place(2).at), Some(place(3).at))
    );
}
