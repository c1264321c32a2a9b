//! The way of a replay, from an empty generation to a live one.

use std::{collections::BTreeMap, time::Duration};

use eventdesk_events::Timestamp;
use tokio::{
    sync::{Mutex, Notify},
    time::sleep,
};

use super::{
    Replay, ReplayError, ReplayState, Stage, Step, Target,
    fill::{Filled, Task, side_by_side},
    patience::patiently,
    state::{Row, StepState},
};
use crate::{
    ports::{Generation, ReadStoreError, Segment, ViewSpec},
    projections::Beat,
};

/// A state that was stored so short a time ago may be that of a process which still works, in milliseconds.
const ALIVE: i64 = 30_000;
/// Whoever works on a replay stores its state at least so often.
const BEAT: Duration = Duration::from_secs(3);
/// For how long it is watched whether somebody still works on a replay that is to be gone on with.
const WATCHED: Duration = Duration::from_secs(10);
/// A projector that told of itself so short a time ago is running, in milliseconds.
const RUNNING: i64 = 20_000;
/// How long projectors may take to tell that they have seen an order.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);
/// So many segments a step: what an interruption costs is less than one for each worker.
const SEGMENTS: usize = 64;
/// The old generation is kept for so many times as long as others may not know of the flip.
const GRACE: u32 = 60;

/// How a replay is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct RebuildOptions {
    /// Goes on with an interrupted replay.
    pub resume: bool,
    /// Builds and checks, and leaves the live generation as it is.
    pub generation_only: bool,
    /// Keeps the old generation, which is written on, so that a flip back takes a moment.
    pub keep_old: bool,
}

/// What a replay has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The projection.
    pub target: Target,
    /// Events read, in all tries.
    pub events: u64,
    /// Documents made.
    pub documents: u64,
    /// The generation of each view that was built.
    pub generations: BTreeMap<String, u32>,
    /// Whether queries read it by now.
    pub live: bool,
    /// Streams of which an event cannot be read: their documents end before it.
    pub poisoned: Vec<String>,
}

type Generations = BTreeMap<&'static str, u32>;

/// A replay that this process works on.
struct Journal {
    state: ReplayState,
    row: Row,
}

impl Replay {
    /// Builds the next generation of a projection, checks it, and makes it the live one.
    ///
    /// # Errors
    /// See [`ReplayError`]; whatever it is, queries are answered as before, and `resume` goes on.
    pub async fn rebuild(&self, target: Target, options: RebuildOptions) -> Result<Finished, ReplayError> {
        let journal = Mutex::new(self.open(target, options).await?);
        let done = self.work(target, options, &journal).await;
        let mut journal = journal.into_inner();
        if let Err(error) = done {
            // Whoever goes on need not watch whether it is still worked on. If this cannot be noted, they do.
            journal.state.resting = true;
            let _ = self.store_state(&mut journal).await;
            return Err(error);
        }
        let ReplayState { events, documents, generations, poisoned, stage, .. } = journal.state;
        let live = matches!(stage, Stage::Flipped | Stage::Done);
        Ok(Finished { target, events, documents, generations, live, poisoned })
    }

    /// An interrupted replay to go on with, or a new one.
    async fn open(&self, target: Target, options: RebuildOptions) -> Result<Journal, ReplayError> {
        let (found, row) = Row::load(&*self.views, target).await?;
        match found {
            Some(state) if options.resume && state.stage != Stage::Done && state.has_generations(target) => {
                if self.may_be_alive(&state) && self.is_worked_on(target, &row).await? {
                    return Err(ReplayError::UnderWay(target.name()));
                }
                let mut journal = Journal { state: ReplayState { resting: false, ..state }, row };
                // Of two that go on at once one does, and the other harms nothing.
                self.store_state(&mut journal).await?;
                Ok(journal)
            }
            found => self.begin(target, found, row).await,
        }
    }

