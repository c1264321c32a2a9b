//! Documents that are a fold of one stream.

use serde::{Serialize, de::DeserializeOwned};

use super::{Applied, ProjectionError};
use crate::ports::{Document, Put, Value, ViewSpec};

/// What a document holds, and how a commit changes it.
pub trait Folded: Default + Serialize + DeserializeOwned + Send + Sync {
    /// The view that it belongs to.
    const VIEW: &'static ViewSpec;

    /// Folds in one commit.
    fn fold(&mut self, commit: &Applied);

    /// Whether it is a tombstone by now.
    fn is_deleted(&self) -> bool;

    /// The values of the view's fields, in their order.
    fn fields(&self) -> Vec<Value>;
}

/// A document being changed, with what guards its write.
#[derive(Debug, Clone)]
pub(crate) struct Draft<F> {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) revision: u64,
    pub(crate) content: F,
    pub(crate) changed: bool,
}

impl<F: Folded> Draft<F> {
    /// The stored document, or the beginning of one.
    pub(crate) fn open(id: String, stored: Option<&Document>) -> Result<Self, ProjectionError> {
        let Some(stored) = stored else {
            return Ok(Self { id, version: 0, revision: 0, content: F::default(), changed: false });
        };
        let content = read(stored)?;
        Ok(Self { id, version: stored.version, revision: stored.revision, content, changed: false })
    }

    /// Folds in commits that follow what is applied.
    pub(crate) fn apply(&mut self, commits: &[Applied]) {
        for commit in commits {
            let version = commit.place.version.get();
            if version == self.version + 1 {
                self.content.fold(commit);
                self.version = version;
                self.changed = true;
            }
        }
    }

    /// The guarded write, if anything changed.
    pub(crate) fn put(self) -> Result<Option<Put>, ProjectionError> {
        if !self.changed {
            return Ok(None);
        }
        let body = serde_json::to_string(&self.content).map_err(|error| ProjectionError::Poison(error.to_string()))?;
        let document = Document {
            id: self.id,
            version: self.version,
            revision: self.revision + 1,
            deleted: self.content.is_deleted(),
            fields: self.content.fields(),
            body,
        };
        Ok(Some(Put { view: F::VIEW, document }))
    }
}

/// A document's content.
pub(crate) fn read<F: DeserializeOwned>(document: &Document) -> Result<F, ProjectionError> {
    serde_json::from_str(&document.body)
        .map_err(|error| ProjectionError::Poison(format!("document {}: {error}", document.id)))
}
