//! Order, repeats, losses, halves, crashes: none of it shows in the documents.

use std::{collections::BTreeMap, sync::Arc};

use eventdesk_app::{
    ports::{Commit, Delivery, ReadStore},
    projections::{ProjectionError, Projector, projectors},
};
use proptest::{prelude::*, test_runner::Config};

use super::{
    expected::folded,
    random::{Step, desk_with, steps},
};
use crate::desk::{Desk, Dice, Fault, FaultyViews, commits, documents, singles, wholes};

#[derive(Debug, Clone)]
struct Bus {
    seed: u64,
    singly: bool,
    shuffled: bool,
    /// Of a hundred.
    lost: usize,
    repeated: usize,
    batch: usize,
}

fn bus() -> impl Strategy<Value = Bus> {
    (any::<u64>(), any::<bool>(), any::<bool>(), 0..60_usize, 0..60_usize, 1..12_usize).prop_map(
        |(seed, singly, shuffled, lost, repeated, batch)| Bus { seed, singly, shuffled, lost, repeated, batch },
    )
}

impl Bus {
    fn deliveries(&self, commits: &[Commit]) -> Vec<Delivery> {
        let mut dice = Dice(self.seed);
        let all = if self.singly { singles(commits) } else { wholes(commits) };
        let mut deliveries = Vec::new();
        for delivery in all {
            if dice.below(100) >= self.lost {
                deliveries.push(delivery.clone());
            }
            if dice.below(100) < self.repeated {
                deliveries.push(delivery);
            }
        }
        if self.shuffled {
            dice.shuffle(&mut deliveries);
        }
        // What was lost is healed by whatever comes later of its stream; at the end, by the audit's nudges.
        let newest: BTreeMap<_, _> = commits.iter().map(|commit| (commit.stream, commit.clone())).collect();
        let mut nudges = singles(&newest.into_values().collect::<Vec<_>>());
        dice.shuffle(&mut nudges);
        deliveries.extend(nudges);
        deliveries
    }
}

/// Delivers again until all is through.
async fn push_through(projector: &Projector, batch: &[Delivery]) {
    let mut batch = batch.to_vec();
    for _ in 0..100 {
        match projector.handle(batch.clone()).await {
            Ok(handled) if handled.failed.is_empty() => return,
            Ok(handled) => batch.retain(|delivery| handled.failed.iter().any(|(id, _)| *id == delivery.id)),
            Err(ProjectionError::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("{} gets nowhere", projector.name());
}

async fn deliver(desk: &Desk, views: &Arc<dyn ReadStore>, bus: &Bus, commits: &[Commit]) {
    for projector in projectors(&desk.store, views) {
        for batch in bus.deliveries(commits).chunks(bus.batch) {
            push_through(&projector, batch).await;
        }
    }
}

/// The documents of an in-order delivery, shown to be those of a fold.
async fn straight(desk: &Desk, commits: &[Commit]) -> BTreeMap<String, String> {
    desk.project().await;
    let documents = documents(&*desk.views, commits).await;
    for (key, text) in folded(commits) {
        assert_eq!(documents.get(&key), Some(&text), "{key}");
    }
    assert!(documents.values().all(|text| !text.is_empty()));
    documents
}

/// Names the documents that differ, not all there are.
fn assert_same(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) {
    for (key, text) in wanted {
        assert_eq!(found.get(key), Some(text), "{key}");
    }
}

async fn any_bus_leads_to_the_same_documents(desk: Desk, steps: Vec<Step>, bus: Bus) {
    let desk = desk_with(desk, steps).await;
    let commits = commits(&*desk.log).await;
    let straight = straight(&desk, &commits).await;
    let views = desk.fresh_views().await;
    deliver(&desk, &views, &bus, &commits).await;
    assert_same(&documents(&*views, &commits).await, &straight);
}

async fn any_crash_leads_to_the_same_documents(desk: Desk, steps: Vec<Step>, bus: Bus, fault: Fault, every: usize) {
    let desk = desk_with(desk, steps).await;
    let commits = commits(&*desk.log).await;
    let straight = straight(&desk, &commits).await;
    let views: Arc<dyn ReadStore> = Arc::new(FaultyViews::new(desk.fresh_views().await, fault, every));
    deliver(&desk, &views, &bus, &commits).await;
    assert_same(&documents(&*views, &commits).await, &straight);
}

async fn two_projectors_lose_nothing(desk: Desk, steps: Vec<Step>, buses: [Bus; 2]) {
    let desk = desk_with(desk, steps).await;
    let commits = commits(&*desk.log).await;
    let straight = straight(&desk, &commits).await;
    let views: Arc<dyn ReadStore> =
        Arc::new(FaultyViews::new(desk.fresh_views().await, Fault::Unavailable, usize::MAX));
    let [one, two] = &buses;
    tokio::join!(deliver(&desk, &views, one, &commits), deliver(&desk, &views, two, &commits));
    assert_same(&documents(&*views, &commits).await, &straight);
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Unavailable),
        Just(Fault::AnswerLost),
        Just(Fault::Refused),
        (0..4_usize).prop_map(Fault::Partly),
        (0..4_usize).prop_map(Fault::GuardLost),
    ]
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

macro_rules! properties {
    ($adapters:ident, $most:literal) => {
        mod $adapters {
            use super::*;

            proptest! {
                #![proptest_config(cases($most))]

                #[test]
                fn any_bus_leads_to_the_same_documents(steps in steps(40), bus in bus()) {
                    run(async { super::any_bus_leads_to_the_same_documents(Desk::$adapters().await, steps, bus).await });
                }

                #[test]
                fn any_crash_leads_to_the_same_documents(
                    steps in steps(30), bus in bus(), fault in fault(), every in 2..4_usize,
                ) {
                    run(async {
                        let desk = Desk::$adapters().await;
                        super::any_crash_leads_to_the_same_documents(desk, steps, bus, fault, every).await;
                    });
                }

                #[test]
                fn two_projectors_lose_nothing(steps in steps(30), one in bus(), two in bus()) {
                    run(async { super::two_projectors_lose_nothing(Desk::$adapters().await, steps, [one, two]).await });
                }
            }
        }
    };
}

properties!(memory, 96);
properties!(sqlite, 8);
