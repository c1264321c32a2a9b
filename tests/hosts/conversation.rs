//! What happens between a requester and the staff on one ticket.

use eventdesk_tests::{Answer, Caller, Host, Scene};
use serde_json::json;

tests! {
    a_ticket_is_talked_about_until_it_is_closed,
    a_deleted_ticket_takes_no_message,
    a_ticket_nobody_opened_takes_no_message,
    retracting_removes_the_words_and_keeps_the_fact,
    editing_says_when_and_saying_the_same_says_nothing,
    a_message_needs_a_visible_character,
    an_employee_writes_no_internal_note,
}

async fn say(caller: &Caller, ticket_id: &str, visibility: &str, body: &str) -> Answer {
    let message = json!({ "visibility": visibility, "body": body });
    caller.post(&format!("/tickets/{ticket_id}/messages"), message).await.is(201)
}

async fn status_after(caller: &Caller, answer: &Answer, ticket_id: &str) -> String {
    caller.see(answer, &format!("/tickets/{ticket_id}")).await.str("status")
}

async fn a_ticket_is_talked_about_until_it_is_closed(desk: &Host) {
    let scene = Scene::on(desk).await;
    let marry = scene.employee_login().await;
    let (agent_id, agent) = scene.staff(&["support"]).await;

    let ticket = marry.caller.post("/tickets", eventdesk_tests::samples::ticket(&marry.employee_id)).await.is(201);
    let id = ticket.id();
    let path = format!("/tickets/{id}");
    assert_eq!(ticket.str("status"), "new", "{ticket}");
    let seen = agent.see(&ticket, &path).await;
    assert!(seen.body["first_response_at"].is_null(), "{seen}");
    assert_eq!(seen.body["message_count"], 0, "{seen}");

    // A requester's own word is no response, and leaves a new ticket new.
    let asked = say(&marry.caller, &id, "public", "Is anybody there?").await;
    assert_eq!(asked.body["author"]["id"].as_str(), Some(marry.user_id.as_str()), "{asked}");
    let seen = agent.see(&asked, &path).await;
    assert_eq!(seen.str("status"), "new", "{seen}");
    assert!(seen.body["first_response_at"].is_null(), "{seen}");

    // A note among the staff is no response either, and the requester never sees it.
    let note = say(&agent, &id, "internal", "Cable again, I guess.").await;
    let seen = agent.see(&note, &path).await;
    assert_eq!(seen.str("status"), "new", "{seen}");
    assert!(seen.body["first_response_at"].is_null(), "{seen}");
    assert_eq!(seen.body["message_count"], 2, "{seen}");
    let theirs = marry.caller.see(&note, &path).await;
    assert_eq!(theirs.body["message_count"], 1, "{theirs}");
    let messages = format!("{path}/messages");
    let heard = marry.caller.see(&note, &messages).await;
    assert_eq!(heard.column("id"), [asked.id()], "{heard}");
    marry.caller.look(&note, &format!("{messages}/{}", note.id())).await.problem(404);
    assert!(!marry.caller.see(&note, "/messages").await.text.contains("Cable again"));

    // The first public answer opens the ticket and is its first response.
    let answered = say(&agent, &id, "public", "We are on it.").await;
    let seen = agent.see(&answered, &path).await;
    assert_eq!(seen.str("status"), "open", "{seen}");
    let first_response = seen.str("first_response_at");
    assert_eq!(first_response, answered.str("created_at"), "{seen}");
    let again = say(&agent, &id, "public", "Still on it.").await;
    let seen = agent.see(&again, &path).await;
    assert_eq!(seen.str("first_response_at"), first_response, "only the first counts: {seen}");
    assert_eq!(seen.str("last_message_at"), again.str("created_at"), "{seen}");

    // Oldest first, and by visibility.
    let all = agent.see(&again, &messages).await;
    assert_eq!(all.column("id"), [asked.id(), note.id(), answered.id(), again.id()], "{all}");
    let notes = agent.see(&again, &format!("{messages}?visibility=internal")).await;
    assert_eq!(notes.column("id"), [note.id()], "{notes}");
    let mine = agent.see(&again, &format!("/messages?author=me&ticket={id}")).await;
    assert_eq!(mine.rows().len(), 3, "{mine}");
    assert!(mine.rows().iter().all(|row| row["author"]["id"] == json!(agent_id)), "{mine}");

    // Waiting, and the requester's word ends the waiting.
    for status in ["pending", "on_hold", "solved"] {
        scene.move_to(&id, status).await;
        let unheard = say(&agent, &id, "public", "Staff words change no status now.").await;
        assert_eq!(status_after(&agent, &unheard, &id).await, status);
        let heard = say(&marry.caller, &id, "public", "It is back.").await;
        assert_eq!(status_after(&agent, &heard, &id).await, "open", "a word of the requester reopens {status}");
    }

    // Closed is closed.
    scene.move_to(&id, "solved").await;
    scene.move_to(&id, "closed").await;
    for caller in [&agent, &marry.caller] {
        let late = json!({ "visibility": "public", "body": "One more thing." });
        caller.post(&messages, late).await.problem(409);
    }
}

