//! Scopes at the gateway: any one of a route's opens it, none of the others does.

use eventdesk_tests::{ADMIN, Caller, Host, PASSWORD};
use serde_json::{Value, json};

tests! {
    each_route_opens_to_each_of_its_scopes_and_to_no_other,
    a_token_gets_no_scope_beyond_its_roles,
}

const SCOPES: [&str; 8] = [
    "tickets:read",
    "tickets:write",
    "messages:read",
    "messages:write",
    "directory:read",
    "directory:write",
    "events:read",
    "admin",
];
/// An id that nothing has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Every route that asks for scopes, from the API's own description: method, a path to nothing, the scopes.
async fn routes(desk: &Host) -> Vec<(String, String, Vec<String>)> {
    let document = desk.visitor().get("/openapi.json").await.is(200).body;
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("an OpenAPI document has paths") {
        for (method, operation) in operations.as_object().expect("a path has operations") {
            let bearer =
                operation["security"].as_array().into_iter().flatten().find_map(|one| one["bearer"].as_array());
            let scopes: Vec<_> = bearer.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            if !scopes.is_empty() {
                let parts = path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part });
                routes.push((method.to_uppercase(), parts.collect::<Vec<_>>().join("/"), scopes));
            }
        }
    }
    assert!(routes.len() > 25, "{routes:?}");
    routes
}

async fn admin_with(desk: &Host, scope: &str) -> Caller {
    let fields = [("grant_type", "password"), ("username", ADMIN), ("password", PASSWORD), ("scope", scope)];
    let granted = desk.visitor().form("/token", &fields).await.is(200);
    assert_eq!(granted.str("scope"), scope, "{granted}");
    desk.visitor().bearing(&granted.str("access_token"))
}

async fn each_route_opens_to_each_of_its_scopes_and_to_no_other(desk: &Host) {
    let routes = routes(desk).await;
    let mut wrong = Vec::new();
    for scope in SCOPES {
        let caller = admin_with(desk, scope).await;
        for (method, path, scopes) in &routes {
            // Nothing that could be done: whoever gets through finds no such record, or is told what is missing.
            let body = matches!(method.as_str(), "POST" | "PUT" | "PATCH").then(|| json!({}));
            let answer = caller.request(method, path, body).await;
            let refused = answer.body["code"] == "insufficient-scope";
            if refused == scopes.iter().any(|one| one == scope) {
                wrong.push(format!("{method} {path}, which wants {scopes:?}, by {scope}: {answer}"));
            }
            if refused {
                let challenge = answer.header("www-authenticate").unwrap_or_default();
                assert!(
                    challenge.starts_with("Bearer ") && challenge.contains(r#"error="insufficient_scope""#),
                    "{answer}"
                );
                assert!(challenge.contains(&format!("scope=\"{}\"", scopes.join(" "))), "{answer}");
                assert_eq!(answer.body["message"], "Forbidden", "{answer}");
                answer.problem(403);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} routes differ:\n{}", wrong.len(), routes.len(), wrong.join("\n\n"));
}

async fn a_token_gets_no_scope_beyond_its_roles(desk: &Host) {
    let scene = eventdesk_tests::Scene::on(desk).await;
    let user = scene.user(&["support"]).await;
    let name = user.str("username");
    let everything = SCOPES.join(" ");
    let fields = [("grant_type", "password"), ("username", &name), ("password", PASSWORD), ("scope", &everything)];
    let granted = desk.visitor().form("/token", &fields).await.is(200);
    let scopes = granted.str("scope");
    let scopes: Vec<_> = scopes.split(' ').collect();
    assert!(scopes.contains(&"tickets:write"), "{granted}");
    for beyond in ["admin", "directory:write", "events:read"] {
        assert!(!scopes.contains(&beyond), "{granted}");
    }
    let only = [("grant_type", "password"), ("username", &name), ("password", PASSWORD), ("scope", "admin")];
    desk.visitor().form("/token", &only).await.is(400);
}
