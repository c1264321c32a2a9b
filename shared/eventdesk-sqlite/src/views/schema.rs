//! Layout of the views' file: the fixed tables, and a table with its indexes for each generation of a view.

use std::{path::Path, time::Duration};

use eventdesk_app::ports::{Field, FieldKind, Index, Misuse, ViewSpec};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig};

use super::fault::{Failure, ViewsError};
use crate::folder::make_private;

/// The layout of the fixed tables and of what surrounds the fields in a view's table.
const LAYOUT: i32 = 1;
/// `edvw`, so that another program's file is not taken for views.
const APPLICATION: i32 = 0x6564_7677;

const FIXED: &str = "
CREATE TABLE aliases (
  view TEXT PRIMARY KEY, generation INTEGER NOT NULL, shape INTEGER NOT NULL, fields TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE consumers (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE retries (
  consumer TEXT, position INTEGER, attempts INTEGER NOT NULL, due INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (consumer, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (
  consumer TEXT, position INTEGER, attempts INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (consumer, position)
) STRICT, WITHOUT ROWID;
";

/// Every generation that there is, and what is to become of it. The live one stands in `aliases`, too. Older builds had
/// no such table, so it is made wherever it is missing.
const GENERATIONS: &str = "
CREATE TABLE IF NOT EXISTS generations (
  view TEXT, generation INTEGER, shape INTEGER NOT NULL, fields TEXT NOT NULL, fate INTEGER NOT NULL,
  PRIMARY KEY (view, generation)
) STRICT, WITHOUT ROWID;
";

/// Opens the file for writing and makes the fixed tables if it is new.
pub(super) fn open_writer(path: &Path, wait: Duration, max_bytes: u64) -> Result<Connection, ViewsError> {
    // A file that cannot be made is opened below, which tells why.
    let _ = make_private(path);
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(wait)?;
    keep_plans(&connection, 512)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -24_576)?;
    // 32 MB: a page of an index is written many times before it is checkpointed once.
    connection.pragma_update(None, "wal_autocheckpoint", 8000)?;
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
    // SQLite's own most, so that no limit is no limit.
    connection.pragma_update(
        None,
        "max_page_count",
        i64::try_from(max_bytes / page).unwrap_or(i64::MAX).min(0xffff_fffe),
    )?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION, LAYOUT) => {}
        (0, 0) if is_empty(&transaction)? => {
            transaction.execute_batch(FIXED)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
        }
        (APPLICATION, other) => {
            return Err(ViewsError::Rebuild(format!("the file has layout {other}, not {LAYOUT}")));
        }
        _ => return Err(ViewsError::Rebuild("the file does not hold views".to_owned())),
    }
    transaction.execute_batch(GENERATIONS)?;
    transaction.commit()?;
    Ok(connection)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Opens the file, which exists, for reading.
pub(super) fn open_reader(path: &Path, wait: Duration) -> Result<Connection, ViewsError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(wait)?;
    keep_plans(&connection, 128)?;
    Ok(connection)
}

/// Keeps prepared statements. Without the stability guarantee SQLite would parse one again whenever a value is bound
/// that it compared with the condition of a partial index.
fn keep_plans(connection: &Connection, statements: usize) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(statements);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Makes the first generation of views that have none and the indexes that are missing, in one transaction.
pub(super) fn prepare(connection: &mut Connection, views: &[&'static ViewSpec]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for view in views {
        view.check()?;
        if view.fields.len() > 60 {
            return Err(Misuse { view: view.name, problem: "more than 60 fields".to_owned() }.into());
        }
        let stored = transaction
            .query_row("SELECT generation FROM aliases WHERE view = ?1", [view.name], |row| row.get(0))
            .optional()?;
        let generation = if let Some(generation) = stored {
            generation
        } else {
            transaction.execute_batch(&create_tables(view, 1))?;
            let alias = "INSERT INTO aliases (view, generation, shape, fields) VALUES (?1, 1, ?2, ?3)";
            transaction.execute(alias, (view.name, view.shape, signature(view)))?;
            1
        };
        transaction.execute(
            "INSERT OR IGNORE INTO generations (view, generation, shape, fields, fate)
             SELECT view, generation, shape, fields, 0 FROM aliases WHERE view = ?1",
            [view.name],
        )?;
        adopt(&transaction, view)?;
        for index in view.indexes {
            transaction.execute_batch(&create_index(view, generation, index))?;
        }
    }
    Ok(transaction.commit()?)
}

/// Whether there is one of these views whose live generation was made for other fields.
pub(super) fn is_of_other_fields(connection: &Connection, views: &[&'static ViewSpec]) -> Result<bool, Failure> {
    let mut other =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM aliases WHERE view = ?1 AND fields <> ?2)")?;
    for view in views {
        if other.query_row((view.name, signature(view)), |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives each generation that was made for other fields today's, so that it is read and written until a rebuild is
/// through. What is new is empty there, and fills as documents are written; what is declared no more goes, for nobody
/// would erase from it.
fn adopt(connection: &Connection, view: &ViewSpec) -> Result<(), Failure> {
    let today = signature(view);
    let others = "SELECT generation, fields FROM generations WHERE view = ?1 AND fields <> ?2 AND fate <> 2";
    let others: Vec<(u32, String)> = connection
        .prepare(others)?
        .query_map((view.name, &today), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (generation, stored) in others {
        let table = table(view, generation);
        let mut kept = Vec::new();
        for was in stored.split(", ").filter(|was| !was.is_empty()) {
            if let Some(field) = view.fields.iter().find(|field| signed(field) == was) {
                kept.push(field.name);
                continue;
            }
            let name = was.split(' ').next().unwrap_or(was);
            drop_indexes(connection, &table, name)?;
            let side = set_table(view, generation, name);
            connection.execute_batch(&format!(
                "ALTER TABLE \"{table}\" DROP COLUMN \"{name}\"; DROP TABLE IF EXISTS \"{side}\""
            ))?;
        }
        for field in view.fields.iter().filter(|field| !kept.contains(&field.name)) {
            connection.execute_batch(&format!("ALTER TABLE \"{table}\" ADD COLUMN {}", column(field)))?;
            connection.execute_batch(&create_side(view, generation, field))?;
        }
        let now = "SET fields = ?3, shape = iif(shape = ?4, 0, shape) WHERE view = ?1 AND generation = ?2";
        for rows in ["generations", "aliases"] {
            connection.execute(&format!("UPDATE {rows} {now}"), (view.name, generation, &today, view.shape))?;
        }
    }
    Ok(())
}

/// Drops the indexes of which a column is part.
fn drop_indexes(connection: &Connection, table: &str, column: &str) -> Result<(), Failure> {
    let over = "SELECT list.name FROM pragma_index_list(?1) AS list, pragma_index_info(list.name) AS part
                WHERE list.origin = 'c' AND part.name = ?2";
    let names: Vec<String> =
        connection.prepare(over)?.query_map((table, column), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for name in names {
        connection.execute_batch(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(())
}

/// The live generation, which may change with every transaction.
pub(super) fn live_generation(connection: &Connection, view: &'static ViewSpec) -> Result<u32, Failure> {
    let mut statement = connection.prepare_cached("SELECT generation FROM aliases WHERE view = ?1")?;
    let generation = statement.query_row([view.name], |row| row.get(0)).optional()?;
    generation.ok_or_else(|| never_prepared(view))
}

pub(super) fn never_prepared(view: &ViewSpec) -> Failure {
    Misuse { view: view.name, problem: "it was never prepared".to_owned() }.into()
}

pub(super) fn table(view: &ViewSpec, generation: u32) -> String {
    format!("{}_g{generation}", view.name)
}

/// The side table that holds one row for each text of a document's set.
pub(super) fn set_table(view: &ViewSpec, generation: u32, field: &str) -> String {
    format!("{}_g{generation}_{field}", view.name)
}

pub(super) fn index_name(view: &ViewSpec, generation: u32, index: &Index) -> String {
    // Two underscores, so that no index is called like a side table.
    format!("{}_g{generation}__{}", view.name, index.fields.join("__"))
}

pub(super) fn signature(view: &ViewSpec) -> String {
    let fields: Vec<_> = view.fields.iter().map(signed).collect();
    fields.join(", ")
}

fn signed(field: &Field) -> String {
    format!("{} {:?}", field.name, field.kind)
}

/// The sets among the fields that a [`signature`] names.
pub(super) fn sets(signature: &str) -> impl Iterator<Item = &str> {
    signature.split(", ").filter_map(|field| field.strip_suffix(" Set"))
}

fn column(field: &Field) -> String {
    format!("\"{}\" {}", field.name, if field.kind == FieldKind::Int { "INTEGER" } else { "TEXT" })
}

/// Makes the side table of a set; nothing for other fields.
fn create_side(view: &ViewSpec, generation: u32, field: &Field) -> String {
    if field.kind != FieldKind::Set {
        return String::new();
    }
    let side = set_table(view, generation, field.name);
    format!("CREATE TABLE \"{side}\" (value TEXT, doc INTEGER, PRIMARY KEY (value, doc)) STRICT, WITHOUT ROWID;")
}

pub(super) fn create_tables(view: &ViewSpec, generation: u32) -> String {
    let table = table(view, generation);
    let columns: String = view.fields.iter().flat_map(|field| [", ".to_owned(), column(field)]).collect();
    let sides: String = view.fields.iter().map(|field| create_side(view, generation, field)).collect();
    // The body comes last: what filters read never lies behind it on overflow pages.
    format!(
        "CREATE TABLE \"{table}\" (id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, revision INTEGER NOT NULL, \
         deleted INTEGER NOT NULL{columns}, body TEXT NOT NULL) STRICT;{sides}"
    )
}

pub(super) fn create_index(view: &ViewSpec, generation: u32, index: &Index) -> String {
    let (table, name) = (table(view, generation), index_name(view, generation, index));
    let fields: Vec<_> = index.fields.iter().map(|field| format!("\"{field}\"")).collect();
    let fields = fields.join(", ");
    // A unique index cannot have the id as its last part, or it would never refuse.
    let (unique, last) = if index.unique { ("UNIQUE ", "") } else { ("", ", id") };
    format!("CREATE {unique}INDEX IF NOT EXISTS \"{name}\" ON \"{table}\" ({fields}{last}) WHERE deleted = 0")
}
