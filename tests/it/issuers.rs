//! Users of an independent OIDC provider on the desk.

use std::time::{Duration, Instant};

use eventdesk_tests::{Desk, Oidc, Resource, SCOPES, samples};
use serde_json::json;

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
