//! What is to be removed from a stream. No I/O.

use std::collections::BTreeSet;

use eventdesk_events::{
    ActorKind, DecodeError, Event, StreamId, UserId,
    ticket::{EditedText, TicketEvent, TicketText},
};
use serde_json::value::RawValue;

use crate::ports::{Commit, RecordedEvent, Redaction};

/// Whose traces are to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// Their streams.
    pub(super) streams: BTreeSet<StreamId>,
    /// As whom they acted.
    pub(super) users: BTreeSet<UserId>,
}

impl Person {
    /// Whether they made the commit.
    pub(super) fn made(&self, commit: &Commit) -> bool {
        let is = |user: &UserId| commit.actor.id == user.to_string();
        commit.actor.kind == ActorKind::User && self.users.iter().any(is)
    }
}

/// What is to be done with a stream.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Commits that still hold what has to go.
    pub(super) redactions: Vec<Redaction>,
    /// Events with private parts by the person or about them, whether they still have them or not.
    pub(super) parts: u64,
}

/// Everything of the person's own stream; of a ticket or message what they wrote, and where others' edits quote it.
pub(super) fn plan(person: &Person, commits: &[Commit]) -> Result<Plan, DecodeError> {
    let (mut plan, mut theirs) = (Plan::default(), Quoted::default());
    for commit in commits {
        let mut left = Vec::with_capacity(commit.events.len());
        let mut changed = false;
        for recorded in &commit.events {
            let whole = person.streams.contains(&commit.stream) || (written(commit) && person.made(commit));
            let (rest, counts) = if whole {
                theirs.note(recorded, true)?;
                (None, has_private(recorded))
            } else {
                let rest = theirs.without_quotes(recorded)?;
                theirs.note(recorded, false)?;
                (rest, false)
            };
            plan.parts += u64::from(counts);
            changed |= rest.as_deref().map(RawValue::get) != recorded.private.as_deref().map(RawValue::get);
            left.push(rest);
        }
        if changed {
            plan.redactions.push(Redaction { stream: commit.stream, version: commit.version, private: left });
        }
    }
    Ok(plan)
}

fn written(commit: &Commit) -> bool {
    matches!(commit.stream, StreamId::Ticket(_) | StreamId::Message(_))
}

/// Whether events of this type have private parts.
fn has_private(recorded: &RecordedEvent) -> bool {
    Event::catalogue().any(|entry| entry.event_type == recorded.event_type && entry.private.is_some())
}

/// Which texts of a ticket are the person's at the moment: the next edit quotes them as what was before.
#[derive(Debug, Default)]
struct Quoted {
    title: bool,
    description: bool,
}

impl Quoted {
    /// Notes who wrote the texts that an event sets.
    fn note(&mut self, recorded: &RecordedEvent, theirs: bool) -> Result<(), DecodeError> {
        match recorded.event()? {
            Event::Ticket(TicketEvent::Opened(_)) => (self.title, self.description) = (theirs, theirs),
            Event::Ticket(TicketEvent::Edited(edited)) => {
                let sets = |name: &str| edited.changed.iter().any(|field| field == name);
                self.title = if sets("title") { theirs } else { self.title };
                self.description = if sets("description") { theirs } else { self.description };
            }
            _ => {}
        }
        Ok(())
    }

    /// An event's private part without what it quotes of the person's.
    fn without_quotes(&self, recorded: &RecordedEvent) -> Result<Option<Box<RawValue>>, DecodeError> {
        let kept = recorded.private.clone();
        if !self.title && !self.description {
            return Ok(kept);
        }
        let Event::Ticket(TicketEvent::Edited(edited)) = recorded.event()? else { return Ok(kept) };
        let Some(EditedText { previous, current }) = edited.private else { return Ok(kept) };
        let left = TicketText {
            title: previous.title.clone().filter(|_| !self.title),
            description: previous.description.clone().filter(|_| !self.description),
        };
        if left == previous {
            return Ok(kept);
        }
        // A value of these types has a JSON form; what has none is better gone than kept.
        Ok(serde_json::value::to_raw_value(&EditedText { previous: left, current }).ok())
    }
}
