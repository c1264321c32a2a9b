//! Read stores that fail half-way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use eventdesk_app::ports::{ApplyError, GenerationStore, ReadStore, ViewSpec};

use super::Dice;

/// How an apply goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// Nothing is written.
    Unavailable,
    /// All is written, the answer is lost.
    AnswerLost,
    /// So many writes are made, then the connection breaks; no progress.
    Partly(usize),
    /// So many writes are made, then a guard is said to be lost; no progress.
    GuardLost(usize),
    /// Nothing is written, and nothing of it ever can be.
    Refused,
}

/// Fails about one in `every` applies, always the same ones.
pub(crate) struct FaultyViews {
    inner: Arc<dyn ReadStore>,
    fault: Fault,
    every: usize,
    applies: AtomicUsize,
}

impl FaultyViews {
    pub(crate) fn new(inner: Arc<dyn ReadStore>, fault: Fault, every: usize) -> Self {
        Self { inner, fault, every, applies: AtomicUsize::new(0) }
    }
}

/// A read store that differs from the one inside in how it applies.
macro_rules! delegate_reads {
    ($name:ty, |$store:ident, $puts:ident, $progress:ident| $apply:block) => {
        #[async_trait::async_trait]
        impl eventdesk_app::ports::ReadStore for $name {
            async fn prepare(
                &self,
                views: &[&'static eventdesk_app::ports::ViewSpec],
            ) -> Result<(), eventdesk_app::ports::ReadStoreError> {
                self.inner.prepare(views).await
            }

            async fn generation(
                &self,
                view: &'static eventdesk_app::ports::ViewSpec,
            ) -> Result<u32, eventdesk_app::ports::ReadStoreError> {
                self.inner.generation(view).await
            }

            async fn get(
                &self,
                view: &'static eventdesk_app::ports::ViewSpec,
                ids: &[&str],
            ) -> Result<Vec<Option<eventdesk_app::ports::Document>>, eventdesk_app::ports::ReadStoreError> {
                // So that others get between two steps of one projector.
                tokio::task::yield_now().await;
                self.inner.get(view, ids).await
            }

            async fn select(
                &self,
                select: &eventdesk_app::ports::Select,
            ) -> Result<Vec<eventdesk_app::ports::Hit>, eventdesk_app::ports::ReadStoreError> {
                self.inner.select(select).await
            }

            async fn count(
                &self,
                view: &'static eventdesk_app::ports::ViewSpec,
                filters: &[eventdesk_app::ports::Filter],
            ) -> Result<u64, eventdesk_app::ports::ReadStoreError> {
                self.inner.count(view, filters).await
            }

            async fn count_each(
                &self,
                view: &'static eventdesk_app::ports::ViewSpec,
                field: &'static str,
                values: &[String],
                filters: &[eventdesk_app::ports::Filter],
            ) -> Result<Vec<u64>, eventdesk_app::ports::ReadStoreError> {
                self.inner.count_each(view, field, values, filters).await
            }

            async fn apply(
                &self,
                $puts: Vec<eventdesk_app::ports::Put>,
                $progress: Option<eventdesk_app::ports::Progress>,
            ) -> Result<(), eventdesk_app::ports::ApplyError> {
                tokio::task::yield_now().await;
                let $store = self;
                $apply
            }

            async fn consumer(
                &self,
                name: &str,
            ) -> Result<eventdesk_app::ports::ConsumerState, eventdesk_app::ports::ReadStoreError> {
                self.inner.consumer(name).await
            }

            async fn redeliver(
                &self,
                name: &str,
                again: &[eventdesk_app::ports::Retry],
            ) -> Result<(), eventdesk_app::ports::ReadStoreError> {
                self.inner.redeliver(name, again).await
            }

            async fn discard_dead(
                &self,
                name: &str,
                positions: &[eventdesk_app::ports::Position],
            ) -> Result<u64, eventdesk_app::ports::ReadStoreError> {
                self.inner.discard_dead(name, positions).await
            }

            async fn written(
                &self,
                views: &[&'static eventdesk_app::ports::ViewSpec],
            ) -> Result<Vec<eventdesk_app::ports::Written>, eventdesk_app::ports::ReadStoreError> {
                self.inner.written(views).await
            }

            async fn get_in(
                &self,
                view: &'static eventdesk_app::ports::ViewSpec,
                generation: u32,
                ids: &[&str],
            ) -> Result<Vec<Option<eventdesk_app::ports::Document>>, eventdesk_app::ports::ReadStoreError> {
                self.inner.get_in(view, generation, ids).await
            }

            async fn apply_in(
                &self,
                puts: Vec<(u32, eventdesk_app::ports::Put)>,
                progress: Option<eventdesk_app::ports::Progress>,
            ) -> Result<(), eventdesk_app::ports::ApplyError> {
                self.inner.apply_in(puts, progress).await
            }
        }
    };
}
pub(crate) use delegate_reads;

delegate_reads!(FaultyViews, |faulty, puts, progress| {
    let mut puts = puts;
    let number = faulty.applies.fetch_add(1, Ordering::Relaxed) + 1;
    if Dice(number as u64).below(faulty.every) != 0 {
        return faulty.inner.apply(puts, progress).await;
    }
    let away = || ApplyError::Unavailable("broken connection".into());
    match faulty.fault {
        Fault::Unavailable => Err(away()),
        Fault::Refused => Err(ApplyError::Internal("refused".into())),
        Fault::AnswerLost => {
            faulty.inner.apply(puts, progress).await?;
            Err(away())
        }
        Fault::Partly(most) => {
            puts.truncate(most);
            faulty.inner.apply(puts, None).await?;
            Err(away())
        }
        Fault::GuardLost(most) => {
            let lost = puts.get(most).map(|put| (put.view.name, put.document.id.clone()));
            puts.truncate(most);
            faulty.inner.apply(puts, None).await?;
            match lost {
                Some((view, id)) => Err(ApplyError::GuardLost { view, id }),
                None => Err(away()),
            }
        }
    }
});

/// Drops the generations of a view besides the live one, and ends as a process that is killed once they are not listed.
pub(crate) async fn drop_half(views: &dyn GenerationStore, view: &'static ViewSpec) {
    let others = async || -> Vec<u32> {
        let all = views.stored_generations(view).await.unwrap();
        all.into_iter().filter(|one| !one.live).map(|one| one.number).collect()
    };
    for generation in others().await {
        let begun = async {
            while others().await.contains(&generation) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            dropped = views.drop_generation(view, generation) => dropped.unwrap(),
            () = begun => {}
        }
    }
}
