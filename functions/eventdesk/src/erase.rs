//! `eventdesk erase`: what is private about a person is removed for good, wherever it stands.

use std::{sync::Arc, time::Duration};

use clap::Args;
use eventdesk_app::{
    erasure::{Erased, Erasure},
    ports::{CommitScan, PrivateParts},
};
use eventdesk_desk::Desk;
use eventdesk_events::UserId;
use eventdesk_local::{Local, LocalError};
use eventdesk_runtime::{Config, config::Bus};
use eventdesk_sqlite::DataFolder;

use crate::{
    beside::Beside,
    console,
    failure::Failure,
    opened::{self, needs},
};

/// How long deliveries that were on their way are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct EraseArgs {
    /// The id of their user or employee record; the record that goes with it is erased, too.
    #[arg(long, value_name = "ID", value_parser = UserId::parse)]
    person: UserId,
    /// On AWS: for how long no queue may tell of a message. What they tell is true after a minute.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=3600))]
    settle: u64,
}

/// Erases, beside a running server. Done again after an interruption, it goes on.
pub(crate) async fn erase(config: Config, args: &EraseArgs) -> Result<(), Failure> {
    let beside = Beside::open(config.clone()).await?;
    // Where no server runs, nothing is on its way; and none starts while this lasts.
    let alone = match (&beside.sqlite, &config.bus) {
        (Some(_), Bus::Local) => DataFolder::open(&config.data).ok(),
        _ => None,
    };
    let operations = beside.operations().await?;
    let local = match &config.secret_parameter {
        Some(_) => None,
        None => Some(Local::new(DataFolder::open_beside_server(&config.data).map_err(LocalError::from)?)),
    };
    let secret = opened::secret(&config, local.as_ref(), &beside.cloud).await?;
    let (private, scan): (Arc<dyn PrivateParts>, Arc<dyn CommitScan>) = if let Some(sqlite) = &beside.sqlite {
        (Arc::new(sqlite.clone()), Arc::new(sqlite.clone()))
    } else {
        let dynamo = beside.cloud.dynamo_store().await.ok_or_else(|| needs("store.table"))?;
        (dynamo.clone(), dynamo)
    };
    // No token is issued here, so the issuer has no name.
    let parts = opened::parts(&beside.cloud, beside.sqlite.as_ref(), secret, String::new()).await?;
    let erasure = Erasure {
        commands: Desk::new(beside.config.clone(), parts)?.commands(),
        private,
        scan,
        views: beside.views,
        consumers: operations.audit.consumers,
        letters: operations.letters.letters,
        patience: if alone.is_some() { Duration::ZERO } else { PATIENCE },
        settled: if config.bus == Bus::Local { Duration::ZERO } else { Duration::from_secs(args.settle) },
    };
    let erased = erasure.run(args.person.uuid()).await?;
    let Erased { own_parts, written_parts, changed_commits, changed_documents, stripped_letters, .. } = erased;
    console::say(&format!(
        "{own_parts} events about the person and {written_parts} of texts by them have no private part"
    ));
    console::say(&format!(
        "this run changed {changed_commits} commits, {changed_documents} documents and {stripped_letters} dead letters"
    ));
    if erased.deliveries_waiting && alone.is_none() {
        Err(Failure::Found("deliveries are on their way: erase once more"))
    } else {
        Ok(())
    }
}
