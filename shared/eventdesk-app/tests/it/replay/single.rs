//! Single streams, made anew in place.

use eventdesk_app::{
    ports::{Clock, Document, Put, ViewSpec},
    projections::{HISTORY, HISTORY_STREAMS, MESSAGES, TICKETS, USERS},
    replay::{Replay, Target},
};
use eventdesk_events::{StreamId, Timestamp, user::Role};

use super::{
    bed::{documented, everything_is_as_folded, made, replay, story},
    notes::{Mishap, Notes},
};
use crate::desk::{Desk, commits, scenarios};

scenarios!(
    a_stream_is_mended_in_place_and_no_other,
    of_one_stream_its_own_documents_are_looked_at,
    a_message_is_mended_with_its_ticket,
    streams_are_mended_that_have_events_since_a_time,
    a_dry_run_tells_and_writes_nothing,
);

/// Spoils the document of a stream.
async fn spoil(desk: &Desk, view: &'static ViewSpec, id: &str) {
    let stored = desk.views.get(view, &[id]).await.unwrap().pop().flatten().unwrap();
    let body = stored.body.replace("high", "low").replace("Hello", "Nothing").replace("\"count\":1", "\"count\":9");
    assert_ne!(body, stored.body, "nothing is spoilt");
    let document = Document { body, revision: stored.revision + 1, ..stored };
    desk.views.apply(vec![Put { view, document }], None).await.unwrap();
}

async fn tickets(desk: &Desk) -> Vec<StreamId> {
    let all = commits(&*desk.log).await;
    let first = all.iter().filter(|commit| commit.version.get() == 1).map(|commit| commit.stream);
    first.filter(|stream| matches!(stream, StreamId::Ticket(_))).collect()
}

fn id(stream: StreamId) -> String {
    stream.to_string().split_once('-').unwrap().1.to_owned()
}

async fn a_stream_is_mended_in_place_and_no_other(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let streams = tickets(&desk).await;
    for stream in &streams {
        spoil(&desk, &TICKETS, &id(*stream)).await;
    }
    let mended = replay(&desk).mend_stream(&Target::ALL, streams[0], false).await.unwrap();
    assert_eq!(mended.mended, [format!("tickets/{}", id(streams[0]))]);
    let mended = replay(&desk).mend_stream(&Target::ALL, streams[0], false).await.unwrap();
    assert!(mended.mended.is_empty() && mended.documents > 2, "{mended:?}");
    replay(&desk).mend_stream(&[Target::Tickets], streams[1], false).await.unwrap();
    everything_is_as_folded(&desk).await;
    assert_eq!(made(&desk, &TICKETS).await, [1]);
    story(&desk).await;
    desk.project().await;
    everything_is_as_folded(&desk).await;
}

async fn of_one_stream_its_own_documents_are_looked_at(desk: Desk) {
    story(&desk).await;
    let user = desk.user(&[Role::Support]).await.id;
    desk.project().await;
    let views = Notes::with(desk.generations.clone(), Mishap::Lost);
    let mended = Replay { views: views.clone(), ..replay(&desk) };
    mended.mend_stream(&Target::ALL, StreamId::User(user), false).await.unwrap();
    let mut asked = std::mem::take(&mut *views.misfiled.lock().unwrap());
    asked.retain(|(view, _)| *view != HISTORY.name);
    asked.sort();
    let streams = (HISTORY_STREAMS.name, Some(StreamId::User(user).to_string()));
    assert_eq!(asked, [streams, (USERS.name, Some(user.to_string()))]);
}

async fn a_message_is_mended_with_its_ticket(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let stream = commits(&*desk.log).await.into_iter().find(|commit| matches!(commit.stream, StreamId::Message(_)));
    let stream = stream.unwrap().stream;
    spoil(&desk, &MESSAGES, &id(stream)).await;
    spoil(&desk, &TICKETS, &id(tickets(&desk).await[0])).await;
    let mended = replay(&desk).mend_stream(&Target::ALL, stream, false).await.unwrap();
    assert_eq!(mended.mended.len(), 2, "{mended:?}");
    everything_is_as_folded(&desk).await;
}

async fn streams_are_mended_that_have_events_since_a_time(desk: Desk) {
    story(&desk).await;
    desk.clock.advance(60_000);
    let middle = Clock::now(&*desk.clock);
    story(&desk).await;
    desk.project().await;
    let streams = tickets(&desk).await;
    for stream in &streams {
        spoil(&desk, &TICKETS, &id(*stream)).await;
    }
    let mended = replay(&desk).mend_since(Target::Tickets, middle, false).await.unwrap();
    let mut expected: Vec<_> = streams[2..].iter().map(|stream| format!("tickets/{}", id(*stream))).collect();
    expected.sort();
    assert_eq!(mended.mended, expected);
    let mended = replay(&desk).mend_since(Target::Tickets, Timestamp::from_millis(0), false).await.unwrap();
    assert_eq!(mended.mended.len(), 2);
    everything_is_as_folded(&desk).await;
}

async fn a_dry_run_tells_and_writes_nothing(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let stream = tickets(&desk).await[0];
    spoil(&desk, &TICKETS, &id(stream)).await;
    let before = documented(&desk).await;
    let mended = replay(&desk).mend_stream(&Target::ALL, stream, true).await.unwrap();
    assert_eq!(mended.mended, [format!("tickets/{}", id(stream))]);
    assert_eq!(documented(&desk).await, before);
}
