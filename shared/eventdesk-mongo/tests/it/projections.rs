//! The desk's projections over MongoDB.

use std::{sync::Arc, time::Duration};

use eventdesk_app::{
    ports::{Commit, Delivery, EventStore, Hit, ReadStore, Select, Sort, ViewSpec},
    projections::{HISTORY, HISTORY_STREAMS, MESSAGES, Projector, TICKETS, VIEWS, projectors},
};
use eventdesk_events::{StreamId, message::Visibility, ticket::Status};
use eventdesk_memory::MemoryReadStore;
use eventdesk_mongo::{MongoOptions, MongoReadStore};
use futures_util::future::join_all;

use crate::{
    desk::{Desk, deliveries},
    server::{options, with_databases},
};

fn over(desk: &Desk, views: &Arc<dyn ReadStore>) -> Vec<Projector> {
    let store: Arc<dyn EventStore> = desk.store.clone();
    projectors(&store, views)
}

/// Two dozen tickets in all stages, with conversations.
async fn busy_desk() -> Desk {
    let desk = Desk::new().await;
    for n in 0..24 {
        let ticket = desk.open(&format!("Printer {n}"), if n % 3 == 0 { &["printer", "urgent"] } else { &[] }).await;
        if n % 2 == 0 {
            desk.post(ticket, Visibility::Internal).await;
            desk.post(ticket, Visibility::Public).await;
        }
        if n % 4 > 0 {
            desk.set_status(ticket, Status::Solved).await;
        }
        if n % 4 == 3 {
            desk.set_status(ticket, Status::Closed).await;
        }
    }
    desk
}

/// The deliveries twice, in an order that is none, but the same each time.
fn jumbled(commits: &[Commit]) -> Vec<Delivery> {
    let mut all = deliveries(commits);
    all.extend(all.clone());
    let mut dice = 7_usize;
    for at in (1..all.len()).rev() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(at, (dice >> 33) % (at + 1));
    }
    all
}

async fn all_of(views: &dyn ReadStore, view: &'static ViewSpec, sort: &'static str) -> Vec<Hit> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let sort = Sort { field: sort, descending: true };
        let page = views.select(&Select { view, filters: Vec::new(), sort, after, limit: 7 }).await.unwrap();
        let Some(last) = page.last() else { return found };
        after = Some((last.place.clone(), last.id.clone()));
        found.extend(page);
    }
}

/// What does not depend on the way to it: which messages are pending does.
fn told(hit: &Hit) -> String {
    let settled = hit.body.split(r#","pending":["#).next().unwrap_or_default().trim_end_matches('}');
    format!("{} {} {:?} {settled}", hit.id, hit.version, hit.place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_are_as_in_memory_however_events_arrive() {
    with_databases(async |databases| {
        let desk = busy_desk().await;
        let commits = desk.commits().await;
        let memory: Arc<dyn ReadStore> = Arc::new(MemoryReadStore::new());
        let mongo: Arc<dyn ReadStore> = Arc::new(databases.store());
        memory.prepare(&VIEWS).await.unwrap();
        mongo.prepare(&VIEWS).await.unwrap();
        for projector in over(&desk, &memory) {
            assert_eq!(projector.handle(deliveries(&commits)).await.unwrap().failed, []);
        }
        for projector in over(&desk, &mongo) {
            let batches: Vec<_> = jumbled(&commits).chunks(10).map(<[_]>::to_vec).collect();
            // Three at once, so that they lose guards to each other.
            for three in batches.chunks(3) {
                let works = three.iter().map(|batch| async {
                    let mut batch = batch.clone();
                    // What lost too often comes again, as from a queue.
                    while !batch.is_empty() {
                        match projector.handle(batch.clone()).await {
                            Ok(settled) => {
                                assert_eq!(settled.failed, []);
                                batch.retain(|delivery| !settled.done.contains(&delivery.id));
                            }
                            Err(_) => tokio::task::yield_now().await,
                        }
                    }
                });
                join_all(works).await;
            }
        }
        for (view, sorts) in [
            (&TICKETS, &["created_at", "updated_at", "priority", "due_order", "number", "status"][..]),
            (&MESSAGES, &["created_at", "visibility"]),
            (&HISTORY, &["place"]),
        ] {
            for sort in sorts {
                let expected: Vec<_> = all_of(&*memory, view, sort).await.iter().map(told).collect();
                let found: Vec<_> = all_of(&*mongo, view, sort).await.iter().map(told).collect();
                assert!(expected.len() >= 24, "{} by {sort}", view.name);
                assert_eq!(found, expected, "{} by {sort}", view.name);
            }
        }
        for commit in &commits {
            let id = commit.stream.to_string();
            let head = mongo.glance(&HISTORY_STREAMS, &[&id]).await.unwrap().remove(0).map(|head| head.version);
            assert_eq!(head, memory.glance(&HISTORY_STREAMS, &[&id]).await.unwrap().remove(0).map(|head| head.version));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_costs_each_projector_four_round_trips_at_most() {
    with_databases(async |databases| {
        let desk = Desk::new().await;
        let remembering = MongoOptions { alias_age: Duration::from_mins(10), ..options() };
        let store: MongoReadStore = databases.store_on(&databases.name(), &remembering);
        store.prepare(&VIEWS).await.unwrap();
        let views: Arc<dyn ReadStore> = Arc::new(store);
        let projectors = over(&desk, &views);
        let mut seen = 0;
        // The round trips of tickets, history and directory for what came since.
        let mut cost = async || {
            let commits = desk.commits().await;
            let new = deliveries(&commits[std::mem::replace(&mut seen, commits.len())..]);
            let mut costs = Vec::new();
            for projector in &projectors {
                let (settled, commands) = databases.commands(projector.handle(new.clone())).await;
                assert_eq!(settled.unwrap().failed, []);
                costs.push(commands);
            }
            costs
        };
        assert_eq!(cost().await, [0, 4, 2], "employee.registered");
        let ticket = desk.open("Printer", &["printer"]).await;
        assert_eq!(cost().await, [2, 4, 0], "ticket.opened: read, write; history: heads, rows, row, head");
        desk.set_status(ticket, Status::Pending).await;
        assert_eq!(cost().await, [2, 4, 0], "ticket.status_changed");
        desk.post(ticket, Visibility::Internal).await;
        assert_eq!(cost().await, [4, 4, 0], "message.posted: two reads, ticket, message");
        let mut opened = Vec::new();
        for n in 0..10 {
            opened.push(desk.open(&format!("Printer {n}"), &[]).await);
        }
        assert_eq!(cost().await, [2, 22, 0], "ten new tickets in one batch");
        for ticket in opened {
            desk.set_status(ticket, Status::Pending).await;
        }
        assert_eq!(cost().await, [11, 22, 0], "ten changed tickets in one batch");
        let last = desk.commits().await.pop().unwrap();
        let StreamId::Ticket(id) = last.stream else { panic!("the last commit is a ticket's") };
        assert!(views.glance(&TICKETS, &[&id.to_string()]).await.unwrap()[0].is_some());
    })
    .await;
}
