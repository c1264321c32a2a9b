//! Guarded writes, in order.

use std::collections::HashMap;

use eventdesk_app::ports::{Put, ViewSpec};
use mongodb::{
    bson::{Document, RawDocumentBuf, doc},
    error::ErrorKind,
};

use crate::{
    alias::Aliases,
    fault::{DUPLICATE_KEY, Fault, MongoError},
    form,
    prepare::collection,
    server::{Server, Shape},
};

/// Most documents of one insertion. FerretDB works through an insertion by the hundred, and after a refusal goes on
/// with the next hundred, though it was told to keep the order.
const INSERTED_AT_ONCE: usize = 100;

/// A document on its way.
struct Write<'a> {
    view: &'static ViewSpec,
    /// The collection that it goes to.
    name: String,
    id: &'a str,
    /// What the stored document's revision must be; 0 if there must be none.
    revision: i64,
    document: RawDocumentBuf,
}

impl Write<'_> {
    fn lost(&self) -> Fault {
        Fault::GuardLost { view: self.view.name, id: self.id.to_owned() }
    }
}

/// Writes documents in order, and stops at the first that its guard refuses.
///
/// First writes of one view that follow one another are one round trip: the server stops at the first that it has
/// already, and tells which. Any other write is a round trip of its own: one `update` of several documents would tell
/// how many it found, not which, and goes on after one that it did not find.
pub(crate) async fn put_all(server: &Server, aliases: &Aliases, puts: &[Put]) -> Result<(), Fault> {
    let mut live = HashMap::new();
    let mut writes = Vec::with_capacity(puts.len());
    for put in puts {
        let generation = match live.get(put.view.name) {
            Some(generation) => *generation,
            None => aliases.live(server, put.view).await?,
        };
        live.insert(put.view.name, generation);
        writes.push(write(generation, put)?);
    }
    write_all(server, writes).await
}

/// As [`put_all`], each into the generation that stands with it.
pub(crate) async fn put_all_in(server: &Server, aliases: &Aliases, puts: &[(u32, Put)]) -> Result<(), Fault> {
    let mut writes = Vec::with_capacity(puts.len());
    for (generation, put) in puts {
        let write = write(*generation, put)?;
        // MongoDB would make a collection that has gone.
        if !aliases.has(server, put.view, *generation).await? {
            return Err(write.lost());
        }
        writes.push(write);
    }
    write_all(server, writes).await
}

async fn write_all(server: &Server, writes: Vec<Write<'_>>) -> Result<(), Fault> {
    let mut writes = writes.into_iter().peekable();
    while let Some(first) = writes.next() {
        if first.revision > 0 {
            replace(server, first).await?;
            continue;
        }
        let name = first.name.clone();
        let mut run = vec![first];
        while run.len() < INSERTED_AT_ONCE
            && let Some(next) = writes.next_if(|next| next.revision == 0 && next.name == name)
        {
            run.push(next);
        }
        insert(server, &name, run).await?;
    }
    Ok(())
}

fn write(generation: u32, Put { view, document }: &Put) -> Result<Write<'_>, Fault> {
    let stored = form::stored(view, document)?;
    Ok(Write {
        view,
        name: collection(view, generation),
        id: &document.id,
        revision: form::number(view, document.revision)? - 1,
        document: RawDocumentBuf::try_from(stored).map_err(|error| MongoError::Refused(error.into()))?,
    })
}

async fn replace(server: &Server, write: Write<'_>) -> Result<(), Fault> {
    let as_read = doc! { "_id": write.id, "revision": write.revision };
    let collection = server.collection(&write.name);
    let document = write.document.clone();
    let done = server.ask(async move { collection.replace_one(as_read, document).await }).await?;
    if done.matched_count == 0 { Err(write.lost()) } else { Ok(()) }
}

async fn insert(server: &Server, name: &str, run: Vec<Write<'_>>) -> Result<(), Fault> {
    let collection = server.collection(name);
    let documents: Vec<_> = run.iter().map(|write| write.document.clone()).collect();
    let inserted = server.ask(async move {
        match collection.insert_many(documents).ordered(true).await {
            Ok(_) => Ok(None),
            Err(error) => match refused_place(&error) {
                Some(place) => Ok(Some((place, error))),
                None => Err(error),
            },
        }
    });
    let Some((place, error)) = inserted.await? else { return Ok(()) };
    let Some(write) = run.get(place) else { return Err(MongoError::from(error).into()) };
    // Either the document exists, or another has the value of a unique index. Servers do not tell alike.
    let found = server.find(name, doc! { "_id": write.id }, lean()).await?;
    if found.is_empty() { Err(MongoError::Refused(error.into()).into()) } else { Err(write.lost()) }
}

/// Where in the insertion a document was that a unique index refused.
fn refused_place(error: &mongodb::error::Error) -> Option<usize> {
    let ErrorKind::InsertMany(refusals) = &*error.kind else { return None };
    let first = refusals.write_errors.as_deref()?.first()?;
    (first.code == DUPLICATE_KEY).then_some(first.index)
}

fn lean() -> Shape {
    Shape { projection: Some(Document::from_iter([("_id".to_owned(), 1.into())])), ..Shape::default() }
}
