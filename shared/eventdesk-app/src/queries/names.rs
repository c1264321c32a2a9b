//! Display names, looked up for a whole page at once.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::Queries;
use crate::{
    NameAt, QueryError,
    ports::{Glance, ViewSpec},
};

/// The part of a directory document that other pages show.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    name_version: u64,
}

/// Names by id; what is not there is not known yet.
#[derive(Default)]
pub(super) struct Names(HashMap<String, NameAt>);

impl Names {
    pub(super) fn get(&self, id: &str) -> Option<&NameAt> {
        self.0.get(id)
    }
}

impl Queries {
    /// The names of users or employees, tombstones included.
    pub(super) async fn names(
        &self,
        view: &'static ViewSpec,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<Names, QueryError> {
        let ids: BTreeSet<String> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Names::default());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let documents = self.views.glance(view, &ids).await?;
        Ok(Names(documents.into_iter().flatten().map(|document| (document.id.clone(), name(&document))).collect()))
    }
}

fn name(document: &Glance) -> NameAt {
    match serde_json::from_str::<Named>(&document.body) {
        Ok(named) => NameAt { name: named.name, version: named.name_version },
        Err(_) => NameAt { name: None, version: 0 },
    }
}
