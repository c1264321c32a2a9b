//! Results, for people.

use std::collections::BTreeMap;

use eventdesk_app::replay::{Difference, Finished, Kind, Target, Verified};
use indicatif::HumanCount;

/// `tickets 2, messages 2`.
pub(super) fn generations(generations: &BTreeMap<String, u32>) -> String {
    let named: Vec<_> = generations.iter().map(|(view, generation)| format!("{view} {generation}")).collect();
    named.join(", ")
}

/// What a replay has done.
pub(super) fn finished(finished: &Finished, seconds: f64) -> String {
    let Finished { target, events, documents, generations: made, live, poisoned } = finished;
    let state = if *live { "live" } else { "ready, not live: see --flip" };
    let mut words = format!(
        "{}: {} documents of {} events in {seconds:.1} s ({:.0} events/s); generation {} ({state})",
        target.name(),
        HumanCount(*documents),
        HumanCount(*events),
        rate(*events, seconds),
        generations(made),
    );
    words.push_str(&unreadable(poisoned));
    words
}

fn rate(events: u64, seconds: f64) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX)) / seconds.max(0.001)
}

fn unreadable(poisoned: &[String]) -> String {
    let line = |stream: &String| format!("\n{stream}: an event cannot be read; its documents end before it");
    poisoned.iter().map(line).collect()
}

/// What a verification has found: a line for each difference, then one for each view.
pub(crate) fn found_in_words(target: Target, verified: &Verified, seconds: f64) -> String {
    let mut lines: Vec<String> = verified.differences.iter().map(difference).collect();
    if verified.more > 0 {
        lines.push(format!("and {} more differences", HumanCount(verified.more)));
    }
    for view in &verified.views {
        let waiting = if view.waiting > 0 { format!(", {} on their way", view.waiting) } else { String::new() };
        lines.push(format!(
            "{} (generation {}): {} documents expected, {} found{waiting}; checksums {:016x} and {:016x}",
            view.view, view.generation, view.expected, view.found, view.expected_checksum, view.found_checksum,
        ));
    }
    let verdict = if verified.is_well() { "as the event store says" } else { "NOT as the event store says" };
    let (name, events, rate) = (target.name(), HumanCount(verified.events), rate(verified.events, seconds));
    lines.push(format!("{name}: {verdict} ({events} events in {seconds:.1} s, {rate:.0}/s)"));
    lines.join("\n") + &unreadable(&verified.poisoned)
}

fn difference(Difference { view, id, kind }: &Difference) -> String {
    let words = match kind {
        Kind::Missing => "missing".to_owned(),
        Kind::Extra => "extra: the event store knows no such thing".to_owned(),
        Kind::Differs { fields } => format!("differs in {}", fields.join(", ")),
        Kind::Misfiled => "misfiled: queries do not find it by what it says".to_owned(),
        Kind::Behind { version, newest } => format!("behind: version {version}, the event store has {newest}"),
    };
    format!("{view}/{id}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_has_a_line_that_names_the_document_and_what_is_wrong() {
        let differs = Kind::Differs { fields: vec!["status".to_owned(), "body.ticket".to_owned()] };
        let named = |id: &str, kind| Difference { view: "tickets", id: id.to_owned(), kind };
        let verified = Verified {
            events: 7,
            differences: vec![
                named("a", Kind::Missing),
                named("b", Kind::Extra),
                named("c", differs),
                named("d", Kind::Behind { version: 3, newest: 5 }),
            ],
            ..Verified::default()
        };
        let words = found_in_words(Target::Tickets, &verified, 0.1);
        for line in [
            "tickets/a: missing",
            "tickets/b: extra",
            "tickets/c: differs in status, body.ticket",
            "tickets/d: behind: version 3, the event store has 5",
            "tickets: NOT as the event store says",
        ] {
            assert!(words.lines().any(|found| found.starts_with(line)), "{line}: {words}");
        }
    }
}
