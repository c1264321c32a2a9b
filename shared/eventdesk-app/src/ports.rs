//! The roles that outside technology plays for the desk. Each port's documentation is its contract, which the
//! suites of `eventdesk-contract` test against every adapter.

mod clients;
mod commit;
mod commit_scan;
mod credentials;
mod dead_letters;
mod environment;
mod event_store;
mod failed_logins;
mod generations;
mod import_store;
mod issuer_keys;
mod policy_engine;
mod private_parts;
mod publisher;
mod queue;
mod read_store;
mod revocations;
mod sessions;
mod token_issuer;
mod view_rules;

pub use clients::{Client, ClientChange, ClientEntry, Clients, ClientsError, MOST_ENTRIES, StoredClient};
pub use commit::{Commit, Position, RecordedEvent, StoredState};
pub use commit_scan::{Category, CommitScan, Extent, ScanPage, ScannedCommit, Segment};
pub use credentials::{Credential, Credentials, CredentialsError, PasswordHasher};
pub use dead_letters::{DeadLetters, Letter, LetterId, NoLetterId};
pub use environment::{Clock, Ids};
pub use event_store::{Append, AppendError, Claim, CommitLog, EventStore, Namespace, StoreError, StoredCommit};
pub use failed_logins::{FailedLogins, FailedLoginsError, LoginKey};
pub use generations::{Generation, GenerationStore, Written};
pub use import_store::ImportStore;
pub use issuer_keys::{IssuerKeyStore, IssuerKeyStoreError, SealedKey};
pub use policy_engine::{PolicyEngine, PolicyInput, PolicyPrincipal, PolicyResource, PolicyToken, PolicyUnavailable};
pub use private_parts::{PrivateParts, Redaction};
pub use publisher::{PublishError, Publisher};
pub use queue::{Delivery, DeliveryId, Queue, QueueError, Settlement};
pub use read_store::{
    ApplyError, ConsumerState, DeadLetter, Document, Field, FieldKind, Filter, Glance, Hit, Index, Progress, Put,
    ReadStore, ReadStoreError, Retry, Select, Sort, Value, ViewSpec,
};
pub use revocations::{Revocations, RevocationsError};
pub use sessions::{Session, Sessions, SessionsError};
pub use token_issuer::{AccessClaims, IssuedClaims, SigningError, TokenIssuer};
pub use view_rules::Misuse;
