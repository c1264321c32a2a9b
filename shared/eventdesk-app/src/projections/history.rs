//! The history: every event of the desk as one row, facts only, and how far each stream has come.
//!
//! It also keeps which events the bus never brought, and that were read from the store instead: the audit asks for
//! them.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use eventdesk_events::{Actor, Envelope, Event, EventId, StreamId, Timestamp, Version, message::MessageEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Applied, Nudges, Plan, Projection, ProjectionError, Sources,
    applied::AppliedEvent,
    folded,
    tickets::{by_id, field, index},
};
use crate::ports::{Document, Field, FieldKind, Index, Put, Value, ViewSpec};

/// Events, by ticket.
pub static HISTORY: ViewSpec = ViewSpec {
    name: "history",
    shape: 1,
    fields: &[field!("ticket", Text), field!("place", Text)],
    indexes: &[index!("ticket", "place")],
};

/// How far the history of each stream has come: the document's version says it; its body is a [`HistoryHead`].
pub static HISTORY_STREAMS: ViewSpec = ViewSpec { name: "history_streams", shape: 1, fields: &[], indexes: &[] };

/// One event of the history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryDocument {
    /// `ticket.opened` and the like.
    pub event_type: String,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// The version of its commit.
    pub version: Version,
    /// Its place in the commit.
    pub index: u16,
    /// When.
    pub occurred_at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The request that started the chain of causes.
    pub correlation_id: Uuid,
    /// The event that it answers to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causation_id: Option<EventId>,
    /// The event's `data`.
    pub facts: Box<RawValue>,
}

/// As many commits of a stream are remembered as healed, the newest: nobody asks for those of long ago.
const MOST_HEALED: usize = 1000;

/// What the history knows of a stream besides how far it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryHead {
    /// Commits that the history knows though the bus did not bring all of their events, by version, with the places of
    /// those events. As a rule there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub healed: BTreeMap<u64, Vec<u16>>,
}

impl HistoryHead {
    /// Whether the bus brought all events of a commit, which the history must know by the version of its document.
    pub fn via_bus(&self, version: Version) -> bool {
        !self.healed.contains_key(&version.get())
    }

    /// Notes commits that were just applied: what did not come with the nudges was read from the store.
    fn apply(&mut self, commits: &[Applied], nudges: &Nudges) {
        for Applied { stream, place, events, .. } in commits {
            let healed = (0..).zip(events).map(|(index, _)| index);
            let healed: Vec<u16> = healed.filter(|index| !nudges.hold(*stream, place.version, *index)).collect();
            if !healed.is_empty() {
                self.healed.insert(place.version.get(), healed);
            }
        }
        while self.healed.len() > MOST_HEALED {
            self.healed.pop_first();
        }
    }

    /// Notes what the bus brought in the end of commits that were healed before; whether there was such.
    fn arrived(&mut self, stream: StreamId, nudges: &Nudges) -> bool {
        let before = self.clone();
        self.healed.retain(|version, places| {
            places.retain(|index| !nudges.hold(stream, Version::new(*version), *index));
            !places.is_empty()
        });
        *self != before
    }
}

/// Projects the history.
#[derive(Debug, Clone, Copy)]
pub struct HistoryProjection;

#[async_trait]
impl Projection for HistoryProjection {
    fn name(&self) -> &'static str {
        "projector-history"
    }

    fn views(&self) -> &'static [&'static ViewSpec] {
        static VIEWS: [&ViewSpec; 2] = [&HISTORY, &HISTORY_STREAMS];
        &VIEWS
    }

    fn takes(&self, _: &str) -> bool {
        true
    }

    fn subject(&self, nudge: &Envelope) -> Result<String, ProjectionError> {
        Ok(nudge.stream.to_string())
    }

    async fn plan(&self, sources: &Sources, subjects: &[Nudges]) -> Result<Vec<Plan>, ProjectionError> {
        let ids: Vec<&str> = subjects.iter().map(|nudges| nudges.subject.as_str()).collect();
        let heads = by_id(sources.views.get(&HISTORY_STREAMS, &ids).await?);
        let mut drafts = Vec::with_capacity(subjects.len());
        for nudges in subjects {
            match missing(sources, &heads, nudges).await {
                Err(error @ ProjectionError::Unavailable(_)) => return Err(error),
                commits => drafts.push(commits),
            }
        }
        // Rows may stand without their head where a store cannot write both at once.
        let rows: Vec<String> = drafts
            .iter()
            .flatten()
            .flatten()
            .flat_map(|commit| commit.events.iter().map(|event| event.id.to_string()))
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let known: HashSet<String> = if rows.is_empty() {
            HashSet::new()
        } else {
            by_id(sources.views.get(&HISTORY, &rows).await?).into_keys().collect()
        };
        let plans = subjects.iter().zip(drafts).map(|(nudges, commits)| puts(&heads, &known, nudges, &commits?));
        Ok(plans.collect())
    }
}

