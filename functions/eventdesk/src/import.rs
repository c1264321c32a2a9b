//! `eventdesk import`: an empty store filled from a file.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Args;
use eventdesk_app::transfer::{Import, Summary};
use eventdesk_runtime::{Config, config::Bus};

use crate::{console, failure::Failure, stores::Stores, telling::Telling};

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ImportArgs {
    /// The file that `eventdesk export` has written.
    file: PathBuf,
    /// Goes on with an import of the same file that was interrupted.
    #[arg(long)]
    resume: bool,
}

/// Fills the configured store, which no server may use meanwhile.
pub(crate) async fn import(config: Config, args: &ImportArgs) -> Result<(), Failure> {
    let unusable = |source| Failure::File { path: args.file.clone(), source };
    let file = File::open(&args.file).map_err(unusable)?;
    let (stores, bus) = (Stores::alone(&config).await?, config.bus);
    let import = Import {
        reservations: stores.secret().await?.digester("reservations"),
        store: stores.store,
        source: stores.source,
        credentials: stores.credentials,
    };
    let mut telling = Telling::about("commits imported");
    let done = import.run(BufReader::new(&file), args.resume, |commits| telling.so_far(commits)).await?;
    let Summary { commits, credentials, .. } = done.summary;
    console::say(&format!("{commits} commits and {credentials} password hashes are imported"));
    if done.known > 0 {
        console::say(&format!("{} of the commits were there already", done.known));
    }
    // A bus tells of what happens from now on.
    console::say(match bus {
        Bus::Local => "the read models follow when a server runs",
        Bus::EventBridge { .. } => {
            "the read models follow with `eventdesk replay`, before a server or the functions run"
        }
    });
    Ok(())
}
