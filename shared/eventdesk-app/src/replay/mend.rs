//! Single streams made anew in place.

use std::collections::{BTreeMap, BTreeSet};

use eventdesk_domain::message::{Message, MessageFacts};
use eventdesk_events::{StreamId, Timestamp};
use serde::Serialize;

use super::{
    Replay, ReplayError, Step, Target,
    fill::SegmentFold,
    folding::{Corrections, Folder, Ground, Made},
    judge::differing,
};
use crate::{
    ports::{ApplyError, Category, Document, Put},
    projections::{HISTORY, HISTORY_STREAMS, HistoryHead, MESSAGES, MessageDocument, TICKETS, read},
};

/// How often a document is read again that keeps changing.
const TRIES: u32 = 50;

/// By view, the ids of documents that queries do not find by what they say.
type Misfiled = BTreeMap<&'static str, BTreeSet<String>>;

/// What a replay in place has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// Events read.
    pub events: u64,
    /// Documents looked at.
    pub documents: u64,
    /// Documents that were not as the store says, as `view/id`, and are now (or would be, in a dry run).
    pub mended: Vec<String>,
}

impl Replay {
    /// Makes the documents of one stream anew, in the live generation and in one beside it.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn mend_stream(
        &self,
        targets: &[Target],
        stream: StreamId,
        dry_run: bool,
    ) -> Result<Mended, ReplayError> {
        let mut done = Mended::default();
        let commits = self.commits(stream).await?;
        done.events = commits.iter().map(|commit| commit.events.len() as u64).sum();
        let mut tickets = BTreeSet::new();
        for target in targets {
            for generations in self.places(*target).await? {
                let corrections = Corrections::default();
                let ground = Ground { views: &*self.views, generations: &generations, corrections: &corrections };
                let steps = Step::of(*target).into_iter();
                for step in steps.filter(|step| step.category() == Category::of(stream)) {
                    let mut folder = Folder::new(step);
                    commits.iter().try_for_each(|commit| folder.add(commit))?;
                    folder.close();
                    for made in folder.take(&ground).await? {
                        if made.view.name == MESSAGES.name {
                            tickets.extend(facts(&made.document).map(|facts| facts.ticket_id));
                        }
                        self.mend(&made, &ground, None, dry_run, &mut done).await?;
                    }
                }
            }
        }
        // A message shows in its ticket, too.
        for ticket in tickets {
            let ticket = Box::pin(self.mend_stream(&[Target::Tickets], StreamId::Ticket(ticket), dry_run)).await?;
            done.events += ticket.events;
            done.documents += ticket.documents;
            done.mended.extend(ticket.mended);
        }
        done.mended.sort();
        done.mended.dedup();
        Ok(done)
    }

    /// Makes the documents of all streams anew in place to which something was appended at `from` or later.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn mend_since(&self, target: Target, from: Timestamp, dry_run: bool) -> Result<Mended, ReplayError> {
        let mut done = Mended::default();
        for generations in self.places(target).await? {
            let mut tickets = BTreeSet::new();
            let corrections = Corrections::default();
            let ground = Ground { views: &*self.views, generations: &generations, corrections: &corrections };
            let misfiled = self.misfiled(&generations, target).await?;
            for step in Step::of(target) {
                let segments = self.cut(step).await?;
                self.watcher.stage(target, &step.name(), segments.len());
                for segment in segments.into_values() {
                    let mut fold = SegmentFold::new(step, segment, None);
                    while let Some(made) = fold.next(self, &ground).await? {
                        for made in made {
                            let id = &made.document.id;
                            if made.at < from && !(made.view.name == TICKETS.name && tickets.contains(id)) {
                                continue;
                            }
                            if made.view.name == MESSAGES.name {
                                tickets.extend(facts(&made.document).map(|facts| facts.ticket_id.to_string()));
                            }
                            self.mend(&made, &ground, Some(&misfiled), dry_run, &mut done).await?;
                        }
                    }
                    self.watcher.part_done();
                    done.events += fold.events;
                }
            }
        }
        done.mended.sort();
        done.mended.dedup();
        Ok(done)
    }

    /// The generations of a projection that are written: the live ones, and those beside them.
    async fn places(&self, target: Target) -> Result<Vec<BTreeMap<&'static str, u32>>, ReplayError> {
        let written = self.views.written(target.views()).await?;
        let named = || target.views().iter().map(|view| view.name).zip(&written);
        let live = named().map(|(name, written)| (name, written.live)).collect();
        let also: Option<BTreeMap<_, _>> = named().map(|(name, written)| Some((name, written.also?))).collect();
        Ok(std::iter::once(live).chain(also).collect())
    }

    /// The documents of each view that queries do not find by what they say.
    async fn misfiled(
        &self,
        generations: &BTreeMap<&'static str, u32>,
        target: Target,
    ) -> Result<Misfiled, ReplayError> {
        let mut all = Misfiled::new();
        for view in target.views() {
            all.insert(view.name, self.views.misfiled(view, generations[view.name], None).await?.into_iter().collect());
        }
        Ok(all)
    }

    /// Puts a document in the place of one that is not as the store says, and where queries find it; whether they do is
    /// asked of it alone unless it is known of all.
    async fn mend(
        &self,
        made: &Made,
        ground: &Ground<'_>,
        misfiled: Option<&Misfiled>,
        dry_run: bool,
        done: &mut Mended,
    ) -> Result<(), ReplayError> {
        self.replace(made, ground, dry_run, done).await?;
        let (view, id) = (made.view, &made.document.id);
        let is_misfiled = match misfiled {
            Some(all) => all.get(view.name).is_some_and(|ids| ids.contains(id)),
            None => !self.views.misfiled(view, ground.generation(view), Some(id)).await?.is_empty(),
        };
        if is_misfiled {
            done.mended.push(format!("{}/{id}", view.name));
            if !dry_run {
                self.views.file_anew(view, ground.generation(view), id).await?;
            }
        }
        Ok(())
    }

    async fn replace(
        &self,
        made: &Made,
        ground: &Ground<'_>,
        dry_run: bool,
        done: &mut Mended,
    ) -> Result<(), ReplayError> {
        let (view, generation) = (made.view, ground.generation(made.view));
        done.documents += 1;
        let mut made = made.clone();
        for _ in 0..TRIES {
            let found = self.views.get_in(view, generation, &[&made.document.id]).await?.pop().flatten();
            let same =
                |made: &Made| found.as_ref().is_some_and(|found| differing(view, &made.document, found).is_empty());
            // Others may have moved it since it was read, other streams may move it, and what was private in it may have
            // been erased: what is written is folded anew from what the store has now.
            if view.name != HISTORY.name && (view.name == TICKETS.name || !same(&made)) {
                let commits = self.commits(made.stream).await?;
                let newest = commits.last().map_or(0, |commit| commit.place.version.get());
                if let Some(now) = self.fold(view, made.stream, &commits, newest, ground).await? {
                    made = now;
                }
            }
            if same(&made) {
                return Ok(());
            }
            done.mended.push(format!("{}/{}", view.name, made.document.id));
            if dry_run {
                return Ok(());
            }
            let document = match &found {
                None => Document { revision: 1, ..made.document.clone() },
                Some(found) if view.name == TICKETS.name => {
                    let ticket = self.merged_ticket(&made, found, ground, false).await?;
                    ticket.unwrap_or_else(|| made.document.clone())
                }
                Some(found) => {
                    // What the bus brought stands in no store.
                    let keeps = view.name == HISTORY_STREAMS.name && read::<HistoryHead>(found).is_ok();
                    let body = if keeps { &found.body } else { &made.document.body };
                    Document { revision: found.revision + 1, body: body.clone(), ..made.document.clone() }
                }
            };
            match self.views.apply_in(vec![(generation, Put { view, document })], None).await {
                Ok(()) => return Ok(()),
                Err(ApplyError::GuardLost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let busy = format!("{} document {} keeps changing", view.name, made.document.id);
        Err(ApplyError::Unavailable(busy.into()).into())
    }
}

fn facts(document: &Document) -> Option<MessageFacts> {
    match read::<MessageDocument>(document).ok()?.message {
        Message::Posted(facts) | Message::Retracted(facts) => Some(facts),
        Message::Unposted => None,
    }
}
