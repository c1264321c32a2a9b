//! A file holds the whole desk: what it is read into gives the same answers, and damage is told by its line.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use eventdesk_tests::{ADMIN, Desk, Scene, answers_as, furnish, run, sampled, samples};
use serde_json::json;

use super::{PATIENCE, ends, file, tool};

/// Runs the program on another data folder.
fn elsewhere(desk: &Desk, data: &Path, words: &[&str], code: i32) -> String {
    let mut command = desk.command();
    command.args(words).env("EVENTDESK_DATA", data).env("EVENTDESK_LOG_LEVEL", "error");
    let output = run(&mut command, PATIENCE);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    output.text
}

#[tokio::test]
async fn what_was_exported_and_imported_gives_the_same_answers() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    furnish(&scene, 8).await;
    super::until(&desk, &["audit", "--dry-run"], |output| output.status.success());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.ndjson");
    let file_name = path.to_str().unwrap();
    let said = ends(&desk, &["export", file_name, "--credentials"], 0);
    assert!(said.contains("commits and 2 password hashes"), "{said}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "texts stand in it");
    assert!(!tool(&desk, &["export", file_name]).status.success(), "nothing is overwritten");
    assert!(!tool(&desk, &["import", file_name]).status.success(), "a server has the folder");
    let answers = sampled(&scene.admin, 100).await;
    assert!(answers.len() >= 40, "{} queries", answers.len());

    let other = Desk::start_with(&[]);
    assert!(other.stop().success());
    assert!(ends(&other, &["import", file_name], 1).contains("not empty"));
    fs::remove_dir_all(other.data()).unwrap();
    let said = ends(&other, &["import", file_name], 0);
    assert!(said.contains("2 password hashes are imported"), "{said}");
    other.restart();
    let there = Scene::on(&other).await;
    answers_as(&there.admin, &answers).await;
    other.login(ADMIN).await.get("/me").await.is(200);
    // Unique values, numbers and the roster are as they were.
    let employee = there.admin.get("/employees?limit=1").await.is(200).rows()[0].clone();
    let same = samples::merged(samples::employee(), json!({ "email": employee["email"] }));
    there.admin.post("/employees", same).await.refused(409, "already-taken");
    let numbers = sampled_numbers(&there).await;
    let fresh = there.ticket(employee["id"].as_str().unwrap()).await;
    let number = fresh.body["number"].as_u64().unwrap();
    assert!(!numbers.contains(&number) && number > 8, "{number} of {numbers:?}");
    let id = there.admin.get("/users?username=admin").await.is(200).rows()[0]["id"].as_str().unwrap().to_owned();
    there.admin.delete(&format!("/users/{id}")).await.refused(409, "last-admin");
}

async fn sampled_numbers(scene: &Scene) -> Vec<u64> {
    let tickets = scene.admin.get("/tickets?limit=100").await.is(200);
    tickets.rows().iter().filter_map(|ticket| ticket["number"].as_u64()).collect()
}

#[tokio::test]
async fn a_damaged_file_is_refused_by_its_line_and_nothing_is_written() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    scene.ticket(&scene.employee().await).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.ndjson");
    ends(&desk, &["export", path.to_str().unwrap()], 0);
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let spoilt = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        lines.join("\n") + "\n"
    };
    let changed = lines[2].replace("ticket", "tickeT").replace("user", "useR").replace("employee", "employeE");
    let without = |number: usize| [&lines[..number - 1], &lines[number..]].concat().join("\n") + "\n";
    let last = format!("line {}", lines.len() - 1);
    for (damaged, told) in [
        (spoilt(3, &changed), "line 3"),
        (spoilt(1, r#"{"eventdesk_export":2,"made_at":"2026-01-01T00:00:00.000Z","credentials":false}"#), "version 2"),
        (spoilt(2, "{}"), "line 2"),
        (without(3), last.as_str()),
        (without(lines.len()), "not whole"),
        (whole[..whole.len() - 20].to_owned(), "cut off"),
        (whole.clone() + "{}\n", "after the last line"),
        ("no export\n".to_owned(), "not an export"),
    ] {
        let other = folder.path().join("damaged.ndjson");
        fs::write(&other, &damaged).unwrap();
        let data = folder.path().join("data");
        let said = elsewhere(&desk, &data, &["import", other.to_str().unwrap()], 1);
        assert!(said.contains(told), "{told}: {said}");
        let store = rusqlite::Connection::open(data.join("store.db")).unwrap();
        let rows: i64 = store.query_row("SELECT count(*) FROM commits", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }
}

#[tokio::test]
async fn what_was_interrupted_goes_on_and_is_never_served_half() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    furnish(&scene, 8).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.ndjson");
    let name = path.to_str().unwrap();
    ends(&desk, &["export", name, "--credentials"], 0);
    let whole = fs::read_to_string(&path).unwrap();
    // An export that was killed, before its first line or in the middle of a later one, goes on to the same commits.
    let commits =
        |text: &str| text.lines().filter(|line| line.contains("\"commit\":")).map(str::to_owned).collect::<Vec<_>>();
    for cut in [0, whole.find('\n').unwrap() + 1, whole.rfind("\"place\"").unwrap() - 100] {
        fs::write(&path, &whole[..cut]).unwrap();
        ends(&desk, &["export", name, "--credentials", "--resume"], 0);
        assert_eq!(commits(&fs::read_to_string(&path).unwrap()), commits(&whole), "cut at {cut}");
    }
    assert!(ends(&desk, &["export", name, "--resume"], 0).contains("whole already"));

    // As an import leaves it that was killed: some commits, and the mark.
    let other = Desk::start();
    assert!(other.stop().success());
    fs::remove_dir_all(other.data()).unwrap();
    ends(&other, &["import", name], 0);
    assert!(ends(&other, &["import", name, "--resume"], 1).contains("no interrupted import"));
    let last: serde_json::Value = serde_json::from_str(whole.lines().last().unwrap()).unwrap();
    let new_last = fs::read_to_string(&path).unwrap();
    let new_last: serde_json::Value = serde_json::from_str(new_last.lines().last().unwrap()).unwrap();
    let mark = |end: &serde_json::Value| i64::from_str_radix(&end["end"]["sum"].as_str().unwrap()[..8], 16).unwrap();
    let store = file(&other, "store.db");
    store.execute("DELETE FROM commits WHERE position > 10", []).unwrap();
    store.execute("DELETE FROM reservations", []).unwrap();
    store.execute("INSERT INTO counters (name, value) VALUES ('unfinished_import', ?1)", [mark(&new_last)]).unwrap();
    drop(store);
    let mut serve = other.command();
    serve.arg("serve");
    let refused = run(&mut serve, PATIENCE);
    assert!(!refused.status.success() && refused.text.contains("interrupted"), "{refused:?}");
    assert!(ends(&other, &["import", name], 1).contains("interrupted"));
    if mark(&last) != mark(&new_last) {
        fs::write(folder.path().join("other.ndjson"), &whole).unwrap();
        let said = ends(&other, &["import", folder.path().join("other.ndjson").to_str().unwrap(), "--resume"], 1);
        assert!(said.contains("another file"), "{said}");
    }
    let said = ends(&other, &["import", name, "--resume"], 0);
    assert!(said.contains("10 of the commits were there already"), "{said}");
    other.restart();
    let answers = sampled(&scene.admin, 60).await;
    answers_as(&Scene::on(&other).await.admin, &answers).await;
}
