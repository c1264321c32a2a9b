//! Queues by name.

use aws_sdk_sqs::Client;
use eventdesk_app::ports::QueueError;

/// The URL of a queue of this account and region.
///
/// # Errors
/// [`QueueError`], also if there is no such queue.
pub async fn queue_url(client: &Client, name: &str) -> Result<String, QueueError> {
    let answer = client.get_queue_url().queue_name(name).send().await;
    let answer = answer.map_err(|error| QueueError(Box::new(error.into_service_error())))?;
    answer.queue_url.ok_or_else(|| QueueError(format!("the queue {name} has no URL").into()))
}
