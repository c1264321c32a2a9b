//! HTTP as the desk speaks it: one route table, requests, representations and problem details.
//!
//! A [`Function`] takes the event that an API Gateway HTTP API hands to Lambda (payload format 2.0) and answers it;
//! the local gateway calls the same functions in process. Which store is behind, how tokens are verified and how
//! sockets are served is not known here.

mod caller;
mod docs;
mod function;
mod handlers;
mod headers;
mod openapi;
mod problem;
mod reply;
mod represent;
mod request;
pub mod routes;

pub use caller::{CallerResolver, KnownCallers, RoleSource, TrustedIssuer, groups};
pub use docs::{Discover, DocsLogin, IssuerLogin, LoginEndpoints};
pub use function::{AuthorizerContext, Function, Probe, Services, Settings};
pub use headers::complete;
pub use problem::{Kind, PROBLEM_BASE, Problem};
pub use request::{MAX_BODY_BYTES, trace_id, x_ray_trace_id};
