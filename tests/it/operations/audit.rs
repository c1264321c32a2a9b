//! What consumers have passed and lost is found, and mended by them.

use std::time::Instant;

use eventdesk_tests::{Desk, Scene};
use serde_json::Value;

use super::{PATIENCE, ends, file, until};

/// As if these tickets' events had never come: the cursors are behind them, and the read models know nothing.
pub(super) fn lose(desk: &Desk, ids: &[String]) {
    let views = file(desk, "views.db");
    for id in ids {
        for (table, key) in [("tickets", id.clone()), ("history_streams", format!("ticket-{id}"))] {
            let gone = views.execute(&format!("DELETE FROM {table}_g1 WHERE id = ?1"), [&key]).unwrap();
            assert_eq!(gone, 1, "{table} knew {key}");
        }
        views.execute("DELETE FROM history_g1 WHERE ticket = ?1", [id]).unwrap();
    }
}

/// What another process does to the file, a server that has just read it hears of within a tenth of a second.
pub(super) async fn is_gone(scene: &Scene, ticket: &str) {
    let begun = Instant::now();
    while scene.admin.get(&format!("/tickets/{ticket}")).await.status != 404 {
        assert!(begun.elapsed() < PATIENCE, "the ticket is still shown");
    }
}

#[tokio::test]
async fn lost_events_are_found_and_mended_beside_the_server() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let ticket = scene.ticket(&employee).await;
        scene.admin.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
        scene.admin.see(&ticket, &format!("/tickets/{}/history", ticket.id())).await;
        tickets.push(ticket);
    }
    ends(&desk, &["audit"], 0);
    lose(&desk, &tickets[..2].iter().map(eventdesk_tests::Answer::id).collect::<Vec<_>>());
    is_gone(&scene, &tickets[0].id()).await;

    let look = ["audit", "--dry-run", "--json"];
    let said = until(&desk, &look, |output| output.text.contains("\"commits_behind\":2"));
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    // To look changes nothing.
    let said: Value = serde_json::from_str(ends(&desk, &look, 3).lines().next().unwrap()).unwrap();
    assert_eq!((&said["commits_behind"], &said["republished"]), (&Value::from(2), &Value::from(0)));
    assert_eq!(said["consumers"].as_array().map(Vec::len), Some(3));

    let said = until(&desk, &["audit"], |output| !output.text.contains(" 0 were published again, 0 streams"));
    assert!(said.text.contains("2 commits are behind") && said.text.contains("2 were published again"), "{said:?}");
    until(&desk, &look, |output| output.status.code() == Some(0));
    for ticket in &tickets {
        scene.admin.see(ticket, &format!("/tickets/{}", ticket.id())).await;
        let history = scene.admin.see(ticket, &format!("/tickets/{}/history", ticket.id())).await;
        assert_eq!(history.rows().len(), 1, "{history}");
    }
    ends(&desk, &["audit"], 0);
}

#[tokio::test]
async fn nobody_waits_on_a_fresh_desk() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    scene.employee().await;
    let waiting = |rows: &Value, consumer: &str| {
        let rows = rows["consumers"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["consumer"] == consumer).map(|row| row["waiting"].clone())
    };
    let parsed =
        |text: &str| serde_json::from_str::<Value>(text.lines().next().unwrap_or_default()).unwrap_or_default();
    // What is not for a consumer never waited for it, wherever its cursor stands.
    let said = parsed(&ends(&desk, &["audit", "--json"], 0));
    assert_eq!(waiting(&said, "projector-ticket"), Some(0.into()), "{said}");
    until(&desk, &["audit", "--json"], |output| {
        let said = parsed(&output.text);
        ["projector-directory", "projector-history"].iter().all(|name| waiting(&said, name) == Some(0.into()))
    });
    let told = scene.admin.get("/admin/audit").await.is(200);
    for consumer in ["projector-ticket", "projector-directory", "projector-history"] {
        assert_eq!(waiting(&told.body, consumer), Some(0.into()), "{told}");
    }
    let told = scene.admin.get("/admin/projections").await.is(200);
    assert!(told.rows().iter().all(|row| row["state"] == "idle" && row["events_behind"] == 0), "{told}");
}
