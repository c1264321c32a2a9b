//! What commands say about themselves.

use eventdesk_events::user::Role;
use serde_json::json;

use crate::function::bed::Bed;

#[tokio::test]
async fn what_is_created_says_where_it_is_and_what_it_was() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    let body = json!({ "title": " Network problem ", "description": "No network.", "employee_id": employee });
    let made = bed.ask("POST", "/tickets/").json(&body).go().await.is(201);
    let id = made.id();
    assert_eq!(made.header("location"), format!("/api/v1/tickets/{id}"));
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.header("consistency-token"), format!("ticket-{id}@1"));
    assert_eq!(made.body["title"], "Network problem");
    assert_eq!(made.body["requester"], json!({ "employee_id": employee }));
    assert_eq!(made.body["opened_by"], bed.admin.to_string());
    assert_eq!(made.body["allowed_statuses"], json!(["open", "pending", "on_hold", "solved"]));
    for absent in ["message_count", "assignee", "due_at", "type"] {
        assert!(made.body.get(absent).is_none(), "{absent}: {}", made.text);
    }

    let read = bed.ask("GET", &format!("/tickets/{id}")).go().await.is(200);
    assert_eq!(read.body["requester"], json!({ "employee_id": employee, "name": "Marry Fox" }));
    assert_eq!(read.body["message_count"], 0);
    let number = read.body["number"].as_u64().unwrap();
    assert_eq!(bed.ask("GET", &format!("/tickets/{number}")).go().await.is(200).id(), id);
}

#[tokio::test]
async fn an_employee_may_only_reopen_and_close() {
    let bed = Bed::new().await;
    let marry = bed.user("marry", &[Role::Employee], false).await;
    let body = json!({ "first_name": "Marry", "last_name": "Fox", "email": "m@example.com", "user_id": marry });
    bed.ask("POST", "/employees").json(&body).go().await.is(201);
    let body = json!({ "title": "Mine", "description": "Help." });
    let made = bed.ask("POST", "/tickets").by(marry).json(&body).go().await.is(201);
    assert_eq!(made.body["allowed_statuses"], json!([]));
    let status = format!("/tickets/{}/status", made.id());
    bed.ask("PUT", &status).by(marry).json(&json!({ "status": "solved" })).go().await.refused(403, "forbidden");
    let refused = bed.ask("PUT", &status).by(marry).json(&json!({ "status": "closed" })).go().await;
    let refused = refused.refused(409, "invalid-transition");
    assert_eq!(refused.body["current_status"], "new");
    assert_eq!(refused.body["allowed_statuses"], json!([]));
    bed.ask("PUT", &status).json(&json!({ "status": "solved" })).go().await.is(200);
    let read = bed.ask("GET", &format!("/tickets/{}", made.id())).by(marry).go().await.is(200);
    assert_eq!(read.body["allowed_statuses"], json!(["open", "closed"]));
}

#[tokio::test]
async fn if_match_counts_the_part_before_the_dot() {
    let bed = Bed::new().await;
    let path = format!("/tickets/{}", bed.ticket(&bed.employee("fox").await).await);
    let patch = |tag: &'static str, priority: &'static str| {
        bed.ask("PATCH", &path).with("if-match", tag).json(&json!({ "priority": priority }))
    };
    patch("\"1.9\"", "high").go().await.is(200);
    let stale = patch("\"1\"", "low").go().await.refused(412, "version-mismatch");
    assert_eq!((&stale.body["expected"], &stale.body["found"]), (&json!(1), &json!(2)));
    patch("*", "low").go().await.is(200);
    patch("\"1\", \"3\", \"7\"", "high").go().await.is(200);
    patch("\"1\", \"7\"", "low").go().await.refused(412, "version-mismatch");
    patch("W/\"4\"", "low").go().await.refused(412, "version-mismatch");
    for nonsense in ["\"nonsense\"", "4", "\"4", "\"4.x\"", ""] {
        patch(nonsense, "low").go().await.refused(400, "invalid-header");
    }
    patch("\"4\"", "low").go().await.is(200);
}

#[tokio::test]
async fn a_repeat_with_a_key_is_told_and_another_body_refused() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    let body = json!({ "title": "Once", "description": "Only once.", "employee_id": employee });
    let ask = || bed.ask("POST", "/tickets").with("idempotency-key", "a key");
    let first = ask().json(&body).go().await.is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = ask().text("application/json", &format!(" {body:#} ")).go().await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
    let other = json!({ "title": "Twice", "description": "Only once.", "employee_id": employee });
    ask().json(&other).go().await.refused(422, "idempotency-key-reused");
    for bad in [String::new(), "k".repeat(256)] {
        let asked = bed.ask("POST", "/tickets").with("idempotency-key", &bad).json(&body);
        asked.go().await.refused(400, "invalid-header");
    }
}

