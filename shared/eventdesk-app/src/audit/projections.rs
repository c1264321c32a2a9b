//! Which commits have arrived where.

use std::collections::{BTreeSet, HashMap};

use eventdesk_events::{StreamId, Version};

use super::{
    FeedEntry,
    plan::{Progress, Target},
};
use crate::{
    ports::{Glance, ReadStore, ReadStoreError, ViewSpec},
    projections::{EMPLOYEES, HISTORY_STREAMS, HistoryHead, MESSAGES, TICKETS, USERS},
};

/// How many documents are asked for at a time.
const BATCH: usize = 200;

/// A commit that has not arrived at one of its consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind {
    pub(super) target: Target,
    pub(super) entry: FeedEntry,
}

impl Behind {
    /// What tells it from others.
    pub(super) fn key(&self) -> (Target, StreamId, Version) {
        (self.target, self.entry.stream, self.entry.version)
    }
}

/// The projection, besides the history, that a stream feeds, with the document that tells how far it has come.
fn fed(stream: StreamId) -> Option<(Target, &'static ViewSpec, String)> {
    match stream {
        StreamId::Ticket(id) => Some((Target::Tickets, &TICKETS, id.to_string())),
        StreamId::Message(id) => Some((Target::Tickets, &MESSAGES, id.to_string())),
        StreamId::User(id) => Some((Target::Directory, &USERS, id.to_string())),
        StreamId::Employee(id) => Some((Target::Directory, &EMPLOYEES, id.to_string())),
        StreamId::AdminRoster => None,
    }
}

/// Those of `entries` that are behind, and in `progress` how far each target has come with the others.
pub(super) async fn behind(
    views: &dyn ReadStore,
    entries: &[FeedEntry],
    progress: &mut Progress,
) -> Result<Vec<Behind>, ReadStoreError> {
    let streams: BTreeSet<StreamId> = entries.iter().map(|entry| entry.stream).collect();
    let streams: Vec<StreamId> = streams.into_iter().collect();
    let names: Vec<String> = streams.iter().map(ToString::to_string).collect();
    let heads = glances(views, &HISTORY_STREAMS, &names).await?;
    let applied = applied(views, &streams).await?;

    let heads: HashMap<StreamId, (u64, HistoryHead)> = streams
        .iter()
        .zip(&names)
        .filter_map(|(stream, name)| {
            let head = heads.get(name)?;
            // A head that cannot be read says nothing: publishing again does no harm.
            let marks = serde_json::from_str(&head.body).ok()?;
            Some((*stream, (head.version, marks)))
        })
        .collect();
    let mut behind = Vec::new();
    for entry in entries {
        let version = entry.version.get();
        let head = heads.get(&entry.stream);
        if !head.is_some_and(|(known, marks)| *known >= version && marks.via_bus(entry.version)) {
            behind.push(Behind { target: Target::History, entry: *entry });
            continue;
        }
        progress.arrived(Target::History, entry.at);
        let Some((target, _, _)) = fed(entry.stream) else { continue };
        if applied.get(&entry.stream).is_some_and(|known| *known >= version) {
            progress.arrived(target, entry.at);
        } else {
            behind.push(Behind { target, entry: *entry });
        }
    }
    Ok(behind)
}

/// The version that a consumer's read models have applied of each stream; what it has nothing of, and what it does not
/// follow, is left out.
pub(crate) async fn applied_by(
    views: &dyn ReadStore,
    consumer: &str,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, u64>, ReadStoreError> {
    let Some(target) = Target::ALL.into_iter().find(|target| target.consumer() == consumer) else {
        return Ok(HashMap::new());
    };
    if target == Target::History {
        let names: Vec<String> = streams.iter().map(ToString::to_string).collect();
        let heads = glances(views, &HISTORY_STREAMS, &names).await?;
        let known = streams.iter().zip(&names);
        return Ok(known.filter_map(|(stream, name)| Some((*stream, heads.get(name)?.version))).collect());
    }
    let followed = |stream: &&StreamId| fed(**stream).is_some_and(|(of, _, _)| of == target);
    applied(views, &streams.iter().filter(followed).copied().collect::<Vec<_>>()).await
}

/// The version applied of each stream that feeds a document of its own.
async fn applied(views: &dyn ReadStore, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, ReadStoreError> {
    let mut applied: HashMap<StreamId, u64> = HashMap::new();
    for view in [&TICKETS, &MESSAGES, &USERS, &EMPLOYEES] {
        let feeding = streams.iter().filter_map(|stream| fed(*stream).map(|(_, of, id)| (*stream, of, id)));
        let (feeding, ids): (Vec<StreamId>, Vec<String>) =
            feeding.filter(|(_, of, _)| std::ptr::eq(*of, view)).map(|(stream, _, id)| (stream, id)).unzip();
        let found = glances(views, view, &ids).await?;
        applied.extend(feeding.iter().zip(&ids).filter_map(|(stream, id)| Some((*stream, found.get(id)?.version))));
    }
    Ok(applied)
}

async fn glances(
    views: &dyn ReadStore,
    view: &'static ViewSpec,
    ids: &[String],
) -> Result<HashMap<String, Glance>, ReadStoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let ids: Vec<&str> = batch.iter().map(String::as_str).collect();
        let glances = views.glance(view, &ids).await?;
        found.extend(glances.into_iter().flatten().map(|glance| (glance.id.clone(), glance)));
    }
    Ok(found)
}
