//! Erased words stand nowhere: not in any file, not after everything is built anew.

use std::{fs, path::Path};

use eventdesk_tests::{Desk, Person, Scene, answered_nowhere, samples, samples::word};
use serde_json::json;

use super::{ends, file, until};

/// Files under a folder that hold one of these texts, with the text.
fn holding(folder: &Path, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, words));
            continue;
        }
        // A file of the moment may be gone by now.
        let bytes = fs::read(&path).unwrap_or_default();
        let holds = |word: &&String| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| format!("{} holds {word}", path.display())));
    }
    found
}

#[tokio::test]
async fn erased_words_stand_nowhere_before_and_after_everything_is_built_anew() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let person = Person::on(&scene).await;
    let words = &person.words;
    assert!(!holding(&desk.data(), words).is_empty(), "the search finds what is there");

    let told = ends(&desk, &["erase", "--person", &person.employee_id], 0);
    assert!(told.contains("2 events about the person and 4 of texts"), "{told}");
    assert_eq!(holding(&desk.data(), words), Vec::<String>::new());
    assert!(words.iter().all(|word| !desk.log().contains(word.as_str())));
    person.is_answered_nowhere(&scene.admin).await;
    let shown = scene.admin.get(&person.ticket).await.is(200);
    assert_eq!(shown.body["title"], person.kept.as_str(), "others' words stay: {shown}");
    assert_eq!(shown.body["message_count"], 2, "facts stay: {shown}");
    person.caller.get("/tickets").await.is(401);

    // The proof says how much, and of what there was nothing is told.
    let proof: String = file(&desk, "store.db")
        .query_row("SELECT events FROM commits WHERE events LIKE '%employee.erased%'", [], |row| row.get(0))
        .unwrap();
    assert!(proof.contains("\"own_parts\":2,\"written_parts\":4"), "{proof}");
    // Done again it finds nothing.
    let told = ends(&desk, &["erase", "--person", &person.user_id], 0);
    assert!(told.contains("this run changed 0 commits, 0 documents"), "{told}");
    assert!(ends(&desk, &["erase", "--person", "01975b1e-8c02-7b6d-9d0c-6f3b1a7c2e11"], 1).contains("no user"));

    // Everything is built anew from the store, beside the server and without it.
    ends(&desk, &["replay"], 0);
    ends(&desk, &["replay", "--to-bus", "--rate", "1000"], 0);
    until(&desk, &["audit", "--dry-run"], |output| output.text.matches(" 0 waiting").count() == 3);
    ends(&desk, &["verify"], 0);
    person.is_answered_nowhere(&scene.admin).await;
    assert_eq!(holding(&desk.data(), words), Vec::<String>::new());
    assert!(desk.stop().success());
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(desk.data().join(format!("views.db{suffix}")));
    }
    desk.restart();
    until(&desk, &["audit", "--dry-run"], |output| output.status.success());
    let scene = Scene::on(&desk).await;
    person.is_answered_nowhere(&scene.admin).await;
    assert_eq!(holding(&desk.data(), words), Vec::<String>::new());
    scene.admin.look(&person.answer, &person.ticket).await.is(200);
}

#[tokio::test]
async fn every_generation_is_erased_and_none_while_a_replay_is_unfinished() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let words = [word("Given"), word("said"), word("Later")];
    let user = samples::merged(samples::user(&["support"]), json!({ "first_name": words[0] }));
    let user = scene.admin.post("/users", user).await.is(201);
    let theirs = desk.login(&user.str("username")).await;
    let ticket = scene.ticket(&scene.employee().await).await;
    let path = format!("/tickets/{}", ticket.id());
    let said = theirs.post(&format!("{path}/messages"), json!({ "body": words[1] })).await.is(201);
    scene.admin.see(&said, &format!("{path}/messages")).await;
    // One generation is kept, which is written on; of the directory one is built and not yet live.
    ends(&desk, &["replay", "--projection", "tickets", "--keep-old"], 0);
    ends(&desk, &["replay", "--projection", "directory", "--generation-only"], 0);
    let edited = theirs.patch(&format!("{path}/messages/{}", said.id()), json!({ "body": words[2] })).await.is(200);
    scene.admin.see(&edited, &format!("{path}/messages")).await;

    let views = file(&desk, "views.db");
    let stage = |from: &str, to: &str| {
        let sql = "UPDATE replays_g1 SET body = replace(body, ?1, ?2), revision = revision + 1 WHERE id = 'tickets'";
        views.execute(sql, [format!("\"stage\":\"{from}\""), format!("\"stage\":\"{to}\"")]).unwrap();
    };
    stage("done", "filling");
    let refused = ends(&desk, &["erase", "--person", &user.id()], 1);
    assert!(refused.contains("a replay of tickets is unfinished") && refused.contains("--resume"), "{refused}");
    theirs.get(&path).await.is(200);
    stage("filling", "done");

    let told = ends(&desk, &["erase", "--person", &user.id()], 0);
    assert!(told.contains("1 events about the person"), "{told}");
    assert_eq!(holding(&desk.data(), &words), Vec::<String>::new());
    for projection in ["tickets", "directory"] {
        ends(&desk, &["replay", "--projection", projection, "--flip"], 0);
    }
    let paths = [format!("{path}/messages"), "/users".to_owned(), format!("/users/{}", user.id())];
    answered_nowhere(&scene.admin, &words, &paths).await;
    ends(&desk, &["verify"], 0);
}
