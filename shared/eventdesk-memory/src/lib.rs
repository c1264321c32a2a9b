//! In-memory adapters of the ports, for tests.

mod event_store;
mod read_store;

pub use event_store::{MemoryCredentials, MemoryEventStore};
pub use read_store::MemoryReadStore;
