//! What can be read from the desk: pages and single things from the read models, seen with the caller's eyes.

mod consistency;
mod cursor;
mod directory;
mod history;
mod known;
mod messages;
mod names;
mod tickets;

use std::sync::Arc;

use eventdesk_events::{EmployeeId, StreamId};

use crate::{
    ConsistencyToken, Digester, QueryError,
    access::Caller,
    execute::reservation,
    ports::{Clock, EventStore, Namespace, ReadStore},
};

pub use consistency::Waiters;
pub use directory::{EmployeeFilter, UserFilter};
pub use history::{HistoryEntry, HistoryFilter};
pub use known::KnownTickets;
pub use messages::MessageFilter;
pub use tickets::{TicketFilter, TicketKey, TicketSort};

/// Everything that queries stand on.
pub struct Queries {
    /// The read models.
    pub views: Arc<dyn ReadStore>,
    /// The durable truth: for states as they were, and for look-ups that must not lag.
    pub store: Arc<dyn EventStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Signs cursors; purpose `cursors`.
    pub cursors: Digester,
    /// Digests unique values; purpose `reservations`.
    pub reservations: Digester,
    /// Bounds how many queries wait for the read models at once.
    pub waiters: Waiters,
    /// Spares lists the parsing of what has not changed.
    pub known_tickets: KnownTickets,
}

impl Queries {
    /// The employee as whom a caller is supported; strongly consistent.
    async fn employee_of(&self, caller: &Caller) -> Result<Option<EmployeeId>, QueryError> {
        let claim = reservation(&self.reservations, Namespace::EmployeeUser, &caller.id.to_string());
        Ok(match self.store.holder(claim).await? {
            Some(StreamId::Employee(id)) => Some(id),
            _ => None,
        })
    }
}

/// What a document of a read model says; one that cannot be read is the desk's fault.
fn content<D: serde::de::DeserializeOwned>(body: &str) -> Result<D, QueryError> {
    serde_json::from_str(body).map_err(|error| QueryError::Internal(error.into()))
}

/// What a query says about itself, whatever it asks for.
#[derive(Debug, Clone)]
pub struct QueryContext {
    /// Who asks.
    pub caller: Caller,
    /// What the answer must have seen.
    pub token: ConsistencyToken,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// 1 to 100.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Whether to count all that matches.
    pub total: bool,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<R> {
    /// In the order asked for.
    pub items: Vec<R>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
    /// How many match on all pages, if asked for.
    pub total: Option<u64>,
}
