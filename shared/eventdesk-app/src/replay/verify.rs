//! Whole views, compared with the store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventdesk_domain::message::{Message, MessageFacts};
use eventdesk_events::{MessageId, StreamId, Version};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{
    Difference, Kind, Replay, ReplayError, Step, Target,
    fill::{SegmentFold, Task, by_view, side_by_side},
    fingerprint::fingerprint,
    folding::{Corrections, Ground, Made},
    judge::{Verdict, differing, stream_of},
    patience::patiently,
};
use crate::{
    ports::{Document, Segment, ViewSpec},
    projections::{HISTORY, HistoryDocument, MESSAGES, read},
};

/// Documents read at a time.
const PAGE: usize = 1_000;
/// As many differences are named; more are counted.
const MOST_NAMED: usize = 10_000;
/// Between two looks at a document that is not as it should be: it may be just being written.
const PAUSE: Duration = Duration::from_millis(300);

/// How a verification is done.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions {
    /// Only about so many documents of each kind, spread over the store.
    pub sample: Option<usize>,
    /// For how long documents are looked at again that are not as they should be; at least two looks are taken.
    pub patience: Duration,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { sample: None, patience: Duration::from_secs(10) }
    }
}

/// What was found of one view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ViewReport {
    /// The view.
    pub view: &'static str,
    /// The generation that was looked at.
    pub generation: u32,
    /// Documents that the store makes.
    pub expected: u64,
    /// Of these, those that were there.
    pub found: u64,
    /// The sum of all fingerprints of what the store makes, modulo 2^64.
    pub expected_checksum: u64,
    /// The same of what was there.
    pub found_checksum: u64,
    /// Documents that a projector has still to write or to bring on.
    pub waiting: u64,
}

/// What a verification has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Events read.
    pub events: u64,
    /// View by view.
    pub views: Vec<ViewReport>,
    /// Everything that is not as the store says.
    pub differences: Vec<Difference>,
    /// Differences that are not named, for there are too many.
    pub more: u64,
    /// Streams of which an event cannot be read.
    pub poisoned: Vec<String>,
}

impl Verified {
    /// Whether all is as the store says, and the store can be read.
    pub fn is_well(&self) -> bool {
        self.differences.is_empty() && self.more == 0 && self.poisoned.is_empty()
    }

    fn view(&mut self, view: &'static ViewSpec) -> &mut ViewReport {
        let place = self.views.iter().position(|report| report.view == view.name);
        let place = place.unwrap_or_else(|| {
            self.views.push(ViewReport { view: view.name, ..ViewReport::default() });
            self.views.len() - 1
        });
        &mut self.views[place]
    }

    fn has_named(&self, view: &ViewSpec, id: &str) -> bool {
        self.differences.iter().any(|known| known.view == view.name && known.id == id)
    }

    fn name(&mut self, difference: Difference) {
        if self.differences.len() < MOST_NAMED {
            self.differences.push(difference);
        } else {
            self.more += 1;
        }
    }
}

/// A document that was not as it should be at first sight.
#[derive(Debug, Clone)]
struct Suspect {
    view: &'static ViewSpec,
    id: String,
    from: Option<(StreamId, Version)>,
}

/// What was seen of a segment.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    /// By view: how many documents the store makes, how many are there, and the checksum of those that are the same.
    views: BTreeMap<&'static str, (u64, u64, u64)>,
    suspects: Vec<Suspect>,
    poisoned: Vec<StreamId>,
}

impl Replay {
    /// Compares the live views of a projection with what the store says.
    ///
    /// # Errors
    /// See [`ReplayError`]; a difference is none.
    pub async fn verify(&self, target: Target, options: VerifyOptions) -> Result<Verified, ReplayError> {
        let mut generations = BTreeMap::new();
        for view in target.views() {
            generations.insert(view.name, self.views.generation(view).await?);
        }
        let mut verified = Verified::default();
        for view in target.views() {
            verified.view(view).generation = generations[view.name];
        }
        let mut corrections = Corrections::default();
        for step in Step::of(target) {
            let suspects = self.look(target, step, &generations, &corrections, options, &mut verified).await?;
            self.resolve(target, suspects, &generations, &mut corrections, options, &mut verified).await?;
            if options.sample.is_none() {
                for view in step.completes() {
                    let extra = self.extra(target, view, &generations, &verified).await?;
                    self.resolve(target, extra, &generations, &mut corrections, options, &mut verified).await?;
                }
            }
        }
        if options.sample.is_none() {
            self.watcher.stage(target, "what queries find", 0);
            for view in target.views() {
                for id in self.views.misfiled(view, generations[view.name], None).await? {
                    if !verified.has_named(view, &id) {
                        verified.name(Difference { view: view.name, id, kind: Kind::Misfiled });
                    }
                }
            }
        }
        Ok(verified)
    }

