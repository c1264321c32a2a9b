//! `eventdesk users`, `eventdesk clients`, `eventdesk keys`.

use std::time::{Duration, Instant};

use eventdesk_tests::{ADMIN, Caller, Desk, PASSWORD, Scene};
use serde_json::{Value, json};

use super::{ends, until};

fn after<'t>(text: &'t str, words: &str) -> &'t str {
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
    rest.split_whitespace().next().expect("something follows")
}

async fn token(desk: &Desk, username: &str, password: &str) -> u16 {
    let fields = [("grant_type", "password"), ("username", username), ("password", password)];
    desk.visitor().form("/token", &fields).await.is_one_of(&[200, 400]).status
}

/// What another process has appended counts in the running server within a tenth of a second.
async fn comes_to(caller: &Caller, path: &str, status: u16) {
    let start = Instant::now();
    while caller.get(path).await.status != status {
        assert!(start.elapsed() < Duration::from_secs(10), "{path} is not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_admin_password_is_set_beside_the_running_server() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let said = ends(&desk, &["users", "set-password", ADMIN], 0);
    let password = after(&said, "The password is ").to_owned();
    assert_eq!(token(&desk, ADMIN, PASSWORD).await, 400);
    let admin = desk.login_as(ADMIN, &password).await;
    let id = admin.get("/me").await.is(200).id();
    let history = admin.get(&format!("/users/{id}/history")).await.is(200);
    assert_eq!(history.rows().last().unwrap()["type"], "user.password_changed", "{history}");
    assert_eq!(history.rows().last().unwrap()["actor"]["kind"], "system", "{history}");
    drop(scene);
    ends(&desk, &["users", "set-password", "nobodyatall"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_changed_and_deleted_beside_the_running_server() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let create = [
        "users",
        "create",
        "Grace",
        "--first-name",
        "Grace",
        "--last-name",
        "Hopper",
        "--email",
        "grace@desk.example",
        "--phone",
        "+12025550177",
        "--roles",
        "support,manager",
    ];
    let said = ends(&desk, &create, 0);
    let (id, password) = (said.split(' ').next().unwrap().to_owned(), after(&said, "The password is ").to_owned());
    assert!(said.contains("Grace manager,support"), "{said}");
    let grace = desk.login_as("grace", &password).await;
    assert_eq!(grace.get("/me").await.is(200).id(), id);
    grace.get("/users").await.is(200);
    let again = ends(&desk, &create, 1);
    assert!(again.contains("username"), "{again}");

    ends(&desk, &["users", "set-roles", "grace", "support"], 0);
    comes_to(&grace, "/users", 403).await;
    ends(&desk, &["users", "disable", &id], 0);
    comes_to(&grace, "/tickets", 403).await;
    ends(&desk, &["users", "enable", "grace"], 0);
    comes_to(&grace, "/tickets", 200).await;
    ends(&desk, &["users", "deny-login", "grace"], 0);
    assert_eq!(token(&desk, "grace", &password).await, 400);
    ends(&desk, &["users", "allow-login", "grace"], 0);
    assert_eq!(token(&desk, "grace", &password).await, 200);
    let last = ends(&desk, &["users", "disable", ADMIN], 1);
    assert!(last.contains("last active admin"), "{last}");

    let listed = ends(&desk, &["users", "list", "--json"], 0);
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(listed.iter().any(|user| user["username"] == ADMIN && user["roles"] == json!(["admin"])), "{listed:?}");
    // The list is a read model, which follows what other processes append within a second.
    until(&desk, &["users", "list"], |output| output.text.contains("Grace support"));
    ends(&desk, &["users", "delete", "grace"], 0);
    grace.get("/me").await.problem(401);
    let history = scene.admin.get(&format!("/users/{id}/history?limit=3")).await.is(200);
    assert_eq!(history.rows().len(), 3, "{history}");
    let mut types = history.column("type");
    let mut cursor = history.next_cursor();
    while let Some(next) = cursor {
        let page = scene.admin.get(&format!("/users/{id}/history?limit=3&cursor={next}")).await.is(200);
        types.extend(page.column("type"));
        cursor = page.next_cursor();
    }
    let expected = [
        "user.registered",
        "user.roles_changed",
        "user.disabled",
        "user.enabled",
        "user.login_denied",
        "user.login_allowed",
        "user.deleted",
    ];
    assert_eq!(types, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_accounts_are_managed_beside_the_running_server() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let said = ends(&desk, &["clients", "create", "Robot", "--roles", "support", "--scopes", "tickets:read"], 0);
    let (id, secret) = (said.split(' ').next().unwrap().to_owned(), after(&said, "The secret is ").to_owned());
    let grant = async |secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", &*id), ("client_secret", secret)];
        desk.visitor().form("/token", &fields).await.is_one_of(&[200, 401])
    };
    let granted = grant(&secret).await.is(200);
    assert_eq!(granted.str("scope"), "tickets:read");
    assert!(ends(&desk, &["clients", "list"], 0).contains(&id));
    let said = ends(&desk, &["clients", "rotate-secret", &id], 0);
    grant(&secret).await.is(401);
    grant(after(&said, "The secret is ")).await.is(200);
    let robot = desk.visitor().bearing(&granted.str("access_token"));
    robot.get("/tickets").await.is(200);
    ends(&desk, &["clients", "delete", &id], 0);
    // The server asks once a second what others have revoked.
    for _ in 0..100 {
        if robot.get("/me").await.status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    robot.get("/tickets").await.problem(401);
    ends(&desk, &["clients", "delete", &id], 1);
    let history = scene.admin.get(&format!("/clients/{id}/history")).await.is(200);
    assert_eq!(history.column("type"), ["client.created", "client.secret_rotated", "client.deleted"], "{history}");
    ends(&desk, &["clients", "create", "Robot", "--scopes", "openid"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_published_by_the_running_server_before_it_signs() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let kids = async || {
        let set = desk.visitor().get("/.well-known/jwks.json").await.is(200);
        set.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let before: Vec<String> = kids().await;
    assert_eq!(before.len(), 1);
    let made = ends(&desk, &["keys", "rotate"], 0);
    let new = made.split(' ').next().unwrap().to_owned();
    assert!(made.contains("published, signs from"), "{made}");
    let listed = ends(&desk, &["keys", "list"], 0);
    assert!(listed.starts_with(&new) && listed.contains(&format!("{} made", before[0])), "{listed}");
    assert!(listed.lines().nth(1).unwrap().contains("signing, until"), "{listed}");
    let mut now: Vec<String> = Vec::new();
    for _ in 0..300 {
        now = kids().await;
        if now.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(now, [new, before[0].clone()], "within a few seconds");
    let fresh = desk.admin().await;
    let header = fresh.bearer.clone().unwrap();
    let header = header.split('.').next().unwrap().to_owned();
    let old = scene.admin.bearer.clone().unwrap();
    assert_eq!(Some(&*header), old.split('.').next(), "the old key still signs");
    scene.admin.get("/me").await.is(200);
}
