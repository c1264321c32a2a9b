//! A bus to test on: commits to append, a clock to set, and a consumer as a projector is one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::{
    local_queue::{Consumer, LocalQueue, LocalQueueOptions},
    ports::{
        Clock, CommitLog, ConsumerState, Delivery, DeliveryId, Position, Queue, Settlement, StoreError, StoredCommit,
    },
};
use eventdesk_events::{StreamId, Timestamp, Version};
use tokio::{sync::watch, time::timeout};

use super::Ground;
use crate::event_store::samples::{append, commit, ticket};

/// A clock that stands still until it is set.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Bed {
    pub(crate) ground: Ground,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) const NAME: &str = "tickets";

/// Three attempts, 30 s to answer.
pub(crate) fn options() -> LocalQueueOptions {
    LocalQueueOptions {
        visibility: Duration::from_secs(30),
        backoff: [1, 10].map(Duration::from_secs).to_vec(),
        // The fake clock moves while a receiver sleeps by the real one.
        poll: Duration::from_millis(1),
        ..LocalQueueOptions::default()
    }
}

impl Bed {
    pub(crate) fn new(ground: Ground) -> Self {
        Self { ground, clock: Arc::new(ManualClock(AtomicI64::new(1_800_000_000_000))) }
    }

    pub(crate) async fn open(&self) -> LocalQueue {
        self.open_with(NAME, &[], options()).await
    }

    pub(crate) async fn open_with(&self, name: &str, interests: &[&str], options: LocalQueueOptions) -> LocalQueue {
        self.open_over(Arc::clone(&self.ground.log), name, interests, options).await
    }

    pub(crate) async fn open_over(
        &self,
        log: Arc<dyn CommitLog>,
        name: &str,
        interests: &[&str],
        options: LocalQueueOptions,
    ) -> LocalQueue {
        let interests = interests.iter().map(|prefix| (*prefix).to_owned()).collect();
        let consumer = Consumer { name: name.to_owned(), interests };
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        LocalQueue::open(consumer, log, Arc::clone(&self.ground.views), clock, options).await.expect("the queue opens")
    }

    /// Appends the first commit of each of these tickets.
    pub(crate) async fn append(&self, tickets: impl IntoIterator<Item = u64>) {
        for number in tickets {
            let append = append(vec![commit(ticket(number), 1)]);
            self.ground.store.append(append).await.expect("a fresh ticket can be opened");
        }
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) async fn state(&self) -> ConsumerState {
        self.ground.views.consumer(NAME).await.expect("the progress is read")
    }

    /// The newest position.
    pub(crate) async fn end(&self) -> Position {
        let all = self.ground.log.read_after(Position(0), 10_000).await.expect("the log is read");
        all.last().map_or(Position(0), |stored| stored.position)
    }

    /// Settles as a projector does: the progress is stored with the views first.
    pub(crate) async fn settle(&self, queue: &dyn Queue, settlement: Settlement) {
        let progress = queue.progress(&settlement);
        self.ground.views.apply(Vec::new(), progress).await.expect("the progress is stored");
        queue.settle(settlement).await.expect("the batch is settled");
    }

    pub(crate) async fn done(&self, queue: &dyn Queue, deliveries: &[Delivery]) {
        self.settle(queue, Settlement { done: ids(deliveries), failed: Vec::new() }).await;
    }

    pub(crate) async fn fail(&self, queue: &dyn Queue, deliveries: &[Delivery]) {
        let failed = ids(deliveries).into_iter().map(|id| (id, "it is poison".to_owned())).collect();
        self.settle(queue, Settlement { done: Vec::new(), failed }).await;
    }

    /// Sees that nothing is to be had but a commit that is appended just for that.
    pub(crate) async fn nothing_but(&self, queue: &dyn Queue, marker: u64) {
        self.append([marker]).await;
        let found = receive(queue, 100).await;
        assert_eq!(tickets(&found), [ticket(marker)], "nothing comes but ticket {marker}");
        self.done(queue, &found).await;
    }
}

/// Receives, or fails the test where nothing comes.
pub(crate) async fn receive(queue: &dyn Queue, max: usize) -> Vec<Delivery> {
    let found = timeout(Duration::from_secs(20), queue.receive(max)).await.expect("something is to be had");
    let found = found.expect("the queue can be reached");
    assert!((1..=max).contains(&found.len()), "{} deliveries where at most {max} were asked for", found.len());
    found
}

pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<DeliveryId> {
    deliveries.iter().map(|delivery| delivery.id.clone()).collect()
}

pub(crate) fn tickets(deliveries: &[Delivery]) -> Vec<StreamId> {
    deliveries.iter().map(|delivery| delivery.events[0].stream).collect()
}

/// The tickets with these numbers.
pub(crate) fn all(numbers: impl IntoIterator<Item = u64>) -> Vec<StreamId> {
    numbers.into_iter().map(ticket).collect()
}

/// A log in which another process appends: its own process is told nothing.
pub(crate) struct Untold(pub(super) Arc<dyn CommitLog>);

#[async_trait]
impl CommitLog for Untold {
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<StoredCommit>, StoreError> {
        self.0.read_after(after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredCommit>, StoreError> {
        self.0.read_at(positions).await
    }

    async fn locate(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Position>>, StoreError> {
        self.0.locate(keys).await
    }

    async fn end(&self) -> Result<Position, StoreError> {
        self.0.end().await
    }

    fn newest(&self) -> watch::Receiver<Position> {
        watch::channel(Position(0)).1
    }
}
