//! The black-box harness: it starts the real binaries, speaks HTTP to them and knows nothing of their insides.
//!
//! A desk stands on one of three hosts: [`Desk`] is a running server on a folder of its own, or on AWS and MongoDB;
//! [`Lambdas`] are the functions of a deployed stack ([`Cloud`]) behind what the service puts around them. [`Host`] is
//! any of them, [`Caller`] someone who talks to it, [`Answer`] what came back. [`samples`] holds bodies every rule
//! accepts.
//! Deliberately absent: any use of the server's own crates for asking or judging.
#![expect(clippy::missing_panics_doc, reason = "a harness reports by panicking, so every function may")]

mod answer;
mod aws;
mod bin;
mod caller;
mod cloud;
mod desk;
mod emulator;
mod events;
mod furnish;
mod host;
pub mod issuer;
mod lambda;
mod oidc;
mod opa;
mod person;
mod proxy;
mod runtime_api;
mod sampled;
pub mod samples;
mod scene;
mod search;
mod wire;

pub use answer::Answer;
pub use aws::Message;
pub use bin::{Output, exit_within, path_of, run, start};
pub use caller::Caller;
pub use cloud::Cloud;
pub use desk::{ADMIN, Desk, PASSWORD, Setting};
pub use events::{batch_of, gateway_event};
pub use furnish::furnish;
pub use host::{Host, Kind};
pub use lambda::{Issuer, Lambdas};
pub use oidc::{DOCS_CLIENT, Oidc, Resource, SCOPES};
pub use opa::Opa;
pub use person::{Person, answered_nowhere};
pub use proxy::{Fault, Proxy};
pub use runtime_api::{Function, RuntimeApi};
pub use sampled::{answers_as, sampled};
pub use scene::{EmployeeLogin, Place, Scene};
pub use wire::Wire;
