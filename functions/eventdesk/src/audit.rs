//! `eventdesk audit`: what was appended and has not arrived, and its repair.

use clap::Args;
use eventdesk_app::audit::{AuditReport, Standing};
use eventdesk_runtime::Config;
use serde_json::json;

use crate::{beside::Beside, console, failure::Failure};

/// What is asked of the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct AuditArgs {
    /// Looks only: nothing is published again, and nothing is remembered.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object instead of lines for people.
    #[arg(long)]
    json: bool,
}

/// Looks once, and mends what is due.
pub(crate) async fn audit(config: Config, args: &AuditArgs) -> Result<(), Failure> {
    let operations = Beside::open(config).await?.operations().await?;
    let report = if args.dry_run { operations.audit.inspect().await? } else { operations.audit.run().await? };
    let standings = operations.audit.standings(&*operations.letters.letters).await?;
    console::say(&if args.json { in_json(&report, &standings) } else { in_words(&report, &standings, args.dry_run) });
    if report.commits_behind == 0 { Ok(()) } else { Err(Failure::Found("commits are behind")) }
}

fn in_json(report: &AuditReport, standings: &[Standing]) -> String {
    let standing = |one: &Standing| json!({"consumer": one.consumer, "waiting": one.waiting, "dead_letters": one.dead});
    json!({
        "commits_behind": report.commits_behind,
        "oldest_behind_seconds": report.oldest_behind.map_or(0, |age| age.as_secs()),
        "republished": report.republished,
        "nudged": report.nudged,
        "given_up": report.given_up,
        "consumers": standings.iter().map(standing).collect::<Vec<_>>(),
    })
    .to_string()
}

fn in_words(report: &AuditReport, standings: &[Standing], dry_run: bool) -> String {
    let mut lines: Vec<String> = standings
        .iter()
        .map(|one| format!("{:<20} {:>7} waiting {:>5} dead letters", one.consumer, one.waiting, one.dead))
        .collect();
    lines.push(match report.oldest_behind {
        None => "nothing is behind".to_owned(),
        Some(age) => format!("{} commits are behind, the oldest for {} s", report.commits_behind, age.as_secs()),
    });
    if report.commits_behind > 0 && !dry_run {
        let AuditReport { republished, nudged, given_up, .. } = report;
        lines.push(format!(
            "{republished} were published again, {nudged} streams were nudged, {given_up} were given up"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn people_read_what_is_behind_and_what_was_done_about_it() {
        let standings = [Standing { consumer: "projector-ticket", waiting: 7, dead: 1 }];
        let behind = AuditReport {
            commits_behind: 3,
            oldest_behind: Some(Duration::from_secs(61)),
            republished: 2,
            nudged: 1,
            given_up: 0,
        };
        let told = in_words(&behind, &standings, false);
        for words in ["7 waiting", "1 dead letters", "3 commits are behind, the oldest for 61 s", "2 were published"] {
            assert!(told.contains(words), "{told}");
        }
        assert!(!in_words(&behind, &standings, true).contains("published"));
        assert!(in_words(&AuditReport::default(), &standings, false).ends_with("nothing is behind"));
    }
}
