//! The audit on the local bus: what a consumer's cursor has passed and its read models lack is put among its retries.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_events::{Envelope, StreamId, Version};

use super::{CONSUMERS, Consumers};
use crate::{
    local_queue::asked_again,
    ports::{Clock, Commit, CommitLog, Position, PublishError, Publisher, QueueError, ReadStore, StoreError},
    projections::{Lag, projections},
    republish::Republisher,
};

/// The consumers of the local bus: cursors over the log, with their retries beside the views.
#[derive(Clone)]
pub struct LocalConsumers {
    /// What they read.
    pub log: Arc<dyn CommitLog>,
    /// Where their progress stands.
    pub views: Arc<dyn ReadStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl LocalConsumers {
    /// Has a consumer receive the commits at these positions again, as part of a replay of this name if one is given.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn redeliver(
        &self,
        consumer: &str,
        positions: &[Position],
        replay: Option<&str>,
    ) -> Result<(), QueueError> {
        let now = self.clock.now();
        let again: Vec<_> = positions.iter().map(|position| asked_again(*position, now, replay)).collect();
        self.views.redeliver(consumer, &again).await.map_err(|error| QueueError(error.into()))
    }

    async fn locate(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Position>, QueueError> {
        let found = self.log.locate(keys).await.map_err(|error| QueueError(error.into()))?;
        Ok(found.into_iter().flatten().collect())
    }
}

#[async_trait]
impl Consumers for LocalConsumers {
    async fn waiting(&self, consumer: &str) -> Result<u64, QueueError> {
        let state = self.views.consumer(consumer).await.map_err(|error| QueueError(error.into()))?;
        let failed = |error: StoreError| QueueError(error.into());
        // Asked of the log itself: another process may have appended.
        let end = self.log.end().await.map_err(failed)?;
        let retries = state.retries.len() as u64;
        let projections = projections();
        let Some(projection) = projections.iter().find(|projection| projection.name() == consumer) else {
            return Ok(end.0.saturating_sub(state.cursor.0) + retries);
        };
        // A cursor stays where it is while nothing that comes after it is for its consumer.
        let lag = Lag::behind(&*self.log, state.cursor, &**projection).await.map_err(failed)?;
        let ahead = |position: &Position| *position > state.cursor && *position <= lag.looked_to;
        let settled = state.retries.iter().map(|retry| retry.position).filter(ahead).count()
            + state.dead.iter().map(|dead| dead.position).filter(ahead).count();
        let fresh = lag.commits.saturating_sub(settled as u64) + end.0.saturating_sub(lag.looked_to.0);
        Ok(fresh + retries)
    }

    async fn nudge(&self, consumer: &str, events: &[Envelope]) -> Result<(), QueueError> {
        // A delivery carries a whole commit, whichever of its events are asked for.
        let mut keys: Vec<_> = events.iter().map(|event| (event.stream, event.version)).collect();
        keys.dedup();
        let positions = self.locate(&keys).await?;
        self.redeliver(consumer, &positions, events.first().and_then(|event| event.replay.as_deref())).await
    }
}

/// Publishes commits of the log once more: every consumer of the desk receives them again.
#[derive(Clone)]
pub struct LocalRepublisher(pub LocalConsumers);

#[async_trait]
impl Publisher for LocalRepublisher {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        let keys: Vec<_> = commits.iter().map(|commit| (commit.stream, commit.version)).collect();
        let failed = |error: QueueError| PublishError(error.into());
        let positions = self.0.locate(&keys).await.map_err(failed)?;
        for consumer in CONSUMERS {
            self.0.redeliver(consumer, &positions, None).await.map_err(failed)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Republisher for LocalRepublisher {
    async fn republish(&self, events: &[Envelope]) -> Result<(), PublishError> {
        for projection in projections() {
            let taken: Vec<_> = events.iter().filter(|event| projection.takes(&event.event_type)).cloned().collect();
            if !taken.is_empty() {
                let nudged = self.0.nudge(projection.name(), &taken).await;
                nudged.map_err(|error| PublishError(error.into()))?;
            }
        }
        Ok(())
    }
}
