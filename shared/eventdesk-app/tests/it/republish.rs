//! What a replay to consumers sends, to whom, and how it ends.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use eventdesk_app::{
    audit::{Consumers, LocalConsumers, LocalRepublisher},
    ports::{Position, PublishError, QueueError},
    projections::projections,
    republish::{Goal, Onlooker, Republish, RepublishError, Republished, Republisher, Wanted},
};
use eventdesk_events::{Envelope, StreamId, Timestamp, ticket::Status};
use tokio::sync::watch;

use crate::desk::{Desk, LogFeed, commits, root, scenarios};

scenarios!(
    all_of_a_desk_is_sent_once_and_marked,
    what_is_wanted_is_sent_and_nothing_else,
    a_consumer_is_sent_what_it_takes,
    the_local_bus_has_each_consumer_receive_what_it_takes,
);

/// A bus with one consumer that keeps what it is sent, and may refuse it.
#[derive(Default)]
struct Kept {
    events: Mutex<Vec<Envelope>>,
    refuse: AtomicU32,
}

impl Kept {
    fn take(&self, events: &[Envelope]) -> Result<(), &'static str> {
        if self.refuse.load(Ordering::Relaxed) > 0 {
            self.refuse.fetch_sub(1, Ordering::Relaxed);
            return Err("refused");
        }
        self.events.lock().unwrap().extend(events.iter().cloned());
        Ok(())
    }

    fn taken(&self) -> Vec<Envelope> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

#[async_trait]
impl Republisher for Kept {
    async fn republish(&self, events: &[Envelope]) -> Result<(), PublishError> {
        self.take(events).map_err(|error| PublishError(error.into()))
    }
}

#[async_trait]
impl Consumers for Kept {
    async fn waiting(&self, _: &str) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn nudge(&self, _: &str, events: &[Envelope]) -> Result<(), QueueError> {
        self.take(events).map_err(|error| QueueError(error.into()))
    }
}

/// Asks for the end once so many events were sent.
struct Impatient(u64, watch::Sender<bool>);

impl Onlooker for Impatient {
    fn parts(&self, _: usize) {}

    fn sent(&self, events: u64) {
        if events >= self.0 {
            self.1.send_replace(true);
        }
    }

    fn part_done(&self) {}
}

fn republish(desk: &Desk, most: u64) -> Republish {
    let stopping = watch::channel(false).0;
    Republish {
        store: desk.store.clone(),
        scan: desk.scan.clone(),
        feed: Arc::new(LogFeed(desk.log.clone())),
        clock: desk.clock.clone(),
        stop: stopping.subscribe(),
        onlooker: Arc::new(Impatient(most, stopping)),
    }
}

async fn send(desk: &Desk, wanted: &Wanted, goal: &Goal) -> Result<Republished, RepublishError> {
    let (name, rate) = ("again".parse().unwrap(), NonZeroU32::new(10_000).unwrap());
    republish(desk, u64::MAX).run(wanted, goal, &name, rate).await
}

/// Two tickets with messages, some hours apart; the first ticket's stream, and when the second was opened.
async fn story(desk: &Desk) -> (StreamId, Timestamp) {
    let (requester, employee) = desk.requester().await;
    let first = desk.ticket(&requester, employee).await.id;
    desk.post(&root(), first).await;
    desk.clock.advance(5 * 3_600_000);
    let at = eventdesk_app::ports::Clock::now(&*desk.clock);
    let second = desk.ticket(&requester, employee).await.id;
    desk.post(&requester, second).await;
    desk.set_status(&root(), first, Status::Pending).await;
    desk.clock.advance(1);
    (StreamId::Ticket(first), at)
}

/// The events of the store for which this holds.
async fn stored(desk: &Desk, holds: impl Fn(&Envelope) -> bool) -> BTreeMap<String, Envelope> {
    let events = commits(&*desk.log).await.into_iter().flat_map(|commit| commit.envelopes().collect::<Vec<_>>());
    events.filter(|event| holds(event)).map(|event| (event.id.to_string(), event)).collect()
}

fn ids(events: &[Envelope]) -> Vec<String> {
    let mut ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    ids.sort();
    ids
}

async fn all_of_a_desk_is_sent_once_and_marked(desk: Desk) {
    let (first, at) = story(&desk).await;
    let bus = Arc::new(Kept::default());
    let sent = send(&desk, &Wanted::default(), &Goal::bus(bus.clone())).await.unwrap();
    let (taken, expected) = (bus.taken(), stored(&desk, |_| true).await);
    assert_eq!(sent.events(), expected.len() as u64);
    assert_eq!(ids(&taken), expected.keys().cloned().collect::<Vec<_>>());
    for event in &taken {
        assert_eq!(event.replay.as_deref(), Some("again"));
        let unmarked = Envelope { replay: None, ..event.clone() };
        assert_eq!(format!("{unmarked:?}"), format!("{:?}", expected[&event.id.to_string()]));
    }
    let places = |taken: &[Envelope]| -> Vec<_> {
        taken.iter().filter(|event| event.stream == first).map(|event| (event.version, event.index)).collect()
    };
    assert!(places(&taken).is_sorted() && places(&taken).len() >= 2, "{:?}", places(&taken));
    // A long time is read in another way than a short one, and is the same.
    let long = Wanted { from: Some(Timestamp::from_millis(0)), ..Wanted::default() };
    send(&desk, &long, &Goal::bus(bus.clone())).await.unwrap();
    assert_eq!(ids(&bus.taken()), ids(&taken));
    let short = Wanted { from: Some(Timestamp::from_millis(at.millis() - 6 * 3_600_000)), ..Wanted::default() };
    send(&desk, &short, &Goal::bus(bus.clone())).await.unwrap();
    assert_eq!(ids(&bus.taken()), ids(&taken));
}

