//! How the projections stand.

use eventdesk_app::{
    projections::{Beat, Lag, Motion, Status, StatusError, statuses},
    replay::{ReplayState, Stage},
};
use eventdesk_events::Timestamp;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::Answered;
use crate::{Problem, headers, reply::Reply, request::Request};

/// A view of a projection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectionView")]
struct ViewOf {
    /// Its name.
    name: &'static str,
    /// The generation that queries read.
    generation: u32,
    /// A generation that is written besides: being built, or kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    also: Option<u32>,
}

/// The newest replay of a projection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Replay")]
struct ReplayView {
    /// `filling`, `checking`, `ready` (to be made live), `flipped` (the old generation is about to go) or `done`.
    stage: &'static str,
    /// When it was begun.
    begun_at: Timestamp,
    /// When it was heard of last.
    touched_at: Timestamp,
    /// Events read.
    events: u64,
    /// Documents made.
    documents: u64,
}

/// One projection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Projection")]
struct ProjectionView {
    /// `tickets`, `history` or `directory`.
    name: &'static str,
    /// The consumer that feeds it.
    projector: &'static str,
    /// `idle` (nothing to do), `working`, `frozen` (events wait, and nothing happens to them) or `unknown`.
    state: &'static str,
    /// Whether its read models were made by another version of the projection: they serve until they are made anew.
    rebuild_due: bool,
    /// Its read models.
    views: Vec<ViewOf>,
    /// How far it is in the event store, where that has a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Events that wait, where that can be known; more than 10,000 commits are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_behind: Option<u64>,
    /// The age of the oldest of them, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_behind: Option<f64>,
    /// When the oldest of them was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_behind_at: Option<Timestamp>,
    /// Events worked through in a second, of late.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_per_second: Option<f64>,
    /// When its projector told of itself last.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<Timestamp>,
    /// What went wrong last since the projector was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error_at: Option<Timestamp>,
    /// The newest replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<ReplayView>,
}

/// All projections.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Projections")]
pub(crate) struct ProjectionsView {
    /// One after the other.
    data: Vec<ProjectionView>,
}

impl ProjectionView {
    fn new(status: Status, now: Timestamp) -> Self {
        let Status { target, motion, views, position, lag, beat, replay } = status;
        let state = match motion {
            Motion::Idle => "idle",
            Motion::Working => "working",
            Motion::Frozen => "frozen",
            Motion::Unknown => "unknown",
        };
        let oldest = lag.and_then(|lag: Lag| lag.oldest_at);
        let age = |at: Timestamp| {
            let millis = u32::try_from(now.millis().saturating_sub(at.millis()).max(0)).unwrap_or(u32::MAX);
            f64::from(millis) / 1000.0
        };
        let Beat { at: seen_at, per_second, last_error, last_error_at, .. } = beat.clone().unwrap_or_default();
        Self {
            name: target.name(),
            projector: target.projector(),
            state,
            rebuild_due: views.iter().any(|view| view.rebuild_due),
            views: views
                .into_iter()
                .map(|view| ViewOf { name: view.name, generation: view.written.live, also: view.written.also })
                .collect(),
            position: position.map(|position| position.0),
            events_behind: lag.map(|lag| lag.events),
            seconds_behind: lag.map(|_| oldest.map_or(0.0, age)),
            oldest_behind_at: oldest,
            events_per_second: beat.map(|_| per_second),
            seen_at,
            last_error,
            last_error_at,
            replay: replay.as_ref().map(ReplayView::new),
        }
    }
}

impl ReplayView {
    fn new(state: &ReplayState) -> Self {
        let stage = match state.stage {
            Stage::Filling => "filling",
            Stage::Checking => "checking",
            Stage::Ready => "ready",
            Stage::Flipped => "flipped",
            Stage::Done => "done",
        };
        let ReplayState { begun_at, touched_at, events, documents, .. } = *state;
        Self { stage, begun_at, touched_at, events, documents }
    }
}

pub(crate) async fn list(r: &Request<'_>) -> Answered {
    let queries = r.queries()?;
    let now = queries.clock.now();
    let found = statuses(&*queries.store, &*queries.views, now).await.map_err(problem)?;
    let data = found.into_iter().map(|status| ProjectionView::new(status, now)).collect();
    let mut reply = Reply::json(StatusCode::OK, &ProjectionsView { data })?;
    reply.set(header::CACHE_CONTROL, headers::NO_STORE);
    Ok(reply)
}

fn problem(error: StatusError) -> Problem {
    match error {
        StatusError::Store(error) => eventdesk_app::QueryError::from(error).into(),
        StatusError::Views(error) => eventdesk_app::QueryError::from(error).into(),
    }
}
