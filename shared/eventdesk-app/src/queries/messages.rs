//! Messages.

use eventdesk_events::{MessageId, TicketId, Timestamp, UserId, message::Visibility};

use super::{Page, PageRequest, Queries, QueryContext};
use crate::{MessageRecord, QueryError};

/// Which messages; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFilter {
    /// Of this ticket, which must be visible to the caller.
    pub ticket: Option<TicketId>,
    /// By this user.
    pub author: Option<UserId>,
    /// With this visibility.
    pub visibility: Option<Visibility>,
    /// Posted later than this.
    pub after: Option<Timestamp>,
    /// Whether the caller may see internal notes.
    pub may_note: bool,
}

impl Queries {
    /// One message of a ticket.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn message(
        &self,
        context: &QueryContext,
        ticket: TicketId,
        id: MessageId,
        may_note: bool,
    ) -> Result<MessageRecord, QueryError> {
        let _ = (context, ticket, id, may_note);
        Err(QueryError::Forbidden)
    }

    /// One page of messages, oldest first; who is not staff sees public ones of their own tickets.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn messages(
        &self,
        context: &QueryContext,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<MessageRecord>, QueryError> {
        let _ = (context, filter, page);
        Err(QueryError::Forbidden)
    }
}