#[tokio::test]
async fn changes_take_a_key_too() {
    let bed = Bed::new().await;
    let path = format!("/tickets/{}", bed.ticket(&bed.employee("fox").await).await);
    let keyed = || bed.ask("PATCH", &path).with("idempotency-key", "k").json(&json!({ "title": "Changed" }));
    keyed().go().await.is(200);
    bed.ask("PATCH", &path).json(&json!({ "title": "Changed again" })).go().await.is(200);
    let again = keyed().go().await.is(200);
    assert_eq!((again.header("idempotency-replayed"), again.header("etag")), ("true", "\"2\""));
    assert_eq!(again.body["title"], "Changed");
    let tagged = bed.ask("PUT", &format!("{path}/tags/vpn")).with("idempotency-key", "k").go().await.is(200);
    assert_eq!(tagged.header("idempotency-replayed"), "", "the key belongs to method and path");
}

#[tokio::test]
async fn a_repeat_with_another_password_is_no_repeat() {
    let bed = Bed::new().await;
    let body = |password: &str| {
        json!({
            "username": "jones", "first_name": "Jones", "last_name": "Smith", "phone": "+380501112233",
            "email": "jones@example.com", "password": password, "roles": ["support"],
        })
    };
    let ask = || bed.ask("POST", "/users").with("idempotency-key", "k");
    let first = ask().json(&body("passWord@1")).go().await.is(201);
    assert!(!first.text.contains("passWord"), "{}", first.text);
    let again = ask().json(&body("passWord@1")).go().await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    ask().json(&body("passWord@2")).go().await.is(422);
}

#[tokio::test]
async fn a_merge_patch_takes_away_what_is_null() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    let body = json!({
        "title": "T", "description": "D", "employee_id": employee, "due_at": "2031-01-01T01:00:00+01:00",
        "type": "incident", "tags": ["a", "b"],
    });
    let made = bed.ask("POST", "/tickets").json(&body).go().await.is(201);
    assert_eq!(made.body["due_at"], "2031-01-01T00:00:00.000Z");
    let path = format!("/tickets/{}", made.id());
    let patch = json!({ "due_at": null, "type": null }).to_string();
    let asked = bed.ask("PATCH", &path).text("application/merge-patch+json; charset=UTF-8", &patch);
    let patched = asked.go().await.is(200);
    assert!(patched.body.get("due_at").is_none() && patched.body.get("type").is_none(), "{}", patched.text);
    assert_eq!(patched.body["tags"], json!(["a", "b"]));
    bed.ask("PATCH", &path).json(&json!({ "title": null })).go().await.invalid("/title", "required");
    bed.ask("PATCH", &path).json(&json!({ "status": "open" })).go().await.invalid("/status", "unknown_field");
    let nothing = bed.ask("PATCH", &path).json(&json!({})).go().await.is(200);
    assert_eq!(nothing.header("etag"), "\"2\"");

    let whole = bed.ask("PUT", &path).json(&json!({ "title": "T2", "description": "D2" })).go().await.is(200);
    assert_eq!((&whole.body["tags"], &whole.body["priority"]), (&json!([]), &json!("normal")));
    bed.ask("PUT", &path).json(&json!({ "description": "D2" })).go().await.invalid("/title", "required");
    let patch = bed.ask("PUT", &path).text("application/merge-patch+json", "{}");
    patch.go().await.refused(415, "unsupported-media-type");
}

#[tokio::test]
async fn messages_are_posted_edited_and_retracted() {
    let bed = Bed::new().await;
    let messages = format!("/tickets/{}/messages", bed.ticket(&bed.employee("fox").await).await);
    let posted = bed.ask("POST", &messages).json(&json!({ "body": "Hello." })).go().await.is(201);
    assert_eq!(posted.body["author"], json!({ "id": bed.admin.to_string(), "kind": "staff" }));
    assert_eq!(posted.body["visibility"], "public");
    let token = posted.header("consistency-token").to_owned();
    assert!(token.starts_with(&format!("message-{}@1,ticket-", posted.id())), "{token}");

    let path = format!("{messages}/{}", posted.id());
    let read = bed.ask("GET", &path).with("consistency-token", &token).go().await.is(200);
    assert_eq!(read.body["author"]["name"], "Jones Smith");
    bed.ask("PATCH", &path).json(&json!({ "body": "Hi." })).go().await.is(200);
    let gone = bed.ask("DELETE", &path).go().await.is(204);
    assert_eq!((gone.header("etag"), gone.text.as_str()), ("\"3\"", ""));
    let read = bed.ask("GET", &path).go().await.is(200);
    assert!(read.body.get("body").is_none() && read.body["retracted_at"].is_string(), "{}", read.text);
    bed.ask("PATCH", &path).json(&json!({ "body": "Ho." })).go().await.refused(409, "message-retracted");
}

#[tokio::test]
async fn taken_values_are_named_by_pointer() {
    let bed = Bed::new().await;
    bed.employee("fox").await;
    let body = json!({ "first_name": "Marry", "last_name": "Fox", "email": "FOX@example.com" });
    let taken = bed.ask("POST", "/employees").json(&body).go().await.refused(409, "already-taken");
    assert_eq!(taken.body["errors"][0]["pointer"], "/email");
    bed.ask("DELETE", &format!("/users/{}", bed.admin)).go().await.refused(409, "last-admin");
}
