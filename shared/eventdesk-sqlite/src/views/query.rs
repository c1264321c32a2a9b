//! Queries as SQL.
//!
//! SQLite knows no figures about the data and would guess; so the index of a page is chosen here, and a page costs
//! what it returns: the declared index that fixes most filters and then has the sort field.

use std::fmt::Write;

use eventdesk_app::ports::{Filter, Index, Select, Value, ViewSpec};
use rusqlite::types::Value as Sql;

use super::schema::{index_name, set_table, table};

/// SQL with the values of its parameters.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Sql>,
}

/// Most values of one field for which a page is merged from one page each.
const MERGED: usize = 8;

/// The columns that make a document: id, version, revision, deleted, body, then the fields.
pub(super) fn columns(view: &ViewSpec) -> String {
    let fields = view.fields.iter().map(|field| format!(", t.\"{}\"", field.name));
    std::iter::once("t.id, t.version, t.revision, t.deleted, t.body".to_owned()).chain(fields).collect()
}

/// The columns that make a hit, before the sort field.
pub(super) const HIT: &str = "t.id, t.version, t.body";

/// How one page is read.
pub(super) struct Plan<'a> {
    select: &'a Select,
    generation: u32,
    by_holders: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(select: &'a Select, generation: u32) -> Self {
        Self { select, generation, by_holders: false }
    }

    /// The first condition on a set.
    pub(super) fn holds(&self) -> Option<(&'static str, &'a str)> {
        self.select.filters.iter().find_map(|filter| match filter {
            Filter::Holds(field, text) => Some((*field, text.as_str())),
            _ => None,
        })
    }

    /// Whether to start from the documents that [`Plan::holds`] names, for they are few.
    pub(super) fn drive_by_holders(&mut self, by_holders: bool) {
        self.by_holders = by_holders;
    }

    /// The queries whose results, merged in order, begin with the page; each in order itself.
    pub(super) fn queries(&self) -> Vec<Query> {
        let Select { view, filters, sort, .. } = self.select;
        if filters.iter().any(|filter| matches!(filter, Filter::OneOf(_, values) if values.is_empty())) {
            return Vec::new();
        }
        if self.by_holders {
            return vec![self.query(filters, None)];
        }
        let (index, merged) = page_index(view, filters, sort.field);
        let Some((place, values)) = merged else { return vec![self.query(filters, index)] };
        let page_of = |value: &Value| {
            let mut filters = filters.clone();
            if let Filter::OneOf(field, _) = filters[place] {
                filters[place] = Filter::Equal(field, value.clone());
            }
            self.query(&filters, index)
        };
        let first = |(place, value): &(usize, &Value)| !values[..*place].contains(value);
        let mut queries: Vec<_> = values.iter().enumerate().filter(first).map(|(_, value)| page_of(value)).collect();
        for (number, query) in queries.iter_mut().enumerate() {
            // They run at once: each must be a prepared statement of its own.
            query.push(&format!(" -- {number}"));
        }
        queries
    }

    fn query(&self, filters: &[Filter], index: Option<&Index>) -> Query {
        let Select { view, sort, after, limit, .. } = self.select;
        let mut query = Query { sql: format!("SELECT {HIT}, t.\"{}\" FROM ", sort.field), values: Vec::new() };
        let from = table(view, self.generation);
        match (self.holds().filter(|_| self.by_holders), index) {
            (Some((field, text)), _) => {
                let side = set_table(view, self.generation, field);
                query.push(&format!("\"{side}\" AS s CROSS JOIN \"{from}\" AS t ON t.rowid = s.doc WHERE s.value = ?"));
                query.values.push(Sql::Text(text.to_owned()));
                query.push(" AND t.deleted = 0");
            }
            (None, Some(index)) => {
                let name = index_name(view, self.generation, index);
                query.push(&format!("\"{from}\" AS t INDEXED BY \"{name}\" WHERE t.deleted = 0"));
            }
            (None, None) => query.push(&format!("\"{from}\" AS t WHERE t.deleted = 0")),
        }
        query.conditions(view, self.generation, filters);
        let (field, direction, less) = (sort.field, if sort.descending { "DESC" } else { "ASC" }, sort.descending);
        if let Some((value, id)) = after {
            query.push(&format!(" AND (t.\"{field}\", t.id) {} (?, ?)", if less { "<" } else { ">" }));
            query.values.extend([sql(value), Sql::Text(id.clone())]);
        }
        query.push(&format!(" ORDER BY t.\"{field}\" {direction}, t.id {direction} LIMIT ?"));
        query.values.push(Sql::Integer(i64::try_from(*limit).unwrap_or(i64::MAX)));
        query
    }
}

