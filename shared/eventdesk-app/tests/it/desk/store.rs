//! Event stores that count, that let others win, or that hold other than what was written.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventdesk_app::ports::{Append, AppendError, Claim, Commit, EventStore, StoreError};
use eventdesk_events::{StreamId, Version};

/// Counts reads and the rows they bring.
pub(crate) struct Counting {
    inner: Arc<dyn EventStore>,
    reads: AtomicUsize,
    rows: AtomicUsize,
    appends: AtomicUsize,
}

impl Counting {
    pub(crate) fn new(inner: Arc<dyn EventStore>) -> Self {
        Self { inner, reads: AtomicUsize::new(0), rows: AtomicUsize::new(0), appends: AtomicUsize::new(0) }
    }

    /// Reads, rows and appends since the last call.
    pub(crate) fn take(&self) -> (usize, usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.reads), take(&self.rows), take(&self.appends))
    }

    fn read(&self, rows: usize) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

#[async_trait]
impl EventStore for Counting {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        self.read(1);
        self.inner.head(stream).await
    }

    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError> {
        let commits = self.inner.read(stream, from, limit).await?;
        self.read(commits.len());
        Ok(commits)
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        self.read(keys.len());
        self.inner.read_many(keys).await
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.inner.append(append).await
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        self.read(1);
        self.inner.holder(claim).await
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        self.inner.next_ticket_number().await
    }
}

type Turn = Box<dyn FnOnce() -> tokio::task::JoinHandle<()> + Send>;

/// What happens in place of an append, or before it.
pub(crate) enum Interference {
    /// Somebody else writes first.
    First(Turn),
    /// The append is made, its answer says that it was there already.
    AnswerLost,
    /// Nothing is written.
    Unavailable,
    /// The append is made, its answer is lost.
    MadeButUnavailable,
}

/// A store at which others are faster: one interference an append, in order.
pub(crate) struct Rival {
    inner: Arc<dyn EventStore>,
    turns: Mutex<Vec<Interference>>,
    appends: AtomicUsize,
}

impl Rival {
    pub(crate) fn new(inner: Arc<dyn EventStore>, mut turns: Vec<Interference>) -> Self {
        turns.reverse();
        Self { inner, turns: Mutex::new(turns), appends: AtomicUsize::new(0) }
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl EventStore for Rival {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        self.inner.head(stream).await
    }

    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError> {
        self.inner.read(stream, from, limit).await
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        self.inner.read_many(keys).await
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        let turn = self.turns.lock().unwrap().pop();
        match turn {
            None => self.inner.append(append).await,
            Some(Interference::First(turn)) => {
                turn().await.unwrap();
                self.inner.append(append).await
            }
            Some(Interference::AnswerLost) => {
                self.inner.append(append.clone()).await?;
                self.inner.append(append).await
            }
            Some(Interference::Unavailable) => Err(AppendError::Unavailable("transaction conflict".into())),
            Some(Interference::MadeButUnavailable) => {
                self.inner.append(append).await?;
                Err(AppendError::Unavailable("timed out".into()))
            }
        }
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        self.inner.holder(claim).await
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        self.inner.next_ticket_number().await
    }
}

/// A store whose commits are read otherwise than they were written: erased, of an older state, beyond decoding.
pub(crate) struct Altered<F> {
    inner: Arc<dyn EventStore>,
    alter: F,
}

impl<F: Fn(Commit) -> Commit + Send + Sync> Altered<F> {
    pub(crate) fn new(inner: Arc<dyn EventStore>, alter: F) -> Self {
        Self { inner, alter }
    }
}

#[async_trait]
impl<F: Fn(Commit) -> Commit + Send + Sync> EventStore for Altered<F> {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        Ok(self.inner.head(stream).await?.map(&self.alter))
    }

    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError> {
        Ok(self.inner.read(stream, from, limit).await?.into_iter().map(&self.alter).collect())
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        let found = self.inner.read_many(keys).await?;
        Ok(found.into_iter().map(|commit| commit.map(&self.alter)).collect())
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.inner.append(append).await
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        self.inner.holder(claim).await
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        self.inner.next_ticket_number().await
    }
}
