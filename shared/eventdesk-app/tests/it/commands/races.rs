//! `If-Match`, and what happens when others write at the same moment.

use std::sync::Arc;

use eventdesk_app::{
    CommandError, Commands,
    commands::{MoveTicket, TagTicket, UntagTicket},
    ports::Ids,
};
use eventdesk_domain::ticket::TicketError;
use eventdesk_events::{TicketId, Version, ticket::Status};

use crate::desk::{Desk, FakeIds, Interference, Rival, context, matching, post_on, root, scenarios};

fn tag(id: TicketId, tag: &str) -> TagTicket {
    TagTicket { id, tag: tag.to_owned() }
}

/// Another writer, who tags a ticket.
fn tagged(commands: &Arc<Commands>, id: TicketId, name: &str) -> Interference {
    let (commands, command) = (commands.clone(), tag(id, name));
    Interference::First(Box::new(move || {
        tokio::spawn(async move {
            commands.execute(&context(&root()), command).await.unwrap();
        })
    }))
}

fn moved(commands: &Arc<Commands>, id: TicketId, status: Status) -> Interference {
    let (commands, command) = (commands.clone(), MoveTicket { id, status, reason: None });
    Interference::First(Box::new(move || {
        tokio::spawn(async move {
            commands.execute(&context(&root()), command).await.unwrap();
        })
    }))
}

async fn a_stale_if_match_changes_nothing(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    desk.run(&root(), tag(ticket.id, "one")).await.unwrap();
    let refused = desk.commands.execute(&matching(&root(), 1), tag(ticket.id, "two")).await;
    let Err(CommandError::VersionMismatch { expected, found }) = refused else { panic!("{refused:?}") };
    assert_eq!((expected, found), (Version::new(1), Version::new(2)));
    // Even what would change nothing.
    let refused = desk.commands.execute(&matching(&root(), 1), tag(ticket.id, "one")).await;
    assert!(matches!(refused, Err(CommandError::VersionMismatch { .. })), "{refused:?}");
    let done = desk.commands.execute(&matching(&root(), 2), tag(ticket.id, "two")).await.unwrap();
    assert_eq!(done.record.version, Version::new(3));
    assert_eq!(done.token.to_string(), format!("ticket-{}@3", ticket.id));
}

async fn a_lost_race_is_decided_anew(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let turns = ["a", "b", "c"].map(|name| tagged(&others, ticket.id, name));
    let rival = Arc::new(Rival::new(desk.store.clone(), turns.into()));
    let done = desk.commands_over(rival.clone()).execute(&context(&root()), tag(ticket.id, "mine")).await.unwrap();
    assert_eq!(rival.appends(), 4);
    assert_eq!(done.record.version, Version::new(5));
    assert_eq!(done.record.facts.tags, ["a", "b", "c", "mine", "printer"]);
}

async fn a_race_lost_to_the_same_change_appends_nothing(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![tagged(&others, ticket.id, "same")]));
    let done = desk.commands_over(rival.clone()).execute(&context(&root()), tag(ticket.id, "same")).await.unwrap();
    assert_eq!((rival.appends(), done.record.version), (1, Version::new(2)));
}

async fn a_race_that_is_lost_again_and_again_is_given_up(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let turns = (0..8).map(|turn| tagged(&others, ticket.id, &format!("t{turn}"))).collect();
    let rival = Arc::new(Rival::new(desk.store.clone(), turns));
    let refused = desk.commands_over(rival.clone()).execute(&context(&root()), tag(ticket.id, "mine")).await;
    assert!(matches!(refused, Err(CommandError::ConcurrentChange)), "{refused:?}");
    assert_eq!(rival.appends(), 8);
}

async fn with_if_match_a_lost_race_is_a_mismatch(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![tagged(&others, ticket.id, "theirs")]));
    let refused = desk.commands_over(rival).execute(&matching(&root(), 1), tag(ticket.id, "mine")).await;
    let Err(CommandError::VersionMismatch { expected, found }) = refused else { panic!("{refused:?}") };
    assert_eq!((expected, found), (Version::new(1), Version::new(2)));
}

