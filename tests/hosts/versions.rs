//! Versions and repeats: entity tags, conditional requests, idempotency keys, old states.

use eventdesk_tests::{Host, Scene, samples};
use serde_json::json;

tests! {
    a_known_version_is_304_and_a_stale_one_412,
    messages_change_the_representation_and_not_the_version,
    a_repeat_with_a_key_answers_the_same_and_does_nothing,
    a_key_belongs_to_its_caller,
    a_key_is_1_to_255_printable_characters,
    an_old_state_is_folded_from_history,
}

async fn a_known_version_is_304_and_a_stale_one_412(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    let read = scene.admin.see(&ticket, &path).await;
    assert_eq!(read.etag_version(), 1, "{read}");

    let known = scene.admin.with("If-None-Match", &read.etag()).get(&path).await.is(304);
    assert!(known.text.is_empty(), "{known}");
    assert_eq!(known.etag(), read.etag(), "{known}");
    let listed = format!("\"999\", W/{}", read.etag());
    scene.admin.with("If-None-Match", &listed).get(&path).await.is(304);
    scene.admin.with("If-None-Match", "*").get(&path).await.is(304);

    let changed = scene.admin.with("If-Match", &read.etag()).patch(&path, json!({ "priority": "low" })).await.is(200);
    assert_eq!(changed.etag(), "\"2\"", "{changed}");
    scene.admin.after(&changed).with("If-None-Match", &read.etag()).get(&path).await.is(200);
    for stale in ["\"1\"", "\"1.3\"", "\"999\""] {
        scene.admin.with("If-Match", stale).patch(&path, json!({ "priority": "high" })).await.problem(412);
        scene
            .admin
            .with("If-Match", stale)
            .put(&format!("{path}/status"), json!({ "status": "open" }))
            .await
            .problem(412);
        scene.admin.with("If-Match", stale).delete(&path).await.problem(412);
    }
    let seen = scene.admin.see(&changed, &path).await;
    assert_eq!(seen.version(), 2, "a refused change leaves nothing: {seen}");
    scene.admin.with("If-Match", "*").patch(&path, json!({ "priority": "high" })).await.is(200);
    scene
        .admin
        .with("If-Match", "\"nonsense\"")
        .patch(&path, json!({ "priority": "low" }))
        .await
        .is_one_of(&[400, 412]);
}

async fn messages_change_the_representation_and_not_the_version(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket_in(&scene.employee().await, "open").await;
    let path = format!("/tickets/{}", ticket.id());
    let before = scene.admin.see(&ticket, &path).await;
    let body = json!({ "visibility": "internal", "body": "Does not change the ticket itself." });
    let said = scene.admin.post(&format!("{path}/messages"), body).await.is(201);

    let after = scene.admin.see(&said, &path).await;
    assert_ne!(after.etag(), before.etag(), "{after}");
    assert_eq!(after.etag_version(), before.etag_version(), "{after}");
    assert!(after.etag().contains('.'), "{after}");
    scene.admin.with("If-None-Match", &before.etag()).get(&path).await.is(200);
    scene.admin.with("If-None-Match", &after.etag()).get(&path).await.is(304);
    scene.admin.with("If-Match", &after.etag()).patch(&path, json!({ "priority": "low" })).await.is(200);
}

async fn a_repeat_with_a_key_answers_the_same_and_does_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let ticket = scene.ticket(&employee).await;
    let messages = format!("/tickets/{}/messages", ticket.id());
    for (path, body, other) in [
        ("/tickets", samples::ticket(&employee), json!({ "title": "Another title" })),
        (messages.as_str(), json!({ "visibility": "public", "body": "Once." }), json!({ "body": "Twice." })),
        ("/users", samples::user(&["support"]), json!({ "first_name": "Other" })),
        ("/employees", samples::employee(), json!({ "first_name": "Other" })),
    ] {
        let keyed = scene.admin.with("Idempotency-Key", &samples::name("key-"));
        let first = keyed.post(path, body.clone()).await.is(201);
        assert!(first.header("idempotency-replayed").is_none(), "{first}");
        let again = keyed.post(path, body.clone()).await.is(201);
        assert_eq!(again.header("idempotency-replayed").as_deref(), Some("true"), "{again}");
        assert_eq!(again.body, first.body, "{again}");
        assert_eq!(again.header("location"), first.header("location"), "{again}");
        assert_eq!(again.etag(), first.etag(), "{again}");
        keyed.post(path, samples::merged(body, other)).await.problem(422);
    }
    let all = scene.admin.see(&ticket, &format!("/tickets?requester={employee}")).await;
    assert_eq!(all.rows().len(), 2, "one made by the scene, one by the key: {all}");
}

async fn a_key_belongs_to_its_caller(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (_, agent) = scene.staff(&["support"]).await;
    let body = samples::ticket(&scene.employee().await);
    let first =
        scene.admin.with("Idempotency-Key", "everyone's first key").post("/tickets", body.clone()).await.is(201);
    let second = agent.with("Idempotency-Key", "everyone's first key").post("/tickets", body).await.is(201);
    assert_ne!(first.id(), second.id());
}

async fn a_key_is_1_to_255_printable_characters(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = samples::ticket(&scene.employee().await);
    scene.admin.with("Idempotency-Key", &"k".repeat(255)).post("/tickets", body.clone()).await.is(201);
    for bad in [String::new(), "k".repeat(256), "tab\there".into()] {
        scene.admin.with("Idempotency-Key", &bad).post("/tickets", body.clone()).await.is_one_of(&[400, 422]);
    }
}

async fn an_old_state_is_folded_from_history(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    scene.move_to(&ticket.id(), "open").await;
    let last = scene.admin.patch(&path, json!({ "title": "Another title", "priority": "high" })).await.is(200);

    let at = |version: u64| format!("{path}?at_version={version}");
    let first = scene.admin.see(&last, &at(1)).await;
    assert_eq!((first.str("status").as_str(), first.str("title").as_str()), ("new", "Network problem"), "{first}");
    assert_eq!(first.version(), 1, "{first}");
    let second = scene.admin.see(&last, &at(2)).await;
    assert_eq!((second.str("status").as_str(), second.str("priority").as_str()), ("open", "normal"), "{second}");
    let third = scene.admin.see(&last, &at(3)).await;
    assert_eq!((third.str("title").as_str(), third.str("priority").as_str()), ("Another title", "high"), "{third}");
    scene.admin.get(&at(4)).await.problem(404);
    scene.admin.get(&at(0)).await.is_one_of(&[400, 404, 422]);
    scene.admin.get(&format!("{path}?at_version=x")).await.problem(400);
}
