//! AWS adapters of eventdesk's ports: event store and credentials on DynamoDB, the bus on EventBridge and SQS.
//!
//! Rules, routes and the order of things are not here: an adapter stores, reads and tells, nothing else.

pub mod audit;
pub mod bus;
pub mod client;
pub mod dynamodb;
mod meter;
pub mod secret;

pub use meter::{Call, Meter, round_trips};
