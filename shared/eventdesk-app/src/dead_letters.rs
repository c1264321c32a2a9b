//! Dead letters as operators deal with them: by stream, in the order of its versions, and judged.
//!
//! A projector that could not apply a commit applies it after all when a later one of its stream comes: it reads what
//! it lacks from the store. The letter is obsolete then, and trying it again would change nothing.

mod local;

use std::{collections::BTreeMap, sync::Arc};

use eventdesk_events::{StreamId, Version};

pub use self::local::LocalDeadLetters;
use crate::{
    audit::{CONSUMERS, applied_by},
    ports::{DeadLetters, Letter, LetterId, QueueError, ReadStore, ReadStoreError},
};

/// Most letters of one consumer that are looked at.
pub const MOST_LETTERS: usize = 1_000;

/// A letter, and whether it still matters.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The letter.
    pub letter: Letter,
    /// Whether the consumer's read models have its commit all the same.
    pub obsolete: bool,
}

/// Which letters are meant. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of these names.
    pub ids: Vec<LetterId>,
    /// Of this consumer.
    pub consumer: Option<String>,
    /// Of this stream.
    pub stream: Option<StreamId>,
}

impl Selection {
    /// One letter.
    pub fn of(id: LetterId) -> Self {
        Self { ids: vec![id], ..Self::default() }
    }

    fn looks_at(&self, consumer: &str) -> bool {
        let by_name = self.ids.is_empty() || self.ids.iter().any(|id| id.consumer == consumer);
        by_name && self.consumer.as_deref().is_none_or(|only| only == consumer)
    }

    fn means(&self, letter: &Letter) -> bool {
        let by_name = self.ids.is_empty() || self.ids.contains(&letter.id);
        by_name && self.stream.is_none_or(|only| letter.about.is_some_and(|(stream, _)| stream == only))
    }
}

/// What became of letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Put back: their consumers receive them again.
    pub put_back: Vec<LetterId>,
    /// Dropped, because they were obsolete.
    pub obsolete: Vec<LetterId>,
    /// Dropped, because they were to be.
    pub discarded: Vec<LetterId>,
}

/// The dead letters of the desk could not be dealt with.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// A consumer's queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The read models, which tell what is obsolete.
    #[error(transparent)]
    Views(#[from] ReadStoreError),
}

/// The operators' desk for dead letters.
#[derive(Clone)]
pub struct LetterDesk {
    /// Where they lie.
    pub letters: Arc<dyn DeadLetters>,
    /// What arrived all the same.
    pub views: Arc<dyn ReadStore>,
}

impl LetterDesk {
    /// The letters that are meant: by consumer, then by stream, then in the order of versions; unreadable ones last.
    ///
    /// # Errors
    /// See [`DeadLettersError`].
    pub async fn list(&self, selection: &Selection) -> Result<Vec<Judged>, DeadLettersError> {
        let mut all = Vec::new();
        for consumer in CONSUMERS.into_iter().filter(|consumer| selection.looks_at(consumer)) {
            let mut letters = self.letters.list(consumer, MOST_LETTERS).await?;
            letters.retain(|letter| selection.means(letter));
            letters.sort_by_cached_key(|letter| {
                (letter.about.is_none(), letter.about, first_index(letter), letter.id.clone())
            });
            let mut streams: Vec<StreamId> = letters.iter().filter_map(|letter| letter.about).map(|(s, _)| s).collect();
            streams.dedup();
            let applied = applied_by(&*self.views, consumer, &streams).await?;
            all.extend(letters.into_iter().map(|letter| {
                let has = |(stream, version): (StreamId, Version)| applied.get(&stream) >= Some(&version.get());
                let obsolete = letter.about.is_some_and(has);
                Judged { letter, obsolete }
            }));
        }
        Ok(all)
    }

    /// Has the consumers receive letters again, stream by stream in the order of versions; obsolete ones are dropped
    /// instead.
    ///
    /// # Errors
    /// See [`DeadLettersError`]; some may be dealt with all the same.
    pub async fn retry(&self, selection: &Selection) -> Result<Outcome, DeadLettersError> {
        let (obsolete, fresh): (Vec<_>, Vec<_>) = self.list(selection).await?.into_iter().partition(|one| one.obsolete);
        let mut outcome = Outcome::default();
        for (consumer, ids) in by_consumer(fresh) {
            self.letters.put_back(&consumer, &keys(&ids)).await?;
            outcome.put_back.extend(ids);
        }
        for (consumer, ids) in by_consumer(obsolete) {
            self.letters.discard(&consumer, &keys(&ids)).await?;
            outcome.obsolete.extend(ids);
        }
        Ok(outcome)
    }

    /// Drops letters for good.
    ///
    /// # Errors
    /// See [`DeadLettersError`]; some may be gone all the same.
    pub async fn discard(&self, selection: &Selection) -> Result<Outcome, DeadLettersError> {
        let mut outcome = Outcome::default();
        for (consumer, ids) in by_consumer(self.list(selection).await?) {
            self.letters.discard(&consumer, &keys(&ids)).await?;
            outcome.discarded.extend(ids);
        }
        Ok(outcome)
    }
}

fn first_index(letter: &Letter) -> u16 {
    letter.events.first().map_or(0, |event| event.index)
}

/// The names of letters, in their order.
fn by_consumer(letters: Vec<Judged>) -> BTreeMap<String, Vec<LetterId>> {
    let mut by_consumer: BTreeMap<String, Vec<LetterId>> = BTreeMap::new();
    for Judged { letter, .. } in letters {
        by_consumer.entry(letter.id.consumer.clone()).or_default().push(letter.id);
    }
    by_consumer
}

fn keys(ids: &[LetterId]) -> Vec<String> {
    ids.iter().map(|id| id.key.clone()).collect()
}
