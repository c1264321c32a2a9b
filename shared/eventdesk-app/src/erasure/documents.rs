//! The documents of erased streams, made anew from what the store has left.

use std::collections::BTreeSet;

use eventdesk_events::{StreamId, Timestamp, Version};

use super::{ErasureError, read_all};
use crate::{
    ports::{ApplyError, Document, EventStore, GenerationStore, Put, ReadStoreError, ViewSpec},
    projections::{Applied, EmployeeDocument, Folded, MessageDocument, TicketDocument, UserDocument},
    replay::{ReplayState, Target},
};

/// How often a document is made anew that others change meanwhile.
const MOST_TRIES: u32 = 20;

/// When the newest replay of each projection was begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replays(Vec<Option<Timestamp>>);

impl Replays {
    /// The replays as they are.
    ///
    /// While a generation is filled, what is written to it may have been read before an erasure. One that is whole, be
    /// it kept, or built and not yet live, has its documents folded anew like the live one.
    ///
    /// # Errors
    /// [`ErasureError::Rebuilding`] if one is unfinished, whether somebody works on it or not.
    pub(super) async fn finished(views: &dyn GenerationStore) -> Result<Self, ErasureError> {
        let mut begun = Vec::with_capacity(Target::ALL.len());
        for target in Target::ALL {
            let newest = ReplayState::newest(views, target).await?;
            if newest.as_ref().is_some_and(ReplayState::is_unfinished) {
                return Err(ErasureError::Rebuilding(target.name()));
            }
            begun.push(newest.map(|state| state.begun_at));
        }
        Ok(Self(begun))
    }

    /// Makes sure that no replay has begun since, which may have read what was not removed yet.
    ///
    /// # Errors
    /// [`ErasureError::RebuiltMeanwhile`] or [`ErasureError::Rebuilding`].
    pub(super) async fn none_since(&self, views: &dyn GenerationStore) -> Result<(), ErasureError> {
        let Self(now) = Self::finished(views).await?;
        let changed = Target::ALL.into_iter().zip(self.0.iter().zip(&now)).find(|(_, (then, now))| then != now);
        changed.map_or(Ok(()), |(target, _)| Err(ErasureError::RebuiltMeanwhile(target.name())))
    }
}

/// Folds the documents of these streams anew, in every generation; how many were other than they should be.
pub(super) async fn refold(
    views: &dyn GenerationStore,
    store: &dyn EventStore,
    streams: &BTreeSet<StreamId>,
) -> Result<u64, ErasureError> {
    let mut changed = 0;
    for stream in streams {
        changed += match stream {
            StreamId::Ticket(id) => one(views, store, *stream, &id.to_string(), keep_messages).await?,
            StreamId::Message(id) => one(views, store, *stream, &id.to_string(), whole::<MessageDocument>).await?,
            StreamId::User(id) => one(views, store, *stream, &id.to_string(), whole::<UserDocument>).await?,
            StreamId::Employee(id) => one(views, store, *stream, &id.to_string(), whole::<EmployeeDocument>).await?,
            StreamId::AdminRoster => 0,
        };
    }
    Ok(changed)
}

/// Removes what is left of generations that were being dropped when documents were folded anew.
pub(super) async fn finish_drops(views: &dyn GenerationStore) -> Result<(), ReadStoreError> {
    for view in Target::ALL.into_iter().flat_map(Target::views) {
        views.finish_drops(view).await?;
    }
    Ok(())
}

/// A document that is nothing but the fold of its stream.
fn whole<F>(_: &F, folded: F) -> F {
    folded
}

/// A ticket's messages stand in streams of their own.
fn keep_messages(stored: &TicketDocument, folded: TicketDocument) -> TicketDocument {
    TicketDocument { messages: stored.messages, pending: stored.pending.clone(), ..folded }
}

async fn one<F: Folded>(
    views: &dyn GenerationStore,
    store: &dyn EventStore,
    stream: StreamId,
    id: &str,
    merge: impl Fn(&F, F) -> F,
) -> Result<u64, ErasureError> {
    let view = F::VIEW;
    let mut changed = 0;
    for generation in views.stored_generations(view).await? {
        for attempt in 1.. {
            let stored = views.get_in(view, generation.number, &[id]).await?.pop().flatten();
            let Some(stored) = stored else { break };
            let Some(document) = anew(store, stream, view, &stored, &merge).await? else { break };
            match views.apply_in(vec![(generation.number, Put { view, document })], None).await {
                Ok(()) => {
                    changed += 1;
                    break;
                }
                Err(ApplyError::GuardLost { .. }) if attempt < MOST_TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(changed)
}

/// The document as the store makes it at the stored version; `None` if it is so already.
async fn anew<F: Folded>(
    store: &dyn EventStore,
    stream: StreamId,
    view: &'static ViewSpec,
    stored: &Document,
    merge: impl Fn(&F, F) -> F,
) -> Result<Option<Document>, ErasureError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ReadStoreError::Internal(format!("document {} of {}: {error}", stored.id, view.name).into())
    };
    let before: F = serde_json::from_str(&stored.body).map_err(|error| unreadable(&error))?;
    let mut folded = F::default();
    let applied = Version::new(stored.version);
    for commit in read_all(store, stream).await?.into_iter().filter(|commit| commit.version <= applied) {
        folded.fold(&Applied::of_commit(commit).map_err(|error| unreadable(&error))?);
    }
    let content = merge(&before, folded);
    let body = serde_json::to_string(&content).map_err(|error| unreadable(&error))?;
    let document = Document {
        id: stored.id.clone(),
        version: stored.version,
        revision: stored.revision + 1,
        deleted: content.is_deleted(),
        fields: content.fields(),
        body,
    };
    let same = document.body == stored.body && document.fields == stored.fields && document.deleted == stored.deleted;
    Ok((!same).then_some(document))
}
