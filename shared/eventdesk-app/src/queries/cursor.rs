//! Signed places in lists: where a page ended, bound to the filter and sort it was made for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{Page, PageRequest, Queries};
use crate::{
    Digest, QueryError,
    ports::{Filter, Hit, Select, Sort, Value, ViewSpec},
};

/// Longest cursor that is looked at, in characters: two names of 100 characters of four bytes, an id and a digest make
/// 1,200.
const LONGEST: usize = 2_000;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Int(i64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
struct Place(Key, String);

/// What a list shows, before paging.
pub(super) struct List {
    pub(super) view: &'static ViewSpec,
    pub(super) filters: Vec<Filter>,
    pub(super) sort: Sort,
    /// All else that a cursor is bound to: the request's filter, and whose eyes narrow it.
    pub(super) bound: String,
}

impl Queries {
    /// The hits of one page, the cursor of the next, and the total if asked for.
    pub(super) async fn page(&self, list: List, page: &PageRequest) -> Result<Page<Hit>, QueryError> {
        let List { view, filters, sort, bound } = list;
        let bound = format!("{}\n{sort:?}\n{bound}", view.name);
        let after = page.cursor.as_deref().map(|cursor| self.open_cursor(cursor, &bound)).transpose()?;
        let total = if page.total { Some(self.views.count(view, &filters).await?) } else { None };
        let select = Select { view, filters, sort, after, limit: page.limit + 1 };
        let mut items = self.views.select(&select).await?;
        let more = items.len() > page.limit;
        items.truncate(page.limit);
        let next_cursor = match items.last() {
            Some(last) if more => Some(self.make_cursor(last, &bound)?),
            _ => None,
        };
        Ok(Page { items, next_cursor, total })
    }

    pub(super) fn make_cursor(&self, last: &Hit, bound: &str) -> Result<String, QueryError> {
        let key = match &last.place {
            Value::Int(number) => Key::Int(*number),
            Value::Text(text) => Key::Text(text.clone()),
            // The field is newer than the documents, until they are built anew.
            Value::Null => {
                return Err(QueryError::Unavailable("the read model lacks a field that it is sorted by".into()));
            }
            Value::Set(_) => return Err(QueryError::Internal("a list is sorted by a set".into())),
        };
        let place =
            serde_json::to_vec(&Place(key, last.id.clone())).map_err(|error| QueryError::Internal(error.into()))?;
        let mut bytes = self.cursors.digest(&[bound.as_bytes(), &place]).0.to_vec();
        bytes.extend(place);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn open_cursor(&self, cursor: &str, bound: &str) -> Result<(Value, String), QueryError> {
        if cursor.len() > LONGEST {
            return Err(QueryError::BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| QueryError::BadCursor)?;
        let (digest, place) = bytes.split_first_chunk::<16>().ok_or(QueryError::BadCursor)?;
        if !self.cursors.digest(&[bound.as_bytes(), place]).same_as(&Digest(*digest)) {
            return Err(QueryError::BadCursor);
        }
        let Place(key, id) = serde_json::from_slice(place).map_err(|_| QueryError::BadCursor)?;
        let value = match key {
            Key::Int(number) => Value::Int(number),
            Key::Text(text) => Value::Text(text),
        };
        Ok((value, id))
    }
}

impl<R> Page<R> {
    /// The same page with each item turned into another.
    pub(super) fn try_map<T>(self, item: impl FnMut(R) -> Result<T, QueryError>) -> Result<Page<T>, QueryError> {
        let items = self.items.into_iter().map(item).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: self.next_cursor, total: self.total })
    }
}

/// A filter for a field that has one of several texts; none given = any.
pub(super) fn one_of(field: &'static str, values: Vec<Value>) -> Option<Filter> {
    match values.len() {
        0 => None,
        1 => values.into_iter().next().map(|value| Filter::Equal(field, value)),
        _ => Some(Filter::OneOf(field, values)),
    }
}
