//! One document, compared with what the store says of it.

use std::collections::{BTreeSet, HashSet};

use eventdesk_events::{EmployeeId, MessageId, StreamId, TicketId, Timestamp, UserId, Version};
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Replay, ReplayError, Step, Target,
    fingerprint::fingerprint,
    folding::{Folder, Ground, Made},
};
use crate::{
    ports::{Category, Commit, Document, Position, ViewSpec},
    projections::{
        Applied, EMPLOYEES, HISTORY, HISTORY_STREAMS, HistoryDocument, HistoryHead, MESSAGES, TICKETS, TicketDocument,
        USERS, read, rows,
    },
};

/// Where nothing tells how far a consumer is, a commit must have arrived after so many milliseconds.
const DUE_AFTER: i64 = 60_000;
/// Commits read at a time.
const PAGE: usize = 200;

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Kind {
    /// It is not there.
    Missing,
    /// There is no such thing in the store.
    Extra,
    /// It says something else; never what, for it may be private.
    Differs {
        /// Where: declared fields, `deleted`, `version`, and members of the body as `body.ticket`.
        fields: Vec<String>,
    },
    /// It is as the store says, but queries do not find it by what it says.
    Misfiled,
    /// Its projector is through with events that it has not applied.
    Behind {
        /// What it has applied.
        version: u64,
        /// The newest in the store.
        newest: u64,
    },
}

/// A document that is not as the store says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The view.
    pub view: &'static str,
    /// The document's id.
    pub id: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What was found of one document.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is as the store says, as of its version; with the fingerprint, and whether more events wait to be applied.
    Same(u64, bool),
    /// It is not there, and need not be yet.
    Waiting,
    /// There is neither a document nor anything in the store.
    Nothing,
    /// With what it should say, if anything.
    Different(Kind, Option<Box<Made>>),
}

/// How far a projector has come, as far as anybody knows.
#[derive(Debug)]
pub(super) struct Reach {
    cursor: Option<Position>,
    /// Positions before the cursor that wait for another attempt.
    open: HashSet<Position>,
    now: Timestamp,
}

impl Reach {
    /// Whether a commit must have arrived.
    fn is_due(&self, at: Timestamp, position: Option<Position>) -> bool {
        match (self.cursor, position) {
            (Some(cursor), Some(position)) => position <= cursor && !self.open.contains(&position),
            _ => self.now.millis().saturating_sub(at.millis()) > DUE_AFTER,
        }
    }
}

/// The stream of which a document is made; nothing for an id that none has, and for rows of the history.
pub(super) fn stream_of(view: &ViewSpec, id: &str) -> Option<StreamId> {
    match view.name {
        name if name == TICKETS.name => TicketId::parse(id).map(StreamId::Ticket).ok(),
        name if name == MESSAGES.name => MessageId::parse(id).map(StreamId::Message).ok(),
        name if name == USERS.name => UserId::parse(id).map(StreamId::User).ok(),
        name if name == EMPLOYEES.name => EmployeeId::parse(id).map(StreamId::Employee).ok(),
        name if name == HISTORY_STREAMS.name => StreamId::parse(id).ok(),
        _ => None,
    }
}

impl Replay {
    /// How far the projector of a target has come by now.
    pub(super) async fn reach(&self, target: Target) -> Result<Reach, ReplayError> {
        let state = self.views.consumer(target.projector()).await?;
        let cursor = Some(state.cursor).filter(|cursor| *cursor > Position::default());
        let open = state.retries.iter().map(|retry| retry.position).collect();
        Ok(Reach { cursor, open, now: self.clock.now() })
    }

    /// Compares one document with the store; `from` is what a row of the history was made of, where that is known.
    pub(super) async fn judge(
        &self,
        view: &'static ViewSpec,
        id: &str,
        from: Option<(StreamId, Version)>,
        ground: &Ground<'_>,
        reach: &Reach,
    ) -> Result<Verdict, ReplayError> {
        let found = self.views.get_in(view, ground.generation(view), &[id]).await?.pop().flatten();
        if view.name == HISTORY.name {
            return self.judge_row(id, from, found.as_ref(), reach).await;
        }
        let extra = |found: &Option<Document>| match found {
            Some(_) => Verdict::Different(Kind::Extra, None),
            None => Verdict::Nothing,
        };
        let Some(stream) = stream_of(view, id) else { return Ok(extra(&found)) };
        let commits = self.commits(stream).await?;
        let (Some(first), Some(newest)) = (commits.first(), commits.last().map(|commit| commit.place.version.get()))
        else {
            return Ok(extra(&found));
        };
        let applied = found.as_ref().map_or(newest, |found| found.version);
        let Some(made) = self.fold(view, stream, &commits, applied, ground).await? else { return Ok(extra(&found)) };
        let Some(found) = found else {
            let position = self.scan.position_of(stream, first.place.version).await?;
            let due = reach.is_due(first.place.at, position);
            return Ok(if due { Verdict::Different(Kind::Missing, Some(Box::new(made))) } else { Verdict::Waiting });
        };
        let fields = differing(view, &made.document, &found);
        if !fields.is_empty() {
            return Ok(Verdict::Different(Kind::Differs { fields }, Some(Box::new(made))));
        }
        if let Some(next) = commits.iter().find(|commit| commit.place.version.get() == applied + 1) {
            let position = self.scan.position_of(stream, next.place.version).await?;
            if reach.is_due(next.place.at, position) {
                return Ok(Verdict::Different(Kind::Behind { version: applied, newest }, Some(Box::new(made))));
            }
        }
        Ok(Verdict::Same(fingerprint(&made.document), applied < newest))
    }