async fn a_conflict_with_ones_own_commit_is_success(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![Interference::AnswerLost]));
    let done = desk.commands_over(rival.clone()).execute(&context(&root()), tag(ticket.id, "mine")).await.unwrap();
    assert_eq!((rival.appends(), done.record.version, done.replayed), (1, Version::new(2), false));
    // Of two streams, too.
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![Interference::AnswerLost]));
    desk.commands_over(rival).execute(&context(&root()), post_on(ticket.id)).await.unwrap();
    let head = desk.store.head(eventdesk_events::StreamId::Ticket(ticket.id)).await.unwrap().unwrap();
    assert_eq!(head.version, Version::new(3), "the message opened the ticket once");
}

async fn an_unavailable_store_is_passed_on_at_once(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![Interference::Unavailable]));
    let refused = desk.commands_over(rival.clone()).execute(&context(&root()), tag(ticket.id, "mine")).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    assert_eq!(rival.appends(), 1);
}

async fn a_message_is_refused_when_its_ticket_closes_meanwhile(desk: Desk) {
    let employee = desk.employee().await.id;
    let ticket = desk.ticket(&root(), employee).await;
    desk.set_status(&root(), ticket.id, Status::Solved).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![moved(&others, ticket.id, Status::Closed)]));
    let refused = desk.commands_over(rival.clone()).execute(&context(&root()), post_on(ticket.id)).await;
    assert!(matches!(refused, Err(CommandError::Ticket(TicketError::Closed))), "{refused:?}");
    assert_eq!(rival.appends(), 1);
}

async fn a_message_survives_a_harmless_change_of_its_ticket(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    desk.set_status(&root(), ticket.id, Status::Open).await;
    let others = Arc::new(desk.commands_over(desk.store.clone()));
    let rival = Arc::new(Rival::new(desk.store.clone(), vec![tagged(&others, ticket.id, "theirs")]));
    let done = desk.commands_over(rival.clone()).execute(&context(&root()), post_on(ticket.id)).await.unwrap();
    assert_eq!(rival.appends(), 2);
    let (message, ticket) = (done.record.id, ticket.id);
    assert_eq!(done.token.to_string(), format!("message-{message}@1,ticket-{ticket}@3"));
}

async fn the_times_of_a_stream_never_run_backwards(desk: Desk) {
    let ticket = desk.ticket(&root(), desk.employee().await.id).await;
    desk.clock.advance(-60_000);
    let behind = Arc::new(FakeIds::counting_down()) as Arc<dyn Ids>;
    let mut commands = desk.commands_over(desk.store.clone());
    commands.ids = behind;
    let done = commands.execute(&context(&root()), tag(ticket.id, "late")).await.unwrap();
    assert_eq!(done.record.facts.updated_at, ticket.facts.created_at);
    desk.clock.advance(120_000);
    let untag = UntagTicket { id: ticket.id, tag: "late".to_owned() };
    let done = commands.execute(&context(&root()), untag).await.unwrap();
    assert_eq!(done.record.facts.updated_at.millis() - ticket.facts.created_at.millis(), 60_000);
}

scenarios!(
    a_stale_if_match_changes_nothing,
    a_lost_race_is_decided_anew,
    a_race_lost_to_the_same_change_appends_nothing,
    a_race_that_is_lost_again_and_again_is_given_up,
    with_if_match_a_lost_race_is_a_mismatch,
    a_conflict_with_ones_own_commit_is_success,
    an_unavailable_store_is_passed_on_at_once,
    a_message_is_refused_when_its_ticket_closes_meanwhile,
    a_message_survives_a_harmless_change_of_its_ticket,
    the_times_of_a_stream_never_run_backwards,
);
