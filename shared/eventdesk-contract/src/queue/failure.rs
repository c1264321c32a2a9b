//! What becomes of deliveries that fail.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use eventdesk_app::{
    local_queue::{LocalQueue, asked_again},
    ports::{Clock, DeliveryId, Position, Queue, Settlement},
};

use super::bed::{Bed, NAME, all, ids, receive, tickets};

pub(super) async fn a_failed_delivery_comes_back_after_a_growing_back_off(bed: Bed) {
    bed.append([1]).await;
    let queue = bed.open().await;
    let first = receive(&queue, 10).await;
    bed.fail(&queue, &first).await;
    bed.nothing_but(&queue, 2).await;
    bed.wait(1);
    let second = receive(&queue, 10).await;
    assert_eq!((tickets(&second), second[0].attempt), (all([1]), 2));
    bed.fail(&queue, &second).await;
    bed.wait(9);
    bed.nothing_but(&queue, 3).await;
    bed.wait(1);
    let third = receive(&queue, 10).await;
    assert_eq!((tickets(&third), third[0].attempt), (all([1]), 3));
    bed.done(&queue, &third).await;
    bed.wait(3600);
    bed.nothing_but(&queue, 4).await;
}

pub(super) async fn a_failure_settles_only_itself(bed: Bed) {
    bed.append(1..=4).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    let failed = vec![(found[1].id.clone(), "the store was away".to_owned())];
    let done = vec![found[0].id.clone(), found[3].id.clone()];
    bed.settle(&queue, Settlement { done, failed }).await;
    let state = bed.state().await;
    assert_eq!(state.retries.len(), 1);
    let retry = &state.retries[0];
    assert_eq!((retry.position.0.to_string(), retry.attempts), (found[1].id.0.clone(), 1));
    assert_eq!(retry.reason, "the store was away");
    // The failed one no longer holds the cursor back; the third, neither done nor failed, does.
    assert!(state.cursor >= retry.position && state.cursor.0 < found[2].id.0.parse().unwrap());
    bed.done(&queue, &found[2..3]).await;
    assert_eq!(bed.state().await.cursor, bed.end().await);
    bed.wait(1);
    assert_eq!(tickets(&receive(&queue, 10).await), all([2]));
}

pub(super) async fn the_last_failure_makes_a_dead_letter(bed: Bed) {
    bed.append([1]).await;
    let queue = bed.open().await;
    for attempt in 1..=3 {
        let found = receive(&queue, 10).await;
        assert_eq!(found[0].attempt, attempt);
        bed.fail(&queue, &found).await;
        bed.wait(10);
    }
    let state = bed.state().await;
    assert_eq!((state.cursor, state.retries.len(), state.dead.len()), (bed.end().await, 0, 1));
    assert_eq!((state.dead[0].attempts, state.dead[0].reason.as_str()), (3, "it is poison"));
    bed.wait(3600);
    bed.nothing_but(&queue, 2).await;
    assert_eq!(bed.state().await.dead, state.dead);
}

pub(super) async fn what_is_never_answered_becomes_a_dead_letter(bed: Bed) {
    bed.append([1]).await;
    let queue = bed.open().await;
    for attempt in 1..=3 {
        let found = receive(&queue, 10).await;
        assert_eq!(found[0].attempt, attempt);
        bed.wait(30);
    }
    bed.nothing_but(&queue, 2).await;
    let state = bed.state().await;
    assert_eq!((state.cursor, state.retries.len(), state.dead.len()), (bed.end().await, 0, 1));
    assert_eq!((state.dead[0].attempts, state.dead[0].reason.as_str()), (3, "not settled within the visibility time"));
}

pub(super) async fn others_never_wait_for_a_poison_one(bed: Bed) {
    let queue = bed.open().await;
    bed.append([1]).await;
    let mut worked = Vec::new();
    for number in 2..=30 {
        bed.append([number]).await;
        let found = receive(&queue, 10).await;
        let (poison, good): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|delivery| tickets(std::slice::from_ref(delivery)) == all([1]));
        worked.extend(tickets(&good));
        assert_eq!(worked, all(2..=number), "ticket {number} came at once");
        let failed = ids(&poison).into_iter().map(|id| (id, "it is poison".to_owned())).collect();
        bed.settle(&queue, Settlement { done: ids(&good), failed }).await;
        assert_eq!(bed.state().await.cursor, bed.end().await);
        bed.wait(1);
    }
    assert_eq!(bed.state().await.dead.len(), 1);
}

pub(super) async fn a_success_clears_the_retry(bed: Bed) {
    bed.append(1..=2).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    bed.fail(&queue, &found).await;
    assert_eq!(bed.state().await.retries.len(), 2);
    bed.wait(1);
    let again = receive(&queue, 10).await;
    bed.done(&queue, &again[..1]).await;
    let state = bed.state().await;
    assert_eq!((state.retries.len(), state.dead.len()), (1, 0));
    bed.done(&queue, &again[1..]).await;
    assert!(bed.state().await.retries.is_empty());
}