async fn what_is_wanted_is_sent_and_nothing_else(desk: Desk) {
    let (first, at) = story(&desk).await;
    let bus = Arc::new(Kept::default());
    let sends = async |wanted: Wanted, holds: &(dyn Fn(&Envelope) -> bool + Sync)| {
        let counted = republish(&desk, u64::MAX).count(&wanted, &Goal::bus(bus.clone())).await.unwrap();
        assert!(bus.taken().is_empty(), "counting sends nothing");
        assert_eq!(send(&desk, &wanted, &Goal::bus(bus.clone())).await.unwrap(), counted);
        let (taken, expected) = (ids(&bus.taken()), stored(&desk, holds).await);
        assert!(!taken.is_empty(), "{wanted:?}");
        assert_eq!(taken, expected.into_keys().collect::<Vec<_>>(), "{wanted:?}");
    };
    let types = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
    sends(Wanted { stream: Some(first), ..Wanted::default() }, &|event| event.stream == first).await;
    let of_tickets = Wanted { types: types(&["ticket.opened", "message.*"]), ..Wanted::default() };
    let by_type = |event: &Envelope| event.event_type == "ticket.opened" || event.event_type.starts_with("message.");
    sends(of_tickets.clone(), &by_type).await;
    sends(Wanted { from: Some(at), ..of_tickets.clone() }, &|event| by_type(event) && event.occurred_at >= at).await;
    sends(Wanted { to: Some(at), ..of_tickets }, &|event| by_type(event) && event.occurred_at < at).await;
    let both = Wanted { stream: Some(first), from: Some(at), ..Wanted::default() };
    sends(both, &|event| event.stream == first && event.occurred_at >= at).await;
}

async fn a_consumer_is_sent_what_it_takes(desk: Desk) {
    story(&desk).await;
    let kept = Arc::new(Kept::default());
    for projection in projections() {
        let goal = Goal::consumer(projection.name(), kept.clone()).unwrap();
        send(&desk, &Wanted::default(), &goal).await.unwrap();
        let expected = stored(&desk, |event| projection.takes(&event.event_type)).await;
        assert_eq!(ids(&kept.taken()), expected.into_keys().collect::<Vec<_>>(), "{}", projection.name());
    }
    assert!(Goal::consumer("projector-nobody", kept).is_none());
}

async fn the_local_bus_has_each_consumer_receive_what_it_takes(desk: Desk) {
    story(&desk).await;
    desk.project().await;
    let consumers = LocalConsumers { log: desk.log.clone(), views: desk.views.clone(), clock: desk.clock.clone() };
    let waiting = async |consumer: &str| -> Vec<Position> {
        let retries = desk.views.retries(consumer).await.unwrap();
        assert!(retries.iter().all(|retry| retry.reason == "replay again" && retry.attempts == 0), "{retries:?}");
        retries.into_iter().map(|retry| retry.position).collect()
    };
    let expected = async |takes: &dyn Fn(&str) -> bool| -> Vec<Position> {
        let stored = desk.log.read_after(Position(0), 1_000).await.unwrap();
        let wanted = stored.iter().filter(|one| one.commit.envelopes().any(|event| takes(&event.event_type)));
        wanted.map(|stored| stored.position).collect()
    };
    let alone = Goal::consumer("projector-directory", Arc::new(consumers.clone())).unwrap();
    send(&desk, &Wanted::default(), &alone).await.unwrap();
    assert_eq!(waiting("projector-ticket").await, []);
    send(&desk, &Wanted::default(), &Goal::bus(Arc::new(LocalRepublisher(consumers)))).await.unwrap();
    for projection in projections() {
        let mut found = waiting(projection.name()).await;
        found.sort();
        assert_eq!(found, expected(&|kind| projection.takes(kind)).await, "{}", projection.name());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_sent_again_and_given_up_after_some_attempts() {
    let desk = Desk::memory().await;
    let (first, _) = story(&desk).await;
    let (bus, wanted) = (Arc::new(Kept::default()), Wanted { stream: Some(first), ..Wanted::default() });
    bus.refuse.store(4, Ordering::Relaxed);
    let sent = send(&desk, &wanted, &Goal::bus(bus.clone())).await.unwrap();
    assert_eq!(sent.events(), bus.taken().len() as u64);
    bus.refuse.store(u32::MAX, Ordering::Relaxed);
    let given_up = send(&desk, &wanted, &Goal::bus(bus.clone())).await.unwrap_err();
    assert!(matches!(given_up, RepublishError::Bus(_)), "{given_up:?}");
    let nobody = Goal::consumer("projector-ticket", bus.clone()).unwrap();
    let given_up = send(&desk, &wanted, &nobody).await.unwrap_err();
    assert!(matches!(given_up, RepublishError::Queue(_)), "{given_up:?}");
    assert!(bus.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_asked_to_end_ends_between_batches() {
    let desk = Desk::memory().await;
    story(&desk).await;
    let bus = Arc::new(Kept::default());
    let (name, rate) = ("again".parse().unwrap(), NonZeroU32::MIN);
    let ended = republish(&desk, 1).run(&Wanted::default(), &Goal::bus(bus.clone()), &name, rate).await;
    assert!(matches!(ended, Err(RepublishError::Interrupted)), "{ended:?}");
    assert_eq!(bus.taken().len(), 1);
}
