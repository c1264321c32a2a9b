//! What can go wrong with the views' file, and who can help.

use std::{error::Error, sync::Arc};

use eventdesk_app::ports::{ApplyError, Misuse, ReadStoreError};
use rusqlite::ErrorCode;

/// Why the views' file does not serve.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ViewsError {
    /// The file is damaged, or made by another version: remove it, and the views are built anew from the store.
    #[error("the views must be rebuilt: {0}")]
    Rebuild(String),
    /// Locked, full or not reachable. Worth trying again later.
    #[error("the views file is not available")]
    Unavailable(#[source] Arc<rusqlite::Error>),
    /// A mistake in the program.
    #[error("the views file refused")]
    Internal(#[source] Arc<rusqlite::Error>),
}

/// Whether an error of the read store means that the views' file must be removed and built anew.
pub fn needs_rebuild(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref(), Some(ViewsError::Rebuild(_))) {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<rusqlite::Error> for ViewsError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Rebuild(error.to_string()),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationAborted
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Unavailable(Arc::new(error)),
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

/// What ends one piece of work.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    GuardLost {
        view: &'static str,
        id: String,
    },
    Misuse(Misuse),
    Views(ViewsError),
    /// The thread that writes has ended.
    Ended,
}

impl Failure {
    /// Whether the connection is better opened anew: the file was not what it seemed, or a transaction may be left.
    pub(super) fn spoils_connection(&self) -> bool {
        match self {
            Self::GuardLost { .. } | Self::Misuse(_) | Self::Ended | Self::Views(ViewsError::Internal(_)) => false,
            Self::Views(ViewsError::Rebuild(_)) => true,
            Self::Views(ViewsError::Unavailable(error)) => error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy),
        }
    }

    pub(super) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Views(ViewsError::Unavailable(_)))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Views(error.into())
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<Failure> for ApplyError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::GuardLost { view, id } => Self::GuardLost { view, id },
            Failure::Misuse(misuse) => Self::Internal(misuse.into()),
            Failure::Ended => Self::Internal("the views' writer has ended".into()),
            Failure::Views(error @ ViewsError::Unavailable(_)) => Self::Unavailable(error.into()),
            Failure::Views(error) => Self::Internal(error.into()),
        }
    }
}

impl From<Failure> for ReadStoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::GuardLost { .. } => Self::Internal("a read lost a guard".into()),
            Failure::Misuse(misuse) => Self::Internal(misuse.into()),
            Failure::Ended => Self::Internal("the views' writer has ended".into()),
            Failure::Views(error @ ViewsError::Unavailable(_)) => Self::Unavailable(error.into()),
            Failure::Views(error) => Self::Internal(error.into()),
        }
    }
}
