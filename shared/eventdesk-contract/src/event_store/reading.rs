//! Reads of streams.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::{borrow::Cow, sync::Arc};

use eventdesk_app::ports::EventStore;
use eventdesk_events::{
    Actor, ActorKind, EmployeeId, EventId, MessageId, StreamId, TicketId, Timestamp, UserId, Version,
};

use super::samples::{append, commit, content, event, fill, head, json, ticket, uuid, versions};

/// A stream nobody wrote has no head, no commits and no single commit.
pub async fn an_unknown_stream_is_empty(store: Arc<dyn EventStore>) {
    assert!(store.head(ticket(1)).await.expect("reads succeed").is_none());
    assert!(store.read(ticket(1), Version::FIRST, 10).await.expect("reads succeed").is_empty());
    let single = store.read_many(&[(ticket(1), Version::FIRST)]).await.expect("reads succeed");
    assert!(matches!(single[..], [None]));
}

/// The head is the commit appended last.
pub async fn head_is_the_newest_commit(store: Arc<dyn EventStore>) {
    for version in 1..=12 {
        let newest = commit(ticket(1), version);
        store.append(append(vec![newest.clone()])).await.expect("the next version is free");
        let found = store.head(ticket(1)).await.expect("reads succeed").expect("it was just appended");
        assert_eq!(content(&found), content(&newest));
    }
    assert_eq!(head(&*store, ticket(2)).await, 0);
}

/// A page starts at `from`, ascends, and ends at the limit or the head.
pub async fn pages_are_in_order(store: Arc<dyn EventStore>) {
    fill(&*store, ticket(1), 12).await;
    fill(&*store, ticket(2), 3).await;
    for (from, limit, expected) in [
        (1, 5, 1..6),
        (6, 5, 6..11),
        (11, 5, 11..13),
        (13, 5, 0..0),
        (0, 2, 1..3),
        (3, 0, 0..0),
        (1, usize::MAX, 1..13),
    ] {
        let page = store.read(ticket(1), Version::new(from), limit).await.expect("reads succeed");
        assert_eq!(versions(&page), expected.collect::<Vec<u64>>(), "from {from}, at most {limit}");
    }
}

/// Single commits come in the order asked for, with gaps where there is none.
pub async fn a_batch_answers_in_the_order_of_its_keys(store: Arc<dyn EventStore>) {
    let first = fill(&*store, ticket(1), 3).await;
    let second = fill(&*store, ticket(2), 1).await;
    let keys =
        [(2, 1), (1, 3), (3, 1), (1, 1), (2, 2), (1, 3), (1, 0)].map(|(t, version)| (ticket(t), Version::new(version)));
    let found = store.read_many(&keys).await.expect("reads succeed");
    let found: Vec<_> = found.iter().map(|commit| commit.as_ref().map(content)).collect();
    let expected = [Some(&second[0]), Some(&first[2]), None, Some(&first[0]), None, Some(&first[2]), None];
    assert_eq!(found, expected.map(|commit| commit.map(content)));
    assert!(store.read_many(&[]).await.expect("reads succeed").is_empty());
}

/// Every member comes back as it was given, JSON to the byte.
pub async fn contents_survive_byte_for_byte(store: Arc<dyn EventStore>) {
    let mut full = commit(ticket(1), 1);
    full.at = Timestamp::from_millis(-1);
    full.causation_id = Some(EventId::from_uuid(uuid(7)));
    full.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    full.events = vec![
        event(r#"{"b": 1.0, "a":[ 1e3,"\u00e9é" ]}"#, None),
        event("{}", Some(r#"{"text" : "zwei\nZeilen, 'quoted' \"so\" 🎫"}"#)),
        event("{}", None),
        event(r#"{"big":18446744073709551615}"#, Some("{}")),
    ];
    full.events[2].event_type = Cow::Borrowed("ticket.solved");
    full.events[3].schema_version = u16::MAX;
    full.state.version = 9;
    full.state.json = json(r#"{ "phase" : "solved", "keys": [] }"#);
    let bare = commit(ticket(2), 1);
    store.append(append(vec![full.clone(), bare.clone()])).await.expect("both are new");
    for original in [full, bare] {
        let key = (original.stream, original.version);
        let by_head = store.head(key.0).await.expect("reads succeed").expect("it was appended");
        let by_page = store.read(key.0, key.1, 1).await.expect("reads succeed").remove(0);
        let by_key = store.read_many(&[key]).await.expect("reads succeed").remove(0).expect("it was appended");
        for found in [by_head, by_page, by_key] {
            assert_eq!(content(&found), content(&original));
        }
    }
}

/// Streams that share a UUID are different streams, and each kind of actor comes back.
pub async fn every_kind_of_stream_and_actor_is_kept_apart(store: Arc<dyn EventStore>) {
    let streams = [
        StreamId::Ticket(TicketId::from_uuid(uuid(1))),
        StreamId::Message(MessageId::from_uuid(uuid(1))),
        StreamId::User(UserId::from_uuid(uuid(1))),
        StreamId::Employee(EmployeeId::from_uuid(uuid(1))),
        StreamId::AdminRoster,
    ];
    let kinds = [ActorKind::User, ActorKind::Service, ActorKind::System];
    for (stream, kind) in streams.into_iter().zip(kinds.into_iter().cycle()) {
        let mut written = commit(stream, 1);
        written.actor = Actor { id: uuid(5).to_string(), kind };
        store.append(append(vec![written.clone()])).await.expect("each stream is new");
        let found = store.head(stream).await.expect("reads succeed").expect("it was appended");
        assert_eq!(content(&found), content(&written));
    }
}
