//! Policy engines: that they say what the matrix says, and what happens when they say nothing.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod matrix;
mod opa;
mod question;
mod rego;
