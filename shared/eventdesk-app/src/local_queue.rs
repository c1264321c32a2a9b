//! The local bus: a consumer's queue that copies nothing.
//!
//! It is a cursor over the log's positions plus rows for what is in retry or dead, kept with the views. A commit
//! that fails is noted as a retry and no longer holds the cursor back, so one that never works delays no other.
//!
//! One process runs a consumer at a time; commits may be appended by any.

mod ledger;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_events::Timestamp;
use tokio::{select, time::sleep};
use tracing::{debug, warn};

use self::ledger::Ledger;
use crate::ports::{
    Clock, Commit, CommitLog, Delivery, Position, Progress, Queue, QueueError, ReadStore, Retry, Settlement,
    StoredCommit,
};

/// How a [`LocalQueue`] waits and gives up.
#[derive(Debug, Clone)]
pub struct LocalQueueOptions {
    /// How long a delivery may stay unsettled before it is handed out again.
    pub visibility: Duration,
    /// The wait after the first, second, … failed attempt; after one attempt more than there are waits it is dead.
    pub backoff: Vec<Duration>,
    /// Most commits handed out or waiting to be settled at once; failed ones apart.
    pub in_flight: usize,
    /// How often an idle queue looks for commits that another process appended.
    pub poll: Duration,
    /// The cursor of an idle queue is stored after this time, …
    pub store_idle: Duration,
    /// … that of a busy one at least every so many positions, even if nothing was of interest.
    pub store_every: u64,
}

impl Default for LocalQueueOptions {
    fn default() -> Self {
        Self {
            visibility: Duration::from_secs(30),
            backoff: [1, 5, 30, 120, 600].map(Duration::from_secs).to_vec(),
            in_flight: 4096,
            poll: Duration::from_secs(1),
            store_idle: Duration::from_secs(5),
            store_every: 2000,
        }
    }
}

/// A delivery that operators ask for once more, now: by a replay of this name, or of none.
pub fn asked_again(position: Position, now: Timestamp, replay: Option<&str>) -> Retry {
    let reason = replay.map_or_else(|| "asked for again".to_owned(), ledger::replay_reason);
    Retry { position, attempts: 0, due: now, reason }
}

/// Which consumer a [`LocalQueue`] serves.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Its name, under which its progress is stored.
    pub name: String,
    /// Prefixes of event types; a commit with no such event is passed over. None at all means every commit.
    pub interests: Vec<String>,
}

impl Consumer {
    fn wants(&self, commit: &Commit) -> bool {
        let wanted = |kind: &str| self.interests.iter().any(|prefix| kind.starts_with(prefix.as_str()));
        self.interests.is_empty() || commit.events.iter().any(|event| wanted(&event.event_type))
    }
}

/// The queue of one consumer over the commit log.
///
/// A delivery carries a whole commit; its id is the commit's position, so settling a late delivery settles the
/// commit, whoever holds it by then.
pub struct LocalQueue {
    consumer: Consumer,
    log: Arc<dyn CommitLog>,
    views: Arc<dyn ReadStore>,
    clock: Arc<dyn Clock>,
    options: LocalQueueOptions,
    // Held while commits are read and noted, so that parallel receivers never read the same ones; a receiver that
    // is dropped in the middle has noted nothing.
    reading: tokio::sync::Mutex<()>,
    // A std mutex, for it is never held across an await.
    ledger: Mutex<Ledger>,
    /// When the stored retries were last looked at for what others have put there.
    adopted: Mutex<Timestamp>,
}

