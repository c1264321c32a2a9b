//! Service accounts, and what they may ask of tokens.

use std::cell::OnceCell;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventdesk_tests::{Answer, Caller, Host, Kind, PASSWORD, Scene, samples};
use serde_json::{Value, json};

use crate::patience::until;

tests! {
    a_service_account_logs_in_with_a_secret_shown_once,
    a_service_accounts_token_has_what_it_was_given_and_no_more,
    wrong_client_credentials_are_refused_as_oauth_says,
    a_rotated_secret_is_worth_nothing_and_tokens_live_on,
    a_deleted_account_loses_its_tokens_at_once,
    accounts_are_listed_in_pages,
    fields_of_a_new_account_are_checked,
    a_token_is_inspected_by_service_accounts_alone,
    a_revoked_token_opens_nothing,
    a_service_accounts_token_is_revoked_by_that_account_alone,
}

struct Account {
    id: String,
    secret: String,
}

async fn account(scene: &Scene, body: Value) -> Account {
    let made = scene.admin.post("/clients", body).await.is(201);
    Account { id: made.id(), secret: made.str("client_secret") }
}

async fn support(scene: &Scene) -> Account {
    account(scene, json!({ "name": samples::name("robot"), "roles": ["support"] })).await
}

fn basic(scene: &Scene, account: &Account) -> Caller {
    let pair = STANDARD.encode(format!("{}:{}", account.id, account.secret));
    scene.visitor.with("Authorization", &format!("Basic {pair}"))
}

async fn grant(scene: &Scene, account: &Account) -> Answer {
    basic(scene, account).form("/token", &[("grant_type", "client_credentials")]).await
}

async fn logged_in(scene: &Scene, account: &Account) -> Caller {
    scene.visitor.bearing(&grant(scene, account).await.is(200).str("access_token"))
}

/// The token is worth nothing: at once where one process answers, elsewhere within a second, for each process learns of it
/// by itself, and any may answer.
pub(crate) async fn ended(desk: &Host, caller: &Caller) {
    for path in ["/me", "/tickets"] {
        let refused = OnceCell::new();
        if desk.kind() == Kind::Lambda {
            until("the token ends", async || {
                let answer = caller.get(path).await.is_one_of(&[200, 401]);
                answer.status == 401 && refused.set(answer).is_ok()
            })
            .await;
        }
        let answer = match refused.into_inner() {
            Some(answer) => answer.problem(401),
            None => caller.get(path).await.problem(401),
        };
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("invalid_token"), "{answer}");
    }
}

async fn inspected(scene: &Scene, asker: &Account, token: &str) -> Answer {
    basic(scene, asker).form("/token/introspect", &[("token", token)]).await.is(200)
}

fn worthless(answer: &Answer) {
    assert_eq!(answer.body, json!({ "active": false }), "{answer}");
}

async fn a_service_account_logs_in_with_a_secret_shown_once(desk: &Host) {
    let scene = Scene::on(desk).await;
    let made = scene.admin.post("/clients", json!({ "name": "Reporting", "roles": ["support"] })).await.is(201);
    let (id, secret) = (made.id(), made.str("client_secret"));
    assert!(secret.len() >= 43, "{made}");
    assert!(made.header("location").is_some_and(|place| place.ends_with(&format!("/api/v1/clients/{id}"))), "{made}");
    assert!(made.header("cache-control").is_some_and(|text| text.contains("no-store")), "{made}");
    for path in [format!("/clients/{id}"), "/clients".to_owned(), format!("/clients/{id}/history")] {
        let shown = scene.admin.get(&path).await.is(200);
        assert!(!shown.text.contains(&secret) && !shown.text.contains("client_secret"), "{shown}");
    }
    let account = Account { id: id.clone(), secret: secret.clone() };
    let by_header = grant(&scene, &account).await.is(200);
    assert!(by_header.body["refresh_token"].is_null(), "{by_header}");
    let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", &secret)];
    let by_form = scene.visitor.form("/token", &fields).await.is(200);
    for granted in [by_header, by_form] {
        let caller = scene.visitor.bearing(&granted.str("access_token"));
        let me = caller.get("/me").await.is(200);
        assert_eq!(
            (me.id(), me.str("kind"), &me.body["roles"]),
            (id.clone(), "service".to_owned(), &json!(["support"]))
        );
        assert!(me.body["user"].is_null(), "{me}");
        let ticket = caller.post("/tickets", samples::ticket(&scene.employee().await)).await.is(201);
        let history = scene.admin.see(&ticket, &format!("/tickets/{}/history", ticket.id())).await;
        let actor = &history.rows()[0]["actor"];
        assert_eq!((&actor["id"], &actor["kind"]), (&json!(id), &json!("service")), "{history}");
        let own = json!({ "current_password": PASSWORD, "new_password": "otherWord@2" });
        caller.put("/me/password", own).await.problem(403);
    }
}

