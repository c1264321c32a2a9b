//! What of the log a projection has not worked through.

use eventdesk_events::Timestamp;

use super::Projection;
use crate::ports::{CommitLog, Position, Retry, StoreError};

/// Commits of the log that are looked at; with more than these behind, the numbers say "at least".
const MOST: usize = 10_000;
const PAGE: usize = 1_000;

/// What has not been worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// Events, of those that concern the projection.
    pub events: u64,
    /// Commits with such events.
    pub commits: u64,
    /// When the oldest of them was made.
    pub oldest_at: Option<Timestamp>,
    /// Up to here the log was looked at.
    pub(crate) looked_to: Position,
}

impl Lag {
    /// What stands behind a cursor: a commit that does not concern the projection makes nobody wait.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn behind(
        log: &dyn CommitLog,
        cursor: Position,
        projection: &dyn Projection,
    ) -> Result<Self, StoreError> {
        let (mut lag, mut seen) = (Self { looked_to: cursor, ..Self::default() }, 0);
        while seen < MOST {
            let page = log.read_after(lag.looked_to, PAGE).await?;
            let Some(last) = page.last() else { break };
            lag.looked_to = last.position;
            seen += page.len();
            for commit in page.iter().map(|stored| &stored.commit) {
                let taken = commit.events.iter().filter(|event| projection.takes(&event.event_type)).count();
                if taken > 0 {
                    lag.events += taken as u64;
                    lag.commits += 1;
                    lag.oldest_at = lag.oldest_at.or(Some(commit.at));
                }
            }
        }
        Ok(lag)
    }

    /// With what the consumer has received and could not work through, and is to receive again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn and_retried(
        mut self,
        log: &dyn CommitLog,
        retries: &[Retry],
        projection: &dyn Projection,
    ) -> Result<Self, StoreError> {
        for retry in retries.iter().take(PAGE) {
            let found = log.read_after(Position(retry.position.0.saturating_sub(1)), 1).await?;
            let Some(commit) = found.first().filter(|stored| stored.position == retry.position) else { continue };
            let commit = &commit.commit;
            let taken = commit.events.iter().filter(|event| projection.takes(&event.event_type)).count();
            if taken > 0 {
                self.events += taken as u64;
                self.commits += 1;
                self.oldest_at = Some(self.oldest_at.map_or(commit.at, |oldest| oldest.min(commit.at)));
            }
        }
        Ok(self)
    }
}
