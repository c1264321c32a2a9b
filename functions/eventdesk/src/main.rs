//! The program that people run by hand.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A request makes hundreds of small allocations, on several threads at once.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    eventdesk::run(eventdesk::Cli::parse())
}
