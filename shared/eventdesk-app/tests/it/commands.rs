//! Commands, from the request to the durable commit.

mod cost;
mod idempotency;
mod races;
mod roster;
mod states;
mod uniqueness;
mod visibility;
