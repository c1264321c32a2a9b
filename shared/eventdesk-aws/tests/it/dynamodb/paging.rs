//! Answers hold 1 MB at most; streams and tables hold more.

use std::collections::BTreeMap;

use eventdesk_app::ports::{Category, Commit, CommitScan, EventStore, Extent};
use eventdesk_aws::dynamodb::DynamoEventStore;
use eventdesk_contract::event_store::samples::{append, commit, content, event, fill, name, ticket, versions};
use eventdesk_events::{StreamId, Version};

use super::bed::Bed;

async fn fill_large(store: &DynamoEventStore, stream: StreamId, count: u64) -> Vec<Commit> {
    let mut written = Vec::new();
    for version in 1..=count {
        let mut large = commit(stream, version);
        large.events = vec![event(&format!("\"{}\"", "x".repeat(300_000)), None)];
        store.append(append(vec![large.clone()])).await.expect("the stream is empty");
        written.push(large);
    }
    written
}

#[tokio::test]
async fn a_stream_larger_than_an_answer_is_read_whole() {
    let bed = Bed::new().await;
    let store = bed.store();
    let written = fill_large(&store, ticket(1), 8).await;
    bed.wire.sent();
    let found = store.read(ticket(1), Version::FIRST, usize::MAX).await.unwrap();
    assert_eq!(versions(&found), (1..=8).collect::<Vec<_>>());
    assert!(bed.wire.sent().len() >= 3, "it took several answers");
    let five = store.read(ticket(1), Version::new(2), 5).await.unwrap();
    assert_eq!(versions(&five), [2, 3, 4, 5, 6]);
    let keys: Vec<_> = written.iter().map(|commit| (commit.stream, commit.version)).collect();
    assert!(store.read_many(&keys).await.unwrap().iter().all(Option::is_some));
}

/// What an edit of the longest message to another as long may bring, in letters of four bytes.
#[tokio::test]
async fn the_longest_texts_fit_and_come_back() {
    let bed = Bed::new().await;
    let store = bed.store();
    // Little of it repeats.
    let letters = |seed: u32| {
        (0..50_000_u32).map(move |n| {
            let mixed = n.wrapping_add(seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(0x9e37_79b9);
            char::from_u32(0x1_f300 + (mixed >> 22)).unwrap_or('x')
        })
    };
    let [previous, current] = [1, 2].map(|seed| letters(seed).collect::<String>());
    assert!(previous.len() > 195_000 && previous != current);
    let mut edited = commit(ticket(1), 1);
    let private = format!(r#"{{"previous":"{previous}","current":"{current}"}}"#);
    edited.events = vec![event("{}", Some(&private)), event("{}", None), event("{}", Some("{}"))];
    store.append(append(vec![edited.clone()])).await.unwrap();
    let found = store.head(ticket(1)).await.unwrap().unwrap();
    assert_eq!(content(&found), content(&edited));

    let get = bed.client.query().table_name(&bed.tables.store).key_condition_expression("stream = :stream");
    let value = aws_sdk_dynamodb::types::AttributeValue::S(ticket(1).to_string());
    let stored = get.expression_attribute_values(":stream", value).send().await.unwrap().items.unwrap().remove(0);
    let bytes = stored["private"].as_b().unwrap().as_ref().len();
    assert!(bytes < 300_000, "{bytes}");
}

#[tokio::test]
async fn more_keys_than_a_batch_takes_are_read() {
    let bed = Bed::new().await;
    let store = bed.store();
    fill(&*store, ticket(1), 120).await;
    let keys: Vec<_> = (1..=240).map(|version| (ticket(1), Version::new(version))).collect();
    bed.wire.sent();
    let found = store.read_many(&keys).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 120);
    assert!(found[..120].iter().all(Option::is_some));
    assert_eq!(bed.wire.sent().len(), 3);
}

/// moto parts a table into segments as the service does, but reads it whole for each.
#[tokio::test]
async fn the_segments_of_a_scan_hold_every_commit_once() {
    let bed = Bed::new().await;
    let store = bed.store();
    let mut written = BTreeMap::new();
    for number in 1..=30 {
        for commit in fill(&*store, ticket(number), 2).await {
            written.insert((commit.stream, commit.version), content(&commit));
        }
    }
    for commit in fill_large(&store, ticket(31), 5).await {
        written.insert((commit.stream, commit.version), content(&commit));
    }
    // What else stands in the table is no commit.
    store.next_ticket_number().await.unwrap();
    let claims = vec![(name(1), ticket(1))];
    store.append(eventdesk_app::ports::Append { claims, ..Default::default() }).await.unwrap();

    let mut found = BTreeMap::new();
    for segment in store.segments(Category::Ticket, 4).await.unwrap() {
        let mut place = None;
        loop {
            let page = store.scan(&segment, place.as_deref(), 1_000, Extent::Whole).await.unwrap();
            for commit in page.commits.into_iter().map(|scanned| scanned.commit) {
                assert!(found.insert((commit.stream, commit.version), content(&commit)).is_none(), "found twice");
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
    }
    assert_eq!(found, written);
}
