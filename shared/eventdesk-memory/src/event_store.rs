//! Commits, unique values and credentials in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventdesk_app::ports::{
    Append, AppendError, Category, Claim, Commit, CommitLog, CommitScan, Credential, Credentials, CredentialsError,
    EventStore, Extent, ImportStore, Position, PrivateParts, Redaction, ScanPage, ScannedCommit, Segment, StoreError,
    StoredCommit,
};
use eventdesk_events::{StreamId, UserId, Version};
use tokio::sync::watch;

/// An event store that forgets everything when dropped.
pub struct MemoryEventStore {
    desk: Mutex<Desk>,
    newest: watch::Sender<Position>,
    ticket_number: AtomicU64,
    import: Mutex<Option<u32>>,
}

#[derive(Default)]
struct Desk {
    /// All commits by position less one.
    log: Vec<Arc<Commit>>,
    /// The commits of each stream by version less one.
    streams: HashMap<StreamId, Vec<Arc<Commit>>>,
    reservations: HashMap<Claim, StreamId>,
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self {
            desk: Mutex::default(),
            newest: watch::Sender::new(Position(0)),
            ticket_number: AtomicU64::new(0),
            import: Mutex::default(),
        }
    }
}

impl MemoryEventStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An append that its caller got wrong.
#[derive(Debug)]
struct Misuse(StreamId);

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the versions written to {} do not follow its newest", self.0)
    }
}

impl std::error::Error for Misuse {}

impl Desk {
    fn commits(&self, stream: StreamId) -> &[Arc<Commit>] {
        self.streams.get(&stream).map_or(&[], Vec::as_slice)
    }

    fn commit(&self, stream: StreamId, version: Version) -> Option<&Commit> {
        let index = usize::try_from(version.get()).ok()?.checked_sub(1)?;
        self.commits(stream).get(index).map(|commit| &**commit)
    }

    fn check(&self, append: &Append) -> Result<(), AppendError> {
        for (index, Commit { stream, version, .. }) in append.commits.iter().enumerate() {
            if let Some(winner) = self.commit(*stream, *version) {
                let winner = Box::new(winner.clone());
                return Err(AppendError::Conflict { stream: *stream, version: *version, winner });
            }
            let next = self.commits(*stream).last().map_or(Version::FIRST, |head| head.version.next());
            if *version != next || append.commits[..index].iter().any(|earlier| earlier.stream == *stream) {
                return Err(AppendError::Internal(Box::new(Misuse(*stream))));
            }
        }
        for (stream, version) in &append.absent {
            if self.commit(*stream, *version).is_some() {
                return Err(AppendError::Moved { stream: *stream, version: *version });
            }
        }
        let mut holders: HashMap<Claim, StreamId> = HashMap::new();
        let taken: Vec<_> = append
            .claims
            .iter()
            .filter(|(claim, stream)| {
                let stored =
                    self.reservations.get(claim).filter(|holder| !append.releases.contains(&(*claim, **holder)));
                *holders.entry(*claim).or_insert_with(|| stored.copied().unwrap_or(*stream)) != *stream
            })
            .map(|(claim, _)| *claim)
            .collect();
        if taken.is_empty() { Ok(()) } else { Err(AppendError::Taken(taken)) }
    }

    fn write(&mut self, append: Append) {
        for (claim, stream) in append.releases {
            if self.reservations.get(&claim) == Some(&stream) {
                self.reservations.remove(&claim);
            }
        }
        self.reservations.extend(append.claims);
        for commit in append.commits {
            let commit = Arc::new(commit);
            self.streams.entry(commit.stream).or_default().push(Arc::clone(&commit));
            self.log.push(commit);
        }
    }

