//! Commits and streams as rows.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use eventdesk_app::ports::{Category, Commit, Position, RecordedEvent, StoredCommit, StoredState};
use eventdesk_events::{
    Actor, ActorKind, CommitId, EmployeeId, EventId, MessageId, StreamId, TicketId, Timestamp, UserId, Version,
};
use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The columns that [`stored_commit`] reads.
pub(super) const COLUMNS: &str = "position, stream, version, id, at, actor_kind, actor, correlation, causation, \
                                  trace, events, private, state_version, state";

/// As [`COLUMNS`], without the decision state.
pub(super) const EVENT_COLUMNS: &str = "position, stream, version, id, at, actor_kind, actor, correlation, causation, \
                                        trace, events, private, 0, 'null'";

/// A stream as a short key: category byte, then the UUID where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamKey(pub(super) StreamId);

const TICKET: u8 = 1;
const MESSAGE: u8 = 2;
const USER: u8 = 3;
const EMPLOYEE: u8 = 4;
const ADMIN_ROSTER: u8 = 5;

impl StreamKey {
    /// The key. Keys sort by category, then by UUID.
    pub(super) fn bytes(self) -> Vec<u8> {
        let (category, id) = match self.0 {
            StreamId::Ticket(id) => (TICKET, id.uuid()),
            StreamId::Message(id) => (MESSAGE, id.uuid()),
            StreamId::User(id) => (USER, id.uuid()),
            StreamId::Employee(id) => (EMPLOYEE, id.uuid()),
            StreamId::AdminRoster => return vec![ADMIN_ROSTER],
        };
        let mut key = Vec::with_capacity(17);
        key.push(category);
        key.extend_from_slice(id.as_bytes());
        key
    }
}

impl ToSql for StreamKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.bytes()))
    }
}

/// The first possible key of a category, and the first beyond it.
pub(super) fn keys(category: Category) -> (Vec<u8>, Vec<u8>) {
    let category = match category {
        Category::Ticket => TICKET,
        Category::Message => MESSAGE,
        Category::User => USER,
        Category::Employee => EMPLOYEE,
        Category::Roster => ADMIN_ROSTER,
    };
    (vec![category], vec![category + 1])
}

impl FromSql for StreamKey {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let (category, id) = value.as_blob()?.split_first().ok_or(FromSqlError::InvalidType)?;
        let id = || Uuid::from_slice(id).map_err(FromSqlError::other);
        Ok(Self(match *category {
            TICKET => StreamId::Ticket(TicketId::from_uuid(id()?)),
            MESSAGE => StreamId::Message(MessageId::from_uuid(id()?)),
            USER => StreamId::User(UserId::from_uuid(id()?)),
            EMPLOYEE => StreamId::Employee(EmployeeId::from_uuid(id()?)),
            ADMIN_ROSTER => StreamId::AdminRoster,
            other => return Err(FromSqlError::OutOfRange(i64::from(other))),
        }))
    }
}

