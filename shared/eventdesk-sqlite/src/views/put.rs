//! Guarded writes of single documents.

use std::{collections::HashMap, fmt::Write};

use eventdesk_app::ports::{Document, FieldKind, Misuse, Put, Value, ViewSpec};
use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    fault::Failure,
    schema::{set_table, table},
};

/// How many new documents a statement writes: as many as there are at once, for all that a statement costs besides is
/// paid once, and the next row's place in an index tends to be beside the last one's.
const AT_ONCE: [usize; 3] = [16, 4, 1];

/// The statements that write one generation of a view.
#[derive(Debug)]
pub(super) struct PutSql {
    table: String,
    stored: String,
    row: String,
    /// For each number of [`AT_ONCE`].
    inserts: [String; AT_ONCE.len()],
    /// By which fields they set: an index is only rewritten where a statement names its columns.
    updates: HashMap<u64, String>,
    sides: Vec<Side>,
}

#[derive(Debug)]
struct Side {
    field: usize,
    insert: String,
    delete: String,
}

/// Stands for `deleted` among the bits of fields.
const DELETED: u64 = 1 << 63;

/// What a write must know of the stored document.
struct Stored {
    row: i64,
    /// The bits of what the new document changes.
    changes: u64,
    /// The set fields' texts that queries see.
    sets: Vec<Vec<String>>,
}

impl PutSql {
    pub(super) fn new(view: &ViewSpec, generation: u32) -> Self {
        let table = table(view, generation);
        let mut columns = String::new();
        for field in view.fields {
            write!(columns, ", \"{}\"", field.name).expect("a string takes text");
        }
        let sets = view.fields.iter().enumerate().filter(|(_, field)| field.kind == FieldKind::Set);
        let sides = sets.map(|(place, field)| {
            let side = set_table(view, generation, field.name);
            Side {
                field: place,
                insert: format!("INSERT OR IGNORE INTO \"{side}\" (value, doc) VALUES (?1, ?2)"),
                delete: format!("DELETE FROM \"{side}\" WHERE value = ?1 AND doc = ?2"),
            }
        });
        let marks = format!("(?, ?, ?, ?{}, ?)", ", ?".repeat(view.fields.len()));
        Self {
            stored: format!("SELECT rowid, revision, deleted{columns} FROM \"{table}\" WHERE id = ?1"),
            row: format!("SELECT rowid FROM \"{table}\" WHERE id = ?1"),
            inserts: AT_ONCE.map(|rows| {
                let rows = vec![marks.as_str(); rows].join(", ");
                format!(
                    "INSERT OR FAIL INTO \"{table}\" (id, version, revision, deleted{columns}, body) VALUES {rows} \
                     ON CONFLICT (id) DO NOTHING"
                )
            }),
            updates: HashMap::new(),
            sides: sides.collect(),
            table,
        }
    }

    /// Writes the documents of whose ids there are none; the places of the others.
    pub(super) fn add(
        &self,
        connection: &Connection,
        view: &ViewSpec,
        documents: &[&Document],
    ) -> Result<Vec<usize>, Failure> {
        let (mut there, mut begin) = (Vec::new(), 0);
        while begin < documents.len() {
            let fitting = AT_ONCE.iter().position(|rows| *rows <= documents.len() - begin);
            let which = fitting.expect("one is always left");
            let rows = &documents[begin..begin + AT_ONCE[which]];
            let written = insert(connection, view, &self.inserts[which], rows)?;
            let newest = connection.last_insert_rowid();
            // A table gives new rows ascending numbers without gaps.
            let mut next = newest - i64::try_from(written).expect("a handful") + 1;
            for (place, document) in rows.iter().enumerate() {
                if written == rows.len() || self.row(connection, document)? == Some(next) && next <= newest {
                    self.write_sets(connection, document, next, None)?;
                    next += 1;
                } else {
                    there.push(begin + place);
                }
            }
            begin += rows.len();
        }
        Ok(there)
    }

    fn row(&self, connection: &Connection, document: &Document) -> Result<Option<i64>, Failure> {
        let mut statement = connection.prepare_cached(&self.row)?;
        Ok(statement.query_row([&document.id], |row| row.get(0)).optional()?)
    }

    /// Writes the document of which there was an earlier revision, if that still is as the writer read it.
    pub(super) fn change(&mut self, connection: &Connection, put: &Put) -> Result<(), Failure> {
        let (view, document) = (put.view, &put.document);
        view.check_document(document)?;
        let version = number(view, document.version)?;
        let revision = number(view, document.revision)?;
        let stored = self.stored(connection, put, revision)?;
        let mut values: Vec<&dyn ToSql> = vec![&version, &revision, &document.body];
        let fields: Vec<_> = changed(stored.changes, &document.fields).map(|(_, value)| Bound(value)).collect();
        values.extend(fields.iter().map(|field| field as &dyn ToSql));
        if stored.changes & DELETED != 0 {
            values.push(&document.deleted);
        }
        values.push(&stored.row);
        self.update(connection, view, stored.changes)?.execute(params_from_iter(values))?;
        self.write_sets(connection, document, stored.row, Some(&stored))
    }

