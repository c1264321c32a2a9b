//! The conventions every route keeps: errors and headers. Versions and lists have files of their own.

use eventdesk_tests::{Answer, Host, Scene, samples};
use serde_json::json;

tests! {
    an_unknown_path_is_404_whoever_asks,
    a_wrong_method_is_405_and_says_which_are_right,
    an_unknown_record_is_404,
    a_body_above_256_kib_is_413_and_one_below_is_read,
    another_media_type_is_415,
    a_patch_comes_as_merge_patch_too,
    what_is_no_json_is_400,
    each_bad_field_is_named_with_a_pointer_and_a_code,
    lengths_count_characters_and_text_is_trimmed,
    times_that_cannot_be_kept_as_they_are_are_refused,
    bad_people_are_refused_by_field,
    a_taken_value_is_409_with_its_pointer_whatever_its_case,
    unknown_fields_and_parameters_are_refused_by_name,
    control_characters_are_refused,
    a_created_record_says_where_it_is,
    a_trailing_slash_is_accepted_and_never_redirected,
    every_answer_carries_its_id_and_the_security_headers,
    private_answers_are_kept_by_nobody_else,
}

const ABSENT: &str = "0190a8c0-0000-7000-8000-000000000000";

/// Where a refusal names the offender: a pointer or its text.
#[track_caller]
fn names(answer: &Answer, offender: &str) {
    assert!(answer.text.contains(offender), "the refusal does not name {offender}: {answer}");
}

async fn an_unknown_path_is_404_whoever_asks(desk: &Host) {
    let admin = desk.admin().await;
    for caller in [&admin, &desk.visitor()] {
        for path in ["/nothing", "/tickets/x/y/z", "/user"] {
            caller.get(path).await.problem(404);
        }
        caller.at_root().get("/nothing/at/all").await.problem(404);
        caller.at_root().get("/").await.is_one_of(&[404, 302, 303, 307, 308]);
    }
}

async fn a_wrong_method_is_405_and_says_which_are_right(desk: &Host) {
    let admin = desk.admin().await;
    for (method, path, allowed) in [
        ("DELETE", "/tickets", "GET POST"),
        ("PATCH", "/employees", "GET POST"),
        ("POST", "/me", "GET"),
        ("POST", "/tickets/1", "GET PATCH PUT DELETE"),
        ("GET", "/token", "POST"),
    ] {
        for caller in [&admin, &desk.visitor()] {
            let answer = caller.request(method, path, None).await.problem(405);
            let allow = answer.header("allow").unwrap_or_default();
            for method in allowed.split(' ') {
                assert!(allow.split(',').any(|one| one.trim() == method), "Allow lacks {method}: {answer}");
            }
        }
    }
}

async fn an_unknown_record_is_404(desk: &Host) {
    let admin = desk.admin().await;
    for path in ["tickets", "users", "employees"] {
        admin.get(&format!("/{path}/{ABSENT}")).await.problem(404);
        admin.delete(&format!("/{path}/{ABSENT}")).await.problem(404);
        admin.get(&format!("/{path}/neither-id-nor-number")).await.is_one_of(&[400, 404]).status.to_string();
    }
    admin.get("/tickets/99999999").await.problem(404);
    admin.patch(&format!("/tickets/{ABSENT}"), json!({ "title": "Another title" })).await.problem(404);
    admin.get(&format!("/tickets/{ABSENT}/history")).await.problem(404);
    admin.get(&format!("/tickets/{ABSENT}/messages")).await.problem(404);
}

async fn a_body_above_256_kib_is_413_and_one_below_is_read(desk: &Host) {
    let scene = Scene::on(desk).await;
    let mut ticket = samples::ticket(&scene.employee().await);
    ticket["description"] = json!("x".repeat(257 * 1024));
    scene.admin.post("/tickets", ticket.clone()).await.problem(413);
    ticket["description"] = json!("x".repeat(250 * 1024));
    scene.admin.post("/tickets", ticket).await.invalid("/description");
}

