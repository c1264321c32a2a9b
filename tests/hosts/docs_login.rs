//! A person logs in on the docs page and tries the API there, in a browser that reaches this machine alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use eventdesk_tests::{ADMIN, Desk, Oidc, PASSWORD, Scene, run};
use serde_json::json;

use crate::Independent;

/// Names the browser; without one these tests are ignored.
const CHROMIUM: &str = "EVENTDESK_TEST_CHROMIUM";
const WITHIN: Duration = Duration::from_mins(3);

pub(crate) fn tests() -> Vec<Independent> {
    vec![
        ("one_logs_in_at_the_provider_and_lists_tickets", || Box::pin(one_logs_in_at_the_provider_and_lists_tickets())),
        ("one_logs_in_by_name_and_password_and_lists_tickets", || {
            Box::pin(one_logs_in_by_name_and_password_and_lists_tickets())
        }),
    ]
}

/// Whether there is a browser to do it with.
pub(crate) fn possible() -> bool {
    std::env::var_os(CHROMIUM).is_some_and(|path| !path.is_empty())
}

/// Logs in by this scheme of the API's description, and demands to see the title among the tickets. A picture of the
/// page is left in the folder for temporary files of the build.
fn log_in(desk: &Desk, scheme: &str, name: &str, title: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/docs-login");
    let picture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-login-{scheme}.png"));
    let mut command = Command::new(script);
    command
        .arg(std::env::var_os(CHROMIUM).expect("a browser, else the test is ignored"))
        .arg(format!("{}/api/v1/docs", desk.base()))
        .args([scheme, name, PASSWORD, title])
        .arg(&picture);
    let output = run(&mut command, WITHIN);
    assert!(output.status.success(), "{}\nsee {}", output.text, picture.display());
    let size = std::fs::metadata(&picture).map_or(0, |file| file.len());
    assert!(size > 10_000, "the picture has {size} bytes");
}

async fn ticket_on(desk: &Desk, title: &str) {
    let scene = Scene::on(desk).await;
    let ticket = scene.ticket_with(&scene.employee().await, json!({ "title": title })).await;
    scene.admin.see(&ticket, "/tickets").await;
}

async fn one_logs_in_at_the_provider_and_lists_tickets() {
    let provider = Oidc::started();
    let settings = provider.settings();
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let desk = Desk::start_with(&settings);
    ticket_on(&desk, "Shown to whom the provider knows").await;
    provider.account("reader", &json!({ "groups": ["internal/example/support"] })).await;
    log_in(&desk, "oidc", "reader", "Shown to whom the provider knows");
}

async fn one_logs_in_by_name_and_password_and_lists_tickets() {
    // The provider is configured, too: its client id must not get in the way.
    let settings = Oidc::started().settings();
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let desk = Desk::start_with(&settings);
    ticket_on(&desk, "Shown to whom the desk knows").await;
    log_in(&desk, "password", ADMIN, "Shown to whom the desk knows");
}
