//! The event store's reads, and its ticket numbers.

use std::{collections::HashMap, ops::Range};

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, types::ReturnValue};
use eventdesk_app::ports::{Append, AppendError, Claim, Commit, EventStore, StoreError, StoredState};
use eventdesk_events::{StreamId, Version};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::{
    batch,
    fault::{read_failed, undecodable},
    item::{
        HOLDER, Item, LAST, STATE, STATE_VERSION, STREAM, VERSION, commit, item, key, number, take_number, take_stream,
        text, version_and_state,
    },
};

/// So many ticket numbers are taken at once; what a process has left when it ends is never given out.
const NUMBER_BLOCK: u64 = 100;
/// Streams of which a version is known to exist.
const KNOWN_STREAMS: usize = 4_096;

/// Commits, reservations and ticket numbers in one DynamoDB table.
///
/// Its own tries again after throttling and lost answers are the client's; a commit that an earlier try had stored
/// is reported as a `Conflict` whose winner it is, as the port says.
pub struct DynamoEventStore {
    pub(super) client: Client,
    pub(super) table: String,
    /// Versions that were seen. Commits are never removed, so what existed once exists, and so do all below it.
    known: Cache<StreamId, Version>,
    pub(super) numbers: Mutex<Range<u64>>,
}

impl DynamoEventStore {
    /// A store over a table that has the schema which [`crate::dynamodb`] describes.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), known: Cache::new(KNOWN_STREAMS), numbers: Mutex::new(0..0) }
    }

    pub(super) fn exists(&self, stream: StreamId, version: Version) -> bool {
        version == Version::NONE || self.known.get(&stream).is_some_and(|known| version <= known)
    }

    pub(super) fn remember(&self, stream: StreamId, version: Version) {
        self.known.insert(stream, version);
    }

    async fn newest(&self, stream: StreamId, attributes: &[&'static str]) -> Result<Option<Item>, StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#stream = :stream")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", text(stream.to_string()))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1);
        if !attributes.is_empty() {
            let names: Vec<_> = (0..attributes.len()).map(|index| format!("#a{index}")).collect();
            query = query.projection_expression(names.join(", "));
            for (name, attribute) in names.into_iter().zip(attributes) {
                query = query.expression_attribute_names(name, *attribute);
            }
        }
        let found = query.send().await.map_err(read_failed)?;
        Ok(found.items.and_then(|items| items.into_iter().next()))
    }

    async fn number_block(&self) -> Result<Range<u64>, StoreError> {
        // Should an answer be lost and the call tried again, a block is skipped, no more.
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(number_key()))
            .update_expression("ADD #last :block")
            .expression_attribute_names("#last", LAST)
            .expression_attribute_values(":block", number(NUMBER_BLOCK))
            .return_values(ReturnValue::UpdatedNew);
        let mut updated = update.send().await.map_err(read_failed)?.attributes.unwrap_or_default();
        let last: u64 = take_number(&mut updated, LAST).map_err(undecodable)?;
        Ok(last + 1 - NUMBER_BLOCK..last + 1)
    }
}

fn decode(item: Item) -> Result<Commit, StoreError> {
    commit(item).map_err(undecodable)
}

/// The key of the counter of ticket numbers.
pub(super) fn number_key() -> Item {
    item([(STREAM, text("counter#ticket-number")), (VERSION, number(0))])
}

/// The key of a reservation.
pub(super) fn claim_key(claim: Claim) -> Item {
    let Claim { namespace, value } = claim;
    item([(STREAM, text(format!("claim#{}#{value}", namespace.as_str()))), (VERSION, number(0))])
}

#[async_trait]
impl EventStore for DynamoEventStore {
    async fn head(&self, stream: StreamId) -> Result<Option<Commit>, StoreError> {
        let Some(item) = self.newest(stream, &[]).await? else { return Ok(None) };
        let commit = decode(item)?;
        self.remember(stream, commit.version);
        Ok(Some(commit))
    }

    async fn newest_state(&self, stream: StreamId) -> Result<Option<(Version, StoredState)>, StoreError> {
        let Some(item) = self.newest(stream, &[VERSION, STATE, STATE_VERSION]).await? else { return Ok(None) };
        let (version, state) = version_and_state(item).map_err(undecodable)?;
        self.remember(stream, version);
        Ok(Some((version, state)))
    }

    async fn read(&self, stream: StreamId, from: Version, limit: usize) -> Result<Vec<Commit>, StoreError> {
        let mut commits: Vec<Commit> = Vec::new();
        let mut start = None;
        while commits.len() < limit {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("#stream = :stream AND #version >= :from")
                .expression_attribute_names("#stream", STREAM)
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":stream", text(stream.to_string()))
                .expression_attribute_values(":from", number(from))
                .set_exclusive_start_key(start)
                .limit(i32::try_from(limit - commits.len()).unwrap_or(i32::MAX))
                .consistent_read(true)
                .send()
                .await
                .map_err(read_failed)?;
            for item in page.items.unwrap_or_default() {
                commits.push(decode(item)?);
            }
            // One answer holds 1 MB at most; without this key it was the last.
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        if let Some(last) = commits.last() {
            self.remember(stream, last.version);
        }
        Ok(commits)
    }

    async fn read_many(&self, keys: &[(StreamId, Version)]) -> Result<Vec<Option<Commit>>, StoreError> {
        let mut wanted = keys.to_vec();
        wanted.sort_unstable();
        // A batch that names a key twice is refused.
        wanted.dedup();
        let mut found: HashMap<(StreamId, Version), Commit> = HashMap::with_capacity(wanted.len());
        for some in wanted.chunks(batch::MOST_KEYS) {
            let some = some.iter().map(|(stream, version)| key(*stream, *version)).collect();
            for item in batch::read(&self.client, &self.table, some).await? {
                let commit = decode(item)?;
                found.insert((commit.stream, commit.version), commit);
            }
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.write(append).await
    }

    async fn holder(&self, claim: Claim) -> Result<Option<StreamId>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(claim_key(claim)))
            .projection_expression("#holder")
            .expression_attribute_names("#holder", HOLDER)
            .consistent_read(true);
        let Some(mut found) = get.send().await.map_err(read_failed)?.item else { return Ok(None) };
        take_stream(&mut found, HOLDER).map(Some).map_err(undecodable)
    }

    async fn next_ticket_number(&self) -> Result<u64, StoreError> {
        // Held while a block is fetched: those who wait take their numbers from it, too.
        let mut numbers = self.numbers.lock().await;
        if numbers.is_empty() {
            *numbers = self.number_block().await?;
        }
        Ok(numbers.next().unwrap_or_default())
    }
}
