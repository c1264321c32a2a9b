//! DynamoDB's units, by the rules of its developer guide ("DynamoDB throughput capacity", "DynamoDB item sizes and
//! formats"), from requests and answers as they stand on the wire.

use serde_json::Value;

use crate::dynamodb::number_bytes;

const WRITE_BYTES: usize = 1_024;
const READ_BYTES: usize = 4_096;

/// A body as JSON; null if it is none.
pub(super) fn body(bytes: Option<&[u8]>) -> Value {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// Write units of a request: one for each started KB, and one for a line in the index; twice in a transaction, where
/// each condition check counts as a write.
///
/// Deletions and updates are taken as of items below 1 KB, as those of eventdesk are.
pub(super) fn written(operation: &str, asked: &Value) -> u64 {
    match operation {
        "PutItem" => started(&asked["Item"], WRITE_BYTES) + indexed(&asked["Item"]),
        "UpdateItem" | "DeleteItem" => 1,
        "TransactWriteItems" => {
            let parts = asked["TransactItems"].as_array().map(Vec::as_slice).unwrap_or_default();
            let units = parts.iter().map(|part| match &part["Put"]["Item"] {
                Value::Null => 2,
                item => 2 * started(item, WRITE_BYTES) + indexed(item),
            });
            units.sum()
        }
        _ => 0,
    }
}

/// Events in a request to the bus.
pub(super) fn events(operation: &str, asked: &Value) -> u64 {
    let entries = asked["Entries"].as_array().filter(|_| operation == "PutEvents");
    entries.map_or(0, |entries| entries.len() as u64)
}

/// Read units in halves: two for each started 4 KB when strongly consistent, else one; a query counts its items
/// together, a batch each for itself, and what is not there counts as the smallest item.
pub(super) fn read(operation: &str, asked: &Value, answer: &Value) -> u64 {
    let halves = |consistent: &Value| if consistent == &Value::Bool(true) { 2 } else { 1 };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match operation {
        "GetItem" => started(&answer["Item"], READ_BYTES) * halves(&asked["ConsistentRead"]),
        "Query" | "Scan" => {
            let bytes: usize = list(&answer["Items"]).iter().map(bytes).sum();
            (bytes.div_ceil(READ_BYTES).max(1) as u64) * halves(&asked["ConsistentRead"])
        }
        "BatchGetItem" => {
            let tables = asked["RequestItems"].as_object().into_iter().flatten();
            let units = tables.map(|(table, request)| {
                let found = list(&answer["Responses"][table]);
                let missing = list(&request["Keys"]).len().saturating_sub(found.len()) as u64;
                let read: u64 = found.iter().map(|item| started(item, READ_BYTES)).sum();
                (read + missing) * halves(&request["ConsistentRead"])
            });
            units.sum()
        }
        _ => 0,
    }
}

/// What the service says it consumed, if it was asked to.
pub(super) fn told(answer: &Value) -> Option<f64> {
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) if !tables.is_empty() => {
            Some(tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum())
        }
        table => table["CapacityUnits"].as_f64(),
    }
}

fn indexed(item: &Value) -> u64 {
    u64::from(item.get("bucket").is_some())
}

fn started(item: &Value, unit: usize) -> u64 {
    bytes(item).div_ceil(unit).max(1) as u64
}

/// An item's size as the service counts it: names and values.
fn bytes(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    let text = value.as_str().unwrap_or_default();
    match kind.as_str() {
        "S" => text.len(),
        "N" => number_bytes(text),
        // Base64 on the wire, counted raw.
        "B" => text.trim_end_matches('=').len() * 3 / 4,
        _ => 1,
    }
}
