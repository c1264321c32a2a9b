//! Some of everything that a desk keeps.

use serde_json::json;

use crate::Scene;

/// Fills a desk: an employee with so many tickets, each talked on, edited, and assigned or solved; a member of support
/// who can log in; and an employee who was deleted.
pub async fn furnish(scene: &Scene, tickets: usize) {
    let employee = scene.employee().await;
    let (agent, _) = scene.staff(&["support"]).await;
    for number in 0..tickets {
        let ticket = scene.ticket_with(&employee, json!({ "tags": ["vpn"], "priority": "urgent" })).await;
        let path = format!("/tickets/{}", ticket.id());
        scene.admin.post(&format!("{path}/messages"), json!({ "body": format!("word {number}") })).await.is(201);
        scene.admin.patch(&path, json!({ "title": format!("title {number}") })).await.is(200);
        if number % 2 == 0 {
            scene.admin.put(&format!("{path}/assignee"), json!({ "user_id": agent })).await.is(200);
        } else {
            scene.admin.put(&format!("{path}/status"), json!({ "status": "solved" })).await.is(200);
        }
    }
    let gone = scene.employee().await;
    scene.admin.delete(&format!("/employees/{gone}")).await.is(204);
}