async fn another_media_type_is_415(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = samples::ticket(&scene.employee().await).to_string();
    for kind in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        scene.admin.with("Content-Type", kind).raw("POST", "/tickets", &body).await.problem(415);
    }
    scene.admin.with("Content-Type", "application/json; charset=utf-8").raw("POST", "/tickets", &body).await.is(201);
    let token = desk.visitor().post("/token", json!({ "grant_type": "password" })).await;
    token.is_one_of(&[400, 415]);
}

async fn a_patch_comes_as_merge_patch_too(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket_with(&scene.employee().await, json!({ "due_at": "2031-01-01T00:00:00.000Z" })).await;
    let path = format!("/tickets/{}", ticket.id());
    let patching = scene.admin.with("Content-Type", "application/merge-patch+json");
    let patched = patching.patch(&path, json!({ "title": "Another title", "due_at": null })).await.is(200);
    let seen = scene.admin.see(&patched, &path).await;
    assert_eq!(seen.str("title"), "Another title", "{seen}");
    assert!(seen.body["due_at"].is_null(), "null removes: {seen}");
    assert_eq!(seen.str("description"), ticket.str("description"), "what is absent stays: {seen}");
}

async fn what_is_no_json_is_400(desk: &Host) {
    let admin = desk.admin().await;
    let sending = admin.with("Content-Type", "application/json");
    for text in ["", "{", "{\"title\": ", "not json", "{} {}", "\u{feff}{}", "{\"title\": \"\\ud800\"}"] {
        sending.raw("POST", "/tickets", text).await.problem(400);
    }
    for text in ["[]", "7", "null", "\"text\""] {
        sending.raw("POST", "/tickets", text).await.is_one_of(&[400, 422]);
    }
    let deep = "[".repeat(20_000);
    sending.raw("POST", "/tickets", &deep).await.problem(400);
    sending.raw("POST", "/tickets", "{\"title\":\"one\",\"title\":\"two\"}").await.is_one_of(&[400, 422]);
}

async fn each_bad_field_is_named_with_a_pointer_and_a_code(desk: &Host) {
    let scene = Scene::on(desk).await;
    let good = samples::ticket(&scene.employee().await);
    let cases = [
        ("/title", json!(""), "too_short"),
        ("/title", json!("   "), "too_short"),
        ("/title", json!("x".repeat(201)), "too_long"),
        ("/title", json!(null), ""),
        ("/title", json!(7), ""),
        ("/description", json!(""), "too_short"),
        ("/description", json!("x".repeat(20_001)), "too_long"),
        ("/employee_id", json!("x"), ""),
        ("/employee_id", json!(ABSENT), ""),
        ("/priority", json!("maximal"), ""),
        ("/type", json!("wish"), ""),
        ("/assignee_id", json!(ABSENT), ""),
        ("/due_at", json!("tomorrow"), ""),
    ];
    for (pointer, value, code) in cases {
        let mut ticket = good.clone();
        ticket[&pointer[1..]] = value;
        let got = scene.admin.post("/tickets", ticket).await.invalid(pointer);
        assert!(code.is_empty() || got == code, "{pointer}: {got}");
    }
    let mut tags = good.clone();
    tags["tags"] = json!((0..21).map(|n| format!("tag{n}")).collect::<Vec<_>>());
    scene.admin.post("/tickets", tags).await.invalid("/tags");

    let mut missing = good.clone();
    missing.as_object_mut().expect("an object").remove("title");
    scene.admin.post("/tickets", missing).await.invalid("/title");

    let both = samples::merged(good, json!({ "title": "", "description": "" }));
    let answer = scene.admin.post("/tickets", both).await;
    answer.clone().invalid("/title");
    answer.invalid("/description");
}

async fn lengths_count_characters_and_text_is_trimmed(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let long = "ü".repeat(200);
    let ticket = scene.ticket_with(&employee, json!({ "title": format!("  {long}\t ") })).await;
    assert_eq!(ticket.str("title"), long, "{ticket}");
}

