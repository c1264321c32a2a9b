//! Contract suites: what a port's documentation promises, as plain async functions that run against any adapter.
//!
//! Only ever a dev-dependency. A suite takes a factory that makes a fresh, empty adapter for each case.

pub mod bus;
pub mod clients;
pub mod credentials;
pub mod doubles;
pub mod event_store;
pub mod failed_logins;
pub mod issuer_keys;
pub mod queue;
pub mod read_store;
pub mod revocations;
pub mod sessions;
mod suite;
