//! The whole store in segments.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::{collections::BTreeMap, sync::Arc};

use eventdesk_app::ports::{Category, Commit, CommitScan, EventStore, Extent, ScannedCommit, Segment};
use eventdesk_events::{EmployeeId, MessageId, StreamId, UserId, Version};

use super::samples::{content, fill, json, ticket, uuid};

type Ports = (Arc<dyn EventStore>, Arc<dyn CommitScan>);
type Found = BTreeMap<(StreamId, Version), Commit>;

/// Reads a segment to its end in pages of `most`, as if another process went on after each.
async fn all(scan: &dyn CommitScan, segment: &Segment, most: usize, extent: Extent) -> Vec<ScannedCommit> {
    let stored = serde_json::to_string(segment).expect("a segment can be stored");
    let segment: Segment = serde_json::from_str(&stored).expect("and read again");
    let (mut found, mut place) = (Vec::new(), None);
    loop {
        let page = scan.scan(&segment, place.as_deref(), most, extent).await.expect("reads succeed");
        assert!(page.commits.len() <= most);
        found.extend(page.commits);
        place = page.next;
        if place.is_none() {
            return found;
        }
    }
}

/// All streams of a category, by segments.
async fn found(scan: &dyn CommitScan, category: Category, segments: usize, most: usize) -> Found {
    let mut found = Found::new();
    for segment in scan.segments(category, segments).await.expect("a store can be cut") {
        let commits = all(scan, &segment, most, Extent::Whole).await;
        let mut streams = Vec::new();
        for ScannedCommit { commit, .. } in commits {
            if streams.last() != Some(&commit.stream) {
                assert!(!streams.contains(&commit.stream), "{} is not side by side", commit.stream);
                streams.push(commit.stream);
                assert_eq!(commit.version, Version::FIRST, "{} does not begin at its beginning", commit.stream);
            }
            let key = (commit.stream, commit.version);
            if commit.version > Version::FIRST {
                let before = Version::new(commit.version.get() - 1);
                assert!(found.contains_key(&(commit.stream, before)), "{} is not in order", commit.stream);
            }
            assert!(found.insert(key, commit).is_none(), "{key:?} is found twice");
        }
    }
    found
}

fn contents(found: &Found) -> Vec<String> {
    found.values().map(content).collect()
}

/// An empty store has segments, and they are empty.
pub async fn an_empty_store_has_nothing_in_it((_, scan): Ports) {
    for category in Category::ALL {
        assert!(!scan.segments(category, 4).await.expect("a store can be cut").is_empty());
        assert!(found(&*scan, category, 4, 10).await.is_empty());
    }
}

/// Whatever the number of segments and the size of pages, each commit is found once, its stream in one piece and order.
pub async fn each_commit_is_found_once((store, scan): Ports) {
    let mut written = Found::new();
    for number in 1..=30 {
        for commit in fill(&*store, ticket(number * 7919 % 64), 1 + number % 4).await {
            written.insert((commit.stream, commit.version), commit);
        }
    }
    for (segments, most) in [(1, 1_000), (1, 1), (4, 3), (100, 7)] {
        let found = found(&*scan, Category::Ticket, segments, most).await;
        assert_eq!(contents(&found), contents(&written), "{segments} segments in pages of {most}");
    }
}

/// Every stream belongs to one category, and is in its segments alone.
pub async fn categories_are_apart((store, scan): Ports) {
    let streams = [
        (Category::Ticket, ticket(1)),
        (Category::Message, StreamId::Message(MessageId::from_uuid(uuid(1)))),
        (Category::User, StreamId::User(UserId::from_uuid(uuid(1)))),
        (Category::Employee, StreamId::Employee(EmployeeId::from_uuid(uuid(1)))),
        (Category::Roster, StreamId::AdminRoster),
    ];
    for (_, stream) in streams {
        fill(&*store, stream, 2).await;
    }
    for (category, stream) in streams {
        let found = found(&*scan, category, 3, 10).await;
        assert_eq!(found.keys().map(|(found, _)| *found).collect::<Vec<_>>(), [stream, stream]);
    }
}

/// Without the state, the rest is there.
pub async fn events_can_be_read_alone((store, scan): Ports) {
    let written = fill(&*store, ticket(1), 3).await;
    let segment = scan.segments(Category::Ticket, 1).await.expect("a store can be cut").remove(0);
    let lean = |mut commit: Commit| {
        commit.state.version = 0;
        commit.state.json = json("null");
        content(&commit)
    };
    let found = all(&*scan, &segment, 10, Extent::Events).await;
    let found: Vec<_> = found.into_iter().map(|scanned| lean(scanned.commit)).collect();
    assert_eq!(found, written.into_iter().map(lean).collect::<Vec<_>>());
}

/// Segments that were cut before hold the streams that came after, too.
pub async fn later_streams_are_in_segments_cut_before((store, scan): Ports) {
    for number in 10..20 {
        fill(&*store, ticket(number), 1).await;
    }
    let segments = scan.segments(Category::Ticket, 4).await.expect("a store can be cut");
    fill(&*store, ticket(1), 1).await;
    fill(&*store, ticket(99), 2).await;
    let mut found = 0;
    for segment in &segments {
        found += all(&*scan, segment, 5, Extent::Whole).await.len();
    }
    assert_eq!(found, 13);
}
