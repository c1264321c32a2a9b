//! The service's event source mapping: messages of a queue become batches for a function.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Functions, report};
use crate::cloud::Cloud;
use crate::events::batch_of;

/// The emulation answers one call at a time, so nobody may ask it without end.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// Polls `queue` for the function `handler` for ever. What it has worked through is deleted; what it names as failed,
/// and all of a batch that it reports an error for, comes again after the queue's visibility time.
pub(super) async fn poll(cloud: Arc<Cloud>, queue: String, functions: Arc<Functions>, handler: String) {
    let mut pause = PAUSE;
    loop {
        let messages = cloud.receive(&queue).await;
        if messages.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            continue;
        }
        pause = PAUSE;
        let failed = match functions[&handler].invoke(batch_of(&queue, &messages)).await {
            Ok(answer) => failures(&answer),
            Err(error) => {
                report(&error);
                continue;
            }
        };
        for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
            cloud.delete(&queue, message).await;
        }
    }
}

/// The messages that must come again, of a partial batch response.
pub(super) fn failures(answer: &Value) -> Vec<String> {
    let items = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["itemIdentifier"].as_str().map(str::to_owned)).collect()
}