    async fn work(&self, target: Target, options: RebuildOptions, journal: &Mutex<Journal>) -> Result<(), ReplayError> {
        let generations = generations(target, &journal.lock().await.state);
        let stage = async || journal.lock().await.state.stage;
        if journal.lock().await.state.is_unfinished() {
            self.order(target, &generations).await?;
        }
        if stage().await == Stage::Filling {
            self.beating(journal, self.fill_all(target, journal, &generations)).await?;
            self.enter(Stage::Checking, journal).await?;
        }
        if stage().await == Stage::Checking {
            let state = journal.lock().await.state.clone();
            // Side by side: the one reads, the other writes what nobody reads yet.
            let indexes = self.make_all_indexes(target, &generations);
            let both = async { tokio::try_join!(self.check(target, &state, &generations), indexes).map(|_| ()) };
            self.beating(journal, both).await?;
            self.enter(Stage::Ready, journal).await?;
        }
        if stage().await == Stage::Ready && !options.generation_only {
            self.watcher.stage(target, "flipping", 0);
            // One that was interrupted between the flip and its note finds it done.
            if !self.is_live(target, &generations).await? {
                self.make_all_indexes(target, &generations).await?;
                self.acknowledged(target, &generations).await?;
                self.views.flip(&pairs(target, &generations)).await?;
            }
            self.enter(if options.keep_old { Stage::Done } else { Stage::Flipped }, journal).await?;
        }
        if stage().await == Stage::Flipped {
            self.watcher.stage(target, "dropping the old generation", 0);
            sleep(self.views.notice() * GRACE).await;
            // Who began a replay meanwhile has stored its own state, and builds what would be dropped here.
            self.store_state(&mut *journal.lock().await).await?;
            self.drop_others(target).await?;
            self.enter(Stage::Done, journal).await?;
        }
        Ok(())
    }

    async fn enter(&self, stage: Stage, journal: &Mutex<Journal>) -> Result<(), ReplayError> {
        let mut journal = journal.lock().await;
        journal.state.stage = stage;
        self.store_state(&mut journal).await
    }

    /// Stores how far a replay is.
    async fn store_state(&self, journal: &mut Journal) -> Result<(), ReplayError> {
        journal.row.save(&*self.views, &mut journal.state, self.clock.now()).await
    }

    /// Does a piece of work, and notes every few seconds that it is being done.
    async fn beating(
        &self,
        journal: &Mutex<Journal>,
        work: impl Future<Output = Result<(), ReplayError>>,
    ) -> Result<(), ReplayError> {
        let over = Notify::new();
        let beats = async {
            loop {
                tokio::select! {
                    () = over.notified() => return Ok(()),
                    () = sleep(BEAT) => self.store_state(&mut *journal.lock().await).await?,
                }
            }
        };
        let work = async {
            let done = work.await;
            over.notify_one();
            done
        };
        // Joined, so that no note is left half-way.
        let (done, noted): (_, Result<(), ReplayError>) = tokio::join!(work, beats);
        done.and(noted)
    }

