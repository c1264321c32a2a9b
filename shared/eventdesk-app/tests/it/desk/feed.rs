//! The log as a feed.

use std::sync::Arc;

use async_trait::async_trait;
use eventdesk_app::{
    audit::{Feed, FeedEntry},
    ports::{CommitLog, Position, StoreError},
};
use eventdesk_events::Timestamp;

pub(crate) struct LogFeed(pub(crate) Arc<dyn CommitLog>);

#[async_trait]
impl Feed for LogFeed {
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<FeedEntry>, StoreError> {
        let stored = self.0.read_after(Position(0), 100_000).await?;
        let entries = stored.iter().map(|stored| {
            let commit = &stored.commit;
            FeedEntry { at: commit.at, stream: commit.stream, version: commit.version }
        });
        Ok(entries.filter(|entry| entry.at >= from && entry.at < to).collect())
    }
}
