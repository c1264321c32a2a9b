//! Every policy engine behind a server: what the role table says holds for each, and each can say otherwise.

use std::path::{Path, PathBuf};

use eventdesk_tests::{Desk, Host, Oidc, Opa, Scene};
use serde_json::json;

use crate::{Independent, guards, roles};

/// The suite. Each test starts what it needs.
pub(crate) fn tests() -> Vec<Independent> {
    vec![
        ("the_matrix_of_a_file_holds_the_role_table", || Box::pin(the_matrix_of_a_file_holds_the_role_table())),
        ("rego_holds_the_role_table", || Box::pin(rego_holds_the_role_table())),
        ("opa_holds_the_role_table", || Box::pin(opa_holds_the_role_table())),
        ("each_engine_can_say_otherwise", || Box::pin(each_engine_can_say_otherwise())),
        ("a_dead_engine_closes_every_door_it_guards", || Box::pin(a_dead_engine_closes_every_door_it_guards())),
    ]
}

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").join(path)
}

async fn holds_the_role_table(settings: &[(&str, &str)]) {
    let elsewhere = Oidc::settings_if_here();
    let elsewhere = elsewhere.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let settings: Vec<_> = elsewhere.chain(settings.iter().copied()).collect();
    let host = Host::Embedded(Desk::start_with(&settings));
    for (_, test) in roles::tests().into_iter().chain(guards::tests()) {
        test(&host).await;
    }
    host.end().await;
}

async fn the_matrix_of_a_file_holds_the_role_table() {
    let file = project("shared/eventdesk-app/src/access.toml");
    holds_the_role_table(&[("EVENTDESK_POLICY_FILE", &file.to_string_lossy())]).await;
}

async fn rego_holds_the_role_table() {
    let file = project("shared/eventdesk-policy/policies/access.rego");
    let file = file.to_string_lossy();
    holds_the_role_table(&[("EVENTDESK_POLICY_ENGINE", "rego"), ("EVENTDESK_POLICY_FILE", &file)]).await;
}

async fn opa_holds_the_role_table() {
    let url = Opa::started().decision("eventdesk/authz");
    holds_the_role_table(&[("EVENTDESK_POLICY_ENGINE", "opa"), ("EVENTDESK_POLICY_URL", &url)]).await;
}

/// Support may read users and delete no tickets; nothing else is as it was, either: managers may nothing.
const OTHERWISE: &str = r#"
default allow := false
allow if "admin" in input.principal.roles
allow if { "support" in input.principal.roles; input.route == "/api/v1/users"; input.method == "GET" }
allow if { "support" in input.principal.roles; startswith(input.route, "/api/v1/tickets"); input.method != "DELETE" }
"#;

async fn each_engine_can_say_otherwise() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        path.to_string_lossy().into_owned()
    };
    let matrix = std::fs::read_to_string(project("shared/eventdesk-app/src/access.toml")).expect("the default matrix");
    let matrix = matrix
        .replace(r#""users.read" = ["admin", "manager"]"#, r#""users.read" = ["admin", "support"]"#)
        .replace(r#""tickets.delete" = ["admin", "manager", "support"]"#, r#""tickets.delete" = ["admin"]"#);
    let matrix = written("access.toml", &matrix);
    let rego = written("own.rego", &format!("package own.rules\n{OTHERWISE}"));
    let url = Opa::started().add("otherwise", OTHERWISE).await;
    for settings in [
        vec![("EVENTDESK_POLICY_FILE", matrix.as_str())],
        vec![("EVENTDESK_POLICY_ENGINE", "rego"), ("EVENTDESK_POLICY_FILE", &rego)],
        vec![("EVENTDESK_POLICY_ENGINE", "opa"), ("EVENTDESK_POLICY_URL", &url)],
    ] {
        let desk = Desk::start_with(&settings);
        let scene = Scene::on(&desk).await;
        let ticket = scene.ticket(&scene.employee().await).await;
        let (_, support) = scene.staff(&["support"]).await;
        let (_, manager) = scene.staff(&["manager"]).await;
        support.get("/users").await.is(200);
        manager.get("/users").await.problem(403);
        let place = format!("/tickets/{}", ticket.id());
        support.patch(&place, json!({ "priority": "high" })).await.is(200);
        support.delete(&place).await.problem(403);
        scene.admin.delete(&place).await.is(204);
    }
}

async fn a_dead_engine_closes_every_door_it_guards() {
    // Nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let url = format!("http://{gone}/v1/data/eventdesk/authz/allow");
    let desk = Desk::start_with(&[("EVENTDESK_POLICY_ENGINE", "opa"), ("EVENTDESK_POLICY_URL", &url)]);
    let admin = desk.admin().await;
    for (method, path) in [("GET", "/tickets"), ("POST", "/users"), ("GET", "/admin/routes")] {
        let answer = admin.request(method, path, None).await.problem(503);
        assert!(answer.header("retry-after").is_some(), "{answer}");
    }
    admin.get("/me").await.is(200);
    desk.visitor().get("/health").await.is(200);
    desk.visitor().get("/tickets").await.problem(401);
}
