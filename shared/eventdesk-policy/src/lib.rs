//! Policy engines: Rego within the process, and a remote OPA over its Data API.
//!
//! Deliberately absent: what a policy is asked about, which `eventdesk-http` says, and the permission matrix, which
//! `eventdesk-app` has.

mod opa;
mod rego;

pub use opa::{OpaError, OpaOptions, OpaPolicy};
pub use rego::{RegoError, RegoPolicy};

/// The default matrix as a Rego policy, to copy and change.
pub const DEFAULT_POLICY: &str = include_str!("../policies/access.rego");