    /// Compares what a step makes with what is there; what is not the same is looked at again later.
    async fn look(
        &self,
        target: Target,
        step: Step,
        generations: &BTreeMap<&'static str, u32>,
        corrections: &Corrections,
        options: VerifyOptions,
        verified: &mut Verified,
    ) -> Result<Vec<Suspect>, ReplayError> {
        let segments = self.cut(step).await?;
        self.watcher.stage(target, &step.name(), segments.len());
        let most = options.sample.map(|sample| sample.div_ceil(segments.len().max(1)));
        let corrections = Arc::new(corrections.clone());
        let task = |segment: Segment| -> Task<Seen> {
            let (replay, generations, corrections) = (self.clone(), generations.clone(), Arc::clone(&corrections));
            Box::pin(async move { replay.look_at(step, segment, &generations, &corrections, most).await })
        };
        let mut suspects = Vec::new();
        side_by_side(self.workers, segments.into_values().map(task).collect(), async |seen| {
            self.watcher.part_done();
            verified.events += seen.events;
            verified.poisoned.extend(seen.poisoned.iter().map(ToString::to_string));
            for view in step.views() {
                let (expected, found, checksum) = seen.views.get(view.name).copied().unwrap_or_default();
                let report = verified.view(view);
                report.expected += expected;
                report.found += found;
                report.expected_checksum = report.expected_checksum.wrapping_add(checksum);
                report.found_checksum = report.found_checksum.wrapping_add(checksum);
            }
            let room = MOST_NAMED.saturating_sub(suspects.len());
            verified.more += seen.suspects.len().saturating_sub(room) as u64;
            suspects.extend(seen.suspects.into_iter().take(room));
            Ok(())
        })
        .await?;
        Ok(suspects)
    }

    async fn look_at(
        &self,
        step: Step,
        segment: Segment,
        generations: &BTreeMap<&'static str, u32>,
        corrections: &Corrections,
        most: Option<usize>,
    ) -> Result<Seen, ReplayError> {
        let ground = Ground { views: &*self.views, generations, corrections };
        let mut fold = SegmentFold::new(step, segment, most);
        let (mut seen, mut left) = (Seen::default(), most.unwrap_or(usize::MAX));
        while left > 0
            && let Some(made) = fold.next(self, &ground).await?
        {
            let heads = made.iter().filter(|made| made.view.name != HISTORY.name).count();
            left = left.saturating_sub(heads.max(1));
            for (view, ours) in by_view(step, made) {
                self.compare(view, &ours, &ground, &mut seen).await?;
            }
        }
        seen.events = fold.events;
        seen.poisoned = fold.poisoned;
        Ok(seen)
    }

    async fn compare(
        &self,
        view: &'static ViewSpec,
        made: &[Made],
        ground: &Ground<'_>,
        seen: &mut Seen,
    ) -> Result<(), ReplayError> {
        if made.is_empty() {
            return Ok(());
        }
        let generation = ground.generation(view);
        let ids: Vec<&str> = made.iter().map(|made| made.document.id.as_str()).collect();
        let found = patiently(|| self.views.get_in(view, generation, &ids)).await?;
        let (expected, there, checksum) = seen.views.entry(view.name).or_default();
        *expected += made.len() as u64;
        for (made, found) in made.iter().zip(found) {
            *there += u64::from(found.is_some());
            if found.is_some_and(|found| differing(view, &made.document, &found).is_empty()) {
                *checksum = checksum.wrapping_add(fingerprint(&made.document));
            } else {
                let from = (view.name == HISTORY.name).then(|| (made.stream, Version::new(made.document.version)));
                seen.suspects.push(Suspect { view, id: made.document.id.clone(), from });
            }
        }
        Ok(())
    }

