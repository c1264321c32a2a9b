//! Queues deliver twice, in any order, too little, or what is no event.

use eventdesk_tests::samples;
use serde_json::json;

use super::{Bench, PROJECTORS, catch_up, faults, receive_all};

faults! {
    everywhere:;
    functions:
        repeats_and_reorder_change_nothing,
        the_last_event_that_one_queue_lost_is_brought_to_that_one_again,
        poison_stops_nothing_else_and_dies_with_its_reason;
}

async fn repeats_and_reorder_change_nothing(bench: &Bench) {
    let (admin, lambdas, ticket) = (&bench.scene.admin, bench.lambdas(), bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    let mut last = ticket;
    for (visibility, priority) in [("internal", "high"), ("public", "low"), ("internal", "urgent"), ("public", "high")]
    {
        let body = json!({ "visibility": visibility, "body": format!("A word before {priority}.") });
        admin.post(&format!("{path}/messages"), body).await.is(201);
        last = admin.patch(&path, json!({ "priority": priority })).await.is(200);
    }
    let words = admin.post(&format!("{path}/messages"), json!({ "visibility": "public", "body": "Done." })).await;
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

    let reader = admin.after(&last);
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
}

async fn the_last_event_that_one_queue_lost_is_brought_to_that_one_again(bench: &Bench) {
    let (admin, lambdas, ticket) = (&bench.scene.admin, bench.lambdas(), bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    let hired = admin.post("/employees", samples::employee()).await.is(201);
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    for projector in ["projector-ticket", "projector-directory"] {
        let queue = lambdas.cloud().queue(projector, false);
        for message in receive_all(lambdas, projector).await {
            lambdas.cloud().delete(&queue, &message).await;
        }
    }
    catch_up(lambdas).await;

    let published = bench.proxy.calls("PutEvents");
    bench.audited(0, 2).await;
    assert_eq!(bench.proxy.calls("PutEvents"), published, "nobody else hears of it");
    for (projector, wanted) in [("projector-ticket", 1), ("projector-history", 0), ("projector-directory", 1)] {
        let queue = lambdas.cloud().queue(projector, false);
        assert_eq!(lambdas.cloud().waiting(&queue).await, wanted, "{projector}");
    }
    bench.nothing_is_behind().await;
    let seen = admin.see(&changed, &path).await;
    assert_eq!((seen.version(), seen.str("priority").as_str()), (2, "high"), "{seen}");
    admin.see(&hired, &format!("/employees/{}", hired.id())).await;
}

async fn poison_stops_nothing_else_and_dies_with_its_reason(bench: &Bench) {
    let (admin, lambdas) = (&bench.scene.admin, bench.lambdas());
    let ticket = bench.ticket().await;
    let queue = lambdas.cloud().queue("projector-ticket", false);
    let dead = lambdas.cloud().queue("projector-ticket", true);
    lambdas.cloud().send(&queue, "this is no event").await;
    let path = format!("/tickets/{}", ticket.id());
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);

    // Whoever polls goes on for as long as the queue gives the message out again; here without the pauses.
    let mut rounds = 0;
    while lambdas.cloud().waiting(&queue).await > 0 {
        let batch = receive_all(lambdas, "projector-ticket").await;
        let failed = lambdas.deliver("projector-ticket", &batch).await;
        for message in &batch {
            if failed.contains(&message.id) {
                lambdas.cloud().release(&queue, message).await;
            } else {
                lambdas.cloud().delete(&queue, message).await;
            }
        }
        rounds += 1;
        assert!(rounds < 1000, "poison never dies");
    }
    assert!(rounds > 1, "it is tried again first");
    bench.settle().await;
    let seen = admin.see(&changed, &path).await;
    assert_eq!(seen.str("priority"), "high", "{seen}");
    let letters = lambdas.cloud().receive(&dead).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].body, "this is no event");
    for told in ["reason", "attempts", "message_id"] {
        assert!(letters[0].added.get(told).is_some_and(|text| !text.is_empty()), "{told}: {letters:?}");
    }
    lambdas.cloud().delete(&dead, &letters[0]).await;
}
