//! What commands and queries fail with, as problems.

use eventdesk_app::{
    CommandError, QueryError, Resource,
    audit::AuditError,
    dead_letters::DeadLettersError,
    ports::{ReadStoreError, StoreError},
};
use eventdesk_domain::{
    employee::EmployeeError, message::MessageError, roster::RosterError, ticket::TicketError, user::UserError,
};

use super::{FieldProblem, Kind, Problem, RETRY_AFTER_S};

fn not_found(resource: Resource) -> Problem {
    match resource {
        Resource::Ticket => {
            Problem::new(Kind::TicketNotFound, "no ticket has this id, or none that the caller may see")
        }
        Resource::Message => {
            Problem::new(Kind::MessageNotFound, "no message has this id, or none that the caller may see")
        }
        Resource::User => Problem::new(Kind::UserNotFound, "no user has this id"),
        Resource::Employee => {
            Problem::new(Kind::EmployeeNotFound, "no employee has this id, or none that the caller may see")
        }
    }
}

impl From<Resource> for Problem {
    fn from(resource: Resource) -> Self {
        not_found(resource)
    }
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::NotFound => not_found(Resource::Ticket),
            TicketError::Deleted => Self::new(Kind::TicketDeleted, "a deleted ticket takes no change"),
            TicketError::AlreadyOpened => Self::new(Kind::AlreadyExists, "the ticket was opened already"),
            TicketError::Closed => Self::new(Kind::TicketClosed, "a closed ticket takes no change; open a follow-up"),
            TicketError::InvalidTransition { current, allowed } => {
                let names: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
                Self::new(Kind::InvalidTransition, format!("the ticket is {} and cannot move there", current.as_str()))
                    .with("current_status", current.as_str())
                    .with("allowed_statuses", names)
            }
            TicketError::TooManyTags => Self::new(Kind::TooManyTags, error.to_string()),
        }
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::NotFound => not_found(Resource::Message),
            MessageError::AlreadyPosted => Self::new(Kind::AlreadyExists, "the message was posted already"),
            MessageError::NotAuthor => Self::new(Kind::NotAuthor, "only its author may do this"),
            MessageError::Retracted => Self::new(Kind::MessageRetracted, "a retracted message takes no change"),
        }
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound | UserError::Deleted => not_found(Resource::User),
            UserError::External => Self::new(Kind::ExternalUser, "password and roles are kept where the user logs in"),
            UserError::StillActive => Self::new(Kind::ConcurrentChange, error.to_string()),
            UserError::AlreadyRegistered => Self::new(Kind::AlreadyExists, "the user was registered already"),
        }
    }
}

impl From<EmployeeError> for Problem {
    fn from(error: EmployeeError) -> Self {
        match error {
            EmployeeError::NotFound | EmployeeError::Deleted => not_found(Resource::Employee),
            EmployeeError::StillActive => Self::new(Kind::ConcurrentChange, error.to_string()),
            EmployeeError::AlreadyRegistered => Self::new(Kind::AlreadyExists, "the employee was registered already"),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotFound(resource) => not_found(resource),
            CommandError::Forbidden => Self::forbidden(),
            CommandError::Invalid(fields) => Self::invalid_fields(
                fields
                    .into_iter()
                    .map(|f| FieldProblem { pointer: f.pointer, code: f.fault.code, detail: f.fault.detail.into() })
                    .collect(),
            ),
            CommandError::Ticket(error) => error.into(),
            CommandError::Message(error) => error.into(),
            CommandError::User(error) => error.into(),
            CommandError::Employee(error) => error.into(),
            CommandError::Roster(RosterError::LastAdmin) => {
                Self::new(Kind::LastAdmin, "nobody would be left to administer the desk")
            }
            CommandError::Taken(pointers) => {
                let taken = |pointer| FieldProblem { pointer, code: "taken", detail: "is taken".into() };
                let errors = pointers.into_iter().map(taken).collect();
                Self { errors, ..Self::new(Kind::AlreadyTaken, "see errors") }
            }
            CommandError::VersionMismatch { expected, found } => {
                Self::new(Kind::VersionMismatch, format!("version {found} stands"))
                    .with("expected", expected.get())
                    .with("found", found.get())
            }
            CommandError::ConcurrentChange => {
                Self::new(Kind::ConcurrentChange, "others changed it again and again; nothing was done")
            }
            CommandError::KeyReused => {
                Self::new(Kind::IdempotencyKeyReused, "the Idempotency-Key came before, with another body")
            }
            CommandError::Unavailable(_) => Self::unavailable().because(&error),
            CommandError::Internal(_) => Self::internal().because(&error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound(resource) => not_found(resource),
            QueryError::Forbidden => Self::forbidden(),
            QueryError::BadCursor => {
                Self::new(Kind::BadCursor, "the cursor was not made for this list, filter and sort")
                    .with("parameter", "cursor")
            }
            QueryError::Behind => {
                Self::new(Kind::ReadModelBehind, "the read model has not reached the consistency token yet")
                    .retry_after(RETRY_AFTER_S)
            }
            QueryError::Unavailable(_) => Self::unavailable().because(&error),
            QueryError::Internal(_) => Self::internal().because(&error),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match &error {
            AuditError::Store(StoreError::Internal(_)) | AuditError::Views(ReadStoreError::Internal(_)) => {
                Self::internal().because(&error)
            }
            AuditError::Store(_) | AuditError::Views(_) | AuditError::State(_) | AuditError::Queue(_) => {
                Self::unavailable().because(&error)
            }
        }
    }
}

impl From<DeadLettersError> for Problem {
    fn from(error: DeadLettersError) -> Self {
        match &error {
            DeadLettersError::Views(ReadStoreError::Internal(_)) => Self::internal().because(&error),
            DeadLettersError::Views(_) | DeadLettersError::Queue(_) => Self::unavailable().because(&error),
        }
    }
}
