//! What a run found, as metrics and as the function's answer.

use eventdesk_app::audit::{AuditReport, COMMITS_BEHIND, NUDGED, OLDEST_BEHIND_SECONDS, REPUBLISHED};
use serde_json::{Value, json};

/// Tells all of it, zeros too: that there are no figures at all is an alarm.
pub(crate) fn measure(report: &AuditReport) {
    for (name, count) in
        [(COMMITS_BEHIND, report.commits_behind), (REPUBLISHED, report.republished), (NUDGED, report.nudged)]
    {
        metrics::counter!(name).increment(count);
    }
    metrics::gauge!(OLDEST_BEHIND_SECONDS).set(report.oldest_behind.map_or(0.0, |age| age.as_secs_f64()));
}

/// The figures alone.
pub(crate) fn answer(report: &AuditReport) -> Value {
    json!({
        COMMITS_BEHIND: report.commits_behind,
        OLDEST_BEHIND_SECONDS: report.oldest_behind.map_or(0, |age| age.as_secs()),
        REPUBLISHED: report.republished,
        NUDGED: report.nudged,
        "given_up": report.given_up,
    })
}
