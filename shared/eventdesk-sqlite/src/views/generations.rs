//! Generations beside the live one: made, filled, read, flipped and dropped.

use std::collections::BTreeSet;

use eventdesk_app::ports::{Document, FieldKind, Generation, Misuse, ViewSpec, Written};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params_from_iter};

use super::{
    fault::Failure,
    put::PutSql,
    schema::{self, create_index, create_tables, index_name, set_table, signature, table},
};

/// What is to become of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays as it is.
    Kept = 0,
    /// Projectors write it besides the live one.
    WrittenAlso = 1,
    /// It is being dropped.
    Dropped = 2,
}

/// Rows that one transaction of a drop removes: deletion overwrites them, and writers of other processes wait for it.
const DROPPED_AT_ONCE: u32 = 4_000;

fn misuse(view: &ViewSpec, problem: String) -> Failure {
    Misuse { view: view.name, problem }.into()
}

/// Whether a generation is there for writes and reads.
pub(super) fn exists(connection: &Connection, view: &ViewSpec, generation: u32) -> Result<bool, Failure> {
    let sql = "SELECT fate <> 2 FROM generations WHERE view = ?1 AND generation = ?2";
    let found = connection.prepare_cached(sql)?.query_row((view.name, generation), |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(false))
}

/// As [`exists`].
///
/// # Errors
/// A misuse if not.
pub(super) fn demand(connection: &Connection, view: &ViewSpec, generation: u32) -> Result<(), Failure> {
    if exists(connection, view, generation)? {
        return Ok(());
    }
    Err(misuse(view, format!("there is no generation {generation}")))
}

pub(super) fn written(connection: &Connection, view: &ViewSpec) -> Result<Written, Failure> {
    let sql = "SELECT a.generation, (SELECT g.generation FROM generations AS g
                 WHERE g.view = a.view AND g.fate = 1 AND g.generation <> a.generation)
               FROM aliases AS a WHERE a.view = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok(Written { live: row.get(0)?, also: row.get(1)? });
    let found = connection.prepare_cached(sql)?.query_row([view.name], read).optional()?;
    found.ok_or_else(|| schema::never_prepared(view))
}

pub(super) fn live_shape(connection: &Connection, view: &ViewSpec) -> Result<u32, Failure> {
    let sql = "SELECT shape FROM aliases WHERE view = ?1";
    let found = connection.prepare_cached(sql)?.query_row([view.name], |row| row.get(0)).optional()?;
    found.ok_or_else(|| schema::never_prepared(view))
}

pub(super) fn stored(connection: &Connection, view: &'static ViewSpec) -> Result<Vec<Generation>, Failure> {
    let live = schema::live_generation(connection, view)?;
    let sql = "SELECT generation, shape, fate FROM generations WHERE view = ?1 AND fate <> 2 ORDER BY generation";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        let number = row.get(0)?;
        let also = row.get::<_, u8>(2)? == Fate::WrittenAlso as u8;
        Ok(Generation { number, shape: row.get(1)?, live: number == live, also: also && number != live })
    };
    let found = statement.query_map([view.name], read)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

pub(super) fn make(connection: &mut Connection, view: &'static ViewSpec) -> Result<u32, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    schema::live_generation(&transaction, view)?;
    let newest = "SELECT max(generation) FROM generations WHERE view = ?1";
    let number: u32 = transaction.query_row(newest, [view.name], |row| row.get::<_, u32>(0))? + 1;
    transaction.execute_batch(&create_tables(view, number))?;
    transaction.execute(
        "INSERT INTO generations (view, generation, shape, fields, fate) VALUES (?1, ?2, ?3, ?4, ?5)",
        (view.name, number, view.shape, signature(view), Fate::Kept as u8),
    )?;
    transaction.commit()?;
    Ok(number)
}

