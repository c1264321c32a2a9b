//! A desk with a bus and three queues that a test can hold up, rob and cut off.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventdesk_app::{
    audit::{Audit, AuditOptions, AuditReport, Consumers},
    ports::{Commit, Delivery, DeliveryId, PublishError, Publisher, QueueError, ReadStore},
    projections::{EMPLOYEES, Projector, VIEWS, projectors},
};
use eventdesk_events::{Envelope, StreamId, TicketId};
use eventdesk_memory::MemoryReadStore;

use crate::desk::{Desk, LogFeed, commits, documents, root};

/// The places of the consumers in [`Bed::queues`].
pub(super) const HISTORY: usize = 0;
pub(super) const TICKETS: usize = 1;
pub(super) const DIRECTORY: usize = 2;
const NAMES: [&str; 3] = ["projector-history", "projector-ticket", "projector-directory"];

/// The bus and its queues.
struct Street {
    projectors: [Projector; 3],
    queues: Mutex<[Vec<Envelope>; 3]>,
    away: AtomicBool,
    calls: AtomicUsize,
}

pub(super) struct Bed {
    pub(super) desk: Desk,
    street: Arc<Street>,
    audit: Audit,
    /// How many commits were looked at as new.
    seen: AtomicUsize,
}

impl Bed {
    pub(super) async fn new(desk: Desk) -> Self {
        Self::with(desk, AuditOptions::default()).await
    }

    pub(super) async fn with(desk: Desk, options: AuditOptions) -> Self {
        let mut found = desk.projectors();
        let projectors = NAMES.map(|name| {
            let place = found.iter().position(|projector| projector.name() == name).unwrap();
            found.remove(place)
        });
        let (queues, away, calls) = (Mutex::default(), AtomicBool::new(false), AtomicUsize::new(0));
        let street = Arc::new(Street { projectors, queues, away, calls });
        let audit = Audit {
            feed: Arc::new(LogFeed(desk.log.clone())),
            store: desk.store.clone(),
            views: desk.views.clone(),
            publisher: street.clone(),
            consumers: street.clone(),
            clock: desk.clock.clone(),
            options,
        };
        audit.prepare().await.unwrap();
        Self { desk, street, audit, seen: AtomicUsize::new(0) }
    }

    pub(super) async fn run(&self) -> AuditReport {
        self.audit.run().await.unwrap()
    }

    /// The same audit before a read store that knows no view.
    pub(super) fn blind(&self) -> Audit {
        Audit { views: Arc::new(MemoryReadStore::new()), ..self.audit.clone() }
    }

    /// A ticket of two commits, one of them for the message on it, which opens it; and an employee.
    pub(super) async fn ticket_with_message(&self) -> TicketId {
        let employee = self.desk.employee().await.id;
        let ticket = self.desk.ticket(&root(), employee).await.id;
        self.desk.post(&root(), ticket).await;
        ticket
    }

    pub(super) async fn commits(&self) -> Vec<Commit> {
        commits(&*self.desk.log).await
    }

    /// What was appended since the last time.
    pub(super) async fn new_commits(&self) -> Vec<Commit> {
        let all = self.commits().await;
        let seen = self.seen.swap(all.len(), Ordering::Relaxed);
        all[seen..].to_vec()
    }

    pub(super) async fn publish(&self, commits: &[Commit]) {
        self.street.publish(commits).await.unwrap();
    }

    pub(super) async fn publish_new(&self) {
        self.publish(&self.new_commits().await).await;
    }

    /// What waits in each queue.
    pub(super) fn queues(&self) -> [Vec<Envelope>; 3] {
        self.street.queues.lock().unwrap().clone()
    }

    /// A queue loses what it holds.
    pub(super) fn lose(&self, place: usize) {
        self.street.queues.lock().unwrap()[place].clear();
    }

    pub(super) fn lose_all(&self) {
        *self.street.queues.lock().unwrap() = Default::default();
    }

    pub(super) fn lose_last(&self, place: usize) {
        self.street.queues.lock().unwrap()[place].pop().unwrap();
    }

    pub(super) fn away(&self, away: bool) {
        self.street.away.store(away, Ordering::Relaxed);
    }

    /// How often the bus was called.
    pub(super) fn calls(&self) -> usize {
        self.street.calls.load(Ordering::Relaxed)
    }

    pub(super) async fn work_all(&self) {
        for place in 0..NAMES.len() {
            self.work(place).await;
        }
    }

    /// A consumer works through all that waits for it.
    pub(super) async fn work(&self, place: usize) {
        let events = std::mem::take(&mut self.street.queues.lock().unwrap()[place]);
        self.handle(place, events).await;
    }

    /// A consumer works through the first event that waits for it.
    pub(super) async fn work_one(&self, place: usize) {
        let first = {
            let mut queues = self.street.queues.lock().unwrap();
            if queues[place].is_empty() { None } else { Some(queues[place].remove(0)) }
        };
        self.handle(place, first.into_iter().collect()).await;
    }

    async fn handle(&self, place: usize, events: Vec<Envelope>) {
        let single =
            |event: Envelope| Delivery { id: DeliveryId(event.id.to_string()), attempt: 1, events: vec![event] };
        let handled = self.street.projectors[place].handle(events.into_iter().map(single).collect()).await.unwrap();
        assert_eq!(handled.failed, [], "nothing of this is poison");
    }

    /// The version of a stream's document.
    pub(super) async fn applied(&self, stream: StreamId) -> u64 {
        let (view, id) = match stream {
            StreamId::Employee(id) => (&EMPLOYEES, id.to_string()),
            StreamId::Ticket(id) => (&eventdesk_app::projections::TICKETS, id.to_string()),
            other => panic!("{other} is not asked for"),
        };
        self.desk.views.get(view, &[&id]).await.unwrap().pop().flatten().map_or(0, |document| document.version)
    }

    /// Compares the views with those of a bus that brought everything once, in order.
    pub(super) async fn is_as_if_never_interrupted(&self) {
        let views: Arc<dyn ReadStore> = Arc::new(MemoryReadStore::new());
        views.prepare(&VIEWS).await.unwrap();
        let commits = self.commits().await;
        for projector in projectors(&self.desk.store, &views) {
            projector.handle(crate::desk::wholes(&commits)).await.unwrap();
        }
        assert_eq!(documents(&*self.desk.views, &commits).await, documents(&*views, &commits).await);
    }
}

#[async_trait]
impl Publisher for Street {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(PublishError("the bus is away".into()));
        }
        let mut queues = self.queues.lock().unwrap();
        for event in commits.iter().flat_map(Commit::envelopes) {
            for (projector, queue) in self.projectors.iter().zip(queues.iter_mut()) {
                if projector.takes(&event.event_type) {
                    queue.push(event.clone());
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Consumers for Street {
    async fn waiting(&self, consumer: &str) -> Result<u64, QueueError> {
        let place = NAMES.iter().position(|name| *name == consumer).unwrap();
        Ok(self.queues.lock().unwrap()[place].len() as u64)
    }

    async fn nudge(&self, consumer: &str, events: &[Envelope]) -> Result<(), QueueError> {
        let place = NAMES.iter().position(|name| *name == consumer).unwrap();
        assert!(events.iter().all(|event| self.projectors[place].takes(&event.event_type)));
        self.queues.lock().unwrap()[place].extend(events.iter().cloned());
        Ok(())
    }
}