pub(super) async fn answers_for_nothing_change_nothing(bed: Bed) {
    bed.append(1..=2).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    let unknown = || ["", "x", "0", "999999", "-1"].map(|id| DeliveryId(id.to_owned())).to_vec();
    let failed = unknown().into_iter().map(|id| (id, "unknown".to_owned())).collect();
    bed.settle(&queue, Settlement { done: unknown(), failed }).await;
    bed.done(&queue, &found).await;
    bed.done(&queue, &found).await;
    bed.fail(&queue, &found).await;
    let state = bed.state().await;
    assert_eq!((state.cursor, state.retries, state.dead), (bed.end().await, vec![], vec![]));
    assert!(queue.progress(&Settlement::default()).is_some_and(|progress| progress.cleared.is_empty()));
}

/// Three failed attempts.
async fn die(bed: &Bed, queue: &LocalQueue) -> Position {
    for _ in 1..=3 {
        let found = receive(queue, 10).await;
        bed.fail(queue, &found).await;
        bed.wait(10);
    }
    bed.state().await.dead[0].position
}

async fn ask_again(bed: &Bed, positions: &[Position], replay: Option<&str>) {
    let again: Vec<_> = positions.iter().map(|at| asked_again(*at, bed.clock.now(), replay)).collect();
    bed.ground.views.redeliver(NAME, &again).await.unwrap();
    bed.wait(1);
}

pub(super) async fn a_dead_letter_that_is_put_back_comes_again(bed: Bed) {
    bed.append([1]).await;
    let queue = bed.open().await;
    let dead = die(&bed, &queue).await;
    let before = bed.state().await.cursor;
    ask_again(&bed, &[dead], None).await;
    let state = bed.state().await;
    assert_eq!((state.cursor, state.retries.len(), state.dead.len()), (before, 1, 0));
    let found = receive(&queue, 10).await;
    assert_eq!((tickets(&found), found[0].attempt), (all([1]), 1), "as if for the first time");
    bed.done(&queue, &found).await;
    let state = bed.state().await;
    assert_eq!((state.retries.len(), state.dead.len()), (0, 0));
    // A queue that is opened later finds it, too.
    ask_again(&bed, &[dead], None).await;
    drop(queue);
    assert_eq!(tickets(&receive(&bed.open().await, 10).await), all([1]));
}

pub(super) async fn a_discarded_letter_never_comes_again(bed: Bed) {
    bed.append([1]).await;
    let queue = bed.open().await;
    let dead = die(&bed, &queue).await;
    let discard = async |positions: &[Position]| bed.ground.views.discard_dead(NAME, positions).await.unwrap();
    assert_eq!(discard(&[Position(dead.0 + 1), dead]).await, 1);
    assert_eq!(discard(&[dead]).await, 0);
    assert!(bed.state().await.dead.is_empty());
    bed.wait(3600);
    bed.nothing_but(&queue, 2).await;
}

pub(super) async fn what_is_asked_for_by_a_replay_is_marked(bed: Bed) {
    bed.append(1..=2).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    assert!(found.iter().all(|delivery| delivery.events[0].replay.is_none()));
    bed.done(&queue, &found).await;
    let first = Position(found[0].id.0.parse().unwrap());
    ask_again(&bed, &[first], Some("again")).await;
    let found = receive(&queue, 10).await;
    assert_eq!((tickets(&found), found[0].events[0].replay.as_deref()), (all([1]), Some("again")));
    bed.fail(&queue, &found).await;
    bed.wait(1);
    let found = receive(&queue, 10).await;
    assert_eq!((found[0].attempt, found[0].events[0].replay.as_deref()), (2, Some("again")));
    bed.done(&queue, &found).await;
    bed.nothing_but(&queue, 3).await;
}

pub(super) async fn asking_again_harms_nothing_that_is_handed_out(bed: Bed) {
    bed.append(1..=2).await;
    let queue = bed.open().await;
    let found = receive(&queue, 10).await;
    let positions: Vec<_> = found.iter().map(|delivery| Position(delivery.id.0.parse().unwrap())).collect();
    ask_again(&bed, &positions, None).await;
    bed.nothing_but(&queue, 3).await;
    bed.done(&queue, &found).await;
    bed.wait(1);
    // It was asked for while it was on its way: it comes once more, and no more often.
    let again = receive(&queue, 10).await;
    assert_eq!(tickets(&again), all(1..=2));
    bed.done(&queue, &again).await;
    assert!(bed.state().await.retries.is_empty());
    bed.nothing_but(&queue, 4).await;
}
