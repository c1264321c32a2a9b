//! In-memory adapters of the ports, for tests.

mod event_store;
mod read_store;
