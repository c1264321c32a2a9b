//! Filling an empty store from the file.

use std::{
    collections::HashMap,
    io::{BufRead, Seek, SeekFrom},
    sync::Arc,
};

use eventdesk_events::{Event, StreamId, Version, ticket::TicketEvent};
use futures_util::future::try_join_all;

use super::{
    CommitLine, CredentialLine,
    export::Source,
    reading::{Content, Damage, Lines, Summary, check},
    rebuilt,
};
use crate::{
    Digester,
    ports::{
        Append, AppendError, Category, Commit, Credential, Credentials, CredentialsError, Extent, ImportStore,
        StoreError,
    },
};

/// As many commits are in hand at a time.
const WINDOW: usize = 1_000;
/// As many appends run at once.
const PARALLEL: usize = 200;

/// Why an import ended early. Until it is resumed and ends, the store says that it is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The store has commits already.
    #[error("the store is not empty: an import fills an empty one")]
    NotEmpty,
    /// The store was being filled before.
    #[error("an import into this store was interrupted: resume it, or begin with an empty store")]
    Unfinished,
    /// The store was being filled from another file.
    #[error("the interrupted import was of another file")]
    AnotherFile,
    /// Nothing was interrupted.
    #[error("there is no interrupted import to resume")]
    NothingToResume,
    /// The store has another commit than the file.
    #[error("{stream} has another version {version} in the store")]
    Differs {
        /// The stream.
        stream: StreamId,
        /// The version.
        version: Version,
    },
    /// A commit that this build cannot read.
    #[error("{stream} version {version}: {problem}")]
    Unreadable {
        /// The stream.
        stream: StreamId,
        /// The version.
        version: Version,
        /// Why; no private text.
        problem: String,
    },
    /// The event store, reading.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event store, writing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// What an import found in its file, and has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What the file holds.
    pub summary: Summary,
    /// Commits that were there already, from the life before.
    pub known: u64,
}

/// Where a file goes.
pub struct Import {
    /// The store to fill.
    pub store: Arc<dyn ImportStore>,
    /// The same store, to be looked at.
    pub source: Source,
    /// Where password hashes go.
    pub credentials: Arc<dyn Credentials>,
    /// Digests unique values; purpose `reservations` of the place that is filled.
    pub reservations: Digester,
}

/// What is derived from commits on their way in.
#[derive(Default)]
struct Derived {
    people: Vec<StreamId>,
    number: u64,
}

