//! What the desk does, between pure rules and the outside: ports, commands, projections and queries.
//!
//! Nothing here knows HTTP status codes, SQL, MongoDB or AWS: those stand behind the ports or before the commands.

pub mod access;
mod aggregate;
pub mod audit;
pub mod commands;
pub mod dead_letters;
pub mod erasure;
mod error;
mod execute;
pub mod figures;
pub mod identity;
pub mod local_queue;
pub mod operations;
mod policy;
pub mod ports;
pub mod projections;
pub mod publish;
pub mod queries;
mod records;
pub mod replay;
pub mod republish;
mod secret;
mod texts;
mod transaction;
pub mod transfer;

pub use aggregate::{Aggregate, KeyRing, LoadError, Loaded, REMEMBERED_KEYS, RememberedKey};
pub use error::{CommandError, InvalidField, QueryError, Resource};
pub use execute::{Command, CommandContext, Commands, Done, Idempotency};
pub use policy::Policy;
pub use records::{ConsistencyToken, EmployeeRecord, MessageRecord, NameAt, TicketFed, TicketRecord, UserRecord};
pub use secret::{DeploymentSecret, Digest, Digester, SecretError};
pub use transaction::{Target, Transaction};

/// Re-exported for configuration, which knows nothing of rules but what they may be set to.
pub use eventdesk_domain::rules::{DirectoryRules, RulesError};
