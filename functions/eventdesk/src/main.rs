//! The program that people run by hand.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    eventdesk::run(&eventdesk::Cli::parse())
}
