//! Every cell of the transition table, and what changes nothing.

use eventdesk_tests::{Host, Scene};
use serde_json::{Value, json};

tests! {
    every_cell_of_the_table_answers_as_it_says,
    a_ticket_shows_the_statuses_its_caller_may_set,
    new_is_no_target_and_an_unknown_status_no_status,
    setting_what_is_set_appends_nothing,
    assigning_a_new_ticket_opens_it_and_unassigning_leaves_it_open,
    only_active_staff_takes_a_ticket,
    a_closed_ticket_goes_on_as_another,
    a_closed_ticket_takes_no_change,
    history_tells_who_did_what_in_order,
}

const TARGETS: [&str; 5] = ["open", "pending", "on_hold", "solved", "closed"];
/// Row by row, in the order of [`TARGETS`]: `+` moves, `-` is refused, `=` is where the ticket already stands.
const TABLE: [(&str, &str); 6] = [
    ("new", "++++-"),
    ("open", "=+++-"),
    ("pending", "+=++-"),
    ("on_hold", "++=+-"),
    ("solved", "+--=+"),
    ("closed", "----="),
];

async fn every_cell_of_the_table_answers_as_it_says(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    for (from, row) in TABLE {
        let allowed: Vec<_> =
            TARGETS.iter().zip(row.chars()).filter(|(_, cell)| *cell == '+').map(|(to, _)| *to).collect();
        for (to, cell) in TARGETS.iter().zip(row.chars()) {
            let ticket = scene.ticket_in(&employee, from).await;
            let path = format!("/tickets/{}", ticket.id());
            let moved = scene.admin.put(&format!("{path}/status"), json!({ "status": to })).await;
            match cell {
                '+' => {
                    let moved = moved.is(200);
                    assert_eq!(moved.str("status"), *to, "{from} -> {to}: {moved}");
                    assert_eq!(moved.version(), ticket.version() + 1, "{from} -> {to}: {moved}");
                    let seen = scene.admin.see(&moved, &path).await;
                    assert_eq!(seen.str("status"), *to, "{from} -> {to}: {seen}");
                    assert!(seen.body["solved_at"].is_string() || !matches!(*to, "solved" | "closed"), "{seen}");
                    assert_eq!(seen.body["closed_at"].is_string(), *to == "closed", "{seen}");
                }
                '=' => {
                    let same = moved.is(200);
                    assert_eq!(same.version(), ticket.version(), "{from} -> {to}: {same}");
                }
                _ => {
                    let refused = moved.refused(409, "invalid-transition");
                    assert_eq!(refused.body["current_status"], from, "{refused}");
                    assert_eq!(sorted(&refused.body["allowed_statuses"]), sorted(&json!(allowed)), "{refused}");
                    let seen = scene.admin.see(&ticket, &path).await;
                    assert_eq!((seen.str("status").as_str(), seen.version()), (from, ticket.version()), "{seen}");
                }
            }
        }
    }
}

fn sorted(list: &Value) -> Vec<String> {
    let mut names: Vec<_> = list.as_array().into_iter().flatten().map(ToString::to_string).collect();
    names.sort();
    names
}

async fn a_ticket_shows_the_statuses_its_caller_may_set(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    for (from, row) in TABLE {
        let ticket = scene.ticket_in(&employee, from).await;
        let seen = scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
        let allowed: Vec<_> =
            TARGETS.iter().zip(row.chars()).filter(|(_, cell)| *cell == '+').map(|(to, _)| *to).collect();
        assert_eq!(sorted(&seen.body["allowed_statuses"]), sorted(&json!(allowed)), "{from}: {seen}");
    }
}

async fn new_is_no_target_and_an_unknown_status_no_status(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket_in(&scene.employee().await, "open").await;
    let path = format!("/tickets/{}/status", ticket.id());
    scene.admin.put(&path, json!({ "status": "new" })).await.is_one_of(&[409, 422]);
    scene.admin.put(&path, json!({ "status": "sleeping" })).await.invalid("/status");
    scene.admin.put(&path, json!({})).await.invalid("/status");
}

async fn setting_what_is_set_appends_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let user = scene.user(&["support"]).await;
    // The name does not come later and change the ticket's entity tag.
    let user = scene.admin.see(&user, &format!("/users/{}", user.id())).await.id();
    let details = json!({
        "priority": "high", "type": "incident", "tags": ["vpn"], "assignee_id": user, "due_at": "2031-01-02T03:04:05.000Z",
    });
    let ticket = scene.ticket_with(&employee, details.clone()).await;
    let path = format!("/tickets/{}", ticket.id());
    let before = scene.admin.see(&ticket, &path).await;
    let history = scene.admin.see(&ticket, &format!("{path}/history")).await.rows();

    let status = before.str("status");
    let (title, description) = (before.str("title"), before.str("description"));
    let admin = &scene.admin;
    let full = json!({
        "title": title, "description": description, "priority": "high", "type": "incident", "tags": ["vpn"],
        "due_at": "2031-01-02T03:04:05.000Z",
    });
    let repeats = [
        admin.put(&format!("{path}/status"), json!({ "status": status })).await,
        admin.put(&format!("{path}/assignee"), json!({ "user_id": user })).await,
        admin.put(&format!("{path}/requester"), json!({ "employee_id": employee })).await,
        admin.put_empty(&format!("{path}/tags/vpn")).await,
        admin.delete(&format!("{path}/tags/absent")).await,
        admin.patch(&path, json!({ "title": title, "description": description })).await,
        admin.patch(&path, json!({})).await,
        admin.put(&path, full).await,
    ];
    for repeat in repeats {
        let repeat = repeat.is_one_of(&[200, 204]);
        assert_eq!(repeat.etag_version(), before.version(), "{repeat}");
    }

    let after = scene.admin.get(&path).await.is(200);
    assert_eq!(after.etag(), before.etag(), "{after}");
    assert_eq!(after.body, before.body, "{after}");
    assert_eq!(scene.admin.get(&format!("{path}/history")).await.is(200).rows(), history);
}

