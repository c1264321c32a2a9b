//! `eventdesk export`: everything that the event store holds, as one file.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use eventdesk_app::{
    ports::Clock,
    transfer::{Export, resume},
};
use eventdesk_runtime::{Config, SystemClock};

use crate::{console, failure::Failure, stores::Stores, telling::Telling};

/// What is to be written where.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ExportArgs {
    /// The file to write; nobody else may read it, for texts and contact details stand in it.
    file: PathBuf,
    /// Writes password hashes, too. Without them nobody can log in to what is imported until passwords are set.
    #[arg(long)]
    credentials: bool,
    /// Goes on with a file that was interrupted.
    #[arg(long)]
    resume: bool,
}

/// Writes the file, beside a running server.
pub(crate) async fn export(config: Config, args: &ExportArgs) -> Result<(), Failure> {
    let stores = Stores::beside_server(&config).await?;
    let unusable = |source| Failure::File { path: args.file.clone(), source };
    let file = if args.resume { reopen(&args.file) } else { create(&args.file) }.map_err(unusable)?;
    // One that was ended before its first line begins here.
    let resumed = if file.metadata().map_err(unusable)?.len() == 0 {
        None
    } else {
        let Some(resumed) = resume(BufReader::new(&file)).map_err(Failure::Damage)? else {
            console::say("the file is whole already");
            return Ok(());
        };
        cut(&file, resumed.bytes).map_err(unusable)?;
        Some(resumed)
    };
    let out = BufWriter::new(&file);
    let export = match resumed {
        Some(resumed) => Export::resume(out, resumed),
        None => Export::begin(out, SystemClock.now(), args.credentials)?,
    };
    let credentials = args.credentials.then_some(&*stores.credentials);
    let mut telling = Telling::about("commits exported");
    let exported = export.run(&stores.source, credentials, |commits| telling.so_far(commits)).await?;
    file.sync_all().map_err(unusable)?;
    let (commits, hashes, path) = (exported.commits, exported.credentials, args.file.display());
    console::say(&format!("{commits} commits and {hashes} password hashes are in {path}"));
    Ok(())
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn reopen(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn cut(mut file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes)).map(drop)
}
