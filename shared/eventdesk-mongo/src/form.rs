//! View documents as MongoDB holds them: `_id`, `version`, `revision`, `deleted`, the declared fields, `body`.

use eventdesk_app::ports::{Document, Field, FieldKind, Glance, Hit, Index, Misuse, Value, ViewSpec};
use mongodb::bson::{self, Bson, RawBsonRef, RawDocument, doc};

use crate::fault::MongoError;

/// The field that a unique index is over. No declared name begins with an underscore.
///
/// It holds the index's values while the document lives and none of them is null, and the document's own id otherwise:
/// so tombstones and nulls are never the same as another's, which partial indexes would say more directly, were they
/// common to all servers.
pub(crate) fn unique_field(index: &Index) -> String {
    format!("_unique__{}", index.fields.join("__"))
}

/// The document to store.
pub(crate) fn stored(view: &'static ViewSpec, document: &Document) -> Result<bson::Document, Misuse> {
    view.check_document(document)?;
    let mut stored = doc! {
        "_id": document.id.as_str(),
        "version": number(view, document.version)?,
        "revision": number(view, document.revision)?,
        "deleted": document.deleted,
    };
    for (field, value) in view.fields.iter().zip(&document.fields) {
        stored.insert(field.name, bson(value));
    }
    for index in view.indexes.iter().filter(|index| index.unique) {
        stored.insert(unique_field(index), unique_value(view, document, index)?);
    }
    // Last, so that who reads the fields need not pass over it.
    stored.insert("body", document.body.as_str());
    Ok(stored)
}

fn unique_value(view: &'static ViewSpec, document: &Document, index: &Index) -> Result<bson::Document, Misuse> {
    let mut values = bson::Document::new();
    for name in index.fields {
        let value = &document.fields[view.field(name)?.0];
        if document.deleted || *value == Value::Null {
            return Ok(doc! { "_id": document.id.as_str() });
        }
        values.insert(*name, bson(value));
    }
    Ok(values)
}

/// A count as MongoDB's 64-bit number.
pub(crate) fn number(view: &'static ViewSpec, number: u64) -> Result<i64, Misuse> {
    i64::try_from(number).map_err(|_| Misuse { view: view.name, problem: format!("{number} is too large") })
}

pub(crate) fn bson(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Int(number) => Bson::Int64(*number),
        Value::Text(text) => Bson::String(text.clone()),
        Value::Set(texts) => Bson::Array(texts.iter().map(|text| Bson::String(text.clone())).collect()),
    }
}

/// What [`glance`] reads.
pub(crate) fn glance_fields() -> bson::Document {
    doc! { "version": 1, "deleted": 1, "body": 1 }
}

/// What [`hit`] reads.
pub(crate) fn hit_fields(sort: &str) -> bson::Document {
    doc! { "version": 1, sort: 1, "body": 1 }
}

pub(crate) fn document(view: &'static ViewSpec, stored: &RawDocument) -> Result<Document, MongoError> {
    Ok(Document {
        id: text(stored, "_id")?,
        version: count(stored, "version")?,
        revision: count(stored, "revision")?,
        deleted: stored.get_bool("deleted").map_err(refused)?,
        fields: view.fields.iter().map(|field| declared(stored, field)).collect(),
        body: text(stored, "body")?,
    })
}

pub(crate) fn glance(stored: &RawDocument) -> Result<Glance, MongoError> {
    Ok(Glance {
        id: text(stored, "_id")?,
        version: count(stored, "version")?,
        deleted: stored.get_bool("deleted").map_err(refused)?,
        body: text(stored, "body")?,
    })
}

pub(crate) fn hit(stored: &RawDocument, sort: &str) -> Result<Hit, MongoError> {
    Ok(Hit {
        id: text(stored, "_id")?,
        version: count(stored, "version")?,
        place: value(stored, sort).unwrap_or(Value::Null),
        body: text(stored, "body")?,
    })
}

pub(crate) fn text(stored: &RawDocument, name: &str) -> Result<String, MongoError> {
    stored.get_str(name).map(str::to_owned).map_err(refused)
}

pub(crate) fn count(stored: &RawDocument, name: &str) -> Result<u64, MongoError> {
    u64::try_from(stored.get_i64(name).map_err(refused)?).map_err(|error| MongoError::Refused(error.into()))
}

/// A field's value. A document that was written before the field was declared as it is has none, or another kind of it.
fn declared(stored: &RawDocument, field: &Field) -> Value {
    let found = value(stored, field.name).filter(|value| fits(value, field.kind));
    found.unwrap_or_else(|| if field.kind == FieldKind::Set { Value::Set(Vec::new()) } else { Value::Null })
}

fn fits(value: &Value, kind: FieldKind) -> bool {
    match value {
        Value::Null => kind != FieldKind::Set,
        Value::Int(_) => kind == FieldKind::Int,
        Value::Text(_) => kind == FieldKind::Text,
        Value::Set(_) => kind == FieldKind::Set,
    }
}

fn value(stored: &RawDocument, name: &str) -> Option<Value> {
    Some(match stored.get(name).ok()?? {
        RawBsonRef::Null => Value::Null,
        RawBsonRef::Int64(number) => Value::Int(number),
        RawBsonRef::String(text) => Value::Text(text.to_owned()),
        RawBsonRef::Array(texts) => {
            let text = |text: bson::error::Result<RawBsonRef<'_>>| text.ok()?.as_str().map(str::to_owned);
            Value::Set(texts.into_iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn refused(error: bson::error::Error) -> MongoError {
    MongoError::Refused(error.into())
}