async fn assigning_a_new_ticket_opens_it_and_unassigning_leaves_it_open(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (user, _) = scene.staff(&["support"]).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());

    let assigned = scene.admin.put(&format!("{path}/assignee"), json!({ "user_id": user })).await.is(200);
    assert_eq!(assigned.str("status"), "open", "{assigned}");
    assert_eq!(assigned.version(), 2, "one commit: {assigned}");
    let seen = scene.admin.see(&assigned, &path).await;
    assert_eq!(seen.body["assignee"], json!({ "user_id": user, "name": "Jones Smith" }), "{seen}");

    let unassigned = scene.admin.delete(&format!("{path}/assignee")).await.is_one_of(&[200, 204]);
    let seen = scene.admin.see(&unassigned, &path).await;
    assert!(seen.body["assignee"].is_null(), "{seen}");
    assert_eq!(seen.str("status"), "open", "{seen}");
}

async fn only_active_staff_takes_a_ticket(desk: &Host) {
    let scene = Scene::on(desk).await;
    let marry = scene.employee_login().await;
    let ticket = scene.ticket(&marry.employee_id).await;
    let path = format!("/tickets/{}/assignee", ticket.id());
    let gone = scene.user(&["support"]).await;
    scene.admin.delete(&format!("/users/{}", gone.id())).await.is(204);

    for nobody in [marry.user_id.as_str(), &gone.id(), "0190a8c0-0000-7000-8000-000000000000"] {
        let refused = scene.admin.put(&path, json!({ "user_id": nobody })).await;
        refused.problem(422);
    }
}

async fn a_closed_ticket_goes_on_as_another(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let closed = scene.ticket_in(&employee, "closed").await;
    let next = scene.ticket_with(&employee, json!({ "follow_up_of": closed.id() })).await;
    assert_eq!(next.str("status"), "new", "{next}");
    assert_ne!(next.id(), closed.id());
    assert_ne!(next.body["number"], closed.body["number"]);
    let body = eventdesk_tests::samples::merged(
        eventdesk_tests::samples::ticket(&employee),
        json!({ "follow_up_of": "0190a8c0-0000-7000-8000-000000000000" }),
    );
    scene.admin.post("/tickets", body).await.invalid("/follow_up_of");
}

async fn a_closed_ticket_takes_no_change(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (user, _) = scene.staff(&["support"]).await;
    let employee = scene.employee().await;
    let other = scene.employee().await;
    let closed = scene.ticket_in(&employee, "closed").await;
    let path = format!("/tickets/{}", closed.id());
    scene.admin.patch(&path, json!({ "title": "Another title" })).await.problem(409);
    scene.admin.put(&format!("{path}/assignee"), json!({ "user_id": user })).await.problem(409);
    scene.admin.put(&format!("{path}/requester"), json!({ "employee_id": other })).await.problem(409);
    scene.admin.put_empty(&format!("{path}/tags/late")).await.problem(409);
    let seen = scene.admin.see(&closed, &path).await;
    assert_eq!(seen.version(), closed.version(), "{seen}");
}

async fn history_tells_who_did_what_in_order(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (agent_id, agent) = scene.staff(&["support"]).await;
    let marry = scene.employee_login().await;
    let ticket = scene.ticket(&marry.employee_id).await;
    let path = format!("/tickets/{}", ticket.id());
    agent.put(&format!("{path}/status"), json!({ "status": "pending", "reason": "waits for a cable" })).await.is(200);
    agent.patch(&path, json!({ "priority": "urgent" })).await.is(200);
    let last = agent.put_empty(&format!("{path}/tags/cable")).await.is(200);

    let history = scene.admin.see(&last, &format!("{path}/history")).await;
    let types = history.column("type");
    assert_eq!(types, ["ticket.opened", "ticket.status_changed", "ticket.edited", "ticket.tagged"], "{history}");
    let versions: Vec<_> = history.rows().iter().map(|row| row["version"].as_u64()).collect();
    assert_eq!(versions, [Some(1), Some(2), Some(3), Some(4)], "{history}");
    for row in &history.rows()[1..] {
        assert_eq!(row["actor"]["id"], json!(agent_id), "{history}");
        assert!(row["occurred_at"].is_string(), "{history}");
    }
    let reasons: Vec<_> = history.rows().iter().map(|row| row.get("reason").cloned()).collect();
    assert_eq!(reasons, [None, Some(json!("waits for a cable")), None, None], "{history}");
    let refused = marry.caller.get(&format!("{path}/history")).await;
    assert!(!refused.problem(403).text.contains("cable"), "reasons are for who may read histories");
    let moved = history.rows()[1].to_string();
    assert!(moved.contains("new") && moved.contains("pending"), "previous and current: {moved}");
}
