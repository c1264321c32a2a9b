//! Telling EventBridge.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use eventdesk_app::{
    ports::{Commit, Ids, PublishError, Publisher},
    republish::Republisher,
};
use eventdesk_events::Envelope;
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::message::{SOURCE, detail};

/// What one call takes.
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;
/// The time of an entry counts as so many bytes.
const TIME_BYTES: usize = 14;
/// How many calls run at once for one publication.
const PARALLEL: usize = 4;
/// How often an entry that a call reports as failed is sent, the first time included.
const MOST_ATTEMPTS: u32 = 4;
/// The pause before the second attempt lasts up to this, the next up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A command waits no longer than this for the bus; what is not taken by then is left to the audit.
const PATIENCE: Duration = Duration::from_secs(4);

/// Publishes to one event bus: `source` is `eventdesk`, `detail-type` the event's type, `detail` the envelope.
///
/// An event above 200 KiB goes without its private part and says so. Entries that an answer reports as failed are sent
/// again alone, a few times with jittered back-off; the calls themselves are repeated by the client.
#[derive(Clone)]
pub struct EventBridgePublisher {
    client: Client,
    bus: String,
    ids: Arc<dyn Ids>,
}

impl std::fmt::Debug for EventBridgePublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventBridgePublisher").field("bus", &self.bus).finish_non_exhaustive()
    }
}

/// Why events were not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{count} events were refused: {codes}")]
    Entries { count: usize, codes: String },
    #[error("the call failed")]
    Call(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the bus did not answer in time")]
    Late,
}

impl EventBridgePublisher {
    /// A publisher to the bus of this name or ARN. `ids` gives the jitter.
    pub fn new(client: Client, bus: impl Into<String>, ids: Arc<dyn Ids>) -> Self {
        Self { client, bus: bus.into(), ids }
    }

    fn entry(&self, event: &Envelope) -> Result<PutEventsRequestEntry, PublishError> {
        let detail = detail(event).map_err(|error| PublishError(error.into()))?;
        Ok(PutEventsRequestEntry::builder()
            .time(DateTime::from_millis(event.occurred_at.millis()))
            .source(SOURCE)
            .detail_type(event.event_type.as_ref())
            .detail(detail)
            .event_bus_name(&self.bus)
            .set_trace_header(event.trace_id.as_deref().and_then(trace_header))
            .build())
    }

    /// Sends all of them, in as many calls as it takes.
    async fn put_all(&self, entries: Vec<PutEventsRequestEntry>) -> Result<(), PublishError> {
        let sent = stream::iter(calls(entries)).map(|entries| self.put(entries)).buffer_unordered(PARALLEL);
        // All are tried, whatever becomes of one of them.
        let refusals = sent.filter_map(async |sent| sent.err()).collect::<Vec<_>>().await;
        refusals.into_iter().next().map_or(Ok(()), |refusal| Err(PublishError(refusal.into())))
    }

    /// Sends one call's worth, and what of it fails again.
    async fn put(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), Refusal> {
        let (mut given_up, mut codes) = (0, BTreeSet::new());
        for attempt in 0..MOST_ATTEMPTS {
            if attempt > 0 {
                sleep(self.pause(attempt)).await;
            }
            let answer = self.client.put_events().set_entries(Some(entries.clone())).send().await;
            let answer = answer.map_err(|error| Refusal::Call(error.into()))?;
            if answer.failed_entry_count() == 0 {
                entries.clear();
            } else {
                codes = answer.entries().iter().filter_map(|entry| entry.error_code().map(str::to_owned)).collect();
                let mut results = answer.entries().iter();
                // An entry that the answer does not speak of was not taken.
                let failed = entries.into_iter().map(|entry| (entry, results.next()));
                let failed = failed.filter(|(_, result)| result.is_none_or(|result| result.event_id().is_none()));
                let (lasting, again): (Vec<_>, Vec<_>) = failed.partition(|(_, result)| result.is_some_and(is_lasting));
                given_up += lasting.len();
                entries = again.into_iter().map(|(entry, _)| entry).collect();
            }
            if entries.is_empty() {
                break;
            }
        }
        match given_up + entries.len() {
            0 => Ok(()),
            count => Err(Refusal::Entries { count, codes: codes.into_iter().collect::<Vec<_>>().join(", ") }),
        }
    }

