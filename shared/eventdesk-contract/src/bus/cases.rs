//! The cases.
#![expect(clippy::unwrap_used, reason = "a suite is a test: a panic fails its case")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::ports::{Commit, Delivery, Progress, Queue, QueueError, Settlement};
use eventdesk_events::{Envelope, EventId, StreamId};

use super::{Bus, Dead, Setting};
use crate::{
    event_store::samples::{commit, event, ticket},
    queue::{
        Unreliable,
        bed::{all, ids, receive, tickets},
    },
};

const VISIBILITY: Duration = Duration::from_secs(3);

fn setting() -> Setting {
    Setting { visibility: VISIBILITY, backoff: [1, 1].map(Duration::from_secs).to_vec() }
}

/// Publishes the first commit of each of these tickets.
pub(super) async fn publish(bus: &impl Bus, numbers: impl IntoIterator<Item = u64>) {
    let commits: Vec<Commit> = numbers.into_iter().map(|number| commit(ticket(number), 1)).collect();
    bus.publisher().publish(&commits).await.unwrap();
}

/// Receives until so many deliveries are there.
pub(super) async fn collect(bus: &impl Bus, count: usize) -> Vec<Delivery> {
    let mut found = Vec::new();
    while found.len() < count {
        found.extend(receive(bus.queue(), count - found.len()).await);
    }
    found
}

pub(super) async fn done(bus: &impl Bus, deliveries: &[Delivery]) {
    bus.settle(Settlement { done: ids(deliveries), failed: Vec::new() }).await;
}

pub(super) async fn fail(bus: &impl Bus, deliveries: &[Delivery]) {
    let failed = ids(deliveries).into_iter().map(|id| (id, "it is poison".to_owned())).collect();
    bus.settle(Settlement { done: Vec::new(), failed }).await;
}

/// Sees that nothing is to be had but what is published just for that.
pub(super) async fn nothing_but(bus: &impl Bus, marker: u64) {
    publish(bus, [marker]).await;
    let found = receive(bus.queue(), 10).await;
    assert_eq!(tickets(&found), [ticket(marker)], "nothing comes but ticket {marker}");
    done(bus, &found).await;
}

fn sorted(deliveries: &[Delivery]) -> Vec<StreamId> {
    let mut streams = tickets(deliveries);
    streams.sort();
    streams
}

/// As JSON is compared: a bus may write the same values otherwise.
fn content(event: &Envelope) -> (EventId, serde_json::Value) {
    (event.id, serde_json::to_value(event).unwrap())
}

pub(super) async fn all_that_is_published_arrives<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    let mut commits: Vec<Commit> = (1..=9).map(|number| commit(ticket(number), 1)).collect();
    for made in &mut commits {
        made.trace_id = Some("5759e988bd862e3fe1be46a994272793".to_owned());
        made.events = (0..3).map(|n| event(&format!(r#"{{"n":{n}}}"#), Some(r#"{"text":"ö & ü"}"#))).collect();
    }
    bus.publisher().publish(&commits).await.unwrap();
    let mut arrived = BTreeMap::new();
    while arrived.len() < 27 {
        let found = receive(bus.queue(), 100).await;
        assert!(found.iter().all(|delivery| delivery.attempt == 1));
        arrived.extend(found.iter().flat_map(|one| &one.events).map(content));
        done(&bus, &found).await;
    }
    assert_eq!(arrived, commits.iter().flat_map(Commit::envelopes).map(|event| content(&event)).collect());
}

pub(super) async fn a_receiver_waits_for_a_publication<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    let published = async {
        tokio::task::yield_now().await;
        publish(&bus, [1]).await;
    };
    let (found, ()) = tokio::join!(receive(bus.queue(), 10), published);
    assert_eq!(tickets(&found), all([1]));
}

pub(super) async fn what_is_settled_never_comes_again<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    publish(&bus, 1..=12).await;
    let found = collect(&bus, 12).await;
    assert_eq!(sorted(&found), all(1..=12));
    done(&bus, &found).await;
    bus.pass(VISIBILITY + Duration::from_secs(1)).await;
    nothing_but(&bus, 13).await;
    assert_eq!(bus.dead().await, []);
}

pub(super) async fn what_is_not_settled_comes_again<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    publish(&bus, 1..=3).await;
    let found = collect(&bus, 3).await;
    let settled: Vec<_> = found.iter().filter(|one| one.events[0].stream == ticket(2)).cloned().collect();
    done(&bus, &settled).await;
    nothing_but(&bus, 4).await;
    bus.pass(VISIBILITY).await;
    let again = collect(&bus, 2).await;
    assert_eq!(sorted(&again), all([1, 3]));
    assert!(again.iter().all(|delivery| delivery.attempt == 2));
    // The one who was late settles the delivery all the same.
    done(&bus, &found).await;
    bus.pass(VISIBILITY + Duration::from_secs(1)).await;
    nothing_but(&bus, 5).await;
}