    fn newest(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn stored(&self, position: Position) -> Option<StoredCommit> {
        let index = usize::try_from(position.0).ok()?.checked_sub(1)?;
        Some(StoredCommit { position, commit: Arc::clone(self.log.get(index)?) })
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        Ok(self.desk().commits(stream).last().map(|commit| Commit::clone(commit)))
    }

    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError> {
        let desk = self.desk();
        let wanted = desk.commits(stream).iter().filter(|commit| commit.version >= from);
        Ok(wanted.take(limit).map(|commit| Commit::clone(commit)).collect())
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        let desk = self.desk();
        Ok(keys.iter().map(|(stream, version)| desk.commit(*stream, *version).cloned()).collect())
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        let mut desk = self.desk();
        desk.check(&append)?;
        if let Some(number) = append.ticket_number {
            self.ticket_number.fetch_max(number, Ordering::Relaxed);
        }
        desk.write(append);
        // Under the lock, so that positions are announced in order.
        self.newest.send_replace(desk.newest());
        Ok(())
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        Ok(self.desk().reservations.get(&claim).copied())
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        Ok(self.ticket_number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn log(&self) -> Option<&dyn CommitLog> {
        Some(self)
    }
}

#[async_trait]
impl CommitLog for MemoryEventStore {
    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<StoredCommit>, StoreError> {
        let desk = self.desk();
        Ok((after.0.saturating_add(1)..=desk.newest().0)
            .take(limit)
            .filter_map(|at| desk.stored(Position(at)))
            .collect())
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredCommit>, StoreError> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        let desk = self.desk();
        Ok(positions.into_iter().filter_map(|position| desk.stored(position)).collect())
    }

    async fn locate(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Position>>, StoreError> {
        let desk = self.desk();
        let place = |(stream, version): &(StreamId, Version)| {
            desk.log.iter().position(|commit| (commit.stream, commit.version) == (*stream, *version))
        };
        Ok(keys.iter().map(|key| place(key).map(|index| Position(index as u64 + 1))).collect())
    }

    async fn end(&self) -> Result<Position, StoreError> {
        Ok(self.desk().newest())
    }

    fn newest(&self) -> watch::Receiver<Position> {
        self.newest.subscribe()
    }
}

/// Segments are the streams from one to before another, `from|before`; nothing on a side is no bound. A place in one is
/// `stream version`.
#[async_trait]
impl CommitScan for MemoryEventStore {
    async fn segments(&self, category: Category, wanted: usize) -> Result<Vec<Segment>, StoreError> {
        let mut streams: Vec<String> = {
            let desk = self.desk();
            let all = desk.streams.keys().filter(|stream| Category::of(**stream) == category);
            all.map(ToString::to_string).collect()
        };
        streams.sort_unstable();
        let mut cuts = vec![String::new()];
        for part in 1..wanted {
            let first = streams.get(part * streams.len() / wanted);
            cuts.extend(first.filter(|first| cuts.last() != Some(first)).cloned());
        }
        cuts.push(String::new());
        let part = |cut: &[String]| Segment { category, part: format!("{}|{}", cut[0], cut[1]) };
        Ok(cuts.windows(2).map(part).collect())
    }

    async fn scan(
        &self,
        segment: &Segment,
        after: Option<&str>,
        most: usize,
        _: Extent,
    ) -> Result<ScanPage, StoreError> {
        let unknown = || StoreError::Internal("no part of this store".into());
        let (from, before) = segment.part.split_once('|').ok_or_else(unknown)?;
        let after = match after {
            None => None,
            Some(place) => {
                let (stream, version) = place.split_once(' ').ok_or_else(unknown)?;
                Some((stream, version.parse::<u64>().map_err(|_| unknown())?))
            }
        };
        let desk = self.desk();
        let all = desk.log.iter().zip(1..).filter(|(commit, _)| Category::of(commit.stream) == segment.category);
        let mut all: Vec<_> =
            all.map(|(commit, at)| (commit.stream.to_string(), commit.version.get(), at, commit)).collect();
        all.retain(|(stream, version, ..)| {
            let within = stream.as_str() >= from && (before.is_empty() || stream.as_str() < before);
            within && after.is_none_or(|after| (stream.as_str(), *version) > after)
        });
        all.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        all.truncate(most.max(1));
        let next = all.last().filter(|_| all.len() == most.max(1));
        let next = next.map(|(stream, version, ..)| format!("{stream} {version}"));
        let scanned = |(_, _, at, commit): (String, u64, u64, &Arc<Commit>)| ScannedCommit {
            position: Some(Position(at)),
            commit: Commit::clone(commit),
        };
        Ok(ScanPage { commits: all.into_iter().map(scanned).collect(), next })
    }

    async fn position_of(&self, stream: StreamId, version: Version) -> Result<Option<Position>, StoreError> {
        let desk = self.desk();
        let place = desk.log.iter().position(|commit| commit.stream == stream && commit.version == version);
        Ok(place.map(|place| Position(place as u64 + 1)))
    }
}

#[async_trait]
impl PrivateParts for MemoryEventStore {
    async fn redact(&self, redactions: Vec<Redaction>) -> Result<(), StoreError> {
        let mut desk = self.desk();
        for Redaction { stream, version, private } in redactions {
            let Some(mut commit) = desk.commit(stream, version).cloned() else { continue };
            for (event, left) in commit.events.iter_mut().zip(private) {
                event.private = left;
            }
            let commit = Arc::new(commit);
            let is_it = |other: &Arc<Commit>| (other.stream, other.version) == (stream, version);
            let Desk { log, streams, .. } = &mut *desk;
            for place in log.iter_mut().chain(streams.get_mut(&stream).into_iter().flatten()) {
                if is_it(place) {
                    *place = Arc::clone(&commit);
                }
            }
        }
        Ok(())
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl ImportStore for MemoryEventStore {
    async fn unfinished_import(&self) -> Result<Option<u32>, StoreError> {
        Ok(*self.import.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn mark_import(&self, mark: Option<u32>) -> Result<(), StoreError> {
        *self.import.lock().unwrap_or_else(PoisonError::into_inner) = mark;
        Ok(())
    }

    async fn raise_ticket_numbers(&self, used: u64) -> Result<(), StoreError> {
        self.ticket_number.fetch_max(used, Ordering::Relaxed);
        Ok(())
    }
}

/// Credentials that are forgotten when dropped.
#[derive(Default)]
pub struct MemoryCredentials {
    by_user: Mutex<BTreeMap<UserId, Credential>>,
}

impl MemoryCredentials {
    /// Nobody's yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn by_user(&self) -> MutexGuard<'_, BTreeMap<UserId, Credential>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn get(&self, user: UserId) -> Result<Option<Credential>, CredentialsError> {
        Ok(self.by_user().get(&user).cloned())
    }

    async fn create(&self, user: UserId, credential: Credential) -> Result<bool, CredentialsError> {
        let mut by_user = self.by_user();
        let fresh = !by_user.contains_key(&user);
        by_user.entry(user).or_insert(credential);
        Ok(fresh)
    }

    async fn set(&self, user: UserId, credential: Credential) -> Result<(), CredentialsError> {
        let mut by_user = self.by_user();
        if by_user.get(&user).is_none_or(|stored| stored.set_at <= credential.set_at) {
            by_user.insert(user, credential);
        }
        Ok(())
    }

    async fn remove(&self, user: UserId) -> Result<(), CredentialsError> {
        self.by_user().remove(&user);
        Ok(())
    }
}
