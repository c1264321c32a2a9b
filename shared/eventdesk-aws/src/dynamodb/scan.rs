//! All commits, segment by segment, for replays.

use aws_sdk_dynamodb::types::AttributeValue;
use eventdesk_app::ports::{Commit, StoreError};
use serde::{Deserialize, Serialize};

use super::{
    DynamoEventStore,
    fault::{read_failed, undecodable},
    item::{BUCKET, STREAM, VERSION, commit, number, take_number, take_text, text},
};

/// How far a segment has been read; it can be stored, to go on later with the same number of segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPlace {
    stream: String,
    version: u64,
}

/// A part of a segment.
#[derive(Debug, Clone)]
pub struct ScanPage {
    /// Commits; those of one stream come in the order of their versions, streams in no order.
    pub commits: Vec<Commit>,
    /// Where the next page begins; `None` at the end of the segment. A page may be empty and not the last.
    pub next: Option<ScanPlace>,
}

impl DynamoEventStore {
    /// A page, at most 1 MB, of the commits of segment `segment` (from 0) of `segments`.
    ///
    /// Each commit stands in exactly one segment, whole streams side by side. It sees all that was answered before the
    /// page was asked for; what is written meanwhile may or may not be seen. Costs a read unit for each 4 KB.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn scan(&self, segment: u32, segments: u32, after: Option<&ScanPlace>) -> Result<ScanPage, StoreError> {
        let start = after.map(|ScanPlace { stream, version }| {
            [(STREAM, text(stream.clone())), (VERSION, number(*version))]
                .map(|(name, value): (&str, AttributeValue)| (name.to_owned(), value))
                .into()
        });
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(i32::try_from(segment).unwrap_or(i32::MAX))
            .total_segments(i32::try_from(segments).unwrap_or(i32::MAX))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(read_failed)?;
        let mut commits = Vec::new();
        for item in page.items.unwrap_or_default() {
            if item.contains_key(BUCKET) {
                commits.push(commit(item).map_err(undecodable)?);
            }
        }
        let next = match page.last_evaluated_key {
            None => None,
            Some(mut key) => Some(ScanPlace {
                stream: take_text(&mut key, STREAM).map_err(undecodable)?,
                version: take_number(&mut key, VERSION).map_err(undecodable)?,
            }),
        };
        Ok(ScanPage { commits, next })
    }
}
