//! Waiting for what is away for a moment.

use std::time::Duration;

use tokio::time::sleep;

use crate::ports::{ApplyError, ReadStoreError, StoreError};

/// The first wait; each is twice the one before.
const FIRST: Duration = Duration::from_millis(50);
/// So often something is tried again: about a minute and a half.
const TRIES: u32 = 24;
const LONGEST: Duration = Duration::from_secs(5);

/// Errors of which some are over after a moment.
pub(super) trait Passing {
    fn passes(&self) -> bool;
}

impl Passing for StoreError {
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Passing for ReadStoreError {
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Passing for ApplyError {
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Tries until it works, or fails for good, or is away for too long.
pub(super) async fn patiently<T, E: Passing, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>> + Send,
{
    let mut wait = FIRST;
    for _ in 0..TRIES {
        match attempt().await {
            Err(error) if error.passes() => {
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST);
            }
            other => return other,
        }
    }
    attempt().await
}
