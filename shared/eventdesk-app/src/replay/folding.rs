//! From commits to documents, stream by stream, by the projections' own folds.

use std::collections::{BTreeMap, HashMap};

use eventdesk_domain::message::{Message, MessageFacts};
use eventdesk_events::{MessageId, StreamId, Timestamp};
use serde::Deserialize;

use super::{ReplayError, Step, patience::patiently};
use crate::{
    ports::{Document, GenerationStore, ViewSpec},
    projections::{
        Applied, Draft, EmployeeDocument, Folded, HISTORY, HISTORY_STREAMS, HistoryHead, MESSAGES, MessageDocument,
        Tallies, TicketDocument, UserDocument, read, rows,
    },
};

/// A document made from the store alone; its revision is 1.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) view: &'static ViewSpec,
    pub(super) document: Document,
    /// The stream that it was made of.
    pub(super) stream: StreamId,
    /// When the newest commit in it was made.
    pub(super) at: Timestamp,
}

/// The views in which what other streams feed is found.
pub(super) struct Ground<'a> {
    pub(super) views: &'a dyn GenerationStore,
    /// By view, the generation that is looked at.
    pub(super) generations: &'a BTreeMap<&'static str, u32>,
    /// Messages that the view does not have as the store says.
    pub(super) corrections: &'a Corrections,
}

impl Ground<'_> {
    /// The generation in which a view is looked at.
    pub(super) fn generation(&self, view: &ViewSpec) -> u32 {
        self.generations.get(view.name).copied().unwrap_or_default()
    }
}

/// Messages of which a view says something else than the store: their facts, or nothing if there is no such message.
#[derive(Debug, Clone, Default)]
pub(super) struct Corrections(pub(super) HashMap<MessageId, Option<MessageFacts>>);

/// Folds the streams of a segment.
pub(super) enum Folder {
    Messages(Streams<MessageDocument>),
    Tickets(Streams<TicketDocument>),
    Users(Streams<UserDocument>),
    Employees(Streams<EmployeeDocument>),
    History(Rows),
}

impl Folder {
    pub(super) fn new(step: Step) -> Self {
        match step {
            Step::Messages => Self::Messages(Streams::default()),
            Step::Tickets => Self::Tickets(Streams::default()),
            Step::Users => Self::Users(Streams::default()),
            Step::Employees => Self::Employees(Streams::default()),
            Step::History(_) => Self::History(Rows::default()),
        }
    }

    /// Folds in the next commit of the stream in hand, or the first one of the next stream.
    pub(super) fn add(&mut self, commit: &Applied) -> Result<(), ReplayError> {
        match self {
            Self::Messages(streams) => streams.add(commit),
            Self::Tickets(streams) => streams.add(commit),
            Self::Users(streams) => streams.add(commit),
            Self::Employees(streams) => streams.add(commit),
            Self::History(rows) => rows.add(commit)?,
        }
        Ok(())
    }

    /// Says that no more of the stream in hand will come.
    pub(super) fn close(&mut self) {
        match self {
            Self::Messages(streams) => streams.close(),
            Self::Tickets(streams) => streams.close(),
            Self::Users(streams) => streams.close(),
            Self::Employees(streams) => streams.close(),
            Self::History(rows) => rows.close(),
        }
    }

    /// How many documents are whole.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Self::Messages(streams) => streams.done.len(),
            Self::Tickets(streams) => streams.done.len(),
            Self::Users(streams) => streams.done.len(),
            Self::Employees(streams) => streams.done.len(),
            Self::History(rows) => rows.done.len() + rows.heads.len(),
        }
    }

    /// Takes the documents that are whole.
    pub(super) async fn take(&mut self, ground: &Ground<'_>) -> Result<Vec<Made>, ReplayError> {
        match self {
            Self::Messages(streams) => streams.take(),
            Self::Users(streams) => streams.take(),
            Self::Employees(streams) => streams.take(),
            Self::Tickets(streams) => {
                let ids: Vec<String> = streams.done.iter().map(|(draft, ..)| draft.id.clone()).collect();
                let mut told = counted(ground, &ids).await?;
                for (draft, ..) in &mut streams.done {
                    tally(&mut draft.content, told.remove(&draft.id).unwrap_or_default());
                }
                streams.take()
            }
            Self::History(rows) => rows.take(ground).await,
        }
    }
}

/// Streams that make one document each.
pub(super) struct Streams<F> {
    current: Option<(Draft<F>, StreamId, Timestamp)>,
    done: Vec<(Draft<F>, StreamId, Timestamp)>,
}

impl<F> Default for Streams<F> {
    fn default() -> Self {
        Self { current: None, done: Vec::new() }
    }
}

