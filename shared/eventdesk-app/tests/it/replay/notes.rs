//! Views in which something happens to the notes of how far a replay is, and that note what is asked of them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventdesk_app::{
    ports::{ApplyError, Document, Generation, GenerationStore, Put, ReadStoreError, ViewSpec},
    replay::REPLAYS,
};
use tokio::sync::Notify;

/// What happens to a note.
#[derive(Debug)]
pub(super) enum Mishap {
    /// Of three tries one does not arrive, one is stored and its answer lost, and one finds it stored.
    Lost,
    /// Another process stores its own instead of the first.
    Overtaken,
    /// Once it says that the new generation is live, another process gets its turn.
    Followed(Arc<Turn>),
}

/// A turn that is told of and waited for.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) begins: Notify,
    pub(super) is_over: Notify,
}

/// Views that suffer it.
pub(super) struct Notes {
    inner: Arc<dyn GenerationStore>,
    mishap: Mishap,
    tries: AtomicUsize,
    /// Of which views it was asked what is misfiled, with the document if it was one alone.
    pub(super) misfiled: Mutex<Vec<(&'static str, Option<String>)>>,
}

impl Notes {
    pub(super) fn with(inner: Arc<dyn GenerationStore>, mishap: Mishap) -> Arc<Self> {
        Arc::new(Self { inner, mishap, tries: AtomicUsize::default(), misfiled: Mutex::default() })
    }
}

crate::desk::delegate_reads!(Notes, |notes, puts, progress| {
    if puts.iter().all(|put| put.view.name != REPLAYS.name) {
        return notes.inner.apply(puts, progress).await;
    }
    let away = || Err(ApplyError::Unavailable("broken connection".into()));
    match (&notes.mishap, notes.tries.fetch_add(1, Ordering::Relaxed)) {
        (Mishap::Lost, tries) if tries % 3 == 0 => away(),
        (Mishap::Lost, tries) if tries % 3 == 1 => {
            notes.inner.apply(puts, progress).await?;
            away()
        }
        (Mishap::Overtaken, 0) => {
            let theirs = |put: Put| Put { document: Document { body: "{}".to_owned(), ..put.document }, ..put };
            notes.inner.apply(puts.into_iter().map(theirs).collect(), progress).await?;
            away()
        }
        (Mishap::Followed(turn), _) if puts[0].document.body.contains(r#""stage":"flipped""#) => {
            notes.inner.apply(puts, progress).await?;
            turn.begins.notify_one();
            turn.is_over.notified().await;
            Ok(())
        }
        _ => notes.inner.apply(puts, progress).await,
    }
});

#[async_trait]
impl GenerationStore for Notes {
    async fn stored_generations(&self, view: &'static ViewSpec) -> Result<Vec<Generation>, ReadStoreError> {
        self.inner.stored_generations(view).await
    }

    async fn make_generation(&self, view: &'static ViewSpec) -> Result<u32, ReadStoreError> {
        self.inner.make_generation(view).await
    }

    async fn fill(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        documents: Arc<Vec<Document>>,
    ) -> Result<Vec<usize>, ApplyError> {
        self.inner.fill(view, generation, documents).await
    }

    async fn make_indexes(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        self.inner.make_indexes(view, generation).await
    }

    async fn page_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Document>, ReadStoreError> {
        self.inner.page_in(view, generation, after, most).await
    }

    async fn holding_in(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        field: &'static str,
        values: &[String],
    ) -> Result<Vec<Document>, ReadStoreError> {
        self.inner.holding_in(view, generation, field, values).await
    }

    async fn size_of(&self, view: &'static ViewSpec, generation: u32) -> Result<u64, ReadStoreError> {
        self.inner.size_of(view, generation).await
    }

    async fn misfiled(
        &self,
        view: &'static ViewSpec,
        generation: u32,
        only: Option<&str>,
    ) -> Result<Vec<String>, ReadStoreError> {
        self.misfiled.lock().unwrap().push((view.name, only.map(str::to_owned)));
        self.inner.misfiled(view, generation, only).await
    }

    async fn file_anew(&self, view: &'static ViewSpec, generation: u32, id: &str) -> Result<(), ReadStoreError> {
        self.inner.file_anew(view, generation, id).await
    }

    async fn write_also(&self, orders: &[(&'static ViewSpec, Option<u32>)]) -> Result<(), ReadStoreError> {
        self.inner.write_also(orders).await
    }

    async fn flip(&self, generations: &[(&'static ViewSpec, u32)]) -> Result<(), ReadStoreError> {
        self.inner.flip(generations).await
    }

    async fn drop_generation(&self, view: &'static ViewSpec, generation: u32) -> Result<(), ReadStoreError> {
        self.inner.drop_generation(view, generation).await
    }

    async fn finish_drops(&self, view: &'static ViewSpec) -> Result<(), ReadStoreError> {
        self.inner.finish_drops(view).await
    }

    fn notice(&self) -> Duration {
        self.inner.notice()
    }
}
