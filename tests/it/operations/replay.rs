//! Read models are made anew and compared with the store while the desk is at work.

use std::{
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use eventdesk_tests::{Caller, Desk, Scene, samples};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{PATIENCE, command, ends, file, tool};

fn said(body: &str) -> Value {
    json!({"visibility": "public", "body": body})
}

/// Everything that the views say of tickets and messages, but for how often it was written.
fn documents(desk: &Desk) -> Vec<String> {
    let views = file(desk, "views.db");
    let mut all = Vec::new();
    for view in ["tickets", "messages", "users", "employees"] {
        let live: u32 =
            views.query_row("SELECT generation FROM aliases WHERE view = ?1", [view], |row| row.get(0)).unwrap();
        let sql =
            format!("SELECT id || ' ' || version || ' ' || deleted || ' ' || body FROM {view}_g{live} ORDER BY id");
        let mut rows = views.prepare(&sql).unwrap();
        all.extend(rows.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    all
}

/// The same without what tells the way to it: messages that were pending when the ticket was last written.
fn settled(desk: &Desk) -> Vec<String> {
    let without = |line: String| match line.find(",\"pending\":[") {
        Some(at) => format!("{}{}", &line[..at], line[at..].split_once(']').unwrap().1),
        None => line,
    };
    documents(desk).into_iter().map(without).collect()
}

fn generation(desk: &Desk, view: &str) -> u32 {
    let views = file(desk, "views.db");
    views.query_row("SELECT generation FROM aliases WHERE view = ?1", [view], |row| row.get(0)).unwrap()
}

/// Opens tickets, talks and moves them, and reads what it wrote, until told to end; nothing may fail.
async fn work(caller: Caller, employee: &str, stop: &AtomicBool, done: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        let ticket = caller.post("/tickets", samples::ticket(employee)).await.is(201);
        let path = format!("/tickets/{}", ticket.id());
        caller.see(&ticket, &path).await;
        let told = caller.post(&format!("{path}/messages"), said("Does it work now?")).await.is(201);
        caller.see(&told, &format!("{path}/messages")).await;
        let moved = caller.put(&format!("{path}/status"), json!({"status": "solved"})).await.is(200);
        assert_eq!(caller.see(&moved, &path).await.body["status"], "solved");
        assert_eq!(caller.get("/tickets?limit=20").await.is(200).rows().len().min(1), 1);
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Has callers work while something is done, and waits until the projectors have all of it.
async fn under_load<T>(scene: &Scene, employee: &str, during: impl Future<Output = T>) -> T {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let callers: Vec<_> = (0..3).map(|_| scene.admin.apart()).collect();
    let work = join_all(callers.into_iter().map(|caller| work(caller, employee, &stop, &done)));
    let during = async {
        let result = during.await;
        stop.store(true, Ordering::Relaxed);
        result
    };
    let (_, result) = tokio::join!(work, during);
    assert!(done.load(Ordering::Relaxed) > 0, "nobody worked");
    result
}

async fn tool_beside(desk: &Desk, words: &'static [&'static str]) -> eventdesk_tests::Output {
    let command = command(desk, words);
    tokio::task::spawn_blocking(move || eventdesk_tests::run(command, PATIENCE)).await.unwrap()
}

async fn opened(scene: &Scene, employee: &str, tickets: usize) {
    for _ in 0..tickets {
        let ticket = scene.admin.post("/tickets", samples::ticket(employee)).await.is(201);
        scene.admin.post(&format!("/tickets/{}/messages", ticket.id()), said("Does it work now?")).await.is(201);
        scene.admin.see(&ticket, &format!("/tickets/{}/history", ticket.id())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_under_load_fails_no_read_and_leaves_what_the_store_says() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    opened(&scene, &employee, 30).await;
    let replayed = under_load(&scene, &employee, tool_beside(&desk, &["replay", "--keep-old"])).await;
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    assert!(replayed.text.contains("generation messages 2, tickets 2 (live)"), "{replayed:?}");
    assert_eq!(generation(&desk, "history"), 2);

    ends(&desk, &["verify"], 0);
    let told = scene.admin.get("/admin/projections").await.is(200);
    let tickets = told.rows().into_iter().find(|row| row["name"] == "tickets").unwrap();
    assert_eq!((&tickets["views"][0]["generation"], &tickets["views"][0]["also"]), (&json!(2), &json!(1)), "{told}");
    assert_eq!((&tickets["rebuild_due"], &tickets["replay"]["stage"]), (&json!(false), &json!("done")), "{told}");
    assert_eq!((&tickets["state"], &tickets["events_behind"]), (&json!("idle"), &json!(0)), "{told}");
    let live = settled(&desk);
    // Both generations have been written; another replay, with nobody at work, makes the same once more.
    ends(&desk, &["replay", "--flip"], 0);
    assert_eq!(generation(&desk, "tickets"), 1);
    assert_eq!(settled(&desk), live);
    ends(&desk, &["verify"], 0);
    ends(&desk, &["replay", "--drop-old"], 0);
    ends(&desk, &["replay"], 0);
    assert_eq!(settled(&desk), live);
    assert!(desk.log().lines().all(|line| !line.contains("ERROR")), "{}", desk.log());
}

/// Starts a replay and kills it once its state says that it has begun to fill.
fn killed_half_way(desk: &Desk) {
    let mut child: Child =
        command(desk, &["replay", "--workers", "1"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let views = file(desk, "views.db");
    let begun = "SELECT EXISTS (SELECT 1 FROM replays_g1 WHERE body LIKE '%\"stage\":\"filling\"%' AND revision > 3)";
    while !views.query_row(begun, [], |row| row.get::<_, bool>(0)).unwrap() {
        assert!(child.try_wait().unwrap().is_none(), "it was through before it was killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_replay_goes_on_where_it_was() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    opened(&scene, &employee, 120).await;
    let resumed = under_load(&scene, &employee, async {
        killed_half_way(&desk);
        let refused = tool_beside(&desk, &["replay"]).await;
        assert!(refused.status.code() == Some(1) && refused.text.contains("--resume"), "{refused:?}");
        tool_beside(&desk, &["replay", "--resume"]).await
    })
    .await;
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    assert_eq!(generation(&desk, "tickets"), 2);
    ends(&desk, &["verify"], 0);
}

#[tokio::test]
async fn planted_differences_are_named_one_by_one_and_mended() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    opened(&scene, &employee, 12).await;
    ends(&desk, &["verify"], 0);
    let views = file(&desk, "views.db");
    let id = |table: &str, at: u32| -> String {
        views
            .query_row(&format!("SELECT id FROM {table}_g1 ORDER BY id LIMIT 1 OFFSET {at}"), [], |row| row.get(0))
            .unwrap()
    };
    let (corrupted, missing, message) = (id("tickets", 3), id("tickets", 5), id("messages", 2));
    let extra = "0190a8c0-0000-7000-8000-00000000000f";
    views.execute("UPDATE tickets_g1 SET status = 'closed' WHERE id = ?1", [&corrupted]).unwrap();
    views.execute("DELETE FROM tickets_g1 WHERE id = ?1", [&missing]).unwrap();
    views
        .execute("UPDATE messages_g1 SET body = replace(body, 'public', 'internal') WHERE id = ?1", [&message])
        .unwrap();
    views
        .execute(
            "INSERT INTO history_g1 SELECT ?1, version, revision, deleted, ticket, place, body FROM history_g1 LIMIT 1",
            [extra],
        )
        .unwrap();

    let admin = scene.admin.get("/me").await.is(200).body["user"]["id"].as_str().unwrap().to_owned();
    let side = "DELETE FROM users_g1_roles WHERE doc = (SELECT rowid FROM users_g1 WHERE id = ?1)";
    assert_eq!(views.execute(side, [&admin]).unwrap(), 1);
    let admins = async || scene.admin.get("/users?role=admin").await.is(200).column("id");
    assert_eq!(admins().await, Vec::<String>::new());

    let said = tool(&desk, &["verify", "--json", "--patience", "1"]);
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    let mut found: Vec<String> = said
        .text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .flat_map(|line| line["differences"].as_array().cloned().unwrap_or_default())
        .map(|one| format!("{} {} {}", one["view"], one["id"], one["kind"]).replace('"', ""))
        .collect();
    found.sort();
    let mut expected = vec![
        format!("tickets {corrupted} differs"),
        format!("tickets {missing} missing"),
        format!("messages {message} differs"),
        format!("history {extra} extra"),
        format!("users {admin} misfiled"),
    ];
    expected.sort();
    assert_eq!(found, expected, "{said:?}");

    // Two in place, the others by a new generation.
    let mended = ends(&desk, &["replay", "--stream", &format!("user-{admin}")], 0);
    assert!(mended.contains(&format!("users/{admin}: mended")), "{mended}");
    assert_eq!(admins().await, [admin]);
    let stream = format!("ticket-{missing}");
    let mended = ends(&desk, &["replay", "--stream", &stream], 0);
    assert!(mended.contains(&format!("tickets/{missing}: mended")), "{mended}");
    scene.admin.get(&format!("/tickets/{missing}")).await.is(200);
    ends(&desk, &["replay"], 0);
    ends(&desk, &["verify"], 0);
    scene.admin.get(&format!("/tickets/{corrupted}")).await.is(200);
}

#[tokio::test]
async fn a_changed_projection_says_that_a_rebuild_is_due_and_serves_meanwhile() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    scene.admin.see(&ticket, &path).await;
    assert!(!desk.log().contains("a rebuild is due"), "{}", desk.log());
    assert!(desk.stop().success());
    // As if the build before had made them by other rules, and without a field.
    let views = file(&desk, "views.db");
    let listed = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%\"tickets_g1\"%\"priority\"%'";
    let indexes: Vec<String> =
        views.prepare(listed).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!indexes.is_empty());
    for index in indexes {
        views.execute(&format!("DROP INDEX \"{index}\""), []).unwrap();
    }
    views.execute("ALTER TABLE tickets_g1 DROP COLUMN priority", []).unwrap();
    let fields: String =
        views.query_row("SELECT fields FROM aliases WHERE view = 'tickets'", [], |row| row.get(0)).unwrap();
    let fields: Vec<_> = fields.split(", ").filter(|field| !field.starts_with("priority ")).collect();
    for table in ["aliases", "generations"] {
        let older = format!("UPDATE {table} SET shape = 0, fields = ?1 WHERE view = 'tickets'");
        views.execute(&older, [fields.join(", ")]).unwrap();
    }
    drop(views);
    desk.restart();
    assert!(desk.log().contains("a rebuild is due: run eventdesk replay"), "{}", desk.log());
    let scene = Scene::on(&desk).await;
    let due = |told: eventdesk_tests::Answer| -> Vec<Value> {
        told.rows().into_iter().filter(|row| row["rebuild_due"] == true).map(|row| row["name"].clone()).collect()
    };
    assert_eq!(due(scene.admin.get("/admin/projections").await.is(200)), ["tickets"]);
    // The generation that there is serves on, and is written on; what is new in it is empty.
    let priority = format!("/tickets?priority={}", scene.admin.get(&path).await.is(200).str("priority"));
    let found = async || scene.admin.get(&priority).await.is(200).column("id");
    assert_eq!(found().await, Vec::<String>::new());
    let moved = scene.admin.put(&format!("{path}/status"), json!({"status": "solved"})).await.is(200);
    assert_eq!(scene.admin.see(&moved, &path).await.body["status"], "solved");
    ends(&desk, &["replay", "--projection", "tickets"], 0);
    assert_eq!(due(scene.admin.get("/admin/projections").await.is(200)), Vec::<Value>::new());
    assert_eq!(scene.admin.get(&path).await.is(200).body["status"], "solved");
    assert_eq!(found().await, [ticket.id()]);
    ends(&desk, &["verify"], 0);
}
