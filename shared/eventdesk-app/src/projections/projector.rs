//! Runs one projection over what its queue delivers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{Nudges, Plan, Projection, ProjectionError, Pulse, Sources, beside::Beside};
use crate::ports::{
    ApplyError, Delivery, DeliveryId, EventStore, Progress, Put, Queue, ReadStore, Settlement, Written,
};

/// How many deliveries a batch has at most.
const BATCH: usize = 256;
/// Batches of one projector begin at least this far apart, unless one is full: under load many events then share one
/// write, for the price of so much lag. The first event after a quiet moment waits for nothing.
const PACE: Duration = Duration::from_millis(10);
/// How often a batch is planned anew after losing a guard.
const MOST_PLANS: u32 = 5;
/// The longest pause while something is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Projects deliveries into views.
#[derive(Clone)]
pub struct Projector {
    projection: Arc<dyn Projection>,
    sources: Sources,
    pulse: Arc<Pulse>,
}

/// A batch by subject: which deliveries stand behind each.
#[derive(Default)]
struct Batch {
    subjects: Vec<Nudges>,
    deliveries: Vec<Vec<DeliveryId>>,
    settlement: Settlement,
}

impl Projector {
    /// A projector of `projection` that reads the truth from `store`.
    pub fn new(projection: Arc<dyn Projection>, store: Arc<dyn EventStore>, views: Arc<dyn ReadStore>) -> Self {
        Self { projection, sources: Sources { store, views }, pulse: Arc::default() }
    }