    /// What the events of a stream up to a version make of a document.
    pub(super) async fn fold(
        &self,
        view: &'static ViewSpec,
        stream: StreamId,
        commits: &[Applied],
        version: u64,
        ground: &Ground<'_>,
    ) -> Result<Option<Made>, ReplayError> {
        let Some(step) = Step::making(view, Category::of(stream)) else { return Ok(None) };
        let mut folder = Folder::new(step);
        for commit in commits.iter().filter(|commit| commit.place.version.get() <= version) {
            folder.add(commit)?;
        }
        folder.close();
        let made = folder.take(ground).await?;
        Ok(made.into_iter().rfind(|made| made.view.name == view.name))
    }

    /// All commits of a stream, up to the first that cannot be read.
    pub(super) async fn commits(&self, stream: StreamId) -> Result<Vec<Applied>, ReplayError> {
        let (mut commits, mut from) = (Vec::new(), Version::FIRST);
        loop {
            let page = self.store.read(stream, from, PAGE).await?;
            let next = page.last().filter(|_| page.len() == PAGE).map(|last| last.version.next());
            for commit in page {
                let Ok(commit) = Applied::of_commit(commit) else { return Ok(commits) };
                commits.push(commit);
            }
            match next {
                Some(next) => from = next,
                None => return Ok(commits),
            }
        }
    }

    async fn judge_row(
        &self,
        id: &str,
        from: Option<(StreamId, Version)>,
        found: Option<&Document>,
        reach: &Reach,
    ) -> Result<Verdict, ReplayError> {
        let told = found.and_then(|found| read::<HistoryDocument>(found).ok());
        let from = from.or(told.map(|row| (row.stream, row.version)));
        let commit = match from {
            Some(key) => self.store.read_many(&[key]).await?.pop().flatten(),
            None => None,
        };
        let row = commit.as_ref().map(|commit| row_of(commit, id)).transpose()?.flatten();
        let (Some(commit), Some(row)) = (commit, row) else {
            let extra = Verdict::Different(Kind::Extra, None);
            return Ok(if found.is_some() { extra } else { Verdict::Nothing });
        };
        let (stream, at) = (commit.stream, commit.at);
        let made = || Some(Box::new(Made { view: &HISTORY, document: row.clone(), stream, at }));
        let Some(found) = found else {
            let position = self.scan.position_of(commit.stream, commit.version).await?;
            let due = reach.is_due(at, position);
            return Ok(if due { Verdict::Different(Kind::Missing, made()) } else { Verdict::Waiting });
        };
        let fields = differing(&HISTORY, &row, found);
        if fields.is_empty() {
            return Ok(Verdict::Same(fingerprint(&row), false));
        }
        Ok(Verdict::Different(Kind::Differs { fields }, made()))
    }
}

fn row_of(commit: &Commit, id: &str) -> Result<Option<Document>, ReplayError> {
    let Ok(applied) = Applied::of_commit(commit.clone()) else { return Ok(None) };
    Ok(rows(&applied)?.into_iter().find(|row| row.id == id))
}

/// Where a document is not what it should be. What only tells how the events came is left out: pending messages of a
/// ticket, and the marks of a history's head.
pub(super) fn differing(view: &ViewSpec, expected: &Document, found: &Document) -> Vec<String> {
    let mut fields = Vec::new();
    let mut unless = |same: bool, name: &str| {
        if !same {
            fields.push(name.to_owned());
        }
    };
    unless(expected.version == found.version, "version");
    unless(expected.deleted == found.deleted, "deleted");
    for (field, (expected, found)) in view.fields.iter().zip(expected.fields.iter().zip(&found.fields)) {
        unless(expected == found, field.name);
    }
    if expected.body == found.body {
        return fields;
    }
    if view.name == HISTORY_STREAMS.name {
        unless(read::<HistoryHead>(found).is_ok(), "body");
    } else if !(view.name == TICKETS.name && settled(found).as_deref() == Some(&expected.body)) {
        let parsed = |document: &Document| serde_json::from_str::<Json>(&document.body).unwrap_or(Json::Null);
        let (expected, mut found) = (parsed(expected), parsed(found));
        if let Some(members) = found.as_object_mut().filter(|_| view.name == TICKETS.name) {
            members.remove("pending");
        }
        let before = fields.len();
        paths("body", &expected, &found, &mut fields);
        if fields.len() == before {
            // The same in other words.
            fields.push("body".to_owned());
        }
    }
    fields
}

/// A ticket's body without its pending messages.
fn settled(document: &Document) -> Option<String> {
    let mut ticket: TicketDocument = read(document).ok()?;
    ticket.pending.clear();
    serde_json::to_string(&ticket).ok()
}

/// The paths of members that are not the same.
fn paths(at: &str, expected: &Json, found: &Json, into: &mut Vec<String>) {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => {
            let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for name in names {
                let member = |of: &serde_json::Map<String, Json>| of.get(name).cloned().unwrap_or(Json::Null);
                paths(&format!("{at}.{name}"), &member(expected), &member(found), into);
            }
        }
        (expected, found) if expected != found => into.push(at.to_owned()),
        _ => {}
    }
}
