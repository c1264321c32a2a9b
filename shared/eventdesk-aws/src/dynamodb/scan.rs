//! All commits, segment by segment, for replays.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use eventdesk_app::ports::{Category, CommitScan, Extent, ScanPage, ScannedCommit, Segment, StoreError};
use serde::{Deserialize, Serialize};

use super::{
    DynamoEventStore,
    fault::{read_failed, undecodable},
    item::{BUCKET, STREAM, VERSION, commit, number, take_number, take_text, text},
};

/// How far a segment has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    stream: String,
    version: u64,
}

/// One of so many parts of the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    number: i32,
    of: i32,
}

/// A text that no segment or place of this store has.
fn unknown(error: serde_json::Error) -> StoreError {
    StoreError::Internal(error.into())
}

/// A page is at most 1 MB before the category is looked at, so it may be empty. Each pass over a category costs read
/// units for the whole table, one for each 4 KB.
#[async_trait]
impl CommitScan for DynamoEventStore {
    async fn segments(&self, category: Category, wanted: usize) -> Result<Vec<Segment>, StoreError> {
        // The service takes a million.
        let of = i32::try_from(wanted.clamp(1, 1_000_000)).unwrap_or(1);
        let part = |number| serde_json::to_string(&Part { number, of }).map_err(unknown);
        (0..of).map(|number| Ok(Segment { category, part: part(number)? })).collect()
    }

    async fn scan(
        &self,
        segment: &Segment,
        after: Option<&str>,
        most: usize,
        _: Extent,
    ) -> Result<ScanPage, StoreError> {
        let part: Part = serde_json::from_str(&segment.part).map_err(unknown)?;
        let after: Option<Place> = after.map(serde_json::from_str).transpose().map_err(unknown)?;
        let start = after.map(|Place { stream, version }| {
            [(STREAM, text(stream)), (VERSION, number(version))]
                .map(|(name, value): (&str, AttributeValue)| (name.to_owned(), value))
                .into()
        });
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(part.number)
            .total_segments(part.of)
            .filter_expression("begins_with(#stream, :category) AND attribute_exists(#bucket)")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_names("#bucket", BUCKET)
            .expression_attribute_values(":category", text(segment.category.prefix()))
            .limit(i32::try_from(most.max(1)).unwrap_or(i32::MAX))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(read_failed)?;
        let mut commits = Vec::new();
        for item in page.items.unwrap_or_default() {
            commits.push(ScannedCommit { position: None, commit: commit(item).map_err(undecodable)? });
        }
        let next = match page.last_evaluated_key {
            None => None,
            Some(mut key) => {
                let stream = take_text(&mut key, STREAM).map_err(undecodable)?;
                let version = take_number(&mut key, VERSION).map_err(undecodable)?;
                Some(serde_json::to_string(&Place { stream, version }).map_err(unknown)?)
            }
        };
        Ok(ScanPage { commits, next })
    }
}
