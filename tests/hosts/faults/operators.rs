//! Operators find what was lost and given up, and mend it from outside of the functions.

use std::time::{Duration, Instant};

use eventdesk_tests::{Fault, Output};
use serde_json::{Value, json};

use super::{Bench, PATIENCE, PROJECTORS, catch_up, faults, receive_all};

faults! {
    everywhere:;
    functions:
        lost_events_are_found_and_mended_by_the_operators_audit,
        poison_is_listed_retried_and_dropped_by_operators,
        a_replay_to_the_bus_is_marked_and_side_effects_leave_it_alone;
}

/// Runs the program to this exit code; what it said.
async fn ends(bench: &Bench, words: &[&str], code: i32) -> String {
    let output = bench.desk.tool(words).await;
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    output.text
}

async fn until(bench: &Bench, words: &[&str], expected: impl Fn(&Output) -> bool) -> Output {
    let start = Instant::now();
    loop {
        let output = bench.desk.tool(words).await;
        if expected(&output) {
            return output;
        }
        assert!(start.elapsed() < PATIENCE, "{words:?} never said what was expected: {output:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn first_line(text: &str) -> Value {
    text.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("no JSON: {text}"))
}

async fn lost_events_are_found_and_mended_by_the_operators_audit(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    until(bench, &["audit", "--dry-run"], |output| output.status.success()).await;
    bench.proxy.every("PutEvents", Fault::Lose);
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    bench.proxy.heal();
    bench.settle().await;
    assert!(admin.get(&path).await.is(200).version() < changed.version());

    let look = ["audit", "--dry-run", "--json"];
    let said = until(bench, &look, |output| output.text.contains("\"commits_behind\":1")).await;
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    let said = ends(bench, &["audit"], 3).await;
    assert!(said.contains("1 commits are behind") && said.contains("1 were published again"), "{said}");
    bench.settle().await;
    let seen = admin.see(&changed, &path).await;
    assert_eq!(seen.str("priority"), "high", "{seen}");
    ends(bench, &["audit"], 0).await;
    ends(bench, &["verify", "--projection", "tickets"], 0).await;
    bench.nothing_is_behind().await;
}

async fn poison_is_listed_retried_and_dropped_by_operators(bench: &Bench) {
    const CONSUMER: &str = "projector-ticket";
    let (admin, lambdas, ticket, other) =
        (&bench.scene.admin, bench.lambdas(), bench.ticket().await, bench.ticket().await);
    let (path, stream) = (format!("/tickets/{}", ticket.id()), format!("ticket-{}", ticket.id()));
    let (queue, dead) = (lambdas.cloud().queue(CONSUMER, false), lambdas.cloud().queue(CONSUMER, true));
    // The event of one commit is lost, and the commit itself cannot be read: whoever needs it fails.
    admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    bench.cloud().tamper(&stream, 2, "events", |events| events.replace("ticket.edited", "ticket.exploded")).await;
    for message in receive_all(lambdas, CONSUMER).await {
        lambdas.cloud().delete(&queue, &message).await;
    }
    let changed = admin.put_empty(&format!("{path}/tags/late")).await.is(200);
    let elsewhere = admin.patch(&format!("/tickets/{}", other.id()), json!({ "priority": "low" })).await.is(200);
    let mut letter = None;
    let start = Instant::now();
    while lambdas.cloud().waiting(&queue).await > 0 {
        let batch = receive_all(lambdas, CONSUMER).await;
        let failed = lambdas.deliver(CONSUMER, &batch).await;
        for message in &batch {
            if failed.contains(&message.id) {
                lambdas.cloud().release(&queue, message).await;
                letter = Some(message.body.clone());
            } else {
                lambdas.cloud().delete(&queue, message).await;
            }
        }
        assert!(start.elapsed() < PATIENCE, "poison never dies");
    }
    let letter = letter.expect("it failed");
    // Nobody else waits for it.
    let seen = admin.see(&elsewhere, &format!("/tickets/{}", other.id())).await;
    assert_eq!(seen.str("priority"), "low", "{seen}");

    let list = ["dead-letters", "list", "--consumer", CONSUMER, "--json"];
    let listed = first_line(&ends(bench, &list, 0).await);
    assert_eq!((&listed["stream"], &listed["version"]), (&json!(stream), &json!(3)), "{listed}");
    assert_eq!((&listed["obsolete"], &listed["attempts"]), (&json!(false), &json!(6)), "{listed}");
    assert!(listed["reason"].as_str().is_some_and(|reason| reason.contains("ticket.exploded")), "{listed}");
    let name = listed["id"].as_str().expect("a name").to_owned();
    let shown = first_line(&ends(bench, &["dead-letters", "show", &name], 0).await.replace('\n', " "));
    assert_eq!(shown["events"][0]["type"], "ticket.tagged", "{shown}");

    // Once the reason is gone it can be tried again.
    bench.cloud().tamper(&stream, 2, "events", |events| events.replace("ticket.exploded", "ticket.edited")).await;
    assert!(ends(bench, &["dead-letters", "retry", &name], 0).await.contains("put back"));
    catch_up(lambdas).await;
    let seen = admin.see(&changed, &path).await;
    assert_eq!((seen.version(), seen.str("priority").as_str()), (3, "high"), "{seen}");
    assert_eq!(ends(bench, &list, 0).await.trim(), "");

    // What the read models have all the same is obsolete.
    lambdas.cloud().send(&dead, &letter).await;
    assert_eq!(first_line(&ends(bench, &list, 0).await)["obsolete"], true);
    let said = ends(bench, &["dead-letters", "retry", "--all"], 0).await;
    assert!(said.contains("obsolete"), "{said}");
    assert_eq!(lambdas.cloud().waiting(&dead).await + lambdas.cloud().waiting(&queue).await, 0);

    lambdas.cloud().send(&dead, "this is no event").await;
    let listed = first_line(&ends(bench, &list, 0).await);
    assert_eq!((&listed["stream"], &listed["obsolete"]), (&Value::Null, &json!(false)), "{listed}");
    let name = listed["id"].as_str().expect("a name");
    assert!(ends(bench, &["dead-letters", "discard", name], 0).await.contains("dropped"));
    assert_eq!(lambdas.cloud().waiting(&dead).await, 0);
    ends(bench, &["dead-letters", "discard", name], 1).await;
    bench.settle().await;
}

async fn a_replay_to_the_bus_is_marked_and_side_effects_leave_it_alone(bench: &Bench) {
    let (admin, lambdas, ticket) = (&bench.scene.admin, bench.lambdas(), bench.ticket().await);
    let (path, stream) = (format!("/tickets/{}", ticket.id()), format!("ticket-{}", ticket.id()));
    let absent = json!([{ "exists": false }]);
    let pattern = json!({ "source": ["eventdesk"], "replay-name": absent, "detail": { "replay": absent } });
    let mails = bench.cloud().subscribe("mails", &pattern).await;
    let by_name = bench.cloud().subscribe("again", &json!({ "detail": { "replay": ["again"] } })).await;
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    bench.settle().await;
    let before = (admin.see(&changed, &path).await.etag(), bench.history(&changed, &ticket.id()).await);
    assert_eq!(bench.cloud().waiting(&mails).await, 1, "what is new is heard by those who act");

    let said = ends(bench, &["replay", "--to-bus", "--stream", &stream, "--name", "again", "--json"], 0).await;
    assert!(said.contains(r#""types":{"ticket.edited":1,"ticket.opened":1}"#), "{said}");
    assert_eq!(bench.cloud().waiting(&mails).await, 1, "what is sent once more is not");
    assert_eq!(bench.cloud().waiting(&by_name).await, 2);
    for projector in ["projector-ticket", "projector-history"] {
        let messages = receive_all(lambdas, projector).await;
        assert_eq!(messages.len(), 2, "{projector}: {messages:?}");
        for message in &messages {
            let body: Value = serde_json::from_str(&message.body).expect("JSON");
            assert_eq!((&body["detail"]["replay"], &body["detail"]["stream"]), (&json!("again"), &json!(stream)));
            lambdas.cloud().release(&lambdas.cloud().queue(projector, false), message).await;
        }
    }
    bench.settle().await;
    assert_eq!((admin.see(&changed, &path).await.etag(), bench.history(&changed, &ticket.id()).await), before);

    // One consumer alone, past the bus, for what one of its read models has lost.
    ends(bench, &["replay", "--to-consumer", "projector-history", "--type", "ticket.*", "--stream", &stream], 0).await;
    let mut waiting = Vec::new();
    for projector in PROJECTORS {
        waiting.push(bench.cloud().waiting(&bench.cloud().queue(projector, false)).await);
    }
    assert_eq!(waiting, [0, 2, 0]);
    assert_eq!((bench.cloud().waiting(&mails).await, bench.cloud().waiting(&by_name).await), (1, 2));
    bench.cloud().unsubscribe("mails").await;
    bench.cloud().unsubscribe("again").await;
    bench.settle().await;
    assert_eq!(bench.history(&changed, &ticket.id()).await, before.1);
}
