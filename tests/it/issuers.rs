//! Users of an independent OIDC provider on the desk.

use std::time::{Duration, Instant};

use eventdesk_tests::{Caller, Desk, Oidc, Resource, SCOPES, Scene, samples};
use serde_json::{Value, json};

const ADMINS: &str = "internal/example/admins";
const SUPPORT: &str = "internal/example/support";

fn desk(oidc: &Oidc, more: &[(&str, &str)]) -> Desk {
    let settings = oidc.settings();
    let settings = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Desk::start_with(&settings.chain(more.iter().copied()).collect::<Vec<_>>())
}

fn asking(cache_seconds: &'static str) -> [(&'static str, &'static str); 5] {
    let (client, secret) = Oidc::introspection_client();
    [
        ("EVENTDESK_ISSUER_AUDIENCE", Resource::Opaque.audience()),
        ("EVENTDESK_ISSUER_VALIDATION", "introspection"),
        ("EVENTDESK_ISSUER_INTROSPECTION_CLIENT_ID", client),
        ("EVENTDESK_INTROSPECTION_CLIENT_SECRET", secret),
        ("EVENTDESK_ISSUER_INTROSPECTION_CACHE_SECONDS", cache_seconds),
    ]
}

#[tokio::test]
async fn a_user_logs_in_at_the_provider_and_works_at_the_desk() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let name = samples::name("ada");
    let caller = desk.visitor().bearing(&oidc.user_token(&name, &["other", ADMINS], Resource::Jwt).await);
    let me = caller.get("/me").await.is(200);
    assert_eq!(me.body["roles"], json!(["admin"]));
    assert_eq!(me.body["claims"]["sub"], json!(name));
    assert_eq!(me.body["claims"]["groups"], json!(format!("[other {ADMINS}]")));
    let employee = caller.post("/employees", samples::employee()).await.is(201);
    let ticket = caller.post("/tickets", samples::ticket(&employee.id())).await.is(201);
    let seen = caller.see(&ticket, &format!("/tickets/{}", ticket.id())).await;
    assert_eq!(seen.body["opened_by"], me.body["id"]);
    let status = caller.get("/status").await.is(200);
    assert_eq!(status.str("status"), "active");
    // The desk's own issuer goes on beside it.
    desk.admin().await.get("/tickets").await.is(200);
}

#[tokio::test]
async fn groups_that_are_not_in_the_map_open_nothing() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let groups = ["internal/example/admins2", "admins", "internal/example", "x internal/example/admins", "admin"];
    let caller = desk.visitor().bearing(&oidc.user_token(&samples::name("bob"), &groups, Resource::Jwt).await);
    assert_eq!(caller.get("/me").await.is(200).body["roles"], json!([]));
    caller.get("/tickets").await.problem(403);
}

#[tokio::test]
async fn scopes_bind_whatever_the_roles_allow() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let name = samples::name("eve");
    oidc.account(&name, &json!({ "groups": [ADMINS] })).await;
    let caller = desk.visitor().bearing(&oidc.login(&name, "tickets:read", Resource::Jwt).await);
    caller.get("/tickets").await.is(200);
    let refused = caller.get("/users").await.problem(403);
    let challenge = refused.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test]
async fn a_client_of_the_provider_works_as_itself() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let caller = desk.visitor().bearing(&oidc.client_token(SCOPES, Resource::Jwt).await);
    assert_eq!(caller.get("/me").await.is(200).body["roles"], json!(["support"]));
    caller.get("/tickets").await.is(200);
    caller.get("/users").await.problem(403);
}

#[tokio::test]
async fn a_token_for_another_service_opens_nothing() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[("EVENTDESK_ISSUER_AUDIENCE", "api://else")]);
    let token = oidc.user_token(&samples::name("kim"), &[ADMINS], Resource::Jwt).await;
    let refused = desk.visitor().bearing(&token).get("/tickets").await.problem(401);
    assert!(refused.header("www-authenticate").unwrap_or_default().contains("invalid_token"), "{refused}");
}

