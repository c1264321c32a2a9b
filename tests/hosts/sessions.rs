//! Refresh tokens: what they buy, and what ends them.

use eventdesk_tests::{Answer, Caller, Host, PASSWORD, Scene, samples};
use serde_json::json;

use crate::clients::ended;

tests! {
    a_refresh_token_is_used_once_and_an_older_one_ends_its_session,
    of_several_uses_at_once_one_wins,
    a_refreshed_token_never_has_more_than_the_first,
    what_is_no_refresh_token_buys_nothing,
    another_password_ends_all_other_sessions,
    a_password_set_by_an_admin_ends_every_session,
    who_is_denied_disabled_or_deleted_refreshes_nothing,
    a_freed_name_inherits_no_session,
}

/// A login with its refresh token.
async fn session(scene: &Scene, username: &str) -> (Caller, String) {
    let fields = [("grant_type", "password"), ("username", username), ("password", PASSWORD)];
    let granted = scene.visitor.form("/token", &fields).await.is(200);
    (scene.visitor.bearing(&granted.str("access_token")), granted.str("refresh_token"))
}

async fn refresh(scene: &Scene, token: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    scene.visitor.form("/token", &fields).await.is_one_of(&[200, 400])
}

async fn refused(scene: &Scene, token: &str) {
    let answer = refresh(scene, token).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
}

async fn a_refresh_token_is_used_once_and_an_older_one_ends_its_session(desk: &Host) {
    let scene = Scene::on(desk).await;
    let name = scene.user(&["support"]).await.str("username");
    let (first, one) = session(&scene, &name).await;
    let (other, kept) = session(&scene, &name).await;
    let answer = refresh(&scene, &one).await.is(200);
    assert_eq!((answer.str("token_type"), &answer.body["expires_in"]), ("bearer".to_owned(), &json!(3600)));
    assert!(answer.header("cache-control").is_some_and(|text| text.contains("no-store")), "{answer}");
    let (second, two) = (scene.visitor.bearing(&answer.str("access_token")), answer.str("refresh_token"));
    assert_ne!(one, two);
    second.get("/tickets").await.is(200);
    // The one that was just replaced is refused and does no harm: its answer may have been lost.
    refused(&scene, &one).await;
    let three = refresh(&scene, &two).await.is(200).str("refresh_token");
    // An older one was found or stolen.
    refused(&scene, &one).await;
    refused(&scene, &three).await;
    for caller in [&first, &second] {
        ended(desk, caller).await;
    }
    other.get("/tickets").await.is(200);
    refresh(&scene, &kept).await.is(200);
}

async fn of_several_uses_at_once_one_wins(desk: &Host) {
    let scene = Scene::on(desk).await;
    let name = scene.user(&["support"]).await.str("username");
    let (_, token) = session(&scene, &name).await;
    let uses = [0; 4].map(|_| refresh(&scene, &token));
    let answers = futures_util::future::join_all(uses).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    refresh(&scene, &won[0].str("refresh_token")).await.is(200);
}

async fn a_refreshed_token_never_has_more_than_the_first(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["support"]).await;
    let name = user.str("username");
    let fields = [
        ("grant_type", "password"),
        ("username", name.as_str()),
        ("password", PASSWORD),
        ("scope", "tickets:read messages:read"),
    ];
    let token = scene.visitor.form("/token", &fields).await.is(200).str("refresh_token");
    let ask = async |token: &str, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        scene.visitor.form("/token", &fields).await
    };
    let more = ask(&token, "tickets:read tickets:write admin").await.is(200);
    assert_eq!(more.str("scope"), "tickets:read", "{more}");
    // What was left out once may be asked for again, for the session still has it.
    let whole = refresh(&scene, &more.str("refresh_token")).await.is(200);
    assert_eq!(whole.str("scope"), "tickets:read messages:read");
    // A role that comes later brings nothing to an old session, and one that goes takes its scopes along.
    let roles = format!("/users/{}/roles", user.id());
    scene.admin.put(&roles, json!({ "roles": ["admin"] })).await.is(200);
    let promoted = refresh(&scene, &whole.str("refresh_token")).await.is(200);
    assert_eq!(promoted.str("scope"), "tickets:read messages:read");
    let nothing = ask(&promoted.str("refresh_token"), "admin").await.is(400);
    assert_eq!(nothing.body["error"], "invalid_scope", "{nothing}");
    scene.admin.put(&roles, json!({ "roles": [] })).await.is(200);
    let demoted = refresh(&scene, &promoted.str("refresh_token")).await;
    assert!(demoted.status == 400 || demoted.str("scope").is_empty(), "{demoted}");
}

