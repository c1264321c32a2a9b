//! Writing the file, page by page.

use std::{
    io::{self, Write},
    sync::Arc,
};

use eventdesk_events::{StreamId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};

use super::{CommitLine, CredentialLine, EndLine, FORMAT, Header, Resumed, Sums, hex};
use crate::ports::{
    Category, Commit, CommitLog, CommitScan, Credentials, CredentialsError, Extent, Position, Segment, StoreError,
};

/// How many commits are read at a time.
const PAGE: usize = 1_000;

/// Where commits come from.
#[derive(Clone)]
pub enum Source {
    /// A store that knows the order of all its appends: the file has it, too.
    Log(Arc<dyn CommitLog>),
    /// Any other: stream by stream.
    Scan(Arc<dyn CommitScan>),
}

/// How far a source was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// Up to this position.
    Position(u64),
    /// The first segment of these categories not worked through, and how far it was read.
    Segment { segment: Segment, after: Option<String> },
}

/// Why an export ended early; it can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The event store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The file.
    #[error("the file cannot be written")]
    File(#[from] io::Error),
    /// The store is cut into other segments than when the export began.
    #[error("the export cannot be resumed here: begin anew")]
    Elsewhere,
}

/// What an export has written, in all its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Commits.
    pub commits: u64,
    /// Password hashes.
    pub credentials: u64,
}

/// An export that is under way.
pub struct Export<W> {
    out: W,
    sums: Sums,
    place: Option<Place>,
}

impl<W: Write> Export<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `File`.
    pub fn begin(mut out: W, made_at: Timestamp, credentials: bool) -> Result<Self, ExportError> {
        let header = Header { eventdesk_export: FORMAT, made_at, credentials };
        writeln!(out, "{}", serde_json::to_string(&header).map_err(io::Error::from)?)?;
        // Whoever is ended from here on leaves a file that can be gone on with.
        out.flush()?;
        Ok(Self { out, sums: Sums::default(), place: None })
    }

    /// Goes on with a file that was cut to [`Resumed::bytes`].
    pub fn resume(out: W, resumed: Resumed) -> Self {
        let place = resumed.place.as_deref().and_then(|place| serde_json::from_str(place).ok());
        Self { out, sums: resumed.sums, place }
    }

    /// Writes all commits, then, if they are asked for, the credentials of all users, then the end. What is appended
    /// meanwhile may or may not be in the file, but never without what came before it in its stream.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub async fn run(
        mut self,
        source: &Source,
        credentials: Option<&dyn Credentials>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Exported, ExportError>
    where
        W: Send,
    {
        match source {
            Source::Log(log) => self.log(&**log, &mut progress).await?,
            Source::Scan(scan) => self.scan(&**scan, &mut progress).await?,
        }
        if let Some(credentials) = credentials {
            self.credentials(source, credentials).await?;
        }
        let end = self.sums.end();
        let exported = Exported { commits: end.commits, credentials: end.credentials };
        writeln!(self.out, "{}", serde_json::to_string(&EndLine { end }).map_err(io::Error::from)?)?;
        self.out.flush()?;
        Ok(exported)
    }

    async fn log(&mut self, log: &dyn CommitLog, progress: &mut (impl FnMut(u64) + Send)) -> Result<(), ExportError> {
        let end = log.end().await?;
        let mut after = match self.place.take() {
            Some(Place::Position(position)) => Position(position),
            Some(Place::Segment { .. }) => return Err(ExportError::Elsewhere),
            None => Position(0),
        };
        while after < end {
            let page = log.read_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for stored in &page {
                self.commit(&stored.commit)?;
            }
            self.note(&Place::Position(after.0))?;
            progress(self.sums.commits);
        }
        Ok(())
    }

    async fn scan(
        &mut self,
        scan: &dyn CommitScan,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), ExportError> {
        let mut segments = Vec::new();
        for category in Category::ALL {
            segments.extend(scan.segments(category, 1).await?);
        }
        let mut after = None;
        match self.place.take() {
            Some(Place::Segment { segment, after: there }) => {
                let at = segments.iter().position(|one| *one == segment).ok_or(ExportError::Elsewhere)?;
                segments.drain(..at);
                after = there;
            }
            Some(Place::Position(_)) => return Err(ExportError::Elsewhere),
            None => {}
        }
        let mut segments = segments.into_iter().peekable();
        while let Some(segment) = segments.next() {
            loop {
                let page = scan.scan(&segment, after.as_deref(), PAGE, Extent::Whole).await?;
                for scanned in &page.commits {
                    self.commit(&scanned.commit)?;
                }
                after = page.next;
                progress(self.sums.commits);
                if after.is_none() {
                    break;
                }
                self.note(&Place::Segment { segment: segment.clone(), after: after.clone() })?;
            }
            if let Some(next) = segments.peek() {
                self.note(&Place::Segment { segment: next.clone(), after: None })?;
            }
        }
        Ok(())
    }

    /// The credentials of all users that the store knows, again from the beginning if they were begun before.
    async fn credentials(&mut self, source: &Source, credentials: &dyn Credentials) -> Result<(), ExportError> {
        for user in users(source).await? {
            if let Some(credential) = credentials.get(user).await? {
                let line = CredentialLine { user, hash: credential.hash, set_at: credential.set_at };
                self.line("credential", &serde_json::to_string(&line).map_err(io::Error::from)?)?;
                self.sums.credentials += 1;
            }
        }
        Ok(())
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), ExportError> {
        self.line("commit", &serde_json::to_string(&CommitLine::from(commit)).map_err(io::Error::from)?)?;
        self.sums.commits += 1;
        Ok(())
    }

    fn note(&mut self, place: &Place) -> Result<(), ExportError> {
        self.line("place", &serde_json::to_string(place).map_err(io::Error::from)?)?;
        Ok(self.out.flush()?)
    }

    fn line(&mut self, kind: &str, content: &str) -> io::Result<()> {
        let sum = hex(&self.sums.add(content));
        writeln!(self.out, "{{\"sum\":\"{sum}\",\"{kind}\":{content}}}")
    }
}

/// All users there ever were.
async fn users(source: &Source) -> Result<Vec<UserId>, ExportError> {
    let mut users = Vec::new();
    let mut note = |commit: &Commit| {
        if let (StreamId::User(user), Version::FIRST) = (commit.stream, commit.version) {
            users.push(user);
        }
    };
    match source {
        Source::Log(log) => {
            let mut after = Position(0);
            loop {
                let page = log.read_after(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.position;
                for stored in &page {
                    note(&stored.commit);
                }
            }
        }
        Source::Scan(scan) => {
            for segment in scan.segments(Category::User, 1).await? {
                let mut after = None;
                loop {
                    let page = scan.scan(&segment, after.as_deref(), PAGE, Extent::Events).await?;
                    for scanned in &page.commits {
                        note(&scanned.commit);
                    }
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
    }
    Ok(users)
}
