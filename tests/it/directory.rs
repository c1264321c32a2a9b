//! Changes of users: each route, its guards, and what it does to logins.

use eventdesk_tests::{Answer, Desk, PASSWORD, Scene, samples};
use serde_json::{Value, json};

async fn token_status(scene: &Scene, username: &str, password: &str) -> u16 {
    let fields = [("grant_type", "password"), ("username", username), ("password", password)];
    scene.visitor.form("/token", &fields).await.is_one_of(&[200, 400]).status
}

fn path(user: &Answer, rest: &str) -> String {
    format!("/users/{}{rest}", user.id())
}

fn contacts() -> Value {
    samples::without(samples::user(&[]), &["username", "password", "roles"])
}

#[tokio::test]
async fn a_whole_record_is_replaced_and_what_is_left_out_of_roles_and_flags_stays() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let user = scene.user(&["support"]).await;
    let mut whole = samples::without(samples::user(&[]), &["password", "roles"]);
    whole["first_name"] = json!("Zoë");
    let replaced = scene.admin.put(&path(&user, ""), whole.clone()).await.is(200);
    for member in ["username", "first_name", "last_name", "phone", "email"] {
        assert_eq!(replaced.body[member], whole[member], "{replaced}");
    }
    assert_eq!((&replaced.body["roles"], &replaced.body["disabled"]), (&json!(["support"]), &json!(false)));
    assert_eq!(replaced.version(), user.version() + 1, "one commit: {replaced}");
    assert_eq!(token_status(&scene, &user.str("username"), PASSWORD).await, 400, "the old name is nobody's");
    assert_eq!(token_status(&scene, &replaced.str("username"), PASSWORD).await, 200, "the password stays");

    let again = scene.admin.put(&path(&user, ""), whole.clone()).await.is(200);
    assert_eq!(again.version(), replaced.version(), "nothing changed: {again}");
    let all = samples::merged(whole.clone(), json!({ "roles": ["manager", "support"], "disabled": true }));
    let all = scene.admin.put(&path(&user, ""), all).await.is(200);
    assert_eq!((&all.body["roles"], &all.body["disabled"]), (&json!(["manager", "support"]), &json!(true)));
    let seen = scene.admin.see(&all, &path(&user, "")).await.is(200);
    assert_eq!(seen.body["first_name"], "Zoë", "{seen}");

    let secret = samples::merged(whole.clone(), json!({ "password": PASSWORD }));
    assert_eq!(scene.admin.put(&path(&user, ""), secret).await.invalid("/password"), "unknown_field");
    let nameless = samples::without(whole, &["username"]);
    assert_eq!(scene.admin.put(&path(&user, ""), nameless).await.invalid("/username"), "required");
    scene.admin.put("/users/00000000-0000-7000-8000-000000000000", all.body.clone()).await.is_one_of(&[404, 422]);
}

#[tokio::test]
async fn contacts_and_names_change_alone_and_stay_unique() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let (one, two) = (scene.user(&["support"]).await, scene.user(&["support"]).await);
    let (_, manager) = scene.staff(&["manager"]).await;
    let new = contacts();
    let changed = manager.put(&path(&one, "/contacts"), new.clone()).await.is(200);
    assert_eq!((&changed.body["email"], &changed.body["phone"]), (&new["email"], &new["phone"]), "{changed}");
    assert_eq!(changed.body["username"], one.body["username"], "{changed}");

    let mut taken = new.clone();
    taken["email"] = json!(two.str("email").to_uppercase());
    manager.put(&path(&one, "/contacts"), taken).await.refused(409, "already-taken");
    let name = json!({ "username": two.str("username").to_uppercase() });
    scene.admin.put(&path(&one, "/username"), name).await.refused(409, "already-taken");
    // What was let go is free, and another case of one's own is no conflict.
    let freed = samples::merged(contacts(), json!({ "email": one.str("email"), "phone": one.str("phone") }));
    manager.put(&path(&two, "/contacts"), freed).await.is(200);
    let shout = json!({ "username": one.str("username").to_uppercase() });
    let shouted = scene.admin.put(&path(&one, "/username"), shout).await.is(200);
    assert_eq!(shouted.str("username"), one.str("username").to_uppercase());
    assert_eq!(token_status(&scene, &one.str("username"), PASSWORD).await, 200, "names are compared without case");
    let renamed = scene.admin.put(&path(&one, "/username"), json!({ "username": samples::name("new") })).await.is(200);
    assert_eq!(token_status(&scene, &one.str("username"), PASSWORD).await, 400);
    assert_eq!(token_status(&scene, &renamed.str("username"), PASSWORD).await, 200);
}

