//! Many callers at once: fewer where each of them is a process, and an emulation answers one call after the other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use eventdesk_tests::{Answer, Host, Kind, Scene, samples};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use serde_json::json;

tests! {
    of_many_changes_to_one_version_exactly_one_wins,
    many_unconditional_changes_all_land_one_after_the_other,
    many_posts_with_one_key_are_one_post,
    reads_see_the_write_before_them,
    a_token_from_the_future_is_503_within_the_waiting_time,
    two_admins_deleting_each_other_leave_one,
    of_many_claims_to_one_name_one_wins,
    a_message_and_the_closing_of_its_ticket_come_in_some_order,
}

/// How many do the same at the same time.
fn many(desk: &Host) -> usize {
    match desk.kind() {
        Kind::Embedded => 50,
        Kind::Hybrid => 20,
        Kind::Lambda => 10,
    }
}

async fn of_many_changes_to_one_version_exactly_one_wins(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    let claiming = scene.admin.with("If-Match", &ticket.etag());
    let answers =
        join_all((0..many(desk)).map(|n| claiming.patch(&path, json!({ "title": format!("Claimed by {n:02}") }))))
            .await;

    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        lost.clone().problem(412);
    }
    let seen = scene.admin.see(won[0], &path).await;
    assert_eq!((seen.str("title"), seen.version()), (won[0].str("title"), 2), "{seen}");
    let history = scene.admin.get(&format!("{path}/history")).await.is(200);
    assert_eq!(history.rows().len(), 2, "{history}");
}

async fn many_unconditional_changes_all_land_one_after_the_other(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    let answers =
        join_all((0..many(desk)).map(|n| scene.admin.patch(&path, json!({ "title": format!("Title {n:02}") })))).await;
    // A writer that loses the race every time it tries is told so; nobody's change is lost silently.
    let landed: Vec<_> = answers.into_iter().map(|answer| answer.is_one_of(&[200, 409, 503])).collect();
    let versions: BTreeSet<_> = landed.iter().filter(|answer| answer.status == 200).map(Answer::version).collect();
    let count = landed.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(versions.len(), count, "each change has a version of its own");
    let last = landed.iter().filter(|answer| answer.status == 200).max_by_key(|answer| answer.version());
    let last = last.expect("at least one lands");
    let seen = scene.admin.see(last, &path).await;
    assert_eq!((seen.version(), seen.str("title")), (1 + count as u64, last.str("title")), "{seen}");
}

async fn many_posts_with_one_key_are_one_post(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let ticket = scene.ticket(&employee).await;
    let messages = format!("/tickets/{}/messages", ticket.id());
    let message = json!({ "visibility": "public", "body": "Only once." });
    for (path, body) in [("/tickets", samples::ticket(&employee)), (messages.as_str(), message)] {
        let keyed = scene.admin.with("Idempotency-Key", &samples::name("once-"));
        let answers = join_all((0..many(desk)).map(|_| keyed.post(path, body.clone()))).await;
        let first = answers[0].clone().is(201);
        for answer in &answers {
            let answer = answer.clone().is(201);
            assert_eq!((&answer.body, answer.etag()), (&first.body, first.etag()), "{answer}");
        }
        let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_some()).count();
        assert_eq!(replayed, many(desk) - 1, "one made it, the others repeat it");
        let list = if path == "/tickets" { format!("/tickets?requester={employee}&sort=-number") } else { path.into() };
        let seen = scene.admin.see(&first, &list).await;
        let count = seen.column("id").iter().filter(|id| **id == first.id()).count();
        assert_eq!((count, seen.rows().len()), (1, if path == "/tickets" { 2 } else { 1 }), "{seen}");
    }
}