async fn what_is_no_refresh_token_buys_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let name = scene.user(&["support"]).await.str("username");
    let (caller, token) = session(&scene, &name).await;
    let access = caller.bearer.clone().unwrap_or_default();
    let mut turned = token.clone();
    turned.replace_range(50..51, if &token[50..51] == "A" { "B" } else { "A" });
    let long = "A".repeat(10_000);
    for text in ["x", "AAAA", &access, &turned, &token[..token.len() - 1], &long, &format!("{token}A")] {
        refused(&scene, text).await;
    }
    let missing = scene.visitor.form("/token", &[("grant_type", "refresh_token")]).await.is(400);
    assert_eq!(missing.body["error"], "invalid_request", "{missing}");
    scene.visitor.bearing(&token).get("/me").await.problem(401);
    let fields = [("grant_type", "refresh_token")];
    let in_query = scene.visitor.form(&format!("/token?refresh_token={token}"), &fields).await;
    assert_eq!(in_query.status, 400, "{in_query}");
    refresh(&scene, &token).await.is(200);
}

async fn another_password_ends_all_other_sessions(desk: &Host) {
    let scene = Scene::on(desk).await;
    let name = scene.user(&["support"]).await.str("username");
    let (own, own_token) = session(&scene, &name).await;
    let (other, other_token) = session(&scene, &name).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "otherWord@2" });
    own.put("/me/password", change).await.is(200);
    own.get("/tickets").await.is(200);
    ended(desk, &other).await;
    refused(&scene, &other_token).await;
    let next = refresh(&scene, &own_token).await.is(200);
    scene.visitor.bearing(&next.str("access_token")).get("/tickets").await.is(200);
    refresh(&scene, &next.str("refresh_token")).await.is(200);
}

async fn a_password_set_by_an_admin_ends_every_session(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["support"]).await;
    let (caller, token) = session(&scene, &user.str("username")).await;
    let path = format!("/users/{}/password", user.id());
    scene.admin.put(&path, json!({ "new_password": "otherWord@2" })).await.is(200);
    ended(desk, &caller).await;
    refused(&scene, &token).await;
}

async fn who_is_denied_disabled_or_deleted_refreshes_nothing(desk: &Host) {
    let scene = Scene::on(desk).await;
    let user = scene.user(&["support"]).await;
    let (path, name) = (format!("/users/{}", user.id()), user.str("username"));
    let flag = async |name: &str, value: bool| {
        scene.admin.put(&format!("{path}/{name}"), json!({ name: value })).await.is(200);
    };
    let (_, token) = session(&scene, &name).await;
    flag("disabled", true).await;
    refused(&scene, &token).await;
    flag("disabled", false).await;
    let token = refresh(&scene, &token).await.is(200).str("refresh_token");

    let (caller, other) = session(&scene, &name).await;
    flag("login_denied", true).await;
    for token in [&token, &other] {
        refused(&scene, token).await;
    }
    caller.get("/tickets").await.is(200);
    flag("login_denied", false).await;
    refused(&scene, &token).await;

    let (_, token) = session(&scene, &name).await;
    scene.admin.delete(&path).await.is(204);
    refused(&scene, &token).await;
}

async fn a_freed_name_inherits_no_session(desk: &Host) {
    let scene = Scene::on(desk).await;
    let body = samples::user(&["support"]);
    let first = scene.admin.post("/users", body.clone()).await.is(201);
    let (_, token) = session(&scene, &first.str("username")).await;
    scene.admin.delete(&format!("/users/{}", first.id())).await.is(204);
    scene.admin.post("/users", body).await.is(201);
    refused(&scene, &token).await;
}
