//! Documents that somebody wrote before the replay came to them.

use eventdesk_domain::message::{Message, MessageFacts};
use eventdesk_events::{MessageId, StreamId, Version};

use super::{
    Replay, ReplayError,
    fingerprint::{Origin, origin},
    folding::{Ground, Made, counted, tally},
};
use crate::{
    ports::{ApplyError, Document, Put},
    projections::{
        Draft, Folded, HISTORY, HISTORY_STREAMS, HistoryHead, MessageDocument, TICKETS, TicketDocument, read, read_from,
    },
};

/// How often a document is read again that keeps changing.
const TRIES: u32 = 50;

impl Replay {
    /// Brings what is there and what was made together; whether the document was filled in by this replay before.
    pub(super) async fn merge(&self, made: &Made, ground: &Ground<'_>) -> Result<bool, ReplayError> {
        let (view, generation) = (made.view, ground.generation(made.view));
        for _ in 0..TRIES {
            let found = self.views.get_in(view, generation, &[&made.document.id]).await?.pop().flatten();
            let ours = found.as_ref().is_some_and(|found| origin(found.revision) != Origin::Foreign);
            let document = match &found {
                // Documents are never removed; should one be, it is put back.
                None => Some(Document { revision: 1, ..made.document.clone() }),
                Some(found) => self.merged(made, found, ground).await?,
            };
            let Some(document) = document else { return Ok(ours) };
            match self.views.apply_in(vec![(generation, Put { view, document })], None).await {
                Ok(()) => return Ok(ours),
                Err(ApplyError::GuardLost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let busy = format!("{} document {} keeps changing", view.name, made.document.id);
        Err(ApplyError::Unavailable(busy.into()).into())
    }

    /// What is to be written over `found`, if anything.
    async fn merged(
        &self,
        made: &Made,
        found: &Document,
        ground: &Ground<'_>,
    ) -> Result<Option<Document>, ReplayError> {
        if made.view.name == TICKETS.name {
            return self.merged_ticket(made, found, ground, true).await;
        }
        if made.view.name == HISTORY_STREAMS.name {
            return merged_head(made, found);
        }
        // Rows of the history never change; elsewhere the newer fold has all of the older one.
        let newer = made.view.name != HISTORY.name && made.document.version > found.version;
        Ok(newer.then(|| Document { revision: found.revision + 1, ..made.document.clone() }))
    }

    /// The newer fold of the ticket, with all messages counted that have a row or are about to have one.
    ///
    /// The ticket is read before the rows: a message that a projector counts in between has changed the ticket, so the
    /// write loses its guard and is tried anew. What is found is believed, or only which messages are pending.
    pub(super) async fn merged_ticket(
        &self,
        made: &Made,
        found: &Document,
        ground: &Ground<'_>,
        believe: bool,
    ) -> Result<Option<Document>, ReplayError> {
        let stored: TicketDocument = match read(found) {
            Err(_) if !believe => TicketDocument::default(),
            stored => stored?,
        };
        let (mut content, version) = if believe && found.version >= made.document.version {
            (stored.clone(), found.version)
        } else {
            (read(&made.document)?, made.document.version)
        };
        let id = made.document.id.clone();
        let mut messages = counted(ground, std::slice::from_ref(&id)).await?.remove(&id).unwrap_or_default();
        let mut pending = Vec::new();
        for message in &stored.pending {
            if messages.iter().all(|(id, _)| id != message) {
                pending.push(*message);
                messages.extend(self.facts(*message).await?.map(|facts| (*message, facts)));
            }
        }
        tally(&mut content, messages);
        content.pending = pending;
        if believe && content == stored && version == found.version {
            return Ok(None);
        }
        let draft = Draft { id, version, revision: found.revision, content, changed: true };
        Ok(draft.put()?.map(|put| put.document))
    }

    /// A message as the store has it.
    async fn facts(&self, id: MessageId) -> Result<Option<MessageFacts>, ReplayError> {
        let mut message = MessageDocument::default();
        for commit in read_from(&*self.store, StreamId::Message(id), Version::FIRST).await? {
            message.fold(&commit);
        }
        Ok(match message.message {
            Message::Posted(facts) | Message::Retracted(facts) => Some(facts),
            Message::Unposted => None,
        })
    }
}

/// A projector that finds no head takes all earlier commits for healed: what the live view knows stands in `made`.
fn merged_head(made: &Made, found: &Document) -> Result<Option<Document>, ReplayError> {
    let mut stored: HistoryHead = read(found)?;
    let live: HistoryHead = read(&made.document)?;
    let newest = made.document.version;
    let before = stored.clone();
    // Of what came after the replay looked, the projector knows best.
    stored.healed.retain(|version, _| *version > newest);
    stored.healed.extend(live.healed);
    let version = found.version.max(newest);
    if stored == before && version == found.version {
        return Ok(None);
    }
    let body = serde_json::to_string(&stored)
        .map_err(|error| crate::projections::ProjectionError::Poison(error.to_string()))?;
    Ok(Some(Document { version, revision: found.revision + 1, body, ..made.document.clone() }))
}
