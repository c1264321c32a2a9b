//! What the audit remembers from run to run: how far it has looked, and what it has mended how often.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use eventdesk_events::{StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use super::{FeedEntry, later, plan::Target, projections::Behind};
use crate::ports::{ApplyError, Document, Put, ReadStore, ReadStoreError, ViewSpec};

/// The audit's state: one document. Losing it costs one long look.
pub static AUDIT: ViewSpec = ViewSpec { name: "audit", shape: 1, fields: &[], indexes: &[] };

const ID: &str = "state";
/// As many commits are remembered; where more are behind, the checkpoint waits for them.
const MOST_PENDING: usize = 2000;

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What was made before this time has arrived, or stands among the pending.
    pub(super) checkpoint: Timestamp,
    /// Commits that are behind.
    pub(super) pending: Vec<Pending>,
}

/// A commit that was behind in the last run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    target: Target,
    at: Timestamp,
    stream: StreamId,
    version: Version,
    /// How often it was mended.
    pub(super) attempts: u32,
    /// Not to be mended before.
    pub(super) due: Timestamp,
}

impl Pending {
    pub(super) fn entry(&self) -> FeedEntry {
        FeedEntry { at: self.at, stream: self.stream, version: self.version }
    }

    fn is(&self, target: Target, entry: &FeedEntry) -> bool {
        self.target == target && self.stream == entry.stream && self.version == entry.version
    }
}

impl State {
    /// The stored state with its revision, or one that begins at `first`.
    pub(super) async fn load(views: &dyn ReadStore, first: Timestamp) -> Result<(Self, u64), ReadStoreError> {
        let stored = views.get(&AUDIT, &[ID]).await?.pop().flatten();
        let revision = stored.as_ref().map_or(0, |document| document.revision);
        // A state of another build may not be readable: then the look is a long one.
        let state = stored.and_then(|document| serde_json::from_str(&document.body).ok());
        Ok((state.unwrap_or(Self::beginning(first)), revision))
    }

    /// What a first run remembers.
    pub(super) fn beginning(first: Timestamp) -> Self {
        Self { checkpoint: first, pending: Vec::new() }
    }

    /// Stores the state, unless another run did meanwhile.
    pub(super) async fn save(&self, views: &dyn ReadStore, revision: u64) -> Result<(), ApplyError> {
        let body = serde_json::to_string(self).map_err(|error| ApplyError::Internal(error.into()))?;
        let revision = revision + 1;
        let fields = Vec::new();
        let document = Document { id: ID.to_owned(), version: revision, revision, deleted: false, fields, body };
        match views.apply(vec![Put { view: &AUDIT, document }], None).await {
            Err(ApplyError::GuardLost { .. }) => {
                tracing::warn!("two audits ran at once; the state is the other's");
                Ok(())
            }
            stored => stored,
        }
    }

    /// What is remembered, to be looked up.
    pub(super) fn known(&self) -> HashMap<(Target, StreamId, Version), Pending> {
        self.pending.iter().map(|pending| ((pending.target, pending.stream, pending.version), *pending)).collect()
    }

    /// Remembers what is behind now, and nothing else; `behind` is sorted by time, `end` is where the look ended.
    pub(super) fn keep(&mut self, behind: &[Behind], given_up: &[Behind], end: Timestamp) {
        let known = self.known();
        let given_up: HashSet<_> = given_up.iter().map(Behind::key).collect();
        let kept = behind.iter().filter(|found| !given_up.contains(&found.key()));
        let mut pending: Vec<Pending> = kept
            .map(|found| {
                let FeedEntry { at, stream, version } = found.entry;
                let fresh = Pending { target: found.target, at, stream, version, attempts: 0, due: at };
                known.get(&found.key()).copied().unwrap_or(fresh)
            })
            .collect();
        self.checkpoint = pending.get(MOST_PENDING).map_or(end, |first_left_out| first_left_out.at);
        pending.truncate(MOST_PENDING);
        self.pending = pending;
    }

    /// Notes that a commit was mended.
    pub(super) fn mended(&mut self, target: Target, entry: FeedEntry, now: Timestamp, backoff: &[Duration]) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.is(target, &entry)) {
            let wait = backoff.get(pending.attempts as usize).or(backoff.last()).copied().unwrap_or_default();
            pending.attempts += 1;
            pending.due = later(now, wait);
        }
    }

    /// Notes that commits could not be published again now.
    pub(super) fn put_off(&mut self, entries: &[FeedEntry], due: Timestamp) {
        for entry in entries {
            if let Some(pending) = self.pending.iter_mut().find(|pending| pending.is(Target::History, entry)) {
                pending.due = due;
            }
        }
    }
}
