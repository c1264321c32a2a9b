//! What operators see of the consumers, and what they have them do again.

use eventdesk_app::{
    audit::{AuditReport, Standing},
    dead_letters::{Judged, Selection},
    ports::LetterId,
};
use eventdesk_events::{StreamId, Timestamp, Version};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::Answered;
use crate::{Kind, Problem, headers, reply::Reply, request::Request};

/// How a consumer stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerStanding")]
struct StandingView {
    /// Its name.
    consumer: &'static str,
    /// About how many deliveries wait for it, those in retry included.
    waiting: u64,
    /// About how many it has given up.
    dead_letters: u64,
}

/// What was appended and has not arrived.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Audit")]
pub(crate) struct AuditView {
    /// Commits that are not in every read model they belong to, though old enough to be.
    commits_behind: u64,
    /// The age of the oldest of them; 0 if there is none.
    oldest_behind_seconds: u64,
    /// The consumers of the bus.
    consumers: Vec<StandingView>,
}

pub(crate) async fn audit(r: &Request<'_>) -> Answered {
    let (report, standings) = r.operations()?.standing().await?;
    let AuditReport { commits_behind, oldest_behind, .. } = report;
    let consumer = |Standing { consumer, waiting, dead }| StandingView { consumer, waiting, dead_letters: dead };
    let consumers = standings.into_iter().map(consumer).collect();
    let oldest_behind_seconds = oldest_behind.map_or(0, |age| age.as_secs());
    unstored(&AuditView { commits_behind, oldest_behind_seconds, consumers })
}

/// A delivery that its consumer tries no more.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
struct LetterView<'a> {
    /// Its name.
    id: String,
    /// The consumer that gave up.
    consumer: &'a str,
    /// The stream that it is about; null if that cannot be read.
    #[schemars(with = "Option<String>")]
    stream: Option<StreamId>,
    /// The version of its commit.
    #[schemars(with = "Option<u64>")]
    version: Option<Version>,
    /// The types of its events.
    event_types: Vec<&'a str>,
    /// How often it was tried.
    attempts: u32,
    /// When it was given up, where the queue knows.
    #[schemars(with = "Option<String>")]
    given_up_at: Option<Timestamp>,
    /// Why it failed last.
    reason: &'a str,
    /// Whether a newer success has applied its commit all the same.
    obsolete: bool,
}

impl<'a> LetterView<'a> {
    fn of(Judged { letter, obsolete }: &'a Judged) -> Self {
        Self {
            id: letter.id.to_string(),
            consumer: &letter.id.consumer,
            stream: letter.about.map(|(stream, _)| stream),
            version: letter.about.map(|(_, version)| version),
            event_types: letter.events.iter().map(|event| &*event.event_type).collect(),
            attempts: letter.attempts,
            given_up_at: letter.at,
            reason: &letter.reason,
            obsolete: *obsolete,
        }
    }
}

/// Dead letters: by consumer, then by stream, in the order of versions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetters")]
pub(crate) struct LettersView<'a> {
    /// At most a thousand a consumer.
    data: Vec<LetterView<'a>>,
}

pub(crate) async fn dead_letters(r: &Request<'_>) -> Answered {
    let stream = r.query.read("stream", "a stream's name", |text| StreamId::parse(text).ok())?;
    let selection = Selection { ids: Vec::new(), consumer: r.query.text("consumer"), stream };
    let letters = r.operations()?.letters.list(&selection).await?;
    unstored(&LettersView { data: letters.iter().map(LetterView::of).collect() })
}

/// What became of a dead letter.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetterOutcome")]
pub(crate) struct OutcomeView {
    /// The letter.
    id: String,
    /// `put_back`: its consumer receives it again. `obsolete`: a newer success has applied it, so it was dropped.
    outcome: &'static str,
}

pub(crate) async fn retry(r: &Request<'_>) -> Answered {
    let missing = || Problem::new(Kind::DeadLetterNotFound, "no dead letter has this id, or not any more");
    let id: LetterId = r.param("letter_id")?.parse().map_err(|_| missing())?;
    let done = r.operations()?.letters.retry(&Selection::of(id.clone())).await?;
    let outcome = match (done.put_back.is_empty(), done.obsolete.is_empty()) {
        (false, _) => "put_back",
        (_, false) => "obsolete",
        _ => return Err(missing()),
    };
    unstored(&OutcomeView { id: id.to_string(), outcome })
}

fn unstored<T: Serialize>(body: &T) -> Answered {
    let mut reply = Reply::json(StatusCode::OK, body)?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    Ok(reply)
}