async fn times_that_cannot_be_kept_as_they_are_are_refused(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    for time in [
        "10000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "0000-12-31T23:59:59Z",
        "-0001-01-01T00:00:00Z",
        "2031-01-01T00:00:00.123456789012Z",
        "2031-01-01T00:00:00+24:00",
        "2031-01-01T00:00:00-24:00",
        "2016-12-31T23:59:60Z",
        "2031-02-29T00:00:00Z",
        "1924905600",
    ] {
        scene.admin.patch(&path, json!({ "due_at": time })).await.invalid("/due_at");
        let escaped = time.replace('+', "%2B");
        for list in [format!("/tickets?created_after={escaped}"), format!("/messages?after={escaped}")] {
            let answer = scene.admin.get(&list).await.problem(400);
            names(&answer, if list.contains("created_after") { "created_after" } else { "after" });
        }
    }
    scene.admin.patch(&path, json!({ "due_at": 1_924_905_600 })).await.invalid("/due_at");
    for (time, kept) in [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00.000Z"),
        ("2031-01-01T00:00:00.999999999+23:59", "2030-12-31T00:01:00.999Z"),
        ("2031-01-01t01:00:00-00:30", "2031-01-01T01:30:00.000Z"),
    ] {
        let changed = scene.admin.patch(&path, json!({ "due_at": time })).await.is(200);
        assert_eq!(scene.admin.see(&changed, &path).await.str("due_at"), kept, "{time}");
        let after = time.replace('+', "%2B");
        scene.admin.get(&format!("/tickets?created_after={after}&limit=1")).await.is(200);
    }
}

async fn bad_people_are_refused_by_field(desk: &Host) {
    let admin = desk.admin().await;
    for (pointer, value) in [
        ("/username", json!("x")),
        ("/username", json!("with blanks in it")),
        ("/password", json!("short1!")),
        ("/password", json!("nouppercase@1")),
        ("/password", json!("NoDigits@@@")),
        ("/password", json!("NoSpecial111")),
        ("/email", json!("nobody")),
        ("/phone", json!("call me")),
        ("/roles", json!(["king"])),
    ] {
        let mut user = samples::user(&["support"]);
        user[&pointer[1..]] = value.clone();
        let answer = admin.post("/users", user).await.problem(422);
        names(&answer, pointer);
        assert!(pointer != "/password" || !answer.text.contains(value.as_str().unwrap_or("-")), "{answer}");
    }
    for (pointer, value) in [
        ("/email", json!("nobody")),
        ("/birthday", json!("1998-02-30")),
        ("/first_name", json!("")),
        ("/user_id", json!(ABSENT)),
    ] {
        let mut employee = samples::employee();
        employee[&pointer[1..]] = value;
        admin.post("/employees", employee).await.invalid(pointer);
    }
}

async fn a_taken_value_is_409_with_its_pointer_whatever_its_case(desk: &Host) {
    let admin = desk.admin().await;
    let first = samples::user(&["support"]);
    admin.post("/users", first.clone()).await.is(201);
    for member in ["username", "email", "phone"] {
        let mut second = samples::user(&["support"]);
        second[member] = json!(first[member].as_str().unwrap_or_default().to_uppercase());
        let answer = admin.post("/users", second).await.refused(409, "already-taken");
        names(&answer, &format!("/{member}"));
    }
    let first = samples::employee();
    let registered = admin.post("/employees", first.clone()).await.is(201);
    let mut second = samples::employee();
    second["email"] = first["email"].clone();
    let answer = admin.post("/employees", second.clone()).await.refused(409, "already-taken");
    names(&answer, "/email");

    // What is released may be taken.
    admin.delete(&format!("/employees/{}", registered.id())).await.is(204);
    admin.post("/employees", second).await.is(201);
}

