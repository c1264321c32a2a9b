//! What can go wrong with the file, sorted into what passes and what does not.

use std::sync::Arc;

use eventdesk_app::ports::{AppendError, CredentialsError, StoreError};
use rusqlite::ErrorCode;

use super::OpenError;

/// Why the store could not do what was asked. Cloned for each caller of a failed group.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Fault {
    #[error("too many writes are waiting")]
    QueueFull,
    #[error("the writer has stopped")]
    Stopped,
    #[error("the database file is busy, full or out of reach: {0}")]
    File(Arc<rusqlite::Error>),
    #[error("the database file cannot be opened: {0}")]
    Open(Arc<OpenError>),
    #[error("the database refused: {0}")]
    Refused(Arc<rusqlite::Error>),
}

impl Fault {
    /// Whether the same call may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// Whether the connection that met it is still worth keeping.
    pub(super) fn spares_connection(&self) -> bool {
        let (Self::File(error) | Self::Refused(error)) = self else { return true };
        !matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
            )
        )
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let passing = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::OutOfMemory
            )
        );
        if passing { Self::File(Arc::new(error)) } else { Self::Refused(Arc::new(error)) }
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::Open(Arc::new(error))
    }
}

impl From<Fault> for AppendError {
    fn from(fault: Fault) -> Self {
        if fault.is_passing() { Self::Unavailable(Box::new(fault)) } else { Self::Internal(Box::new(fault)) }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        if fault.is_passing() { Self::Unavailable(Box::new(fault)) } else { Self::Internal(Box::new(fault)) }
    }
}

impl From<Fault> for CredentialsError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}
