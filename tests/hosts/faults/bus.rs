//! EventBridge takes some of a commit, or nothing: nobody who commands notices, and nothing is lost.

use std::time::{Duration, Instant};

use eventdesk_tests::{Answer, Fault, Kind};
use serde_json::json;

use super::{Bench, faults};

faults! {
    everywhere:
        what_the_bus_refused_of_a_commit_is_sent_again_and_nothing_else,
        a_bus_that_is_away_fails_no_command;
    functions:
        what_the_bus_never_took_is_published_by_the_audit,
        half_a_commit_is_enough_for_the_read_models_and_the_audit_brings_the_rest;
}

/// Assigns a new ticket, which opens it: one commit of two events.
async fn assigned(bench: &Bench, ticket: &Answer, fault: Fault) -> Answer {
    let agent = bench.scene.user(&["support"]).await.id();
    bench.settle().await;
    bench.proxy.next("PutEvents", 1, fault);
    let path = format!("/tickets/{}/assignee", ticket.id());
    bench.scene.admin.put(&path, json!({ "user_id": agent })).await.is(200)
}

/// How many messages wait for a projector function.
async fn waiting(bench: &Bench, projector: &str) -> u64 {
    bench.cloud().waiting(&bench.cloud().queue(projector, false)).await
}

async fn what_the_bus_refused_of_a_commit_is_sent_again_and_nothing_else(bench: &Bench) {
    let ticket = bench.ticket().await;
    // The user, the commit, and what was refused of it.
    let before = bench.proxy.calls("PutEvents");
    let changed = assigned(bench, &ticket, Fault::TakeEveryOther("ThrottlingException")).await;
    assert_eq!(bench.proxy.calls("PutEvents") - before, 3);
    if bench.desk.kind() == Kind::Lambda {
        assert_eq!(waiting(bench, "projector-ticket").await, 2, "one message for each event");
    }
    bench.settle().await;
    let seen = bench.scene.admin.see(&changed, &format!("/tickets/{}", ticket.id())).await;
    assert_eq!(seen.str("status"), "open", "{seen}");
    let told = bench.history(&changed, &ticket.id()).await;
    assert_eq!(told, ["ticket.opened", "ticket.assigned", "ticket.status_changed"]);
}

async fn a_bus_that_is_away_fails_no_command(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    for (fault, priority) in [(Fault::Lose, "high"), (Fault::Refuse("InternalFailure"), "low")] {
        bench.proxy.every("PutEvents", fault);
        let start = Instant::now();
        let changed = admin.patch(&path, json!({ "priority": priority })).await.is(200);
        assert!(start.elapsed() < Duration::from_secs(10), "a command waits {:?} for the bus", start.elapsed());
        bench.proxy.heal();
        // Read models do not know of it yet, and say so to whoever asks for just that.
        let asked = admin.after(&changed).get(&path).await.problem(503);
        assert!(asked.header("retry-after").is_some(), "{asked}");
        assert!(admin.get(&path).await.is(200).version() < changed.version());
        // The next event of the stream makes its projector read what it never heard of.
        let tagged = admin.put_empty(&format!("{path}/tags/{priority}")).await.is(200);
        bench.settle().await;
        let seen = admin.see(&tagged, &path).await;
        assert_eq!((seen.version(), seen.str("priority").as_str()), (tagged.version(), priority), "{seen}");
    }
    if bench.desk.kind() == Kind::Lambda {
        // Others than the read models have no way to read it: it is published all the same.
        bench.audited(2, 0).await;
        bench.nothing_is_behind().await;
    }
}

async fn what_the_bus_never_took_is_published_by_the_audit(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    bench.proxy.every("PutEvents", Fault::Lose);
    let changed = admin.patch(&path, json!({ "priority": "high" })).await.is(200);
    bench.proxy.heal();
    bench.settle().await;
    admin.after(&changed).get(&path).await.problem(503);

    bench.audited(1, 0).await;
    bench.nothing_is_behind().await;
    let seen = admin.see(&changed, &path).await;
    assert_eq!((seen.version(), seen.str("priority").as_str()), (2, "high"), "{seen}");
    assert_eq!(bench.history(&changed, &ticket.id()).await, ["ticket.opened", "ticket.edited"]);
}

async fn half_a_commit_is_enough_for_the_read_models_and_the_audit_brings_the_rest(bench: &Bench) {
    let (admin, ticket) = (&bench.scene.admin, bench.ticket().await);
    let path = format!("/tickets/{}", ticket.id());
    // A refusal that lasts: what is refused so is not sent again.
    let changed = assigned(bench, &ticket, Fault::TakeEveryOther("NotAuthorizedForDetailType")).await;
    assert_eq!(waiting(bench, "projector-ticket").await, 1, "one event of two");
    bench.settle().await;

    let whole = ["ticket.opened", "ticket.assigned", "ticket.status_changed"];
    let seen = admin.see(&changed, &path).await;
    assert_eq!((seen.version(), seen.str("status").as_str()), (2, "open"), "{seen}");
    assert!(seen.body["assignee"].is_object(), "{seen}");
    assert_eq!(bench.history(&changed, &ticket.id()).await, whole);

    bench.audited(1, 0).await;
    bench.nothing_is_behind().await;
    assert_eq!(bench.history(&changed, &ticket.id()).await, whole, "nothing stands there twice");
    assert_eq!(admin.get(&path).await.is(200).etag(), seen.etag());
}
