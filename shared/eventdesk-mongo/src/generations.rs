//! Generations beside the live one: made, filled, read, flipped and dropped.

use eventdesk_app::ports::{Document, Generation, Misuse, ViewSpec};
use mongodb::{
    bson::{RawDocumentBuf, doc},
    error::ErrorKind,
};

use crate::{
    alias::{Alias, Aliases, Other},
    fault::{DUPLICATE_KEY, Fault, MongoError},
    form,
    prepare::{collection, create_indexes, fields, indexes},
    server::{Server, Shape},
};

/// Most documents of one insertion.
const INSERTED_AT_ONCE: usize = 500;

pub(crate) async fn stored(
    server: &Server,
    aliases: &Aliases,
    view: &'static ViewSpec,
) -> Result<Vec<Generation>, Fault> {
    let row = aliases.row(server, view).await?;
    let live = Generation { number: row.generation, shape: row.shape, live: true, also: false };
    let others = row.others.iter().filter(|other| !other.dropped).map(|other| Generation {
        number: other.number,
        shape: other.shape,
        live: false,
        also: row.also == Some(other.number),
    });
    let mut all: Vec<_> = others.chain([live]).collect();
    all.sort_by_key(|generation| generation.number);
    Ok(all)
}

pub(crate) async fn make(server: &Server, aliases: &Aliases, view: &'static ViewSpec) -> Result<u32, Fault> {
    let mut row = aliases.row(server, view).await?;
    let number = row.others.iter().map(|other| other.number).fold(row.generation, u32::max) + 1;
    // What stands there under this name belongs to nobody.
    let leftover = server.collection(&collection(view, number));
    server.ask(async move { leftover.drop().await }).await?;
    let (fields, indexes) = (fields(view), String::new());
    row.others.push(Other { number, shape: view.shape, fields, indexes, dropped: false });
    aliases.store(server, &row).await?;
    Ok(number)
}

