//! How the server is reached, and what a URI may hold.

use std::time::Duration;

use mongodb::{
    Client,
    options::{
        Acknowledgment, ClientOptions, ConnectionString, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
    },
};
use tokio::time::timeout;

use crate::fault::MongoError;

/// The database, where nobody names one.
const DATABASE: &str = "eventdesk";

/// How a MongoDB server is used. What the URI says of the same matter wins.
#[derive(Debug, Clone)]
pub struct MongoOptions {
    /// How the server's logs call us.
    pub app_name: String,
    /// The database, where the URI names none; `eventdesk` if neither does.
    pub database: Option<String>,
    /// Most connections to each server, those that watch over it apart.
    pub connections: u32,
    /// How long a server that takes the request is looked for, and a connection may take to open.
    pub selection: Duration,
    /// How long a connection is kept without use. Networks forget connections too, and do not say so: an AWS NAT
    /// gateway after 350 s.
    pub idle: Duration,
    /// How long one operation may take; beyond that the store counts as away.
    pub operation: Duration,
    /// How long the building of indexes may take.
    pub index_build: Duration,
    /// How long an alias is taken for live without asking again.
    pub alias_age: Duration,
}

impl Default for MongoOptions {
    fn default() -> Self {
        Self {
            app_name: "eventdesk".to_owned(),
            database: None,
            connections: 10,
            selection: Duration::from_secs(5),
            idle: Duration::from_mins(4),
            operation: Duration::from_secs(10),
            index_build: Duration::from_mins(5),
            alias_age: Duration::from_millis(500),
        }
    }
}

impl MongoOptions {
    /// Whether a URI can be one that a store is opened with; nobody is asked.
    ///
    /// # Errors
    /// [`MongoError::Uri`] if the URI is none, or holds a user, a password or a token.
    pub fn check(uri: &str) -> Result<(), MongoError> {
        refuse_secrets(uri)?;
        ConnectionString::parse(uri).map(drop).map_err(MongoError::of_uri)
    }

    /// A client, not connected yet, and the name of the database.
    pub(crate) async fn client(&self, uri: &str) -> Result<(Client, String), MongoError> {
        refuse_secrets(uri)?;
        // The hosts behind `mongodb+srv` are asked of the DNS.
        let parsed = timeout(self.selection, async { ClientOptions::parse(uri).await }).await;
        let mut client = parsed.map_err(|_| MongoError::TooSlow(self.selection))?.map_err(MongoError::of_uri)?;
        client.app_name.get_or_insert_with(|| self.app_name.clone());
        client.max_pool_size.get_or_insert(self.connections);
        client.max_idle_time.get_or_insert(self.idle);
        client.server_selection_timeout.get_or_insert(self.selection);
        client.connect_timeout.get_or_insert(self.selection);
        let named = client.default_database.clone().or_else(|| self.database.clone());
        let database = named.unwrap_or_else(|| DATABASE.to_owned());
        Ok((Client::with_options(client).map_err(MongoError::of_uri)?, database))
    }

    /// What is written is on the disks of most members before it counts, so no later primary lacks it.
    pub(crate) fn write_concern(&self) -> WriteConcern {
        WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(self.operation).build()
    }

    /// Reads go to the primary, which has all that was acknowledged, so that a reader sees what a projector wrote.
    ///
    /// `majority` would wait for nothing more: acknowledged writes are on most members already. What it would hide is
    /// writes on their way, and showing them does no harm: should they be rolled back, the projector was never told
    /// that they stand and makes them again. A primary that was voted out and does not know it yet may show an older
    /// document for some seconds; that is what consistency tokens are for, and `linearizable` would only buy it by a
    /// round of votes for each read.
    pub(crate) fn reads() -> (ReadConcern, SelectionCriteria) {
        (ReadConcern::local(), SelectionCriteria::ReadPreference(ReadPreference::Primary))
    }
}

/// Refuses URIs with secrets: they end in logs, templates and process lists.
fn refuse_secrets(uri: &str) -> Result<(), MongoError> {
    let refuse = |reason: &str| Err(MongoError::Uri(reason.to_owned()));
    let Some((_, rest)) = uri.split_once("://").filter(|(scheme, _)| matches!(*scheme, "mongodb" | "mongodb+srv"))
    else {
        return refuse("it begins neither with mongodb:// nor with mongodb+srv://");
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if place.contains('@') {
        return refuse(
            "it holds a user or a password: use authMechanism=MONGODB-AWS or MONGODB-X509, which need none in it",
        );
    }
    let query = query.to_ascii_lowercase();
    for secret in ["aws_session_token", "tlscertificatekeyfilepassword", "proxypassword", "sslkeypassword"] {
        if query.contains(secret) {
            return refuse(&format!("it holds a secret ({secret})"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(uri: &str) -> String {
        let checked = MongoOptions::check(uri).map_err(|error| error.to_string());
        match MongoOptions::default().client(uri).await {
            Err(error @ MongoError::Uri(_)) if checked == Err(error.to_string()) => error.to_string(),
            other => panic!("{uri}: {other:?}, but checked {checked:?}"),
        }
    }

    #[tokio::test]
    async fn a_uri_with_a_user_or_a_secret_is_refused_and_not_repeated() {
        for uri in [
            "mongodb://ann:hunter2@127.0.0.1/desk",
            "mongodb+srv://ann:hunter2@cluster.example.net",
            "mongodb://hunter2@127.0.0.1",
            "mongodb://a.example,ann:hunter2@b.example/?tls=true",
            "mongodb://127.0.0.1/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
            "mongodb://127.0.0.1/?tls=true&tlsCertificateKeyFilePassword=hunter2",
        ] {
            assert!(!refused(uri).await.contains("hunter2"), "{uri}");
        }
    }

    #[tokio::test]
    async fn what_is_no_mongodb_uri_is_refused() {
        for uri in ["", "127.0.0.1", "http://127.0.0.1", "mongodb://", "mongodb://127.0.0.1:port", "mongodb://a/?w=-1"]
        {
            refused(uri).await;
        }
    }

    #[tokio::test]
    async fn the_uri_names_the_database_and_wins_over_options() {
        let options = MongoOptions { database: Some("other".to_owned()), ..MongoOptions::default() };
        let (client, database) = options.client("mongodb://127.0.0.1:1/desk?maxPoolSize=3").await.unwrap();
        assert_eq!(database, "desk");
        drop(client);
        let (_, database) = options.client("mongodb://127.0.0.1:1/?authMechanism=MONGODB-AWS&tls=true").await.unwrap();
        assert_eq!(database, "other");
    }
}