async fn a_service_accounts_token_has_what_it_was_given_and_no_more(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = json!({ "name": "Reader", "roles": ["support"], "scopes": ["tickets:read", "messages:read", "admin"] });
    let reader = account(&scene, body).await;
    let all = grant(&scene, &reader).await.is(200);
    assert_eq!(all.str("scope"), "tickets:read messages:read", "{all}");
    let caller = scene.visitor.bearing(&all.str("access_token"));
    caller.get("/tickets").await.is(200);
    caller.get("/employees").await.problem(403);
    caller.get("/clients").await.problem(403);
    caller.post("/tickets", samples::ticket(&scene.employee().await)).await.problem(403);
    let ask = async |scope: &str| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        basic(&scene, &reader).form("/token", &fields).await
    };
    assert_eq!(ask("tickets:read tickets:write directory:read").await.is(200).str("scope"), "tickets:read");
    for beyond in ["tickets:write", "admin", "openid"] {
        assert_eq!(ask(beyond).await.is(400).body["error"], "invalid_scope", "{beyond}");
    }
    let nobody = account(&scene, json!({ "name": "Nobody", "roles": [] })).await;
    logged_in(&scene, &nobody).await.get("/tickets").await.problem(403);
}

async fn wrong_client_credentials_are_refused_as_oauth_says(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (account, other) = (support(&scene).await, support(&scene).await);
    let wrong = |id: &str, secret: &str| Account { id: id.to_owned(), secret: secret.to_owned() };
    for account in [
        wrong(&account.id, "wrong"),
        wrong(&account.id, &other.secret),
        wrong(&other.id, &account.secret),
        wrong("00000000-0000-7000-8000-000000000000", &account.secret),
        wrong("nobody", "nothing"),
    ] {
        let refused = grant(&scene, &account).await.is(401);
        assert_eq!(refused.body["error"], "invalid_client", "{refused}");
        assert!(refused.header("www-authenticate").is_some_and(|text| text.starts_with("Basic")), "{refused}");
    }
    let credentials = [("grant_type", "client_credentials")];
    assert_eq!(scene.visitor.form("/token", &credentials).await.is(401).body["error"], "invalid_client");
    let twice = [("grant_type", "client_credentials"), ("client_secret", &*account.secret)];
    assert_eq!(basic(&scene, &account).form("/token", &twice).await.is(400).body["error"], "invalid_request");
    let admin = [("grant_type", "password"), ("username", "admin"), ("password", PASSWORD)];
    let mixed = basic(&scene, &account).form("/token", &admin).await.is(400);
    assert_eq!(mixed.body["error"], "unauthorized_client", "{mixed}");
    // A secret is no password, and no token.
    let as_user = [("grant_type", "password"), ("username", &*account.id), ("password", &*account.secret)];
    scene.visitor.form("/token", &as_user).await.is(400);
    scene.visitor.bearing(&account.secret).get("/me").await.problem(401);
}

async fn a_rotated_secret_is_worth_nothing_and_tokens_live_on(desk: &Host) {
    let scene = Scene::on(desk).await;
    let old = support(&scene).await;
    let caller = logged_in(&scene, &old).await;
    let path = format!("/clients/{}/rotate-secret", old.id);
    let rotated = scene.admin.request("POST", &path, None).await.is(200);
    let new = Account { id: rotated.id(), secret: rotated.str("client_secret") };
    assert_ne!(new.secret, old.secret);
    grant(&scene, &old).await.is(401);
    grant(&scene, &new).await.is(200);
    caller.get("/tickets").await.is(200);
    let history = scene.admin.get(&format!("/clients/{}/history", old.id)).await.is(200);
    assert_eq!(history.column("type"), ["client.created", "client.secret_rotated"], "{history}");
    assert_eq!(history.rows()[1]["actor"]["id"], scene.admin.get("/me").await.is(200).id());
}

