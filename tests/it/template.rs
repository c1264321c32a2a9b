//! The deployment template: read as it stands, without any tool of the cloud.

mod cors;
mod document;
mod functions;
mod policies;
mod queues;
mod replays;
mod routes;