    /// Looks at suspects one by one until they are as they should be, or patience is over.
    async fn resolve(
        &self,
        target: Target,
        mut suspects: Vec<Suspect>,
        generations: &BTreeMap<&'static str, u32>,
        corrections: &mut Corrections,
        options: VerifyOptions,
        verified: &mut Verified,
    ) -> Result<(), ReplayError> {
        if suspects.is_empty() {
            return Ok(());
        }
        self.watcher.stage(target, "looking again", 0);
        let mut waited = Duration::ZERO;
        for look in 1.. {
            self.go_on()?;
            // Taken anew with each look, before it: what is due now was due before the document was read.
            let reach = self.reach(target).await?;
            let last = look > 1 && waited >= options.patience;
            let mut left = Vec::new();
            for suspect in std::mem::take(&mut suspects) {
                let none = Corrections::default();
                let known = if suspect.view.name == MESSAGES.name { &none } else { &*corrections };
                let ground = Ground { views: &*self.views, generations, corrections: known };
                let verdict = self.judge(suspect.view, &suspect.id, suspect.from, &ground, &reach).await?;
                let report = verified.view(suspect.view);
                match verdict {
                    Verdict::Same(fingerprint, waiting) => {
                        report.expected_checksum = report.expected_checksum.wrapping_add(fingerprint);
                        report.found_checksum = report.found_checksum.wrapping_add(fingerprint);
                        report.waiting += u64::from(waiting);
                    }
                    Verdict::Nothing => {}
                    Verdict::Waiting if last => report.waiting += 1,
                    Verdict::Different(kind, made) if last || (look > 1 && matches!(kind, Kind::Extra)) => {
                        self.note(&suspect, &kind, made.as_deref(), &ground).await?.add_to(report);
                        corrections.note(&suspect, &kind, made.as_deref());
                        verified.name(Difference { view: suspect.view.name, id: suspect.id, kind });
                    }
                    Verdict::Waiting | Verdict::Different(..) => left.push(suspect),
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            suspects = left;
            sleep(PAUSE).await;
            waited += PAUSE;
        }
        Ok(())
    }

    /// What a difference adds to the checksums.
    async fn note(
        &self,
        suspect: &Suspect,
        kind: &Kind,
        made: Option<&Made>,
        ground: &Ground<'_>,
    ) -> Result<Sums, ReplayError> {
        let found = if *kind == Kind::Missing {
            None
        } else {
            let generation = ground.generation(suspect.view);
            self.views.get_in(suspect.view, generation, &[&suspect.id]).await?.pop().flatten()
        };
        let sum = |document: Option<&Document>| document.map_or(0, fingerprint);
        Ok(Sums { expected: sum(made.map(|made| &made.document)), found: sum(found.as_ref()) })
    }

    /// Documents of a view of which the store knows nothing; only looked for if there are more than there should be.
    async fn extra(
        &self,
        target: Target,
        view: &'static ViewSpec,
        generations: &BTreeMap<&'static str, u32>,
        verified: &Verified,
    ) -> Result<Vec<Suspect>, ReplayError> {
        let generation = generations[view.name];
        let known = verified.views.iter().find(|report| report.view == view.name).map_or(0, |report| report.found);
        if self.views.size_of(view, generation).await? <= known {
            return Ok(Vec::new());
        }
        self.watcher.stage(target, &format!("what is too much among {}", view.name), 0);
        let (mut extra, mut after) = (Vec::new(), None::<String>);
        loop {
            self.go_on()?;
            let place = after.as_deref();
            let page = patiently(|| self.views.page_in(view, generation, place, PAGE)).await?;
            let Some(last) = page.last() else { return Ok(extra) };
            after = Some(last.id.clone());
            let origins: Vec<_> = page.iter().map(|document| commit_of(view, document)).collect();
            let keys: Vec<_> = origins.iter().flatten().copied().collect();
            let mut commits = self.store.read_many(&keys).await?.into_iter();
            for (document, origin) in page.iter().zip(&origins) {
                let commit = if origin.is_some() { commits.next().flatten() } else { None };
                let told = commit.is_some_and(|commit| {
                    let events = 0..u16::try_from(commit.events.len()).unwrap_or(u16::MAX);
                    view.name != HISTORY.name
                        || events.into_iter().any(|at| commit.event_id(at).to_string() == document.id)
                });
                if !told && !verified.has_named(view, &document.id) && extra.len() < MOST_NAMED {
                    extra.push(Suspect { view, id: document.id.clone(), from: None });
                }
            }
        }
    }
}

struct Sums {
    expected: u64,
    found: u64,
}

impl Sums {
    fn add_to(&self, report: &mut ViewReport) {
        report.expected_checksum = report.expected_checksum.wrapping_add(self.expected);
        report.found_checksum = report.found_checksum.wrapping_add(self.found);
    }
}

/// A commit that must exist if the document has a right to.
fn commit_of(view: &ViewSpec, document: &Document) -> Option<(StreamId, Version)> {
    if view.name == HISTORY.name {
        return read::<HistoryDocument>(document).ok().map(|row| (row.stream, row.version));
    }
    stream_of(view, &document.id).map(|stream| (stream, Version::FIRST))
}

/// As much of a message's document as its ticket counts.
#[derive(Deserialize)]
struct Counted {
    message: Message,
}

impl Corrections {
    /// Remembers a message that is not as the store says, so that its ticket is not blamed for it.
    fn note(&mut self, suspect: &Suspect, kind: &Kind, made: Option<&Made>) {
        if suspect.view.name != MESSAGES.name || matches!(kind, Kind::Behind { .. }) {
            return;
        }
        let Ok(id) = MessageId::parse(&suspect.id) else { return };
        let facts = |made: &Made| -> Option<MessageFacts> {
            match read::<Counted>(&made.document).ok()?.message {
                Message::Posted(facts) | Message::Retracted(facts) => Some(facts),
                Message::Unposted => None,
            }
        };
        self.0.insert(id, made.and_then(facts));
    }
}