#[tokio::test]
async fn roles_count_at_once_for_tokens_that_are_out() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let user = scene.user(&["support"]).await;
    let caller = desk.login(&user.str("username")).await;
    caller.get("/users").await.problem(403);
    let changed = scene.admin.put(&path(&user, "/roles"), json!({ "roles": ["support", "manager"] })).await.is(200);
    assert_eq!(changed.body["roles"], json!(["manager", "support"]));
    caller.get("/users").await.is(200);
    scene.admin.put(&path(&user, "/roles"), json!({ "roles": [] })).await.is(200);
    caller.get("/tickets").await.problem(403);
    caller.get("/me").await.is(200);
    let unknown = scene.admin.put(&path(&user, "/roles"), json!({ "roles": ["emperor"] })).await;
    assert_eq!(unknown.invalid("/roles/0"), "unknown_value");
    assert_eq!(scene.admin.put(&path(&user, "/roles"), json!({})).await.invalid("/roles"), "required");
}

#[tokio::test]
async fn a_user_is_disabled_and_denied_at_once_and_let_in_again() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let (user, (_, manager)) = (scene.user(&["support"]).await, scene.staff(&["manager"]).await);
    let caller = desk.login(&user.str("username")).await;
    manager.put(&path(&user, "/disabled"), json!({ "disabled": true })).await.is(200);
    caller.get("/tickets").await.refused(403, "user-disabled");
    assert_eq!(caller.get("/status").await.is(200).str("status"), "disabled");
    manager.put(&path(&user, "/disabled"), json!({ "disabled": false })).await.is(200);
    caller.get("/tickets").await.is(200);

    let denied = manager.put(&path(&user, "/login_denied"), json!({ "login_denied": true })).await.is(200);
    assert_eq!(denied.body["login_denied"], true);
    assert_eq!(token_status(&scene, &user.str("username"), PASSWORD).await, 400);
    caller.get("/tickets").await.is(200);
    let again = manager.put(&path(&user, "/login_denied"), json!({ "login_denied": true })).await.is(200);
    assert_eq!(again.version(), denied.version(), "nothing changed");
    manager.put(&path(&user, "/login_denied"), json!({ "login_denied": false })).await.is(200);
    assert_eq!(token_status(&scene, &user.str("username"), PASSWORD).await, 200);
    for wrong in [json!({}), json!({ "disabled": "yes" }), json!({ "disabled": null })] {
        manager.put(&path(&user, "/disabled"), wrong).await.invalid("/disabled");
    }
}

#[tokio::test]
async fn a_manager_changes_no_admin() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let (admin, (_, manager)) = (scene.user(&["admin", "manager"]).await, scene.staff(&["manager"]).await);
    let changes = [
        ("/contacts", contacts()),
        ("/disabled", json!({ "disabled": true })),
        ("/login_denied", json!({ "login_denied": true })),
    ];
    for (rest, body) in changes {
        manager.put(&path(&admin, rest), body.clone()).await.refused(403, "forbidden");
        scene.admin.put(&path(&admin, rest), body).await.is(200);
    }
}

#[tokio::test]
async fn the_last_active_admin_can_lose_neither_role_nor_access() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let own = format!("/users/{}", scene.admin.get("/me").await.is(200).id());
    let record = scene.admin.get(&own).await.is(200);
    let whole = samples::without(record.body.clone(), &["id", "version", "created_at", "updated_at"]);
    let changes = [
        ("/roles", json!({ "roles": ["manager"] })),
        ("/disabled", json!({ "disabled": true })),
        ("/login_denied", json!({ "login_denied": true })),
        ("", samples::merged(whole, json!({ "roles": ["support"] }))),
    ];
    for (rest, body) in &changes {
        scene.admin.put(&format!("{own}{rest}"), body.clone()).await.refused(409, "last-admin");
    }
    // Two who disable each other at once: one stays.
    let (second, caller) = scene.staff(&["admin"]).await;
    let off = json!({ "disabled": true });
    let (second, own) = (format!("/users/{second}/disabled"), format!("{own}/disabled"));
    let (one, two) = tokio::join!(scene.admin.put(&second, off.clone()), caller.put(&own, off));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && matches!(statuses[1], 403 | 409), "{one}\n{two}");
}

