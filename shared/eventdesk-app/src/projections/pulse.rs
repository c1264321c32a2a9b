//! Signs of life of a running projector: what tells one that is idle from one that is frozen, and what it has seen of
//! orders.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use eventdesk_events::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::timeout};

use crate::ports::{ApplyError, Clock, Document, Put, ReadStore, ReadStoreError, ViewSpec, Written};

/// How often orders are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A beat is stored after so many milliseconds, or when an order was seen.
const BEAT: i64 = 5_000;

/// The newest pulse of each projector that runs for long, by its name.
pub static PULSES: ViewSpec = ViewSpec { name: "pulses", shape: 1, fields: &[], indexes: &[] };

/// What a projector tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Since when it has been working on the batch in hand; nothing while it waits for events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_since: Option<Timestamp>,
    /// Events worked through since it was started.
    pub events: u64,
    /// Events a second since the beat before.
    pub per_second: f64,
    /// When the newest event was made that it has worked through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_event_at: Option<Timestamp>,
    /// What went wrong last; no private text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<Timestamp>,
    /// The generations that it writes besides the live ones, as far as it has seen, by view.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub also: BTreeMap<String, u32>,
}

/// Where a projector notes what it does, to be told now and then.
#[derive(Debug, Default)]
pub struct Pulse {
    // A std mutex: held for a few assignments.
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    beat: Beat,
    /// Grows with each batch that begins.
    batches: u64,
    busy: bool,
    /// The batch that was in hand at the last beat.
    told: u64,
}

impl Pulse {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a batch is in hand.
    pub(super) fn begin(&self) {
        let mut inner = self.inner();
        // A batch that is tried again is the same one.
        if !std::mem::replace(&mut inner.busy, true) {
            inner.batches += 1;
        }
    }

    /// Notes that a batch is through.
    pub(super) fn end(&self, events: u64, newest_event_at: Option<Timestamp>) {
        let mut inner = self.inner();
        inner.busy = false;
        let beat = &mut inner.beat;
        beat.events += events;
        beat.newest_event_at = beat.newest_event_at.max(newest_event_at);
    }

    /// Notes what went wrong.
    pub(super) fn failed(&self, error: &str) {
        let beat = &mut self.inner().beat;
        beat.last_error = Some(error.to_owned());
        beat.last_error_at = None;
    }

    /// Notes which generations are written.
    pub fn seen(&self, views: &[&'static ViewSpec], written: &[Written]) {
        let also = views.iter().zip(written);
        let also = also.filter_map(|(view, written)| Some((view.name.to_owned(), written.also?))).collect();
        self.inner().beat.also = also;
    }

    /// Stores beats of a projector until `stop` holds true. What cannot be stored is told next time.
    ///
    /// It looks at orders itself, so that an idle projector acknowledges them too: whatever batch begins after that
    /// finds the same order or a newer one.
    pub async fn keep(
        &self,
        (projector, wrote): (&str, &'static [&'static ViewSpec]),
        views: &dyn ReadStore,
        clock: &dyn Clock,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut last: Option<Beat> = None;
        loop {
            match views.written(wrote).await {
                Ok(written) => self.seen(wrote, &written),
                Err(error) => tracing::debug!(error = %error, projector, "orders cannot be read"),
            }
            let beat = self.tell(clock.now(), last.as_ref());
            let age = |last: &Beat| clock.now().millis().saturating_sub(last.at.map_or(0, Timestamp::millis));
            if last.as_ref().is_none_or(|last| last.also != beat.also || age(last) >= BEAT) {
                match beat.store(views, projector).await {
                    Ok(()) => last = Some(beat),
                    Err(error) => tracing::debug!(error = %error, projector, "a sign of life is not stored"),
                }
            }
            if timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    /// The newest beat, as of `now`.
    pub fn tell(&self, now: Timestamp, before: Option<&Beat>) -> Beat {
        let inner = &mut *self.inner();
        let same = std::mem::replace(&mut inner.told, inner.batches) == inner.batches;
        let beat = &mut inner.beat;
        beat.busy_since = match (inner.busy, beat.busy_since) {
            (true, Some(since)) if same => Some(since),
            (true, _) => Some(now),
            (false, _) => None,
        };
        beat.at = Some(now);
        if beat.last_error.is_some() && beat.last_error_at.is_none() {
            beat.last_error_at = Some(now);
        }
        let since = before.and_then(|before| Some((before.at?, before.events)));
        beat.per_second = since.map_or(0.0, |(at, events)| {
            let millis = u32::try_from(now.millis().saturating_sub(at.millis())).unwrap_or(u32::MAX).max(1);
            let events = u32::try_from(beat.events.saturating_sub(events)).unwrap_or(u32::MAX);
            f64::from(events) * 1000.0 / f64::from(millis)
        });
        beat.clone()
    }
}

impl Beat {
    /// Stores the beat as the newest of a projector. Whoever tells at the same moment may win.
    ///
    /// # Errors
    /// See [`ApplyError`].
    pub async fn store(&self, views: &dyn ReadStore, projector: &str) -> Result<(), ApplyError> {
        let unavailable = |error: ReadStoreError| ApplyError::Unavailable(error.into());
        let stored = views.get(&PULSES, &[projector]).await.map_err(unavailable)?.pop().flatten();
        let revision = stored.map_or(0, |document| document.revision) + 1;
        let body = serde_json::to_string(self).map_err(|error| ApplyError::Internal(error.into()))?;
        let (id, fields) = (projector.to_owned(), Vec::new());
        let document = Document { id, version: revision, revision, deleted: false, fields, body };
        match views.apply(vec![Put { view: &PULSES, document }], None).await {
            Err(ApplyError::GuardLost { .. }) => Ok(()),
            stored => stored,
        }
    }

    /// The newest beats of these projectors, in their order; nothing where none was ever told.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    pub async fn newest(views: &dyn ReadStore, projectors: &[&str]) -> Result<Vec<Option<Self>>, ReadStoreError> {
        let stored = views.glance(&PULSES, projectors).await?;
        // One that another build has told may not be readable.
        Ok(stored.into_iter().map(|found| serde_json::from_str(&found?.body).ok()).collect())
    }
}
