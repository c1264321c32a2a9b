//! DynamoDB refuses, or its answer is lost: what a caller gets, and what was written.

use eventdesk_tests::{Answer, Fault, samples};
use serde_json::json;

use super::{Bench, faults};

faults! {
    everywhere:
        throttled_writes_are_tried_again_and_end_in_503,
        throttled_reads_are_tried_again_and_end_in_503,
        conflicting_transactions_are_tried_again_and_end_in_503,
        a_write_whose_answer_is_lost_is_one_write;
    functions:
}

#[track_caller]
fn come_again(answer: Answer) {
    let answer = answer.problem(503);
    let seconds = answer.header("retry-after").unwrap_or_default();
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer}");
}

async fn throttled_writes_are_tried_again_and_end_in_503(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    let mut version = 1;
    for (code, priority) in [("ProvisionedThroughputExceededException", "high"), ("ThrottlingException", "low")] {
        bench.proxy.next("PutItem", 2, Fault::Refuse(code));
        let changed = admin.patch(&path, json!({ "priority": priority })).await.is(200);
        assert_eq!(changed.version(), version + 1, "{code}: {changed}");

        bench.proxy.every("PutItem", Fault::Refuse(code));
        come_again(admin.patch(&path, json!({ "priority": "urgent" })).await);
        bench.proxy.heal();
        let changed = admin.patch(&path, json!({ "priority": "urgent" })).await.is(200);
        assert_eq!(changed.version(), version + 2, "what was refused left nothing behind: {changed}");
        version += 2;
    }
    bench.settle().await;
}

async fn throttled_reads_are_tried_again_and_end_in_503(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}/status", ticket.id());
    bench.proxy.next("Query", 1, Fault::Refuse("ProvisionedThroughputExceededException"));
    admin.put(&path, json!({ "status": "open" })).await.is(200);
    bench.proxy.every("Query", Fault::Refuse("ThrottlingException"));
    come_again(admin.put(&path, json!({ "status": "pending" })).await);
    bench.proxy.heal();
    admin.put(&path, json!({ "status": "pending" })).await.is(200);
    bench.settle().await;
}

async fn conflicting_transactions_are_tried_again_and_end_in_503(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let messages = format!("/tickets/{}/messages", ticket.id());
    let word = json!({ "visibility": "public", "body": "We are on it." });
    let conflict = || Fault::Cancel(vec!["TransactionConflict", "None"]);

    // Opens the ticket, so both are written at once.
    bench.proxy.next("TransactWriteItems", 2, conflict());
    let said = admin.post(&messages, word.clone()).await.is(201);
    for fault in [conflict(), Fault::Refuse("TransactionInProgressException")] {
        bench.proxy.every("TransactWriteItems", fault);
        come_again(admin.post(&messages, word.clone()).await);
        come_again(admin.post("/employees", samples::employee()).await);
        bench.proxy.heal();
    }
    // The same code for a single write that met a transaction.
    bench.proxy.next("PutItem", 1, Fault::Refuse("TransactionConflictException"));
    let path = format!("/tickets/{}", ticket.id());
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    assert_eq!(changed.version(), 3, "opened by the message, then changed: {changed}");
    bench.settle().await;
    assert_eq!(admin.see(&said, &messages).await.column("id"), [said.id()]);
}

async fn a_write_whose_answer_is_lost_is_one_write(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    bench.proxy.next("PutItem", 1, Fault::LoseAnswer);
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    assert_eq!(changed.version(), 2, "{changed}");

    bench.proxy.next("TransactWriteItems", 1, Fault::LoseAnswer);
    let word = json!({ "visibility": "public", "body": "We are on it." });
    let said = admin.post(&format!("{path}/messages"), word).await.is(201);

    let employee = samples::employee();
    bench.proxy.next("TransactWriteItems", 1, Fault::LoseAnswer);
    let hired = admin.post("/employees", employee.clone()).await.is(201);
    assert_eq!(hired.version(), 1, "{hired}");
    // Its own reservations are the ones that it found.
    admin.post("/employees", employee).await.refused(409, "already-taken");

    bench.settle().await;
    let reader = admin.after(&said).after(&hired);
    assert_eq!(reader.see(&changed, &format!("{path}/messages")).await.column("id"), [said.id()]);
    let told = bench.history(&said, &ticket.id()).await;
    assert_eq!(told.iter().filter(|kind| *kind == "ticket.edited").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|kind| *kind == "message.posted").count(), 1, "{told:?}");
}
