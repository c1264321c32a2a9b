//! Counting failed logins, wherever they happen.

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use eventdesk_events::Timestamp;

use crate::Digest;

/// What failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginKey {
    /// A username, as its keyed digest.
    Name(Digest),
    /// What one customer of a network provider has: an IPv4 address, or the first half of an IPv6 one.
    Network(IpAddr),
}

impl fmt::Display for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(digest) => write!(f, "name-{digest}"),
            Self::Network(address) => write!(f, "network-{address}"),
        }
    }
}

/// The counters could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("failed logins cannot be counted")]
pub struct FailedLoginsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps a bucket for each key, by the time at which it will be full again (the generic cell rate algorithm). A bucket
/// that nothing was taken from is full.
#[async_trait]
pub trait FailedLogins: Send + Sync {
    /// When the bucket of each key will be full again, in the order of `keys`; `None`, or a time that is over, if it is.
    ///
    /// # Errors
    /// [`FailedLoginsError`].
    async fn full_again(&self, keys: &[LoginKey]) -> Result<Vec<Option<Timestamp>>, FailedLoginsError>;

    /// Takes from a bucket: it will be full `ms` later than it would have been, or `ms` from `now` if it is full.
    /// Would that be after `latest`, nothing is taken and the answer is `false`, however many ask at once.
    ///
    /// # Errors
    /// [`FailedLoginsError`].
    async fn take(&self, key: LoginKey, ms: i64, now: Timestamp, latest: Timestamp) -> Result<bool, FailedLoginsError>;
}
