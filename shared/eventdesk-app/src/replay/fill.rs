//! Segments, folded and filled into a generation.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use eventdesk_events::StreamId;
use tokio::task::JoinSet;

use super::{
    Replay, ReplayError, Step,
    fingerprint::first_revision,
    folding::{Corrections, Folder, Ground, Made},
    patience::patiently,
};
use crate::{
    ports::{Extent, Segment, ViewSpec},
    projections::Applied,
};

/// Commits read at a time.
const PAGE: usize = 1_000;
/// Documents written at a time, about.
const BATCH: usize = 500;

/// The documents of a segment, batch by batch.
pub(super) struct SegmentFold {
    page: usize,
    batch: usize,
    segment: Segment,
    place: Option<String>,
    ended: bool,
    folder: Folder,
    /// The stream in hand, of which nothing more can be folded.
    skipped: Option<StreamId>,
    /// Streams of which an event cannot be read.
    pub(super) poisoned: Vec<StreamId>,
    /// Events read so far.
    pub(super) events: u64,
    /// Those of them that the watcher has been told of.
    told: u64,
}

impl SegmentFold {
    /// All of a segment's documents, or about the first `most` streams of it.
    pub(super) fn new(step: Step, segment: Segment, most: Option<usize>) -> Self {
        Self {
            // A page of a small sample need not hold more streams than are wanted, if each had a few commits.
            page: most.map_or(PAGE, |most| most.saturating_mul(8).clamp(8, PAGE)),
            batch: most.map_or(BATCH, |most| most.clamp(1, BATCH)),
            segment,
            place: None,
            ended: false,
            folder: Folder::new(step),
            skipped: None,
            poisoned: Vec::new(),
            events: 0,
            told: 0,
        }
    }

    /// The next documents; nothing at the end. The watcher is told how far that is.
    pub(super) async fn next(
        &mut self,
        replay: &Replay,
        ground: &Ground<'_>,
    ) -> Result<Option<Vec<Made>>, ReplayError> {
        while !self.ended && self.folder.waiting() < self.batch {
            replay.go_on()?;
            let place = self.place.as_deref();
            let page = patiently(|| replay.scan.scan(&self.segment, place, self.page, Extent::Events)).await?;
            for scanned in page.commits {
                let stream = scanned.commit.stream;
                if self.skipped == Some(stream) {
                    continue;
                }
                self.events += scanned.commit.events.len() as u64;
                match Applied::of_commit(scanned.commit) {
                    Ok(commit) => self.folder.add(&commit)?,
                    Err(error) => {
                        tracing::error!(error = %error, %stream, "an event cannot be read: its document ends before it");
                        self.skipped = Some(stream);
                        self.poisoned.push(stream);
                    }
                }
            }
            self.place = page.next;
            if self.place.is_none() {
                self.ended = true;
                self.folder.close();
            }
        }
        let made = if self.folder.waiting() == 0 { None } else { Some(self.folder.take(ground).await?) };
        replay.watcher.advanced(self.events - self.told, made.as_ref().map_or(0, |made| made.len() as u64));
        self.told = self.events;
        Ok(made)
    }
}

/// The documents of each view that a step makes, in the order in which it makes them.
pub(super) fn by_view(step: Step, mut made: Vec<Made>) -> Vec<(&'static ViewSpec, Vec<Made>)> {
    let mut parted = Vec::new();
    for view in step.views() {
        let ours;
        (ours, made) = made.into_iter().partition(|made: &Made| made.view.name == view.name);
        parted.push((*view, ours));
    }
    parted
}

/// What became of a segment.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) events: u64,
    pub(super) documents: u64,
    /// Documents that this replay filled in, now or in an earlier try, by view.
    pub(super) ours: BTreeMap<&'static str, u64>,
    pub(super) poisoned: Vec<StreamId>,
}

impl Replay {
    /// Fills the documents of a segment into a generation.
    pub(super) async fn fill(
        &self,
        step: Step,
        segment: Segment,
        generations: &BTreeMap<&'static str, u32>,
    ) -> Result<Filled, ReplayError> {
        let corrections = Corrections::default();
        let ground = Ground { views: &*self.views, generations, corrections: &corrections };
        let mut fold = SegmentFold::new(step, segment, None);
        let mut done = Filled::default();
        while let Some(made) = fold.next(self, &ground).await? {
            done.documents += made.len() as u64;
            for (view, ours) in by_view(step, made) {
                *done.ours.entry(view.name).or_default() += self.fill_view(view, ours, &ground).await?;
            }
        }
        done.events = fold.events;
        done.poisoned = fold.poisoned;
        Ok(done)
    }

    async fn fill_view(
        &self,
        view: &'static ViewSpec,
        made: Vec<Made>,
        ground: &Ground<'_>,
    ) -> Result<u64, ReplayError> {
        if made.is_empty() {
            return Ok(0);
        }
        let generation = ground.generation(view);
        let mut origins = Vec::with_capacity(made.len());
        let mut documents = Vec::with_capacity(made.len());
        for Made { mut document, stream, at, .. } in made {
            document.revision = first_revision(&document);
            documents.push(document);
            origins.push((stream, at));
        }
        let documents = Arc::new(documents);
        let there = patiently(|| self.views.fill(view, generation, Arc::clone(&documents))).await?;
        let mut filled = (documents.len() - there.len()) as u64;
        for place in there {
            // Somebody was faster: a projector, or an earlier try of this replay.
            let (stream, at) = origins[place];
            let made = Made { view, document: documents[place].clone(), stream, at };
            filled += u64::from(self.merge(&made, ground).await?);
        }
        Ok(filled)
    }
}

pub(super) type Task<T> = Pin<Box<dyn Future<Output = Result<T, ReplayError>> + Send>>;

/// Runs tasks side by side, and hands on what each makes. The first failure ends all of them.
pub(super) async fn side_by_side<T: Send + 'static>(
    workers: usize,
    tasks: Vec<Task<T>>,
    mut done: impl AsyncFnMut(T) -> Result<(), ReplayError>,
) -> Result<(), ReplayError> {
    let mut tasks = tasks.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < workers.max(1)
            && let Some(task) = tasks.next()
        {
            running.spawn(task);
        }
        match running.join_next().await {
            None => return Ok(()),
            Some(Ok(made)) => done(made?).await?,
            Some(Err(ended)) => return Err(crate::ports::StoreError::Internal(ended.into()).into()),
        }
    }
}
