//! What is to be done about the commits that are behind. No I/O.

use std::collections::{HashMap, HashSet};

use eventdesk_events::{StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use super::{AuditOptions, FeedEntry, later, projections::Behind, state::State};

/// A consumer that commits can lack in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// The history, which stands for the bus: what it never got is published again, to all.
    History,
    /// Tickets and messages.
    Tickets,
    /// Users and employees.
    Directory,
}

impl Target {
    pub(super) const ALL: [Self; 3] = [Self::History, Self::Tickets, Self::Directory];

    /// The consumer's name.
    pub(super) const fn consumer(self) -> &'static str {
        match self {
            Self::History => "projector-history",
            Self::Tickets => "projector-ticket",
            Self::Directory => "projector-directory",
        }
    }
}

/// How far the consumers have come.
#[derive(Debug)]
pub(super) struct Progress {
    waiting: HashMap<&'static str, u64>,
    newest: HashMap<Target, Timestamp>,
}

impl Progress {
    pub(super) fn new(waiting: HashMap<&'static str, u64>) -> Self {
        Self { waiting, newest: HashMap::new() }
    }

    /// Notes that a commit of this time has arrived.
    pub(super) fn arrived(&mut self, target: Target, at: Timestamp) {
        let newest = self.newest.entry(target).or_insert(at);
        *newest = (*newest).max(at);
    }

    /// Whether a commit of this time may still wait in the consumer's queue.
    ///
    /// An empty queue holds nothing. One that is worked through, roughly in order, no longer holds what is well older
    /// than the newest that came out of it; so a steady stream of messages does not keep the audit from its work, and
    /// a queue that stands still does.
    fn may_wait(&self, target: Target, at: Timestamp, options: &AuditOptions) -> bool {
        let empty = self.waiting.get(target.consumer()) == Some(&0);
        let overtaken = self.newest.get(&target).is_some_and(|newest| later(at, options.slack) < *newest);
        !empty && !overtaken
    }
}

/// What to do, oldest first.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) republish: Vec<FeedEntry>,
    /// For each stream the newest commit only: it makes the projector read the others.
    pub(super) nudge: Vec<Behind>,
    pub(super) given_up: Vec<Behind>,
}

/// Decides about commits that are behind, oldest first.
pub(super) fn plan(
    behind: &[Behind],
    progress: &Progress,
    state: &State,
    now: Timestamp,
    options: &AuditOptions,
) -> Plan {
    let mut plan = Plan::default();
    let mut nudged: HashSet<(Target, StreamId)> = HashSet::new();
    // What is published again nudges everybody.
    let republished: HashSet<StreamId> =
        behind.iter().filter(|found| found.target == Target::History).map(|found| found.entry.stream).collect();
    let (known, newest) = (state.known(), newest(behind));
    for found in behind {
        let pending = known.get(&found.key());
        if pending.is_some_and(|pending| pending.attempts >= options.most_attempts && pending.due <= now) {
            plan.given_up.push(*found);
            continue;
        }
        if pending.is_some_and(|pending| pending.due > now) || progress.may_wait(found.target, found.entry.at, options)
        {
            continue;
        }
        if plan.republish.len() + plan.nudge.len() >= options.most_mended {
            continue;
        }
        match found.target {
            Target::History => plan.republish.push(found.entry),
            target => {
                let FeedEntry { stream, version, .. } = found.entry;
                // The newest one decides when: an older one of the same stream needs no word of its own.
                let is_newest = newest.get(&(target, stream)) == Some(&version);
                if is_newest && !republished.contains(&stream) && nudged.insert((target, stream)) {
                    plan.nudge.push(*found);
                }
            }
        }
    }
    plan
}

fn newest(behind: &[Behind]) -> HashMap<(Target, StreamId), Version> {
    let mut newest = HashMap::new();
    for Behind { target, entry } in behind {
        let version = newest.entry((*target, entry.stream)).or_insert(entry.version);
        *version = (*version).max(entry.version);
    }
    newest
}
