//! The whole desk as a file: the backup, and the way from one store to another.
//!
//! # The format, version 1
//!
//! Lines of JSON (NDJSON, UTF-8). The first tells what the file is: `{"eventdesk_export":1,"made_at":…}`. Each further
//! line but the last is `{"sum":"<32 hexadecimal digits>","<kind>":<content>}`, where `sum` is the beginning of the
//! SHA-256 of the content, byte by byte as it stands there. The kinds:
//!
//! - `commit`: everything that the store keeps of a commit, **private parts included**. The commits of one stream come
//!   in the order of their versions.
//! - `credential`: a user's password hash, if the file was asked for with credentials.
//! - `place`: how far the store had been read, for an export that is resumed. Nothing else asks for it.
//!
//! The last line is `{"end":{"commits":…,"credentials":…,"sum":"<64 hexadecimal digits>"}}`, whose `sum` is the SHA-256
//! of all sums before it, as bytes, in their order. A file without it is not whole.
//!
//! Not in the file: what is made of commits again (read models, reservations, ticket numbers), keys and secrets of the
//! deployment, and what belongs to a place rather than to the desk (consumers' progress, dead letters, the audit's state).

mod export;
mod import;
mod reading;
mod rebuilt;

use eventdesk_events::{Actor, CommitId, EventId, StreamId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::{
    export::{Export, ExportError, Exported, Source},
    import::{Import, ImportError, Imported},
    reading::{Damage, Resumed, Summary, check, resume},
};
use crate::ports::{Commit, Credential, RecordedEvent, StoredState};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    eventdesk_export: u32,
    made_at: Timestamp,
    /// Whether password hashes are in the file.
    credentials: bool,
}

/// The content of the last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    commits: u64,
    credentials: u64,
    sum: String,
}

/// A line between the first and the last.
#[derive(Deserialize)]
struct Line<'a> {
    sum: &'a str,
    #[serde(borrow, default)]
    commit: Option<&'a RawValue>,
    #[serde(borrow, default)]
    credential: Option<&'a RawValue>,
    #[serde(borrow, default)]
    place: Option<&'a RawValue>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct EndLine {
    end: End,
}

/// A commit's content.
#[derive(Serialize, Deserialize)]
struct CommitLine {
    stream: StreamId,
    version: Version,
    id: CommitId,
    at: Timestamp,
    actor: Actor,
    correlation_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    causation_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trace_id: Option<String>,
    events: Vec<EventLine>,
    state_version: u16,
    state: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct EventLine {
    #[serde(rename = "type")]
    event_type: String,
    schema_version: u16,
    data: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    private: Option<Box<RawValue>>,
}

/// A credential's content.
#[derive(Serialize, Deserialize)]
struct CredentialLine {
    user: UserId,
    hash: String,
    set_at: Timestamp,
}

impl From<&Commit> for CommitLine {
    fn from(commit: &Commit) -> Self {
        let event = |event: &RecordedEvent| EventLine {
            event_type: event.event_type.clone().into_owned(),
            schema_version: event.schema_version,
            data: event.data.clone(),
            private: event.private.clone(),
        };
        Self {
            stream: commit.stream,
            version: commit.version,
            id: commit.id,
            at: commit.at,
            actor: commit.actor.clone(),
            correlation_id: commit.correlation_id,
            causation_id: commit.causation_id,
            trace_id: commit.trace_id.clone(),
            events: commit.events.iter().map(event).collect(),
            state_version: commit.state.version,
            state: commit.state.json.clone(),
        }
    }
}

impl From<CommitLine> for Commit {
    fn from(line: CommitLine) -> Self {
        let event = |event: EventLine| RecordedEvent {
            event_type: event.event_type.into(),
            schema_version: event.schema_version,
            data: event.data,
            private: event.private,
        };
        Self {
            stream: line.stream,
            version: line.version,
            id: line.id,
            at: line.at,
            actor: line.actor,
            correlation_id: line.correlation_id,
            causation_id: line.causation_id,
            trace_id: line.trace_id,
            events: line.events.into_iter().map(event).collect(),
            state: StoredState { version: line.state_version, json: line.state },
        }
    }
}

impl From<CredentialLine> for (UserId, Credential) {
    fn from(CredentialLine { user, hash, set_at }: CredentialLine) -> Self {
        (user, Credential { hash, set_at })
    }
}

/// The sums of a file so far.
#[derive(Clone, Default)]
struct Sums {
    all: Sha256,
    commits: u64,
    credentials: u64,
}

impl Sums {
    /// Counts a line in; its own sum.
    fn add(&mut self, content: &str) -> [u8; 16] {
        let mut short = [0; 16];
        short.copy_from_slice(&Sha256::digest(content.as_bytes())[..16]);
        self.all.update(short);
        short
    }

    fn end(&self) -> End {
        End { commits: self.commits, credentials: self.credentials, sum: hex(&self.all.clone().finalize()) }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes text");
        text
    })
}
