//! The functions behind API Gateway's own authorizer, with the people of an issuer that is not the desk's.

use eventdesk_tests::{ADMIN, Caller, Host, Issuer, Lambdas, PASSWORD, samples};
use serde_json::json;

use crate::Independent;

pub(crate) fn tests() -> Vec<Independent> {
    vec![(
        "people_of_another_issuer_work_by_their_groups",
        || Box::pin(people_of_another_issuer_work_by_their_groups()),
    )]
}

const ROLES: &str = "internal/desk/admins=admin,internal/desk/managers=manager,internal/desk/agents=support";
const SCOPES: &str = "openid tickets:read tickets:write messages:read messages:write directory:read directory:write";

async fn people_of_another_issuer_work_by_their_groups() {
    let issuer = Issuer::new();
    let desk = Host::Lambda(Lambdas::start_for(&issuer, ROLES).await);
    let with =
        |subject: &str, groups: &[&str], scopes: &str| desk.visitor().bearing(&issuer.token(subject, groups, scopes));
    let manager = with("00u-manager", &["everyone", "internal/desk/managers"], SCOPES);

    only_good_tokens_pass(&desk, &issuer, &manager).await;
    claims_make_a_caller(&manager, &with("00u-nobody", &["everyone", "Internal/Desk/Admins"], SCOPES)).await;

    // An agent is given the ticket by the id that the desk itself knows staff by.
    let admin = with("00u-admin", &["internal/desk/admins"], SCOPES);
    let agent_record = admin.post("/users", samples::user(&["support"])).await.is(201);
    manager.post("/users", samples::user(&["support"])).await.problem(403);

    // An employee is registered, read and replaced.
    let registered = manager.post("/employees", samples::employee()).await.is(201);
    let employee_path = format!("/employees/{}", registered.id());
    manager.see(&registered, &employee_path).await;
    let wolf = samples::merged(samples::employee(), json!({ "last_name": "Wolf" }));
    let replaced = manager.put(&employee_path, wolf).await.is(200);
    assert_eq!(manager.see(&replaced, &employee_path).await.str("last_name"), "Wolf");

    // A ticket for them, which is the manager's own work.
    let ticket = manager.post("/tickets", samples::ticket(&registered.id())).await.is(201);
    let path = format!("/tickets/{}", ticket.id());
    let mine = manager.see(&ticket, "/tickets?opened_by=me").await;
    assert_eq!(mine.column("id"), [ticket.id()], "{mine}");
    assert!(admin.see(&ticket, "/tickets?opened_by=me").await.rows().is_empty(), "the same claim is the same person");
    let assigned = manager.put(&format!("{path}/assignee"), json!({ "user_id": agent_record.id() })).await.is(200);
    assert_eq!(manager.see(&assigned, &path).await.str("status"), "open");

    // Words of an agent without a record.
    let agent = with("00u-agent", &["internal/desk/agents"], SCOPES);
    let word = json!({ "visibility": "public", "body": "We are on it." });
    let said = agent.post(&format!("{path}/messages"), word).await.is(201);
    assert_eq!(said.body["author"]["id"], agent.get("/me").await.is(200).body["id"], "{said}");
    assert_eq!(
        agent.see(&said, &format!("/messages?author=me&ticket={}", ticket.id())).await.column("id"),
        [said.id()]
    );
    agent.put(&employee_path, samples::employee()).await.problem(403);
    for status in ["solved", "closed"] {
        agent.put(&format!("{path}/status"), json!({ "status": status })).await.is(200);
    }

    // Everything goes again.
    let gone = manager.delete(&path).await.is(204);
    manager.look(&gone, &path).await.problem(404);
    let gone = manager.delete(&employee_path).await.is(204);
    manager.look(&gone, &employee_path).await.problem(404);
    desk.end().await;
}

/// What the service refuses by itself: in two words, and no function is asked.
async fn only_good_tokens_pass(desk: &Host, issuer: &Issuer, good: &Caller) {
    good.get("/tickets").await.is(200);
    let claims = json!({ "iss": Issuer::URL, "aud": [Issuer::AUDIENCE], "sub": "00u", "exp": 4_102_444_800_u64, "scope": SCOPES });
    good.bearing(&issuer.signed(&claims)).get("/me").await.is(200);
    for wrong in [
        json!({ "iss": "https://other.example" }),
        json!({ "aud": ["api://another"] }),
        json!({ "exp": 1_000_000_000 }),
        json!({ "nbf": 4_102_444_000_u64 }),
    ] {
        let token = issuer.signed(&samples::merged(claims.clone(), wrong));
        let answer = good.bearing(&token).get("/me").await.is(401);
        assert_eq!(answer.body["message"], "Unauthorized", "{answer}");
    }
    let foreign = Issuer::new().token("00u-manager", &["internal/desk/admins"], SCOPES);
    for caller in [desk.visitor(), good.bearing(&foreign), good.bearing("garbled")] {
        assert_eq!(caller.get("/tickets").await.is(401).body["message"], "Unauthorized");
    }
    // Any one of a route's scopes opens it, and the service looks at them itself.
    let reader = good.bearing(&issuer.token("00u-reader", &["internal/desk/agents"], "tickets:read"));
    reader.get("/tickets").await.is(200);
    let refused = reader.post("/tickets", json!({})).await.is(403);
    assert_eq!(refused.body["message"], "Forbidden", "{refused}");
    // What is public is so here, too. Whatever the desk's own issuer may say, nobody listens to it.
    desk.visitor().get("/health").await.is(200);
    desk.visitor().get("/nothing").await.problem(404);
    let login = [("grant_type", "password"), ("username", ADMIN), ("password", PASSWORD)];
    let login = desk.visitor().form("/token", &login).await;
    if let Some(token) = login.body["access_token"].as_str() {
        good.bearing(token).get("/me").await.is(401);
    }
}

async fn claims_make_a_caller(manager: &Caller, nobody: &Caller) {
    let me = manager.get("/me").await.is(200);
    assert_eq!(me.body["roles"], json!(["manager"]), "{me}");
    assert_eq!(me.body["claims"]["sub"], "00u-manager", "{me}");
    assert_eq!(me.body["user"]["roles"], json!(["manager"]), "who comes for the first time gets a record: {me}");
    let whoami = manager.get("/whoami").await.is(200);
    assert_eq!(whoami.body["groups"], "[everyone internal/desk/managers]", "{whoami}");
    assert_eq!(whoami.body["email_verified"], "true", "{whoami}");
    let status = manager.get("/status").await.is(200);
    assert_eq!(status.body["status"], "active", "{status}");
    assert!(status.str("token_expires_at").ends_with('Z'), "{status}");

    // Groups are matched exactly; without a role there is the authentication section, and no more.
    let me = nobody.get("/me").await.is(200);
    assert_eq!(me.body["roles"], json!([]), "{me}");
    nobody.get("/tickets").await.problem(403);
    nobody.post("/employees", samples::employee()).await.problem(403);
}
