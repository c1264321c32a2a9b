//! The reference ticket system's own test story, step by step, with its sample records.

use eventdesk_tests::{ADMIN, Host};
use serde_json::json;

tests! {
    a_manager_serves_one_ticket_from_hiring_to_leaving,
    deleting_people_leaves_their_name_on_the_ticket,
}

async fn a_manager_serves_one_ticket_from_hiring_to_leaving(desk: &Host) {
    // 1. The administrator logs in.
    let admin = desk.login(ADMIN).await;
    let me = admin.get("/me").await.is(200);
    assert!(me.mentions(ADMIN), "{me}");

    // 2. A wrong token opens nothing.
    let wrong = admin.bearing("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.wrong").get("/me").await.problem(401);
    assert!(wrong.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")), "{wrong}");

    // 3. The administrator creates a manager.
    let user = json!({
        "username": "IAmManager",
        "password": "passWord@2",
        "first_name": "Jones",
        "last_name": "Smith",
        "phone": "+380501234567",
        "email": "manager@example.com",
        "roles": ["manager"],
        "disabled": false,
        "login_denied": false,
    });
    let user = admin.post("/users", user).await.is(201);
    assert!(!user.text.contains("passWord@2"), "a password never leaves: {user}");
    let user_path = format!("/users/{}", user.id());
    assert!(user.header("location").is_some_and(|place| place.ends_with(&user_path)), "{user}");

    // 4. to 6. The manager logs in and reads who and how they are.
    let manager = desk.login_as("IAmManager", "passWord@2").await;
    let me = manager.get("/me").await.is(200);
    assert!(me.mentions("IAmManager"), "{me}");
    assert_eq!(me.body["roles"], json!(["manager"]), "{me}");
    let status = manager.get("/status").await.is(200);
    assert_eq!(status.body["status"], "active", "{status}");

    // 7. to 9. An employee is registered, read and replaced.
    let employee = json!({
        "first_name": "Marry",
        "last_name": "Fox",
        "nick_name": "Bravo",
        "phone": "+380507654321",
        "email": "marry.fox@example.com",
        "birthday": "1998-06-01",
        "country": "Ukraine",
        "city": "Kyiv",
        "address": "Kyiv, Khreshchatyk street 22",
    });
    let registered = manager.post("/employees", employee.clone()).await.is(201);
    let employee_id = registered.id();
    let employee_path = format!("/employees/{employee_id}");
    let read = manager.see(&registered, &employee_path).await;
    for (member, value) in employee.as_object().expect("an object") {
        assert_eq!(&read.body[member], value, "{member}: {read}");
    }
    let mut update = employee;
    update["last_name"] = json!("Wolf");
    update["email"] = json!("marry.wolf@example.com");
    let replaced = manager.put(&employee_path, update).await.is(200);
    assert_eq!(replaced.version(), 2, "{replaced}");
    let read = manager.see(&replaced, &employee_path).await;
    assert_eq!((read.str("last_name"), read.str("email")), ("Wolf".into(), "marry.wolf@example.com".into()));

    // 10. and 11. The manager opens a ticket for the employee and reads it.
    let ticket = json!({
        "title": "Network problem",
        "description": "The employee cannot access network resources.",
        "employee_id": employee_id,
    });
    let ticket = manager.post("/tickets", ticket).await.is(201);
    assert_eq!(ticket.str("status"), "new", "{ticket}");
    let ticket_path = format!("/tickets/{}", ticket.id());
    let read = manager.see(&ticket, &ticket_path).await;
    assert_eq!(read.str("title"), "Network problem");
    assert_eq!(read.body["requester"], json!({ "employee_id": employee_id, "name": "Marry Wolf" }), "{read}");

    // 12. and 13. The employee shows the ticket; "mine" is just that one.
    assert_eq!(manager.see(&ticket, &employee_path).await.body["open_tickets"], 1);
    let theirs = manager.see(&ticket, &format!("/tickets?requester={employee_id}")).await;
    assert_eq!(theirs.column("id"), [ticket.id()]);
    let mine = manager.see(&ticket, "/tickets?opened_by=me").await;
    assert_eq!(mine.column("id"), [ticket.id()]);

    // 14. to 16. The ticket goes, for itself and for the employee.
    let deleted = manager.delete(&ticket_path).await.is(204);
    manager.look(&deleted, &ticket_path).await.problem(404);
    assert_eq!(manager.see(&deleted, &employee_path).await.body["open_tickets"], 0);
    assert!(manager.see(&deleted, "/tickets?opened_by=me").await.rows().is_empty());

    // 17. and 18. The employee goes.
    let deleted = manager.delete(&employee_path).await.is(204);
    manager.look(&deleted, &employee_path).await.problem(404);

    // 19. and 20. The administrator lets the manager go.
    let deleted = admin.delete(&user_path).await.is(204);
    admin.look(&deleted, &user_path).await.problem(404);

    // 21. The token of the deleted user is worth nothing.
    let gone = manager.get("/me").await.problem(401);
    assert!(gone.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")), "{gone}");
    let login = [("grant_type", "password"), ("username", "IAmManager"), ("password", "passWord@2")];
    desk.visitor().form("/token", &login).await.is(400);
}

async fn deleting_people_leaves_their_name_on_the_ticket(desk: &Host) {
    let scene = eventdesk_tests::Scene::on(desk).await;
    let employee_id = scene.employee().await;
    let user = scene.user(&["support"]).await;
    let ticket = scene.ticket_with(&employee_id, json!({ "assignee_id": user.id() })).await;
    let path = format!("/tickets/{}", ticket.id());

    let employee_gone = scene.admin.delete(&format!("/employees/{employee_id}")).await.is(204);
    let user_gone = scene.admin.delete(&format!("/users/{}", user.id())).await.is(204);

    let both = scene.admin.after(&employee_gone);
    let read = both.see(&user_gone, &path).await;
    assert_eq!(read.body["requester"]["name"], "Marry Fox", "{read}");
    assert_eq!(read.body["assignee"]["name"], "Jones Smith", "{read}");
    assert_eq!(read.str("title"), "Network problem", "{read}");
}
