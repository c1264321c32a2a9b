//! The views as they are in generations beside the live ones: a projection plans its writes there by the same rules.

use std::sync::Arc;

use async_trait::async_trait;

use crate::ports::{
    ApplyError, ConsumerState, Document, Filter, Hit, Position, Progress, Put, ReadStore, ReadStoreError, Retry,
    Select, ViewSpec, Written,
};

/// A read store in which some views are another generation's.
pub(crate) struct Beside {
    views: Arc<dyn ReadStore>,
    generations: Vec<(&'static ViewSpec, u32)>,
}

impl Beside {
    /// Each view in its generation; all others as they are.
    pub(crate) fn new(views: Arc<dyn ReadStore>, generations: Vec<(&'static ViewSpec, u32)>) -> Self {
        Self { views, generations }
    }

    /// The generation in which a view is seen here.
    pub(crate) fn generation_of(&self, view: &ViewSpec) -> Option<u32> {
        self.generations.iter().find(|(other, _)| other.name == view.name).map(|(_, generation)| *generation)
    }
}

#[async_trait]
impl ReadStore for Beside {
    async fn prepare(&self, views: &[&'static ViewSpec]) -> Result<(), ReadStoreError> {
        self.views.prepare(views).await
    }

    async fn generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        match self.generation_of(view) {
            Some(generation) => Ok(generation),
            None => self.views.generation(view).await,
        }
    }

    async fn get(&self, view: &'static ViewSpec, ids: &[&str]) -> Result<Vec<Option<Document>>, ReadStoreError> {
        match self.generation_of(view) {
            Some(generation) => self.views.get_in(view, generation, ids).await,
            None => self.views.get(view, ids).await,
        }
    }

    async fn select(&self, _: &Select) -> Result<Vec<Hit>, ReadStoreError> {
        Err(no_queries())
    }

    async fn count(&self, _: &'static ViewSpec, _: &[Filter]) -> Result<u64, ReadStoreError> {
        Err(no_queries())
    }

    async fn count_each(
        &self,
        _: &'static ViewSpec,
        _: &'static str,
        _: &[String],
        _: &[Filter],
    ) -> Result<Vec<u64>, ReadStoreError> {
        Err(no_queries())
    }

    async fn apply(&self, puts: Vec<Put>, progress: Option<Progress>) -> Result<(), ApplyError> {
        let mut placed = Vec::with_capacity(puts.len());
        for put in puts {
            let generation = self.generation(put.view).await;
            placed.push((generation.map_err(|error| ApplyError::Unavailable(error.into()))?, put));
        }
        self.views.apply_in(placed, progress).await
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerState, ReadStoreError> {
        self.views.consumer(name).await
    }

    async fn redeliver(&self, name: &str, again: &[Retry]) -> Result<(), ReadStoreError> {
        self.views.redeliver(name, again).await
    }

    async fn discard_dead(&self, name: &str, positions: &[Position]) -> Result<u64, ReadStoreError> {
        self.views.discard_dead(name, positions).await
    }

    async fn written(&self, views: &[&'static ViewSpec]) -> Result<Vec<Written>, ReadStoreError> {
        self.views.written(views).await
    }
}

fn no_queries() -> ReadStoreError {
    ReadStoreError::Internal("generations beside the live ones are read by id".into())
}
