//! Replays of a desk, and what there is to be made anew.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::{
    commands::{DeleteTicket, EditMessage, RetractMessage},
    ports::{Category, CommitScan, Extent, Put, ScanPage, Segment, StoreError, ViewSpec, Written},
    replay::{Finished, REPLAYS, RebuildOptions, Replay, ReplayError, Target, Watcher},
};
use eventdesk_events::{ticket::Status, user::Role};
use tokio::sync::watch;

use crate::{
    desk::{Desk, commits, documents, note_on, root},
    projections::folded,
};

/// Asks for the end after so many parts.
pub(super) struct Halt {
    left: AtomicUsize,
    stop: watch::Sender<bool>,
}

impl Halt {
    pub(super) fn after(parts: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(parts), stop: watch::channel(false).0 })
    }

    pub(super) fn replay(self: &Arc<Self>, desk: &Desk) -> Replay {
        Replay {
            store: desk.store.clone(),
            scan: desk.scan.clone(),
            views: desk.generations.clone(),
            clock: desk.clock.clone(),
            watcher: self.clone(),
            stop: self.stop.subscribe(),
            workers: 2,
        }
    }
}

impl Watcher for Halt {
    fn stage(&self, _: Target, _: &str, _: usize) {}

    fn advanced(&self, _: u64, _: u64) {}

    fn part_done(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.send_replace(true);
        }
    }
}

pub(super) fn replay(desk: &Desk) -> Replay {
    Halt::after(usize::MAX).replay(desk)
}

pub(super) async fn rebuild(desk: &Desk, target: Target) -> Finished {
    replay(desk).rebuild(target, RebuildOptions::default()).await.unwrap()
}

/// A replay whose process was killed in the middle.
pub(super) async fn killed(desk: &Desk, target: Target) {
    let halted = Halt::after(1).replay(desk).rebuild(target, RebuildOptions::default()).await;
    assert!(matches!(halted, Err(ReplayError::Interrupted)), "{halted:?}");
    // It noted that it ended; who is killed does not.
    note(desk, target, |state| state["resting"] = false.into()).await;
}

/// Notes how far a replay is, as the process does that works on it.
pub(super) async fn note(desk: &Desk, target: Target, change: impl FnOnce(&mut serde_json::Value)) {
    let mut document = desk.views.get(&REPLAYS, &[target.name()]).await.unwrap().pop().flatten().unwrap();
    let mut state = serde_json::from_str(&document.body).unwrap();
    change(&mut state);
    document.body = state.to_string();
    document.revision += 1;
    document.version = document.revision;
    desk.views.apply(vec![Put { view: &REPLAYS, document }], None).await.unwrap();
}

/// How long each page takes of a store that is [`slow`].
pub(super) const SLOW: Duration = Duration::from_mins(1);

/// A replay of a store that takes long to be read.
pub(super) fn slow(desk: &Desk) -> Replay {
    Replay { scan: Arc::new(SlowScan(desk.scan.clone())), ..replay(desk) }
}

struct SlowScan(Arc<dyn CommitScan>);

#[async_trait]
impl CommitScan for SlowScan {
    async fn segments(&self, category: Category, wanted: usize) -> Result<Vec<Segment>, StoreError> {
        self.0.segments(category, wanted).await
    }

    async fn scan(
        &self,
        segment: &Segment,
        after: Option<&str>,
        most: usize,
        extent: Extent,
    ) -> Result<ScanPage, StoreError> {
        tokio::time::sleep(SLOW).await;
        self.0.scan(segment, after, most, extent).await
    }
}

/// Something of every kind.
pub(super) async fn story(desk: &Desk) {
    let (requester, employee) = desk.requester().await;
    let staff = desk.user(&[Role::Support]).await;
    let ticket = desk.ticket(&requester, employee).await.id;
    desk.post(&requester, ticket).await;
    let answer = desk.post(&staff, ticket).await.id;
    let note = desk.run(&staff, note_on(ticket)).await.unwrap().record.id;
    let body = Some("Hello again".to_owned());
    desk.run(&staff, EditMessage { ticket_id: ticket, id: answer, body, may_note: true }).await.unwrap();
    desk.run(&staff, RetractMessage { ticket_id: ticket, id: note, any: false, may_note: true }).await.unwrap();
    desk.set_status(&staff, ticket, Status::Pending).await;
    let gone = desk.ticket(&root(), employee).await.id;
    desk.post(&staff, gone).await;
    desk.run(&root(), DeleteTicket { id: gone }).await.unwrap();
}

pub(super) async fn documented(desk: &Desk) -> BTreeMap<String, String> {
    documents(&*desk.views, &commits(&*desk.log).await).await
}

/// The documents are those of a plain fold of the store, and the history knows every event.
pub(super) async fn everything_is_as_folded(desk: &Desk) {
    let commits = commits(&*desk.log).await;
    let found = documents(&*desk.views, &commits).await;
    for (id, expected) in folded(&commits) {
        assert_eq!(found.get(&id), Some(&expected), "{id}");
    }
    for commit in &commits {
        for event in commit.envelopes() {
            assert!(!found[&format!("history/{}", event.id)].is_empty(), "{} is not in the history", event.id);
        }
        let newest = commits.iter().filter(|other| other.stream == commit.stream).map(|other| other.version).max();
        let head = &found[&format!("history_streams/{}", commit.stream)];
        assert!(head.starts_with(&format!("{} ", newest.unwrap())), "{}: {head}", commit.stream);
    }
}

/// The numbers of a view's generations.
pub(super) async fn made(desk: &Desk, view: &'static ViewSpec) -> Vec<u32> {
    let all = desk.generations.stored_generations(view).await.unwrap();
    all.iter().map(|generation| generation.number).collect()
}

pub(super) async fn written(desk: &Desk, view: &'static ViewSpec) -> Written {
    desk.views.written(&[view]).await.unwrap()[0]
}
