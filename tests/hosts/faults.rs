//! Faults between the services: each test has a stack of its own, whose queues nobody polls but the test.

use std::pin::Pin;
use std::time::{Duration, Instant};

use eventdesk_tests::{Cloud, Host, Lambdas, Message, Scene, Wire, samples};
use serde_json::{Value, json};

/// A test of this suite: it starts what it breaks.
type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

pub(crate) fn tests() -> Vec<Test> {
    vec![
        ("read_models_away_are_503_and_the_queue_keeps_everything", || {
            Box::pin(read_models_away_are_503_and_the_queue_keeps_everything())
        }),
        ("what_was_never_published_is_found_by_the_audit", || {
            Box::pin(what_was_never_published_is_found_by_the_audit())
        }),
        ("what_one_queue_lost_is_brought_to_that_one_again", || {
            Box::pin(what_one_queue_lost_is_brought_to_that_one_again())
        }),
        ("repeats_and_reorder_change_nothing", || Box::pin(repeats_and_reorder_change_nothing())),
        ("poison_stops_nothing_else_and_dies_with_its_reason", || {
            Box::pin(poison_stops_nothing_else_and_dies_with_its_reason())
        }),
    ]
}

const PROJECTORS: [&str; 3] = ["projector-ticket", "projector-history", "projector-directory"];

/// Functions on a stack that no other test disturbs.
async fn own_stack() -> Host {
    Host::Lambda(Lambdas::start_on(Cloud::deploy().await).await)
}

