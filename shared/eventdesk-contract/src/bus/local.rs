//! The local bus: an append is the publication, and the queue reads the log.

use std::time::Duration;

use async_trait::async_trait;
use eventdesk_app::{
    audit::LocalConsumers,
    dead_letters::LocalDeadLetters,
    local_queue::{LocalQueue, LocalQueueOptions},
    ports::{Commit, DeadLetters, Position, PublishError, Publisher, Queue, Settlement},
};

use super::{Bus, Dead, Setting};
use crate::{
    event_store::samples::append,
    queue::{
        Ground,
        bed::{Bed, NAME, options},
    },
};

/// The bus inside one process, over any log and read store.
pub struct LocalBus {
    bed: Bed,
    appender: Appender,
    queue: LocalQueue,
    letters: LocalDeadLetters,
}

impl std::fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBus").finish_non_exhaustive()
    }
}

impl LocalBus {
    /// A bus on fresh ground.
    pub async fn new(ground: Ground, setting: Setting) -> Self {
        let appender = Appender(ground.clone());
        let bed = Bed::new(ground);
        let options = LocalQueueOptions { visibility: setting.visibility, backoff: setting.backoff, ..options() };
        let queue = bed.open_with(NAME, &[], options).await;
        let (log, views, clock) = (bed.ground.log.clone(), bed.ground.views.clone(), bed.clock.clone());
        let letters = LocalDeadLetters(LocalConsumers { log, views, clock });
        Self { bed, appender, queue, letters }
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn publisher(&self) -> &dyn Publisher {
        &self.appender
    }

    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    async fn settle(&self, settlement: Settlement) {
        self.bed.settle(&self.queue, settlement).await;
    }

    async fn pass(&self, time: Duration) {
        self.bed.wait(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    }

    fn letters(&self) -> &dyn DeadLetters {
        &self.letters
    }

    fn consumer(&self) -> &'static str {
        NAME
    }

    async fn dead(&self) -> Vec<Dead> {
        let dead = self.bed.state().await.dead;
        let positions: Vec<Position> = dead.iter().map(|letter| letter.position).collect();
        let commits = self.bed.ground.log.read_at(&positions).await.expect("the log is read");
        let stream = |at: Position| commits.iter().find(|stored| stored.position == at).map(|one| one.commit.stream);
        dead.into_iter()
            .map(|letter| Dead { stream: stream(letter.position), attempts: letter.attempts, reason: letter.reason })
            .collect()
    }
}

/// Publishes by appending; what the log has already is not appended again.
struct Appender(Ground);

#[async_trait]
impl Publisher for Appender {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        for commit in commits {
            let known = self.0.store.read_many(&[(commit.stream, commit.version)]).await;
            if known.map_err(|error| PublishError(error.into()))?.iter().all(Option::is_none) {
                let appended = self.0.store.append(append(vec![commit.clone()])).await;
                appended.map_err(|error| PublishError(error.into()))?;
            }
        }
        Ok(())
    }
}
