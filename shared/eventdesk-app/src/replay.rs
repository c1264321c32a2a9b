//! Views made anew from the event store, and compared with it.
//!
//! A replay builds the next generation of a projection's views beside the live one, by the projection's own folds, while
//! the live projector writes both; it checks what it built and then lets queries read it. A verification computes the
//! same documents and names what differs. Both read the store in segments, side by side, and hold little more in memory
//! than the documents in hand, however large the store is.
//!
//! Why nothing is lost between the two writers: a projector looks which generations to write after it got its events, and
//! the replay reads the store after its order was given and noticed. So a commit is either appended before the order, and
//! read by the replay, or it reaches a projector that obeys. Whoever comes second finds the document there, and both
//! write it only as they read it.

mod check;
mod fill;
mod fingerprint;
mod folding;
mod judge;
mod mend;
mod merge;
mod patience;
mod rebuild;
mod state;
mod steps;
mod verify;

use std::sync::Arc;

use crate::{
    ports::{ApplyError, Clock, CommitScan, EventStore, GenerationStore, ReadStoreError, StoreError, ViewSpec},
    projections::{DirectoryProjection, HistoryProjection, Projection, ProjectionError, TicketsProjection},
};

pub use judge::{Difference, Kind};
pub use mend::Mended;
pub use rebuild::{Finished, RebuildOptions};
pub use state::{REPLAYS, ReplayState, Stage};
pub use steps::Step;
pub use verify::{Verified, VerifyOptions, ViewReport};

/// A projection that can be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Tickets and messages.
    Tickets,
    /// The history.
    History,
    /// Users and employees.
    Directory,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tickets, Self::History, Self::Directory];

    /// The name that operators use: `tickets`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::History => "history",
            Self::Directory => "directory",
        }
    }

    /// The one with this name, or with its projector's.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == text || target.projector() == text)
    }

    fn projection(self) -> &'static dyn Projection {
        match self {
            Self::Tickets => &TicketsProjection,
            Self::History => &HistoryProjection,
            Self::Directory => &DirectoryProjection,
        }
    }

    /// The name of its projector.
    pub fn projector(self) -> &'static str {
        self.projection().name()
    }

    /// The views that are made together.
    pub fn views(self) -> &'static [&'static ViewSpec] {
        self.projection().views()
    }
}

/// Why a replay or a verification ended without result.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The event store.
    #[error("the event store cannot be read")]
    Store(#[from] StoreError),
    /// The read models, read.
    #[error("the read models cannot be read")]
    Views(#[from] ReadStoreError),
    /// The read models, written.
    #[error("the read models cannot be written")]
    Write(#[from] ApplyError),
    /// An event or a document that cannot be read.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A replay of the projection is under way, or was a moment ago.
    #[error("a replay of {0} is under way, or was a moment ago: wait, or go on with an interrupted one by --resume")]
    UnderWay(&'static str),
    /// There is a generation besides the live one already.
    #[error("{0} has a second generation already: flip to it (--flip) or drop it (--drop-old) first")]
    Kept(&'static str),
    /// There is none to flip to.
    #[error("{0} has no second generation")]
    NoOther(&'static str),
    /// A generation that is still being built.
    #[error("the second generation of {0} is not complete: go on with --resume")]
    Incomplete(&'static str),
    /// A running projector does not act on the order to write both generations.
    #[error("{0} has not seen the order to write both generations: is it of an older build?")]
    NotAcknowledged(String),
    /// What was built is not what the store says; it was not made live.
    #[error("the new generation of {projection} is not as the event store says, and was not made live: {problem}")]
    Wrong {
        /// The projection.
        projection: &'static str,
        /// What is wrong, without private text.
        problem: String,
    },
    /// Somebody asked for the end; the state is stored.
    #[error("interrupted: go on with --resume")]
    Interrupted,
}

/// Learns how far a replay or a verification is.
pub trait Watcher: Send + Sync {
    /// Something else is done from now on; `parts` of it will be told as done, 0 if it cannot be said.
    fn stage(&self, target: Target, what: &str, parts: usize);

    /// So many more events and documents are worked through.
    fn advanced(&self, events: u64, documents: u64);

    /// One part is done.
    fn part_done(&self);
}

/// Replays and verifies.
#[derive(Clone)]
pub struct Replay {
    /// The truth.
    pub store: Arc<dyn EventStore>,
    /// The same, to be read whole.
    pub scan: Arc<dyn CommitScan>,
    /// The views.
    pub views: Arc<dyn GenerationStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who wants to know how far it is.
    pub watcher: Arc<dyn Watcher>,
    /// Becomes true when it should end.
    pub stop: tokio::sync::watch::Receiver<bool>,
    /// How many segments are read side by side; at least 1.
    pub workers: usize,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Replay {
    /// # Errors
    /// [`ReplayError::Interrupted`] if somebody asked for the end.
    fn go_on(&self) -> Result<(), ReplayError> {
        if *self.stop.borrow() { Err(ReplayError::Interrupted) } else { Ok(()) }
    }
}
