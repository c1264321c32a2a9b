//! Views in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::ports::{
    ApplyError, ConsumerState, DeadLetter, Document, FieldKind, Filter, Generation, GenerationStore, Hit, Misuse,
    Position, Progress, Put, ReadStore, ReadStoreError, Retry, Select, Value, ViewSpec, Written,
};

/// Keeps views and consumers' progress in memory; nothing survives it.
#[derive(Debug, Default)]
pub struct MemoryReadStore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    views: HashMap<&'static str, View>,
    consumers: HashMap<String, Behind>,
}

type Documents = BTreeMap<String, Document>;

#[derive(Debug)]
struct View {
    /// What its documents are made for.
    spec: &'static ViewSpec,
    live: u32,
    also: Option<u32>,
    /// By number, with the shape that each was made for.
    generations: BTreeMap<u32, (u32, Documents)>,
}

impl View {
    fn new(spec: &'static ViewSpec) -> Self {
        Self { spec, live: 1, also: None, generations: [(1, (spec.shape, Documents::new()))].into() }
    }

    /// Gives every generation today's fields.
    fn adopt(&mut self, today: &'static ViewSpec) {
        let was = std::mem::replace(&mut self.spec, today);
        if was.fields == today.fields {
            return;
        }
        for (shape, documents) in self.generations.values_mut() {
            *shape = if *shape == today.shape { 0 } else { *shape };
            for document in documents.values_mut() {
                let fields = today.fields.iter().map(|field| match was.field(field.name) {
                    Ok((place, old)) if old == field => document.fields[place].clone(),
                    _ if field.kind == FieldKind::Set => Value::Set(Vec::new()),
                    _ => Value::Null,
                });
                document.fields = fields.collect();
            }
        }
    }

    fn written(&self) -> Written {
        Written { live: self.live, also: self.also }
    }
}

#[derive(Debug, Default)]
struct Behind {
    cursor: Position,
    retries: BTreeMap<Position, Retry>,
    dead: BTreeMap<Position, DeadLetter>,
}

impl MemoryReadStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn known(&self, view: &'static ViewSpec) -> Result<&View, ReadStoreError> {
        self.views.get(view.name).ok_or_else(|| misused(unprepared(view)))
    }

    fn known_mut(&mut self, view: &'static ViewSpec) -> Result<&mut View, ReadStoreError> {
        self.views.get_mut(view.name).ok_or_else(|| misused(unprepared(view)))
    }

    /// The documents of the live generation.
    fn view(&self, view: &'static ViewSpec) -> Result<&Documents, ReadStoreError> {
        self.generation(view, self.known(view)?.live)
    }

    fn generation(&self, view: &'static ViewSpec, generation: u32) -> Result<&Documents, ReadStoreError> {
        let found = self.known(view)?.generations.get(&generation);
        found.map(|(_, documents)| documents).ok_or_else(|| misused(unknown(view, generation)))
    }

    /// The documents that queries see and that match, in order of id.
    fn matching(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<Vec<&Document>, ReadStoreError> {
        view.check_filters(filters).map_err(misused)?;
        let fits =
            |document: &&Document| !document.deleted && filters.iter().all(|filter| matches(view, document, filter));
        Ok(self.view(view)?.values().filter(fits).collect())
    }

    /// Writes into a generation, or into the live one.
    fn put(&mut self, generation: Option<u32>, Put { view, document }: Put) -> Result<(), ApplyError> {
        view.check_document(&document).map_err(|error| ApplyError::Internal(error.into()))?;
        let Some(known) = self.views.get_mut(view.name) else {
            return Err(ApplyError::Internal(unprepared(view).into()));
        };
        let Some((_, documents)) = known.generations.get_mut(&generation.unwrap_or(known.live)) else {
            return Err(ApplyError::GuardLost { view: view.name, id: document.id });
        };
        let stored = documents.get(&document.id).map_or(0, |stored| stored.revision);
        if document.revision != stored + 1 {
            return Err(ApplyError::GuardLost { view: view.name, id: document.id });
        }
        for index in view.indexes.iter().filter(|index| index.unique && !document.deleted) {
            let values = |document: &Document| -> Vec<Value> {
                index.fields.iter().map(|name| value(view, document, name).clone()).collect()
            };
            let new = values(&document);
            let same = |other: &Document| !other.deleted && other.id != document.id && values(other) == new;
            // As in SQL, nothing is the same as null.
            if !new.contains(&Value::Null) && documents.values().any(same) {
                let problem = format!("two documents with the same {}", index.fields.join(", "));
                return Err(ApplyError::Internal(Misuse { view: view.name, problem }.into()));
            }
        }
        documents.insert(document.id.clone(), document);
        Ok(())
    }

    fn advance(&mut self, progress: Progress) {
        let behind = self.consumers.entry(progress.consumer).or_default();
        behind.cursor = progress.cursor;
        for position in progress.cleared {
            behind.retries.remove(&position);
            behind.dead.remove(&position);
        }
        for retry in progress.retries {
            behind.dead.remove(&retry.position);
            behind.retries.insert(retry.position, retry);
        }
        for dead in progress.dead {
            behind.retries.remove(&dead.position);
            behind.dead.insert(dead.position, dead);
        }
    }
}