pub(super) async fn a_failed_delivery_comes_back_after_its_back_off<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(Setting { backoff: vec![Duration::from_secs(2)], ..setting() }).await;
    publish(&bus, [1]).await;
    let first = receive(bus.queue(), 10).await;
    fail(&bus, &first).await;
    nothing_but(&bus, 2).await;
    bus.pass(Duration::from_secs(2)).await;
    let second = receive(bus.queue(), 10).await;
    assert_eq!((tickets(&second), second[0].attempt), (all([1]), 2));
    done(&bus, &second).await;
}

pub(super) async fn a_failure_settles_only_itself<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    publish(&bus, 1..=4).await;
    let mut found = collect(&bus, 4).await;
    found.sort_by_key(|delivery| delivery.events[0].stream);
    let failed = vec![(found[1].id.clone(), "the store was away".to_owned())];
    bus.settle(Settlement { done: vec![found[0].id.clone(), found[3].id.clone()], failed }).await;
    bus.pass(VISIBILITY).await;
    let again = collect(&bus, 2).await;
    assert_eq!(sorted(&again), all([2, 3]));
    done(&bus, &again).await;
    nothing_but(&bus, 5).await;
}

pub(super) async fn the_last_failure_makes_a_dead_letter_with_its_reason<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    publish(&bus, [1]).await;
    for attempt in 1..=3 {
        assert_eq!(bus.dead().await, []);
        let found = receive(bus.queue(), 10).await;
        assert_eq!(found[0].attempt, attempt);
        fail(&bus, &found).await;
        bus.pass(Duration::from_secs(1)).await;
    }
    let dead = Dead { stream: Some(ticket(1)), attempts: 3, reason: "it is poison".to_owned() };
    assert_eq!(bus.dead().await, [dead]);
    bus.pass(VISIBILITY).await;
    nothing_but(&bus, 2).await;
}

pub(super) async fn others_never_wait_for_a_poison_one<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    publish(&bus, [1]).await;
    for number in 2..=8 {
        publish(&bus, [number]).await;
        let mut came = false;
        while !came {
            let found = receive(bus.queue(), 10).await;
            let (poison, good): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|delivery| delivery.events[0].stream == ticket(1));
            came = good.iter().any(|delivery| delivery.events[0].stream == ticket(number));
            fail(&bus, &poison).await;
            done(&bus, &good).await;
        }
    }
}

pub(super) async fn repeated_publications_are_told_apart_by_their_ids_alone<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(setting()).await;
    let made = commit(ticket(1), 1);
    // Whether a bus brings what it is told twice once or twice is its own matter; the event's id stays the same.
    for _ in 0..2 {
        bus.publisher().publish(std::slice::from_ref(&made)).await.unwrap();
    }
    publish(&bus, [2]).await;
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let found = receive(bus.queue(), 10).await;
        seen.extend(found.iter().flat_map(|delivery| &delivery.events).map(|event| (event.stream, event.id)));
        done(&bus, &found).await;
    }
    assert!(seen.contains(&(ticket(1), made.event_id(0))));
}

pub(super) async fn an_unreliable_bus_loses_nothing<B: Bus>(make: &impl AsyncFn(Setting) -> B) {
    let bus = make(Setting { backoff: vec![Duration::from_secs(1); 30], ..setting() }).await;
    let mut commits: Vec<Commit> = (1..=15).map(|number| commit(ticket(number), 1)).collect();
    for made in &mut commits {
        made.events = (0..2).map(|n| event(&format!(r#"{{"n":{n}}}"#), None)).collect();
    }
    bus.publisher().publish(&commits).await.unwrap();
    let spoilt = Unreliable::new(Borrowed(&bus), 7);
    let (mut applied, mut round) = (BTreeSet::new(), 0_u32);
    while applied.len() < commits.len() {
        let mut settlement = Settlement::default();
        for delivery in receive(&spoilt, 20).await {
            round += 1;
            if round.is_multiple_of(5) {
                settlement.failed.push((delivery.id, "every fifth fails".to_owned()));
            } else {
                // As a projector does, which reads the rest of half a commit from the store.
                applied.insert(delivery.events[0].stream);
                settlement.done.push(delivery.id);
            }
        }
        bus.settle(settlement).await;
        // What was lost or failed is to be had again.
        bus.pass(VISIBILITY).await;
    }
    assert_eq!(applied.into_iter().collect::<Vec<_>>(), all(1..=15));
    assert_eq!(bus.dead().await, []);
}

/// A bus's queue, for a wrapper that wants one of its own.
struct Borrowed<'a, B>(&'a B);

#[async_trait]
impl<B: Bus> Queue for Borrowed<'_, B> {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        self.0.queue().receive(max).await
    }

    fn progress(&self, settlement: &Settlement) -> Option<Progress> {
        self.0.queue().progress(settlement)
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), QueueError> {
        self.0.settle(settlement).await;
        Ok(())
    }
}
