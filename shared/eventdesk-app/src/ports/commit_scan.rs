//! Reading the whole store, in parallel parts.

use async_trait::async_trait;
use eventdesk_events::{StreamId, Version};
use serde::{Deserialize, Serialize};

use super::{Commit, Position, StoreError};

/// What kind of aggregate a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Tickets.
    Ticket,
    /// Messages.
    Message,
    /// Users.
    User,
    /// Employees.
    Employee,
    /// The set of active admins.
    Roster,
}

impl Category {
    /// All of them: every stream belongs to one.
    pub const ALL: [Self; 5] = [Self::Ticket, Self::Message, Self::User, Self::Employee, Self::Roster];

    /// The category of a stream.
    pub const fn of(stream: StreamId) -> Self {
        match stream {
            StreamId::Ticket(_) => Self::Ticket,
            StreamId::Message(_) => Self::Message,
            StreamId::User(_) => Self::User,
            StreamId::Employee(_) => Self::Employee,
            StreamId::AdminRoster => Self::Roster,
        }
    }

    /// What the names of its streams begin with, `ticket-`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Ticket => "ticket-",
            Self::Message => "message-",
            Self::User => "user-",
            Self::Employee => "employee-",
            Self::Roster => "roster-",
        }
    }
}

/// A part of the store: whole streams of one category. It can be stored, and read by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The streams' category.
    pub category: Category,
    /// Which of them, in words of the store's own.
    pub part: String,
}

/// How much of a commit is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// All but the decision state, for which JSON's `null` stands.
    Events,
}

/// A commit found by a scan.
#[derive(Debug, Clone)]
pub struct ScannedCommit {
    /// Its place in the whole store, where there is such.
    pub position: Option<Position>,
    /// The commit.
    pub commit: Commit,
}

/// A part of a segment's commits.
#[derive(Debug, Clone, Default)]
pub struct ScanPage {
    /// The commits of one stream stand side by side, in the order of their versions; streams come in no order that may
    /// be relied on. A stream may go on in the next page.
    pub commits: Vec<ScannedCommit>,
    /// Where the next page begins; it can be stored. `None` at the end of the segment: a page may be empty and not be
    /// the last.
    pub next: Option<String>,
}

/// The whole store, segment by segment: for replays, verification and exports.
///
/// A segment holds whole streams, and each stream stands in exactly one segment of its category. What was appended and
/// answered before a page was asked for is in it, if it belongs there; what is appended meanwhile may or may not be.
#[async_trait]
pub trait CommitScan: Send + Sync {
    /// Cuts the streams of a category into about `wanted` segments of about the same size, at least one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn segments(&self, category: Category, wanted: usize) -> Result<Vec<Segment>, StoreError>;

    /// Up to about `most` commits of a segment, from its beginning or from [`ScanPage::next`] of the page before.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn scan(
        &self,
        segment: &Segment,
        after: Option<&str>,
        most: usize,
        extent: Extent,
    ) -> Result<ScanPage, StoreError>;

    /// The place of a commit in the whole store, where there is such.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn position_of(&self, stream: StreamId, version: Version) -> Result<Option<Position>, StoreError> {
        let _ = (stream, version);
        Ok(None)
    }
}