/// Adds documents that are not there, in one transaction; the places of those that were.
pub(super) fn fill(
    connection: &mut Connection,
    sql: &PutSql,
    (view, generation): (&'static ViewSpec, u32),
    documents: &[Document],
) -> Result<Vec<usize>, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    demand(&transaction, view, generation)?;
    let there = sql.add(&transaction, view, &documents.iter().collect::<Vec<_>>())?;
    transaction.commit()?;
    Ok(there)
}

/// The statements that make the indexes which a generation lacks.
pub(super) fn missing_indexes(
    connection: &Connection,
    view: &'static ViewSpec,
    generation: u32,
) -> Result<Vec<String>, Failure> {
    demand(connection, view, generation)?;
    let mut missing = Vec::new();
    for index in view.indexes {
        let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1)";
        if !connection.query_row(there, [index_name(view, generation, index)], |row| row.get::<_, bool>(0))? {
            missing.push(create_index(view, generation, index));
        }
    }
    Ok(missing)
}

pub(super) fn write_also(
    connection: &mut Connection,
    orders: &[(&'static ViewSpec, Option<u32>)],
) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (view, also) in orders {
        transaction.execute("UPDATE generations SET fate = 0 WHERE view = ?1 AND fate = 1", [view.name])?;
        if let Some(generation) = also {
            demand(&transaction, view, *generation)?;
            let order = "UPDATE generations SET fate = 1 WHERE view = ?1 AND generation = ?2";
            transaction.execute(order, (view.name, generation))?;
        }
    }
    Ok(transaction.commit()?)
}

pub(super) fn flip(connection: &mut Connection, generations: &[(&'static ViewSpec, u32)]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (view, generation) in generations {
        demand(&transaction, view, *generation)?;
        let live = schema::live_generation(&transaction, view)?;
        if live == *generation {
            continue;
        }
        let fate = "UPDATE generations SET fate = iif(generation = ?2, 1, 0) WHERE view = ?1 AND fate <> 2";
        transaction.execute(fate, (view.name, live))?;
        transaction.execute(
            "UPDATE aliases SET (generation, shape, fields) =
               (SELECT generation, shape, fields FROM generations WHERE view = ?1 AND generation = ?2)
             WHERE view = ?1",
            (view.name, generation),
        )?;
    }
    Ok(transaction.commit()?)
}

/// The side table of each set, with the set's column.
fn sides(view: &'static ViewSpec, generation: u32) -> impl Iterator<Item = (&'static str, String)> {
    let sets = view.fields.iter().filter(|field| field.kind == FieldKind::Set);
    sets.map(move |field| (field.name, set_table(view, generation, field.name)))
}

/// The living documents, or only one, whose side tables hold other texts than their sets, by id.
pub(super) fn misfiled(
    connection: &Connection,
    view: &'static ViewSpec,
    generation: u32,
    only: Option<&str>,
) -> Result<Vec<String>, Failure> {
    demand(connection, view, generation)?;
    let table = table(view, generation);
    let wanted = if only.is_some() { "t.id = ?1 AND t.deleted = 0" } else { "t.deleted = 0" };
    let mut found = BTreeSet::new();
    for (set, side) in sides(view, generation) {
        let sql = format!(
            "SELECT t.id FROM \"{table}\" AS t, json_each(t.\"{set}\") AS text WHERE {wanted}
               AND NOT EXISTS (SELECT 1 FROM \"{side}\" AS s WHERE s.value = text.value AND s.doc = t.rowid)
             UNION
             SELECT t.id FROM \"{side}\" AS s JOIN \"{table}\" AS t ON t.rowid = s.doc WHERE {wanted}
               AND NOT EXISTS (SELECT 1 FROM json_each(t.\"{set}\") AS text WHERE text.value = s.value)"
        );
        let mut statement = connection.prepare(&sql)?;
        let ids = statement.query_map(params_from_iter(only), |row| row.get(0))?;
        found.extend(ids.collect::<rusqlite::Result<Vec<String>>>()?);
    }
    Ok(found.into_iter().collect())
}

/// Fills a document's side tables from its sets.
pub(super) fn file_anew(
    connection: &mut Connection,
    view: &'static ViewSpec,
    generation: u32,
    id: &str,
) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    demand(&transaction, view, generation)?;
    let table = table(view, generation);
    for (set, side) in sides(view, generation) {
        let row = format!("(SELECT rowid FROM \"{table}\" WHERE id = ?1)");
        transaction.execute(&format!("DELETE FROM \"{side}\" WHERE doc = {row}"), [id])?;
        transaction.execute(
            &format!(
                "INSERT INTO \"{side}\" (value, doc) SELECT text.value, t.rowid
                 FROM \"{table}\" AS t, json_each(t.\"{set}\") AS text WHERE t.id = ?1 AND t.deleted = 0"
            ),
            [id],
        )?;
    }
    Ok(transaction.commit()?)
}

/// A step of dropping a generation; `true` once nothing of it is left.
pub(super) fn drop_some(
    connection: &mut Connection,
    view: &'static ViewSpec,
    generation: u32,
) -> Result<bool, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if schema::live_generation(&transaction, view)? == generation {
        return Err(misuse(view, "the live generation stays".to_owned()));
    }
    let mark = "UPDATE generations SET fate = ?3 WHERE view = ?1 AND generation = ?2 AND fate <> ?3";
    let marked = transaction.execute(mark, (view.name, generation, Fate::Dropped as u8))? > 0;
    let done = !marked && remove_some(&transaction, view, generation)?;
    transaction.commit()?;
    Ok(done)
}

/// A step of finishing the drops of a view; `true` once none is left.
pub(super) fn finish_some(connection: &mut Connection, view: &'static ViewSpec) -> Result<bool, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let dropped = "SELECT generation FROM generations WHERE view = ?1 AND fate = ?2 LIMIT 1";
    let left = transaction.query_row(dropped, (view.name, Fate::Dropped as u8), |row| row.get(0)).optional()?;
    let Some(generation) = left else { return Ok(true) };
    remove_some(&transaction, view, generation)?;
    transaction.commit()?;
    Ok(false)
}

/// Removes a part of a generation that is being dropped; `true` once nothing of it is left.
///
/// It has the indexes and sets that it was made with, whatever is declared by now.
fn remove_some(connection: &Connection, view: &'static ViewSpec, generation: u32) -> Result<bool, Failure> {
    let fields = "SELECT fields FROM generations WHERE view = ?1 AND generation = ?2";
    let fields = connection.query_row(fields, (view.name, generation), |row| row.get::<_, String>(0)).optional()?;
    let Some(fields) = fields else { return Ok(true) };
    let table = table(view, generation);
    let index = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL LIMIT 1";
    if let Some(index) = connection.query_row(index, [&table], |row| row.get::<_, String>(0)).optional()? {
        connection.execute_batch(&format!("DROP INDEX \"{index}\""))?;
        return Ok(false);
    }
    for set in schema::sets(&fields) {
        let name = set_table(view, generation, set);
        if has_table(connection, &name)? {
            let some = format!(
                "DELETE FROM \"{name}\" WHERE (value, doc) IN (SELECT value, doc FROM \"{name}\" LIMIT {DROPPED_AT_ONCE})"
            );
            if connection.execute(&some, [])? == 0 {
                connection.execute_batch(&format!("DROP TABLE \"{name}\""))?;
            }
            return Ok(false);
        }
    }
    if has_table(connection, &table)? {
        let some = format!(
            "DELETE FROM \"{table}\" WHERE rowid <= coalesce(
               (SELECT rowid FROM \"{table}\" ORDER BY rowid LIMIT 1 OFFSET {DROPPED_AT_ONCE}),
               (SELECT max(rowid) FROM \"{table}\"))"
        );
        if connection.execute(&some, [])? == 0 {
            connection.execute_batch(&format!("DROP TABLE \"{table}\""))?;
        }
        return Ok(false);
    }
    connection.execute("DELETE FROM generations WHERE view = ?1 AND generation = ?2", (view.name, generation))?;
    Ok(true)
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    connection.query_row(sql, [name], |row| row.get(0))
}