    /// The stored document, checked against the guard.
    fn stored(&self, connection: &Connection, put: &Put, revision: i64) -> Result<Stored, Failure> {
        let document = &put.document;
        let mut statement = connection.prepare_cached(&self.stored)?;
        let mut rows = statement.query([&document.id])?;
        let row = rows.next()?.ok_or_else(|| lost(put.view, document))?;
        if row.get::<_, i64>(1)? != revision - 1 {
            return Err(lost(put.view, document));
        }
        let deleted: bool = row.get(2)?;
        let mut changes = if deleted == document.deleted { 0 } else { DELETED };
        for (place, value) in document.fields.iter().enumerate() {
            if !same(row.get_ref(place + 3)?, value) {
                changes |= 1 << place;
            }
        }
        let sets = self.sides.iter().map(|side| if deleted { Ok(Vec::new()) } else { set(row, side.field + 3) });
        Ok(Stored { row: row.get(0)?, changes, sets: sets.collect::<Result<_, _>>()? })
    }

    fn update<'c>(
        &mut self,
        connection: &'c Connection,
        view: &ViewSpec,
        changes: u64,
    ) -> Result<CachedStatement<'c>, Failure> {
        let table = &self.table;
        let sql = self.updates.entry(changes).or_insert_with(|| {
            let mut sql = format!("UPDATE \"{table}\" SET version = ?, revision = ?, body = ?");
            for (_, field) in changed(changes, view.fields) {
                write!(sql, ", \"{}\" = ?", field.name).expect("a string takes text");
            }
            if changes & DELETED != 0 {
                sql.push_str(", deleted = ?");
            }
            sql + " WHERE rowid = ?"
        });
        Ok(connection.prepare_cached(sql)?)
    }

    /// Brings the side tables to the document's sets; a deleted document is found through none.
    fn write_sets(
        &self,
        connection: &Connection,
        document: &Document,
        row: i64,
        stored: Option<&Stored>,
    ) -> Result<(), Failure> {
        for (place, side) in self.sides.iter().enumerate() {
            let new = match &document.fields[side.field] {
                Value::Set(texts) if !document.deleted => texts.as_slice(),
                _ => &[],
            };
            let old = stored.map_or(&[][..], |stored| &stored.sets[place]);
            for text in old.iter().filter(|text| new.binary_search(text).is_err()) {
                connection.prepare_cached(&side.delete)?.execute((text, row))?;
            }
            for text in new.iter().filter(|text| old.binary_search(text).is_err()) {
                connection.prepare_cached(&side.insert)?.execute((text, row))?;
            }
        }
        Ok(())
    }
}

/// Inserts the documents; how many there were not.
fn insert(connection: &Connection, view: &ViewSpec, sql: &str, documents: &[&Document]) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut column = 0;
    let mut bind = |value: &dyn ToSql| {
        column += 1;
        statement.raw_bind_parameter(column, value)
    };
    for document in documents {
        view.check_document(document)?;
        bind(&document.id)?;
        bind(&number(view, document.version)?)?;
        bind(&number(view, document.revision)?)?;
        bind(&document.deleted)?;
        document.fields.iter().try_for_each(|value| bind(&Bound(value)))?;
        bind(&document.body)?;
    }
    Ok(statement.raw_execute()?)
}

pub(super) fn lost(view: &ViewSpec, document: &Document) -> Failure {
    Failure::GuardLost { view: view.name, id: document.id.clone() }
}

fn changed<T>(changes: u64, fields: &[T]) -> impl Iterator<Item = (usize, &T)> {
    fields.iter().enumerate().filter(move |(place, _)| changes & (1 << place) != 0)
}

/// A value as a column holds it; a set as a JSON array.
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Set(texts) => ToSqlOutput::Owned(rusqlite::types::Value::Text(json(texts))),
        })
    }
}

fn json(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("a list of texts has a JSON form")
}

fn same(stored: ValueRef<'_>, value: &Value) -> bool {
    match (stored, value) {
        (ValueRef::Null, Value::Null) => true,
        (ValueRef::Integer(a), Value::Int(b)) => a == *b,
        (ValueRef::Text(a), Value::Text(b)) => a == b.as_bytes(),
        (ValueRef::Text(a), Value::Set(texts)) => a == json(texts).as_bytes(),
        _ => false,
    }
}

/// Reads a set's column; null in documents that were written before there was such a set.
pub(super) fn set(row: &Row<'_>, column: usize) -> Result<Vec<String>, rusqlite::Error> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(Vec::new()) };
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into()))
}

fn number(view: &ViewSpec, number: u64) -> Result<i64, Misuse> {
    i64::try_from(number).map_err(|_| Misuse { view: view.name, problem: format!("{number} is too large") })
}
