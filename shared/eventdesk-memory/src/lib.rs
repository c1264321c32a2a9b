//! In-memory adapters of the ports, for tests.

mod clients;
mod event_store;
mod read_store;
mod sessions;

pub use clients::MemoryClients;
pub use event_store::{MemoryCredentials, MemoryEventStore};
pub use read_store::MemoryReadStore;
pub use sessions::{MemoryRevocations, MemorySessions};