async fn a_deleted_account_loses_its_tokens_at_once(desk: &Host) {
    let scene = Scene::on(desk).await;
    let account = support(&scene).await;
    let caller = logged_in(&scene, &account).await;
    caller.get("/tickets").await.is(200);
    let path = format!("/clients/{}", account.id);
    scene.admin.delete(&path).await.is(204);
    ended(desk, &caller).await;
    grant(&scene, &account).await.is(401);
    for answer in [scene.admin.get(&path).await, scene.admin.delete(&path).await] {
        answer.refused(404, "client-not-found");
    }
    scene.admin.request("POST", &format!("{path}/rotate-secret"), None).await.problem(404);
    let listed = scene.admin.get("/clients?limit=100").await.is(200);
    assert!(!listed.mentions(&account.id), "{listed}");
    let history = scene.admin.get(&format!("{path}/history")).await.is(200);
    assert_eq!(history.column("type"), ["client.created", "client.deleted"], "{history}");
}

async fn accounts_are_listed_in_pages(desk: &Host) {
    let scene = Scene::on(desk).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(support(&scene).await.id);
    }
    let (mut seen, mut path) = (Vec::new(), "/clients?limit=2&include=total".to_owned());
    loop {
        let page = scene.admin.get(&path).await.is(200);
        assert!(page.rows().len() <= 2 && page.body["total"].as_u64() >= Some(3), "{page}");
        seen.extend(page.column("id"));
        let Some(cursor) = page.next_cursor() else { break };
        path = format!("/clients?limit=2&include=total&cursor={cursor}");
    }
    for id in made {
        assert_eq!(seen.iter().filter(|other| **other == id).count(), 1, "{seen:?}");
    }
    scene.admin.get("/clients?cursor=AAAA").await.problem(400);
    scene.admin.get("/clients?limit=0").await.problem(400);
}

async fn fields_of_a_new_account_are_checked(desk: &Host) {
    let scene = Scene::on(desk).await;
    let post = async |body: Value| scene.admin.post("/clients", body).await;
    assert_eq!(post(json!({ "roles": ["support"] })).await.invalid("/name"), "required");
    assert_eq!(post(json!({ "name": "x" })).await.invalid("/roles"), "required");
    post(json!({ "name": " ", "roles": [] })).await.invalid("/name");
    post(json!({ "name": "x".repeat(101), "roles": [] })).await.invalid("/name");
    post(json!({ "name": "x", "roles": ["emperor"] })).await.invalid("/roles/0");
    post(json!({ "name": "x", "roles": [], "scopes": ["tickets:read", "openid"] })).await.invalid("/scopes/1");
    post(json!({ "name": "x", "roles": [], "client_secret": "mine" })).await.invalid("/client_secret");
}

