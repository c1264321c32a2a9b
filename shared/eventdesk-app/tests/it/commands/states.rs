//! Stored states: used as they are, folded anew when of another version, and no-op commands beside them.

use std::sync::Arc;

use eventdesk_app::{
    Loaded,
    commands::{
        AssignTicket, ChangeRequester, DeleteEmployee, DeleteUser, EditMessage, EditTicket, MoveTicket,
        ReplaceEmployee, RetractMessage, TagTicket, UnassignTicket, UntagTicket,
    },
    ports::Commit,
};
use eventdesk_domain::{employee::Employee, message::Message, ticket::Ticket, user::User};
use eventdesk_events::{StreamId, Version, ticket::Status, user::Role};
use serde_json::{Value, value::to_raw_value};

use crate::desk::{Altered, Counting, Desk, commits, context, post_on, root, scenarios};

/// The same commit with a state that this build cannot read but for its keys.
pub(super) fn of_another_version(mut commit: Commit) -> Commit {
    let state: Value = serde_json::from_str(commit.state.json.get()).unwrap();
    let keys = state.get("k").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    commit.state.version += 1;
    commit.state.json = to_raw_value(&serde_json::json!({ "a": { "of": "another shape" }, "k": keys })).unwrap();
    commit
}

fn erased(mut commit: Commit) -> Commit {
    for event in &mut commit.events {
        event.private = None;
    }
    commit
}

async fn what_is_so_already_appends_nothing(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let input = desk.new_employee();
    let register = eventdesk_app::commands::RegisterEmployee { input: input.clone() };
    let employee = desk.run(&root(), register).await.unwrap().record.id;
    let id = desk.ticket(&root(), employee).await.id;
    desk.run(&root(), AssignTicket { id, user_id: support.id }).await.unwrap();
    let message = desk.post(&root(), id).await;
    let before = commits(&*desk.log).await.len();

    let version = Version::new(2);
    let status = MoveTicket { id, status: Status::Open, reason: Some("because".to_owned()) };
    assert_eq!(desk.run(&root(), status).await.unwrap().record.version, version);
    let assign = AssignTicket { id, user_id: support.id };
    assert_eq!(desk.run(&root(), assign).await.unwrap().record.version, version);
    let tag = TagTicket { id, tag: "printer".to_owned() };
    assert_eq!(desk.run(&root(), tag).await.unwrap().record.version, version);
    let untag = UntagTicket { id, tag: "none".to_owned() };
    assert_eq!(desk.run(&root(), untag).await.unwrap().record.version, version);
    let requester = ChangeRequester { id, employee_id: employee };
    assert_eq!(desk.run(&root(), requester).await.unwrap().record.version, version);
    let edit = EditTicket {
        id,
        title: Some("Printer".to_owned()),
        description: Some("It does not print".to_owned()),
        priority: None,
        ticket_type: None,
        tags: Some(vec!["printer".to_owned()]),
        due_at: Some(None),
    };
    let done = desk.run(&root(), edit).await.unwrap();
    assert_eq!((done.record.version, done.token.to_string()), (version, format!("ticket-{id}@2")));
    let body = Some("Hello".to_owned());
    let edit = EditMessage { ticket_id: id, id: message.id, body, may_note: true };
    assert_eq!(desk.run(&root(), edit).await.unwrap().record.version, Version::FIRST);
    let replace = ReplaceEmployee { id: employee, input };
    assert_eq!(desk.run(&root(), replace).await.unwrap().record.version, Version::FIRST);

    assert_eq!(commits(&*desk.log).await.len(), before);
}

async fn what_is_so_already_stays_so_though_its_other_side_is_gone(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let employee = desk.employee().await.id;
    let id = desk.ticket(&root(), employee).await.id;
    desk.run(&root(), AssignTicket { id, user_id: support.id }).await.unwrap();
    desk.run(&root(), DeleteUser { id: support.id }).await.unwrap();
    desk.run(&root(), DeleteEmployee { id: employee }).await.unwrap();
    let assigned = desk.run(&root(), AssignTicket { id, user_id: support.id }).await.unwrap();
    assert_eq!(assigned.record.version, Version::new(2));
    let same = desk.run(&root(), ChangeRequester { id, employee_id: employee }).await.unwrap();
    assert_eq!(same.record.version, Version::new(2));
}

