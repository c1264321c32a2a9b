//! Reads: a pool of read-only connections, each read in one snapshot together with the alias it goes by.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use eventdesk_app::ports::{
    ConsumerState, DeadLetter, Document, FieldKind, Filter, Generation, Glance, Hit, Position, Retry, Select, Value,
    ViewSpec, Written,
};
use eventdesk_events::Timestamp;
use rusqlite::{Connection, Row, Rows, params_from_iter, types::ValueRef};

use super::{
    ViewsOptions,
    damage::Damage,
    fault::Failure,
    generations,
    put::set,
    query::{Plan, Query, columns, count_query, holders_query},
    schema,
};

/// Connections that wait for a read; a read takes one out, so none is ever shared.
pub(super) struct Pool {
    path: PathBuf,
    wait: Duration,
    kept: usize,
    idle: Mutex<Vec<Reader>>,
    damage: Arc<Damage>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(path: PathBuf, options: &ViewsOptions, damage: Arc<Damage>) -> Self {
        Self { path, wait: options.read_wait, kept: options.readers, idle: Mutex::new(Vec::new()), damage }
    }

    /// Reads in one snapshot of the file.
    pub(super) fn read<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T, Failure>) -> Result<T, Failure> {
        self.lend(|reader| {
            // One transaction takes one read lock, where the alias and the query apart would take two.
            reader.connection.prepare_cached("BEGIN")?.execute([])?;
            let result = read(reader);
            let ended = reader.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            result.and_then(|found| ended.map(|_| found).map_err(Failure::from))
        })
    }

    /// Forgets the statements of the fields that generations had until now.
    pub(super) fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lends a connection to statements each of which needs no other's snapshot; one that met an error is not lent again.
    pub(super) fn lend<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut reader = match waiting {
            Some(reader) => reader,
            None => Reader {
                connection: schema::open_reader(&self.path, self.wait).map_err(Failure::Views)?,
                by_id: HashMap::new(),
                generations: HashMap::new(),
            },
        };
        let result = read(&mut reader);
        self.damage.look_at(&result);
        if reader.connection.is_autocommit() && !result.as_ref().is_err_and(Failure::spoils_connection) {
            let mut idle = idle();
            if idle.len() < self.kept {
                idle.push(reader);
            }
        }
        result
    }
}

/// One read-only connection.
pub(super) struct Reader {
    connection: Connection,
    by_id: HashMap<(&'static str, u32, &'static str), String>,
    /// The live generations when last seen: where a look-up begins, never what it relies on.
    generations: HashMap<&'static str, u32>,
}

/// What is read of a document found by id.
struct Form<T> {
    name: &'static str,
    columns: fn(&ViewSpec) -> String,
    /// How many columns that is.
    width: fn(&ViewSpec) -> usize,
    read: fn(&ViewSpec, &Row<'_>) -> Result<T, Failure>,
}

const WHOLE: Form<Document> = Form { name: "whole", columns, width: |view| view.fields.len() + 5, read: document };
const LEAN: Form<Glance> =
    Form { name: "lean", columns: |_| "t.id, t.version, t.deleted, t.body".to_owned(), width: |_| 4, read: lean };

/// A tag with at most so many documents is read whole; for more the page's index is walked.
const FEW: u64 = 200;

impl Reader {
    pub(super) fn generation(&self, view: &'static ViewSpec) -> Result<u32, Failure> {
        schema::live_generation(&self.connection, view)
    }

