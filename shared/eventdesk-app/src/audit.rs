//! The audit: finds what was appended and never reached its consumers, and mends it.
//!
//! It reads the feed index, which has every commit in the order of time, and asks the read models what became of each.
//! A commit of which the bus did not bring every event to the history is published again. Where the bus did, but
//! another projection is behind, that projection alone is nudged: one event is enough, for a projector reads what it
//! lacks from the store. Nothing is done again at once, and nothing while it may still wait in its queue.

mod local;
mod plan;
mod ports;
mod projections;
mod state;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use eventdesk_events::{StreamId, Timestamp, Version};

pub(crate) use self::projections::applied_by;
pub use self::{
    local::{LocalConsumers, LocalRepublisher},
    ports::{Consumers, Feed, FeedEntry},
    state::AUDIT,
};
use self::{
    plan::{Progress, Target},
    projections::Behind,
    state::{Pending, State},
};
use crate::ports::{
    ApplyError, Clock, Commit, DeadLetters, EventStore, Publisher, QueueError, ReadStore, ReadStoreError, StoreError,
};

/// Metric: commits that are not in every read model they belong to, though old enough to be.
pub const COMMITS_BEHIND: &str = "commits_behind";
/// Metric: the age of the oldest of them, in seconds; 0 if there is none.
pub const OLDEST_BEHIND_SECONDS: &str = "oldest_behind_seconds";
/// Metric: commits that a run published again.
pub const REPUBLISHED: &str = "republished";
/// Metric: streams of which a run told a single projection.
pub const NUDGED: &str = "nudged";

/// The consumers whose queues the audit looks at.
pub const CONSUMERS: [&str; 3] = [Target::History.consumer(), Target::Tickets.consumer(), Target::Directory.consumer()];

/// How many commits are read and published at a time.
const BATCH: usize = 25;
/// After so many batches that the bus did not take, the run leaves the rest to the next one.
const MOST_REFUSALS: u32 = 3;
/// The feed is read in slices of so much time.
const SLICE: Duration = Duration::from_hours(1);

/// How an [`Audit`] looks and waits.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Newer commits than this are not looked at: indexes lag, and clocks differ.
    pub margin: Duration,
    /// As much of the past is looked at in every run, …
    pub look_back: Duration,
    /// … and so much in the first one.
    pub first_look_back: Duration,
    /// The wait after the first, second, … time that a commit was mended; the last one repeats.
    pub backoff: Vec<Duration>,
    /// How often a commit is mended before it is given up.
    pub most_attempts: u32,
    /// A queue with messages in it brought what is older than its newest delivery by at least this; what is younger may
    /// still wait.
    pub slack: Duration,
    /// Most commits mended in one run.
    pub most_mended: usize,
    /// After so long a look ends where it is, and the next run goes on there. It is less than a function may take.
    pub patience: Duration,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            margin: Duration::from_secs(10),
            look_back: Duration::from_hours(1),
            first_look_back: Duration::from_hours(24),
            backoff: [60, 5 * 60, 30 * 60].map(Duration::from_secs).to_vec(),
            most_attempts: 50,
            slack: Duration::from_mins(1),
            most_mended: 500,
            patience: Duration::from_secs(20),
        }
    }
}

/// What a run found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Commits that are not in every read model they belong to.
    pub commits_behind: u64,
    /// The age of the oldest of them.
    pub oldest_behind: Option<Duration>,
    /// Commits published again.
    pub republished: u64,
    /// Streams of which a single projection was told.
    pub nudged: u64,
    /// Commits that are mended no more; their number is in no later report.
    pub given_up: u64,
}

/// How a consumer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub consumer: &'static str,
    /// About how many deliveries wait for it, those in retry included.
    pub waiting: u64,
    /// About how many it has given up.
    pub dead: u64,
}

