//! Configuration from `eventdesk.toml` and the environment.
//!
//! Every key may stand in the file and as a variable, `limits.requests_per_minute_per_principal` as
//! `EVENTDESK_LIMITS_REQUESTS_PER_MINUTE_PER_PRINCIPAL`; the variable wins. Lists are parted by commas there.
//! Unknown keys, unknown variables that begin with `EVENTDESK_` and impossible values are refused, all at once.

mod keys;
mod policy;
mod reader;
mod secret;
#[cfg(test)]
mod tests;
mod values;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use eventdesk_app::DirectoryRules;
use eventdesk_events::user::Role;

use crate::telemetry::Format;
use reader::Reader;

pub use policy::{Policy, PolicyEngine};
pub use reader::{ConfigError, Problem};
pub use secret::Secret;

/// Names the configuration file, in place of `./eventdesk.toml`.
pub const CONFIG_VARIABLE: &str = "EVENTDESK_CONFIG";
/// The file that is read if it is there and no other is named.
pub const DEFAULT_FILE: &str = "eventdesk.toml";

/// Everything that can be set about a process. Paths are relative to its working directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the server listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Empty, or the segments in front of `/api/v1` with a leading and no trailing slash: `/stage`.
    pub base_path: String,
    /// The first start.
    pub bootstrap: Bootstrap,
    /// The issuer that comes with the desk.
    pub builtin_issuer: BuiltinIssuer,
    /// What a password hash costs.
    pub passwords: Passwords,
    /// How much is too much.
    pub limits: Limits,
    /// Who may do what.
    pub policy: Policy,
    /// Where events are kept.
    pub store: Store,
    /// How events travel.
    pub bus: Bus,
    /// Where read models are kept.
    pub views: Views,
    /// OIDC issuers besides the built-in one, each URL once.
    pub issuers: Vec<ExternalIssuer>,
    /// `secret.parameter`: the SSM parameter with the deployment secret, if it does not lie in the data folder.
    pub secret_parameter: Option<String>,
    /// Which browsers' pages may call.
    pub cors: Cors,
    /// What names, contacts and passwords may look like; checked.
    pub directory: DirectoryRules,
    /// How a function lives on Lambda.
    pub lambda: Lambda,
    /// What is logged, and how.
    pub log: Log,
}

/// `[bootstrap]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The first admin's password; without it one is made and shown once.
    pub admin_password: Option<Secret>,
}

/// `[builtin_issuer]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltinIssuer {
    /// Whether it gives tokens and is believed.
    pub enabled: bool,
    /// How long a token is valid; 1 to 1,440.
    pub token_minutes: u32,
    /// How long a login can be continued with refresh tokens; 0 = not at all, at most 8,760.
    pub refresh_hours: u32,
    /// Its URL as it stands in tokens, if it is not the address that the server listens on.
    pub url: Option<String>,
    /// The `aud` of its tokens.
    pub audience: String,
}

/// `[passwords]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passwords {
    /// Memory of one hash in KiB; at least 8 a lane.
    pub argon2_memory_kib: u32,
    /// Passes over it.
    pub argon2_iterations: u32,
    /// Lanes.
    pub argon2_lanes: u32,
}

/// `[limits]`; 0 = off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests a minute that one principal may make.
    pub requests_per_minute_per_principal: u32,
    /// Failed logins a minute that one name, and one address, may have.
    pub login_failures_per_minute: u32,
}

/// `[store]`: where events are kept, and what cannot be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A file in the data folder.
    Sqlite,
    /// Tables of DynamoDB.
    DynamoDb {
        /// Holds the events.
        table: String,
        /// Holds password hashes, the issuer's keys and counters of failed logins; only who logs people in or sets
        /// passwords needs it.
        identity_table: Option<String>,
    },
}

/// `[bus]`: how events travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// Within the process, read from the SQLite file.
    Local,
    /// A bus of EventBridge; each consumer's queue is called like the bus, a hyphen and the consumer.
    EventBridge {
        /// The bus.
        name: String,
    },
}

/// `[views]`: where read models are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Views {
    /// A file in the data folder.
    Sqlite,
    /// A database of MongoDB.
    MongoDb {
        /// Where it is; without a user or a password.
        uri: String,
        /// Its name, if the URI does not say it.
        database: Option<String>,
    },
}

/// `[[issuer]]`: an OIDC issuer besides the built-in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIssuer {
    /// The exact `iss` of its tokens; https, or plain http on a loopback address.
    pub url: String,
    /// Any of these must be the tokens' `aud`, or their `client_id` where they have no `aud`.
    pub audience: Vec<String>,
    /// The claim that holds a caller's groups, or the way to it, parted by dots.
    pub groups_claim: String,
    /// Group to role; matching is exact, and other groups mean nothing.
    pub roles: BTreeMap<String, Role>,
    /// What stands in front of the desk's scopes in its tokens; empty = nothing.
    pub scope_prefix: String,
    /// The scopes of a token that says nothing of scopes; of those that the desk has.
    pub default_scopes: Vec<String>,
    /// The public client as which the docs page logs in.
    pub docs_client_id: Option<String>,
    /// How its tokens are checked.
    pub validation: Validation,
}

/// How an issuer's tokens are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validation {
    /// By its keys, here.
    Jwks,
    /// By asking it (RFC 7662).
    Introspection {
        /// Whom to ask, if its metadata do not say it.
        url: Option<String>,
        /// As whom.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// For how many seconds an answer counts; 0 to 60.
        cache_seconds: u32,
    },
}

/// `[cors]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// Origins as browsers send them, `https://desk.example`; empty = none.
    pub origins: Vec<String>,
}

/// `[lambda]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lambda {
    /// Whether Lambda is asked to tell a function before it ends it, so that connections can be closed.
    pub shutdown_signal: bool,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The shape of the lines.
    pub format: Format,
    /// A level, or a filter with targets.
    pub level: String,
}

impl Config {
    /// Reads the file that `EVENTDESK_CONFIG` names, else `./eventdesk.toml` if it is there, and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load() -> Result<Self, ConfigError> {
        let variables = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(keys::PREFIX));
        let variables: Vec<_> = variables.map(|(name, value)| (name.to_string_lossy().into_owned(), value)).collect();
        let named = variables.iter().find(|(name, _)| name == CONFIG_VARIABLE).map(|(_, path)| PathBuf::from(path));
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ConfigError::one(path.display().to_string(), format!("cannot be read: {error}"))),
        };
        let variables = variables.into_iter().filter(|(name, _)| name != CONFIG_VARIABLE);
        Self::read(&text, variables.map(|(name, value)| (name, value.into_string().ok())))
    }

    /// Reads the text of a file and variables; a value that is not Unicode is `None`.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn read(
        text: &str,
        variables: impl IntoIterator<Item = (String, Option<String>)>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text, variables);
        let config = values::config(&mut reader);
        reader.done(config)
    }

    /// The built-in issuer's URL, given the address that the server really listens on.
    pub fn issuer_url(&self, bound: SocketAddr) -> String {
        if let Some(url) = &self.builtin_issuer.url {
            return url.clone();
        }
        // Nobody can call "all addresses"; the machine itself can be called at its own.
        let host = match bound.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        format!("http://{}", SocketAddr::new(host, bound.port()))
    }
}