impl fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalQueue").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl LocalQueue {
    /// Opens the consumer's queue where its stored progress ends.
    ///
    /// # Errors
    /// [`QueueError`] if the read store cannot tell the progress.
    pub async fn open(
        consumer: Consumer,
        log: Arc<dyn CommitLog>,
        views: Arc<dyn ReadStore>,
        clock: Arc<dyn Clock>,
        options: LocalQueueOptions,
    ) -> Result<Self, QueueError> {
        let stored = views.consumer(&consumer.name).await.map_err(|error| QueueError(error.into()))?;
        let ledger = Mutex::new(Ledger::resume(stored, options.visibility, options.backoff.clone()));
        let (reading, adopted) = (tokio::sync::Mutex::new(()), Mutex::new(clock.now()));
        Ok(Self { consumer, log, views, clock, options, reading, ledger, adopted })
    }

    /// Up to here every commit is worked through, in retry or dead; in memory, so ahead of what is stored.
    pub fn cursor(&self) -> Position {
        self.ledger().cursor()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be handed out now: what is due again first, then new commits.
    async fn look(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let _reading = self.reading.lock().await;
        let mut found = self.look_again(max).await?;
        while found.len() < max {
            let room = self.options.in_flight.saturating_sub(self.ledger().fresh());
            let wanted = (max - found.len()).min(room);
            if wanted == 0 {
                break;
            }
            let after = self.ledger().read();
            let commits = self.log.read_after(after, wanted).await.map_err(|error| QueueError(error.into()))?;
            if commits.is_empty() {
                break;
            }
            self.note(&commits, &mut found);
            // Behind a long stretch of no interest the cursor must not stay far back.
            self.store_cursor(self.options.store_every).await;
        }
        Ok(found)
    }

    fn note(&self, commits: &[StoredCommit], found: &mut Vec<Delivery>) {
        let now = self.clock.now();
        let mut ledger = self.ledger();
        let wanted = |stored: &&StoredCommit| ledger.note(stored.position, self.consumer.wants(&stored.commit), now);
        found.extend(commits.iter().filter(wanted).map(|stored| delivery(stored, 1)));
    }

    /// Failed deliveries whose back-off is over, and unsettled ones whose visibility time is.
    async fn look_again(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        self.adopt().await;
        let now = self.clock.now();
        let (due, given_up) = self.ledger().due(now, max);
        self.give_up(&given_up, "not settled within the visibility time").await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let commits = self.log.read_at(&due).await.map_err(|error| QueueError(error.into()))?;
        let lost = |position: &Position| !commits.iter().any(|stored| stored.position == *position);
        self.give_up(&due.into_iter().filter(lost).collect::<Vec<_>>(), "no longer in the log").await?;
        let mut ledger = self.ledger();
        let again = |stored: &StoredCommit| {
            let (attempt, replay) = ledger.hand_out_again(stored.position, now)?;
            let mut delivery = delivery(stored, attempt);
            delivery.events.iter_mut().for_each(|event| event.replay.clone_from(&replay));
            Some(delivery)
        };
        Ok(commits.iter().filter_map(again).collect())
    }

    /// Finds, now and then, what operators' tools have put among the retries: dead letters that are to be tried again,
    /// what the audit found missing, and replays.
    async fn adopt(&self) {
        let now = self.clock.now();
        {
            let mut adopted = self.adopted.lock().unwrap_or_else(PoisonError::into_inner);
            let since = u128::try_from(now.millis().saturating_sub(adopted.millis())).unwrap_or(0);
            if since < self.options.poll.as_millis() {
                return;
            }
            *adopted = now;
        }
        match self.views.retries(&self.consumer.name).await {
            Ok(retries) => self.ledger().adopt(retries),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                debug!(consumer = self.consumer.name, error, "stored retries cannot be looked at");
            }
        }
    }

    /// Makes commits dead letters without a settlement.
    async fn give_up(&self, positions: &[Position], why: &str) -> Result<(), QueueError> {
        if positions.is_empty() {
            return Ok(());
        }
        let progress = self.ledger().give_up(&self.consumer.name, positions, why, self.clock.now());
        warn!(consumer = self.consumer.name, commits = positions.len(), why, "gave commits up");
        self.views.apply(Vec::new(), Some(progress)).await.map_err(|error| QueueError(error.into()))?;
        self.ledger().forget(positions);
        Ok(())
    }

    /// Stores the cursor by itself if it has moved at least so far since it was last part of a progress.
    async fn store_cursor(&self, at_least: u64) {
        let progress = {
            let mut ledger = self.ledger();
            if ledger.unstored() < at_least.max(1) {
                return;
            }
            ledger.progress(&self.consumer.name, &Settlement::default(), self.clock.now())
        };
        // Losing this only means passing over the same commits again.
        if let Err(error) = self.views.apply(Vec::new(), Some(progress)).await {
            debug!(consumer = self.consumer.name, error = &error as &dyn std::error::Error, "cursor not stored");
            self.ledger().not_stored();
        }
    }

    /// How long nothing can happen unless somebody appends.
    fn idle_for(&self) -> Duration {
        match self.ledger().next_due() {
            Some(due) => {
                let wait = due.millis().saturating_sub(self.clock.now().millis());
                // A millisecond at least: a commit that is due but not in the log must not make the queue spin.
                self.options.poll.min(Duration::from_millis(u64::try_from(wait).unwrap_or(0).max(1)))
            }
            None => self.options.poll,
        }
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut newest = self.log.newest();
        let mut appends_seen = true;
        let (mut read, mut idle_since) = (self.ledger().read(), self.clock.now());
        loop {
            // Before looking, so that an append during the look ends the wait.
            newest.borrow_and_update();
            let found = self.look(max.max(1)).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            let now = self.clock.now();
            // Commits of no interest are work too: while they come, the cursor is stored by their number alone.
            if std::mem::replace(&mut read, self.ledger().read()) != read {
                idle_since = now;
            }
            let idle = now.millis().saturating_sub(idle_since.millis());
            if u128::try_from(idle).unwrap_or(0) >= self.options.store_idle.as_millis() {
                self.store_cursor(1).await;
            }
            select! {
                change = newest.changed(), if appends_seen => appends_seen = change.is_ok(),
                () = sleep(self.idle_for()) => {}
            }
        }
    }

    fn progress(&self, settlement: &Settlement) -> Option<Progress> {
        Some(self.ledger().progress(&self.consumer.name, settlement, self.clock.now()))
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), QueueError> {
        self.ledger().settle(&settlement, self.clock.now());
        Ok(())
    }
}

fn delivery(stored: &StoredCommit, attempt: u32) -> Delivery {
    Delivery { id: ledger::delivery_id(stored.position), attempt, events: stored.commit.envelopes().collect() }
}