/// All messages that can be received from a projector's queue now.
async fn receive_all(lambdas: &Lambdas, projector: &str) -> Vec<Message> {
    let queue = lambdas.cloud().queue(projector, false);
    let mut all = Vec::new();
    loop {
        let more = lambdas.cloud().receive(&queue).await;
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Delivers a batch as the service does: what is worked through goes, the rest is there again at once.
async fn work_through(lambdas: &Lambdas, projector: &str, messages: &[Message]) -> Vec<String> {
    let queue = lambdas.cloud().queue(projector, false);
    let failed = lambdas.deliver(projector, messages).await;
    for message in messages {
        if failed.contains(&message.id) {
            lambdas.cloud().release(&queue, message).await;
        } else {
            lambdas.cloud().delete(&queue, message).await;
        }
    }
    failed
}

/// Works through everything that waits, in the order in which it came.
async fn catch_up(lambdas: &Lambdas) {
    for projector in PROJECTORS {
        let waiting = receive_all(lambdas, projector).await;
        for batch in waiting.chunks(10) {
            assert_eq!(work_through(lambdas, projector, batch).await, [] as [&str; 0], "{projector}");
        }
    }
}

/// A new employee's id; nobody waits until the read models know it, for nobody tells them.
async fn employee(scene: &Scene) -> String {
    scene.admin.post("/employees", samples::employee()).await.is(201).id()
}

async fn read_models_away_are_503_and_the_queue_keeps_everything() {
    let mut cloud = Cloud::deploy().await;
    let Some(server) = cloud.views_address() else {
        // A cluster is not reached through one wire; what is told of it stays the same.
        return cloud.remove().await;
    };
    let wire = Wire::to(&server).await;
    cloud.reach_views_by(wire.address());
    let desk = Host::Lambda(Lambdas::start_on(cloud).await);
    let lambdas = desk.lambdas().expect("it was started as functions");
    let scene = Scene::on(&desk).await;
    let employee = employee(&scene).await;
    catch_up(lambdas).await;
    scene.admin.get("/tickets").await.is(200);

    wire.cut();
    let away = scene.admin.get("/tickets").await.problem(503);
    assert!(away.header("retry-after").is_some(), "{away}");
    // Commands know nothing of the read models.
    let ticket = scene.ticket(&employee).await;
    let path = format!("/tickets/{}", ticket.id());
    let said = json!({ "visibility": "internal", "body": "Nobody reads this yet." });
    let said = scene.admin.post(&format!("{path}/messages"), said).await.is(201);
    let queue = lambdas.cloud().queue("projector-ticket", false);
    let waiting = lambdas.cloud().waiting(&queue).await;
    assert_eq!(waiting, 2, "one message for each event");
    for _ in 0..2 {
        let batch = receive_all(lambdas, "projector-ticket").await;
        let failed = work_through(lambdas, "projector-ticket", &batch).await;
        assert_eq!(failed.len(), batch.len(), "nothing is done, so nothing may be deleted");
        assert_eq!(lambdas.cloud().waiting(&queue).await, waiting, "nothing is lost, and nothing published again");
    }
    assert_eq!(lambdas.cloud().waiting(&lambdas.cloud().queue("projector-ticket", true)).await, 0);

    wire.mend();
    catch_up(lambdas).await;
    let read = scene.admin.see(&said, &path).await;
    assert_eq!(read.body["message_count"], 1, "{read}");
    drop(wire);
    desk.end().await;
}

/// Takes everything out of a projector's queue, as if it had never come.
async fn lose(lambdas: &Lambdas, projector: &str) {
    let queue = lambdas.cloud().queue(projector, false);
    for message in receive_all(lambdas, projector).await {
        lambdas.cloud().delete(&queue, &message).await;
    }
}

/// Runs the audit as its schedule does, until it has found something: it leaves the last seconds alone.
async fn audit(lambdas: &Lambdas) -> Value {
    let start = Instant::now();
    loop {
        let report = lambdas.invoke("audit", json!({})).await;
        if report["republished"] != 0 || report["nudged"] != 0 {
            return report;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "the audit finds nothing: {report}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn what_was_never_published_is_found_by_the_audit() {
    let desk = own_stack().await;
    let lambdas = desk.lambdas().expect("it was started as functions");
    let scene = Scene::on(&desk).await;
    let employee = employee(&scene).await;
    catch_up(lambdas).await;
    let ticket = scene.ticket(&employee).await;
    for projector in PROJECTORS {
        lose(lambdas, projector).await;
    }

    let report = audit(lambdas).await;
    assert_eq!((&report["republished"], &report["commits_behind"]), (&json!(1), &json!(1)), "{report}");
    catch_up(lambdas).await;
    let path = format!("/tickets/{}", ticket.id());
    assert_eq!(scene.admin.see(&ticket, &path).await.version(), 1);
    assert_eq!(scene.admin.see(&ticket, &format!("{path}/history")).await.rows().len(), 1);

    let report = lambdas.invoke("audit", json!({})).await;
    assert_eq!((&report["republished"], &report["commits_behind"]), (&json!(0), &json!(0)), "{report}");
    desk.end().await;
}

async fn what_one_queue_lost_is_brought_to_that_one_again() {
    let desk = own_stack().await;
    let lambdas = desk.lambdas().expect("it was started as functions");
    let scene = Scene::on(&desk).await;
    let ticket = scene.ticket(&employee(&scene).await).await;
    lose(lambdas, "projector-ticket").await;
    catch_up(lambdas).await;

    let report = audit(lambdas).await;
    assert_eq!((&report["republished"], &report["nudged"]), (&json!(0), &json!(1)), "{report}");
    for (projector, wanted) in [("projector-ticket", 1), ("projector-history", 0), ("projector-directory", 0)] {
        let queue = lambdas.cloud().queue(projector, false);
        assert_eq!(lambdas.cloud().waiting(&queue).await, wanted, "{projector}");
    }
    catch_up(lambdas).await;
    assert_eq!(scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await.version(), 1);
    desk.end().await;
}

async fn repeats_and_reorder_change_nothing() {
    let desk = own_stack().await;
    let lambdas = desk.lambdas().expect("it was started as functions");
    let scene = Scene::on(&desk).await;
    let employee = employee(&scene).await;
    catch_up(lambdas).await;

    let ticket = scene.ticket(&employee).await;
    let path = format!("/tickets/{}", ticket.id());
    let mut last = ticket;
    for (visibility, priority) in [("internal", "high"), ("public", "low"), ("internal", "urgent"), ("public", "high")]
    {
        let body = json!({ "visibility": visibility, "body": format!("A word before {priority}.") });
        scene.admin.post(&format!("{path}/messages"), body).await.is(201);
        last = scene.admin.patch(&path, json!({ "priority": priority })).await.is(200);
    }
    let words = scene.admin.post(&format!("{path}/messages"), json!({ "visibility": "public", "body": "Done." })).await;
    let words = words.is(201);

    for projector in PROJECTORS {
        let queue = lambdas.cloud().queue(projector, false);
        let mut messages = receive_all(lambdas, projector).await;
        messages.reverse();
        // Every second one first, then all of them, and those at the end once more: late, early, and more than once.
        let odd: Vec<_> = messages.iter().skip(1).step_by(2).cloned().collect();
        let twice: Vec<_> = messages.iter().chain(messages.iter().rev().take(3)).cloned().collect();
        for batch in odd.chunks(3).chain(twice.chunks(7)) {
            assert_eq!(lambdas.deliver(projector, batch).await, [] as [&str; 0], "{projector}");
        }
        for message in &messages {
            lambdas.cloud().delete(&queue, message).await;
        }
        assert_eq!(lambdas.cloud().waiting(&queue).await, 0, "{projector}");
    }

    let reader = scene.admin.after(&last);
    let read = reader.see(&words, &path).await;
    assert_eq!((read.version(), read.str("priority").as_str()), (last.version(), "high"), "{read}");
    assert_eq!(read.body["message_count"], 5, "{read}");
    assert_eq!(reader.see(&words, &format!("{path}/messages")).await.rows().len(), 5);
    let history = reader.see(&words, &format!("{path}/history?limit=100")).await;
    let mut ids = history.column("id");
    let told = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), told, "no event stands there twice: {history}");
    assert!(told >= usize::try_from(last.version()).expect("a few"), "every commit is told of: {history}");
    desk.end().await;
}

async fn poison_stops_nothing_else_and_dies_with_its_reason() {
    let desk = own_stack().await;
    let lambdas = desk.lambdas().expect("it was started as functions");
    let scene = Scene::on(&desk).await;
    let queue = lambdas.cloud().queue("projector-ticket", false);
    let dead = lambdas.cloud().queue("projector-ticket", true);
    lambdas.cloud().send(&queue, "this is no event").await;
    let ticket = scene.ticket(&employee(&scene).await).await;

    // Whoever polls goes on for as long as the queue gives the message out again.
    let mut rounds = 0;
    while lambdas.cloud().waiting(&queue).await > 0 {
        let batch = receive_all(lambdas, "projector-ticket").await;
        work_through(lambdas, "projector-ticket", &batch).await;
        rounds += 1;
        assert!(rounds < 1000, "poison never dies");
    }
    for projector in ["projector-history", "projector-directory"] {
        let waiting = receive_all(lambdas, projector).await;
        work_through(lambdas, projector, &waiting).await;
    }
    scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
    let letters = lambdas.cloud().receive(&dead).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].body, "this is no event");
    assert!(letters[0].added.contains_key("reason"), "{letters:?}");
    desk.end().await;
}