    /// Full jitter.
    fn pause(&self, attempt: u32) -> Duration {
        let mut random = [0];
        self.ids.fill(&mut random);
        FIRST_PAUSE * 2_u32.pow(attempt - 1) * u32::from(random[0]) / u32::from(u8::MAX)
    }
}

#[async_trait]
impl Publisher for EventBridgePublisher {
    async fn publish(&self, commits: &[Commit]) -> Result<(), PublishError> {
        let events = commits.iter().flat_map(Commit::envelopes);
        let sent = self.put_all(events.map(|event| self.entry(&event)).collect::<Result<_, _>>()?);
        timeout(PATIENCE, sent).await.unwrap_or_else(|_| Err(PublishError(Refusal::Late.into())))
    }
}

#[async_trait]
impl Republisher for EventBridgePublisher {
    async fn republish(&self, events: &[Envelope]) -> Result<(), PublishError> {
        // Nobody waits for an answer: each call has the client's own patience.
        self.put_all(events.iter().map(|event| self.entry(event)).collect::<Result<_, _>>()?).await
    }
}

/// Whether the same entry would be refused again.
fn is_lasting(result: &PutEventsResultEntry) -> bool {
    let lasting = ["MalformedDetail", "InvalidArgument", "NotAuthorizedForSource", "NotAuthorizedForDetailType"];
    result.error_code().is_some_and(|code| lasting.contains(&code))
}

/// Divides entries into calls within the service's limits, in order.
fn calls(entries: Vec<PutEventsRequestEntry>) -> Vec<Vec<PutEventsRequestEntry>> {
    let mut calls: Vec<Vec<_>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let size = size(&entry);
        match calls.last_mut() {
            Some(call) if call.len() < MOST_ENTRIES && bytes + size <= MOST_BYTES => {
                bytes += size;
                call.push(entry);
            }
            _ => {
                bytes = size;
                calls.push(vec![entry]);
            }
        }
    }
    calls
}

/// What an entry counts towards the limit of a call.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html>
fn size(entry: &PutEventsRequestEntry) -> usize {
    let texts = [entry.source(), entry.detail_type(), entry.detail()];
    TIME_BYTES + texts.into_iter().flatten().map(str::len).sum::<usize>()
}

/// A W3C trace id in the form of X-Ray; `None` if it is none.
///
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
fn trace_header(trace_id: &str) -> Option<String> {
    let is_one = trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| format!("Root=1-{}-{}", &trace_id[..8], &trace_id[8..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: usize) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder().detail("x".repeat(bytes - TIME_BYTES)).build()
    }

    fn lengths(entries: Vec<PutEventsRequestEntry>) -> Vec<usize> {
        calls(entries).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_call_has_at_most_ten_entries() {
        assert!(lengths(Vec::new()).is_empty());
        assert_eq!(lengths(vec![entry(20); 10]), [10]);
        assert_eq!(lengths(vec![entry(20); 21]), [10, 10, 1]);
    }

    #[test]
    fn a_call_has_at_most_256_kib_unless_one_entry_has_more() {
        assert_eq!(lengths(vec![entry(128 * 1024); 3]), [2, 1]);
        assert_eq!(lengths(vec![entry(128 * 1024), entry(128 * 1024 + 1), entry(20)]), [1, 2]);
        assert_eq!(lengths(vec![entry(20), entry(300 * 1024), entry(20)]), [1, 1, 1]);
    }

    #[test]
    fn a_trace_id_is_told_in_the_form_of_x_ray() {
        let header = trace_header("5759e988bd862e3fe1be46a994272793");
        assert_eq!(header.as_deref(), Some("Root=1-5759e988-bd862e3fe1be46a994272793"));
        assert_eq!(trace_header("5759e988"), None);
        assert_eq!(trace_header(&"ä".repeat(16)), None);
    }
}