#[tokio::test]
async fn an_admin_sets_a_password_and_the_old_one_is_worth_nothing() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let user = scene.user(&["support"]).await;
    let name = user.str("username");
    let weak = scene.admin.put(&path(&user, "/password"), json!({ "new_password": "weak" })).await;
    weak.invalid("/new_password");
    assert_eq!(token_status(&scene, &name, PASSWORD).await, 200, "a refused change changes nothing");
    let set = scene.admin.put(&path(&user, "/password"), json!({ "new_password": "otherWord@2" })).await.is(200);
    assert!(!set.text.contains("otherWord") && !set.text.contains("argon2"), "{set}");
    assert_eq!(token_status(&scene, &name, PASSWORD).await, 400);
    assert_eq!(token_status(&scene, &name, "otherWord@2").await, 200);
    let stale = scene.admin.with("If-Match", "\"1\"");
    stale.put(&path(&user, "/password"), json!({ "new_password": "thirdWord@3" })).await.problem(412);
    assert_eq!(token_status(&scene, &name, "otherWord@2").await, 200);
}

#[tokio::test]
async fn ones_own_password_takes_the_current_one() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let user = samples::merged(samples::user(&[]), json!({ "disabled": true }));
    let user = scene.admin.post("/users", user).await.is(201);
    let name = user.str("username");
    let caller = desk.login(&name).await;
    let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
    let wrong = caller.put("/me/password", change("wrongWord@1", "otherWord@2")).await;
    assert_eq!(wrong.invalid("/current_password"), "incorrect");
    caller.put("/me/password", change(PASSWORD, "weak")).await.invalid("/new_password");
    let missing = caller.put("/me/password", json!({ "new_password": "otherWord@2" })).await;
    assert_eq!(missing.invalid("/current_password"), "required");
    assert_eq!(token_status(&scene, &name, PASSWORD).await, 200);
    caller.put("/me/password", change(PASSWORD, "otherWord@2")).await.is(200);
    assert_eq!(token_status(&scene, &name, PASSWORD).await, 400);
    assert_eq!(token_status(&scene, &name, "otherWord@2").await, 200);
}

#[tokio::test]
async fn guessing_ones_own_password_with_a_found_token_is_throttled() {
    let desk = Desk::start_with(&[("EVENTDESK_LIMITS_LOGIN_FAILURES_PER_MINUTE", "3")]);
    let scene = Scene::on(&desk).await;
    let (_, caller) = scene.staff(&["support"]).await;
    let body = |guess: u32| json!({ "current_password": format!("wrongWord@{guess}"), "new_password": "otherWord@2" });
    for guess in 0..3 {
        caller.put("/me/password", body(guess)).await.problem(422);
    }
    let refused = caller.put("/me/password", body(4)).await.problem(429);
    assert!(refused.header("retry-after").is_some(), "{refused}");
    let right = json!({ "current_password": PASSWORD, "new_password": "otherWord@2" });
    caller.put("/me/password", right).await.problem(429);
}

#[tokio::test]
async fn a_repeated_registration_must_bring_the_same_password() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    let keyed = scene.admin.with("Idempotency-Key", &samples::name("key"));
    let body = samples::user(&["support"]);
    let first = keyed.post("/users", body.clone()).await.is(201);
    let again = keyed.post("/users", body.clone()).await.is(201);
    assert_eq!((again.id(), again.header("idempotency-replayed").as_deref()), (first.id(), Some("true")));
    let other = samples::merged(body.clone(), json!({ "password": "otherWord@2" }));
    keyed.post("/users", other.clone()).await.refused(422, "idempotency-key-reused");
    assert_eq!(token_status(&scene, &first.str("username"), PASSWORD).await, 200);
    assert_eq!(token_status(&scene, &first.str("username"), "otherWord@2").await, 400);
    // Once it was changed, the first answer is repeated: there is nothing left to compare with.
    scene.admin.put(&path(&first, "/password"), json!({ "new_password": "thirdWord@3" })).await.is(200);
    keyed.post("/users", body).await.is(201);
    assert_eq!(token_status(&scene, &first.str("username"), "thirdWord@3").await, 200);
}

#[tokio::test]
async fn of_two_registrations_at_once_with_one_key_the_winners_password_counts() {
    let desk = Desk::shared();
    let scene = Scene::on(&desk).await;
    for _ in 0..4 {
        let keyed = scene.admin.with("Idempotency-Key", &samples::name("key"));
        let body = samples::user(&["support"]);
        let other = samples::merged(body.clone(), json!({ "password": "otherWord@2" }));
        let (one, two) = tokio::join!(keyed.post("/users", body.clone()), keyed.post("/users", other));
        let (winner, loser, password) =
            if one.status == 201 { (one, two, PASSWORD) } else { (two, one, "otherWord@2") };
        loser.refused(422, "idempotency-key-reused");
        assert_eq!(token_status(&scene, &winner.is(201).str("username"), password).await, 200);
    }
}