/// Adds documents that are not there; the places of those that were.
pub(crate) async fn fill(
    server: &Server,
    aliases: &Aliases,
    (view, generation): (&'static ViewSpec, u32),
    documents: &[Document],
) -> Result<Vec<usize>, Fault> {
    aliases.demand(server, view, generation).await?;
    let name = collection(view, generation);
    let mut there = Vec::new();
    for (number, some) in documents.chunks(INSERTED_AT_ONCE).enumerate() {
        let mut stored = Vec::with_capacity(some.len());
        for document in some {
            let document = RawDocumentBuf::try_from(form::stored(view, document)?);
            stored.push(document.map_err(|error| MongoError::Refused(error.into()))?);
        }
        let collection = server.collection(&name);
        let refused = server.ask(async move {
            match collection.insert_many(stored).ordered(false).await {
                Ok(_) => Ok(Vec::new()),
                Err(error) => known_places(&error).ok_or(error),
            }
        });
        there.extend(refused.await?.into_iter().map(|place| number * INSERTED_AT_ONCE + place));
    }
    Ok(there)
}

/// Where in the insertion documents were that are there already, if nothing else was wrong.
fn known_places(error: &mongodb::error::Error) -> Option<Vec<usize>> {
    let ErrorKind::InsertMany(refusals) = &*error.kind else { return None };
    let refusals = refusals.write_errors.as_deref().filter(|_| refusals.write_concern_error.is_none())?;
    let mut places: Vec<_> = refusals.iter().map(|refusal| refusal.index).collect();
    places.sort_unstable();
    refusals.iter().all(|refusal| refusal.code == DUPLICATE_KEY).then_some(places)
}

pub(crate) async fn make_indexes(
    server: &Server,
    aliases: &Aliases,
    view: &'static ViewSpec,
    generation: u32,
) -> Result<(), Fault> {
    aliases.demand(server, view, generation).await?;
    create_indexes(server, view, generation).await?;
    let mut row = aliases.row(server, view).await?;
    if let Some(other) = row.others.iter_mut().find(|other| other.number == generation) {
        other.indexes = indexes(view);
        aliases.store(server, &row).await?;
    }
    Ok(())
}

pub(crate) async fn page(
    server: &Server,
    view: &'static ViewSpec,
    generation: u32,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<Document>, Fault> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let filter = after.map_or_else(|| doc! {}, |after| doc! { "_id": { "$gt": after } });
    let shape = Shape { sort: Some(doc! { "_id": 1 }), limit: most, ..Shape::default() };
    let found = server.find(&collection(view, generation), filter, shape).await?;
    Ok(found.iter().map(|stored| form::document(view, stored)).collect::<Result<_, _>>()?)
}

pub(crate) async fn holding(
    server: &Server,
    view: &'static ViewSpec,
    generation: u32,
    field: &'static str,
    values: &[String],
) -> Result<Vec<Document>, Fault> {
    view.field(field)?;
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    let filter = doc! { "deleted": false, field: { "$in": values } };
    let found = server.find(&collection(view, generation), filter, Shape::default()).await?;
    Ok(found.iter().map(|stored| form::document(view, stored)).collect::<Result<_, _>>()?)
}

pub(crate) async fn write_also(
    server: &Server,
    aliases: &Aliases,
    orders: &[(&'static ViewSpec, Option<u32>)],
) -> Result<(), Fault> {
    for (view, also) in orders {
        let mut row = aliases.row(server, view).await?;
        if let Some(generation) = also
            && row.generation != *generation
            && row.other(*generation).is_none()
        {
            return Err(unknown(view, *generation));
        }
        row.also = also.filter(|also| *also != row.generation);
        aliases.store(server, &row).await?;
    }
    Ok(())
}

pub(crate) async fn flip(
    server: &Server,
    aliases: &Aliases,
    generations: &[(&'static ViewSpec, u32)],
) -> Result<(), Fault> {
    let mut rows = Vec::with_capacity(generations.len());
    for (view, generation) in generations {
        let mut row = aliases.row(server, view).await?;
        if row.generation != *generation {
            let other = row.other(*generation).cloned().ok_or_else(|| unknown(view, *generation))?;
            row.others.retain(|other| other.number != *generation);
            let Alias { generation: number, shape, fields, indexes, .. } = row;
            let old = Other { number, shape, fields, indexes, dropped: false };
            row = Alias {
                view: row.view,
                generation: other.number,
                shape: other.shape,
                fields: other.fields,
                indexes: other.indexes,
                also: Some(number),
                others: row.others,
            };
            row.others.push(old);
        }
        rows.push(row);
    }
    for row in rows {
        aliases.store(server, &row).await?;
    }
    Ok(())
}

pub(crate) async fn drop_generation(
    server: &Server,
    aliases: &Aliases,
    view: &'static ViewSpec,
    generation: u32,
) -> Result<(), Fault> {
    let mut row = aliases.row(server, view).await?;
    if row.generation == generation {
        return Err(Misuse { view: view.name, problem: "the live generation stays".to_owned() }.into());
    }
    let Some(other) = row.others.iter_mut().find(|other| other.number == generation) else { return Ok(()) };
    other.dropped = true;
    row.also = row.also.filter(|also| *also != generation);
    aliases.store(server, &row).await?;
    remove(server, aliases, view, generation).await
}

pub(crate) async fn finish_drops(server: &Server, aliases: &Aliases, view: &'static ViewSpec) -> Result<(), Fault> {
    let row = aliases.row(server, view).await?;
    for other in row.others.iter().filter(|other| other.dropped) {
        remove(server, aliases, view, other.number).await?;
    }
    Ok(())
}

/// Removes a generation that is being dropped.
async fn remove(server: &Server, aliases: &Aliases, view: &'static ViewSpec, generation: u32) -> Result<(), Fault> {
    let dropped = server.collection(&collection(view, generation));
    server.ask_patiently(async move { dropped.drop().await }).await?;
    // It may have taken long, and another process may have changed the row.
    let mut row = aliases.row(server, view).await?;
    row.others.retain(|other| other.number != generation || !other.dropped);
    aliases.store(server, &row).await
}

fn unknown(view: &ViewSpec, generation: u32) -> Fault {
    Misuse { view: view.name, problem: format!("there is no generation {generation}") }.into()
}
