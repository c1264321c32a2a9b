//! `eventdesk keys`: the built-in issuer's signing keys.

use clap::Subcommand;
use eventdesk_identity::{KeyPhase, KeyStatus};
use eventdesk_runtime::Config;

use crate::{console, failure::Failure, office::Office};

/// What to do with the built-in issuer's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum KeysCommand {
    /// Lists them, the newest first, with what each does now.
    List,
    /// Makes another one. It is published at once, signs after a quarter of an hour, and the one before it goes when the
    /// last token that it signed has ended. Running processes see it by themselves.
    Rotate,
}

/// Does what is asked with keys.
pub(crate) async fn keys(config: Config, command: KeysCommand) -> Result<(), Failure> {
    let office = Office::open(config).await?;
    match command {
        KeysCommand::List => {
            for key in office.keys.statuses() {
                console::say(&in_words(&key));
            }
        }
        KeysCommand::Rotate => {
            let made = office.keys.rotate().await.map_err(Failure::Keys)?;
            console::say(&in_words(&made));
        }
    }
    Ok(())
}

fn in_words(key: &KeyStatus) -> String {
    let phase = match key.phase {
        KeyPhase::Published => format!("published, signs from {}", key.signs_from),
        KeyPhase::Signing => "signing".to_owned(),
        KeyPhase::Outgoing => "outgoing".to_owned(),
        KeyPhase::Retired => "retired".to_owned(),
    };
    let end = key.ends_at.map(|end| format!(", until {end}")).unwrap_or_default();
    format!("{} made {} {phase}{end}", key.kid, key.made_at)
}
