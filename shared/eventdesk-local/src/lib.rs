//! The desk on one machine: every port with its local adapter, put together once for all programs.
//!
//! The server and the function binaries stand on the same [`LocalDesk`] and differ in what they take from it. No rule,
//! no query and no mapping lives here; what stands on a cloud's services is put together elsewhere.

mod desk;
mod handler;

pub use desk::{LocalDesk, LocalDeskError};
pub use handler::{HANDLER_VARIABLE, Named, UnknownHandler, handler};
