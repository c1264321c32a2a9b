//! eventdesk in one process: the server that runs every function behind the local gateway, and the command line.

mod cli;
mod console;
mod failure;
mod machine;
mod opened;
mod serve;

pub use cli::{Cli, run};
