//! What operators' tools for people, programs and keys work on, beside a running server.

use std::sync::Arc;

use eventdesk_app::{
    CommandContext, CommandError, InvalidField,
    identity::{Identity, operator},
    ports::ReadStore,
};
use eventdesk_cloud::Cloud;
use eventdesk_desk::Desk;
use eventdesk_events::UserId;
use eventdesk_identity::IssuerKeys;
use eventdesk_local::{Local, LocalError};
use eventdesk_runtime::{
    Config,
    config::{Store, Views},
};
use eventdesk_sqlite::DataFolder;

use crate::{failure::Failure, opened};

/// The desk, without the server's lock.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    pub(crate) keys: Arc<IssuerKeys>,
    pub(crate) identity: Arc<Identity>,
    local: Option<Local>,
    cloud: Cloud,
}

impl Office {
    /// Opens what there is.
    pub(crate) async fn open(config: Config) -> Result<Self, Failure> {
        let cloud = Cloud::new(&config);
        let here = config.store == Store::Sqlite || config.views == Views::Sqlite;
        let folder = || Ok::<_, LocalError>(Local::new(DataFolder::open_beside_server(&config.data)?));
        let local = if here { Some(folder()?) } else { None };
        let secret = opened::secret(&config, local.as_ref(), &cloud).await?;
        let sqlite = match &local {
            Some(local) if config.store == Store::Sqlite => Some(local.store()?),
            _ => None,
        };
        let issuer = config.issuer_url(config.listen);
        let keys = opened::keys(&config, local.as_ref(), &cloud, &secret).await?;
        let parts = opened::parts(&cloud, sqlite.as_ref(), secret, issuer).await?;
        let desk = Desk::new(config, parts)?;
        let identity = desk.identity(&keys);
        Ok(Self { desk, keys, identity, local, cloud })
    }

    /// The read models.
    pub(crate) async fn views(&self) -> Result<Arc<dyn ReadStore>, Failure> {
        match &self.local {
            Some(local) if self.desk.config().views == Views::Sqlite => Ok(local.views_beside_server().await?),
            _ => Ok(self.cloud.prepared_views().await?),
        }
    }

    /// The operator, about to change something.
    pub(crate) fn context(&self) -> CommandContext {
        operator(&*self.desk.ids())
    }

    /// A user by id or by name.
    pub(crate) async fn user(&self, named: &str) -> Result<UserId, Failure> {
        if let Ok(id) = UserId::parse(named) {
            return Ok(id);
        }
        let found = self.identity.user_named(named).await.map_err(|error| Failure::Refused(error.to_string()))?;
        found.ok_or_else(|| Failure::Refused(format!("there is no user {named:?}")))
    }
}

/// What was wrong with fields, one a line.
pub(crate) fn fields(fields: &[InvalidField]) -> Failure {
    let line = |field: &InvalidField| format!("{}: {}", field.pointer.trim_start_matches('/'), field.fault.detail);
    Failure::Refused(fields.iter().map(line).collect::<Vec<_>>().join("\n  "))
}

/// Why a command did nothing, in words.
pub(crate) fn refused(error: CommandError) -> Failure {
    match error {
        CommandError::Invalid(faults) => fields(&faults),
        CommandError::Taken(pointers) => {
            let names: Vec<_> = pointers.iter().map(|pointer| pointer.trim_start_matches('/')).collect();
            Failure::Refused(format!("somebody else has the {}", names.join(" and the ")))
        }
        CommandError::NotFound(_) => Failure::Refused("there is no such user".to_owned()),
        other => Failure::Command(other),
    }
}
