//! `eventdesk clients`: service accounts.

use clap::{Args, Subcommand};
use eventdesk_app::{
    identity::{ClientError, ClientSecret, NewClient},
    ports::Client,
};
use eventdesk_events::user::Role;
use eventdesk_runtime::Config;
use uuid::Uuid;

use crate::{
    console,
    failure::Failure,
    office::{Office, fields},
};

/// What to do with service accounts.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum ClientsCommand {
    /// Lists them.
    List,
    /// Makes one, and shows its secret once.
    Create(NewAccount),
    /// Gives one another secret, and shows it once; the old one is worth nothing from then on.
    RotateSecret {
        /// Its id.
        id: Uuid,
    },
    /// Deletes one; its tokens end at once.
    Delete {
        /// Its id.
        id: Uuid,
    },
}

/// A service account to make.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct NewAccount {
    /// For people.
    name: String,
    /// admin, manager, support, employee; parted by commas.
    #[arg(long, value_delimiter = ',', value_parser = role)]
    roles: Vec<Role>,
    /// The most that its tokens have, parted by commas; all that the roles allow if not given.
    #[arg(long, value_delimiter = ',')]
    scopes: Option<Vec<String>>,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be admin, manager, support or employee".to_owned())
}

/// Does what is asked with service accounts.
pub(crate) async fn clients(config: Config, command: ClientsCommand) -> Result<(), Failure> {
    let office = Office::open(config).await?;
    let (identity, actor) = (&office.identity, office.context().caller.actor());
    match command {
        ClientsCommand::List => {
            for client in identity.clients().await.map_err(refused)? {
                console::say(&in_words(&client));
            }
        }
        ClientsCommand::Create(NewAccount { name, roles, scopes }) => {
            let new = NewClient { name: Some(name), roles, scopes };
            let (client, secret) = identity.create_client(actor, &new).await.map_err(refused)?;
            show(&client, &secret);
        }
        ClientsCommand::RotateSecret { id } => {
            let (client, secret) = identity.rotate_client_secret(actor, id).await.map_err(refused)?;
            show(&client, &secret);
        }
        ClientsCommand::Delete { id } => {
            identity.delete_client(actor, id).await.map_err(refused)?;
            console::say(&format!("{id}: deleted"));
        }
    }
    Ok(())
}

fn refused(error: ClientError) -> Failure {
    match error {
        ClientError::Invalid(faults) => fields(&faults),
        other => Failure::Client(other),
    }
}

fn in_words(client: &Client) -> String {
    let roles: Vec<_> = client.roles.iter().map(|role| role.as_str()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(",") };
    format!("{} {:?} {roles} [{}]", client.id, client.name, client.scopes)
}

fn show(client: &Client, secret: &ClientSecret) {
    console::say(&in_words(client));
    console::say(&format!("The secret is {}", secret.reveal()));
    console::say("It is shown this once and kept nowhere: note it now.");
}