#[tokio::test]
async fn an_opaque_token_is_asked_about_until_it_is_taken_back() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &asking("1"));
    let token = oidc.user_token(&samples::name("sam"), &[SUPPORT], Resource::Opaque).await;
    let caller = desk.visitor().bearing(&token);
    assert_eq!(caller.get("/me").await.is(200).body["roles"], json!(["support"]));
    caller.get("/tickets").await.is(200);
    caller.get("/users").await.problem(403);
    let client = desk.visitor().bearing(&oidc.client_token(SCOPES, Resource::Opaque).await);
    assert_eq!(client.get("/me").await.is(200).body["claims"]["sub"], json!("eventdesk-client"));
    desk.visitor().bearing("no-token-of-the-provider").get("/tickets").await.problem(401);

    oidc.revoke(&token).await;
    let start = Instant::now();
    while caller.get("/tickets").await.status == 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "it was taken back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = caller.get("/tickets").await.problem(401);
    assert!(refused.header("www-authenticate").unwrap_or_default().contains("invalid_token"), "{refused}");
}

#[tokio::test]
async fn without_its_own_issuer_the_desk_lives_on_the_other() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[("EVENTDESK_BUILTIN_ISSUER_ENABLED", "false")]);
    let caller = desk.visitor().bearing(&oidc.user_token(&samples::name("pat"), &[ADMINS], Resource::Jwt).await);
    caller.get("/users").await.is(200);
    let fields = [("grant_type", "password"), ("username", "admin"), ("password", "passWord@1")];
    desk.visitor().form("/token", &fields).await.problem(404);
    desk.visitor().get("/.well-known/jwks.json").await.problem(404);
}

/// Logs a user of the provider in; with the id that they have at the desk.
async fn logged_in(oidc: &Oidc, desk: &Desk, name: &str, claims: Value) -> (Caller, String) {
    oidc.account(name, &claims).await;
    let caller = desk.visitor().bearing(&oidc.login(name, SCOPES, Resource::Jwt).await);
    let id = caller.get("/me").await.is(200).id();
    (caller, id)
}

#[tokio::test]
async fn who_comes_for_the_first_time_gets_one_record_however_many_requests_come_at_once() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let scene = Scene::on(&desk).await;
    let name = samples::name("ada");
    let claims = json!({
        "groups": [SUPPORT], "given_name": "Ada", "family_name": "Lovelace", "email": "ada@issuer.example",
    });
    oidc.account(&name, &claims).await;
    let caller = desk.visitor().bearing(&oidc.login(&name, SCOPES, Resource::Jwt).await);
    let first = futures_util::future::join_all((0..16).map(|_| caller.get("/me"))).await;
    let mut ids: Vec<_> = first.into_iter().map(|answer| answer.is(200).id()).collect();
    ids.dedup();
    let [id] = &ids[..] else { panic!("{ids:?}") };

    let user = caller.get("/me").await.is(200).body["user"].clone();
    assert_eq!(user["version"], json!(1), "{user}");
    assert_eq!((&user["username"], &user["first_name"]), (&json!("ada@issuer.example"), &json!("Ada")));
    assert_eq!((&user["email"], &user["phone"]), (&json!("ada@issuer.example"), &Value::Null));
    let start = Instant::now();
    loop {
        let found = scene.admin.get("/users?username=ada@issuer.example").await.is(200);
        if found.column("id") == [id.clone()] {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The record can be worked with: tickets are assigned to them.
    let employee = scene.employee().await;
    let ticket = scene.ticket_with(&employee, json!({ "assignee_id": id })).await;
    let own = caller.see(&ticket, "/tickets?assignee=me").await;
    assert_eq!(own.column("id"), [ticket.id()]);
}

#[tokio::test]
async fn a_user_of_the_same_name_or_address_is_another_person() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let scene = Scene::on(&desk).await;
    let here = scene.user(&["admin"]).await;
    let (name, email) = (here.str("username"), here.str("email"));
    let claims = json!({ "groups": [SUPPORT], "preferred_username": name, "email": email });
    let (caller, id) = logged_in(&oidc, &desk, &samples::name("eve"), claims.clone()).await;
    assert_ne!(id, here.id());
    let me = caller.get("/me").await.is(200);
    assert_eq!(me.body["roles"], json!(["support"]));
    let username = me.body["user"]["username"].as_str().expect("a name").to_owned();
    assert!(username.starts_with(&format!("{name}-")), "{username}");
    // The same subject at another issuer, or another subject of the same name, is a third person.
    let (_, other) = logged_in(&oidc, &desk, &samples::name("eve"), claims).await;
    assert_ne!(other, id);
    desk.login(&name).await.get("/users").await.is(200);
}

