//! What a run found, as metrics and as the function's answer.

use std::io::{self, Write};

use eventdesk_app::audit::{AuditReport, COMMITS_BEHIND, NUDGED, OLDEST_BEHIND_SECONDS, REPUBLISHED};
use eventdesk_events::Timestamp;
use serde_json::{Value, json};

/// The metrics' namespace; their one dimension is `function`, the function's name.
const NAMESPACE: &str = "eventdesk";

/// Writes one line in `CloudWatch`'s embedded metric format, which the service makes metrics of.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
pub(crate) fn tell(report: &AuditReport, function: &str, now: Timestamp, mut out: impl Write) -> io::Result<()> {
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    let mut line = answer(report);
    line["function"] = json!(function);
    line["_aws"] = json!({
        "Timestamp": now.millis(),
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [["function"]],
            "Metrics": [
                metric(COMMITS_BEHIND, "Count"),
                metric(OLDEST_BEHIND_SECONDS, "Seconds"),
                metric(REPUBLISHED, "Count"),
                metric(NUDGED, "Count"),
            ],
        }],
    });
    writeln!(out, "{line}")
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_metric_that_is_declared_has_its_value_in_the_line() {
        let oldest_behind = Some(Duration::from_millis(61_900));
        let report = AuditReport { commits_behind: 3, oldest_behind, republished: 2, nudged: 1, given_up: 0 };
        let mut line = Vec::new();
        tell(&report, "desk-audit", Timestamp::from_millis(1_700_000_000_000), &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line.lines().count(), 1);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&declared["Namespace"], &declared["Dimensions"]), (&json!("eventdesk"), &json!([["function"]])));
        assert_eq!(line["function"], "desk-audit");
        let names: Vec<_> =
            declared["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
        assert_eq!(names, ["commits_behind", "oldest_behind_seconds", "republished", "nudged"]);
        let values: Vec<_> = names.iter().map(|name| line[*name].as_u64().unwrap()).collect();
        assert_eq!(values, [3, 61, 2, 1]);
    }
}
