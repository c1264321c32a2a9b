//! The feed index: every commit in the order of time, keys only.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use eventdesk_app::ports::StoreError;
use eventdesk_events::{StreamId, Timestamp, Version};

use super::{
    DynamoEventStore,
    fault::{read_failed, undecodable},
    item::{AT, BUCKET, Item, STREAM, VERSION, number, take_number, take_stream, text},
};

/// The index's name.
pub(super) const FEED_INDEX: &str = "feed";

/// Each hour is spread over this many buckets, so that no partition of the index takes all writes.
pub const FEED_SHARDS: u8 = 8;

/// The commits of one hour (UTC, by the writers' clocks) whose streams share a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedBucket {
    /// Any time within the hour.
    within: Timestamp,
    shard: u8,
}

impl FeedBucket {
    /// The bucket in which a commit stands.
    pub fn of(stream: StreamId, at: Timestamp) -> Self {
        Self { within: hour(at), shard: shard(stream) }
    }

    /// All buckets of the hour in which a time lies.
    pub fn all_at(at: Timestamp) -> impl Iterator<Item = Self> {
        (0..FEED_SHARDS).map(move |shard| Self { within: hour(at), shard })
    }

    /// The bucket of the same shard an hour later.
    #[must_use]
    pub fn next_hour(self) -> Self {
        Self { within: Timestamp::from_millis(self.within.millis() + HOUR_MS), ..self }
    }

    /// The beginning of the hour.
    pub fn begin(self) -> Timestamp {
        self.within
    }

    /// 0 to [`FEED_SHARDS`] - 1.
    pub fn shard(self) -> u8 {
        self.shard
    }
}

impl fmt::Display for FeedBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.within.to_string();
        write!(f, "{}#{}", &time[.."2026-01-31T08".len()], self.shard)
    }
}

const HOUR_MS: i64 = 3_600_000;

fn hour(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(HOUR_MS) * HOUR_MS)
}

/// FNV-1a of the stream's text, its upper bits; stored in every commit, so never to be changed.
fn shard(stream: StreamId) -> u8 {
    let hash = stream
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash >> 56) as u8 % FEED_SHARDS
}

/// A commit's line in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedEntry {
    /// The commit's time.
    pub at: Timestamp,
    /// Its stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
}

/// Where a page of the feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFrom {
    /// At this time, itself included.
    Time(Timestamp),
    /// After this line, which the page before ended with.
    After(FeedEntry),
}

impl DynamoEventStore {
    /// Up to `limit` lines of one bucket, in the order of time; fewer mean that there are no more now.
    ///
    /// The index lags behind the table, as a rule by less than a second, and lines of earlier times may come in later:
    /// writers' clocks differ.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn feed(&self, bucket: FeedBucket, from: FeedFrom, limit: usize) -> Result<Vec<FeedEntry>, StoreError> {
        let (since, mut start) = match from {
            FeedFrom::Time(at) => (at, None),
            FeedFrom::After(entry) => (entry.at, Some(index_key(bucket, entry))),
        };
        let mut entries = Vec::new();
        while entries.len() < limit {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(FEED_INDEX)
                .key_condition_expression("#bucket = :bucket AND #at >= :since")
                .expression_attribute_names("#bucket", BUCKET)
                .expression_attribute_names("#at", AT)
                .expression_attribute_values(":bucket", text(bucket.to_string()))
                .expression_attribute_values(":since", number(since.millis()))
                .set_exclusive_start_key(start)
                .limit(i32::try_from(limit - entries.len()).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(read_failed)?;
            for item in page.items.unwrap_or_default() {
                entries.push(entry(item).map_err(undecodable)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(entries)
    }
}

fn entry(mut item: Item) -> Result<FeedEntry, super::item::Malformed> {
    Ok(FeedEntry {
        at: Timestamp::from_millis(take_number(&mut item, AT)?),
        stream: take_stream(&mut item, STREAM)?,
        version: Version::new(take_number(&mut item, VERSION)?),
    })
}

fn index_key(bucket: FeedBucket, entry: FeedEntry) -> Item {
    [
        (BUCKET, text(bucket.to_string())),
        (AT, number(entry.at.millis())),
        (STREAM, text(entry.stream.to_string())),
        (VERSION, number(entry.version)),
    ]
    .map(|(name, value): (&str, AttributeValue)| (name.to_owned(), value))
    .into()
}
