//! The durable truth.

use async_trait::async_trait;
use eventdesk_events::{StreamId, Version};
use tokio::sync::watch;

use super::{Commit, Position, StoredState};
use crate::Digest;

/// A set in which values are unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Usernames.
    Username,
    /// Users' e-mail addresses.
    UserEmail,
    /// Users' phone numbers.
    UserPhone,
    /// Employees' e-mail addresses.
    EmployeeEmail,
    /// Employees' phone numbers.
    EmployeePhone,
    /// The users as whom employees log in.
    EmployeeUser,
}

impl Namespace {
    /// The name under which reservations are stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::UserEmail => "user-email",
            Self::UserPhone => "user-phone",
            Self::EmployeeEmail => "employee-email",
            Self::EmployeePhone => "employee-phone",
            Self::EmployeeUser => "employee-user",
        }
    }
}

/// A unique value, as a keyed digest, held by one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Where it is unique.
    pub namespace: Namespace,
    /// The keyed digest of the normalised value.
    pub value: Digest,
}

/// What is to be written as one unit, or not at all.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// One commit a stream; each is written only if its version is the stream's next.
    pub commits: Vec<Commit>,
    /// Versions that must not exist: the streams were read and must not have moved, though they are not written.
    pub absent: Vec<(StreamId, Version)>,
    /// Unique values to hold from now on, each for the stream that is given; one it holds already is fine.
    pub claims: Vec<(Claim, StreamId)>,
    /// Unique values to free, before any is claimed; freeing what is free or held by another stream changes nothing.
    pub releases: Vec<(Claim, StreamId)>,
    /// The ticket number that the commits use, from [`EventStore::next_ticket_number`].
    pub ticket_number: Option<u64>,
}

/// Why an append wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A stream already has the version: somebody was faster, or this very commit was stored by an earlier try.
    #[error("{stream} already has version {version}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The version that exists.
        version: Version,
        /// The commit that has it.
        winner: Box<Commit>,
    },
    /// A version of [`Append::absent`] exists.
    #[error("{stream} moved on to version {version}")]
    Moved {
        /// The stream.
        stream: StreamId,
        /// The version that exists.
        version: Version,
    },
    /// Unique values are held by other streams; all of them are named.
    #[error("{} unique values are taken", .0.len())]
    Taken(Vec<Claim>),
    /// The store is busy, full or away; nothing is known to be written. Worth trying again later.
    #[error("event store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the caller cannot act on.
    #[error("event store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Busy or away. Worth trying again later.
    #[error("event store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the caller cannot act on.
    #[error("event store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps commits for ever, stream by stream. All reads are strongly consistent: they see every append that was
/// answered before.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// The newest commit of a stream, in constant time; `None` if there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError>;

    /// The newest version of a stream with the decision state after it, for readers who need none of the commit's
    /// events; `None` if there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn newest_state(&self, stream: StreamId) -> Result<Option<(Version, StoredState)>, StoreError> {
        Ok(self.head(stream).await?.map(|head| (head.version, head.state)))
    }

    /// Up to `limit` commits of a stream from version `from` upwards, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError>;

    /// Single commits in one batch, in the order of `keys`; `None` where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError>;

    /// Appends as one unit, or not at all. Success means durable: it survives a crash of process and machine.
    ///
    /// # Errors
    /// See [`AppendError`]. Where several apply, `Conflict` comes before `Moved` before `Taken`.
    async fn append(&self, append: Append) -> Result<(), AppendError>;

    /// The stream that holds a unique value.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError>;

    /// A ticket number that no ticket has and no other caller is given, from 1.
    ///
    /// Numbers are neither gapless nor in time order; one that is not used may be given again after a restart.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn next_ticket_number(&self) -> Result<u64, StoreError>;

    /// The log of all commits, where the store lives in one place.
    fn log(&self) -> Option<&dyn CommitLog> {
        None
    }
}

/// A commit with its place in the whole store.
#[derive(Debug, Clone)]
pub struct StoredCommit {
    /// The place.
    pub position: Position,
    /// The commit.
    pub commit: std::sync::Arc<Commit>,
}

/// All commits in the order of their appends, for stores that live in one place.
#[async_trait]
pub trait CommitLog: Send + Sync {
    /// Up to `limit` commits after `after`, ascending. No commit ever appears before a position already read.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<StoredCommit>, StoreError>;

    /// The commits at these positions, ascending; those that do not exist are left out.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredCommit>, StoreError>;

    /// The positions of commits, in the order of `keys`; `None` where there is no such commit.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn locate(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Position>>, StoreError>;

    /// The newest position of all, whoever appended it; 0 if there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn end(&self) -> Result<Position, StoreError>;

    /// Holds the newest position that this process has appended, and wakes its readers.
    fn newest(&self) -> watch::Receiver<Position>;
}
