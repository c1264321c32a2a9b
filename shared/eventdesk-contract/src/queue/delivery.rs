//! What comes, when, and to whom.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use eventdesk_app::{
    local_queue::LocalQueueOptions,
    ports::{Position, Queue, RecordedEvent, Settlement},
};
use futures_util::{FutureExt, future::join_all};

use super::{
    Unreliable,
    bed::{Bed, NAME, Untold, all, options, receive, tickets},
};
use crate::event_store::samples::{append, commit, event, ticket};

pub(super) async fn a_delivery_is_a_whole_commit(bed: Bed) {
    let mut made = commit(ticket(1), 1);
    made.events = (0..3).map(|n| event(&format!(r#"{{"n":{n}}}"#), None)).collect();
    bed.ground.store.append(append(vec![made.clone(), commit(ticket(2), 1)])).await.unwrap();
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    assert_eq!(found.len(), 2);
    let first = found.iter().find(|delivery| delivery.events[0].stream == ticket(1)).unwrap();
    assert_eq!(first.attempt, 1);
    let expected: Vec<_> = made.envelopes().map(|envelope| (envelope.id, envelope.index, envelope.count)).collect();
    let events: Vec<_> = first.events.iter().map(|event| (event.id, event.index, event.count)).collect();
    assert_eq!(events, expected);
}

pub(super) async fn what_is_settled_never_comes_again(bed: Bed) {
    bed.append(1..=5).await;
    let queue = bed.open().await;
    let first = receive(&queue, 2).await;
    let rest = receive(&queue, 100).await;
    assert_eq!((tickets(&first), tickets(&rest)), (all(1..=2), all(3..=5)));
    bed.done(&queue, &first).await;
    bed.done(&queue, &rest).await;
    bed.wait(3600);
    bed.nothing_but(&queue, 6).await;
    assert_eq!(queue.cursor(), bed.end().await);
}

pub(super) async fn what_is_not_settled_comes_again_after_the_visibility_time(bed: Bed) {
    bed.append(1..=3).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.done(&queue, &found[1..2]).await;
    bed.wait(29);
    bed.nothing_but(&queue, 4).await;
    bed.wait(1);
    let again = receive(&queue, 10).await;
    assert_eq!(tickets(&again), all([1, 3]));
    assert!(again.iter().all(|delivery| delivery.attempt == 2));
    assert!(again[0].id == found[0].id && again[1].id == found[2].id);
    bed.nothing_but(&queue, 5).await;
}

pub(super) async fn a_late_answer_settles_the_commit(bed: Bed) {
    bed.append([1, 2]).await;
    let queue = bed.open().await;
    let late = receive(&queue, 10).await;
    bed.wait(30);
    let again = receive(&queue, 10).await;
    assert_eq!(again.len(), 2);
    bed.done(&queue, &late).await;
    bed.fail(&queue, &again).await;
    bed.wait(3600);
    bed.nothing_but(&queue, 3).await;
    assert!(bed.state().await.retries.is_empty());
}

pub(super) async fn a_receiver_waits_for_an_append(bed: Bed) {
    // Were the append not told, the next look would be an hour later.
    let slow = LocalQueueOptions { poll: Duration::from_hours(1), ..options() };
    let queue = bed.open_with(NAME, &[], slow).await;
    let appended = async {
        tokio::task::yield_now().await;
        bed.append([1]).await;
    };
    let (found, ()) = tokio::join!(receive(&queue, 10), appended);
    assert_eq!(tickets(&found), all([1]));
}

pub(super) async fn appends_of_another_process_are_found(bed: Bed) {
    let untold = Arc::new(Untold(Arc::clone(&bed.ground.log)));
    let queue = bed.open_over(untold, NAME, &[], options()).await;
    let appended = async {
        tokio::task::yield_now().await;
        bed.append([1]).await;
    };
    let (found, ()) = tokio::join!(receive(&queue, 10), appended);
    assert_eq!(tickets(&found), all([1]));
}

pub(super) async fn parallel_receivers_never_share_a_commit(bed: Bed) {
    bed.append(1..=40).await;
    let queue = Arc::new(bed.open().await);
    let receivers = (0..8).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { receive(&*queue, 5).await })
    });
    let mut found: Vec<_> = join_all(receivers).await.into_iter().flat_map(|found| tickets(&found.unwrap())).collect();
    found.sort();
    assert_eq!(found, all(1..=40));
}