async fn a_deleted_ticket_takes_no_message(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    scene.admin.delete(&path).await.is(204);
    let late = json!({ "visibility": "public", "body": "Too late." });
    scene.admin.post(&format!("{path}/messages"), late).await.is_one_of(&[404, 409]);
}

async fn a_ticket_nobody_opened_takes_no_message(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = json!({ "visibility": "public", "body": "Hello?" });
    scene.admin.post("/tickets/0190a8c0-0000-7000-8000-000000000000/messages", body).await.problem(404);
}

async fn retracting_removes_the_words_and_keeps_the_fact(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let said = say(&scene.admin, &ticket.id(), "public", "Something I should not have said.").await;
    let path = format!("/tickets/{}/messages/{}", ticket.id(), said.id());

    let retracted = scene.admin.delete(&path).await.is(204);
    let read = scene.admin.see(&retracted, &path).await;
    assert!(read.body["retracted_at"].is_string(), "{read}");
    assert!(!read.text.contains("should not have said"), "{read}");
    let listed = scene.admin.see(&retracted, &format!("/tickets/{}/messages", ticket.id())).await;
    assert_eq!(listed.column("id"), [said.id()], "{listed}");
    assert!(!listed.text.contains("should not have said"), "{listed}");

    scene.admin.patch(&path, json!({ "body": "Something else." })).await.problem(409);
}

async fn editing_says_when_and_saying_the_same_says_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let said = say(&scene.admin, &ticket.id(), "public", "Frist.").await;
    let path = format!("/tickets/{}/messages/{}", ticket.id(), said.id());
    assert!(said.body["edited_at"].is_null(), "{said}");
    assert_eq!(said.version(), 1, "{said}");

    let edited = scene.admin.patch(&path, json!({ "body": "First." })).await.is(200);
    assert_eq!(edited.version(), 2, "{edited}");
    let read = scene.admin.see(&edited, &path).await;
    assert_eq!(read.str("body"), "First.", "{read}");
    assert!(read.body["edited_at"].is_string(), "{read}");

    let same = scene.admin.patch(&path, json!({ "body": "First." })).await.is(200);
    assert_eq!(same.version(), 2, "{same}");
    let stale = scene.admin.with("If-Match", "\"1\"").patch(&path, json!({ "body": "Second." })).await;
    stale.problem(412);
}

async fn a_message_needs_a_visible_character(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}/messages", ticket.id());
    for blank in ["", "   ", "\n\n", "\u{200b}\u{2060}"] {
        scene.admin.post(&path, json!({ "visibility": "public", "body": blank })).await.invalid("/body");
    }
    let long = "x".repeat(50_001);
    scene.admin.post(&path, json!({ "visibility": "public", "body": long })).await.invalid("/body");
    scene.admin.post(&path, json!({ "visibility": "public", "body": "x".repeat(50_000) })).await.is(201);
    scene.admin.post(&path, json!({ "visibility": "secret", "body": "x" })).await.invalid("/visibility");
}

async fn an_employee_writes_no_internal_note(desk: &Host) {
    let scene = Scene::on(desk).await;
    let marry = scene.employee_login().await;
    let ticket = scene.ticket(&marry.employee_id).await;
    let note = json!({ "visibility": "internal", "body": "Psst." });
    marry.caller.post(&format!("/tickets/{}/messages", ticket.id()), note).await.problem(403);
    let notes = format!("/tickets/{}/messages?visibility=internal", ticket.id());
    let asked = marry.caller.look(&ticket, &notes).await.is_one_of(&[200, 403]);
    assert!(asked.status == 403 || asked.rows().is_empty(), "{asked}");
}
