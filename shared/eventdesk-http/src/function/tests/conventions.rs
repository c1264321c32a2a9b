//! What holds for every route.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{MAX_BODY_BYTES, function::bed::Bed, routes::Owner};

#[tokio::test]
async fn functions_answer_unknown_paths_and_methods_themselves() {
    let bed = Bed::new().await;
    for path in ["/nothing", "/tickets/x/y/z", "//", "//api/v1", "//api/v1/"] {
        bed.ask("GET", path).anonymous().go().await.refused(404, "not-found");
    }
    let answer = bed.ask("DELETE", "/tickets").anonymous().go().await.refused(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    // A route of another function is not this one's.
    bed.ask("GET", "/tickets").at(Owner::CommandTicket).await.refused(404, "not-found");
}

#[tokio::test]
async fn stage_and_base_path_are_taken_off_by_whole_segments() {
    let bed = Bed::new().await;
    for (stage, base_path, path, status) in [
        ("$default", "", "/api/v1/health", 200),
        ("prod", "", "/prod/api/v1/health", 200),
        ("prod", "", "/api/v1/health", 200),
        ("prod", "", "/production/api/v1/health", 404),
        ("prod", "/desk/v2/", "/desk/v2/api/v1/health", 200),
        ("prod", "desk", "/prod/desk/api/v1/health", 200),
        ("prod", "desk", "/desk/prod/api/v1/health", 200),
        ("prod", "desk", "/desk/health", 200),
        ("$default", "api", "/api/v1/health", 200),
        ("$default", "api", "/api/api/v1/health", 200),
        ("$default", "desk", "/desktop/api/v1/health", 404),
    ] {
        let asked = bed.ask("GET", &format!("/{path}")).anonymous().deployed(stage, base_path);
        assert_eq!(asked.at(Owner::Identity).await.status, status, "{stage} {base_path} {path}");
    }
    let employee = bed.employee("fox").await;
    let body = json!({ "title": "T", "description": "D", "employee_id": employee });
    let asked = bed.ask("POST", "//prod/api/v1/tickets").deployed("prod", "").json(&body);
    let made = asked.at(Owner::CommandTicket).await.is(201);
    assert!(made.header("location").starts_with("/prod/api/v1/tickets/"), "{}", made.header("location"));
}

#[tokio::test]
async fn bodies_are_read_as_json_or_refused_by_what_is_wrong() {
    let bed = Bed::new().await;
    let employee = bed.employee("fox").await;
    let ask = |text: &str| bed.ask("POST", "/tickets").text("application/json", text);
    for text in ["", "{", "not json", "{} {}", "\u{feff}{}", r#"{"title": "\ud800"}"#, &"[".repeat(20_000)] {
        ask(text).go().await.refused(400, "malformed-request");
    }
    for text in ["[]", r#"["Title", "Description"]"#, "7", "null", "\"text\""] {
        ask(text).go().await.invalid("", "invalid_type");
    }
    ask(r#"{"title":"one","title":"two"}"#).go().await.invalid("/title", "duplicate_field");
    ask(r#"{"colour":"blue"}"#).go().await.invalid("/colour", "unknown_field");
    ask(r#"{"a/b~":1}"#).go().await.invalid("/a~1b~0", "unknown_field");
    ask(r#"{"a`, b":1}"#).go().await.invalid("/a`, b", "unknown_field");
    let many =
        bed.ask("POST", "/tickets").json(&json!({ "employee_id": employee, "tags": vec!["A"; 9_000] })).go().await;
    assert_eq!(many.refused(422, "invalid-fields").body["errors"].as_array().unwrap().len(), 100);
    for (field, value, code) in [
        ("title", json!(7), "invalid_type"),
        ("title", json!({ "x": 1 }), "invalid_type"),
        ("priority", json!(7), "invalid_type"),
        ("priority", json!(["high"]), "invalid_type"),
        ("priority", json!({ "high": null }), "invalid_type"),
        ("employee_id", json!("x"), "invalid_id"),
        ("employee_id", json!(7), "invalid_type"),
        ("priority", json!("maximal"), "unknown_value"),
        ("due_at", json!("tomorrow"), "invalid_time"),
        ("tags", json!("vpn"), "invalid_type"),
    ] {
        let body = json!({ field: value });
        bed.ask("POST", "/tickets").json(&body).go().await.invalid(&format!("/{field}"), code);
    }
    bed.ask("POST", "/tickets").json(&json!({ "tags": ["a", 7] })).go().await.invalid("/tags/1", "invalid_type");
    bed.ask("POST", "/tickets").json(&json!({ "title": null })).go().await.invalid("/title", "required");
    let several = bed.ask("POST", "/tickets").json(&json!({ "employee_id": employee, "title": "" })).go().await;
    let several = several.refused(422, "invalid-fields");
    assert_eq!(several.body["errors"].as_array().unwrap().len(), 2, "{}", several.text);
}

#[tokio::test]
async fn a_value_that_was_sent_is_not_repeated() {
    let bed = Bed::new().await;
    let answer = bed.ask("POST", "/users").json(&json!({ "password": 12_345_678 })).go().await.is(422);
    assert!(!answer.text.contains("12345678"), "{}", answer.text);
}

#[tokio::test]
async fn media_types_sizes_and_base64_are_minded() {
    let bed = Bed::new().await;
    let body = json!({ "title": "T", "description": "D", "employee_id": bed.employee("fox").await }).to_string();
    for media_type in ["text/plain", "application/xml", "application/json; charset=latin1", "application/jsonx", ""] {
        let asked = bed.ask("POST", "/tickets").text(media_type, &body);
        asked.go().await.refused(415, "unsupported-media-type");
    }
    for media_type in ["application/json", "Application/JSON; charset=\"utf-8\"", "application/json;charset=UTF-8"] {
        bed.ask("POST", "/tickets").text(media_type, &body).go().await.is(201);
    }
    bed.ask("POST", "/tickets").base64("application/json", &STANDARD.encode(&body)).go().await.is(201);
    let broken = bed.ask("POST", "/tickets").base64("application/json", "%%%");
    broken.go().await.refused(400, "malformed-request");
    let zipped = bed.ask("POST", "/tickets").with("content-encoding", "gzip").json(&json!({}));
    zipped.go().await.refused(415, "unsupported-media-type");

    let large = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES - 1));
    bed.ask("POST", "/tickets").text("application/json", &large).go().await.refused(413, "payload-too-large");
    let encoded = bed.ask("POST", "/tickets").base64("application/json", &STANDARD.encode(&large));
    encoded.go().await.refused(413, "payload-too-large");
    let just = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES - 2));
    bed.ask("POST", "/tickets").text("application/json", &just).go().await.is(422);
    bed.ask("POST", "/tickets").base64("application/json", &STANDARD.encode(&just)).go().await.is(422);
}

#[tokio::test]
async fn a_route_without_a_body_takes_none() {
    let bed = Bed::new().await;
    let path = format!("/tickets/{}/tags/vpn", bed.ticket(&bed.employee("fox").await).await);
    bed.ask("PUT", &path).json(&json!({ "colour": 1 })).go().await.invalid("/colour", "unknown_field");
    bed.ask("PUT", &path).json(&json!({})).go().await.is(200);
    bed.ask("DELETE", &path).go().await.is(204);
    bed.ask("PUT", &path.replace("vpn", "V%20N")).go().await.is(422);
}

#[tokio::test]
async fn answers_for_one_caller_are_kept_by_nobody_else() {
    let bed = Bed::new().await;
    let answer = bed.ask("GET", "/tickets").go().await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("vary"), "Authorization");
    assert_eq!(answer.header("x-request-id"), "JKJaXmPLvHcESHA=");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin-allow-popups");
}