    pub(super) fn is_of_other_fields(&self, views: &[&'static ViewSpec]) -> Result<bool, Failure> {
        schema::is_of_other_fields(&self.connection, views)
    }

    pub(super) fn written(&self, view: &'static ViewSpec) -> Result<Written, Failure> {
        generations::written(&self.connection, view)
    }

    pub(super) fn live_shape(&self, view: &'static ViewSpec) -> Result<u32, Failure> {
        generations::live_shape(&self.connection, view)
    }

    pub(super) fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, Failure> {
        generations::stored(&self.connection, view)
    }

    pub(super) fn missing_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<Vec<String>, Failure> {
        generations::missing_indexes(&self.connection, view, generation)
    }

    pub(super) fn misfiled(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        only: Option<&str>,
    ) -> Result<Vec<String>, Failure> {
        generations::misfiled(&self.connection, view, generation, only)
    }

    /// The documents of one generation that meet a condition with two parameters.
    fn documents_in(
        &self,
        (view, generation): (&'static ViewSpec, u32),
        condition: &str,
        parameters: &[(&str, i64)],
    ) -> Result<Vec<Document>, Failure> {
        generations::demand(&self.connection, view, generation)?;
        let (columns, table) = (columns(view), schema::table(view, generation));
        let sql = format!("SELECT {columns} FROM \"{table}\" AS t WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = Vec::new();
        for parameters in parameters {
            let mut rows = statement.query(*parameters)?;
            while let Some(row) = rows.next()? {
                found.push(document(view, row)?);
            }
        }
        Ok(found)
    }

    pub(super) fn get_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, Failure> {
        let each: Vec<_> = ids.iter().map(|id| (*id, 1)).collect();
        let found = self.documents_in((view, generation), "t.id = ?1 LIMIT ?2", &each)?;
        // They come in the order asked, those apart that are not there.
        let mut found = found.into_iter().peekable();
        Ok(ids.iter().map(|id| found.next_if(|document| document.id == *id)).collect())
    }

    pub(super) fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, Failure> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.documents_in((view, generation), "t.id > ?1 ORDER BY t.id LIMIT ?2", &[(after.unwrap_or_default(), most)])
    }

    pub(super) fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &str,
        values: &[String],
    ) -> Result<Vec<Document>, Failure> {
        view.field(field)?;
        let each: Vec<_> = values.iter().map(|value| (value.as_str(), i64::MAX)).collect();
        self.documents_in((view, generation), &format!("t.\"{field}\" = ?1 AND t.deleted = 0 LIMIT ?2"), &each)
    }

    pub(super) fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, Failure> {
        generations::demand(&self.connection, view, generation)?;
        let sql = format!("SELECT count(*) FROM \"{}\"", schema::table(view, generation));
        let size: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    /// Each document together with the alias it goes by, in one statement: the generation that it was looked up in is
    /// known to be the live one of that very moment.
    pub(super) fn get(&mut self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, Failure> {
        self.look_up(view, ids, &WHOLE)
    }

    /// As [`Reader::get`], without the fields.
    pub(super) fn glance(&mut self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Glance>>, Failure> {
        self.look_up(view, ids, &LEAN)
    }

    fn look_up<T>(&mut self, view: &'static ViewSpec, ids: &[&str], form: &Form<T>) -> Result<Vec<Option<T>>, Failure> {
        let mut found = Vec::with_capacity(ids.len());
        while found.len() < ids.len() {
            let generation = match self.generations.get(view.name) {
                Some(generation) => *generation,
                None => self.generation(view)?,
            };
            let live = self.look_up_in(view, generation, &ids[found.len()..], form, &mut found)?;
            self.generations.insert(view.name, live);
        }
        Ok(found)
    }

    /// Reads from a generation while it is the live one, and tells which one is.
    fn look_up_in<T>(
        &mut self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
        form: &Form<T>,
        found: &mut Vec<Option<T>>,
    ) -> Result<u32, Failure> {
        let sql = self.by_id.entry((view.name, generation, form.name)).or_insert_with(|| {
            format!(
                "SELECT {}, a.generation FROM aliases AS a LEFT JOIN \"{}\" AS t ON t.id = ?1 WHERE a.view = ?2",
                (form.columns)(view),
                schema::table(view, generation)
            )
        });
        let mut statement = match self.connection.prepare_cached(sql) {
            Ok(statement) => statement,
            Err(error) => {
                // The table may have gone since, with its generation.
                let live = self.generation(view)?;
                return if live == generation { Err(error.into()) } else { Ok(live) };
            }
        };
        for id in ids {
            let mut rows = statement.query([*id, view.name])?;
            let row = match rows.next() {
                Ok(row) => row,
                Err(error) => {
                    // A statement that was prepared before a flip meets a table that has gone since only here.
                    let live = self.generation(view)?;
                    return if live == generation { Err(error.into()) } else { Ok(live) };
                }
            };
            let Some(row) = row else { return Err(schema::never_prepared(view)) };
            let live: u32 = row.get((form.width)(view))?;
            if live != generation {
                return Ok(live);
            }
            let there = !matches!(row.get_ref(0)?, ValueRef::Null);
            found.push(if there { Some((form.read)(view, row)?) } else { None });
        }
        Ok(generation)
    }

    pub(super) fn select(&mut self, select: &Select) -> Result<Vec<Hit>, Failure> {
        let queries = self.queries(select)?;
        let prepared = queries.iter().map(|query| self.connection.prepare_cached(&query.sql));
        let mut statements = prepared.collect::<Result<Vec<_>, _>>()?;
        let mut runs = Vec::with_capacity(queries.len());
        for (statement, query) in statements.iter_mut().zip(&queries) {
            let mut rows = statement.query(params_from_iter(&query.values))?;
            let first = next_hit(&mut rows)?;
            runs.push((first, rows));
        }
        // Each run is in order: the page is merged from their heads, so no run is read further than it reaches.
        let mut found = Vec::with_capacity(select.limit.min(100));
        while found.len() < select.limit {
            let heads = runs.iter_mut().filter(|(head, _)| head.is_some());
            let nearest = heads.min_by(|(a, _), (b, _)| {
                let (a, b) = if select.sort.descending { (b, a) } else { (a, b) };
                a.as_ref().map(|a| (&a.place, &a.id)).cmp(&b.as_ref().map(|b| (&b.place, &b.id)))
            });
            let Some((head, rows)) = nearest else { break };
            found.extend(std::mem::replace(head, next_hit(rows)?));
        }
        Ok(found)
    }

    /// One query, or one for each value of a field where an index serves every value's page.
    fn queries(&self, select: &Select) -> Result<Vec<Query>, Failure> {
        select.check()?;
        let generation = self.generation(select.view)?;
        let mut plan = Plan::new(select, generation);
        if let Some((field, text)) = plan.holds() {
            let query = holders_query(select.view, generation, field, text, FEW + 1);
            plan.drive_by_holders(self.number(&query)? <= FEW);
        }
        Ok(plan.queries())
    }

    pub(super) fn explain(&self, select: &Select) -> Result<Vec<String>, Failure> {
        let mut steps = Vec::new();
        for query in self.queries(select)? {
            let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql))?;
            let mut rows = statement.query(params_from_iter(&query.values))?;
            while let Some(row) = rows.next()? {
                steps.push(row.get("detail")?);
            }
        }
        Ok(steps)
    }

    pub(super) fn count(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<u64, Failure> {
        view.check_filters(filters)?;
        self.number(&count_query(view, self.generation(view)?, filters))
    }

    fn number(&self, query: &Query) -> Result<u64, Failure> {
        let mut statement = self.connection.prepare_cached(&query.sql)?;
        let number: i64 = statement.query_row(params_from_iter(&query.values), |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    pub(super) fn retries(&self, name: &str) -> Result<Vec<Retry>, Failure> {
        let mut statement = self.connection.prepare_cached(
            "SELECT position, attempts, due, reason FROM retries WHERE consumer = ?1 ORDER BY position",
        )?;
        let mut rows = statement.query([name])?;
        let mut retries = Vec::new();
        while let Some(row) = rows.next()? {
            let due = Timestamp::from_millis(row.get(2)?);
            retries.push(Retry { position: position(row, 0)?, attempts: row.get(1)?, due, reason: row.get(3)? });
        }
        Ok(retries)
    }

    pub(super) fn consumer(&self, name: &str) -> Result<ConsumerState, Failure> {
        let mut state = ConsumerState::default();
        let mut statement = self.connection.prepare_cached("SELECT cursor FROM consumers WHERE name = ?1")?;
        let mut rows = statement.query([name])?;
        if let Some(row) = rows.next()? {
            state.cursor = position(row, 0)?;
        }
        state.retries = self.retries(name)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT position, attempts, at, reason FROM dead_letters WHERE consumer = ?1 ORDER BY position",
        )?;
        let mut rows = statement.query([name])?;
        while let Some(row) = rows.next()? {
            let at = Timestamp::from_millis(row.get(2)?);
            state.dead.push(DeadLetter { position: position(row, 0)?, attempts: row.get(1)?, at, reason: row.get(3)? });
        }
        Ok(state)
    }
}

fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<Position> {
    row.get::<_, i64>(column).map(|number| Position(u64::try_from(number).unwrap_or(0)))
}

/// Reads the next row of [`super::query::HIT`] and the sort field.
fn next_hit(rows: &mut Rows<'_>) -> Result<Option<Hit>, Failure> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let place = match row.get_ref(3)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        _ => Value::Text(row.get(3)?),
    };
    let version = row.get::<_, i64>(1).map(|number| u64::try_from(number).unwrap_or(0))?;
    Ok(Some(Hit { id: row.get(0)?, version, place, body: row.get(2)? }))
}

fn lean(_: &ViewSpec, row: &Row<'_>) -> Result<Glance, Failure> {
    let version = row.get::<_, i64>(1).map(|number| u64::try_from(number).unwrap_or(0))?;
    Ok(Glance { id: row.get(0)?, version, deleted: row.get(2)?, body: row.get(3)? })
}

/// Reads a row of [`columns`].
fn document(view: &ViewSpec, row: &Row<'_>) -> Result<Document, Failure> {
    let mut fields = Vec::with_capacity(view.fields.len());
    for (place, field) in view.fields.iter().enumerate() {
        let column = place + 5;
        fields.push(match (field.kind, row.get_ref(column)?) {
            (FieldKind::Set, _) => Value::Set(set(row, column)?),
            (_, ValueRef::Null) => Value::Null,
            (FieldKind::Int, value) => Value::Int(value.as_i64().map_err(rusqlite::Error::from)?),
            (FieldKind::Text, _) => Value::Text(row.get(column)?),
        });
    }
    let count = |column| row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Document {
        id: row.get(0)?,
        version: count(1)?,
        revision: count(2)?,
        deleted: row.get(3)?,
        body: row.get(4)?,
        fields,
    })
}
