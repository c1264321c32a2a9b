//! Commits on their way into documents: put together from the events that came, or read from the store.

use std::collections::BTreeMap;

use eventdesk_domain::Place;
use eventdesk_events::{Actor, Envelope, Event, EventId, StreamId, Timestamp, Version};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::ProjectionError;
use crate::ports::{Commit, EventStore};

/// How many commits are read from the store at a time.
const PAGE: usize = 200;

/// A commit with its events decoded.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The aggregate.
    pub stream: StreamId,
    /// Version and time.
    pub place: Place,
    /// Who made it.
    pub actor: Actor,
    /// The request that started the chain of causes.
    pub correlation_id: Uuid,
    /// The event that it answers to.
    pub causation_id: Option<EventId>,
    /// What happened, in order.
    pub events: Vec<AppliedEvent>,
}

/// One event of an [`Applied`] commit.
#[derive(Debug, Clone)]
pub struct AppliedEvent {
    /// Its id.
    pub id: EventId,
    /// Decoded, in today's schema.
    pub event: Event,
    /// `data` as it was recorded.
    pub facts: Box<RawValue>,
}

impl Applied {
    /// A commit as the store has it.
    ///
    /// # Errors
    /// `Poison` if an event cannot be decoded.
    pub fn of_commit(commit: Commit) -> Result<Self, ProjectionError> {
        let Commit { stream, version, id, at, actor, correlation_id, causation_id, events, .. } = commit;
        let events = events.into_iter().zip(0..).map(|(recorded, index)| {
            let event = recorded.event()?;
            Ok(AppliedEvent { id: EventId::of(id, index), event, facts: recorded.data })
        });
        Ok(Self {
            stream,
            place: Place { version, at },
            actor,
            correlation_id,
            causation_id,
            events: events.collect::<Result<_, ProjectionError>>()?,
        })
    }

    /// A commit from its events, which must be all of it, in order.
    fn of_envelopes(envelopes: &[&Envelope]) -> Result<Option<Self>, ProjectionError> {
        let Some(first) = envelopes.first() else { return Ok(None) };
        let events = envelopes.iter().map(|envelope| {
            Ok(AppliedEvent { id: envelope.id, event: envelope.event()?, facts: envelope.data.clone() })
        });
        Ok(Some(Self {
            stream: first.stream,
            place: Place { version: first.version, at: first.occurred_at },
            actor: first.actor.clone(),
            correlation_id: first.correlation_id,
            causation_id: first.causation_id,
            events: events.collect::<Result<_, ProjectionError>>()?,
        }))
    }
}

/// The events that came for one subject, by stream and version, repeats dropped.
#[derive(Debug, Clone, Default)]
pub struct Nudges {
    /// What they are about; see [`super::Projection::subject`].
    pub subject: String,
    streams: BTreeMap<StreamId, BTreeMap<Version, BTreeMap<u16, Envelope>>>,
}

impl Nudges {
    /// Nothing about a subject yet.
    pub fn about(subject: String) -> Self {
        Self { subject, streams: BTreeMap::new() }
    }

    /// Adds an event.
    pub fn add(&mut self, envelope: Envelope) {
        let versions = self.streams.entry(envelope.stream).or_default();
        versions.entry(envelope.version).or_default().insert(envelope.index, envelope);
    }

    /// The streams that were nudged.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.streams.keys().copied()
    }

    /// The newest version that a stream was nudged with.
    pub fn newest(&self, stream: StreamId) -> Version {
        self.streams.get(&stream).and_then(|versions| versions.keys().next_back().copied()).unwrap_or_default()
    }

    /// Whether this very event came.
    pub fn hold(&self, stream: StreamId, version: Version, index: u16) -> bool {
        let events = self.streams.get(&stream).and_then(|versions| versions.get(&version));
        events.is_some_and(|events| events.contains_key(&index))
    }

    /// The commits of a stream that a document at version `applied` lacks: from the batch if that is complete, else
    /// from the store.
    ///
    /// # Errors
    /// See [`ProjectionError`].
    pub async fn missing(
        &self,
        store: &dyn EventStore,
        stream: StreamId,
        applied: Version,
    ) -> Result<Vec<Applied>, ProjectionError> {
        let newest = self.newest(stream);
        if newest <= applied {
            return Ok(Vec::new());
        }
        match self.whole_in_batch(stream, applied)? {
            Some(commits) => Ok(commits),
            None => read_from(store, stream, applied.next()).await,
        }
    }

    /// `None` unless every version after `applied` is here with all of its events.
    fn whole_in_batch(&self, stream: StreamId, applied: Version) -> Result<Option<Vec<Applied>>, ProjectionError> {
        let Some(versions) = self.streams.get(&stream) else { return Ok(None) };
        let mut commits = Vec::with_capacity(versions.len());
        let mut expected = applied.next();
        for (version, events) in versions.range(expected..) {
            let events: Vec<&Envelope> = events.values().collect();
            let whole = events.first().is_some_and(|first| usize::from(first.count) == events.len());
            if *version != expected || !whole || events.iter().any(|event| event.private_omitted) {
                return Ok(None);
            }
            commits.extend(Applied::of_envelopes(&events)?);
            expected = expected.next();
        }
        Ok(Some(commits))
    }
}

/// All commits of a stream from a version upwards.
pub(crate) async fn read_from(
    store: &dyn EventStore,
    stream: StreamId,
    mut from: Version,
) -> Result<Vec<Applied>, ProjectionError> {
    let mut commits = Vec::new();
    loop {
        let page = store.read(stream, from, PAGE).await?;
        let next = page.last().filter(|_| page.len() == PAGE).map(|last| last.version.next());
        for commit in page {
            commits.push(Applied::of_commit(commit)?);
        }
        match next {
            Some(next) => from = next,
            None => return Ok(commits),
        }
    }
}

/// When something happened, as a view field holds it.
pub(super) fn millis(at: Timestamp) -> crate::ports::Value {
    crate::ports::Value::Int(at.millis())
}