/// The id of the document that is the fold of a stream.
pub(super) fn document_id(stream: StreamId) -> String {
    match stream {
        StreamId::Ticket(id) => id.to_string(),
        StreamId::Message(id) => id.to_string(),
        StreamId::User(id) => id.to_string(),
        StreamId::Employee(id) => id.to_string(),
        StreamId::AdminRoster => stream.to_string(),
    }
}

impl<F: Folded> Streams<F> {
    fn add(&mut self, commit: &Applied) {
        if self.current.as_ref().is_some_and(|(_, stream, _)| *stream != commit.stream) {
            self.close();
        }
        let (draft, _, at) = self.current.get_or_insert_with(|| {
            let draft = Draft {
                id: document_id(commit.stream),
                version: 0,
                revision: 0,
                content: F::default(),
                changed: false,
            };
            (draft, commit.stream, commit.place.at)
        });
        draft.apply(std::slice::from_ref(commit));
        *at = (*at).max(commit.place.at);
    }

    fn close(&mut self) {
        self.done.extend(self.current.take());
    }

    fn take(&mut self) -> Result<Vec<Made>, ReplayError> {
        let mut made = Vec::with_capacity(self.done.len());
        for (draft, stream, at) in self.done.drain(..) {
            if let Some(put) = draft.put()? {
                made.push(Made { view: put.view, document: put.document, stream, at });
            }
        }
        Ok(made)
    }
}

/// As much of a message's document as its ticket counts.
#[derive(Deserialize)]
struct Counted {
    message: Message,
}

/// The messages of these tickets as the view has them, corrected.
pub(super) async fn counted(
    ground: &Ground<'_>,
    tickets: &[String],
) -> Result<HashMap<String, Vec<(MessageId, MessageFacts)>>, ReplayError> {
    let generation = ground.generation(&MESSAGES);
    let rows = patiently(|| ground.views.holding_in(&MESSAGES, generation, "ticket", tickets)).await?;
    let mut told: HashMap<String, Vec<_>> = HashMap::with_capacity(tickets.len());
    for row in rows {
        let Ok(id) = MessageId::parse(&row.id) else { continue };
        if ground.corrections.0.contains_key(&id) {
            continue;
        }
        if let Message::Posted(facts) | Message::Retracted(facts) = read::<Counted>(&row)?.message {
            told.entry(facts.ticket_id.to_string()).or_default().push((id, facts));
        }
    }
    for (id, facts) in &ground.corrections.0 {
        let Some(facts) = facts else { continue };
        let ticket = facts.ticket_id.to_string();
        if tickets.contains(&ticket) {
            told.entry(ticket).or_default().push((*id, facts.clone()));
        }
    }
    Ok(told)
}

/// Counts messages anew, whose rows all exist.
pub(super) fn tally(ticket: &mut TicketDocument, messages: Vec<(MessageId, MessageFacts)>) {
    ticket.messages = Tallies::default();
    ticket.pending.clear();
    for (id, facts) in messages {
        ticket.count(id, &facts);
        ticket.pending.clear();
    }
}

/// The history of streams: a row an event, and a head a stream.
#[derive(Default)]
pub(super) struct Rows {
    head: Option<(StreamId, u64, Timestamp)>,
    done: Vec<Made>,
    heads: Vec<(StreamId, u64, Timestamp)>,
}

impl Rows {
    fn add(&mut self, commit: &Applied) -> Result<(), ReplayError> {
        if self.head.is_some_and(|(stream, ..)| stream != commit.stream) {
            self.close();
        }
        let at = commit.place.at;
        self.head = Some((commit.stream, commit.place.version.get(), at));
        let made = |document| Made { view: &HISTORY, document, stream: commit.stream, at };
        self.done.extend(rows(commit)?.into_iter().map(made));
        Ok(())
    }

    fn close(&mut self) {
        self.heads.extend(self.head.take());
    }

    async fn take(&mut self, ground: &Ground<'_>) -> Result<Vec<Made>, ReplayError> {
        let mut made = std::mem::take(&mut self.done);
        let heads = std::mem::take(&mut self.heads);
        let ids: Vec<String> = heads.iter().map(|(stream, ..)| stream.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        // What the bus brought is known to the live view alone.
        let live = patiently(|| ground.views.get(&HISTORY_STREAMS, &ids)).await?;
        for ((stream, version, at), live) in heads.into_iter().zip(live) {
            let mut marks = live.and_then(|live| read::<HistoryHead>(&live).ok()).unwrap_or_default();
            marks.healed.retain(|healed, _| *healed <= version);
            let body = serde_json::to_string(&marks)
                .map_err(|error| crate::projections::ProjectionError::Poison(error.to_string()))?;
            let document =
                Document { id: stream.to_string(), version, revision: 1, deleted: false, fields: Vec::new(), body };
            made.push(Made { view: &HISTORY_STREAMS, document, stream, at });
        }
        Ok(made)
    }
}
