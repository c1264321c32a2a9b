//! How far the consumers of the local bus are: a row a consumer, and a row for each delivery in retry or dead.

use eventdesk_app::ports::{ConsumerState, DeadLetter, Position, Progress, Retry};
use eventdesk_events::Timestamp;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};

use crate::{
    fault::MongoError,
    form::{count, text},
    server::{Server, Shape},
};

const CONSUMERS: &str = "consumers";
const DELIVERIES: &str = "deliveries";

/// The collections, none of which belongs to a view.
pub(crate) const COLLECTIONS: [&str; 2] = [CONSUMERS, DELIVERIES];

/// Stores what a consumer has behind it.
///
/// A row in retry or dead is there before the cursor passes it, and one that is cleared goes last: whatever an
/// interruption leaves, nothing is forgotten, and at worst something is delivered again.
pub(crate) async fn advance(server: &Server, progress: Progress) -> Result<(), MongoError> {
    let name = progress.consumer.as_str();
    let retries = progress
        .retries
        .iter()
        .map(|retry| row(name, retry.position, "retry", retry.attempts, retry.due, &retry.reason));
    let dead = progress
        .dead
        .iter()
        .map(|letter| row(name, letter.position, "dead", letter.attempts, letter.at, &letter.reason));
    for row in retries.chain(dead) {
        store(server, DELIVERIES, row?).await?;
    }
    store(server, CONSUMERS, doc! { "_id": name, "cursor": number(progress.cursor)? }).await?;
    let kept = |at: &Position| {
        progress.retries.iter().any(|retry| retry.position == *at)
            || progress.dead.iter().any(|dead| dead.position == *at)
    };
    let cleared: Vec<_> = progress.cleared.iter().filter(|at| !kept(at)).map(|at| id(name, *at)).collect();
    if !cleared.is_empty() {
        let rows = server.collection(DELIVERIES);
        server.ask(async move { rows.delete_many(doc! { "_id": { "$in": cleared } }).await }).await?;
    }
    Ok(())
}

/// Puts deliveries into retry, each in the place of what stood for its position.
pub(crate) async fn redeliver(server: &Server, name: &str, again: &[Retry]) -> Result<(), MongoError> {
    for retry in again {
        let row = row(name, retry.position, "retry", retry.attempts, retry.due, &retry.reason)?;
        store(server, DELIVERIES, row).await?;
    }
    Ok(())
}

/// Drops dead letters; how many there were.
pub(crate) async fn discard_dead(server: &Server, name: &str, positions: &[Position]) -> Result<u64, MongoError> {
    let ids: Vec<_> = positions.iter().map(|at| id(name, *at)).collect();
    let rows = server.collection(DELIVERIES);
    let which = doc! { "_id": { "$in": ids }, "state": "dead" };
    Ok(server.ask(async move { rows.delete_many(which).await }).await?.deleted_count)
}

/// Reads what is stored of a consumer: the cursor first, so that no row is missing which was there before it.
pub(crate) async fn consumer(server: &Server, name: &str) -> Result<ConsumerState, MongoError> {
    let mut state = ConsumerState::default();
    if let Some(row) = server.find(CONSUMERS, doc! { "_id": name }, Shape::default()).await?.first() {
        state.cursor = Position(count(row, "cursor")?);
    }
    // `0` is the sign after `/`: all ids that begin with the name and a slash.
    let own = doc! { "_id": { "$gte": format!("{name}/"), "$lt": format!("{name}0") }, "consumer": name };
    let by_id = Shape { sort: Some(doc! { "_id": 1 }), ..Shape::default() };
    for row in server.find(DELIVERIES, own, by_id).await? {
        let position = Position(count(&row, "position")?);
        let attempts = u32::try_from(count(&row, "attempts")?).unwrap_or(u32::MAX);
        let (at, reason) = (Timestamp::from_millis(time(&row)?), text(&row, "reason")?);
        if text(&row, "state")? == "dead" {
            state.dead.push(DeadLetter { position, attempts, at, reason });
        } else {
            state.retries.push(Retry { position, attempts, due: at, reason });
        }
    }
    Ok(state)
}

fn row(
    consumer: &str,
    position: Position,
    state: &str,
    attempts: u32,
    at: Timestamp,
    reason: &str,
) -> Result<Document, MongoError> {
    Ok(doc! {
        "_id": id(consumer, position),
        "consumer": consumer,
        "position": number(position)?,
        "state": state,
        "attempts": i64::from(attempts),
        "at": at.millis(),
        "reason": reason,
    })
}

/// Ids sort as positions do.
fn id(consumer: &str, Position(position): Position) -> String {
    format!("{consumer}/{position:020}")
}

fn number(Position(position): Position) -> Result<i64, MongoError> {
    i64::try_from(position).map_err(|error| MongoError::Refused(error.into()))
}

fn time(row: &RawDocument) -> Result<i64, MongoError> {
    row.get_i64("at").map_err(|error| MongoError::Refused(error.into()))
}

/// Makes the row, or puts it in the place of the one with its id.
async fn store(server: &Server, collection: &str, row: Document) -> Result<(), MongoError> {
    let which = doc! { "_id": row.get("_id").cloned().unwrap_or_default() };
    let row = RawDocumentBuf::try_from(row).map_err(|error| MongoError::Refused(error.into()))?;
    let rows = server.collection(collection);
    server.ask(async move { rows.replace_one(which, row).upsert(true).await }).await?;
    Ok(())
}
