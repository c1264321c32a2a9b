//! The program from outside, where no server is needed.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{
    path::Path,
    process::{Command, Output},
};

/// Runs the program in a folder, with these variables and none of ours besides.
fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventdesk"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("EVENTDESK_") {
            command.env_remove(name);
        }
    }
    command.args(words).envs(variables.iter().copied()).current_dir(folder).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_configuration_in_order_is_0_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["config", "check"], &[("EVENTDESK_LISTEN", "127.0.0.1:0")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_configuration_is_2_and_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("eventdesk.toml"), "[limits]\nspeed = 5\n").unwrap();
    for words in [&["config", "check"][..], &["serve"], &[]] {
        let output = run(folder.path(), words, &[]);
        assert_eq!(output.status.code(), Some(2), "{words:?} {output:?}");
        assert!(stderr(&output).contains("limits.speed"), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn a_policy_that_is_none_is_2_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (text, wanted) in [
        ("package own\nallow { true }", "own.rego:2"),
        ("package own\ndeny := true", "no rule data.own.allow"),
        ("", "not a policy"),
    ] {
        std::fs::write(folder.path().join("own.rego"), text).unwrap();
        let variables = [("EVENTDESK_POLICY_ENGINE", "rego"), ("EVENTDESK_POLICY_FILE", "own.rego")];
        let output = run(folder.path(), &["config", "check"], &variables);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = stderr(&output);
        assert!(told.contains("policy.file") && told.contains(wanted), "{text}: {told}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["serve", "now"][..], &["config"], &["nothing"]] {
        assert_eq!(run(folder.path(), words, &[]).status.code(), Some(2), "{words:?}");
    }
    assert_eq!(run(folder.path(), &["--help"], &[]).status.code(), Some(0));
}

#[test]
fn a_first_password_that_breaks_the_rules_is_2_and_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("EVENTDESK_LISTEN", "127.0.0.1:0"), ("EVENTDESK_BOOTSTRAP_ADMIN_PASSWORD", "too-plain")];
    let output = run(folder.path(), &["serve"], &variables);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("bootstrap.admin_password"), "{output:?}");
    assert!(!stderr(&output).contains("too-plain"), "{output:?}");
}

#[test]
fn an_address_in_use_is_1_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(folder.path(), &["serve"], &[("EVENTDESK_LISTEN", &address)]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains(&address) && !stderr(&output).contains("panicked"), "{output:?}");
}

#[test]
fn a_data_folder_that_cannot_be_is_1_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let variables = [("EVENTDESK_LISTEN", "127.0.0.1:0"), ("EVENTDESK_DATA", "file/data")];
    let output = run(folder.path(), &["serve"], &variables);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("file/data"), "{output:?}");
}
