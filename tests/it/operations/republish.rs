//! Events travel once more, to whom they are sent, marked and no faster than is said.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use eventdesk_tests::{Answer, Desk, Scene};
use serde_json::{Value, json};

use super::{
    PATIENCE,
    audit::{is_gone, lose},
    command, ends, file, until,
};

/// A ticket of two commits, known to all read models.
async fn ticket(scene: &Scene, employee: &str) -> Answer {
    let ticket = scene.ticket(employee).await;
    let path = format!("/tickets/{}", ticket.id());
    let changed = scene.admin.patch(&path, json!({"priority": "urgent"})).await.is(200);
    scene.admin.see(&changed, &path).await;
    scene.admin.see(&changed, &format!("{path}/history")).await;
    ticket
}

/// Who waits for a delivery that a replay of this name asked for, one line for each.
fn asked_by(desk: &Desk, name: &str) -> Vec<String> {
    let views = file(desk, "views.db");
    let mut rows = views.prepare("SELECT consumer FROM retries WHERE reason = ?1 ORDER BY consumer").unwrap();
    rows.query_map([format!("replay {name}")], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_replay_reaches_one_consumer_or_all_and_says_its_name() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    let (lost, other) = (ticket(&scene, &employee).await, ticket(&scene, &employee).await);
    let (path, stream) = (format!("/tickets/{}", lost.id()), format!("ticket-{}", lost.id()));
    lose(&desk, &[lost.id()]);

    let look = ["replay", "--to-bus", "--stream", &stream, "--dry-run", "--json"];
    let said = ends(&desk, &look, 0);
    let said: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(said["types"], json!({"ticket.opened": 1, "ticket.edited": 1}), "{said}");
    is_gone(&scene, &lost.id()).await;

    // One consumer alone, by a type: it reads what it lacks besides from the store.
    let alone = [
        "replay",
        "--to-consumer",
        "projector-ticket",
        "--stream",
        &stream,
        "--type",
        "ticket.edited",
        "--rate",
        "500",
    ];
    let said = ends(&desk, &alone, 0);
    assert!(said.contains("ticket.edited: 1") && said.contains("1 events were sent as replay-"), "{said}");
    until(&desk, &["verify", "--projection", "tickets"], |output| output.status.success());
    scene.admin.get(&path).await.is(200);
    assert_eq!(scene.admin.get(&format!("{path}/history")).await.is(200).rows().len(), 0);

    // All of them, while nobody is there.
    assert!(desk.stop().success());
    ends(&desk, &["replay", "--to-bus", "--stream", &stream, "--name", "lost-friday"], 0);
    assert_eq!(
        asked_by(&desk, "lost-friday"),
        ["projector-history", "projector-history", "projector-ticket", "projector-ticket"]
    );
    desk.restart();
    until(&desk, &["verify"], |output| output.status.success());
    assert_eq!(asked_by(&desk, "lost-friday"), [] as [&str; 0]);
    let scene = Scene::on(&desk).await;
    assert_eq!(scene.admin.get(&format!("{path}/history")).await.is(200).rows().len(), 2);
    // Whoever had it all has it once.
    ends(&desk, &["replay", "--to-bus", "--rate", "1000"], 0);
    until(&desk, &["audit", "--dry-run"], |output| output.text.matches(" 0 waiting").count() == 3);
    ends(&desk, &["verify"], 0);
    let history = scene.admin.get(&format!("/tickets/{}/history", other.id())).await.is(200);
    assert_eq!(history.rows().len(), 2, "{history}");
    assert!(desk.log().lines().all(|line| !line.contains("ERROR")), "{}", desk.log());
}

#[tokio::test]
async fn a_replay_keeps_its_rate_and_ends_when_it_is_told_to() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    for _ in 0..5 {
        ticket(&scene, &employee).await;
    }
    assert!(desk.stop().success());
    let start = Instant::now();
    ends(&desk, &["replay", "--to-consumer", "projector-ticket", "--type", "ticket.*", "--rate", "10"], 0);
    // Ten events: the first at once.
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());

    let slow = command(&desk, &["replay", "--to-bus", "--rate", "1", "--name", "slow"]);
    let mut child = slow.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while asked_by(&desk, "slow").is_empty() {
        assert!(start.elapsed() < PATIENCE, "nothing was ever sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let status = eventdesk_tests::exit_within(&mut child, Duration::from_secs(20)).expect("it ends");
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(status.code() == Some(1) && said.contains("the replay was interrupted"), "{status} {said}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let desk = Desk::start();
    for (words, code) in [
        (["--to-bus", "--type", "ticket.opend"].as_slice(), 2),
        (&["--to-bus", "--to-consumer", "projector-ticket"], 2),
        (&["--to-consumer", "projector-nobody"], 2),
        (&["--to-bus", "--rate", "0"], 2),
        (&["--to-bus", "--name", "two words"], 2),
        (&["--to-bus", "--projection", "tickets"], 2),
        (&["--type", "ticket.opened"], 2),
        (&["--to", "2026-11-20T00:00:00Z"], 2),
        (&["--stream", "ticket-0190a8c0-0000-7000-8000-000000000002", "--from", "2026-11-20T00:00:00Z"], 1),
    ] {
        ends(&desk, &[&["replay"], words].concat(), code);
    }
}