async fn a_token_is_inspected_by_service_accounts_alone(desk: &Host) {
    let scene = Scene::on(desk).await;
    let asker = support(&scene).await;
    let user = scene.user(&["support"]).await;
    let name = user.str("username");
    let fields = [("grant_type", "password"), ("username", name.as_str()), ("password", PASSWORD)];
    let granted = scene.visitor.form("/token", &fields).await.is(200);
    let (access, refresh) = (granted.str("access_token"), granted.str("refresh_token"));
    let body = [("token", access.as_str())];
    for stranger in [&scene.visitor, &scene.admin] {
        let refused = stranger.form("/token/introspect", &body).await.is(401);
        assert_eq!(refused.body["error"], "invalid_client", "{refused}");
    }
    let found = inspected(&scene, &asker, &access).await;
    assert_eq!((&found.body["active"], found.str("sub")), (&json!(true), user.id()), "{found}");
    assert_eq!(found.str("scope"), granted.str("scope"), "{found}");
    for member in ["exp", "iat", "iss", "aud", "jti", "token_type", "groups"] {
        assert!(!found.body[member].is_null(), "no {member}: {found}");
    }
    assert!(!found.text.contains(&name) && found.body["client_id"].is_null(), "{found}");
    let found = inspected(&scene, &asker, &refresh).await;
    assert_eq!((&found.body["active"], found.str("sub")), (&json!(true), user.id()), "{found}");
    let own = grant(&scene, &asker).await.is(200).str("access_token");
    assert_eq!(inspected(&scene, &asker, &own).await.str("client_id"), asker.id);
    let mut forged = access.clone();
    forged.replace_range(
        access.len() - 20..access.len() - 19,
        if access.as_bytes()[access.len() - 20] == b'A' { "B" } else { "A" },
    );
    for nothing in ["x", "a.b.c", &forged, &asker.secret, "eyJhbGciOiJub25lIn0.e30."] {
        worthless(&inspected(&scene, &asker, nothing).await);
    }
    let missing = basic(&scene, &asker).form("/token/introspect", &[("token_type_hint", "x")]).await.is(400);
    assert_eq!(missing.body["error"], "invalid_request", "{missing}");
    scene.admin.put(&format!("/users/{}/disabled", user.id()), json!({ "disabled": true })).await.is(200);
    worthless(&inspected(&scene, &asker, &access).await);
    scene.admin.delete(&format!("/users/{}", user.id())).await.is(204);
    for token in [&access, &refresh] {
        worthless(&inspected(&scene, &asker, token).await);
    }
}

async fn a_revoked_token_opens_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let asker = support(&scene).await;
    let name = scene.user(&["support"]).await.str("username");
    let fields = [("grant_type", "password"), ("username", name.as_str()), ("password", PASSWORD)];
    let login = async || {
        let granted = scene.visitor.form("/token", &fields).await.is(200);
        (scene.visitor.bearing(&granted.str("access_token")), granted.str("refresh_token"))
    };
    let revoke = async |token: &str| {
        let answer = scene.visitor.form("/token/revoke", &[("token", token), ("token_type_hint", "any")]).await.is(200);
        assert!(answer.text.is_empty(), "{answer}");
    };
    // An access token alone: its session goes on.
    let (caller, refresh) = login().await;
    let access = caller.bearer.clone().unwrap_or_default();
    revoke(&access).await;
    ended(desk, &caller).await;
    // Another process of the host knows it within a second.
    until("the token is told to be worth nothing", async || {
        inspected(&scene, &asker, &access).await.body["active"] == false
    })
    .await;
    let fields_of = |token: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    let ask = async |token: &str| {
        let fields = fields_of(token);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        scene.visitor.form("/token", &fields).await
    };
    let next = ask(&refresh).await.is(200);
    let caller = scene.visitor.bearing(&next.str("access_token"));
    caller.get("/tickets").await.is(200);
    // A refresh token takes the whole session along, also by a token that was used.
    revoke(&refresh).await;
    ended(desk, &caller).await;
    ask(&next.str("refresh_token")).await.is(400);
    let (other, _) = login().await;
    other.get("/tickets").await.is(200);
    for nothing in ["x", &refresh, &access] {
        revoke(nothing).await;
    }
    let missing = scene.visitor.form("/token/revoke", &[("x", "y")]).await.is(400);
    assert_eq!(missing.body["error"], "invalid_request", "{missing}");
}

async fn a_service_accounts_token_is_revoked_by_that_account_alone(desk: &Host) {
    let scene = Scene::on(desk).await;
    let (owner, other) = (support(&scene).await, support(&scene).await);
    let caller = logged_in(&scene, &owner).await;
    let token = caller.bearer.clone().unwrap_or_default();
    let body = [("token", token.as_str())];
    assert_eq!(scene.visitor.form("/token/revoke", &body).await.is(401).body["error"], "invalid_client");
    assert_eq!(basic(&scene, &other).form("/token/revoke", &body).await.is(400).body["error"], "invalid_grant");
    caller.get("/tickets").await.is(200);
    basic(&scene, &owner).form("/token/revoke", &body).await.is(200);
    ended(desk, &caller).await;
    logged_in(&scene, &owner).await.get("/tickets").await.is(200);
}
