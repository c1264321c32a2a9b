//! How each projection stands: which generations it has, how far behind it is, and whether it moves.

use eventdesk_events::Timestamp;

use super::{Beat, Lag, Projection, projections};
use crate::{
    ports::{EventStore, Position, ReadStore, ReadStoreError, StoreError, Written},
    replay::{ReplayState, Target},
};

/// A projector that has told nothing for so many milliseconds is not running.
const SILENT: i64 = 20_000;
/// One that has had the same batch in hand for so long, or has left events lying for so long, does not move.
const STUCK: i64 = 30_000;

/// Whether a projector moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It has nothing to do.
    Idle,
    /// It works on events.
    Working,
    /// Events wait, and nothing happens to them.
    Frozen,
    /// It has told nothing of late, and whether events wait is not known.
    Unknown,
}

/// A view of a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewStatus {
    /// Its name.
    pub name: &'static str,
    /// The generations that are written.
    pub written: Written,
    /// Whether the live one was made by another version of the projection.
    pub rebuild_due: bool,
}

/// How a projection stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Its name.
    pub target: Target,
    /// Whether it moves.
    pub motion: Motion,
    /// Its views.
    pub views: Vec<ViewStatus>,
    /// How far it is in the log, where there is one.
    pub position: Option<Position>,
    /// What it has not worked through, where that can be known.
    pub lag: Option<Lag>,
    /// What its projector told last.
    pub beat: Option<Beat>,
    /// The newest replay.
    pub replay: Option<ReplayState>,
}

/// Why it cannot be told how projections stand.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The event store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models.
    #[error(transparent)]
    Views(#[from] ReadStoreError),
}

/// How every projection stands.
///
/// # Errors
/// See [`StatusError`].
pub async fn statuses(
    store: &dyn EventStore,
    views: &dyn ReadStore,
    now: Timestamp,
) -> Result<Vec<Status>, StatusError> {
    let mut statuses = Vec::with_capacity(Target::ALL.len());
    for (target, projection) in Target::ALL.into_iter().zip(projections()) {
        statuses.push(status(target, &*projection, store, views, now).await?);
    }
    Ok(statuses)
}

async fn status(
    target: Target,
    projection: &dyn Projection,
    store: &dyn EventStore,
    views: &dyn ReadStore,
    now: Timestamp,
) -> Result<Status, StatusError> {
    let mut told = Vec::new();
    for (view, written) in projection.views().iter().zip(views.written(projection.views()).await?) {
        let rebuild_due = views.live_shape(view).await? != view.shape;
        told.push(ViewStatus { name: view.name, written, rebuild_due });
    }
    let beat = Beat::newest(views, &[projection.name()]).await?.pop().flatten();
    let (position, lag) = match store.log() {
        Some(log) => {
            let cursor = views.consumer(projection.name()).await?.cursor;
            let retries = views.retries(projection.name()).await?;
            let lag = Lag::behind(log, cursor, projection).await?;
            (Some(cursor), Some(lag.and_retried(log, &retries, projection).await?))
        }
        None => (None, None),
    };
    let replay = ReplayState::newest(views, target).await?;
    let motion = motion(lag, beat.as_ref(), now);
    Ok(Status { target, motion, views: told, position, lag, beat, replay })
}

fn motion(lag: Option<Lag>, beat: Option<&Beat>, now: Timestamp) -> Motion {
    let age = |at: Option<Timestamp>| at.map(|at| now.millis().saturating_sub(at.millis()));
    let silent = age(beat.and_then(|beat| beat.at)).is_none_or(|age| age > SILENT);
    let busy_for = age(beat.and_then(|beat| beat.busy_since));
    match lag {
        Some(Lag { events: 0, .. }) => Motion::Idle,
        Some(_) if silent => Motion::Frozen,
        None if silent => Motion::Unknown,
        _ if busy_for.is_some_and(|busy| busy > STUCK) => Motion::Frozen,
        Some(lag) => {
            let waiting = age(lag.oldest_at).is_some_and(|age| age > STUCK);
            let moves = beat.is_some_and(|beat| beat.per_second > 0.0);
            if waiting && !moves { Motion::Frozen } else { Motion::Working }
        }
        None if busy_for.is_some() => Motion::Working,
        None => Motion::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn beat(busy_since: Option<i64>, per_second: f64) -> Beat {
        Beat { at: Some(at(100_000)), busy_since: busy_since.map(at), per_second, ..Beat::default() }
    }

    fn lag(events: u64, oldest: i64) -> Lag {
        Lag { events, oldest_at: Some(at(oldest)), ..Lag::default() }
    }

    #[test]
    fn who_has_nothing_to_do_is_idle_even_if_silent() {
        for now in [100_000, 900_000] {
            assert_eq!(motion(Some(Lag::default()), Some(&beat(None, 0.0)), at(now)), Motion::Idle);
        }
    }

    #[test]
    fn who_leaves_events_lying_is_frozen() {
        let now = at(101_000);
        assert_eq!(motion(Some(lag(3, 100_900)), Some(&beat(None, 0.0)), now), Motion::Working);
        assert_eq!(motion(Some(lag(3, 10_000)), Some(&beat(None, 0.0)), now), Motion::Frozen);
        assert_eq!(motion(Some(lag(3, 10_000)), Some(&beat(None, 40.0)), now), Motion::Working);
        assert_eq!(motion(Some(lag(3, 100_900)), Some(&beat(Some(60_000), 0.0)), now), Motion::Frozen);
        assert_eq!(motion(Some(lag(3, 100_900)), Some(&beat(None, 0.0)), at(200_000)), Motion::Frozen);
        assert_eq!(motion(Some(lag(3, 100_900)), None, now), Motion::Frozen);
    }

    #[test]
    fn without_a_log_only_the_projector_knows() {
        let now = at(101_000);
        assert_eq!(motion(None, None, now), Motion::Unknown);
        assert_eq!(motion(None, Some(&beat(None, 0.0)), now), Motion::Idle);
        assert_eq!(motion(None, Some(&beat(Some(100_500), 9.0)), now), Motion::Working);
        assert_eq!(motion(None, Some(&beat(Some(60_000), 9.0)), now), Motion::Frozen);
    }
}