async fn a_state_of_another_version_is_folded_from_many_pages(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let tag = || "often".to_owned();
    for turn in 0..420 {
        desk.clock.advance(1);
        if turn % 2 == 0 {
            desk.run(&root(), TagTicket { id, tag: tag() }).await.unwrap();
        } else {
            desk.run(&root(), UntagTicket { id, tag: tag() }).await.unwrap();
        }
    }
    let stream = StreamId::Ticket(id);
    let stored: Loaded<Ticket> = Loaded::newest(&*desk.store, stream).await.unwrap();
    let older = Arc::new(Altered::new(desk.store.clone(), of_another_version));
    let counting = Arc::new(Counting::new(older));
    let folded: Loaded<Ticket> = Loaded::newest(&*counting, stream).await.unwrap();
    assert_eq!((folded.version, &folded.state), (Version::new(421), &stored.state));
    assert_eq!(counting.take(), (4, 422, 0), "the head, and three pages of at most 200");
    // As it was, too.
    let commit = desk.store.read(stream, Version::new(200), 1).await.unwrap().pop().unwrap();
    let stored: Loaded<Ticket> = Loaded::after(&*desk.store, commit.clone()).await.unwrap();
    let folded: Loaded<Ticket> = Loaded::after(&*desk.store, of_another_version(commit)).await.unwrap();
    assert_eq!(folded.state, stored.state);
    let commands = desk.commands_over(counting);
    let done = commands.execute(&context(&root()), TagTicket { id, tag: tag() }).await.unwrap();
    assert_eq!(done.record.version, Version::new(422));
}

async fn every_stored_state_equals_its_fold(desk: Desk) {
    let admin = desk.user(&[Role::Admin]).await;
    let second = desk.user(&[Role::Admin]).await;
    let (requester, employee) = desk.requester().await;
    let id = desk.ticket(&admin, employee).await.id;
    let message = desk.post(&admin, id).await.id;
    desk.post(&requester, id).await;
    desk.run(&admin, AssignTicket { id, user_id: second.id }).await.unwrap();
    desk.run(&admin, UnassignTicket { id }).await.unwrap();
    desk.run(&admin, RetractMessage { ticket_id: id, id: message, any: false, may_note: true }).await.unwrap();
    desk.close(&admin, id).await;
    desk.run(&admin, DeleteUser { id: second.id }).await.unwrap();
    desk.run(&admin, DeleteEmployee { id: employee }).await.unwrap();

    macro_rules! same {
        ($state:ty, $commit:expr) => {{
            let stored: Loaded<$state> = Loaded::after(&*desk.store, $commit.clone()).await.unwrap();
            let folded: Loaded<$state> = Loaded::after(&*desk.store, of_another_version($commit)).await.unwrap();
            assert_eq!((stored.state, stored.keys), (folded.state, folded.keys));
        }};
    }
    for commit in commits(&*desk.log).await {
        match commit.stream {
            StreamId::Ticket(_) => same!(Ticket, commit),
            StreamId::Message(_) => same!(Message, commit),
            StreamId::User(_) => same!(User, commit),
            StreamId::Employee(_) => same!(Employee, commit),
            StreamId::AdminRoster => same!(eventdesk_domain::roster::AdminRoster, commit),
        }
    }
}

async fn erased_texts_break_no_command(desk: Desk) {
    let support = desk.user(&[Role::Support]).await;
    let employee = desk.employee().await.id;
    let id = desk.ticket(&root(), employee).await.id;
    let message = desk.post(&root(), id).await.id;
    // Read after the erasure, but for what is written from here on.
    let known: std::collections::HashSet<_> = commits(&*desk.log).await.iter().map(|commit| commit.id).collect();
    let erase = move |commit: Commit| if known.contains(&commit.id) { erased(commit) } else { commit };
    let commands = desk.commands_over(Arc::new(Altered::new(desk.store.clone(), erase)));
    let root = context(&root());

    let tagged = commands.execute(&root, TagTicket { id, tag: "new".to_owned() }).await.unwrap();
    assert_eq!((tagged.record.text.title, tagged.record.text.description), (None, None));
    let edit = EditTicket {
        id,
        title: Some("Printer".to_owned()),
        description: None,
        priority: None,
        ticket_type: None,
        tags: None,
        due_at: None,
    };
    let edited = commands.execute(&root, edit).await.unwrap();
    assert_eq!((edited.record.text.title.as_deref(), edited.record.text.description), (Some("Printer"), None));
    let body = Some("Anew".to_owned());
    let edit = EditMessage { ticket_id: id, id: message, body, may_note: true };
    assert_eq!(commands.execute(&root, edit).await.unwrap().record.body.as_deref(), Some("Anew"));
    let retract = RetractMessage { ticket_id: id, id: message, any: true, may_note: true };
    commands.execute(&root, retract).await.unwrap();
    commands.execute(&root, post_on(id)).await.unwrap();
    let input = desk.new_employee();
    let replaced = commands.execute(&root, ReplaceEmployee { id: employee, input }).await.unwrap();
    assert!(replaced.record.profile.is_some());
    commands.execute(&root, DeleteEmployee { id: employee }).await.unwrap();
    commands.execute(&root, DeleteUser { id: support.id }).await.unwrap();
}

scenarios!(
    what_is_so_already_appends_nothing,
    what_is_so_already_stays_so_though_its_other_side_is_gone,
    a_state_of_another_version_is_folded_from_many_pages,
    every_stored_state_equals_its_fold,
    erased_texts_break_no_command,
);
