//! What holds beside the role table, whoever decides: own records, the last admin, names that were freed.

use eventdesk_tests::{ADMIN, Host, PASSWORD, Scene, samples};
use serde_json::json;

tests! {
    an_employee_sees_their_own_and_nothing_else,
    an_employee_reopens_and_closes_their_own_ticket_and_moves_it_nowhere_else,
    others_words_are_edited_by_nobody_and_retracted_by_managers,
    the_refusal_comes_before_the_body_is_looked_at,
    a_disabled_user_keeps_me_and_status_only,
    a_login_denied_user_gets_no_token,
    the_last_active_admin_stays,
    a_freed_name_inherits_nothing,
}

async fn an_employee_sees_their_own_and_nothing_else(desk: &Host) {
    let scene = Scene::on(desk).await;
    let login = scene.employee_login().await;
    let own = scene.ticket(&login.employee_id).await;
    let foreign = scene.ticket(&scene.employee().await).await;
    let said = json!({ "visibility": "public", "body": "Not for everyone." });
    let said = scene.admin.post(&format!("/tickets/{}/messages", foreign.id()), said).await.is(201);

    let marry = login.caller.after(&said);
    let tickets = marry.see(&foreign, "/tickets?limit=100").await;
    assert_eq!(tickets.column("id"), [own.id()], "{tickets}");
    let number = scene.admin.see(&foreign, &format!("/tickets/{}", foreign.id())).await.body["number"].clone();
    marry.get(&format!("/tickets/{number}")).await.problem(404);
    let messages = marry.get("/messages").await.is(200);
    assert!(!messages.mentions(&said.id()), "{messages}");
    let people = marry.get("/employees").await.is_one_of(&[200, 403]);
    assert!(people.status == 403 || people.column("id") == [login.employee_id.clone()], "{people}");
}

async fn an_employee_reopens_and_closes_their_own_ticket_and_moves_it_nowhere_else(desk: &Host) {
    let scene = Scene::on(desk).await;
    let marry = scene.employee_login().await;
    for (to, status) in [("open", 200), ("closed", 200)] {
        let ticket = scene.ticket_in(&marry.employee_id, "solved").await;
        let path = format!("/tickets/{}/status", ticket.id());
        let moved = marry.caller.put(&path, json!({ "status": to })).await.is(status);
        assert_eq!(moved.str("status"), to, "{moved}");
    }
    for (from, to) in [("open", "pending"), ("open", "on_hold"), ("new", "pending"), ("pending", "on_hold")] {
        let ticket = scene.ticket_in(&marry.employee_id, from).await;
        let path = format!("/tickets/{}/status", ticket.id());
        marry.caller.put(&path, json!({ "status": to })).await.problem(403);
    }
    let foreign = scene.ticket_in(&scene.employee().await, "solved").await;
    let path = format!("/tickets/{}/status", foreign.id());
    marry.caller.put(&path, json!({ "status": "open" })).await.problem(404);
}

async fn others_words_are_edited_by_nobody_and_retracted_by_managers(desk: &Host) {
    let scene = Scene::on(desk).await;
    let own = scene.employee_login().await;
    let ticket = scene.ticket(&own.employee_id).await;
    let (_, author) = scene.staff(&["support"]).await;
    let messages = format!("/tickets/{}/messages", ticket.id());
    let (manager, support) = (scene.staff(&["manager"]).await.1, scene.staff(&["support"]).await.1);
    for (caller, retract) in [(&scene.admin, 204), (&manager, 204), (&support, 403), (&own.caller, 403)] {
        let said = author.post(&messages, json!({ "visibility": "public", "body": "Mine." })).await.is(201);
        let path = format!("{messages}/{}", said.id());
        caller.patch(&path, json!({ "body": "Yours." })).await.problem(403);
        let retracted = caller.delete(&path).await.is(retract);
        if retract == 403 {
            retracted.problem(403);
        }
    }
}

async fn the_refusal_comes_before_the_body_is_looked_at(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (_, support) = scene.staff(&["support"]).await;
    support.post("/users", json!({ "nonsense": true })).await.problem(403);
    desk.wants_a_token(desk.visitor().post("/users", json!({ "nonsense": true })).await);
}

async fn a_disabled_user_keeps_me_and_status_only(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = samples::merged(samples::user(&["admin"]), json!({ "disabled": true }));
    let user = scene.admin.post("/users", user).await.is(201);
    assert_eq!(user.body["disabled"], true, "{user}");
    let disabled = desk.login(&user.str("username")).await;
    assert_eq!(disabled.get("/status").await.is(200).body["status"], "disabled");
    disabled.get("/me").await.is(200);
    disabled.get("/tickets").await.problem(403);
    disabled.get("/users").await.problem(403);
}

async fn a_login_denied_user_gets_no_token(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = samples::merged(samples::user(&["support"]), json!({ "login_denied": true }));
    let user = scene.admin.post("/users", user).await.is(201);
    let name = user.str("username");
    let fields = [("grant_type", "password"), ("username", name.as_str()), ("password", PASSWORD)];
    let denied = desk.visitor().form("/token", &fields).await.is(400);
    assert!(denied.body["access_token"].is_null(), "{denied}");
    assert!(denied.body["error"].is_string(), "{denied}");
}

async fn the_last_active_admin_stays(desk: &Host) {
    // Nobody else may be an admin here.
    let desk = desk.kind().start().await;
    let scene = Scene::on(&desk).await;
    let admin_id = scene.admin.get("/whoami").await.is(200).str("sub");
    let path = format!("/users/{admin_id}");
    scene.admin.delete(&path).await.problem(409);

    // Someone who cannot act does not count.
    let disabled = samples::merged(samples::user(&["admin"]), json!({ "disabled": true }));
    scene.admin.post("/users", disabled).await.is(201);
    let denied = samples::merged(samples::user(&["admin"]), json!({ "login_denied": true }));
    scene.admin.post("/users", denied).await.is(201);
    scene.user(&["manager"]).await;
    scene.admin.delete(&path).await.problem(409);

    // With a second one the first may go, and then the second stays.
    let (second_id, second) = scene.staff(&["admin"]).await;
    second.delete(&path).await.is(204);
    second.delete(&format!("/users/{second_id}")).await.problem(409);
    scene.admin.get("/me").await.problem(401);
    let fields = [("grant_type", "password"), ("username", ADMIN), ("password", PASSWORD)];
    desk.visitor().form("/token", &fields).await.is(400);
    desk.end().await;
}

async fn a_freed_name_inherits_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = samples::user(&["support"]);
    let first = scene.admin.post("/users", body.clone()).await.is(201);
    let ticket = scene.ticket_with(&scene.employee().await, json!({ "assignee_id": first.id() })).await;
    let old = desk.login(&first.str("username")).await;
    scene.admin.delete(&format!("/users/{}", first.id())).await.is(204);

    let second = scene.admin.post("/users", body).await.is(201);
    assert_ne!(first.id(), second.id());
    let new = desk.login(&second.str("username")).await;
    assert!(new.see(&ticket, "/tickets?assignee=me").await.rows().is_empty());
    old.get("/tickets").await.problem(401);
}
