//! Users and employees.

mod employee;
mod user;

use std::collections::HashMap;

use async_trait::async_trait;
use eventdesk_events::{Envelope, StreamId, Version};

pub use employee::{EMPLOYEES, EmployeeDocument};
pub use user::{USERS, UserDocument};

use super::{Folded, Nudges, Plan, Projection, ProjectionError, Sources, folded::Draft, tickets::by_id};
use crate::ports::{Document, ViewSpec};

/// Projects users and employees.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryProjection;

#[async_trait]
impl Projection for DirectoryProjection {
    fn name(&self) -> &'static str {
        "projector-directory"
    }

    fn views(&self) -> &'static [&'static ViewSpec] {
        static VIEWS: [&ViewSpec; 2] = [&USERS, &EMPLOYEES];
        &VIEWS
    }

    fn takes(&self, event_type: &str) -> bool {
        event_type.starts_with("user.") || event_type.starts_with("employee.")
    }

    fn subject(&self, nudge: &Envelope) -> Result<String, ProjectionError> {
        Ok(nudge.stream.to_string())
    }

    async fn plan(&self, sources: &Sources, subjects: &[Nudges]) -> Result<Vec<Plan>, ProjectionError> {
        let users = fetch(sources, subjects, &USERS).await?;
        let employees = fetch(sources, subjects, &EMPLOYEES).await?;
        let mut plans = Vec::with_capacity(subjects.len());
        for nudges in subjects {
            let plan = match StreamId::parse(&nudges.subject) {
                Ok(StreamId::User(id)) => fold::<UserDocument>(sources, &users, nudges, id.to_string()).await,
                Ok(StreamId::Employee(id)) => {
                    fold::<EmployeeDocument>(sources, &employees, nudges, id.to_string()).await
                }
                _ => Ok(Vec::new()),
            };
            match plan {
                Err(error @ ProjectionError::Unavailable(_)) => return Err(error),
                plan => plans.push(plan),
            }
        }
        Ok(plans)
    }
}

async fn fetch(
    sources: &Sources,
    subjects: &[Nudges],
    view: &'static ViewSpec,
) -> Result<HashMap<String, Document>, ProjectionError> {
    let ids: Vec<String> = subjects
        .iter()
        .filter_map(|nudges| match StreamId::parse(&nudges.subject) {
            Ok(StreamId::User(id)) if view.name == USERS.name => Some(id.to_string()),
            Ok(StreamId::Employee(id)) if view.name == EMPLOYEES.name => Some(id.to_string()),
            _ => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Ok(by_id(sources.views.get(view, &ids).await?))
}

async fn fold<F: Folded>(sources: &Sources, stored: &HashMap<String, Document>, nudges: &Nudges, id: String) -> Plan {
    let mut puts = Vec::new();
    for stream in nudges.streams() {
        let mut draft: Draft<F> = Draft::open(id.clone(), stored.get(&id))?;
        let commits = nudges.missing(&*sources.store, stream, Version::new(draft.version)).await?;
        draft.apply(&commits);
        puts.extend(draft.put()?);
    }
    Ok(puts)
}

/// Texts to search in, folded to lower case, one a line so that no match spans two.
fn search_text<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<String> = parts.into_iter().map(str::to_lowercase).collect();
    parts.join("\n")
}