    /// The consumer's name.
    pub fn name(&self) -> &'static str {
        self.projection.name()
    }

    /// The views that it writes.
    pub fn views(&self) -> &'static [&'static crate::ports::ViewSpec] {
        self.projection.views()
    }

    /// Where it notes what it does.
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Whether events of a type concern this projector.
    pub fn takes(&self, event_type: &str) -> bool {
        self.projection.takes(event_type)
    }

    /// Works through one batch; every delivery is either done or failed afterwards.
    ///
    /// # Errors
    /// `Unavailable` if the batch as a whole should come again.
    pub async fn handle(&self, deliveries: Vec<Delivery>) -> Result<Settlement, ProjectionError> {
        self.work(deliveries, |_| None).await
    }

    /// Works through what the queue delivers until `stop` holds true.
    pub async fn run(&self, queue: &dyn Queue, mut stop: watch::Receiver<bool>) {
        let mut pause = Duration::ZERO;
        loop {
            let received = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                received = queue.receive(BATCH) => received,
            };
            let mut next = Instant::now();
            let outcome = match received {
                Ok(deliveries) => {
                    if deliveries.len() < BATCH {
                        next += PACE;
                    }
                    self.settle(queue, deliveries, &stop).await
                }
                Err(error) => Err(ProjectionError::Unavailable(error.into())),
            };
            pause = match outcome {
                Ok(()) => Duration::ZERO,
                Err(error) => {
                    self.pulse.failed(&error.to_string());
                    tracing::warn!(error = %error, projector = self.name(), "projector waits");
                    (pause * 2).clamp(Duration::from_millis(100), LONGEST_PAUSE)
                }
            };
            if pause.is_zero() {
                sleep_until(next).await;
            } else {
                let _ = timeout(pause, stop.wait_for(|stop| *stop)).await;
            }
        }
    }

    /// A batch in hand is tried until it is through, or until the end.
    async fn settle(
        &self,
        queue: &dyn Queue,
        deliveries: Vec<Delivery>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), ProjectionError> {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.work(deliveries.clone(), |settlement| queue.progress(settlement)).await {
                Ok(settlement) => {
                    return queue.settle(settlement).await.map_err(|error| ProjectionError::Unavailable(error.into()));
                }
                Err(error) if *stop.borrow() => return Err(error),
                Err(error) => {
                    self.pulse.failed(&error.to_string());
                    tracing::warn!(error = %error, projector = self.name(), "views cannot be written, trying again");
                    let mut stop = stop.clone();
                    let _ = timeout(pause, stop.wait_for(|stop| *stop)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn work(
        &self,
        deliveries: Vec<Delivery>,
        progress: impl Fn(&Settlement) -> Option<Progress> + Send + Sync,
    ) -> Result<Settlement, ProjectionError> {
        let newest = deliveries.iter().flat_map(|delivery| &delivery.events).map(|event| event.occurred_at).max();
        let events = deliveries.iter().map(|delivery| delivery.events.len() as u64).sum();
        self.pulse.begin();
        let batch = self.sort(deliveries);
        for _ in 0..MOST_PLANS {
            // After the events came: what was appended before an order was given, a rebuild reads itself.
            let written = self.sources.views.written(self.views()).await?;
            self.pulse.seen(self.views(), &written);
            let plans = self.projection.plan(&self.sources, &batch.subjects).await?;
            let (puts, settlement) = batch.outcome(plans, self.name());
            for (_, reason) in &settlement.failed {
                self.pulse.failed(reason);
            }
            match self.apply(puts, progress(&settlement), &written, &batch).await {
                Ok(()) => {
                    self.pulse.end(events, newest);
                    return Ok(settlement);
                }
                Err(ApplyError::GuardLost { view, id }) => {
                    tracing::debug!(view, document.id = id, "lost a guard, planning anew");
                }
                Err(ApplyError::Unavailable(source)) => return Err(ProjectionError::Unavailable(source)),
                Err(ApplyError::Internal(source)) => {
                    tracing::error!(error = %source, projector = self.name(), "a batch was refused, going one by one");
                    return self.one_by_one(&batch, &progress).await;
                }
            }
        }
        Err(ProjectionError::Unavailable("documents keep changing".into()))
    }

    /// Writes what is planned, and what the same events do in generations that are written besides the live ones.
    async fn apply(
        &self,
        puts: Vec<Put>,
        progress: Option<Progress>,
        written: &[Written],
        batch: &Batch,
    ) -> Result<(), ApplyError> {
        if written.iter().all(|written| written.also.is_none()) {
            return self.sources.views.apply(puts, progress).await;
        }
        let both = self.views().iter().copied().zip(written);
        let live =
            Beside::new(self.sources.views.clone(), both.clone().map(|(view, both)| (view, both.live)).collect());
        let also = both.filter_map(|(view, both)| Some((view, both.also?))).collect();
        let also = Beside::new(self.sources.views.clone(), also);
        let place = |beside: &Beside, put: Put| beside.generation_of(put.view).map(|generation| (generation, put));
        let mut placed: Vec<_> = puts.into_iter().filter_map(|put| place(&live, put)).collect();
        let also = Arc::new(also);
        let sources = Sources { store: self.sources.store.clone(), views: also.clone() };
        let plans = match self.projection.plan(&sources, &batch.subjects).await {
            Ok(plans) => plans,
            // It was dropped meanwhile, or cannot be read just now: the batch is planned anew.
            Err(error) => return Err(ApplyError::Unavailable(error.into())),
        };
        for plan in plans {
            match plan {
                Ok(puts) => placed.extend(puts.into_iter().filter_map(|put| place(&also, put))),
                Err(error) => {
                    tracing::warn!(error = %error, projector = self.name(), "the generation beside the live one lacks events");
                }
            }
        }
        self.sources.views.apply_in(placed, progress).await
    }

    /// Finds which subject a store refuses, so that the others are not held up by it.
    async fn one_by_one(
        &self,
        batch: &Batch,
        progress: &(impl Fn(&Settlement) -> Option<Progress> + Send + Sync),
    ) -> Result<Settlement, ProjectionError> {
        let mut settlement = batch.settlement.clone();
        for (nudges, deliveries) in batch.subjects.iter().zip(&batch.deliveries) {
            match self.project(nudges).await? {
                Ok(()) => settlement.done.extend(deliveries.iter().cloned()),
                Err(reason) => settlement.failed.extend(deliveries.iter().map(|id| (id.clone(), reason.clone()))),
            }
        }
        settlement.prefer_failed();
        let applied = self.sources.views.apply(Vec::new(), progress(&settlement)).await;
        applied.map(|()| settlement).map_err(|error| ProjectionError::Unavailable(error.into()))
    }

    /// One subject by itself; the inner error says why it cannot be projected.
    async fn project(&self, nudges: &Nudges) -> Result<Result<(), String>, ProjectionError> {
        for _ in 0..MOST_PLANS {
            let puts = match self.projection.plan(&self.sources, std::slice::from_ref(nudges)).await?.pop() {
                Some(Ok(puts)) => puts,
                Some(Err(error)) => return Ok(Err(error.to_string())),
                None => return Ok(Ok(())),
            };
            let written = self.sources.views.written(self.views()).await?;
            let alone = Batch { subjects: vec![nudges.clone()], ..Batch::default() };
            match self.apply(puts, None, &written, &alone).await {
                Ok(()) => return Ok(Ok(())),
                Err(ApplyError::GuardLost { .. }) => {}
                Err(ApplyError::Unavailable(source)) => return Err(ProjectionError::Unavailable(source)),
                Err(ApplyError::Internal(source)) => return Ok(Err(source.to_string())),
            }
        }
        Err(ProjectionError::Unavailable("documents keep changing".into()))
    }

    /// Sorts deliveries by subject, in the order of their first event.
    fn sort(&self, deliveries: Vec<Delivery>) -> Batch {
        let mut batch = Batch::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for delivery in deliveries {
            let mut concerns = false;
            for envelope in delivery.events {
                if !self.projection.takes(&envelope.event_type) {
                    continue;
                }
                concerns = true;
                match self.projection.subject(&envelope) {
                    Ok(subject) => {
                        let place = *places.entry(subject.clone()).or_insert_with(|| {
                            batch.subjects.push(Nudges::about(subject));
                            batch.deliveries.push(Vec::new());
                            batch.subjects.len() - 1
                        });
                        batch.subjects[place].add(envelope);
                        if batch.deliveries[place].last() != Some(&delivery.id) {
                            batch.deliveries[place].push(delivery.id.clone());
                        }
                    }
                    Err(error) => batch.settlement.failed.push((delivery.id.clone(), error.to_string())),
                }
            }
            if !concerns {
                batch.settlement.done.push(delivery.id);
            }
        }
        batch
    }
}

impl Batch {
    /// What to write, and which deliveries are done with it.
    fn outcome(&self, plans: Vec<Plan>, projector: &str) -> (Vec<Put>, Settlement) {
        let mut puts = Vec::new();
        let mut settlement = self.settlement.clone();
        for (plan, (nudges, deliveries)) in plans.into_iter().zip(self.subjects.iter().zip(&self.deliveries)) {
            match plan {
                Ok(writes) => {
                    puts.extend(writes);
                    settlement.done.extend(deliveries.iter().cloned());
                }
                Err(error) => {
                    tracing::error!(error = %error, projector, subject = nudges.subject, "events cannot be projected");
                    settlement.failed.extend(deliveries.iter().map(|id| (id.clone(), error.to_string())));
                }
            }
        }
        settlement.prefer_failed();
        (puts, settlement)
    }
}

impl Settlement {
    /// A delivery with several subjects is done only when all of them are.
    fn prefer_failed(&mut self) {
        let failed: HashSet<&DeliveryId> = self.failed.iter().map(|(id, _)| id).collect();
        self.done.retain(|id| !failed.contains(id));
    }
}
