//! The operators' tools beside a running server.
#![expect(clippy::unwrap_used, reason = "what is planted in files is planted, or the test fails")]

mod audit;
mod dead_letters;
mod erase;
mod people;
mod replay;
mod republish;
mod transfer;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use eventdesk_tests::{Desk, Output, run};

const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the program with these words and the desk's settings; its log is silent.
fn tool(desk: &Desk, words: &[&str]) -> Output {
    run(command(desk, words), PATIENCE)
}

fn command<'c>(desk: &Desk, words: &[&str]) -> &'c mut Command {
    let mut command = desk.command();
    command.args(words).env("EVENTDESK_LOG_LEVEL", "error");
    Box::leak(Box::new(command))
}

/// As [`tool`], which must end with this exit code.
fn ends(desk: &Desk, words: &[&str], code: i32) -> String {
    let output = tool(desk, words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}\n{}", desk.log());
    output.text
}

/// Runs the program until what it says is as expected.
fn until(desk: &Desk, words: &[&str], expected: impl Fn(&Output) -> bool) -> Output {
    let start = Instant::now();
    loop {
        let output = tool(desk, words);
        if expected(&output) {
            return output;
        }
        assert!(start.elapsed() < PATIENCE, "{words:?} never said what was expected: {output:?}\n{}", desk.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One of the files in the desk's folder, to plant damage in.
fn file(desk: &Desk, name: &str) -> rusqlite::Connection {
    let file = rusqlite::Connection::open(desk.data().join(name)).expect("the file opens");
    file.busy_timeout(PATIENCE).expect("waiting can be set");
    file
}