#[tokio::test]
async fn disabling_denying_and_deleting_the_record_count_at_once() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let admin = desk.admin().await;
    let name = samples::name("kim");
    let (caller, id) = logged_in(&oidc, &desk, &name, json!({ "groups": [ADMINS] })).await;
    caller.get("/tickets").await.is(200);
    for route in ["disabled", "login_denied"] {
        let path = format!("/users/{id}/{route}");
        admin.put(&path, json!({ (route): true })).await.is(200);
        caller.get("/tickets").await.problem(403);
        assert_ne!(caller.get("/status").await.is(200).str("status"), "active");
        caller.get("/me").await.is(200);
        admin.put(&path, json!({ (route): false })).await.is(200);
        caller.get("/tickets").await.is(200);
    }
    admin.delete(&format!("/users/{id}")).await.is(204);
    caller.get("/tickets").await.problem(401);
    let again = desk.visitor().bearing(&oidc.login(&name, SCOPES, Resource::Jwt).await);
    again.get("/me").await.problem(401);
}

#[tokio::test]
async fn roles_are_those_of_the_token_and_the_record_follows_the_newest() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let name = samples::name("pat");
    let (old, id) = logged_in(&oidc, &desk, &name, json!({ "groups": [SUPPORT] })).await;
    let recorded = async |caller: &Caller| caller.get("/me").await.is(200).body["user"]["roles"].clone();
    assert_eq!(recorded(&old).await, json!(["support"]));
    // What they may is told where they log in, and nowhere else; nor have they a password here.
    let admin = desk.admin().await;
    let refused = admin.put(&format!("/users/{id}/roles"), json!({ "roles": ["admin"] })).await.problem(409);
    assert_eq!(refused.body["code"], "external-user");
    let password = json!({ "new_password": "otherWord@2" });
    admin.put(&format!("/users/{id}/password"), password).await.problem(409);
    assert_eq!(old.get("/me").await.is(200).body["roles"], json!(["support"]));
    old.get("/users").await.problem(403);

    // Tokens tell their time in whole seconds: one of a later second is newer than the record.
    let start = Instant::now();
    let new = loop {
        let (new, _) = logged_in(&oidc, &desk, &name, json!({ "groups": [ADMINS, SUPPORT] })).await;
        new.get("/users").await.is(200);
        if recorded(&new).await == json!(["admin", "support"]) {
            break new;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the record never followed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // The older one still says what it says, and undoes nothing.
    old.get("/users").await.problem(403);
    assert_eq!(recorded(&old).await, json!(["admin", "support"]));
    new.get("/users").await.is(200);
}

#[tokio::test]
async fn an_admin_from_elsewhere_is_not_the_one_who_may_be_left_alone() {
    let oidc = Oidc::started();
    let desk = desk(&oidc, &[]);
    let admin = desk.admin().await;
    let own_id = admin.get("/me").await.is(200).id();
    let (caller, id) = logged_in(&oidc, &desk, &samples::name("max"), json!({ "groups": [ADMINS] })).await;
    caller.delete(&format!("/users/{own_id}")).await.problem(409);
    admin.delete(&format!("/users/{id}")).await.is(204);
}
