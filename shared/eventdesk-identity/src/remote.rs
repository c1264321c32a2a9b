//! An issuer elsewhere: its metadata, its keys, and what it says of tokens.
//!
//! Nothing it answers is trusted further than it has to be: calls are bounded in time and size, keys are taken only in
//! the forms that are known, and an issuer that is down or overrun is not asked again at once.

mod discovery;
mod introspection;
mod jwks;
mod keys;
mod pace;

use eventdesk_outbound::OutboundError;

pub use discovery::{Discovery, LoginMetadata};
pub use introspection::{IntrospectionClient, RemoteIntrospection};
pub use keys::RemoteKeys;

/// Why an issuer was of no use. No text of it holds a token, a secret or a body.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It gave no answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// It answered with this status.
    #[error("answered {0}")]
    Status(u16),
    /// It answered with something else than what was asked for.
    #[error("answered what is not {0}")]
    Malformed(&'static str),
    /// Its metadata are those of another issuer.
    #[error("its metadata name another issuer")]
    OtherIssuer,
    /// Its metadata lack an address.
    #[error("its metadata have no usable {0}")]
    Lacks(&'static str),
    /// It failed a moment ago, or too many ask at once.
    #[error("it is not asked again yet")]
    NotYet,
    /// All of it took too long.
    #[error("took too long")]
    TooSlow,
}

impl RemoteError {
    /// Whether the next question would get no better answer.
    fn is_outage(&self) -> bool {
        match self {
            Self::Outbound(_) | Self::OtherIssuer | Self::Lacks(_) | Self::NotYet | Self::TooSlow => true,
            // It does not know us, asks us to slow down, or is broken.
            Self::Status(status) => matches!(status, 401 | 403 | 404 | 429 | 500..),
            Self::Malformed(_) => false,
        }
    }
}
