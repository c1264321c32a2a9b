//! Finding, starting and ending the programs under test.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a program that ended left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output and standard error, one after the other.
    pub text: String,
}

/// The path of one of our binaries: `EVENTDESK_BIN` names the server, the others lie beside it.
pub fn path_of(name: &str) -> PathBuf {
    let server = std::env::var_os("EVENTDESK_BIN").map_or_else(beside_the_tests, PathBuf::from);
    let path = server.with_file_name(name);
    assert!(path.is_file(), "{} is not there; `tests/run` builds everything and runs the tests", path.display());
    path
}

fn beside_the_tests() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.ancestors().nth(2).expect("a test binary lies in target/<profile>/deps");
    profile.join("eventdesk")
}

/// A command for one of our binaries, free of settings inherited from the caller's environment.
pub fn start(name: &str) -> Command {
    let mut command = Command::new(path_of(name));
    cleanse(&mut command);
    command
}

pub(crate) fn cleanse(command: &mut Command) {
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("EVENTDESK_") {
            command.env_remove(key);
        }
    }
    command.stdin(Stdio::null());
}

/// Runs a program that ends by itself within `limit`; one that does not is killed and fails the test.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let out = log.reopen().expect("the temporary file opens again");
    let err = out.try_clone().expect("a file handle can be doubled");
    let mut child = command.stdout(out).stderr(err).spawn().expect("the program starts");
    let status = exit_within(&mut child, limit);
    let text = std::fs::read_to_string(log.path()).unwrap_or_default();
    let Some(status) = status else {
        end(&mut child);
        panic!("{command:?} did not end within {limit:?}:\n{text}");
    };
    Output { status, text }
}

/// How `child` ended, or none if it still runs after `limit`.
pub fn exit_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills `child` if it still runs and collects it.
pub(crate) fn end(child: &mut Child) {
    if child.try_wait().ok().flatten().is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Asks the process to stop (SIGTERM).
pub(crate) fn terminate(child: &Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill is on the path");
    assert!(sent.success(), "process {} takes no signal", child.id());
}
