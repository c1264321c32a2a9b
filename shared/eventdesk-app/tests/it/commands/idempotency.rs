//! Repeats with an idempotency key.

use std::sync::Arc;

use eventdesk_app::{
    CommandError, REMEMBERED_KEYS,
    commands::{DeleteTicket, EditTicket, MoveTicket, RetractMessage, TagTicket},
};
use eventdesk_events::{Version, ticket::Status, user::Role};

use crate::desk::{
    Altered, Desk, Interference, Rival, commits, context, keyed, matching, open_for, post_on, root, scenarios,
};

async fn a_creation_is_answered_again_as_at_first(desk: Desk) {
    let open = open_for(desk.employee().await.id);
    let key = keyed(&root(), "key", "body");
    let first = desk.commands.execute(&key, open.clone()).await.unwrap();
    let again = desk.commands.execute(&key, open.clone()).await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!((&first.record, &first.token), (&again.record, &again.token));
    desk.set_status(&root(), first.record.id, Status::Open).await;
    desk.clock.advance(1000);
    let later = desk.commands.execute(&key, open).await.unwrap();
    assert_eq!((&first.record, &first.token), (&later.record, &later.token));
}

async fn a_change_is_answered_again_as_at_first(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let title = |text: &str| EditTicket {
        id,
        title: Some(text.to_owned()),
        description: None,
        priority: None,
        ticket_type: None,
        tags: None,
        due_at: None,
    };
    let key = keyed(&root(), "key", "body");
    let first = desk.commands.execute(&key, title("Two")).await.unwrap();
    assert_eq!(first.record.version, Version::new(2));
    desk.run(&root(), title("Three")).await.unwrap();
    let again = desk.commands.execute(&key, title("Two")).await.unwrap();
    assert!(again.replayed);
    assert_eq!((&first.record, &first.token), (&again.record, &again.token));
    assert_eq!(again.record.text.title.as_deref(), Some("Two"));
    assert_eq!(commits(&*desk.log).await.len(), 4, "employee, opened, two edits");
}

async fn a_repeat_is_answered_though_its_if_match_is_stale_by_now(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let mut key = keyed(&root(), "key", "body");
    key.if_match = matching(&root(), 1).if_match;
    let tag = TagTicket { id, tag: "once".to_owned() };
    desk.commands.execute(&key, tag.clone()).await.unwrap();
    assert!(desk.commands.execute(&key, tag).await.unwrap().replayed);
}

async fn a_deletion_is_answered_again(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let key = keyed(&root(), "key", "");
    let first = desk.commands.execute(&key, DeleteTicket { id }).await.unwrap();
    let again = desk.commands.execute(&key, DeleteTicket { id }).await.unwrap();
    assert!(again.replayed);
    assert_eq!(first.token, again.token);
    let refused = desk.run(&root(), DeleteTicket { id }).await;
    assert!(matches!(refused, Err(CommandError::NotFound(_))), "{refused:?}");
}

async fn a_key_with_another_body_is_refused(desk: Desk) {
    let open = open_for(desk.employee().await.id);
    let first = desk.commands.execute(&keyed(&root(), "key", "body"), open.clone()).await.unwrap();
    let refused = desk.commands.execute(&keyed(&root(), "key", "other"), open).await;
    assert!(matches!(refused, Err(CommandError::KeyReused)), "{refused:?}");
    let tag = |tag: &str| TagTicket { id: first.record.id, tag: tag.to_owned() };
    desk.commands.execute(&keyed(&root(), "tag", "a"), tag("a")).await.unwrap();
    let refused = desk.commands.execute(&keyed(&root(), "tag", "b"), tag("b")).await;
    assert!(matches!(refused, Err(CommandError::KeyReused)), "{refused:?}");
}

async fn a_change_is_forgotten_after_so_many_others(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let tag = |number: usize| TagTicket { id, tag: format!("t{}", number % 2) };
    let untag = |number: usize| eventdesk_app::commands::UntagTicket { id, tag: format!("t{}", number % 2) };
    desk.commands.execute(&keyed(&root(), "first", ""), tag(0)).await.unwrap();
    for number in 1..REMEMBERED_KEYS {
        let key = keyed(&root(), &format!("key {number}"), "");
        // Untags what was tagged two turns ago, or tags it again: each is a change.
        if number % 4 < 2 {
            desk.commands.execute(&key, tag(number)).await.unwrap();
        } else {
            desk.commands.execute(&key, untag(number)).await.unwrap();
        }
        assert!(desk.commands.execute(&keyed(&root(), "first", ""), tag(0)).await.unwrap().replayed, "{number}");
    }
    desk.commands.execute(&keyed(&root(), "one more", ""), TagTicket { id, tag: "more".to_owned() }).await.unwrap();
    let again = desk.commands.execute(&keyed(&root(), "first", "changed"), tag(0)).await;
    assert!(again.is_ok_and(|done| !done.replayed), "the ring holds {REMEMBERED_KEYS}");
    // A creation is remembered for ever.
}

