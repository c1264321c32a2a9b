//! What can go wrong with the server, and who can help.

use std::{error::Error, time::Duration};

use eventdesk_app::ports::{ApplyError, Misuse, ReadStoreError};
use mongodb::error::{Error as DriverError, ErrorKind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, WriteFailure};

/// Why MongoDB does not serve.
#[derive(Debug, thiserror::Error)]
pub enum MongoError {
    /// The connection URI cannot be used; the text repeats no part of it that may be secret.
    #[error("the MongoDB URI is refused: {0}")]
    Uri(String),
    /// Not reachable, or not ready for now. Worth trying again later.
    #[error("MongoDB is not available")]
    Unavailable(#[source] DriverError),
    /// There was no answer in time. Worth trying again later.
    #[error("MongoDB gave no answer within {0:?}")]
    TooSlow(Duration),
    /// A mistake in the program, or a server that is not what it seems.
    #[error("MongoDB refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

/// Codes of a server that cannot serve now, but may later: elections, restarts, time limits, load, full disks, and
/// rights that an operator has to grant. Its own names for them are in `error_codes.yml` of its source.
const LATER: [i32; 34] = [
    6, 7, 13, 18, 24, 43, 50, 64, 89, 91, 100, 112, 133, 134, 175, 189, 202, 237, 262, 317, 384, 391, 462, 8000, 9001,
    10058, 10107, 11600, 11601, 11602, 13435, 13436, 14031, 16500,
];

/// The code of a value that a unique index has already.
pub(crate) const DUPLICATE_KEY: i32 = 11000;

impl MongoError {
    pub(crate) fn of_uri(error: DriverError) -> Self {
        if is_temporary(&error) { Self::Unavailable(error) } else { Self::Uri(error.to_string()) }
    }

    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TooSlow(_))
    }
}

impl From<DriverError> for MongoError {
    fn from(error: DriverError) -> Self {
        if is_temporary(&error) { Self::Unavailable(error) } else { Self::Refused(error.into()) }
    }
}

fn is_temporary(error: &DriverError) -> bool {
    if error.contains_label(RETRYABLE_WRITE_ERROR) || error.contains_label(RETRYABLE_ERROR) {
        return true;
    }
    match &*error.kind {
        ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Authentication { .. }
        // Acknowledged by too few in time: the write may stand or not.
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        ErrorKind::Command(refusal) => LATER.contains(&refusal.code),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => LATER.contains(&refusal.code),
        ErrorKind::InsertMany(refusals) => match refusals.write_errors.as_deref() {
            Some([first, ..]) => LATER.contains(&first.code),
            _ => refusals.write_concern_error.is_some(),
        },
        _ => false,
    }
}

/// What ends one piece of work.
#[derive(Debug)]
pub(crate) enum Fault {
    GuardLost { view: &'static str, id: String },
    Misuse(Misuse),
    Mongo(MongoError),
}

impl From<Misuse> for Fault {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<MongoError> for Fault {
    fn from(error: MongoError) -> Self {
        Self::Mongo(error)
    }
}

impl From<Fault> for ApplyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::GuardLost { view, id } => Self::GuardLost { view, id },
            Fault::Misuse(misuse) => Self::Internal(misuse.into()),
            Fault::Mongo(error) if error.is_unavailable() => Self::Unavailable(error.into()),
            Fault::Mongo(error) => Self::Internal(error.into()),
        }
    }
}

impl From<Fault> for ReadStoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::GuardLost { .. } => Self::Internal("a read lost a guard".into()),
            Fault::Misuse(misuse) => Self::Internal(misuse.into()),
            Fault::Mongo(error) if error.is_unavailable() => Self::Unavailable(error.into()),
            Fault::Mongo(error) => Self::Internal(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use mongodb::{
        bson::{deserialize_from_document, doc},
        error::{InsertManyError, WriteConcernError, WriteError},
    };

    use super::*;

    fn is_later(kind: ErrorKind) -> bool {
        MongoError::from(DriverError::from(kind)).is_unavailable()
    }

    fn told(code: i32) -> [ErrorKind; 3] {
        let told = doc! { "code": code, "codeName": "", "errmsg": "", "index": 0 };
        let inserting = doc! { "writeErrors": [told.clone()] };
        [
            ErrorKind::Command(deserialize_from_document(told.clone()).unwrap()),
            ErrorKind::Write(WriteFailure::WriteError(deserialize_from_document::<WriteError>(told).unwrap())),
            ErrorKind::InsertMany(deserialize_from_document::<InsertManyError>(inserting).unwrap()),
        ]
    }

    #[test]
    fn elections_limits_and_missing_rights_pass_and_mistakes_do_not() {
        // Not primary, stepping down, too slow, no rights, no room.
        for code in [10_107, 189, 11_602, 50, 13, 14_031] {
            for kind in told(code) {
                assert!(is_later(kind.clone()), "{kind:?}");
            }
        }
        // Bad value, duplicate key, too large a document.
        for code in [2, DUPLICATE_KEY, 10_334] {
            for kind in told(code) {
                assert!(!is_later(kind.clone()), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_lost_connection_and_too_few_acknowledgements_are_unavailable() {
        assert!(is_later(io::Error::from(io::ErrorKind::ConnectionReset).into()));
        let few = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out" };
        let few: WriteConcernError = deserialize_from_document(few).unwrap();
        assert!(is_later(ErrorKind::Write(WriteFailure::WriteConcernError(few))));
    }
}
