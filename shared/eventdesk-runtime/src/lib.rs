//! What every process of eventdesk stands on: configuration, telemetry, the clock and ids.
//!
//! The only place that reads the real clock, the real randomness and the environment. No rule of the desk lives here.

pub mod config;
mod environment;
pub mod telemetry;

pub use config::{Config, ConfigError};
pub use environment::{RandomIds, SystemClock};