async fn a_creation_is_never_forgotten(desk: Desk) {
    let open = open_for(desk.employee().await.id);
    let key = keyed(&root(), "key", "body");
    let id = desk.commands.execute(&key, open.clone()).await.unwrap().record.id;
    for number in 0..=REMEMBERED_KEYS {
        let status = if number % 2 == 0 { Status::Pending } else { Status::Open };
        let change = keyed(&root(), &format!("change {number}"), "");
        desk.commands.execute(&change, MoveTicket { id, status, reason: None }).await.unwrap();
    }
    let again = desk.commands.execute(&key, open).await.unwrap();
    assert_eq!((again.replayed, again.record.version), (true, Version::FIRST));
}

async fn keys_survive_a_fold(desk: Desk) {
    let open = open_for(desk.employee().await.id);
    let id = desk.commands.execute(&keyed(&root(), "open", ""), open.clone()).await.unwrap().record.id;
    let tag = TagTicket { id, tag: "once".to_owned() };
    let first = desk.commands.execute(&keyed(&root(), "tag", ""), tag.clone()).await.unwrap();
    let older = Arc::new(Altered::new(desk.store.clone(), super::states::of_another_version));
    let commands = desk.commands_over(older);
    let again = commands.execute(&keyed(&root(), "tag", ""), tag.clone()).await.unwrap();
    assert!(again.replayed);
    assert_eq!(first.record, again.record);
    assert!(commands.execute(&keyed(&root(), "open", ""), open).await.unwrap().replayed);
    let refused = commands.execute(&keyed(&root(), "tag", "other"), tag).await;
    assert!(matches!(refused, Err(CommandError::KeyReused)), "{refused:?}");
    // The next commit carries them on, in today's state.
    commands.execute(&context(&root()), TagTicket { id, tag: "next".to_owned() }).await.unwrap();
    let tag = TagTicket { id, tag: "once".to_owned() };
    assert!(desk.commands.execute(&keyed(&root(), "tag", ""), tag).await.unwrap().replayed);
}

async fn a_retry_after_a_lost_answer_is_no_second_change(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![Interference::MadeButUnavailable]));
    let commands = desk.commands_over(rival);
    let key = keyed(&root(), "key", "body");
    let lost = commands.execute(&key, post_on(id)).await;
    assert!(matches!(lost, Err(CommandError::Unavailable(_))), "{lost:?}");
    let again = commands.execute(&key, post_on(id)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.record.body.as_deref(), Some("Hello"));
    let posted = commits(&*desk.log).await.iter().filter(|c| c.stream.to_string().starts_with("message")).count();
    assert_eq!(posted, 1);
}

async fn of_two_creations_with_one_key_at_once_one_is_a_repeat(desk: Desk) {
    let key = keyed(&root(), "key", "body");
    let user = desk.new_user(&[Role::Support]);
    let open = open_for(desk.employee().await.id);
    for _ in 0..8 {
        let (one, two) =
            tokio::join!(desk.commands.execute(&key, user.clone()), desk.commands.execute(&key, user.clone()));
        assert_eq!(one.unwrap().record, two.unwrap().record);
    }
    // The other one commits between this one's look and its append.
    let commands = Arc::new(desk.commands_over(desk.store.clone()));
    let key = keyed(&root(), "other", "body");
    let (rivals, rivals_key, rivals_open) = (commands.clone(), key.clone(), open.clone());
    let turn = Interference::First(Box::new(move || {
        tokio::spawn(async move {
            rivals.execute(&rivals_key, rivals_open).await.unwrap();
        })
    }));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![turn]));
    let done = desk.commands_over(rival).execute(&key, open).await.unwrap();
    assert!(done.replayed);
}

async fn a_repeat_shows_the_version_it_made_though_more_happened(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let key = keyed(&root(), "key", "body");
    let first = desk.commands.execute(&key, post_on(id)).await.unwrap();
    let retract = RetractMessage { ticket_id: id, id: first.record.id, any: true, may_note: true };
    let gone = desk.run(&root(), retract).await.unwrap();
    assert_eq!(gone.record.body, None);
    let again = desk.commands.execute(&key, post_on(id)).await.unwrap();
    assert_eq!((again.record.version, again.record.facts.retracted_at), (Version::FIRST, None));
}

async fn a_repeated_message_names_the_ticket_that_it_opened(desk: Desk) {
    let id = desk.ticket(&root(), desk.employee().await.id).await.id;
    let key = keyed(&root(), "key", "body");
    let first = desk.commands.execute(&key, post_on(id)).await.unwrap();
    assert!(first.token.to_string().ends_with(&format!(",ticket-{id}@2")), "{}", first.token);
    let again = desk.commands.execute(&key, post_on(id)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.token, first.token);
}

scenarios!(
    a_creation_is_answered_again_as_at_first,
    a_change_is_answered_again_as_at_first,
    a_repeat_is_answered_though_its_if_match_is_stale_by_now,
    a_deletion_is_answered_again,
    a_key_with_another_body_is_refused,
    a_change_is_forgotten_after_so_many_others,
    a_creation_is_never_forgotten,
    keys_survive_a_fold,
    a_retry_after_a_lost_answer_is_no_second_change,
    of_two_creations_with_one_key_at_once_one_is_a_repeat,
    a_repeat_shows_the_version_it_made_though_more_happened,
    a_repeated_message_names_the_ticket_that_it_opened,
);
