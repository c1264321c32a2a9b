//! The event store, and what the built-in issuer keeps, on DynamoDB.
//!
//! # Tables
//!
//! Two, billed per request, whose names end in `-store` and `-identity` ([`Tables`]). On AWS the deployment template
//! owns them; [`create_tables`] makes the same ones on an emulator.
//!
//! ## `…-store`
//!
//! | attribute | type | key of the table | key of the index `feed` |
//! |---|---|---|---|
//! | `stream` | `S` | `HASH` | |
//! | `version` | `N` | `RANGE` | |
//! | `bucket` | `S` | | `HASH` |
//! | `at` | `N` | | `RANGE` |
//!
//! One global secondary index, `feed`, projection `KEYS_ONLY`. No TTL, no stream needed. Only commits have a `bucket`,
//! so nothing else stands in the index. Three kinds of items:
//!
//! - **A commit**, written once: `stream` (`ticket-<uuid>` …), `version` (from 1), `bucket` (UTC hour and shard,
//!   `2026-01-31T08#5`), `at` (milliseconds since the epoch), `id` (`B`), `actor`, `kind` (of the actor), `correlation`
//!   (`B`), `causation` (`B`, optional), `trace` (optional), `events` (JSON list of types, schema versions and facts),
//!   `private` (JSON object of private parts by place in the list, optional; `S`, above 4 KB deflated and `B`), `state` (JSON), `state_version` (`N`).
//! - **A reservation** of a unique value: `stream` = `claim#<namespace>#<digest>`, `version` = 0, `holder` (a stream).
//! - **The ticket numbers**: `stream` = `counter#ticket-number`, `version` = 0, `last` (`N`, the last number of the
//!   last block that was given out).
//! - **The mark of an unfinished import**: `stream` = `counter#unfinished-import`, `version` = 0, `last` (`N`).
//!
//! With S started KB of a commit, a commit alone costs S + 1 write units: S for the item, 1 for its line in the index,
//! which is never written again. In a transaction it costs 2S + 1, and each condition check, claim and release 2.
//!
//! ## `…-identity`
//!
//! | attribute | type | key of the table |
//! |---|---|---|
//! | `subject` | `S` | `HASH` |
//! | `part` | `S` | `RANGE` |
//!
//! No index. TTL on the attribute `expires` (`N`, seconds since the epoch). Items:
//!
//! - **A password hash**: `subject` = `user#<uuid>`, `part` = `password`, `hash` (PHC text), `set_at` (`N`, ms).
//! - **A key of the issuer**: `subject` = `issuer-keys`, `part` = its number with six digits (`000001`; which
//!   signs follows from their times), `kid`, `made_at` (`N`, ms), `sealed` (`B`, the private key, encrypted).
//! - **A counter of failed logins**: `subject` = `login#name-<digest>` or `login#network-<address>`, `part` = `failures`, `full_again`
//!   (`N`, ms), `expires`.
//! - **A session**: `subject` = `sessions#<uuid of the user>`, `part` = its id, `current` and `previous` (keyed digests of
//!   refresh tokens), `rotated_at`, `expires_at`, `password_set_at` (`N`, ms), `scope`, `expires`.
//! - **A service account**: `subject` = `clients`, `part` = its id, `revision` (`N`), `body` (JSON).
//! - **A revoked token or session**: `subject` = `revoked`, `part` = its id, `until` (`N`, ms), `expires`.
//!
//! # Calls
//!
//! Appends: `PutItem` for a commit alone, else `TransactWriteItems`. Reads: `Query`, `GetItem`, `BatchGetItem`; replays
//! `Scan`. Ticket numbers: `UpdateItem`. All reads are strongly consistent, but for those of the feed index, which
//! DynamoDB only has eventually.

mod append;
mod batch;
mod clients;
mod credentials;
mod erasing;
mod failed_logins;
mod fault;
mod feed;
mod import;
mod issuer_keys;
mod item;
mod private;
mod scan;
mod sessions;
mod store;
mod tables;

pub use clients::DynamoClients;
pub use credentials::DynamoCredentials;
pub use failed_logins::DynamoFailedLogins;
pub use feed::{FEED_SHARDS, FeedBucket, FeedEntry, FeedFrom};
pub use issuer_keys::DynamoIssuerKeyStore;
pub(crate) use item::number_bytes;
pub use sessions::{DynamoRevocations, DynamoSessions};
pub use store::DynamoEventStore;
pub use tables::{CreateTablesError, Tables, create_tables};
