//! The read models are away: queries say so, commands do not notice, and the queues keep what is to be told.

use std::time::{Duration, Instant};

use eventdesk_tests::Kind;
use serde_json::json;

use super::{Bench, PATIENCE, PROJECTORS, deliver, faults, receive_all};

faults! {
    everywhere:
        read_models_away_for_longer_than_messages_are_hidden_lose_nothing;
    functions:
}

/// As the template has it.
const HIDDEN_SECONDS: u32 = 180;
const HIDDEN_HERE_SECONDS: u32 = 2;
/// Messages come again several times, and the audit looks at what was written at the beginning.
const OUTAGE: Duration = Duration::from_secs(12);
const ENOUGH_TIMES: u64 = 3;

#[expect(clippy::print_stderr, reason = "that nothing was tested must be seen")]
async fn read_models_away_for_longer_than_messages_are_hidden_lose_nothing(bench: &Bench) {
    // A cluster is not reached through one wire; what is told of it stays the same.
    let Some(wire) = &bench.wire else {
        eprintln!("not tested: MongoDB is a cluster, which is not reached through one wire");
        return;
    };
    let (admin, ticket, cloud) = (&bench.scene.admin, bench.ticket().await, bench.cloud());
    let path = format!("/tickets/{}", ticket.id());
    let hide_for = async |seconds| {
        for projector in PROJECTORS {
            cloud.hide_received_for(&cloud.queue(projector, false), seconds).await;
        }
    };
    hide_for(HIDDEN_HERE_SECONDS).await;

    wire.cut();
    let start = Instant::now();
    let away = admin.get("/tickets").await.problem(503);
    assert!(away.header("retry-after").is_some(), "{away}");
    // Commands know nothing of the read models.
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    let word = json!({ "visibility": "internal", "body": "Nobody reads this yet." });
    let said = admin.post(&format!("{path}/messages"), word).await.is(201);
    let published = bench.proxy.calls("PutEvents");
    let mut come_again = false;
    while start.elapsed() < OUTAGE || !come_again {
        if bench.desk.kind() == Kind::Lambda {
            come_again |= tried_in_vain(bench).await >= ENOUGH_TIMES;
            let audit = bench.lambdas().try_invoke("audit", json!({})).await;
            assert!(audit.is_err(), "what arrived cannot be known: {audit:?}");
        } else {
            come_again = true;
        }
        assert!(start.elapsed() < 3 * PATIENCE, "messages are not received again");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    for projector in ["projector-ticket", "projector-history"] {
        assert_eq!(cloud.waiting(&cloud.queue(projector, false)).await, 2, "{projector}: one message for each event");
        assert_eq!(cloud.waiting(&cloud.queue(projector, true)).await, 0, "{projector}: no event is a dead letter");
    }

    wire.mend();
    if bench.desk.kind() == Kind::Lambda {
        // What is old enough to be looked at still waits in the queues.
        let report = bench.lambdas().invoke("audit", json!({})).await;
        assert_eq!((&report["republished"], &report["nudged"]), (&json!(0), &json!(0)), "{report}");
        assert_eq!(report["commits_behind"], 2, "{report}");
    }
    bench.settle().await;
    let read = admin.after(&changed).see(&said, &path).await;
    assert_eq!((read.str("priority").as_str(), &read.body["message_count"]), ("high", &json!(1)), "{read}");
    if bench.desk.kind() == Kind::Lambda {
        bench.nothing_is_behind().await;
    }
    assert_eq!(bench.proxy.calls("PutEvents"), published, "nothing is published again");
    hide_for(HIDDEN_SECONDS).await;
}

/// Delivers what can be received; none of it is worked through. How often it was received at most.
async fn tried_in_vain(bench: &Bench) -> u64 {
    let mut most = 0;
    for projector in PROJECTORS {
        for batch in receive_all(bench.lambdas(), projector).await.chunks(10) {
            let failed = deliver(bench.lambdas(), projector, batch).await;
            assert_eq!(failed.len(), batch.len(), "nothing is done, so nothing may be deleted");
            let count = |attributes: &std::collections::BTreeMap<String, serde_json::Value>| {
                attributes["ApproximateReceiveCount"].as_str().and_then(|count| count.parse().ok()).unwrap_or(0)
            };
            most = batch.iter().map(|message| count(&message.attributes)).max().unwrap_or(0).max(most);
        }
    }
    most
}
