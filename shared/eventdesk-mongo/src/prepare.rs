//! Makes the collections and indexes of views.

use eventdesk_app::ports::{FieldKind, Index, Misuse, ViewSpec};
use mongodb::{
    IndexModel,
    bson::{Document, RawDocumentBuf, doc},
    error::ErrorKind,
    options::IndexOptions,
};

use crate::{
    alias::{Alias, Aliases, VIEWS},
    fault::{DUPLICATE_KEY, Fault, MongoError},
    form::unique_field,
    server::Server,
};

/// How an index that is unique begins in [`indexes`].
const UNIQUE: &str = "unique ";
/// `IndexNotFound`, by MongoDB's list of error codes.
const INDEX_NOT_FOUND: i32 = 27;

/// The collection of a generation of a view.
pub(crate) fn collection(view: &ViewSpec, generation: u32) -> String {
    format!("{}_g{generation}", view.name)
}

/// Makes the first generation of views that have none, and the indexes that are missing.
///
/// What the row of a view says of its indexes is believed: once all is there, this costs one round trip.
pub(crate) async fn prepare(server: &Server, aliases: &Aliases, views: &[&'static ViewSpec]) -> Result<(), Fault> {
    for view in views {
        view.check()?;
        // MongoDB takes 64 a collection; sets and unique ones need more than is declared.
        if view.indexes.len() + view.fields.len() > 60 {
            return Err(Misuse { view: view.name, problem: "too many fields and indexes".to_owned() }.into());
        }
    }
    let row_of = |rows: &[Alias], view: &ViewSpec| rows.iter().find(|row| row.view == view.name).cloned();
    let rows = aliases.read_rows(server).await?;
    let mut new = false;
    for view in views {
        if let Some(row) = row_of(&rows, view) {
            bring_up(server, view, &row).await?;
            continue;
        }
        new = true;
        // Where another process is faster, it may be one of another version.
        if !make(server, view).await?
            && let Some(row) = row_of(&Aliases::rows(server).await?, view)
        {
            bring_up(server, view, &row).await?;
        }
    }
    if new {
        aliases.read_again(server).await?;
    }
    Ok(())
}

/// Makes the first generation; `false` if there is one by now.
async fn make(server: &Server, view: &'static ViewSpec) -> Result<bool, Fault> {
    // The row comes last, so that nobody uses a generation without its indexes.
    create_indexes(server, view, 1).await?;
    let row = doc! {
        "_id": view.name,
        "generation": 1_i64,
        "shape": i64::from(view.shape),
        "fields": fields(view),
        "indexes": indexes(view),
    };
    let row = RawDocumentBuf::try_from(row).map_err(|error| MongoError::Refused(error.into()))?;
    let rows = server.collection(VIEWS);
    let added = server.ask(async move {
        match rows.insert_one(row).await {
            Err(error) if is_duplicate(&error) => Ok(false),
            other => other.map(|_| true),
        }
    });
    Ok(added.await?)
}

fn is_duplicate(error: &mongodb::error::Error) -> bool {
    use mongodb::error::WriteFailure::WriteError;
    matches!(&*error.kind, ErrorKind::Write(WriteError(refusal)) if refusal.code == DUPLICATE_KEY)
}

/// Adds the indexes that the live generation lacks. One of other fields serves until a rebuild is through: what is new
/// is missing in its documents, which reads as null, until they are written again.
async fn bring_up(server: &Server, view: &'static ViewSpec, row: &Alias) -> Result<(), Fault> {
    let (fields, indexes) = (fields(view), indexes(view));
    if row.fields == fields && row.indexes == indexes {
        return Ok(());
    }
    drop_unique(server, view, row).await?;
    unset_undeclared(server, view, row).await?;
    // What is to be unique from now on was not looked after before.
    let was: Vec<_> = row.indexes.split(", ").collect();
    let index = |index: &&Index| !index.unique || was.contains(&told(index).as_str());
    make_models(server, view, row.generation, view.indexes.iter().filter(index).flat_map(index_models)).await?;
    let shape = if row.fields != fields && row.shape == view.shape { 0 } else { row.shape };
    let rows = server.collection(VIEWS);
    let (which, now) =
        (doc! { "_id": view.name }, doc! { "fields": fields, "indexes": indexes, "shape": i64::from(shape) });
    server.ask(async move { rows.update_one(which, doc! { "$set": now }).await }).await?;
    Ok(())
}

/// Drops the unique indexes that are declared no more: documents lack what they are over, and count as equal.
async fn drop_unique(server: &Server, view: &'static ViewSpec, row: &Alias) -> Result<(), Fault> {
    let today: Vec<_> = view.indexes.iter().map(told).collect();
    for gone in row.indexes.split(", ").filter(|was| !today.iter().any(|index| index == was)) {
        if let Some(over) = gone.strip_prefix(UNIQUE) {
            let name = format!("unique__{}", over.replace(' ', "__"));
            let collection = server.collection(&collection(view, row.generation));
            server
                .ask(async move {
                    match collection.drop_index(name).await {
                        // Another process was faster.
                        Err(error) if is_no_index(&error) => Ok(()),
                        other => other,
                    }
                })
                .await?;
        }
    }
    Ok(())
}

/// Takes away what is declared no more, or as another kind: queries would find it, and nobody would erase from it.
async fn unset_undeclared(server: &Server, view: &'static ViewSpec, row: &Alias) -> Result<(), Fault> {
    let today = fields(view);
    let gone = row.fields.split(", ").filter(|was| !was.is_empty() && !today.split(", ").any(|field| field == *was));
    let names: Document = gone.filter_map(|was| Some((was.split(' ').next()?.to_owned(), "".into()))).collect();
    if names.is_empty() {
        return Ok(());
    }
    let collection = server.collection(&collection(view, row.generation));
    // Whoever was interrupted, by the end of a function's time perhaps, goes on with those that still have them.
    let having: Vec<_> = names.keys().map(|name| doc! { name: { "$exists": true } }).collect();
    let having = doc! { "$or": having };
    server.ask_patiently(async move { collection.update_many(having, doc! { "$unset": names }).await }).await?;
    Ok(())
}

fn is_no_index(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(refusal) if refusal.code == INDEX_NOT_FOUND)
}

