//! Dead letters of the local bus: rows beside the views that name positions in the log.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use eventdesk_events::StreamId;

use crate::{
    audit::LocalConsumers,
    ports::{Commit, DeadLetters, Letter, LetterId, Position, QueueError},
};

/// The dead letters of a [`LocalQueue`](crate::local_queue::LocalQueue)'s consumer. A letter's key is a position.
#[derive(Clone)]
pub struct LocalDeadLetters(pub LocalConsumers);

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QueueError {
    QueueError(error.into())
}

impl LocalDeadLetters {
    /// Those of the named positions that are dead, in the order of the names.
    async fn dead(&self, consumer: &str, keys: &[String]) -> Result<Vec<Position>, QueueError> {
        let state = self.0.views.consumer(consumer).await.map_err(failed)?;
        let named = keys.iter().filter_map(|key| key.parse().ok()).map(Position);
        Ok(named.filter(|at| state.dead.binary_search_by_key(at, |dead| dead.position).is_ok()).collect())
    }
}

#[async_trait]
impl DeadLetters for LocalDeadLetters {
    async fn list(&self, consumer: &str, limit: usize) -> Result<Vec<Letter>, QueueError> {
        let mut dead = self.0.views.consumer(consumer).await.map_err(failed)?.dead;
        dead.truncate(limit);
        let positions: Vec<Position> = dead.iter().map(|letter| letter.position).collect();
        let stored = self.0.log.read_at(&positions).await.map_err(failed)?;
        let commits: HashMap<Position, Arc<Commit>> =
            stored.into_iter().map(|stored| (stored.position, stored.commit)).collect();
        let letter = |dead: crate::ports::DeadLetter| {
            let commit = commits.get(&dead.position);
            Letter {
                id: LetterId { consumer: consumer.to_owned(), key: dead.position.0.to_string() },
                about: commit.map(|commit| (commit.stream, commit.version)),
                events: commit.map(|commit| commit.envelopes().collect()).unwrap_or_default(),
                attempts: dead.attempts,
                at: Some(dead.at),
                reason: dead.reason,
            }
        };
        Ok(dead.into_iter().map(letter).collect())
    }

    async fn count(&self, consumer: &str) -> Result<u64, QueueError> {
        Ok(self.0.views.consumer(consumer).await.map_err(failed)?.dead.len() as u64)
    }

    async fn put_back(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError> {
        let positions = self.dead(consumer, keys).await?;
        self.0.redeliver(consumer, &positions, None).await?;
        Ok(positions.len() as u64)
    }

    /// A row holds a position alone; the texts stand in the store.
    async fn strip(&self, _: &str, _: &BTreeSet<StreamId>) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn discard(&self, consumer: &str, keys: &[String]) -> Result<u64, QueueError> {
        let positions: Vec<Position> = keys.iter().filter_map(|key| key.parse().ok()).map(Position).collect();
        self.0.views.discard_dead(consumer, &positions).await.map_err(failed)
    }
}
