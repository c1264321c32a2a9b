//! The documents as a plain fold of the whole store makes them.

use std::collections::BTreeMap;

use eventdesk_app::{
    ports::{Commit, Document, Value},
    projections::{Applied, EmployeeDocument, Folded, MessageDocument, TicketDocument, UserDocument},
};
use eventdesk_events::{
    StreamId,
    message::{AuthorKind, Visibility},
};

fn fold<F: Folded>(commits: &[Commit], stream: StreamId) -> (F, u64) {
    let (mut content, mut version) = (F::default(), 0);
    for commit in commits.iter().filter(|commit| commit.stream == stream) {
        content.fold(&Applied::of_commit(commit.clone()).unwrap());
        version = commit.version.get();
    }
    (content, version)
}

fn text<F: Folded>(content: &F, version: u64) -> String {
    let body = serde_json::to_value(content).unwrap();
    let Document { deleted, fields, .. } = Document {
        id: String::new(),
        version,
        revision: 1,
        deleted: content.is_deleted(),
        fields: content.fields(),
        body: String::new(),
    };
    let fields: Vec<Value> = fields;
    format!("{version} {deleted} {fields:?} {body}")
}

/// Tickets, messages, users and employees of a store, as `documents` tells them.
pub(crate) fn folded(commits: &[Commit]) -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    let mut tickets: BTreeMap<String, (TicketDocument, u64)> = BTreeMap::new();
    for commit in commits {
        match commit.stream {
            StreamId::Ticket(id) => {
                tickets.entry(id.to_string()).or_insert_with(|| fold(commits, commit.stream));
            }
            StreamId::User(id) => {
                let (content, version) = fold::<UserDocument>(commits, commit.stream);
                documents.insert(format!("users/{id}"), text(&content, version));
            }
            StreamId::Employee(id) => {
                let (content, version) = fold::<EmployeeDocument>(commits, commit.stream);
                documents.insert(format!("employees/{id}"), text(&content, version));
            }
            StreamId::Message(_) | StreamId::AdminRoster => {}
        }
    }
    for commit in commits.iter().filter(|commit| commit.version.get() == 1) {
        let StreamId::Message(id) = commit.stream else { continue };
        let (content, version) = fold::<MessageDocument>(commits, commit.stream);
        let facts = content.message.facts().unwrap();
        let messages = &mut tickets.get_mut(&facts.ticket_id.to_string()).unwrap().0.messages;
        let tally = match facts.visibility {
            Visibility::Public => &mut messages.public,
            Visibility::Internal => &mut messages.internal,
        };
        tally.count += 1;
        tally.last_at = tally.last_at.max(Some(facts.created_at));
        if facts.visibility == Visibility::Public && facts.author.kind == AuthorKind::Staff {
            let first = messages.first_response_at.into_iter().chain([facts.created_at]).min();
            messages.first_response_at = first;
        }
        documents.insert(format!("messages/{id}"), text(&content, version));
    }
    let tickets =
        tickets.into_iter().map(|(id, (content, version))| (format!("tickets/{id}"), text(&content, version)));
    documents.extend(tickets);
    documents
}
