//! The black-box harness: it starts the real binaries, speaks HTTP to them and knows nothing of their insides.
//!
//! [`Desk`] is a running server on a folder of its own, [`Caller`] someone who talks to it, [`Answer`] what came back.
//! [`RuntimeApi`] plays the Lambda service for the function binaries. [`samples`] holds bodies every rule accepts.
//! Deliberately absent: any use of the server's own crates for asking or judging.
#![expect(clippy::missing_panics_doc, reason = "a harness reports by panicking, so every function may")]

mod answer;
mod bin;
mod caller;
mod desk;
mod runtime_api;
pub mod samples;
mod scene;

pub use answer::Answer;
pub use bin::{Output, exit_within, run, start};
pub use caller::Caller;
pub use desk::{ADMIN, Desk, PASSWORD, Setting};
pub use runtime_api::{Function, RuntimeApi, gateway_event, queue_event};
pub use scene::{EmployeeLogin, Scene};
