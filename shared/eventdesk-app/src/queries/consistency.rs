//! Reading one's writes: a query waits until the read model has what the caller's token names.

use std::{sync::Arc, time::Duration};

use eventdesk_events::{StreamId, Version};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::Queries;
use crate::{
    ConsistencyToken, QueryError,
    ports::ViewSpec,
    projections::{EMPLOYEES, HISTORY_STREAMS, MESSAGES, TICKETS, USERS},
};

/// The longest that a query waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause between two looks; each next one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Bounds how many queries wait for the read models at once.
#[derive(Debug, Clone)]
pub struct Waiters(Arc<Semaphore>);

impl Waiters {
    /// At most `most` at once; the next one is told to come back.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

/// The read model that a query answers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// Tickets, messages and the names in them.
    Desk,
    /// The history.
    History,
    /// Users and employees.
    Directory,
}

impl Model {
    /// The documents that tell how far a stream has come in what this model answers from; none if it is not fed by
    /// the stream.
    fn marks(self, stream: StreamId) -> Vec<(&'static ViewSpec, String)> {
        let own = match (self, stream) {
            (_, StreamId::Ticket(id)) => Some((&TICKETS, id.to_string())),
            (Self::Desk, StreamId::Message(id)) => Some((&MESSAGES, id.to_string())),
            (_, StreamId::User(id)) => Some((&USERS, id.to_string())),
            (Self::Desk | Self::Directory, StreamId::Employee(id)) => Some((&EMPLOYEES, id.to_string())),
            _ => None,
        };
        // A history looks at its ticket and at names, too, which other projectors bring.
        let row = (self == Self::History).then(|| (&HISTORY_STREAMS, stream.to_string()));
        row.into_iter().chain(own).collect()
    }
}

impl Queries {
    /// Returns once `model` has all that the token names, or gives up.
    pub(super) async fn wait_for(&self, model: Model, token: &ConsistencyToken) -> Result<(), QueryError> {
        let mut missing = Vec::new();
        for (stream, version) in &token.0 {
            for (view, id) in model.marks(*stream) {
                if !self.has(view, &id, *version).await? {
                    missing.push((view, id, *version));
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let _place = self.waiters.0.try_acquire().map_err(|_| QueryError::Behind)?;
        let deadline = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        while let Some((view, id, version)) = missing.last() {
            if self.has(view, id, *version).await? {
                missing.pop();
                continue;
            }
            if Instant::now() >= deadline {
                return Err(QueryError::Behind);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    async fn has(&self, view: &'static ViewSpec, id: &str, version: Version) -> Result<bool, QueryError> {
        let document = self.views.glance(view, &[id]).await?.pop().flatten();
        Ok(document.is_some_and(|document| document.version >= version.get()))
    }
}
