//! Commits to store, for the suites and for tests of single adapters.
#![expect(clippy::missing_panics_doc, reason = "samples are well-formed")]

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
};

use eventdesk_app::{
    Digest,
    ports::{Append, AppendError, Claim, Commit, EventStore, Namespace, RecordedEvent, StoredState},
};
use eventdesk_events::{Actor, ActorKind, CommitId, StreamId, TicketId, Timestamp, Version};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The UUID with this number: a UUIDv7 of long ago.
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// The ticket stream with this number.
pub fn ticket(number: u64) -> StreamId {
    StreamId::Ticket(TicketId::from_uuid(uuid(number)))
}

/// JSON as it stands.
pub fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("samples are JSON")
}

/// An event with this private part.
pub fn event(data: &str, private: Option<&str>) -> RecordedEvent {
    RecordedEvent {
        event_type: Cow::Borrowed("ticket.retitled"),
        schema_version: 1,
        data: json(data),
        private: private.map(json),
    }
}

/// A commit with an id of its own.
pub fn commit(stream: StreamId, version: u64) -> Commit {
    static COMMITS: AtomicU64 = AtomicU64::new(1);
    let number = COMMITS.fetch_add(1, Ordering::Relaxed);
    Commit {
        stream,
        version: Version::new(version),
        id: CommitId::from_uuid(uuid(number << 16)),
        at: Timestamp::from_millis(1_700_000_000_000),
        actor: Actor { id: "tester".to_owned(), kind: ActorKind::System },
        correlation_id: uuid(number),
        causation_id: None,
        trace_id: None,
        events: vec![event(r#"{"fact":1}"#, Some(r#"{"text":"words"}"#))],
        state: StoredState { version: 1, json: json(r#"{"phase":"open"}"#) },
    }
}

/// An append of these commits alone.
pub fn append(commits: Vec<Commit>) -> Append {
    Append { commits, ..Append::default() }
}

/// A username with this digest.
pub fn name(byte: u8) -> Claim {
    Claim { namespace: Namespace::Username, value: Digest([byte; 16]) }
}

/// Appends versions 1 to `versions` of a stream, one by one, and returns them.
pub async fn fill(store: &dyn EventStore, stream: StreamId, versions: u64) -> Vec<Commit> {
    let mut commits = Vec::new();
    for version in 1..=versions {
        let commit = commit(stream, version);
        store.append(append(vec![commit.clone()])).await.expect("the next version is free");
        commits.push(commit);
    }
    commits
}

/// Why an append is refused; one that is not fails the test.
pub async fn refusal(store: &dyn EventStore, append: Append) -> AppendError {
    store.append(append).await.expect_err("this append must be refused")
}

/// The versions of commits.
pub fn versions(commits: &[Commit]) -> Vec<u64> {
    commits.iter().map(|commit| commit.version.get()).collect()
}

/// Whole content as text, JSON byte for byte.
pub fn content(commit: &Commit) -> String {
    format!("{commit:?}")
}

/// The version of a stream's head, 0 if there is none.
pub async fn head(store: &dyn EventStore, stream: StreamId) -> u64 {
    store.head(stream).await.expect("reads succeed").map_or(0, |commit| commit.version.get())
}