#[async_trait]
impl ReadStore for MemoryReadStore {
    async fn prepare(&self, views: &[&'static ViewSpec]) -> Result<(), ReadStoreError> {
        for view in views {
            view.check().map_err(misused)?;
        }
        let mut kept = self.kept();
        for view in views {
            kept.views.entry(view.name).or_insert_with(|| View::new(view)).adopt(view);
        }
        Ok(())
    }

    async fn generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        self.kept().known(view).map(|known| known.live)
    }

    async fn get(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, ReadStoreError> {
        let kept = self.kept();
        let documents = kept.view(view)?;
        Ok(ids.iter().map(|id| documents.get(*id).cloned()).collect())
    }

    async fn select(&self, select: &Select) -> Result<Vec<Hit>, ReadStoreError> {
        select.check().map_err(misused)?;
        let kept = self.kept();
        let mut found = kept.matching(select.view, &select.filters)?;
        let key = |document: &Document| (value(select.view, document, select.sort.field).clone(), document.id.clone());
        if let Some(after) = &select.after {
            found.retain(
                |document| if select.sort.descending { key(document) < *after } else { key(document) > *after },
            );
        }
        found.sort_by_key(|document| key(document));
        if select.sort.descending {
            found.reverse();
        }
        let hit = |document: &Document| Hit {
            id: document.id.clone(),
            version: document.version,
            place: value(select.view, document, select.sort.field).clone(),
            body: document.body.clone(),
        };
        Ok(found.into_iter().take(select.limit).map(hit).collect())
    }

    async fn count(&self, view: &'static ViewSpec, filters: &[Filter]) -> Result<u64, ReadStoreError> {
        Ok(self.kept().matching(view, filters)?.len() as u64)
    }

    async fn count_each(
        &self,
        view: &'static ViewSpec,
        field: &'static str,
        values: &[String],
        filters: &[Filter],
    ) -> Result<Vec<u64>, ReadStoreError> {
        let kept = self.kept();
        let count = |text: &String| {
            let mut filters = filters.to_vec();
            filters.push(Filter::Equal(field, Value::Text(text.clone())));
            Ok(kept.matching(view, &filters)?.len() as u64)
        };
        values.iter().map(count).collect()
    }

    async fn apply(&self, puts: Vec<Put>, progress: Option<Progress>) -> Result<(), ApplyError> {
        let mut kept = self.kept();
        puts.into_iter().try_for_each(|put| kept.put(None, put))?;
        if let Some(progress) = progress {
            kept.advance(progress);
        }
        Ok(())
    }

    async fn written(&self, views: &[&'static ViewSpec]) -> Result<Vec<Written>, ReadStoreError> {
        let kept = self.kept();
        views.iter().map(|view| kept.known(view).map(View::written)).collect()
    }

    async fn live_shape(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        let kept = self.kept();
        let known = kept.known(view)?;
        Ok(known.generations.get(&known.live).map_or(view.shape, |(shape, _)| *shape))
    }

    async fn get_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, ReadStoreError> {
        let kept = self.kept();
        let documents = kept.generation(view, generation)?;
        Ok(ids.iter().map(|id| documents.get(*id).cloned()).collect())
    }

    async fn apply_in(&self, puts: Vec<(u32, Put)>, progress: Option<Progress>) -> Result<(), ApplyError> {
        let mut kept = self.kept();
        puts.into_iter().try_for_each(|(generation, put)| kept.put(Some(generation), put))?;
        if let Some(progress) = progress {
            kept.advance(progress);
        }
        Ok(())
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerState, ReadStoreError> {
        let state = |behind: &Behind| ConsumerState {
            cursor: behind.cursor,
            retries: behind.retries.values().cloned().collect(),
            dead: behind.dead.values().cloned().collect(),
        };
        Ok(self.kept().consumers.get(name).map(state).unwrap_or_default())
    }

    async fn redeliver(&self, name: &str, again: &[Retry]) -> Result<(), ReadStoreError> {
        let mut kept = self.kept();
        let behind = kept.consumers.entry(name.to_owned()).or_default();
        for retry in again {
            behind.dead.remove(&retry.position);
            behind.retries.insert(retry.position, retry.clone());
        }
        Ok(())
    }

    async fn discard_dead(&self, name: &str, positions: &[Position]) -> Result<u64, ReadStoreError> {
        let mut kept = self.kept();
        let Some(behind) = kept.consumers.get_mut(name) else { return Ok(0) };
        Ok(positions.iter().filter(|position| behind.dead.remove(position).is_some()).count() as u64)
    }
}

#[async_trait]
impl GenerationStore for MemoryReadStore {
    async fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, ReadStoreError> {
        let kept = self.kept();
        let known = kept.known(view)?;
        let generation = |(number, (shape, _)): (&u32, &(u32, Documents))| Generation {
            number: *number,
            shape: *shape,
            live: *number == known.live,
            also: Some(*number) == known.also,
        };
        Ok(known.generations.iter().map(generation).collect())
    }

    async fn make_generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        let mut kept = self.kept();
        let known = kept.known_mut(view)?;
        let number = known.generations.keys().next_back().copied().unwrap_or(0) + 1;
        known.generations.insert(number, (view.shape, Documents::new()));
        Ok(number)
    }

    async fn fill(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        documents: Arc<Vec<Document>>,
    ) -> Result<Vec<usize>, ApplyError> {
        let mut kept = self.kept();
        let internal = |error: ReadStoreError| ApplyError::Internal(error.into());
        let stored = &mut kept.known_mut(view).map_err(internal)?.generations;
        let Some((_, stored)) = stored.get_mut(&generation) else {
            return Err(ApplyError::Internal(unknown(view, generation).into()));
        };
        let mut there = Vec::new();
        for (place, document) in documents.iter().enumerate() {
            view.check_document(document).map_err(|error| ApplyError::Internal(error.into()))?;
            if stored.contains_key(&document.id) {
                there.push(place);
            } else {
                stored.insert(document.id.clone(), document.clone());
            }
        }
        Ok(there)
    }

    async fn make_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        self.kept().generation(view, generation).map(drop)
    }

    async fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, ReadStoreError> {
        let kept = self.kept();
        let documents = kept.generation(view, generation)?.values();
        let later = documents.filter(|document| after.is_none_or(|after| document.id.as_str() > after));
        Ok(later.take(most).cloned().collect())
    }

    async fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<Document>, ReadStoreError> {
        view.field(field).map_err(misused)?;
        let kept = self.kept();
        let holds = |document: &&Document| {
            !document.deleted && matches!(value(view, document, field), Value::Text(text) if values.contains(text))
        };
        Ok(kept.generation(view, generation)?.values().filter(holds).cloned().collect())
    }

    async fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, ReadStoreError> {
        Ok(self.kept().generation(view, generation)?.len() as u64)
    }

    async fn write_also(&self, orders: &[(&'static ViewSpec, Option<u32>)]) -> Result<(), ReadStoreError> {
        let mut kept = self.kept();
        for (view, also) in orders {
            if let Some(generation) = also {
                kept.generation(view, *generation)?;
            }
        }
        for (view, also) in orders {
            let known = kept.known_mut(view)?;
            known.also = also.filter(|also| *also != known.live);
        }
        Ok(())
    }

    async fn flip(&self, generations: &[(&'static ViewSpec, u32)]) -> Result<(), ReadStoreError> {
        let mut kept = self.kept();
        for (view, generation) in generations {
            kept.generation(view, *generation)?;
        }
        for (view, generation) in generations {
            let known = kept.known_mut(view)?;
            if known.live != *generation {
                known.also = Some(std::mem::replace(&mut known.live, *generation));
            }
        }
        Ok(())
    }

    async fn drop_generation(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        let mut kept = self.kept();
        let known = kept.known_mut(view)?;
        if known.live == generation {
            return Err(misused(Misuse { view: view.name, problem: "the live generation stays".to_owned() }));
        }
        known.generations.remove(&generation);
        known.also = known.also.filter(|also| *also != generation);
        Ok(())
    }

    /// A drop is done at once here.
    async fn finish_drops(&self, view: &'static ViewSpec) -> Result<(), ReadStoreError> {
        self.kept().known(view).map(drop)
    }

    fn notice(&self) -> Duration {
        Duration::ZERO
    }
}

fn value<'a>(view: &'static ViewSpec, document: &'a Document, name: &str) -> &'a Value {
    view.field(name).ok().and_then(|(place, _)| document.fields.get(place)).unwrap_or(&Value::Null)
}

fn matches(view: &'static ViewSpec, document: &Document, filter: &Filter) -> bool {
    match filter {
        Filter::Equal(name, wanted) => value(view, document, name) == wanted,
        Filter::OneOf(name, wanted) => wanted.contains(value(view, document, name)),
        Filter::Less(name, bound) => {
            let found = value(view, document, name);
            *found != Value::Null && found < bound
        }
        Filter::Greater(name, bound) => {
            let found = value(view, document, name);
            *found != Value::Null && found > bound
        }
        Filter::Holds(name, text) => {
            matches!(value(view, document, name), Value::Set(texts) if texts.contains(text))
        }
        Filter::Contains(name, text) => {
            matches!(value(view, document, name), Value::Text(found) if found.contains(text.as_str()))
        }
    }
}

fn unprepared(view: &'static ViewSpec) -> Misuse {
    Misuse { view: view.name, problem: "it was never prepared".to_owned() }
}

fn unknown(view: &'static ViewSpec, generation: u32) -> Misuse {
    Misuse { view: view.name, problem: format!("there is no generation {generation}") }
}

fn misused(misuse: Misuse) -> ReadStoreError {
    ReadStoreError::Internal(misuse.into())
}
