//! What the bus would bring, and what the views hold after it.

use std::collections::BTreeMap;

use eventdesk_app::{
    ports::{Commit, CommitLog, Delivery, DeliveryId, Position, ReadStore, ViewSpec},
    projections::{EMPLOYEES, HISTORY, HISTORY_STREAMS, MESSAGES, Projector, TICKETS, USERS},
};
use eventdesk_events::StreamId;

use super::Desk;

/// All commits of the log, in order.
pub(crate) async fn commits(log: &dyn CommitLog) -> Vec<Commit> {
    let stored = log.read_after(Position(0), 100_000).await.unwrap();
    stored.into_iter().map(|stored| Commit::clone(&stored.commit)).collect()
}

/// One delivery an event, as SQS brings them.
pub(crate) fn singles(commits: &[Commit]) -> Vec<Delivery> {
    let events = commits.iter().flat_map(Commit::envelopes);
    events.map(|event| Delivery { id: DeliveryId(event.id.to_string()), attempt: 1, events: vec![event] }).collect()
}

/// One delivery a commit, as the local queue brings them.
pub(crate) fn wholes(commits: &[Commit]) -> Vec<Delivery> {
    let whole = |commit: &Commit| Delivery {
        id: DeliveryId(commit.id.uuid().to_string()),
        attempt: 1,
        events: commit.envelopes().collect(),
    };
    commits.iter().map(whole).collect()
}

/// Hands all commits of the desk to its projectors, in order.
pub(super) async fn all_in_order(desk: &Desk, projectors: &[Projector]) {
    let deliveries = wholes(&commits(&*desk.log).await);
    for projector in projectors {
        let handled = projector.handle(deliveries.clone()).await.unwrap();
        assert_eq!(handled.failed, [], "nothing of this is poison");
    }
}

/// Every document that the desk's commits can have led to, without what depends on the way to it: how often it was
/// written, which messages are pending, and what was read from the store instead of the bus.
pub(crate) async fn documents(views: &dyn ReadStore, commits: &[Commit]) -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    for commit in commits {
        let (stream, mut keys) = (commit.stream.to_string(), Vec::new());
        keys.push((&HISTORY_STREAMS, stream));
        keys.extend(commit.envelopes().map(|event| (&HISTORY, event.id.to_string())));
        let own: Option<(&'static ViewSpec, String)> = match commit.stream {
            StreamId::Ticket(id) => Some((&TICKETS, id.to_string())),
            StreamId::Message(id) => Some((&MESSAGES, id.to_string())),
            StreamId::User(id) => Some((&USERS, id.to_string())),
            StreamId::Employee(id) => Some((&EMPLOYEES, id.to_string())),
            StreamId::AdminRoster => None,
        };
        keys.extend(own);
        for (view, id) in keys {
            let found = views.get(view, &[&id]).await.unwrap().pop().flatten();
            let text = found.map_or_else(String::new, |found| {
                let mut body: serde_json::Value = serde_json::from_str(&found.body).unwrap();
                if let Some(body) = body.as_object_mut() {
                    body.remove("pending");
                    body.remove("healed");
                }
                format!("{} {} {:?} {body}", found.version, found.deleted, found.fields)
            });
            documents.insert(format!("{}/{id}", view.name), text);
        }
    }
    documents
}
