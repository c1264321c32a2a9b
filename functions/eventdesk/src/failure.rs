//! Why the program ends without having done what it was asked.

use std::{error::Error, io, net::SocketAddr, path::PathBuf, process::ExitCode};

use eventdesk_app::{
    CommandError, QueryError,
    audit::AuditError,
    dead_letters::DeadLettersError,
    erasure::ErasureError,
    identity::ClientError,
    ports::{QueueError, ReadStoreError, StoreError},
    replay::ReplayError,
    republish::RepublishError,
    transfer::{Damage, ExportError, ImportError},
};
use eventdesk_cloud::CloudError;
use eventdesk_desk::{DeskError, InvalidPolicy};
use eventdesk_identity::{InvalidCost, KeysError};
use eventdesk_local::LocalError;
use eventdesk_outbound::OutboundError;
use eventdesk_runtime::{ConfigError, telemetry::TelemetryError};

/// Wrong configuration.
const EXIT_CONFIGURATION: u8 = 2;
/// Something is wrong with what a tool was to look at.
const EXIT_FOUND: u8 = 3;
/// Everything else.
const EXIT_FAILURE: u8 = 1;

/// Why the program ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// A configured value that only what stands on it can judge.
    #[error("configuration: {key}: {reason}")]
    Value { key: &'static str, reason: String },
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("cannot start the threads")]
    Runtime(#[source] io::Error),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Cost(#[from] InvalidCost),
    #[error("issuers elsewhere cannot be asked")]
    Outbound(#[from] OutboundError),
    #[error("the queues cannot be opened")]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Keys(KeysError),
    #[error(transparent)]
    Command(CommandError),
    #[error("the users cannot be listed")]
    Query(#[source] QueryError),
    #[error(transparent)]
    Client(ClientError),
    /// What a tool was asked for cannot be done, in words.
    #[error("{0}")]
    Refused(String),
    #[error("the first admin cannot be registered")]
    Bootstrap(#[source] CommandError),
    #[error("the event store's writer broke: the log says why")]
    Store,
    #[error("a projector broke: the log says why")]
    Projector,
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Letters(#[from] DeadLettersError),
    #[error("the read models cannot be used")]
    Views(#[from] ReadStoreError),
    #[error("there is no dead letter of that name, or not any more")]
    NoSuchLetter,
    #[error("{} cannot be used", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Erasure(#[from] ErasureError),
    #[error(transparent)]
    Damage(Damage),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(
        "an import into this store was interrupted: resume it with `eventdesk import --resume`, or begin with an empty store"
    )]
    HalfImported,
    #[error("the event store cannot be used")]
    Reading(#[from] StoreError),
    #[error(transparent)]
    Replay(Box<ReplayError>),
    #[error(transparent)]
    Republish(#[from] RepublishError),
    /// The tool has done its work, and what it found is not as it should be.
    #[error("{0}")]
    Found(&'static str),
}

impl From<InvalidPolicy> for Failure {
    fn from(InvalidPolicy { key, reason }: InvalidPolicy) -> Self {
        Self::Value { key, reason }
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Cost(error) => error.into(),
            DeskError::Policy(error) => error.into(),
        }
    }
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) | Self::Value { .. } => ExitCode::from(EXIT_CONFIGURATION),
            Self::Found(_) => ExitCode::from(EXIT_FOUND),
            _ => ExitCode::from(EXIT_FAILURE),
        }
    }

    /// The failure and its causes, each once.
    pub(crate) fn in_words(&self) -> String {
        let mut words = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors tell their cause themselves.
            if !words.contains(&text) {
                words = format!("{words}: {text}");
            }
            cause = error.source();
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let address = ([127, 0, 0, 1], 80).into();
        let failure = Failure::Listen { address, source: io::Error::other("address in use") };
        assert_eq!(failure.in_words(), "cannot listen on 127.0.0.1:80: address in use");
    }
}
