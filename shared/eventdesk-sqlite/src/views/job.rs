//! One job of the writer: documents of any views, and the progress that goes with them.

use std::collections::HashMap;

use eventdesk_app::ports::{Document, Progress, Put, ViewSpec};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    consumers::advance,
    fault::Failure,
    generations,
    put::{PutSql, lost},
    schema,
};

/// What is written together or not at all.
pub(super) struct Job {
    /// Each with its generation, or for the live one.
    pub(super) puts: Vec<(Option<u32>, Put)>,
    pub(super) progress: Option<Progress>,
    pub(super) answer: oneshot::Sender<Result<(), Failure>>,
}

/// The statements of each generation of a view.
pub(super) type Statements = HashMap<(&'static str, u32), PutSql>;

/// New documents of one generation, to be written together.
struct New<'j> {
    view: &'static ViewSpec,
    generation: u32,
    documents: Vec<&'j Document>,
}

impl New<'_> {
    /// Writes them; `wrote` tells whether any was written, also where another was there already.
    fn write(&mut self, connection: &Connection, sql: &PutSql, wrote: &mut bool) -> Result<(), Failure> {
        let documents = std::mem::take(&mut self.documents);
        let there = sql.add(connection, self.view, &documents)?;
        *wrote |= there.len() < documents.len();
        there.first().map_or(Ok(()), |place| Err(lost(self.view, documents[*place])))
    }
}

/// Writes a job's documents, those of one view in their order, and its progress; `wrote` tells whether anything was
/// written before a failure.
pub(super) fn write(
    connection: &Connection,
    statements: &mut Statements,
    live: &mut HashMap<&'static str, u32>,
    job: &Job,
    wrote: &mut bool,
) -> Result<(), Failure> {
    let mut all_new: Vec<New<'_>> = Vec::new();
    for (generation, put) in &job.puts {
        let (view, document) = (put.view, &put.document);
        let generation = match (generation, live.get(view.name)) {
            (Some(generation), _) if generations::exists(connection, view, *generation)? => *generation,
            (Some(_), _) => return Err(lost(view, document)),
            (None, Some(generation)) => *generation,
            (None, None) => {
                let generation = schema::live_generation(connection, view)?;
                live.insert(view.name, generation);
                generation
            }
        };
        let beside = all_new.iter_mut().find(|new| (new.view.name, new.generation) == (view.name, generation));
        match beside {
            _ if document.revision > 1 => {
                let sql = sql(statements, view, generation);
                // Not after it: what is unique may go from one to the next.
                if let Some(new) = beside {
                    new.write(connection, sql, wrote)?;
                }
                sql.change(connection, put)?;
                *wrote = true;
            }
            Some(new) => new.documents.push(document),
            None => all_new.push(New { view, generation, documents: vec![document] }),
        }
    }
    for mut new in all_new {
        new.write(connection, sql(statements, new.view, new.generation), wrote)?;
    }
    job.progress.as_ref().map_or(Ok(()), |progress| advance(connection, progress))
}

pub(super) fn sql<'s>(statements: &'s mut Statements, view: &'static ViewSpec, generation: u32) -> &'s mut PutSql {
    statements.entry((view.name, generation)).or_insert_with(|| PutSql::new(view, generation))
}
