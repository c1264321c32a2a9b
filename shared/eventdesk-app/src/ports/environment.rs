//! Time and randomness.

use eventdesk_events::Timestamp;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Makes ids and other random values.
pub trait Ids: Send + Sync {
    /// A fresh UUIDv7; later ones of one process sort after earlier ones.
    fn next(&self) -> Uuid;

    /// Fills `bytes` from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]);
}
