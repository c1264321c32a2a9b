//! What was built, compared with what was meant.

use std::collections::BTreeMap;

use super::{
    Replay, ReplayError, ReplayState, Target,
    fingerprint::{Origin, fingerprint, origin},
    folding::{Corrections, Ground},
    judge::{Kind, Verdict},
    patience::patiently,
};
use crate::ports::{Document, ViewSpec};

/// Documents read at a time.
const PAGE: usize = 1_000;
/// How often a document that is being written is looked at again.
const TRIES: u32 = 20;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

impl Replay {
    /// Reads a generation back: every document that was filled in and not written since must have the fingerprint of
    /// the fold, there must be as many as were filled in, and what projectors wrote must be what the store says.
    pub(super) async fn check(
        &self,
        target: Target,
        state: &ReplayState,
        generations: &BTreeMap<&'static str, u32>,
    ) -> Result<(), ReplayError> {
        self.watcher.stage(target, "checking", target.views().len());
        let mut checks = Vec::new();
        for view in target.views() {
            let filled = state.filled.get(view.name).copied().unwrap_or(0);
            let (replay, generations) = (self.clone(), generations.clone());
            let check: super::fill::Task<()> =
                Box::pin(async move { replay.check_view(target, view, filled, &generations).await });
            checks.push(check);
        }
        super::fill::side_by_side(self.workers, checks, async |()| {
            self.watcher.part_done();
            Ok(())
        })
        .await
    }

    async fn check_view(
        &self,
        target: Target,
        view: &'static ViewSpec,
        filled: u64,
        generations: &BTreeMap<&'static str, u32>,
    ) -> Result<(), ReplayError> {
        let corrections = Corrections::default();
        let ground = Ground { views: &*self.views, generations, corrections: &corrections };
        let generation = ground.generation(view);
        let (mut after, mut found) = (None::<String>, 0);
        loop {
            self.go_on()?;
            let place = after.as_deref();
            let page = patiently(|| self.views.page_in(view, generation, place, PAGE)).await?;
            let Some(last) = page.last() else { break };
            let next = last.id.clone();
            for document in &page {
                let origin = origin(document.revision);
                found += u64::from(origin != Origin::Foreign);
                if origin != Origin::Filled(fingerprint(document)) {
                    self.check_written(target, view, document, &ground).await?;
                }
            }
            self.watcher.advanced(0, page.len() as u64);
            after = Some(next);
        }
        if found == filled {
            return Ok(());
        }
        let problem = format!("{} has {found} of the {filled} documents that were filled in", view.name);
        Err(ReplayError::Wrong { projection: target.name(), problem })
    }

    /// A document that a projector has written, or that is not what was filled in.
    async fn check_written(
        &self,
        target: Target,
        view: &'static ViewSpec,
        document: &Document,
        ground: &Ground<'_>,
    ) -> Result<(), ReplayError> {
        for tries in 1.. {
            let reach = self.reach(target).await?;
            let verdict = self.judge(view, &document.id, None, ground, &reach).await?;
            let Verdict::Different(kind, _) = verdict else { return Ok(()) };
            // A lagging document is the projector's to bring on, here as in the live generation.
            if matches!(kind, Kind::Behind { .. }) {
                return Ok(());
            }
            if tries == TRIES {
                let problem = match kind {
                    Kind::Differs { fields } => format!("it differs in {}", fields.join(", ")),
                    Kind::Extra => "the store knows no such thing".to_owned(),
                    _ => "it is gone".to_owned(),
                };
                let problem = format!("{} document {}: {problem}", view.name, document.id);
                return Err(ReplayError::Wrong { projection: target.name(), problem });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