async fn unknown_fields_and_parameters_are_refused_by_name(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let ticket = scene.ticket(&employee).await;
    let path = format!("/tickets/{}", ticket.id());
    let extra = samples::merged(samples::ticket(&employee), json!({ "colour": "blue" }));
    let admin = &scene.admin;
    for answer in [
        admin.post("/tickets", extra).await,
        admin.patch(&path, json!({ "colour": "blue" })).await,
        admin.put(&format!("{path}/status"), json!({ "status": "open", "colour": "blue" })).await,
        admin.post("/users", samples::merged(samples::user(&[]), json!({ "colour": "blue" }))).await,
        admin.post("/employees", samples::merged(samples::employee(), json!({ "colour": "blue" }))).await,
        admin.get("/tickets?colour=blue").await,
        admin.get(&format!("{path}?colour=blue")).await,
        admin.get("/users?colour=blue").await,
        admin.get("/employees?colour=blue").await,
        admin.get("/messages?colour=blue").await,
    ] {
        let status = answer.status;
        let answer = answer.is_one_of(&[400, 422]).problem(status);
        names(&answer, "colour");
    }
    admin.patch(&path, json!({ "status": "open" })).await.is_one_of(&[400, 422]);
}

async fn control_characters_are_refused(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    for bad in ["a\u{0}b", "a\u{7}b", "a\u{1b}[2Jb", "a\u{7f}b", "a\u{9b}b"] {
        let ticket = samples::merged(samples::ticket(&employee), json!({ "title": bad }));
        scene.admin.post("/tickets", ticket).await.invalid("/title");
    }
    let lines = samples::merged(samples::ticket(&employee), json!({ "description": "one\ntwo\tthree" }));
    scene.admin.post("/tickets", lines).await.is(201);
}

async fn a_created_record_says_where_it_is(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let location = ticket.header("location").expect("a created record has a Location");
    assert!(location.ends_with(&format!("/api/v1/tickets/{}", ticket.id())), "{ticket}");
    let url = if location.starts_with('/') { format!("{}{location}", desk.base()) } else { location };
    let read = scene.admin.see(&ticket, &url).await;
    assert_eq!(read.id(), ticket.id());
    assert!(ticket.body["number"].as_u64().is_some(), "{ticket}");
    for time in ["created_at", "updated_at"] {
        let text = ticket.str(time);
        assert!(text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.', "{time} {text}");
    }
}

async fn a_trailing_slash_is_accepted_and_never_redirected(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    scene.admin.get("/tickets/").await.is(200);
    scene.admin.get("/me/").await.is(200);
    scene.admin.see(&ticket, &format!("/tickets/{}/", ticket.id())).await;
    scene.admin.post("/employees/", samples::employee()).await.is(201);
    scene.admin.get("/health/").await.is(200);
}

async fn every_answer_carries_its_id_and_the_security_headers(desk: &Host) {
    let admin = desk.admin().await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in [
        admin.get("/tickets").await.is(200),
        admin.get("/nothing").await.is(404),
        admin.bearing("garbled").get("/tickets").await.is(401),
        desk.visitor().get("/docs").await,
        desk.visitor().get("/health").await.is(200),
        admin.request("DELETE", "/tickets", None).await.is(405),
    ] {
        let id = answer.header("x-request-id").unwrap_or_default();
        assert!(!id.is_empty(), "{answer}");
        assert!(ids.insert(id), "an id twice: {answer}");
        assert_eq!(answer.header("x-content-type-options").as_deref(), Some("nosniff"), "{answer}");
        let framed = answer.header("x-frame-options").or_else(|| answer.header("content-security-policy"));
        assert!(framed.is_some(), "{answer}");
        assert!(answer.header("referrer-policy").is_some(), "{answer}");
    }
}

async fn private_answers_are_kept_by_nobody_else(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    for path in ["/tickets".to_owned(), format!("/tickets/{}", ticket.id()), "/employees".into(), "/me".into()] {
        let answer = scene.admin.see(&ticket, &path).await;
        let cache = answer.header("cache-control").unwrap_or_default();
        assert!(cache.contains("no-store") || (cache.contains("private") && cache.contains("no-cache")), "{answer}");
        let vary = answer.header("vary").unwrap_or_default().to_lowercase();
        assert!(vary.contains("authorization"), "{answer}");
    }
}
