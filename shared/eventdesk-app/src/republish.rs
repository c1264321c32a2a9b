//! Replays to consumers: events of the store travel once more, each marked with the name of its replay.
//!
//! Projections ignore what they have applied, so they may be told anything again. Whoever acts on the world outside
//! leaves marked events alone.

mod pace;
mod reading;
mod wanted;

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use eventdesk_events::Envelope;
use tokio::{sync::watch, time::sleep};

pub use self::wanted::{EventTypes, NoEventTypes, NoReplayName, ReplayName, Wanted};
use self::{pace::Pace, reading::read};
use crate::{
    audit::{Consumers, Feed},
    ports::{Clock, Commit, CommitScan, EventStore, PublishError, QueueError, StoreError},
    projections::{Projection, projections},
};

/// How often a batch that was not taken is sent, the first time included.
const MOST_ATTEMPTS: u32 = 5;
/// The pause before the second attempt; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The bus, for events that it may have carried before.
#[async_trait]
pub trait Republisher: Send + Sync {
    /// Publishes single events as they are, their marks with them: at least once, in any order. All are of one replay.
    ///
    /// # Errors
    /// [`PublishError`] if some may not have been taken; publishing them again is safe, consumers drop repeats.
    async fn republish(&self, events: &[Envelope]) -> Result<(), PublishError>;
}

/// Who is to receive events once more.
#[derive(Clone)]
pub struct Goal(Kind);

#[derive(Clone)]
enum Kind {
    Bus(Arc<dyn Republisher>),
    Consumer(Arc<dyn Projection>, Arc<dyn Consumers>),
}

impl Goal {
    /// Everybody who listens to the bus.
    pub fn bus(bus: Arc<dyn Republisher>) -> Self {
        Self(Kind::Bus(bus))
    }

    /// One consumer alone, past the bus; `None` if there is none of that name.
    pub fn consumer(name: &str, consumers: Arc<dyn Consumers>) -> Option<Self> {
        let projection = projections().into_iter().find(|projection| projection.name() == name)?;
        Some(Self(Kind::Consumer(projection, consumers)))
    }

    /// Whether anybody there is interested in a type.
    fn takes(&self, event_type: &str) -> bool {
        match &self.0 {
            Kind::Bus(_) => true,
            Kind::Consumer(projection, _) => projection.takes(event_type),
        }
    }

    async fn deliver(&self, events: &[Envelope]) -> Result<(), RepublishError> {
        match &self.0 {
            Kind::Bus(bus) => Ok(bus.republish(events).await?),
            Kind::Consumer(projection, consumers) => Ok(consumers.nudge(projection.name(), events).await?),
        }
    }
}

/// Who wants to know how far a replay is.
pub trait Onlooker: Send + Sync {
    /// It has so many parts, of which more may be empty than not.
    fn parts(&self, parts: usize);

    /// So many more events were sent, or would be.
    fn sent(&self, events: u64);

    /// One part is done.
    fn part_done(&self);
}

/// Why a replay ended early. What was sent by then was sent; to send it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum RepublishError {
    /// The event store or its feed index.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus did not take events, several times.
    #[error(transparent)]
    Bus(#[from] PublishError),
    /// The consumer's queue did not take events, several times.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// It was asked to end.
    #[error("the replay was interrupted")]
    Interrupted,
}

/// How many events were sent, or would be, by their types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Republished(pub BTreeMap<String, u64>);

impl Republished {
    /// All of them.
    pub fn events(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Sends events once more.
#[derive(Clone)]
pub struct Republish {
    /// The truth.
    pub store: Arc<dyn EventStore>,
    /// The same, to be read whole.
    pub scan: Arc<dyn CommitScan>,
    /// The same in the order of time.
    pub feed: Arc<dyn Feed>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who wants to know how far it is.
    pub onlooker: Arc<dyn Onlooker>,
    /// Becomes true when it should end.
    pub stop: watch::Receiver<bool>,
}

impl Republish {
    /// What would be sent to `goal`; sends nothing.
    ///
    /// # Errors
    /// `Store` and `Interrupted`.
    pub async fn count(&self, wanted: &Wanted, goal: &Goal) -> Result<Republished, RepublishError> {
        let mut found = Republished::default();
        read(self, wanted, async |commits: &[Commit]| {
            for event in commits.iter().flat_map(|commit| chosen(wanted, goal, commit)) {
                self.note(&mut found, &[event]);
            }
            if *self.stop.borrow() { Err(RepublishError::Interrupted) } else { Ok(()) }
        })
        .await?;
        Ok(found)
    }

    /// Sends what is wanted to `goal`, each stream's events in their order, at most `rate` a second.
    ///
    /// A consumer of the local bus receives whole commits: those with at least one event that is wanted.
    ///
    /// # Errors
    /// See [`RepublishError`].
    pub async fn run(
        &self,
        wanted: &Wanted,
        goal: &Goal,
        name: &ReplayName,
        rate: NonZeroU32,
    ) -> Result<Republished, RepublishError> {
        let mut pace = Pace::of(rate);
        let (mut sent, mut batch) = (Republished::default(), Vec::new());
        read(self, wanted, async |commits: &[Commit]| {
            for event in commits.iter().flat_map(|commit| chosen(wanted, goal, commit)) {
                batch.push(Envelope { replay: Some(name.to_string()), ..event });
                if batch.len() >= pace.batch() {
                    self.send(goal, &batch, &mut pace).await?;
                    self.note(&mut sent, &batch);
                    batch.clear();
                }
            }
            Ok(())
        })
        .await?;
        if !batch.is_empty() {
            self.send(goal, &batch, &mut pace).await?;
            self.note(&mut sent, &batch);
        }
        Ok(sent)
    }

    async fn send(&self, goal: &Goal, events: &[Envelope], pace: &mut Pace) -> Result<(), RepublishError> {
        self.or_stop(pace.wait(events.len())).await?;
        let mut attempt = 1;
        loop {
            match goal.deliver(events).await {
                Err(error) if attempt < MOST_ATTEMPTS => {
                    tracing::warn!(error = &error as &dyn std::error::Error, attempt, "events were not taken");
                    self.or_stop(sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1))).await?;
                    attempt += 1;
                }
                delivered => return delivered,
            }
        }
    }

    /// Waits, unless it is asked to end.
    async fn or_stop(&self, wait: impl Future<Output = ()>) -> Result<(), RepublishError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => Err(RepublishError::Interrupted),
            () = wait => Ok(()),
        }
    }

    fn note(&self, sent: &mut Republished, events: &[Envelope]) {
        for event in events {
            *sent.0.entry(event.event_type.to_string()).or_default() += 1;
        }
        self.onlooker.sent(events.len() as u64);
    }
}

/// The events of a commit that are wanted and that somebody there takes.
fn chosen<'c>(wanted: &'c Wanted, goal: &'c Goal, commit: &'c Commit) -> impl Iterator<Item = Envelope> + 'c {
    let events = wanted.covers(commit.at).then(|| commit.envelopes()).into_iter().flatten();
    events.filter(|event| wanted.has_type(&event.event_type) && goal.takes(&event.event_type))
}