async fn missing(
    sources: &Sources,
    heads: &HashMap<String, Document>,
    nudges: &Nudges,
) -> Result<Vec<Applied>, ProjectionError> {
    let applied = Version::new(heads.get(&nudges.subject).map_or(0, |head| head.version));
    let mut commits = Vec::new();
    for stream in nudges.streams() {
        commits.extend(nudges.missing(&*sources.store, stream, applied).await?);
    }
    Ok(commits)
}

fn puts(heads: &HashMap<String, Document>, known: &HashSet<String>, nudges: &Nudges, commits: &[Applied]) -> Plan {
    let stored = heads.get(&nudges.subject);
    let mut head: HistoryHead = stored.map(folded::read).transpose()?.unwrap_or_default();
    let mut marked = false;
    for stream in nudges.streams() {
        marked |= head.arrived(stream, nudges);
    }
    if commits.is_empty() && !marked {
        return Ok(Vec::new());
    }
    let mut puts = Vec::with_capacity(commits.len() + 1);
    for commit in commits {
        for (applied, index) in commit.events.iter().zip(0..) {
            if !known.contains(&applied.id.to_string()) {
                puts.push(Put { view: &HISTORY, document: row(commit, applied, index)? });
            }
        }
    }
    head.apply(commits, nudges);
    let body = serde_json::to_string(&head).map_err(|error| ProjectionError::Poison(error.to_string()))?;
    let document = Document {
        id: nudges.subject.clone(),
        version: commits.last().map_or_else(|| stored.map_or(0, |head| head.version), |last| last.place.version.get()),
        revision: stored.map_or(0, |head| head.revision) + 1,
        deleted: false,
        fields: Vec::new(),
        body,
    };
    puts.push(Put { view: &HISTORY_STREAMS, document });
    Ok(puts)
}

/// The rows of a commit.
///
/// # Errors
/// `Poison` for values that JSON cannot hold; no event has such.
pub(crate) fn rows(commit: &Applied) -> Result<Vec<Document>, ProjectionError> {
    commit.events.iter().zip(0..).map(|(applied, index)| row(commit, applied, index)).collect()
}

fn row(commit: &Applied, applied: &AppliedEvent, index: u16) -> Result<Document, ProjectionError> {
    let content = HistoryDocument {
        event_type: applied.event.event_type().to_owned(),
        stream: commit.stream,
        version: commit.place.version,
        index,
        occurred_at: commit.place.at,
        actor: commit.actor.clone(),
        correlation_id: commit.correlation_id,
        causation_id: commit.causation_id,
        facts: applied.facts.clone(),
    };
    let body = serde_json::to_string(&content).map_err(|error| ProjectionError::Poison(error.to_string()))?;
    Ok(Document {
        id: applied.id.to_string(),
        version: commit.place.version.get(),
        revision: 1,
        deleted: false,
        fields: vec![
            ticket_of(commit.stream, &applied.event).map_or(Value::Null, Value::Text),
            Value::Text(place(commit, index)),
        ],
        body,
    })
}

/// Sorts as time, then version, then place in the commit. Ids would not do: those of a writer whose clock is behind
/// sort before what it followed.
fn place(commit: &Applied, index: u16) -> String {
    let at = commit.place.at.millis().max(0);
    format!("{at:016}-{:012}-{index:05}", commit.place.version.get())
}

/// The ticket in whose history an event shows.
fn ticket_of(stream: StreamId, event: &Event) -> Option<String> {
    let id = match (stream, event) {
        (StreamId::Ticket(id), _) => id,
        (_, Event::Message(MessageEvent::Posted(posted))) => posted.ticket_id,
        (_, Event::Message(MessageEvent::Edited(edited))) => edited.ticket_id,
        (_, Event::Message(MessageEvent::Retracted(retracted))) => retracted.ticket_id,
        _ => return None,
    };
    Some(id.to_string())
}
