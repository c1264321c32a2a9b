//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use eventdesk_cloud::Cloud;
use eventdesk_runtime::{Config, telemetry};

use crate::{
    audit::{self, AuditArgs},
    clients::{self, ClientsCommand},
    console,
    dead_letters::{self, DeadLettersCommand},
    erase::{self, EraseArgs},
    export::{self, ExportArgs},
    failure::Failure,
    import::{self, ImportArgs},
    keys::{self, KeysCommand},
    replay::{self, ReplayArgs, VerifyArgs},
    serve,
    users::{self, UsersCommand},
};

/// A support desk whose every change is an event.
#[derive(Debug, Parser)]
#[command(name = "eventdesk", disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Command {
    /// Runs everything in this process, until SIGINT or SIGTERM; so does the program without a command.
    Serve,
    /// Works on the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Finds what was appended and has not arrived in the read models, and has it published again. Exit code 3: something
    /// is behind.
    Audit(AuditArgs),
    /// Deals with what consumers have given up.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Removes for good what is private about a person, and the texts that they wrote. The facts stay. Exit code 3: do
    /// it once more.
    Erase(EraseArgs),
    /// Writes everything that the event store holds into a file, texts and contact details included: the backup.
    Export(ExportArgs),
    /// Fills an empty event store from such a file.
    Import(ImportArgs),
    /// Deals with users, also when nobody can log in.
    #[command(subcommand)]
    Users(UsersCommand),
    /// Deals with service accounts.
    #[command(subcommand)]
    Clients(ClientsCommand),
    /// Deals with the keys that the built-in issuer signs with.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Makes read models anew from the event store, beside a running server.
    Replay(ReplayArgs),
    /// Compares the read models with the event store and names every difference. Exit code 3: there is one.
    Verify(VerifyArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum ConfigCommand {
    /// Reads file and environment and says what is wrong with them; starts nothing.
    Check,
}

/// Does what the command line asks for. Exit codes: 0 done, 1 failed, 2 wrong configuration or command line, 3 done, and
/// what was looked at is not as it should be.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command() {
        Command::Serve => start(serve::serve),
        Command::Audit(args) => start(async |config| Box::pin(audit::audit(config, &args)).await),
        Command::Erase(args) => start(async |config| Box::pin(erase::erase(config, &args)).await),
        Command::Export(args) => start(async |config| Box::pin(export::export(config, &args)).await),
        Command::Import(args) => start(async |config| Box::pin(import::import(config, &args)).await),
        Command::DeadLetters(command) => {
            start(async |config| Box::pin(dead_letters::dead_letters(config, command)).await)
        }
        Command::Users(command) => start(async |config| Box::pin(users::users(config, command)).await),
        Command::Clients(command) => start(async |config| Box::pin(clients::clients(config, command)).await),
        Command::Keys(command) => start(async |config| Box::pin(keys::keys(config, command)).await),
        Command::Replay(args) => start(async |config| Box::pin(replay::replay(config, &args)).await),
        Command::Verify(args) => start(async |config| Box::pin(replay::verify(config, &args)).await),
        Command::Config(ConfigCommand::Check) => check(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::complain(&format!("eventdesk: {}", failure.in_words()));
            failure.exit_code()
        }
    }
}

fn start(run: impl AsyncFnOnce(Config) -> Result<(), Failure>) -> Result<(), Failure> {
    let config = Config::load()?;
    telemetry::init(config.log.format, &config.log.level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    // Boxed: what lies behind is deep.
    runtime.block_on(Box::pin(run(config)))
}

fn check() -> Result<(), Failure> {
    let config = Config::load()?;
    eventdesk_desk::policy(&config)?;
    Cloud::check(&config).map_err(|refused| Failure::Value { key: "views.uri", reason: refused.to_string() })?;
    console::say("the configuration is in order");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Option<Command> {
        Cli::try_parse_from([&["eventdesk"], words].concat()).ok().map(Cli::command)
    }

    #[test]
    fn without_a_command_it_serves() {
        assert_eq!(parsed(&[]), Some(Command::Serve));
        assert_eq!(parsed(&["serve"]), Some(Command::Serve));
    }

    #[test]
    fn the_configuration_can_be_checked_alone() {
        assert_eq!(parsed(&["config", "check"]), Some(Command::Config(ConfigCommand::Check)));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for words in [&["config"][..], &["server"], &["serve", "now"], &["config", "check", "--quietly"], &["--port=1"]]
        {
            assert_eq!(parsed(words), None, "{words:?}");
        }
    }
}
