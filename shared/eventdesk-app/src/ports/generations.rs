//! Generations of views: built instances, of which one is live.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{ApplyError, Document, ReadStore, ReadStoreError, ViewSpec};

/// The generations of a view that its projector writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Written {
    /// The one that queries read.
    pub live: u32,
    /// One that is written besides: being built, or kept after a flip.
    pub also: Option<u32>,
}

/// One built instance of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Its number, from 1; a number is never used again while a generation has it.
    pub number: u32,
    /// The [`ViewSpec::shape`] that it was made for.
    pub shape: u32,
    /// Whether queries read it.
    pub live: bool,
    /// Whether it is written besides the live one.
    pub also: bool,
}

/// A read store whose views can be built anew beside the live ones.
///
/// One process at a time makes, fills and drops generations of a view; any number reads and writes documents meanwhile.
#[async_trait]
pub trait GenerationStore: ReadStore {
    /// Every generation of a view, in ascending order of numbers; those that are being dropped apart, of which
    /// [`GenerationStore::finish_drops`] knows.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, ReadStoreError>;

    /// Makes an empty generation for today's shape of the view, without its indexes, but with the look-up by id; its
    /// number. Nothing is written to it yet but by [`GenerationStore::fill`].
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn make_generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError>;

    /// Adds documents that are not there yet, in as few transactions as the store can; what is there stays as it is.
    /// The places of those that were there already, ascending.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing is said of a generation that does not exist.
    async fn fill(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        documents: Arc<Vec<Document>>,
    ) -> Result<Vec<usize>, ApplyError>;

    /// Makes the declared indexes that a generation lacks. It may take long; writers wait for it at most for one index.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn make_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError>;

    /// Up to `most` documents of a generation, tombstones too, in ascending order of ids, those after `after` only.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, ReadStoreError>;

    /// The living documents of a generation whose text field is one of `values`, in no order; the field is the first
    /// of a declared index.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<Document>, ReadStoreError>;

    /// How many documents a generation has, tombstones too.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, ReadStoreError>;

    /// The living documents that queries do not find by the texts of their sets, or find by others: their ids, ascending.
    /// With `only`, this document alone is looked at. Where the server looks after such indexes itself there are none.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn misfiled(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        only: Option<&str>,
    ) -> Result<Vec<String>, ReadStoreError> {
        let _ = (view, generation, only);
        Ok(Vec::new())
    }

    /// Makes anew by which texts a document is found.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn file_anew(&self, view: &'static ViewSpec, generation: u32, id: &str) -> Result<(), ReadStoreError> {
        let _ = (view, generation, id);
        Ok(())
    }

    /// Has projectors write this generation of each view besides the live one, or the live one alone.
    ///
    /// Every batch of a projector that begins [`GenerationStore::notice`] later obeys.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Internal` if there is no such generation.
    async fn write_also(&self, orders: &[(&'static ViewSpec, Option<u32>)]) -> Result<(), ReadStoreError>;

    /// Makes these generations the live ones; those that were live are written besides from then on. Where the store can,
    /// it happens at one moment.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Internal` if there is no such generation.
    async fn flip(&self, generations: &[(&'static ViewSpec, u32)]) -> Result<(), ReadStoreError>;

    /// Removes a generation that is not live, what an interrupted call has left of it too.
    ///
    /// # Errors
    /// See [`ReadStoreError`]; `Internal` if it is the live one.
    async fn drop_generation(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError>;

    /// Removes what interrupted calls of [`GenerationStore::drop_generation`] have left of a view; no other generation is
    /// touched. Any number of processes may do so, beside the one that makes and drops generations.
    ///
    /// # Errors
    /// See [`ReadStoreError`].
    async fn finish_drops(&self, view: &'static ViewSpec) -> Result<(), ReadStoreError>;

    /// For how long others may still act on what was said before the last order or flip.
    fn notice(&self) -> Duration;
}
