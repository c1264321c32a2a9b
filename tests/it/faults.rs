//! What goes wrong around the server: folders, disks, locks and signals.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use eventdesk_tests::{Answer, Caller, Desk, Scene, run, samples};
use futures_util::future::join_all;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_second_server_on_one_folder_refuses_and_says_why() {
    let desk = Desk::start();
    let mut second = desk.command();
    second.arg("serve");
    let output = run(&mut second, PATIENCE);
    assert!(!output.status.success(), "{output:?}");
    assert!(output.text.contains(&*desk.data().to_string_lossy()), "the message names the folder: {output:?}");
    assert!(!output.text.contains("panicked"), "{output:?}");
    desk.visitor().get("/ready").await.is(200);
}

#[tokio::test]
async fn a_stop_finishes_what_was_accepted_and_a_start_has_it() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    let callers: Vec<_> = (0..8).map(|_| scene.admin.apart()).collect();
    let work = callers.iter().map(async |caller| {
        let mut answered = Vec::new();
        for _ in 0..10_000 {
            match caller.attempt("POST", "/tickets", Some(samples::ticket(&employee))).await {
                Ok(answer) if answer.status == 201 => answered.push(answer),
                Ok(answer) => assert_eq!(answer.status, 503, "{answer}"),
                Err(_) => break,
            }
        }
        answered
    });
    let stop = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        desk.ask_to_stop();
    };
    let (answered, ()) = tokio::join!(join_all(work), stop);
    let status = desk.wait_stopped();
    assert!(status.success(), "ended with {status}:\n{}", desk.log());
    let answered: Vec<_> = answered.into_iter().flatten().collect();
    assert!(!answered.is_empty());

    desk.restart();
    let admin = desk.admin().await;
    for ticket in &answered {
        admin.see(ticket, &format!("/tickets/{}", ticket.id())).await;
    }
    let total = total(&admin, &employee).await;
    assert!(total >= answered.len() as u64, "{total} stored of {} answered", answered.len());
}

/// How many tickets an employee has, by the list's own count.
async fn total(admin: &Caller, employee: &str) -> u64 {
    let page = admin.get(&format!("/tickets?requester={employee}&include=total&limit=1")).await.is(200);
    page.body["total"].as_u64().or(page.body["page"]["total"].as_u64()).unwrap_or_else(|| panic!("no total: {page}"))
}

#[tokio::test]
async fn a_start_that_cannot_be_says_which_key_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let check = |settings: &[(&str, &str)], file: &str| {
        let path = folder.path().join("eventdesk.toml");
        std::fs::write(&path, file).expect("the folder can be written");
        let mut command = eventdesk_tests::start("eventdesk");
        command.args(["config", "check"]).current_dir(folder.path()).env("EVENTDESK_CONFIG", &path);
        run(command.envs(settings.iter().copied()), PATIENCE)
    };
    let good = check(&[], "listen = \"127.0.0.1:0\"\n[limits]\nrequests_per_minute_per_principal = 10\n");
    assert!(good.status.success(), "{good:?}");

    for (file, key) in [
        ("colour = \"blue\"\n", "colour"),
        ("[limits]\nrequests_per_minute = 5\n", "requests_per_minute"),
        ("[nonsense]\nx = 1\n", "nonsense"),
        ("listen = \"somewhere\"\n", "listen"),
        ("listen = 8080\n", "listen"),
        ("[builtin_issuer]\ntoken_minutes = 0\n", "token_minutes"),
        ("[builtin_issuer]\ntoken_minutes = \"an hour\"\n", "token_minutes"),
        ("[store]\nkind = \"paper\"\n", "kind"),
        ("[passwords]\nargon2_iterations = 0\n", "argon2_iterations"),
        ("[limits]\nlogin_failures_per_minute = -1\n", "login_failures_per_minute"),
        ("base_path = \"no slash, but blanks\"\n", "base_path"),
        ("[views]\nkind = \"mongodb\"\nuri = \"mongodb://ann:hunter2@127.0.0.1\"\n", "views.uri"),
    ] {
        let output = check(&[], file);
        assert_eq!(output.status.code(), Some(2), "{file:?}: {output:?}");
        assert!(output.text.contains(key), "{file:?}: the message does not name {key}: {output:?}");
        assert!(!output.text.contains("panicked") && !output.text.contains("hunter2"), "{output:?}");
    }
    for (name, value, key) in [
        ("EVENTDESK_LISTEN", "somewhere", "listen"),
        ("EVENTDESK_BUILTIN_ISSUER_TOKEN_MINUTES", "soon", "token_minutes"),
        ("EVENTDESK_LIMITS_LOGIN_FAILURES_PER_MINUTE", "many", "login_failures_per_minute"),
    ] {
        let output = check(&[(name, value)], "");
        assert!(!output.status.success(), "{name}={value} was accepted: {output:?}");
        let text = output.text.to_lowercase();
        assert!(text.contains(key) || text.contains(&name.to_lowercase()), "{name}={value}: {output:?}");
    }
    let broken = check(&[], "listen = \n");
    assert!(!broken.status.success(), "{broken:?}");

    let mut serve = eventdesk_tests::start("eventdesk");
    serve.arg("serve").current_dir(folder.path()).env("EVENTDESK_LISTEN", "somewhere");
    let output = run(&mut serve, PATIENCE);
    assert!(!output.status.success() && output.text.to_lowercase().contains("listen"), "{output:?}");
}