pub(crate) async fn create_indexes(server: &Server, view: &'static ViewSpec, generation: u32) -> Result<(), Fault> {
    make_models(server, view, generation, view.indexes.iter().flat_map(index_models)).await
}

async fn make_models(
    server: &Server,
    view: &'static ViewSpec,
    generation: u32,
    models: impl Iterator<Item = IndexModel>,
) -> Result<(), Fault> {
    let collection = server.collection(&collection(view, generation));
    // One by one: FerretDB stumbles over a list of which it has some already.
    for model in models.chain(set_models(view)) {
        let collection = collection.clone();
        server.ask_patiently(async move { collection.create_index(model).await }).await?;
    }
    Ok(())
}

/// Each page and count is of the living: so `deleted` comes first, where a partial index would leave the dead out.
fn index_models(index: &Index) -> Vec<IndexModel> {
    let mut keys = doc! { "deleted": 1 };
    keys.extend(index.fields.iter().map(|field| ((*field).to_owned(), 1.into())));
    keys.insert("_id", 1);
    let name = index.fields.join("__");
    let mut models = Vec::with_capacity(2);
    if index.unique {
        let options = IndexOptions::builder().name(format!("unique__{name}")).unique(true).build();
        models.push(IndexModel::builder().keys(doc! { unique_field(index): 1 }).options(options).build());
    }
    models.push(model(name, keys));
    models
}

/// Sets are filtered by, so each has an index though none is declared: a rare text is found without reading all.
fn set_models(view: &'static ViewSpec) -> impl Iterator<Item = IndexModel> {
    let sets = view.fields.iter().filter(|field| field.kind == FieldKind::Set);
    sets.map(|field| model(format!("holds__{}", field.name), doc! { "deleted": 1, field.name: 1, "_id": 1 }))
}

fn model(name: String, keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name).build()).build()
}

pub(crate) fn fields(view: &ViewSpec) -> String {
    let fields: Vec<_> = view.fields.iter().map(|field| format!("{} {:?}", field.name, field.kind)).collect();
    fields.join(", ")
}

pub(crate) fn indexes(view: &ViewSpec) -> String {
    let indexes: Vec<_> = view.indexes.iter().map(told).collect();
    indexes.join(", ")
}

fn told(index: &Index) -> String {
    format!("{}{}", if index.unique { UNIQUE } else { "" }, index.fields.join(" "))
}
