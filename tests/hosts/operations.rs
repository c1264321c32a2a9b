//! Operators' tools on AWS and MongoDB: a desk moves there and back, and a person is erased from all of it.

use std::{path::Path, process::Command, time::Duration};

use eventdesk_tests::{Cloud, Desk, Person, Scene, answers_as, furnish, run, sampled};
use serde_json::json;

use super::Independent;

pub(crate) fn tests() -> Vec<Independent> {
    vec![
        ("a_desk_moves_to_the_cloud_and_back_and_answers_the_same", || Box::pin(a_desk_moves_to_the_cloud_and_back())),
        ("erased_words_stand_nowhere_before_and_after_a_replay", || Box::pin(erased_words_stand_nowhere())),
    ]
}

const PATIENCE: Duration = Duration::from_mins(5);

/// Runs the program to this exit code; what it said.
fn ends(mut command: Command, words: &[&str], code: i32) -> String {
    let output = run(command.args(words).env("EVENTDESK_LOG_LEVEL", "error"), PATIENCE);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    output.text
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}

async fn a_desk_moves_to_the_cloud_and_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (there, back) = (folder.path().join("there.ndjson"), folder.path().join("back.ndjson"));
    let embedded = Desk::start();
    let scene = Scene::on(&embedded).await;
    furnish(&scene, 28).await;
    let answers = loop {
        // Names and counts that come from other streams come a moment later.
        let answers = sampled(&scene.admin, 100).await;
        if sampled(&scene.admin, 100).await == answers {
            break answers;
        }
    };
    assert_eq!(answers.len(), 100);
    ends(embedded.command(), &["verify"], 0);
    ends(embedded.command(), &["export", text(&there), "--credentials"], 0);

    let cloud = Cloud::deploy().await;
    let data = folder.path().join("tools");
    let said = ends(cloud.command(&data), &["import", text(&there)], 0);
    assert!(said.contains("2 password hashes are imported") && said.contains("eventdesk replay"), "{said}");
    ends(cloud.command(&data), &["replay"], 0);
    let hybrid = Desk::start_on(&cloud);
    let scene = Scene::on(&hybrid).await;
    ends(cloud.command(&data), &["verify"], 0);
    answers_as(&scene.admin, &answers).await;
    assert!(ends(cloud.command(&data), &["import", text(&there)], 1).contains("not empty"));
    ends(cloud.command(&data), &["export", text(&back), "--credentials"], 0);
    drop(hybrid);

    let again = Desk::start();
    assert!(again.stop().success());
    std::fs::remove_dir_all(again.data()).expect("nobody uses it");
    ends(again.command(), &["import", text(&back)], 0);
    again.restart();
    let scene = Scene::on(&again).await;
    answers_as(&scene.admin, &answers).await;
    ends(again.command(), &["verify"], 0);
    // Not only to be read.
    let employee = scene.employee().await;
    scene.ticket(&employee).await;
    cloud.remove().await;
}

async fn erased_words_stand_nowhere() {
    let cloud = Cloud::deploy().await;
    let desk = Desk::start_on(&cloud);
    let scene = Scene::on(&desk).await;
    let copies = cloud.subscribe("copies", &json!({ "source": ["eventdesk"] })).await;
    let person = Person::on(&scene).await;
    plant_dead_letters(&cloud, &copies).await;
    cloud.unsubscribe("copies").await;
    let words = &person.words;
    let before = cloud.holding(words).await.join("\n");
    for place in ["table", "collection", "projector-ticket-dead", "projector-directory-dead"] {
        assert!(before.contains(place), "the search finds what is in {place}: {before}");
    }

    let told = ends(desk.command(), &["erase", "--person", &person.employee_id], 0);
    assert!(told.contains("2 events about the person and 4 of texts"), "{told}");
    assert!(told.contains("2 dead letters"), "{told}");
    assert_eq!(cloud.holding(words).await, [] as [&str; 0]);
    person.is_answered_nowhere(&scene.admin).await;
    let shown = scene.admin.look(&person.answer, &person.ticket).await.is(200);
    assert_eq!(shown.body["title"], person.kept.as_str(), "others' words stay: {shown}");
    person.caller.get("/tickets").await.is(401);

    ends(desk.command(), &["replay"], 0);
    ends(desk.command(), &["replay", "--to-bus", "--rate", "1000"], 0);
    let letters = ends(desk.command(), &["dead-letters", "retry", "--all"], 0);
    assert_eq!(letters.matches("obsolete").count(), 2, "{letters}");
    ends(desk.command(), &["verify"], 0);
    assert_eq!(cloud.holding(words).await, [] as [&str; 0]);
    person.is_answered_nowhere(&scene.admin).await;
    assert!(words.iter().all(|word| !desk.log().contains(word.as_str())));
    drop(desk);
    cloud.remove().await;
}

/// Events with private text become dead letters, as if their projectors had given them up.
async fn plant_dead_letters(cloud: &Cloud, copies: &str) {
    let (mut ticket, mut employee) = (false, false);
    loop {
        let messages = cloud.receive(copies).await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            for (kind, consumer, done) in [
                ("\"ticket.opened\"", "projector-ticket", &mut ticket),
                ("\"employee.registered\"", "projector-directory", &mut employee),
            ] {
                if message.body.contains(kind) && !*done {
                    cloud.send(&cloud.queue(consumer, true), &message.body).await;
                    *done = true;
                }
            }
            cloud.delete(copies, &message).await;
        }
    }
    assert!(ticket && employee, "the bus carried both");
}