#[tokio::test]
async fn a_missing_configuration_file_that_was_asked_for_stops_the_start() {
    let mut command = eventdesk_tests::start("eventdesk");
    command.args(["config", "check"]).env("EVENTDESK_CONFIG", "not-there/eventdesk.toml");
    let output = run(&mut command, PATIENCE);
    assert!(!output.status.success() && output.text.contains("not-there"), "{output:?}");
}

#[tokio::test]
async fn a_locked_store_is_503_for_writers_only_and_recovers() {
    let desk = Desk::start();
    let scene = Scene::on(&desk).await;
    let employee = scene.employee().await;
    let ticket = scene.ticket(&employee).await;
    let path = format!("/tickets/{}", ticket.id());
    scene.admin.see(&ticket, &path).await;

    let holder = rusqlite::Connection::open(desk.data().join("store.db")).expect("the store is an SQLite file");
    holder.busy_timeout(Duration::from_secs(5)).expect("a timeout can be set");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock is free for a moment");
    let refused = scene.admin.post("/tickets", samples::ticket(&employee)).await.problem(503);
    assert!(refused.header("retry-after").is_some(), "{refused}");
    scene.admin.get(&path).await.is(200);
    scene.admin.get("/tickets").await.is(200);
    holder.execute_batch("ROLLBACK").expect("the lock can be given back");
    drop(holder);

    let again = until_created(&scene.admin, &employee).await;
    scene.admin.see(&again, &format!("/tickets/{}", again.id())).await;
}

/// Posts until it is accepted, as a client that heeds 503 would.
async fn until_created(admin: &Caller, employee: &str) -> Answer {
    let start = Instant::now();
    loop {
        let answer = admin.post("/tickets", samples::ticket(employee)).await;
        if answer.status == 201 {
            return answer;
        }
        assert!(answer.status == 503 && start.elapsed() < PATIENCE, "never recovered: {answer}");
    }
}

#[tokio::test]
async fn a_full_disk_is_503_for_writers_and_readers_go_on() {
    let desk = Desk::start();
    let employee = Scene::on(&desk).await.employee().await;
    assert!(desk.stop().success());
    let room = largest_file(&desk.data()) + 1024 * 1024;

    // The shell's limit counts blocks of 512 bytes; the signal must not end the server, so that writes fail instead.
    let mut limited = Command::new("sh");
    let server = desk.command();
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; exec \"$2\" serve", "sh"])
        .arg((room / 512).to_string())
        .arg(server.get_program());
    desk.restart_by(limited);
    let admin = desk.admin().await;
    let mut stored = Vec::new();
    let big = samples::merged(samples::ticket(&employee), json!({ "description": "x".repeat(20_000) }));
    let refused = loop {
        let answer = admin.post("/tickets", big.clone()).await;
        if answer.status != 201 {
            break answer.problem(503);
        }
        stored.push(answer);
        assert!(stored.len() < 5_000, "the limit never bites");
    };
    assert!(refused.header("retry-after").is_some(), "{refused}");
    assert!(!stored.is_empty());
    admin.get("/tickets?limit=1").await.is(200);
    admin.get(&format!("/employees/{employee}")).await.is(200);
    admin.get("/me").await.is(200);

    // With room again everything answered is there, and writing goes on.
    desk.ask_to_stop();
    desk.wait_stopped();
    desk.restart();
    let admin = desk.admin().await;
    for ticket in &stored {
        admin.see(ticket, &format!("/tickets/{}", ticket.id())).await;
    }
    until_created(&admin, &employee).await;
}

fn largest_file(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the data folder can be listed").map_while(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).max().unwrap_or(0)
}

#[tokio::test]
async fn a_half_sent_request_blocks_nobody() {
    use std::io::{Read as _, Write as _};

    let desk = Desk::shared();
    let address = desk.base().trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..50 {
        let mut socket = std::net::TcpStream::connect(&address).expect("the server listens");
        socket
            .write_all(b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            .expect("a few bytes");
        idle.push(socket);
    }
    desk.visitor().get("/health").await.is(200);
    let mut garbage = std::net::TcpStream::connect(&address).expect("the server listens");
    garbage.write_all(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n").expect("a few bytes");
    garbage.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer);
    desk.visitor().get("/health").await.is(200);
}
