//! Read models are made anew and compared with the store beside a desk at work: that of all the other tests.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use eventdesk_tests::{Answer, Caller, Host, Output, Scene, samples};
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use serde_json::{Value, json};

tests! {
    read_models_are_made_anew_beside_a_desk_at_work,
}

const PATIENCE: Duration = Duration::from_mins(1);

async fn conversation(scene: &Scene, employee: &str) -> Answer {
    let ticket = scene.ticket(employee).await;
    let path = format!("/tickets/{}", ticket.id());
    let said = scene.admin.post(&format!("{path}/messages"), json!({ "body": "Does it work now?" })).await.is(201);
    scene.admin.see(&said, &path).await
}

/// Opens tickets, moves them and reads what it wrote, until told to end; nothing may fail.
async fn work(caller: &Caller, employee: &str, stop: &AtomicBool, done: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        let ticket = caller.post("/tickets", samples::ticket(employee)).await.is(201);
        let path = format!("/tickets/{}", ticket.id());
        let moved = caller.put(&format!("{path}/status"), json!({ "status": "solved" })).await.is(200);
        assert_eq!(caller.see(&moved, &path).await.str("status"), "solved");
        caller.get("/tickets?limit=5").await.is(200);
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[track_caller]
fn well(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    &output.text
}

/// What `verify` says of the tickets, as objects.
async fn verified(desk: &Host) -> (Output, Vec<Value>) {
    let said = desk.tool(&["verify", "--projection", "tickets", "--json", "--patience", "5"]).await;
    let lines = said.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.collect();
    (said, lines)
}

/// The live generation of the tickets, where all is well.
async fn generation(desk: &Host) -> u64 {
    let (said, lines) = verified(desk).await;
    well(&said);
    let views = lines.iter().flat_map(|line| line["views"].as_array().cloned().unwrap_or_default());
    let mut tickets = views.filter(|view| view["view"] == "tickets");
    tickets.find_map(|view| view["generation"].as_u64()).unwrap_or_else(|| panic!("no generation: {said:?}"))
}

async fn read_models_are_made_anew_beside_a_desk_at_work(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let mut known = Vec::new();
    for _ in 0..4 {
        known.push(conversation(&scene, &employee).await);
    }
    let before = generation(desk).await;
    if let Some(cloud) = desk.cloud() {
        let tickets = cloud.read_models().await.collection::<Document>(&format!("tickets_g{before}"));
        let start = Instant::now();
        loop {
            let planted = damage(&tickets, &known).await;
            let (said, lines) = verified(desk).await;
            assert_eq!(said.status.code(), Some(3), "{said:?}");
            if differences(&lines) == planted {
                break;
            }
            // A delivery that came late has mended some of it: events of one ticket come in messages of their own.
            assert!(start.elapsed() < PATIENCE, "{planted:?} are not all named: {said:?}");
        }
    }

    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let replay = async {
        let replayed = desk.tool(&["replay", "--projection", "tickets", "--keep-old"]).await;
        stop.store(true, Ordering::Relaxed);
        replayed
    };
    let caller = scene.admin.apart();
    let (replayed, ()) = tokio::join!(replay, work(&caller, &employee, &stop, &done));
    assert!(well(&replayed).contains("(live)"), "{replayed:?}");
    assert!(done.load(Ordering::Relaxed) > 0, "nobody worked");
    assert_eq!(generation(desk).await, before + 1);
    for ticket in &known {
        let now = scene.admin.get(&format!("/tickets/{}", ticket.id())).await.is(200);
        assert_eq!(now.body, ticket.body);
    }

    // Back to what was before, which went on being written; and the other one is dropped.
    well(&desk.tool(&["replay", "--projection", "tickets", "--flip"]).await);
    let (_, lines) = verified(desk).await;
    assert!(lines.iter().any(|line| line["views"][0]["generation"] == before), "{lines:?}");
    well(&desk.tool(&["replay", "--projection", "tickets", "--flip"]).await);
    well(&desk.tool(&["replay", "--projection", "tickets", "--drop-old"]).await);
    assert_eq!(generation(desk).await, before + 1);
}

/// Plants a corrupted, a missing and an extra document; what `verify` has to say of each.
async fn damage(tickets: &Collection<Document>, known: &[Answer]) -> Vec<String> {
    let (corrupted, missing) = (known[0].id(), known[1].id());
    let extra = format!("{}0f", &corrupted[..34]);
    let mut copy = tickets.find_one(doc! { "_id": &corrupted }).await.expect("it answers").expect("it is there");
    copy.insert("_id", &extra);
    copy.insert("status", "closed");
    tickets.delete_one(doc! { "_id": &extra }).await.expect("it answers");
    tickets.insert_one(copy).await.expect("it takes a document");
    let change = doc! { "$set": { "status": "closed" } };
    tickets.update_one(doc! { "_id": &corrupted }, change).await.expect("it answers");
    tickets.delete_one(doc! { "_id": &missing }).await.expect("it answers");
    let named = [format!("{corrupted} differs"), format!("{missing} missing"), format!("{extra} extra")];
    let mut named: Vec<_> = named.iter().map(|difference| format!("tickets {difference}")).collect();
    named.sort();
    named
}

fn differences(said: &[Value]) -> Vec<String> {
    let all = said.iter().flat_map(|line| line["differences"].as_array().cloned().unwrap_or_default());
    let mut named: Vec<_> =
        all.map(|one| format!("{} {} {}", one["view"], one["id"], one["kind"]).replace('"', "")).collect();
    named.sort();
    named
}
