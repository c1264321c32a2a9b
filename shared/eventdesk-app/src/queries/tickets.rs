//! Tickets.

use eventdesk_events::{
    EmployeeId, TicketId, Timestamp, UserId, Version,
    ticket::{Priority, Status},
};

use super::{Page, PageRequest, Queries, QueryContext};
use crate::{QueryError, TicketRecord};

/// How a ticket is named in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKey {
    /// By id.
    Id(TicketId),
    /// By number.
    Number(u64),
}

/// The order of a list of tickets; ties by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TicketSort {
    /// By the time of opening.
    CreatedAt,
    /// By the time of the last event of the ticket itself; the default, newest first.
    #[default]
    UpdatedAt,
    /// By priority.
    Priority,
    /// By due time; tickets without one come last in ascending order.
    DueAt,
    /// By number.
    Number,
}

/// Which tickets; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketFilter {
    /// Any of these; empty = any.
    pub status: Vec<Status>,
    /// Any of these; empty = any.
    pub priority: Vec<Priority>,
    /// `Some(None)` = unassigned.
    pub assignee: Option<Option<UserId>>,
    /// The employee it is about.
    pub requester: Option<EmployeeId>,
    /// The user who opened it.
    pub opened_by: Option<UserId>,
    /// It has this tag.
    pub tag: Option<String>,
    /// Opened later than this.
    pub created_after: Option<Timestamp>,
    /// Opened earlier than this.
    pub created_before: Option<Timestamp>,
    /// Changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Due and not done: `true`; the others: `false`.
    pub overdue: Option<bool>,
}

impl Queries {
    /// One ticket; at a version its state as it was, folded from its history, without what other streams feed.
    ///
    /// # Errors
    /// `NotFound` also for versions beyond the newest; else see [`QueryError`].
    pub async fn ticket(
        &self,
        context: &QueryContext,
        key: TicketKey,
        at_version: Option<Version>,
    ) -> Result<TicketRecord, QueryError> {
        let _ = (context, key, at_version);
        Err(QueryError::Forbidden)
    }

    /// One page of tickets; who is not staff sees those they are the requester of.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn tickets(
        &self,
        context: &QueryContext,
        filter: &TicketFilter,
        sort: TicketSort,
        descending: bool,
        page: &PageRequest,
    ) -> Result<Page<TicketRecord>, QueryError> {
        let _ = (context, filter, sort, descending, page);
        Err(QueryError::Forbidden)
    }
}
