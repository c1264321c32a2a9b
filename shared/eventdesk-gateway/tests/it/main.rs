//! The gateway over real sockets, with functions and an authorizer made for the tests.

mod client;
mod cors;
mod desk;
mod events;
mod limits;
mod refusals;
mod stopping;
