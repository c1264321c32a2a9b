//! What is stored of a replay, so that another process can go on with it, and others can see it.

use std::collections::BTreeMap;

use eventdesk_events::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ReplayError, Step, Target, patience::patiently};
use crate::{
    ports::{ApplyError, Document, Put, ReadStore, ReadStoreError, Segment, ViewSpec},
    projections::read,
};

/// The newest replay of each projection, by its name.
pub static REPLAYS: ViewSpec = ViewSpec { name: "replays", shape: 1, fields: &[], indexes: &[] };

/// Where a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Documents are filled in.
    Filling,
    /// What was built is compared with what was meant.
    Checking,
    /// The new generation is whole, and waits to be made live.
    Ready,
    /// The new generation is live; the old one is still written.
    Flipped,
    /// Nothing is left to do.
    Done,
}

/// A replay of one projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayState {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was stored last; while somebody works on it, every few seconds.
    pub touched_at: Timestamp,
    /// Whether whoever worked on it has let go of it before its end.
    #[serde(default)]
    pub(super) resting: bool,
    /// Where it is.
    pub stage: Stage,
    /// The generation that is built, by view.
    pub generations: BTreeMap<String, u32>,
    /// Events read.
    pub events: u64,
    /// Documents made.
    pub documents: u64,
    /// Streams of which an event cannot be read: their documents end before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub poisoned: Vec<String>,
    pub(super) steps: Vec<StepState>,
    /// Documents filled in by this replay, by view.
    pub(super) filled: BTreeMap<String, u64>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepState {
    pub(super) step: Step,
    /// The segments that are not done, by their number; nothing until they are cut.
    pub(super) segments: Option<BTreeMap<usize, Segment>>,
}

impl ReplayState {
    pub(super) fn new(now: Timestamp, target: Target, generations: BTreeMap<String, u32>) -> Self {
        let step = |step| StepState { step, segments: None };
        Self {
            begun_at: now,
            touched_at: now,
            resting: false,
            stage: Stage::Filling,
            generations,
            events: 0,
            documents: 0,
            poisoned: Vec::new(),
            steps: Step::of(target).into_iter().map(step).collect(),
            filled: BTreeMap::new(),
        }
    }

    /// Whether somebody has to go on with it.
    pub fn is_unfinished(&self) -> bool {
        matches!(self.stage, Stage::Filling | Stage::Checking)
    }

    /// The newest replay of a projection.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn newest(views: &dyn ReadStore, target: Target) -> Result<Option<Self>, ReadStoreError> {
        Ok(Row::load(views, target).await?.0)
    }
}

/// The row of a replay, as this process has stored or found it.
pub(super) struct Row {
    target: Target,
    revision: u64,
}

impl Row {
    pub(super) async fn load(
        views: &dyn ReadStore,
        target: Target,
    ) -> Result<(Option<ReplayState>, Self), ReadStoreError> {
        let found = views.get(&REPLAYS, &[target.name()]).await?.pop().flatten();
        let revision = found.as_ref().map_or(0, |document| document.revision);
        // The state of another build may not be readable: then there is none to go on with.
        Ok((found.and_then(|document| read(&document).ok()), Self { target, revision }))
    }

    /// Whether another process has stored something since.
    pub(super) async fn moved(&self, views: &dyn ReadStore) -> Result<bool, ReadStoreError> {
        Ok(Self::load(views, self.target).await?.1.revision != self.revision)
    }

    /// Stores the state, unless another process did meanwhile; it is tried for as long as all that a replay writes.
    pub(super) async fn save(
        &mut self,
        views: &dyn ReadStore,
        state: &mut ReplayState,
        now: Timestamp,
    ) -> Result<(), ReplayError> {
        state.touched_at = now;
        let body = serde_json::to_string(state).map_err(|error| ApplyError::Internal(error.into()))?;
        let revision = self.revision + 1;
        let (id, fields) = (self.target.name().to_owned(), Vec::new());
        let document = Document { id, version: revision, revision, deleted: false, fields, body };
        let put = Put { view: &REPLAYS, document };
        let mut tries = 0;
        let stored = patiently(|| {
            tries += 1;
            views.apply(vec![put.clone()], None)
        });
        match stored.await {
            Err(ApplyError::GuardLost { .. }) => {
                // An earlier try may have stored it, though its answer was lost.
                if tries == 1 || !self.holds(views, revision, state).await? {
                    return Err(ReplayError::UnderWay(self.target.name()));
                }
            }
            stored => stored?,
        }
        self.revision = revision;
        Ok(())
    }

    /// Whether this very state is stored.
    async fn holds(&self, views: &dyn ReadStore, revision: u64, state: &ReplayState) -> Result<bool, ReadStoreError> {
        let (found, row) = patiently(|| Self::load(views, self.target)).await?;
        Ok(row.revision == revision && found.as_ref() == Some(state))
    }
}
