//! The parts of a desk on one machine: every port with its adapter in a data folder.
//!
//! No rule, no query and no mapping lives here; what stands on a cloud's services is opened elsewhere.

mod local;

pub use local::{Local, LocalError, queue};
