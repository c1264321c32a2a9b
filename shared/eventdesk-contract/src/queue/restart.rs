//! What a process finds that takes the queue over.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::time::Duration;

use eventdesk_app::{
    local_queue::LocalQueueOptions,
    ports::{Position, Queue, Settlement},
};
use futures_util::FutureExt;

use super::bed::{Bed, NAME, all, ids, options, receive, tickets};

pub(super) async fn a_crash_before_settling_delivers_again(bed: Bed) {
    bed.append(1..=3).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.done(&queue, &found[..1]).await;
    // Asked for, but the crash came before it was stored.
    let lost = queue.progress(&Settlement { done: ids(&found[1..]), failed: Vec::new() });
    assert!(lost.is_some_and(|progress| progress.cursor.0 > 0));
    drop(queue);
    assert_eq!(tickets(&receive(&bed.open().await, 10).await), all([2, 3]));
}

pub(super) async fn a_crash_after_settling_does_not(bed: Bed) {
    bed.append(1..=3).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    let settlement = Settlement { done: ids(&found), failed: Vec::new() };
    bed.ground.views.apply(Vec::new(), queue.progress(&settlement)).await.unwrap();
    // The crash comes before the queue hears of it.
    drop(queue);
    bed.nothing_but(&bed.open().await, 4).await;
}

pub(super) async fn settling_out_of_order_loses_no_position(bed: Bed) {
    bed.append(1..=6).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.done(&queue, &found[4..]).await;
    assert_eq!(bed.state().await.cursor.0, found[0].id.0.parse::<u64>().unwrap() - 1);
    bed.done(&queue, &found[0..2]).await;
    bed.done(&queue, &found[3..4]).await;
    drop(queue);
    let queue = bed.open().await;
    let again = receive(&queue, 10).await;
    assert!(tickets(&again).contains(&all([3])[0]), "the one that was never settled");
    assert!(!tickets(&again).contains(&all([2])[0]), "what came before it was settled for good");
    bed.done(&queue, &again).await;
    assert_eq!(bed.state().await.cursor, bed.end().await);
}

pub(super) async fn batches_settled_at_once_lose_no_position(bed: Bed) {
    bed.append(1..=4).await;
    let queue = bed.open().await;
    let (one, other) = (receive(&queue, 2).await, receive(&queue, 2).await);
    let settle = |deliveries| Settlement { done: ids(deliveries), failed: Vec::new() };
    // Both are asked for before either is stored, and stored the wrong way round.
    let (first, second) = (queue.progress(&settle(&one)), queue.progress(&settle(&other)));
    bed.ground.views.apply(Vec::new(), second).await.unwrap();
    bed.ground.views.apply(Vec::new(), first).await.unwrap();
    let state = bed.state().await;
    assert!(
        state.cursor.0 < other[0].id.0.parse().unwrap(),
        "the second batch may come again, the first may not be lost"
    );
    queue.settle(settle(&other)).await.unwrap();
    queue.settle(settle(&one)).await.unwrap();
    bed.nothing_but(&queue, 5).await;
    assert_eq!(bed.state().await.cursor, bed.end().await);
}

pub(super) async fn retries_and_dead_letters_survive(bed: Bed) {
    bed.append(1..=2).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.fail(&queue, &found).await;
    bed.wait(1);
    let again = receive(&queue, 10).await;
    bed.fail(&queue, &again).await;
    bed.wait(10);
    let last = receive(&queue, 1).await;
    bed.fail(&queue, &last).await;
    let before = bed.state().await;
    assert_eq!((before.retries.len(), before.dead.len()), (1, 1));
    drop(queue);

    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    assert_eq!((tickets(&found), found[0].attempt), (all([2]), 3));
    bed.done(&queue, &found).await;
    let after = bed.state().await;
    assert_eq!((after.retries, after.dead), (vec![], before.dead));
    bed.wait(3600);
    bed.nothing_but(&queue, 3).await;
}

pub(super) async fn what_failed_ahead_of_the_cursor_is_not_read_as_new(bed: Bed) {
    let hopeless = LocalQueueOptions { backoff: Vec::new(), ..options() };
    bed.append(1..=4).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.fail(&queue, &found[1..2]).await;
    drop(queue);
    let queue = bed.open_with(NAME, &[], hopeless).await;
    let found = receive(&queue, 10).await;
    assert_eq!(tickets(&found), all([1, 3, 4]), "the second waits for its back-off");
    bed.fail(&queue, &found[1..2]).await;
    drop(queue);
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    assert_eq!(tickets(&found), all([1, 4]), "the third is dead");
    bed.done(&queue, &found).await;
    assert_eq!(bed.state().await.cursor, bed.end().await);
    bed.wait(1);
    assert_eq!(tickets(&receive(&queue, 10).await), all([2]));
}

pub(super) async fn an_idle_queue_stores_its_cursor(bed: Bed) {
    bed.append(1..=5).await;
    let idle = LocalQueueOptions { store_idle: Duration::from_secs(5), ..options() };
    let queue = bed.open_with(NAME, &["user."], idle).await;
    let mut waiting = Box::pin(queue.receive(10));
    let end = bed.end().await;
    while queue.cursor() < end {
        assert!((&mut waiting).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.state().await.cursor, Position(0), "not yet");
    bed.wait(6);
    let stored = async {
        while bed.state().await.cursor < end {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        found = &mut waiting => panic!("nothing is of interest: {found:?}"),
        () = stored => {}
    }
}

pub(super) async fn a_busy_queue_stores_its_cursor_now_and_then(bed: Bed) {
    let busy = LocalQueueOptions { store_every: 10, store_idle: Duration::from_hours(1), ..options() };
    let queue = bed.open_with(NAME, &["user."], busy).await;
    bed.append(1..=25).await;
    let end = bed.end().await;
    let mut waiting = Box::pin(queue.receive(5));
    while queue.cursor() < end {
        assert!((&mut waiting).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let stored = bed.state().await.cursor;
    assert!(stored > Position(0) && stored < end, "{stored:?}");
}