/// The number as SQLite keeps integers; what is beyond them is beyond every stored number, too.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A commit with its JSON columns already written.
pub(super) struct CommitRow {
    pub(super) commit: Arc<Commit>,
    events: String,
    private: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct EventColumn<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    schema: u16,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl CommitRow {
    pub(super) fn of(commit: Commit) -> Result<Self, serde_json::Error> {
        let events: Vec<_> = commit
            .events
            .iter()
            .map(|event| EventColumn {
                event_type: Cow::Borrowed(&*event.event_type),
                schema: event.schema_version,
                data: &event.data,
            })
            .collect();
        let events = serde_json::to_string(&events)?;
        let private = private_column(commit.events.iter().map(|event| event.private.as_deref()))?;
        Ok(Self { commit: Arc::new(commit), events, private })
    }

    /// Inserts the row; its position is the connection's last row id then.
    pub(super) fn insert(&self, conn: &rusqlite::Connection) -> rusqlite::Result<()> {
        let Commit { stream, version, id, at, actor, correlation_id, causation_id, trace_id, state, .. } =
            &*self.commit;
        conn.prepare_cached(
            "INSERT INTO commits (stream, version, id, at, actor_kind, actor, correlation, causation, trace, events,
                                  private, state_version, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute((
            StreamKey(*stream),
            integer(version.get()),
            id.uuid(),
            at.millis(),
            actor_kind(actor.kind),
            &actor.id,
            correlation_id,
            causation_id.map(EventId::uuid),
            trace_id,
            &self.events,
            &self.private,
            state.version,
            state.json.get(),
        ))?;
        Ok(())
    }
}

/// The column `private` for the parts of a commit's events, in their order.
pub(super) fn private_column<'a>(
    parts: impl Iterator<Item = Option<&'a RawValue>>,
) -> Result<Option<String>, serde_json::Error> {
    let parts: BTreeMap<usize, &RawValue> =
        parts.enumerate().filter_map(|(index, part)| Some((index, part?))).collect();
    if parts.is_empty() { Ok(None) } else { serde_json::to_string(&parts).map(Some) }
}

const fn actor_kind(kind: ActorKind) -> u8 {
    match kind {
        ActorKind::User => 0,
        ActorKind::Service => 1,
        ActorKind::System => 2,
    }
}

/// Reads a row of [`COLUMNS`].
pub(super) fn stored_commit(row: &Row<'_>) -> rusqlite::Result<StoredCommit> {
    let position = row.get::<_, i64>(0)?;
    Ok(StoredCommit { position: Position(position.cast_unsigned()), commit: Arc::new(commit(row)?) })
}

/// Reads the commit of a row of [`COLUMNS`].
pub(super) fn commit(row: &Row<'_>) -> rusqlite::Result<Commit> {
    let kind = match row.get(5)? {
        0_u8 => ActorKind::User,
        1 => ActorKind::Service,
        2 => ActorKind::System,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(5, i64::from(other))),
    };
    Ok(Commit {
        stream: row.get::<_, StreamKey>(1)?.0,
        version: Version::new(row.get::<_, i64>(2)?.cast_unsigned()),
        id: CommitId::from_uuid(row.get(3)?),
        at: Timestamp::from_millis(row.get(4)?),
        actor: Actor { id: row.get(6)?, kind },
        correlation_id: row.get(7)?,
        causation_id: row.get::<_, Option<Uuid>>(8)?.map(EventId::from_uuid),
        trace_id: row.get(9)?,
        events: events(row)?,
        state: StoredState {
            version: row.get(12)?,
            json: RawValue::from_string(row.get(13)?).map_err(|error| malformed(13, error))?,
        },
    })
}

/// Reads a row of version, state version and state.
pub(super) fn state(row: &Row<'_>) -> rusqlite::Result<(Version, StoredState)> {
    let version = Version::new(row.get::<_, i64>(0)?.cast_unsigned());
    let json = RawValue::from_string(row.get(2)?).map_err(|error| malformed(2, error))?;
    Ok((version, StoredState { version: row.get(1)?, json }))
}

fn events(row: &Row<'_>) -> rusqlite::Result<Vec<RecordedEvent>> {
    let events: Vec<EventColumn<'_>> =
        serde_json::from_str(row.get_ref(10)?.as_str()?).map_err(|error| malformed(10, error))?;
    let mut private: BTreeMap<usize, Box<RawValue>> = match row.get_ref(11)?.as_str_or_null()? {
        Some(text) => serde_json::from_str(text).map_err(|error| malformed(11, error))?,
        None => BTreeMap::new(),
    };
    let recorded = events.into_iter().enumerate().map(|(index, event)| RecordedEvent {
        event_type: Cow::Owned(event.event_type.into_owned()),
        schema_version: event.schema,
        data: event.data.to_owned(),
        private: private.remove(&index),
    });
    Ok(recorded.collect())
}

fn malformed(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
