//! Single items by key.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};
use eventdesk_app::ports::StoreError;

use super::{
    fault::{StillBusy, pause, read_failed},
    item::Item,
};

/// The most keys that one `BatchGetItem` takes.
pub(super) const MOST_KEYS: usize = 100;
/// How often keys that a batch left unread are asked for again.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The items of at most [`MOST_KEYS`] different keys, strongly consistent, in no order; those that do not exist are
/// left out.
pub(super) async fn read(client: &Client, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    let mut wanted = keys;
    for tries in 0..TRIES {
        if wanted.is_empty() {
            return Ok(found);
        }
        if tries > 0 {
            pause(FIRST_PAUSE, tries - 1).await;
        }
        let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
        let request = request.map_err(|error| StoreError::Internal(Box::new(error)))?;
        let page = client.batch_get_item().request_items(table, request).send().await.map_err(read_failed)?;
        found.extend(page.responses.unwrap_or_default().into_values().flatten());
        // Too much for one answer, or throttled.
        let unread = page.unprocessed_keys.unwrap_or_default().into_values().next();
        wanted = unread.map(|unread| unread.keys).unwrap_or_default();
    }
    if wanted.is_empty() {
        return Ok(found);
    }
    Err(StoreError::Unavailable(Box::new(StillBusy { tries: TRIES, source: None })))
}
