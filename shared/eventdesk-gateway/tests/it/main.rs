//! The gateway over real sockets, with functions and an authorizer made for the tests.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod client;
mod cors;
mod desk;
mod events;
mod limits;
mod refusals;
mod stopping;
