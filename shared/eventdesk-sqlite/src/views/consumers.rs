//! How far the consumers of the local bus are: a row a consumer, and a row for each delivery in retry or dead.

use eventdesk_app::ports::{Position, Progress, Retry};
use rusqlite::Connection;

use super::fault::Failure;

/// Stores what a consumer has behind it. A position stands in one of the two tables at most.
pub(super) fn advance(connection: &Connection, progress: &Progress) -> Result<(), Failure> {
    let name = &progress.consumer;
    connection
        .prepare_cached(
            "INSERT INTO consumers (name, cursor) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
        )?
        .execute((name, number(progress.cursor)))?;
    for at in &progress.cleared {
        gone(connection, "retries", name, *at)?;
        gone(connection, "dead_letters", name, *at)?;
    }
    for retry in &progress.retries {
        again(connection, name, retry)?;
    }
    for dead in &progress.dead {
        gone(connection, "retries", name, dead.position)?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO dead_letters (consumer, position, attempts, at, reason) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((name, number(dead.position), dead.attempts, dead.at.millis(), &dead.reason))?;
    }
    Ok(())
}

/// Puts a delivery into retry, whatever stood for its position.
pub(super) fn again(connection: &Connection, consumer: &str, retry: &Retry) -> Result<(), Failure> {
    gone(connection, "dead_letters", consumer, retry.position)?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO retries (consumer, position, attempts, due, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((consumer, number(retry.position), retry.attempts, retry.due.millis(), &retry.reason))?;
    Ok(())
}

/// Drops dead letters; how many there were.
pub(super) fn discard_dead(connection: &Connection, consumer: &str, positions: &[Position]) -> Result<u64, Failure> {
    positions.iter().try_fold(0, |dropped, at| Ok(dropped + gone(connection, "dead_letters", consumer, *at)?))
}

fn gone(connection: &Connection, table: &str, consumer: &str, at: Position) -> Result<u64, Failure> {
    let sql = format!("DELETE FROM {table} WHERE consumer = ?1 AND position = ?2");
    Ok(connection.prepare_cached(&sql)?.execute((consumer, number(at)))? as u64)
}

fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}
