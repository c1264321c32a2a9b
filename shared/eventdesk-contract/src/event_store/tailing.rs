//! The log of all commits.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

use std::sync::Arc;

use eventdesk_app::ports::{CommitLog, EventStore, Position, StoredCommit};
use eventdesk_events::CommitId;

use super::samples::{append, commit, content, fill, refusal, ticket};

type Ports = (Arc<dyn EventStore>, Arc<dyn CommitLog>);

async fn after(log: &dyn CommitLog, position: Position, limit: usize) -> Vec<StoredCommit> {
    log.read_after(position, limit).await.expect("reads succeed")
}

fn ids(commits: &[StoredCommit]) -> Vec<CommitId> {
    commits.iter().map(|stored| stored.commit.id).collect()
}

/// Nothing is before the first append.
pub async fn an_empty_log_starts_at_nothing((_, log): Ports) {
    assert!(after(&*log, Position(0), 10).await.is_empty());
    assert!(log.read_at(&[Position(0), Position(1)]).await.expect("reads succeed").is_empty());
    assert_eq!(*log.newest().borrow(), Position(0));
}

/// Positions ascend with the appends, and within one with its commits; contents are whole.
pub async fn the_log_is_in_the_order_of_appends((store, log): Ports) {
    let mut written = fill(&*store, ticket(1), 2).await;
    let both = vec![commit(ticket(3), 1), commit(ticket(2), 1)];
    store.append(append(both.clone())).await.expect("both are new");
    written.extend(both);
    let stored = after(&*log, Position(0), 10).await;
    let contents = |commits: &mut dyn Iterator<Item = String>| commits.collect::<Vec<_>>();
    assert_eq!(
        contents(&mut stored.iter().map(|stored| content(&stored.commit))),
        contents(&mut written.iter().map(content))
    );
    assert!(stored.is_sorted_by(|a, b| a.position < b.position));
    assert!(stored[0].position > Position(0));
}

/// A page starts after its position and ends at its limit.
pub async fn the_log_is_read_in_pages((store, log): Ports) {
    fill(&*store, ticket(1), 10).await;
    let all = after(&*log, Position(0), usize::MAX).await;
    let mut paged = Vec::new();
    let mut cursor = Position(0);
    loop {
        let page = after(&*log, cursor, 3).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        cursor = last.position;
        paged.extend(ids(&page));
    }
    assert_eq!((all.len(), paged), (10, ids(&all)));
    assert!(after(&*log, Position(0), 0).await.is_empty());
    assert!(after(&*log, Position(u64::MAX), 5).await.is_empty());
}

/// Positions are found in ascending order, however they are asked for; unknown ones are left out.
pub async fn single_positions_are_found((store, log): Ports) {
    fill(&*store, ticket(1), 5).await;
    let all = after(&*log, Position(0), 10).await;
    let wanted = [Position(u64::MAX), all[4].position, all[1].position, Position(0), all[2].position];
    let found = log.read_at(&wanted).await.expect("reads succeed");
    assert_eq!(ids(&found), [1, 2, 4].map(|index: usize| all[index].commit.id));
    assert_eq!(found[0].position, all[1].position);
}

/// Whoever waits for `newest` is woken, and an append that was answered is announced.
pub async fn an_answered_append_is_announced((store, log): Ports) {
    let mut newest = log.newest();
    let waiting = tokio::spawn(async move {
        newest.wait_for(|position| *position > Position(0)).await.map(|position| *position).expect("the store lives")
    });
    for version in 1..=3 {
        store.append(append(vec![commit(ticket(1), version)])).await.expect("the next version is free");
        let last = after(&*log, Position(0), 10).await.pop().expect("it was appended");
        assert_eq!(last.commit.version.get(), version);
        assert_eq!(*log.newest().borrow(), last.position);
    }
    assert!(waiting.await.expect("the waiter does not panic") > Position(0));
}

/// What was refused neither stands in the log nor is announced.
pub async fn a_refused_append_is_not_in_the_log((store, log): Ports) {
    fill(&*store, ticket(1), 2).await;
    let newest = *log.newest().borrow();
    refusal(&*store, append(vec![commit(ticket(2), 1), commit(ticket(1), 2)])).await;
    assert_eq!(*log.newest().borrow(), newest);
    assert_eq!(after(&*log, Position(0), 10).await.len(), 2);
}

/// A reader that follows the log while many write sees every commit once, in the order in which the log stands.
pub async fn nothing_appears_before_a_position_already_read((store, log): Ports) {
    const WRITERS: u64 = 16;
    const EACH: u64 = 20;
    let tail = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut newest = log.newest();
            let mut cursor = Position(0);
            let mut seen = Vec::new();
            while (seen.len() as u64) < WRITERS * EACH {
                newest.wait_for(|newest| *newest > cursor).await.expect("the store lives");
                for stored in after(&*log, cursor, 7).await {
                    cursor = stored.position;
                    seen.push(stored.commit.id);
                }
            }
            seen
        })
    };
    let writers: Vec<_> = (1..=WRITERS)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { fill(&*store, ticket(number), EACH).await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("every append succeeds");
    }
    let seen = tail.await.expect("the reader does not panic");
    assert_eq!(seen, ids(&after(&*log, Position(0), usize::MAX).await));
}