#[tokio::test]
async fn a_version_that_the_caller_has_is_not_sent_again() {
    let bed = Bed::new().await;
    let path = format!("/tickets/{}", bed.ticket(&bed.employee("fox").await).await);
    let read = bed.ask("GET", &path).go().await.is(200);
    let tag = read.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"0\", {tag}"), "*".to_owned()] {
        let answer = bed.ask("GET", &path).with("if-none-match", &known).go().await.is(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", tag.as_str()));
        assert_eq!(answer.header("vary"), "Authorization");
    }
    bed.ask("GET", &path).with("if-none-match", "\"99\"").go().await.is(200);
    bed.ask("POST", &format!("{path}/messages")).json(&json!({ "body": "Hello." })).go().await.is(201);
    let after = bed.ask("GET", &path).with("if-none-match", &tag).go().await.is(200);
    assert_ne!(after.header("etag"), tag);
}

#[tokio::test]
async fn a_consistency_token_is_read_waited_for_or_refused() {
    let bed = Bed::new().await;
    let id = bed.ticket(&bed.employee("fox").await).await;
    let ask = |token: &str| bed.ask("GET", &format!("/tickets/{id}")).with("consistency-token", token);
    ask(&format!("ticket-{id}@1")).go().await.is(200);
    for nonsense in ["nonsense", "ticket-x@1", "@", ""] {
        ask(nonsense).go().await.refused(400, "bad-consistency-token");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_model_that_stays_behind_is_told() {
    let bed = Bed::new().await;
    let id = bed.ticket(&bed.employee("fox").await).await;
    let asked = bed.ask("GET", &format!("/tickets/{id}")).with("consistency-token", &format!("ticket-{id}@99"));
    let behind = asked.go().await.refused(503, "read-model-behind");
    assert_eq!(behind.header("retry-after"), "1");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let bed = Bed::new().await;
    let path = format!("/tickets/{}", bed.ticket(&bed.employee("fox").await).await);
    let head = bed.ask("HEAD", &path).go().await.is(200);
    assert_eq!(head.text, "");
    assert!(head.header("etag").starts_with("\"1"));
}
