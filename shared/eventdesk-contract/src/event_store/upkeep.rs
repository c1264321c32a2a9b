//! What operators' tools do to a store: private parts are removed, and an empty one is filled.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{Commit, ImportStore, PrivateParts, Redaction};
use eventdesk_events::{StreamId, Version};

use super::samples::{append, commit, content, json, ticket};

type Ports = (Arc<dyn ImportStore>, Arc<dyn PrivateParts>);

/// A commit of two events, each with a private part.
fn private(stream: StreamId, version: u64) -> Commit {
    let mut commit = commit(stream, version);
    commit.events.truncate(1);
    commit.events.push(commit.events[0].clone());
    for (event, word) in commit.events.iter_mut().zip(["first", "second"]) {
        event.private = Some(json(&format!(r#"{{"word":"{word}"}}"#)));
    }
    commit
}

async fn stored(store: &dyn ImportStore, stream: StreamId) -> Vec<Commit> {
    store.read(stream, Version::FIRST, 10).await.expect("reads succeed")
}

/// What is left out of a redaction is gone from every way of reading; facts, states and other commits stay.
pub async fn a_redacted_part_is_gone_and_the_rest_stays((store, parts): Ports) {
    let (first, second) = (private(ticket(1), 1), private(ticket(1), 2));
    for commit in [&first, &second] {
        store.append(append(vec![commit.clone()])).await.expect("the next version");
    }
    let left = vec![None, first.events[1].private.clone()];
    let one = Redaction { stream: ticket(1), version: Version::FIRST, private: left };
    parts.redact(vec![one.clone()]).await.expect("it is there");
    let mut expected = first.clone();
    expected.events[0].private = None;
    let found = stored(&*store, ticket(1)).await;
    assert_eq!((content(&found[0]), content(&found[1])), (content(&expected), content(&second)));
    let batch = store.read_many(&[(ticket(1), Version::FIRST)]).await.expect("reads succeed");
    assert_eq!(batch[0].as_ref().map(content), Some(content(&expected)));
    parts.redact(vec![one]).await.expect("a repeat changes nothing");
    let none = Redaction { stream: ticket(1), version: Version::new(2), private: vec![None, None] };
    parts.redact(vec![none]).await.expect("it is there");
    let head = store.head(ticket(1)).await.expect("reads succeed").expect("it is there");
    assert!(head.events.iter().all(|event| event.private.is_none()));
    parts.scrub().await.expect("nobody holds on to it");
}

/// A redaction makes no commit.
pub async fn redacting_what_is_not_there_makes_nothing((store, parts): Ports) {
    let nothing = Redaction { stream: ticket(1), version: Version::FIRST, private: vec![None] };
    parts.redact(vec![nothing]).await.expect("it is passed over");
    assert!(stored(&*store, ticket(1)).await.is_empty());
}

/// The mark of an import stands until it is taken away.
pub async fn an_import_is_marked_until_it_ends((store, _): Ports) {
    let mark = async || store.unfinished_import().await.expect("reads succeed");
    assert_eq!(mark().await, None);
    store.mark_import(Some(u32::MAX)).await.expect("marks can be set");
    assert_eq!(mark().await, Some(u32::MAX));
    store.mark_import(None).await.expect("marks can be taken away");
    store.mark_import(None).await.expect("also twice");
    assert_eq!(mark().await, None);
}

/// Numbers that were used elsewhere are not given again.
pub async fn raised_numbers_are_not_given((store, _): Ports) {
    let before = store.next_ticket_number().await.expect("numbers are given");
    store.raise_ticket_numbers(before + 5_000).await.expect("numbers can be raised");
    store.raise_ticket_numbers(3).await.expect("raising to less changes nothing");
    let after = store.next_ticket_number().await.expect("numbers are given");
    assert!(after > before + 5_000, "{after}");
}
