//! An append inside a group: all checks first, then all writes.

use std::sync::Arc;

use eventdesk_app::ports::{Append, AppendError, Claim, Commit, Position, StoredCommit};
use eventdesk_events::{StreamId, Version};
use rusqlite::{Connection, OptionalExtension};

use super::{
    row::{COLUMNS, CommitRow, StreamKey, commit, integer},
    writer::Group,
};

/// An append that its caller got wrong.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("{stream} is at version {head}, so {version} cannot be next")]
    NotNext { stream: StreamId, head: u64, version: Version },
    #[error("{0} is written twice")]
    Twice(StreamId),
}

/// An append, encoded by its caller so that the writer thread only writes.
pub(super) struct EncodedAppend {
    commits: Vec<CommitRow>,
    absent: Vec<(StreamId, Version)>,
    claims: Vec<(Claim, StreamId)>,
    releases: Vec<(Claim, StreamId)>,
    ticket_number: Option<u64>,
}

impl EncodedAppend {
    pub(super) fn of(append: Append) -> Result<Self, AppendError> {
        let Append { commits, absent, claims, releases, ticket_number } = append;
        for (index, commit) in commits.iter().enumerate() {
            if commits[..index].iter().any(|earlier| earlier.stream == commit.stream) {
                return Err(internal(Misuse::Twice(commit.stream)));
            }
        }
        let commits = commits.into_iter().map(CommitRow::of).collect::<Result<_, _>>().map_err(internal)?;
        Ok(Self { commits, absent, claims, releases, ticket_number })
    }

    /// Writes all of it, or refuses and writes nothing.
    pub(super) fn run(&self, group: &mut Group<'_>) -> rusqlite::Result<Result<(), AppendError>> {
        if let Some(refusal) = self.refusal(group.conn)? {
            return Ok(Err(refusal));
        }
        for row in &self.commits {
            row.insert(group.conn)?;
            let position = Position(group.conn.last_insert_rowid().cast_unsigned());
            group.stored.push(StoredCommit { position, commit: Arc::clone(&row.commit) });
        }
        for (claim, stream) in &self.releases {
            group
                .conn
                .prepare_cached("DELETE FROM reservations WHERE namespace = ?1 AND value = ?2 AND stream = ?3")?
                .execute((claim.namespace.as_str(), claim.value.0, StreamKey(*stream)))?;
        }
        for (claim, stream) in &self.claims {
            group
                .conn
                .prepare_cached(
                    "INSERT INTO reservations (namespace, value, stream) VALUES (?1, ?2, ?3)
                     ON CONFLICT (namespace, value) DO NOTHING",
                )?
                .execute((claim.namespace.as_str(), claim.value.0, StreamKey(*stream)))?;
        }
        group.ticket_number = group.ticket_number.max(self.ticket_number.map(integer));
        Ok(Ok(()))
    }

    fn refusal(&self, conn: &Connection) -> rusqlite::Result<Option<AppendError>> {
        for Commit { stream, version, .. } in self.commits.iter().map(|row| &*row.commit) {
            let head = head_version(conn, *stream)?;
            if *version > Version::NONE && version.get() <= head {
                let winner = Box::new(winner(conn, *stream, *version)?);
                return Ok(Some(AppendError::Conflict { stream: *stream, version: *version, winner }));
            }
            if version.get() != head + 1 {
                return Ok(Some(internal(Misuse::NotNext { stream: *stream, head, version: *version })));
            }
        }
        for (stream, version) in &self.absent {
            if *version > Version::NONE && version.get() <= head_version(conn, *stream)? {
                return Ok(Some(AppendError::Moved { stream: *stream, version: *version }));
            }
        }
        let mut taken = Vec::new();
        for (index, (claim, stream)) in self.claims.iter().enumerate() {
            // A value may be claimed for one stream alone, whether it stands in the file or in this very append.
            let earlier = self.claims[..index].iter().find(|(other, _)| other == claim).map(|(_, holder)| *holder);
            let stored = holder(conn, *claim)?.filter(|holder| !self.releases.contains(&(*claim, *holder)));
            if earlier.or(stored).is_some_and(|holder| holder != *stream) {
                taken.push(*claim);
            }
        }
        Ok((!taken.is_empty()).then_some(AppendError::Taken(taken)))
    }
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> AppendError {
    AppendError::Internal(Box::new(error))
}

/// The newest version of a stream, 0 if there is none; versions are gapless, so it says which exist.
fn head_version(conn: &Connection, stream: StreamId) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT version FROM commits WHERE stream = ?1 ORDER BY version DESC LIMIT 1")?
        .query_row([StreamKey(stream)], |row| row.get::<_, i64>(0))
        .optional()
        .map(|version| version.unwrap_or(0).cast_unsigned())
}

fn winner(conn: &Connection, stream: StreamId, version: Version) -> rusqlite::Result<Commit> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM commits WHERE stream = ?1 AND version = ?2"))?
        .query_row((StreamKey(stream), integer(version.get())), commit)
}

/// The stream that holds a unique value.
pub(super) fn holder(conn: &Connection, Claim { namespace, value }: Claim) -> rusqlite::Result<Option<StreamId>> {
    conn.prepare_cached("SELECT stream FROM reservations WHERE namespace = ?1 AND value = ?2")?
        .query_row((namespace.as_str(), value.0), |row| row.get::<_, StreamKey>(0))
        .optional()
        .map(|key| key.map(|StreamKey(stream)| stream))
}