    /// Whether another process stores how far it is, while this one looks on.
    async fn is_worked_on(&self, target: Target, row: &Row) -> Result<bool, ReplayError> {
        self.watcher.stage(target, "looking whether another process works on it", 0);
        let mut waited = Duration::ZERO;
        while waited < WATCHED {
            self.go_on()?;
            sleep(PAUSE).await;
            waited += PAUSE;
            if row.moved(&*self.views).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the second generation of a projection the live one, be it a new one or the one before; at once, unless it
    /// lacks indexes.
    ///
    /// # Errors
    /// [`ReplayError::NoOther`], [`ReplayError::Incomplete`], or what the read models say.
    pub async fn flip(&self, target: Target) -> Result<BTreeMap<String, u32>, ReplayError> {
        let (found, mut row) = Row::load(&*self.views, target).await?;
        if found.as_ref().is_some_and(ReplayState::is_unfinished) {
            return Err(ReplayError::Incomplete(target.name()));
        }
        let mut others = Generations::new();
        for view in target.views() {
            let all = self.views.stored_generations(view).await?;
            let other = all.iter().find(|generation| generation.also);
            others.insert(view.name, other.ok_or(ReplayError::NoOther(target.name()))?.number);
        }
        self.make_all_indexes(target, &others).await?;
        self.views.flip(&pairs(target, &others)).await?;
        if let Some(mut state) = found {
            state.stage = Stage::Done;
            row.save(&*self.views, &mut state, self.clock.now()).await?;
        }
        Ok(others.into_iter().map(|(view, generation)| (view.to_owned(), generation)).collect())
    }

    /// Drops every generation of a projection but the live one.
    ///
    /// # Errors
    /// [`ReplayError::UnderWay`], or what the read models say.
    pub async fn drop_old(&self, target: Target) -> Result<(), ReplayError> {
        let (found, mut row) = Row::load(&*self.views, target).await?;
        if found.as_ref().is_some_and(|state| self.may_be_alive(state)) {
            return Err(ReplayError::UnderWay(target.name()));
        }
        self.drop_others(target).await?;
        if let Some(mut state) = found {
            state.stage = Stage::Done;
            row.save(&*self.views, &mut state, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Whether queries read these generations by now.
    async fn is_live(&self, target: Target, generations: &Generations) -> Result<bool, ReadStoreError> {
        for (view, generation) in pairs(target, generations) {
            if self.views.generation(view).await? != generation {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn may_be_alive(&self, state: &ReplayState) -> bool {
        state.is_unfinished() && !state.resting && self.age(state.touched_at) < ALIVE
    }

    fn age(&self, at: Timestamp) -> i64 {
        self.clock.now().millis().saturating_sub(at.millis())
    }

    async fn begin(&self, target: Target, found: Option<ReplayState>, row: Row) -> Result<Journal, ReplayError> {
        if found.as_ref().is_some_and(|state| self.may_be_alive(state)) {
            return Err(ReplayError::UnderWay(target.name()));
        }
        let abandoned = found.as_ref().is_some_and(ReplayState::is_unfinished);
        for view in target.views() {
            let all = self.views.stored_generations(view).await?;
            if !abandoned && all.iter().any(|generation: &Generation| generation.also) {
                return Err(ReplayError::Kept(target.name()));
            }
        }
        // Noted before anything is touched: of two that begin at once one goes on, and the other harms nothing.
        let state = ReplayState::new(self.clock.now(), target, BTreeMap::new());
        let mut journal = Journal { state, row };
        self.store_state(&mut journal).await?;
        self.watcher.stage(target, "making room", 0);
        let noted = Mutex::new(journal);
        self.beating(&noted, async { Ok(self.drop_others(target).await?) }).await?;
        journal = noted.into_inner();
        for view in target.views() {
            journal.state.generations.insert(view.name.to_owned(), self.views.make_generation(view).await?);
        }
        self.store_state(&mut journal).await?;
        Ok(journal)
    }

    async fn drop_others(&self, target: Target) -> Result<(), ReadStoreError> {
        let none: Vec<_> = target.views().iter().map(|view| (*view, None)).collect();
        self.views.write_also(&none).await?;
        // Others may still read or write what they knew before the last order or flip.
        sleep(self.views.notice()).await;
        // Dropping takes long: what is made meanwhile is another replay's.
        let mut others = Vec::new();
        for view in target.views() {
            let all = self.views.stored_generations(view).await?;
            others.extend(all.iter().filter(|one| !one.live).map(|one| (*view, one.number)));
        }
        for (view, generation) in others {
            self.views.drop_generation(view, generation).await?;
        }
        for view in target.views() {
            self.views.finish_drops(view).await?;
        }
        Ok(())
    }

    /// Orders projectors to write both, and waits until nobody can act on what was before.
    async fn order(&self, target: Target, generations: &Generations) -> Result<(), ReplayError> {
        let orders: Vec<_> =
            pairs(target, generations).into_iter().map(|(view, generation)| (view, Some(generation))).collect();
        self.views.write_also(&orders).await?;
        sleep(self.views.notice()).await;
        Ok(())
    }

    async fn fill_all(
        &self,
        target: Target,
        journal: &Mutex<Journal>,
        generations: &Generations,
    ) -> Result<(), ReplayError> {
        let steps = journal.lock().await.state.steps.len();
        for number in 0..steps {
            let StepState { step, segments } = journal.lock().await.state.steps[number].clone();
            let segments = match segments {
                Some(left) => left,
                None => self.cut(step).await?,
            };
            {
                let mut journal = journal.lock().await;
                journal.state.steps[number].segments = Some(segments.clone());
                self.store_state(&mut journal).await?;
            }
            self.watcher.stage(target, &step.name(), segments.len());
            let task = |(number, segment): (usize, Segment)| -> Task<(usize, Filled)> {
                let (replay, generations) = (self.clone(), generations.clone());
                Box::pin(async move { Ok((number, replay.fill(step, segment, &generations).await?)) })
            };
            side_by_side(self.workers, segments.into_iter().map(task).collect(), async |(segment, filled)| {
                self.watcher.part_done();
                let mut journal = journal.lock().await;
                journal.state.take_in(number, segment, filled);
                self.store_state(&mut journal).await
            })
            .await?;
            // Others wait until nothing is filled in any more; this one is looked up by the steps to come.
            for view in step.read_later() {
                self.watcher.stage(target, &format!("indexes of {}", view.name), 0);
                self.make_indexes(view, generations).await?;
            }
        }
        Ok(())
    }

    /// Makes the indexes that a generation lacks.
    async fn make_indexes(&self, view: &'static ViewSpec, generations: &Generations) -> Result<(), ReplayError> {
        let Some(generation) = generations.get(view.name) else { return Ok(()) };
        Ok(patiently(|| self.views.make_indexes(view, *generation)).await?)
    }

    /// Makes the indexes that generations lack which are to be live: queries rely on them, and a build may have declared
    /// more of them since the generations were built.
    async fn make_all_indexes(&self, target: Target, generations: &Generations) -> Result<(), ReplayError> {
        for view in target.views() {
            self.make_indexes(view, generations).await?;
        }
        Ok(())
    }

    /// The segments of a step, by number.
    pub(super) async fn cut(&self, step: Step) -> Result<BTreeMap<usize, Segment>, ReplayError> {
        Ok(self.scan.segments(step.category(), SEGMENTS).await?.into_iter().enumerate().collect())
    }

    /// Waits until every projector that runs has seen the order.
    async fn acknowledged(&self, target: Target, generations: &Generations) -> Result<(), ReplayError> {
        let name = target.projector();
        let mut waited = Duration::ZERO;
        loop {
            let beat = Beat::newest(&*self.views, &[name]).await?.pop().flatten();
            let running = beat.filter(|beat| beat.at.is_some_and(|at| self.age(at) < RUNNING));
            let seen =
                |beat: &Beat| generations.iter().all(|(view, generation)| beat.also.get(*view) == Some(generation));
            if running.as_ref().is_none_or(seen) {
                return Ok(());
            }
            if waited >= ACKNOWLEDGED_WITHIN {
                return Err(ReplayError::NotAcknowledged(name.to_owned()));
            }
            self.go_on()?;
            sleep(PAUSE).await;
            waited += PAUSE;
        }
    }
}

impl ReplayState {
    /// Whether it came as far as to make what it builds.
    fn has_generations(&self, target: Target) -> bool {
        target.views().iter().all(|view| self.generations.contains_key(view.name))
    }

    fn take_in(&mut self, step: usize, segment: usize, filled: Filled) {
        if let Some(segments) = &mut self.steps[step].segments {
            segments.remove(&segment);
        }
        self.events += filled.events;
        self.documents += filled.documents;
        for (view, documents) in filled.ours {
            *self.filled.entry(view.to_owned()).or_default() += documents;
        }
        self.poisoned.extend(filled.poisoned.iter().map(ToString::to_string));
    }
}

fn generations(target: Target, state: &ReplayState) -> Generations {
    let of = |view: &&'static ViewSpec| Some((view.name, *state.generations.get(view.name)?));
    target.views().iter().filter_map(of).collect()
}

fn pairs(target: Target, generations: &Generations) -> Vec<(&'static ViewSpec, u32)> {
    target.views().iter().filter_map(|view| Some((*view, *generations.get(view.name)?))).collect()
}
