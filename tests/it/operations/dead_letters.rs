//! Poison is given up and nobody waits for it; operators see it, try it again and drop it.

use std::time::Duration;

use eventdesk_app::ports::Ids as _;
use eventdesk_runtime::RandomIds;
use eventdesk_tests::{Answer, Desk, Scene};
use serde_json::Value;

use super::{ends, file, until};

const CONSUMER: &str = "projector-ticket";

/// A commit after the ticket's first that no build can project, with one attempt left before it is given up.
fn plant(desk: &Desk, ticket: &Answer) -> i64 {
    let store = file(desk, "store.db");
    let id = RandomIds.next();
    let key = [&[1_u8][..], &uuid::Uuid::parse_str(&ticket.id()).unwrap().into_bytes()].concat();
    let columns = "at, actor_kind, actor, correlation, causation, trace, private, state_version, state";
    store
        .execute(
            &format!(
                "INSERT INTO commits (stream, version, id, events, {columns})
                 SELECT stream, 2, ?2, ?3, {columns} FROM commits WHERE stream = ?1 AND version = 1"
            ),
            (&key, id.as_bytes(), r#"[{"type":"ticket.exploded","schema":1,"data":{"tags":["mended"]}}]"#),
        )
        .unwrap();
    let position = store.last_insert_rowid();
    let views = file(desk, "views.db");
    let retry = "INSERT INTO retries (consumer, position, attempts, due, reason) VALUES (?1, ?2, 5, 0, 'planted')";
    views.execute(retry, (CONSUMER, position)).unwrap();
    position
}

fn listed(desk: &Desk) -> Vec<Value> {
    let lines = ends(desk, &["dead-letters", "list", "--consumer", CONSUMER, "--json"], 0);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn poison_is_listed_retried_and_dropped_and_nobody_waits_for_it() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    let poisoned = scene.ticket(&employee).await;
    let path = format!("/tickets/{}", poisoned.id());
    scene.admin.see(&poisoned, &path).await;
    assert!(ends(&desk, &["dead-letters", "list"], 0).contains("0 dead letters"));
    assert!(desk.stop().success());
    let position = plant(&desk, &poisoned);
    desk.restart();

    // Others are projected as ever.
    let scene = Scene::on(&desk).await;
    for _ in 0..5 {
        let other = scene.ticket(&employee).await;
        scene.admin.see(&other, &format!("/tickets/{}", other.id())).await;
    }
    let name = format!("{CONSUMER}.{position}");
    let said = until(&desk, &["dead-letters", "list"], |output| output.text.contains(&name)).text;
    for words in [&format!("{CONSUMER} ticket-{}", poisoned.id()), "version 2", "ticket.exploded", "6 attempts"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let shown: Value = serde_json::from_str(&ends(&desk, &["dead-letters", "show", &name], 0)).unwrap();
    assert_eq!((&shown["obsolete"], &shown["events"][0]["data"]["tags"][0]), (&false.into(), &"mended".into()));
    let text = poisoned.str("description");
    assert!(!shown.to_string().contains(&text), "texts are shown only to who asks for them");
    let shown = ends(&desk, &["dead-letters", "show", &name, "--private"], 0);
    assert!(shown.contains(&text), "{shown}");

    // Once the reason is gone, it can be tried again.
    let events = r#"[{"type":"ticket.tagged","schema":1,"data":{"tags":["mended"]}}]"#;
    file(&desk, "store.db").execute("UPDATE commits SET events = ?1 WHERE position = ?2", (events, position)).unwrap();
    assert!(ends(&desk, &["dead-letters", "retry", &name], 0).contains("put back"));
    wait_for_version(&scene, &path, "\"2\"").await;
    assert!(listed(&desk).is_empty());
    ends(&desk, &["dead-letters", "retry", &name], 1);
    ends(&desk, &["dead-letters", "discard", &name], 1);

    // What the read models have all the same is obsolete, and not tried again.
    let views = file(&desk, "views.db");
    let dead = "INSERT INTO dead_letters (consumer, position, attempts, at, reason) VALUES (?1, ?2, 6, 1, 'planted')";
    views.execute(dead, (CONSUMER, position)).unwrap();
    assert_eq!(listed(&desk)[0]["obsolete"], true);
    let said = ends(&desk, &["dead-letters", "retry", "--all"], 0);
    assert!(said.contains(&format!("{name}: obsolete")), "{said}");
    assert!(listed(&desk).is_empty());

    views.execute(dead, (CONSUMER, position)).unwrap();
    let elsewhere = format!("ticket-{}", RandomIds.next());
    assert_eq!(ends(&desk, &["dead-letters", "discard", "--all", "--stream", &elsewhere], 0), "");
    assert!(ends(&desk, &["dead-letters", "discard", &name], 0).contains("dropped"));
    assert!(listed(&desk).is_empty());
}

async fn wait_for_version(scene: &Scene, path: &str, tag: &str) {
    let start = std::time::Instant::now();
    loop {
        let seen = scene.admin.get(path).await.is(200);
        if seen.header("etag").is_some_and(|found| found.starts_with(tag.trim_end_matches('"'))) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{seen}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