async fn reads_see_the_write_before_them(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    let pair = async |n: usize| {
        let reader = scene.admin.apart();
        let ticket = scene.ticket(&employee).await;
        let path = format!("/tickets/{}", ticket.id());
        reader.see(&ticket, &path).await;
        let title = format!("Written {n}");
        let written = scene.admin.patch(&path, json!({ "title": title })).await.is(200);
        let read = reader.see(&written, &path).await;
        assert!(read.version() >= written.version(), "stale: {read}");
        assert_eq!(read.str("title"), title, "stale: {read}");
        let listed =
            reader.after(&written).get(&format!("/tickets?requester={employee}&sort=-updated_at&limit=100")).await;
        if listed.status == 200 {
            let row = listed.rows().into_iter().find(|row| row["id"] == json!(ticket.id()));
            assert_eq!(row.expect("the list shows it")["title"], json!(title), "stale");
        }
        2
    };
    let pairs = 3 * many(desk);
    let read: usize =
        futures_util::stream::iter((0..pairs).map(pair)).buffer_unordered(8).collect::<Vec<_>>().await.iter().sum();
    assert_eq!(read, 2 * pairs);
}

async fn a_token_from_the_future_is_503_within_the_waiting_time(desk: &Host) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    let ahead = scene.admin.with("Consistency-Token", &format!("ticket-{}@999", ticket.id()));
    let start = Instant::now();
    let answer = ahead.get(&path).await.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(6), "waited {:?}", start.elapsed());
    for nonsense in ["nonsense", "ticket-x@1", "ticket-0190a8c0-0000-7000-8000-000000000000@-1", "@"] {
        scene.admin.with("Consistency-Token", nonsense).get(&path).await.problem(400);
    }
}

async fn two_admins_deleting_each_other_leave_one(desk: &Host) {
    let rounds = many(desk) / 5;
    // Nobody else may be an admin here.
    let desk = desk.kind().start().await;
    let mut standing = desk.admin().await;
    let mut standing_id = standing.get("/whoami").await.is(200).str("sub");
    for _ in 0..rounds {
        let other = standing.post("/users", samples::user(&["admin"])).await.is(201);
        let other_login = desk.login(&other.str("username")).await;
        let (theirs, mine) = (format!("/users/{}", other.id()), format!("/users/{standing_id}"));
        let (first, second) = tokio::join!(standing.delete(&theirs), other_login.delete(&mine));
        let statuses = [first.status, second.status];
        let deleted = statuses.iter().filter(|status| **status == 204).count();
        assert_eq!(deleted, 1, "exactly one goes: {first}\n{second}");
        assert!(statuses.iter().all(|status| [204, 401, 404, 409].contains(status)), "{first}\n{second}");
        if second.status == 204 {
            standing.get("/me").await.problem(401);
            (standing, standing_id) = (other_login, other.id());
        } else {
            other_login.get("/me").await.problem(401);
        }
        standing.get("/me").await.is(200);
    }
    desk.end().await;
}

async fn of_many_claims_to_one_name_one_wins(desk: &Host) {
    let scene = Scene::on(desk).await;
    let wanted = samples::name("wanted");
    let claims = (0..many(desk)).map(|n| {
        let name = if n % 2 == 0 { wanted.clone() } else { wanted.to_uppercase() };
        scene.admin.post("/users", samples::merged(samples::user(&["support"]), json!({ "username": name })))
    });
    let answers = join_all(claims).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for lost in answers.into_iter().filter(|answer| answer.status != 201) {
        lost.refused(409, "already-taken");
    }
}

async fn a_message_and_the_closing_of_its_ticket_come_in_some_order(desk: &Host) {
    let scene = Scene::on(desk).await;
    let employee = scene.employee().await;
    for _ in 0..many(desk) / 3 {
        let ticket = scene.ticket_in(&employee, "solved").await;
        let path = format!("/tickets/{}", ticket.id());
        let (status, messages) = (format!("{path}/status"), format!("{path}/messages"));
        let closing = scene.admin.put(&status, json!({ "status": "closed" }));
        let saying = scene.admin.post(&messages, json!({ "visibility": "public", "body": "Wait!" }));
        let (closed, said) = tokio::join!(closing, saying);
        let closed = closed.is(200);
        let said = said.is_one_of(&[201, 409]);
        let seen = scene.admin.see(&closed, &path).await;
        let seen = if said.status == 201 { scene.admin.see(&said, &path).await } else { seen };
        assert_eq!(seen.str("status"), "closed", "{seen}");
        assert_eq!(seen.body["message_count"], u32::from(said.status == 201), "{seen}");
    }
}
