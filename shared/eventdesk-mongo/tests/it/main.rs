//! The MongoDB read store on a real server: the port's contract, and what MongoDB adds to it.
//!
//! Needs a server: `tests/services/mongodb` starts one and prints its URI.
#![expect(clippy::unwrap_used, reason = "tests: a panic is how they fail")]

mod away;
mod bodies;
mod contract;
mod costs;
mod desk;
mod generations;
mod guards;
mod link;
mod projections;
mod server;