pub(super) async fn a_receiver_that_gives_up_takes_nothing_along(bed: Bed) {
    let queue = bed.open().await;
    for number in 1..=20 {
        let mut waiting = Box::pin(queue.receive(10));
        let early = (&mut waiting).now_or_never();
        assert!(early.is_none(), "nothing was appended: {early:?}");
        bed.append([number]).await;
        drop(waiting);
        let found = receive(&queue, 10).await;
        assert_eq!((tickets(&found), found[0].attempt), (all([number]), 1));
    }
}

pub(super) async fn no_more_is_handed_out_than_may_be_in_flight(bed: Bed) {
    bed.append(1..=9).await;
    let queue = bed.open_with(NAME, &[], LocalQueueOptions { in_flight: 4, ..options() }).await;
    let found = receive(&queue, 100).await;
    assert_eq!(tickets(&found), all(1..=4));
    assert!(queue.receive(100).now_or_never().is_none());
    bed.done(&queue, &found[2..3]).await;
    assert_eq!(tickets(&receive(&queue, 100).await), all([5]));
    // A failed one waits elsewhere.
    bed.fail(&queue, &found[..1]).await;
    assert_eq!(tickets(&receive(&queue, 100).await), all([6]));
}

pub(super) async fn commits_of_no_interest_are_passed_over(bed: Bed) {
    let of = |kind: &'static str| RecordedEvent { event_type: Cow::Borrowed(kind), ..event("{}", None) };
    for number in 1..=60 {
        let mut made = commit(ticket(number), 1);
        made.events = match number % 20 {
            0 => vec![of("user.registered"), of("employee.registered")],
            10 => vec![of("users.none")],
            _ => vec![of("ticket.opened")],
        };
        bed.ground.store.append(append(vec![made])).await.unwrap();
    }
    let queue = bed.open_with(NAME, &["employee.", "user."], options()).await;
    let mut found = Vec::new();
    while found.len() < 3 {
        found.extend(receive(&queue, 2).await);
    }
    assert_eq!(tickets(&found), all([20, 40, 60]));
    assert_eq!(found[0].events.len(), 2);
    assert!(queue.cursor() < bed.end().await);
    bed.done(&queue, &found).await;
    assert_eq!(bed.state().await.cursor, bed.end().await);
}

pub(super) async fn consumers_are_apart(bed: Bed) {
    bed.append(1..=2).await;
    let (one, other) = (bed.open().await, bed.open_with("other", &[], options()).await);
    let found = receive(&one, 10).await;
    bed.done(&one, &found).await;
    assert_eq!(tickets(&receive(&other, 10).await), all(1..=2));
    assert_eq!(bed.ground.views.consumer("other").await.unwrap().cursor, Position(0));
}

pub(super) async fn an_unreliable_bus_loses_nothing(bed: Bed) {
    bed.append(1..=150).await;
    let patient = LocalQueueOptions { backoff: vec![Duration::from_secs(1); 30], ..options() };
    let queue = Unreliable::new(bed.open_with(NAME, &[], patient).await, 7);
    let mut times_seen = BTreeMap::new();
    let mut settled = HashSet::new();
    let mut round = 0_u32;
    while settled.len() < 150 {
        // What was lost is to be had again.
        bed.wait(31);
        let mut settlement = Settlement::default();
        for delivery in receive(&queue, 20).await.chunk_by(|a, b| a.id == b.id).map(|same| &same[0]) {
            round += 1;
            *times_seen.entry(delivery.events[0].stream).or_insert(0_u32) += 1;
            if round.is_multiple_of(5) {
                settlement.failed.push((delivery.id.clone(), "every fifth fails".to_owned()));
            } else {
                settlement.done.push(delivery.id.clone());
            }
        }
        settled.extend(settlement.done.iter().cloned());
        bed.settle(&queue, settlement).await;
    }
    assert_eq!(times_seen.into_keys().collect::<Vec<_>>(), all(1..=150));
    let state = bed.state().await;
    assert_eq!((state.cursor, state.retries, state.dead), (bed.end().await, vec![], vec![]));
    bed.wait(3600);
    bed.nothing_but(queue.inner(), 151).await;
}