/// Counts the documents that match.
pub(super) fn count_query(view: &ViewSpec, generation: u32, filters: &[Filter]) -> Query {
    let from = table(view, generation);
    let mut query =
        Query { sql: format!("SELECT count(*) FROM \"{from}\" AS t WHERE t.deleted = 0"), values: Vec::new() };
    query.conditions(view, generation, filters);
    query
}

/// Counts, but never beyond `most`, the documents whose set holds a text.
pub(super) fn holders_query(view: &ViewSpec, generation: u32, field: &str, text: &str, most: u64) -> Query {
    let side = set_table(view, generation, field);
    Query {
        sql: format!("SELECT count(*) FROM (SELECT 1 FROM \"{side}\" WHERE value = ?1 LIMIT {most})"),
        values: vec![Sql::Text(text.to_owned())],
    }
}

/// The place and values of a [`Filter::OneOf`] that is read as one page a value.
type Merged<'a> = Option<(usize, &'a [Value])>;

/// The index that yields the page in order, if one does and none promises to find the few matches at once.
fn page_index<'a>(view: &ViewSpec, filters: &'a [Filter], sort: &str) -> (Option<&'static Index>, Merged<'a>) {
    let fixed = |name: &str| filters.iter().any(|filter| matches!(filter, Filter::Equal(field, _) if *field == name));
    let among = |name: &str| {
        filters.iter().enumerate().find_map(|(place, filter)| match filter {
            Filter::OneOf(field, values) if *field == name && values.len() <= MERGED => {
                Some((place, values.as_slice()))
            }
            _ => None,
        })
    };
    let mut best: Option<(usize, &'static Index, Merged<'a>)> = None;
    for index in view.indexes {
        let Some((last, before)) = index.fields.split_last() else { continue };
        if *last != sort {
            continue;
        }
        let open: Vec<_> = before.iter().filter(|name| !fixed(name)).collect();
        let merged = match open.as_slice() {
            [] => None,
            [name] => match among(name) {
                Some(merged) => Some(merged),
                None => continue,
            },
            _ => continue,
        };
        // A field fixed by one value is worth more than one that must be merged; a unique index has no id to sort by.
        let worth = 4 * before.len() + usize::from(!index.unique) - 2 * usize::from(merged.is_some());
        if best.as_ref().is_none_or(|(most, ..)| worth > *most) {
            best = Some((worth, index, merged));
        }
    }
    let whole = |index: &Index| index.fields.iter().all(|name| fixed(name));
    match best {
        // Declared without a sort field, an index is meant to find few: SQLite's guess is then right.
        Some((0 | 1, ..)) if view.indexes.iter().any(whole) => (None, None),
        Some((_, index, merged)) => (Some(index), merged),
        None => (None, None),
    }
}

impl Query {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn conditions(&mut self, view: &ViewSpec, generation: u32, filters: &[Filter]) {
        for filter in filters {
            match filter {
                Filter::Equal(field, Value::Null) => self.push(&format!(" AND t.\"{field}\" IS NULL")),
                Filter::Equal(field, value) => self.compare(field, "=", value),
                Filter::Less(field, value) => self.compare(field, "<", value),
                Filter::Greater(field, value) => self.compare(field, ">", value),
                Filter::OneOf(field, values) => self.one_of(field, values),
                Filter::Holds(field, text) => {
                    let side = set_table(view, generation, field);
                    self.push(&format!(" AND EXISTS (SELECT 1 FROM \"{side}\" WHERE value = ? AND doc = t.rowid)"));
                    self.values.push(Sql::Text(text.clone()));
                }
                Filter::Contains(field, text) => {
                    // Unlike LIKE, instr has no wildcards and tells upper from lower case.
                    self.push(&format!(" AND instr(t.\"{field}\", ?) > 0"));
                    self.values.push(Sql::Text(text.clone()));
                }
            }
        }
    }

    fn compare(&mut self, field: &str, operator: &str, value: &Value) {
        self.push(&format!(" AND t.\"{field}\" {operator} ?"));
        self.values.push(sql(value));
    }

    fn one_of(&mut self, field: &str, values: &[Value]) {
        let given: Vec<_> = values.iter().filter(|value| **value != Value::Null).collect();
        let marks = vec!["?"; given.len()].join(", ");
        let or_null = if given.len() < values.len() { format!(" OR t.\"{field}\" IS NULL") } else { String::new() };
        write!(self.sql, " AND (t.\"{field}\" IN ({marks}){or_null})").expect("a string takes text");
        self.values.extend(given.into_iter().map(sql));
    }
}

fn sql(value: &Value) -> Sql {
    match value {
        Value::Int(number) => Sql::Integer(*number),
        Value::Text(text) => Sql::Text(text.clone()),
        // Filters and sort are checked: neither is ever compared.
        Value::Null | Value::Set(_) => Sql::Null,
    }
}
