//! Read models: what the events of each commit do to view documents.
//!
//! The unit of applying is the commit. Each document stores the stream version it has applied; what is older is
//! ignored, what is next is applied, and before a gap the missing commits are read from the store. An event is a
//! nudge, the store is the truth, so repeats, reorder and loss on the bus do no harm.

mod applied;
mod beside;
mod directory;
mod folded;
mod history;
mod lag;
mod projector;
mod pulse;
mod status;
mod tickets;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    ports::{EventStore, Put, ReadStore, ReadStoreError, StoreError, ViewSpec},
    replay::REPLAYS,
};

pub(crate) use applied::read_from;
pub use applied::{Applied, Nudges};
pub use directory::{DirectoryProjection, EMPLOYEES, EmployeeDocument, USERS, UserDocument};
pub use folded::Folded;
pub(crate) use folded::{Draft, read};
pub(crate) use history::rows;
pub use history::{HISTORY, HISTORY_STREAMS, HistoryDocument, HistoryHead, HistoryProjection};
pub use lag::Lag;
pub use projector::Projector;
pub use pulse::{Beat, PULSES, Pulse};
pub use status::{Motion, Status, StatusError, ViewStatus, statuses};
pub(crate) use tickets::priority_rank;
pub use tickets::{MESSAGES, MessageDocument, TICKETS, Tallies, Tally, TicketDocument, TicketsProjection};

/// All views of the desk, with those of its operators.
pub const VIEWS: [&ViewSpec; 8] =
    [&TICKETS, &MESSAGES, &HISTORY, &HISTORY_STREAMS, &USERS, &EMPLOYEES, &REPLAYS, &PULSES];

/// Every projection of the desk.
pub fn projections() -> [Arc<dyn Projection>; 3] {
    [Arc::new(TicketsProjection), Arc::new(HistoryProjection), Arc::new(DirectoryProjection)]
}

/// One projector for each projection of the desk.
pub fn projectors(store: &Arc<dyn EventStore>, views: &Arc<dyn ReadStore>) -> Vec<Projector> {
    projections().into_iter().map(|projection| Projector::new(projection, store.clone(), views.clone())).collect()
}

/// Where projections read.
#[derive(Clone)]
pub struct Sources {
    /// The truth.
    pub store: Arc<dyn EventStore>,
    /// The views as they are.
    pub views: Arc<dyn ReadStore>,
}

/// Why a subject could not be projected.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// Something is busy or away: the same batch is tried again, nobody's attempts are counted.
    #[error("unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// These events cannot be projected: poison, unless a later build can.
    #[error("{0}")]
    Poison(String),
}

/// One subject's document writes, in order.
pub type Plan = Result<Vec<Put>, ProjectionError>;

/// Pure event → document changes of some views.
#[async_trait]
pub trait Projection: Send + Sync {
    /// The consumer's name: `projector-ticket` and the like.
    fn name(&self) -> &'static str;

    /// The views that it writes, which are built anew together.
    fn views(&self) -> &'static [&'static ViewSpec];

    /// Whether events of a type, by its name on the bus, concern this projection.
    fn takes(&self, event_type: &str) -> bool;

    /// What an event is about: events of one subject are planned together, and fail together.
    ///
    /// # Errors
    /// `Poison` if the event does not say.
    fn subject(&self, nudge: &eventdesk_events::Envelope) -> Result<String, ProjectionError>;

    /// The writes for each subject, in the order of `subjects`.
    ///
    /// # Errors
    /// `Unavailable` for the batch as a whole; `Poison` stands in the plan of its subject.
    async fn plan(&self, sources: &Sources, subjects: &[Nudges]) -> Result<Vec<Plan>, ProjectionError>;
}

impl From<StoreError> for ProjectionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::Internal(source) => Self::Poison(source.to_string()),
        }
    }
}

impl From<ReadStoreError> for ProjectionError {
    fn from(error: ReadStoreError) -> Self {
        match error {
            // Views are read for a whole batch: what fails there is no one subject's fault.
            ReadStoreError::Unavailable(source) | ReadStoreError::Internal(source) => Self::Unavailable(source),
        }
    }
}

impl From<eventdesk_events::DecodeError> for ProjectionError {
    fn from(error: eventdesk_events::DecodeError) -> Self {
        Self::Poison(error.to_string())
    }
}
