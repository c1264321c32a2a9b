//! A gateway for one process, with the semantics of an API Gateway HTTP API.
//!
//! It finds the route, asks the JWT authorizer, checks scopes, and hands the function behind the route the very event
//! that Lambda would (payload format 2.0). What it refuses itself has the service's statuses and challenges, as problem
//! documents with the service's `message` beside the usual members.
//!
//! Deliberately absent: TLS and HTTP/2, which belong to the proxy in front of a server that is not on loopback, and
//! everything that functions decide: roles, media types, parameters.

mod answer;
mod body;
mod cors;
mod edge;
mod event;
mod gateway;
mod limit;
mod server;

pub use gateway::{Authorize, Functions, Gateway, GatewayOptions, Handler};
pub use server::Server;
