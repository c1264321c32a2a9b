//! eventdesk in one process: the server that runs every function behind the local gateway, and the command line.

mod audit;
mod beside;
mod cli;
mod clients;
mod console;
mod dead_letters;
mod erase;
mod export;
mod failure;
mod import;
mod keys;
mod machine;
mod office;
mod opened;
mod operators;
mod replay;
mod serve;
mod stores;
mod telling;
mod users;

pub use cli::{Cli, run};