impl Import {
    /// Checks the whole file first, then fills the store: ids, versions and times stay what they are, and unique
    /// values, ticket numbers and password hashes follow.
    ///
    /// # Errors
    /// See [`ImportError`]; before anything is written if the file is damaged or the store not as it should be.
    pub async fn run(
        &self,
        mut file: impl BufRead + Seek + Send,
        resume: bool,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Imported, ImportError> {
        let summary = check(&mut file)?;
        let mark = u32::from_str_radix(summary.sum.get(..8).unwrap_or_default(), 16).unwrap_or(1);
        match (self.store.unfinished_import().await?, resume) {
            (Some(begun), true) if begun != mark => return Err(ImportError::AnotherFile),
            (Some(_), false) => return Err(ImportError::Unfinished),
            (Some(_), true) => {}
            (None, true) => return Err(ImportError::NothingToResume),
            (None, false) if !self.is_empty().await? => return Err(ImportError::NotEmpty),
            (None, false) => self.store.mark_import(Some(mark)).await?,
        }
        file.seek(SeekFrom::Start(0)).map_err(|source| Damage::Unreadable { line: 1, source })?;
        let (known, derived) = self.fill(file, &mut progress).await?;
        for people in derived.people.chunks(PARALLEL) {
            try_join_all(people.iter().map(|stream| rebuilt::reserve(&*self.store, &self.reservations, *stream)))
                .await?;
        }
        self.store.raise_ticket_numbers(derived.number).await?;
        self.store.mark_import(None).await?;
        Ok(Imported { summary, known })
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        let scan = match &self.source {
            Source::Log(log) => return Ok(log.end().await?.0 == 0),
            Source::Scan(scan) => scan,
        };
        for category in Category::ALL {
            for segment in scan.segments(category, 1).await? {
                let mut after = None;
                loop {
                    let page = scan.scan(&segment, after.as_deref(), 1, Extent::Events).await?;
                    if !page.commits.is_empty() {
                        return Ok(false);
                    }
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(true)
    }

    /// Writes the file's commits and credentials, window by window.
    async fn fill(
        &self,
        file: impl BufRead + Send,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(u64, Derived), ImportError> {
        let (mut lines, _) = Lines::open(file)?;
        let (mut window, mut known, mut derived) = (Vec::with_capacity(WINDOW), 0, Derived::default());
        let mut credentials: Vec<CredentialLine> = Vec::new();
        loop {
            let number = lines.number + 1;
            let malformed = || Damage::Line { line: number, problem: "its content is not that of an export" };
            let more = match lines.next()? {
                Content::Commit(raw) => {
                    let line: CommitLine = serde_json::from_str(raw.get()).map_err(|_| malformed())?;
                    window.push(Commit::from(line));
                    true
                }
                Content::Credential(raw) => {
                    credentials.push(serde_json::from_str(raw.get()).map_err(|_| malformed())?);
                    true
                }
                Content::Place(_) => true,
                Content::End(_) => false,
            };
            if window.len() >= WINDOW || !more {
                derived.note(&window)?;
                known += self.write(std::mem::take(&mut window)).await?;
                progress(lines.sums.commits);
            }
            if credentials.len() >= PARALLEL || !more {
                try_join_all(credentials.drain(..).map(|line| {
                    let (user, credential): (_, Credential) = line.into();
                    self.credentials.set(user, credential)
                }))
                .await?;
            }
            if !more {
                return Ok((known, derived));
            }
        }
    }

    /// Appends commits, each after the one before it in its stream; how many were there already.
    async fn write(&self, commits: Vec<Commit>) -> Result<u64, ImportError> {
        let mut rounds: Vec<Vec<Commit>> = Vec::new();
        let mut seen: HashMap<StreamId, usize> = HashMap::new();
        for commit in commits {
            let round = seen.entry(commit.stream).and_modify(|round| *round += 1).or_insert(0);
            if rounds.len() <= *round {
                rounds.push(Vec::new());
            }
            rounds[*round].push(commit);
        }
        let mut known = 0;
        for round in rounds {
            for some in round.chunks(PARALLEL) {
                let appended = try_join_all(some.iter().map(|commit| self.append(commit))).await?;
                known += appended.into_iter().filter(|new| !new).count() as u64;
            }
        }
        Ok(known)
    }

    /// Whether the commit is new.
    async fn append(&self, commit: &Commit) -> Result<bool, ImportError> {
        let (stream, version) = (commit.stream, commit.version);
        match self.store.append(Append { commits: vec![commit.clone()], ..Append::default() }).await {
            Ok(()) => Ok(true),
            Err(AppendError::Conflict { winner, .. }) if winner.id == commit.id => Ok(false),
            Err(AppendError::Conflict { .. }) => Err(ImportError::Differs { stream, version }),
            Err(error) => Err(error.into()),
        }
    }
}

impl Derived {
    fn note(&mut self, commits: &[Commit]) -> Result<(), ImportError> {
        for commit in commits.iter().filter(|commit| commit.version == Version::FIRST) {
            let unreadable = |error: eventdesk_events::DecodeError| ImportError::Unreadable {
                stream: commit.stream,
                version: commit.version,
                problem: error.to_string(),
            };
            match commit.stream {
                StreamId::User(_) | StreamId::Employee(_) => self.people.push(commit.stream),
                StreamId::Ticket(_) => {
                    for recorded in &commit.events {
                        if let Event::Ticket(TicketEvent::Opened(opened)) = recorded.event().map_err(unreadable)? {
                            self.number = self.number.max(opened.number);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