/// Why a run ended early; the next one finds the same and more.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The event store or its feed index.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models: without them nothing is published again.
    #[error(transparent)]
    Views(#[from] ReadStoreError),
    /// The audit's own state could not be stored.
    #[error("the audit's state could not be stored")]
    State(#[from] ApplyError),
    /// A consumer's queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Compares what was appended with what arrived.
#[derive(Clone)]
pub struct Audit {
    /// Every commit in the order of time.
    pub feed: Arc<dyn Feed>,
    /// The truth.
    pub store: Arc<dyn EventStore>,
    /// What arrived, and the audit's own state.
    pub views: Arc<dyn ReadStore>,
    /// The bus.
    pub publisher: Arc<dyn Publisher>,
    /// The queues behind it.
    pub consumers: Arc<dyn Consumers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How to look and wait.
    pub options: AuditOptions,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Audit {
    /// Makes sure that the read store can keep the audit's state.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn prepare(&self) -> Result<(), ReadStoreError> {
        self.views.prepare(&[&AUDIT]).await
    }

    /// Looks once and changes nothing: what is behind now. Where no run has looked yet it looks back as far as later runs
    /// do, so that whoever asks is answered soon.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub async fn inspect(&self) -> Result<AuditReport, AuditError> {
        let now = self.clock.now();
        let first = earlier(now, self.options.look_back);
        let state = match State::load(&*self.views, first).await {
            Ok((state, _)) => state,
            // No run has made a place for it yet.
            Err(ReadStoreError::Internal(_)) => State::beginning(first),
            Err(error) => return Err(error.into()),
        };
        let mut progress = Progress::new(HashMap::new());
        let (behind, _) = self.look(&state, now, earlier(now, self.options.margin), &mut progress).await?;
        Ok(report(&behind, now))
    }

    /// How each consumer of [`CONSUMERS`] stands, in that order.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn standings(&self, letters: &dyn DeadLetters) -> Result<Vec<Standing>, QueueError> {
        let mut standings = Vec::with_capacity(CONSUMERS.len());
        for consumer in CONSUMERS {
            let waiting = self.consumers.waiting(consumer).await?;
            standings.push(Standing { consumer, waiting, dead: letters.count(consumer).await? });
        }
        Ok(standings)
    }

    /// Looks once and mends what is due. The audit must be prepared, and the read store have the views of the desk.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub async fn run(&self) -> Result<AuditReport, AuditError> {
        let now = self.clock.now();
        let end = earlier(now, self.options.margin);
        let (mut state, revision) = State::load(&*self.views, earlier(now, self.options.first_look_back)).await?;
        // Before the read models: what leaves a queue after this look is seen in them.
        let waiting = self.waiting().await?;
        let mut progress = Progress::new(waiting);
        let (mut behind, reached) = self.look(&state, now, end, &mut progress).await?;
        behind.sort_by_key(|found| found.entry.at);

        let mut report = report(&behind, now);
        let plan = plan::plan(&behind, &progress, &state, now, &self.options);
        report.given_up = plan.given_up.len() as u64;
        for found in &plan.given_up {
            let FeedEntry { stream, version, .. } = found.entry;
            tracing::error!(%stream, version = version.get(), consumer = found.target.consumer(), "a commit was given up");
        }
        state.keep(&behind, &plan.given_up, reached);
        report.republished = self.republish(&plan.republish, &mut state, now).await?;
        report.nudged = self.nudge(&plan.nudge, &mut state, now).await?;
        state.save(&*self.views, revision).await?;
        Ok(report)
    }

    async fn waiting(&self) -> Result<HashMap<&'static str, u64>, QueueError> {
        let mut waiting = HashMap::new();
        for consumer in Target::ALL.map(Target::consumer) {
            waiting.insert(consumer, self.consumers.waiting(consumer).await?);
        }
        Ok(waiting)
    }

    /// What is behind among the commits since the checkpoint and those that were behind before; and how far the look
    /// came, which is `end` unless it took too long.
    async fn look(
        &self,
        state: &State,
        now: Timestamp,
        end: Timestamp,
        progress: &mut Progress,
    ) -> Result<(Vec<Behind>, Timestamp), AuditError> {
        let mut from = state.checkpoint.min(earlier(now, self.options.look_back));
        let old: Vec<FeedEntry> = state.pending.iter().map(Pending::entry).filter(|entry| entry.at < from).collect();
        let mut behind = projections::behind(&*self.views, &old, progress).await?;
        let late = later(now, self.options.patience);
        while from < end && self.clock.now() < late {
            let to = later(from, SLICE).min(end);
            let entries = self.feed.between(from, to).await?;
            behind.extend(projections::behind(&*self.views, &entries, progress).await?);
            from = to;
        }
        // A commit that lacks in two projections stands for each of them, but never twice for one.
        let mut seen = HashSet::new();
        behind.retain(|found| seen.insert(found.key()));
        Ok((behind, from.min(end)))
    }

    async fn republish(&self, due: &[FeedEntry], state: &mut State, now: Timestamp) -> Result<u64, AuditError> {
        let (mut published, mut refusals) = (0, 0);
        for batch in due.chunks(BATCH) {
            let commits = self.commits(batch).await?;
            if let Err(error) = self.publisher.publish(&commits).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the bus did not take commits again");
                refusals += 1;
                // No attempt of theirs: the bus may be away. But the others come first next time.
                state.put_off(batch, later(now, self.first_backoff()));
                if refusals >= MOST_REFUSALS {
                    break;
                }
                continue;
            }
            published += commits.len() as u64;
            for entry in batch {
                state.mended(Target::History, *entry, now, &self.options.backoff);
            }
        }
        Ok(published)
    }

    /// Tells each projection of the newest commit of every stream in which it is behind.
    async fn nudge(&self, due: &[Behind], state: &mut State, now: Timestamp) -> Result<u64, AuditError> {
        let mut nudged = 0;
        for batch in due.chunks(BATCH) {
            let entries: Vec<FeedEntry> = batch.iter().map(|found| found.entry).collect();
            let commits = self.commits(&entries).await?;
            let commits: HashMap<(StreamId, Version), Commit> =
                commits.into_iter().map(|commit| ((commit.stream, commit.version), commit)).collect();
            for found in batch {
                let FeedEntry { stream, version, .. } = found.entry;
                let commit = commits.get(&(stream, version));
                // The last event says that the commit is whole.
                let Some(event) = commit.and_then(|commit| commit.envelopes().last()) else { continue };
                self.consumers.nudge(found.target.consumer(), &[event]).await?;
                tracing::info!(%stream, version = version.get(), consumer = found.target.consumer(), "nudged");
                state.mended(found.target, found.entry, now, &self.options.backoff);
                nudged += 1;
            }
        }
        Ok(nudged)
    }

    async fn commits(&self, entries: &[FeedEntry]) -> Result<Vec<Commit>, StoreError> {
        let keys: Vec<_> = entries.iter().map(|entry| (entry.stream, entry.version)).collect();
        Ok(self.store.read_many(&keys).await?.into_iter().flatten().collect())
    }

    fn first_backoff(&self) -> Duration {
        self.options.backoff.first().copied().unwrap_or_default()
    }
}

fn report(behind: &[Behind], now: Timestamp) -> AuditReport {
    let commits: HashSet<_> = behind.iter().map(|found| (found.entry.stream, found.entry.version)).collect();
    let oldest = behind.iter().map(|found| found.entry.at).min();
    let age = |at: Timestamp| Duration::from_millis(u64::try_from(now.millis() - at.millis()).unwrap_or(0));
    AuditReport { commits_behind: commits.len() as u64, oldest_behind: oldest.map(age), ..AuditReport::default() }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}
