//! Who gets in.

use eventdesk_events::user::Role;
use serde_json::json;

use crate::function::bed::{Bed, FOREIGN, ISSUER, PASSWORD};

#[tokio::test]
async fn without_claims_there_is_a_challenge_without_an_error() {
    let bed = Bed::new().await;
    let answer = bed.ask("GET", "/tickets").anonymous().go().await.refused(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"eventdesk\"");
    assert_eq!(answer.body["message"], "Unauthorized");
}

#[tokio::test]
async fn claims_of_nobody_are_an_invalid_token() {
    let bed = Bed::new().await;
    let unknown = "0190a8c0-0000-7000-8000-000000000000";
    for claims in [
        vec![("iss", ISSUER), ("sub", unknown)],
        vec![("iss", ISSUER), ("sub", "admin")],
        vec![("iss", ISSUER)],
        vec![("iss", "https://elsewhere.example"), ("sub", unknown)],
        vec![("iss", FOREIGN)],
        vec![],
    ] {
        for path in ["/tickets", "/me"] {
            let answer = bed.ask("GET", path).claims(&claims).go().await.refused(401, "unauthenticated");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_deleted_users_token_is_worth_nothing() {
    let bed = Bed::new().await;
    let user = bed.user("gone", &[Role::Support], false).await;
    bed.ask("GET", "/tickets").by(user).go().await.is(200);
    bed.ask("DELETE", &format!("/users/{user}")).go().await.is(204);
    bed.ask("GET", "/tickets").by(user).go().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_disabled_user_reaches_the_authentication_section_alone() {
    let bed = Bed::new().await;
    let user = bed.user("sleeper", &[Role::Admin], true).await;
    bed.ask("GET", "/tickets").by(user).go().await.refused(403, "user-disabled");
    bed.ask("GET", "/admin/routes").by(user).go().await.refused(403, "user-disabled");
    let me = bed.ask("GET", "/me").by(user).go().await.is(200);
    assert_eq!(me.body["user"]["username"], "sleeper");
    let status = bed.ask("GET", "/status").by(user).go().await.is(200);
    assert_eq!(status.body, json!({ "status": "disabled", "token_expires_at": "2026-11-21T13:00:00.000Z" }));
}

#[tokio::test]
async fn roles_come_from_the_directory_whatever_the_token_says() {
    let bed = Bed::new().await;
    let user = bed.user("visitor", &[], false).await;
    bed.ask("GET", "/tickets").by(user).go().await.refused(403, "forbidden");
    let me = bed.ask("GET", "/me").by(user).go().await.is(200);
    assert_eq!(me.body["roles"], json!([]));
    let whoami = bed.ask("GET", "/whoami").by(user).go().await.is(200);
    assert_eq!(whoami.body["groups"], "[admin]");
}

#[tokio::test]
async fn another_issuers_groups_become_roles_by_the_map() {
    let bed = Bed::new().await;
    for (groups, status) in [
        ("[internal/example/admins]", 200),
        ("internal/example/admins,other", 200),
        (r#"["internal/example/admins"]"#, 200),
        ("[admin]", 403),
        ("[internal/example/Admins]", 403),
        ("", 403),
    ] {
        let claims = [("iss", FOREIGN), ("sub", "00u1"), ("groups", groups)];
        bed.ask("GET", "/tickets").claims(&claims).go().await.is(status);
    }
    let me = bed.ask("GET", "/me").claims(&[("iss", FOREIGN), ("sub", "00u1")]).go().await.is(200);
    // The record of who came from elsewhere: made once, under the id by which they are known.
    assert_eq!(me.body["user"]["id"], me.body["id"], "{}", me.text);
    assert_eq!(me.body["user"]["version"], 1, "{}", me.text);
    assert_eq!(me.body["roles"], json!([]), "{}", me.text);
}

#[tokio::test]
async fn the_refusal_comes_before_query_and_body() {
    let bed = Bed::new().await;
    let user = bed.user("helper", &[Role::Support], false).await;
    bed.ask("POST", "/users?x=1").by(user).text("text/plain", "{").go().await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_password_buys_a_token() {
    let bed = Bed::new().await;
    let form = "application/x-www-form-urlencoded";
    let body =
        format!("grant_type=password&username=admin&password={}&scope=tickets:read", PASSWORD.replace('@', "%40"));
    let token = bed.ask("POST", "/token").anonymous().text(form, &body).go().await.is(200);
    assert_eq!(token.body["access_token"], format!("token-of-{}", bed.admin));
    assert_eq!((&token.body["token_type"], &token.body["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(token.body["scope"], "tickets:read");
    assert_eq!(token.header("cache-control"), "no-store");
}

#[tokio::test]
async fn token_errors_are_those_of_oauth() {
    let bed = Bed::new().await;
    for (body, error) in [
        ("grant_type=password&username=admin&password=wrong", "invalid_grant"),
        ("grant_type=password&username=nobody&password=wrong", "invalid_grant"),
        ("grant_type=password&username=admin", "invalid_request"),
        ("grant_type=password&username=admin&username=admin&password=x", "invalid_request"),
        ("username=admin&password=x", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
    ] {
        let asked = bed.ask("POST", "/token").anonymous().text("application/x-www-form-urlencoded", body);
        let answer = asked.go().await.is(400);
        assert_eq!(answer.body["error"], error, "{body}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let (form, body) = ("application/x-www-form-urlencoded", "grant_type=client_credentials");
    let nobody = bed.ask("POST", "/token").anonymous().text(form, body).go().await.is(401);
    assert_eq!(nobody.body["error"], "invalid_client");
    let asked = bed.ask("POST", "/token").anonymous().json(&json!({ "grant_type": "password" }));
    asked.go().await.refused(415, "unsupported-media-type");
}
