//! The desk without HTTP: commands, projections, queue and queries over the adapters that need no service.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod audit;
mod commands;
mod desk;
mod erasure;
mod projections;
mod queries;
mod queue;
mod replay;
mod republish;
