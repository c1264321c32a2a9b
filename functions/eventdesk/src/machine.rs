//! What the server asks of the operating system.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{debug, info};

/// SIGXFSZ, on Linux and macOS alike.
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);

/// Lets the process have as many connections as it may have: every one is a file descriptor.
pub(crate) fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        debug!(error = &error as &dyn std::error::Error, "the limit of file descriptors stays as it is");
    }
}

/// Turns a file that reaches the process's size limit into an error of the write that grew it, which the stores answer
/// as a full disk; unheeded, the signal would end the process.
pub(crate) fn survive_file_size_limit() -> io::Result<()> {
    // Heeded for good once somebody has listened.
    signal(FILE_TOO_LARGE).map(drop)
}

/// The signals that ask for an end.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when one has come.
    pub(crate) async fn asked(&mut self) {
        let name = tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        };
        info!(signal = name, "stopping");
    }
}
