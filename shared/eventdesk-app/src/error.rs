//! Why a command or a query did not do what was asked.

use eventdesk_domain::{
    employee::EmployeeError, message::MessageError, roster::RosterError, text::Fault, ticket::TicketError,
    user::UserError,
};
use eventdesk_events::{DecodeError, Version};

use crate::{
    aggregate::LoadError,
    identity::EndSessionError,
    ports::{CredentialsError, ReadStoreError, StoreError},
};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// One field that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// JSON pointer into the request body (RFC 6901).
    pub pointer: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl InvalidField {
    /// A fault of a top-level field.
    pub fn new(field: &str, fault: Fault) -> Self {
        Self { pointer: format!("/{field}"), fault }
    }
}

/// What was asked for and is not there, or not for the caller to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A ticket.
    Ticket,
    /// A message.
    Message,
    /// A user.
    User,
    /// An employee.
    Employee,
}

/// Why a command changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Unknown, or not visible to the caller.
    #[error("{0:?} not found")]
    NotFound(Resource),
    /// The caller may not do this to something they may see.
    #[error("not allowed")]
    Forbidden,
    /// Fields out of bounds, or naming what does not exist.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<InvalidField>),
    /// The ticket's rules refuse.
    #[error(transparent)]
    Ticket(TicketError),
    /// The message's rules refuse.
    #[error(transparent)]
    Message(MessageError),
    /// The user's rules refuse.
    #[error(transparent)]
    User(UserError),
    /// The employee's rules refuse.
    #[error(transparent)]
    Employee(EmployeeError),
    /// The last active admin is guarded.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// Unique values that others hold; JSON pointers of the fields.
    #[error("{} unique values are taken", .0.len())]
    Taken(Vec<String>),
    /// The caller's `If-Match` is not the version that stands.
    #[error("version {found} stands, not {expected}")]
    VersionMismatch {
        /// What the caller last saw.
        expected: Version,
        /// What stands.
        found: Version,
    },
    /// Others were faster, again and again.
    #[error("lost the race")]
    ConcurrentChange,
    /// The idempotency key was used with another body.
    #[error("idempotency key reused")]
    KeyReused,
    /// Something the desk stands on is busy or away; nothing is known to have changed.
    #[error("unavailable")]
    Unavailable(#[source] Source),
    /// What the caller cannot act on.
    #[error("internal error")]
    Internal(#[source] Source),
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Unknown, or not visible to the caller.
    #[error("{0:?} not found")]
    NotFound(Resource),
    /// The caller may not ask this.
    #[error("not allowed")]
    Forbidden,
    /// The cursor was not made by this desk for this filter and sort.
    #[error("bad cursor")]
    BadCursor,
    /// The read model has not reached the caller's consistency token in time.
    #[error("read model behind")]
    Behind,
    /// Something the desk stands on is busy or away.
    #[error("unavailable")]
    Unavailable(#[source] Source),
    /// What the caller cannot act on.
    #[error("internal error")]
    Internal(#[source] Source),
}

macro_rules! refusal {
    ($error:ident, $name:ident) => {
        impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                match error {
                    $error::NotFound => Self::NotFound(Resource::$name),
                    other => Self::$name(other),
                }
            }
        }
    };
}

refusal!(TicketError, Ticket);
refusal!(MessageError, Message);
refusal!(UserError, User);
refusal!(EmployeeError, Employee);

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<DecodeError> for CommandError {
    fn from(error: DecodeError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<EndSessionError> for CommandError {
    fn from(error: EndSessionError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<CredentialsError> for CommandError {
    fn from(error: CredentialsError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<LoadError> for QueryError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<ReadStoreError> for QueryError {
    fn from(error: ReadStoreError) -> Self {
        match error {
            ReadStoreError::Unavailable(source) => Self::Unavailable(source),
            ReadStoreError::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<DecodeError> for QueryError {
    fn from(error: DecodeError) -> Self {
        Self::Internal(error.into())
    }
}
