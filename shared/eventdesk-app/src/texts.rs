//! The private texts that a decision state only points at: read from the commits that set them, in one batch.

use eventdesk_domain::{employee::EmployeeFacts, message::MessageFacts, ticket::TicketFacts, user::UserFacts};
use eventdesk_events::{
    DecodeError, Event, StreamId, Version,
    employee::{EmployeeEvent, EmployeeProfile},
    message::MessageEvent,
    ticket::{TicketEvent, TicketText},
    user::{Contacts, UserEvent, UserProfile},
};

use crate::{
    aggregate::{Aggregate, LoadError, Loaded},
    ports::{Commit, EventStore, RecordedEvent},
};

/// What happened in the commits of one stream at these versions; the newest one may be at hand already.
async fn events<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    mut versions: Vec<Version>,
) -> Result<Vec<(Version, Vec<Event>)>, LoadError> {
    versions.sort_unstable();
    versions.dedup();
    let mut found = Vec::with_capacity(versions.len());
    if let Some(newest) = loaded.commit.as_ref().filter(|commit| versions.contains(&commit.version)) {
        versions.retain(|version| *version != newest.version);
        found.push(decoded(newest)?);
    }
    if !versions.is_empty() {
        let keys: Vec<(StreamId, Version)> = versions.into_iter().map(|version| (loaded.stream, version)).collect();
        for commit in store.read_many(&keys).await?.iter().flatten() {
            found.push(decoded(commit)?);
        }
    }
    Ok(found)
}

fn decoded(commit: &Commit) -> Result<(Version, Vec<Event>), DecodeError> {
    Ok((commit.version, commit.events.iter().map(RecordedEvent::event).collect::<Result<_, _>>()?))
}

/// What `pick` finds last in the commit at `version`.
fn find<T>(events: &[(Version, Vec<Event>)], version: Version, pick: impl Fn(&Event) -> Option<T>) -> Option<T> {
    let (_, events) = events.iter().find(|(at, _)| *at == version)?;
    events.iter().rev().find_map(pick)
}

fn title(event: &Event) -> Option<String> {
    match event {
        Event::Ticket(TicketEvent::Opened(e)) => e.private.as_ref().map(|p| p.title.clone()),
        Event::Ticket(TicketEvent::Edited(e)) => e.private.as_ref().and_then(|p| p.current.title.clone()),
        _ => None,
    }
}

fn description(event: &Event) -> Option<String> {
    match event {
        Event::Ticket(TicketEvent::Opened(e)) => e.private.as_ref().map(|p| p.description.clone()),
        Event::Ticket(TicketEvent::Edited(e)) => e.private.as_ref().and_then(|p| p.current.description.clone()),
        _ => None,
    }
}

/// A ticket's title and description, as far as they were not erased.
pub(crate) async fn ticket_text<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &TicketFacts,
) -> Result<TicketText, LoadError> {
    let events = events(store, loaded, vec![facts.title_version, facts.description_version]).await?;
    Ok(TicketText {
        title: find(&events, facts.title_version, title),
        description: find(&events, facts.description_version, description),
    })
}

/// A message's text, unless it was erased.
pub(crate) async fn message_body<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &MessageFacts,
) -> Result<Option<String>, LoadError> {
    let events = events(store, loaded, vec![facts.body_version]).await?;
    Ok(find(&events, facts.body_version, |event| match event {
        Event::Message(MessageEvent::Posted(e)) => e.private.as_ref().map(|p| p.body.clone()),
        Event::Message(MessageEvent::Edited(e)) => e.private.as_ref().map(|p| p.current.clone()),
        _ => None,
    }))
}

/// A user's name and contacts, unless they were erased.
pub(crate) async fn user_profile<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &UserFacts,
) -> Result<Option<UserProfile>, LoadError> {
    let events = events(store, loaded, vec![facts.username_version, facts.contacts_version]).await?;
    let username = find(&events, facts.username_version, username);
    let contacts = find(&events, facts.contacts_version, contacts);
    Ok(username.zip(contacts).map(|(username, contacts)| UserProfile { username, contacts }))
}

fn username(event: &Event) -> Option<String> {
    match event {
        Event::User(UserEvent::Registered(e)) => e.private.as_ref().map(|p| p.username.clone()),
        Event::User(UserEvent::Renamed(e)) => e.private.as_ref().map(|p| p.current.clone()),
        _ => None,
    }
}

fn contacts(event: &Event) -> Option<Contacts> {
    match event {
        Event::User(UserEvent::Registered(e)) => e.private.as_ref().map(|p| p.contacts.clone()),
        Event::User(UserEvent::ContactsChanged(e)) => e.private.as_ref().map(|p| p.current.clone()),
        _ => None,
    }
}

/// An employee's personal details, unless they were erased.
pub(crate) async fn employee_profile<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &EmployeeFacts,
) -> Result<Option<EmployeeProfile>, LoadError> {
    let events = events(store, loaded, vec![facts.profile_version]).await?;
    Ok(find(&events, facts.profile_version, |event| match event {
        Event::Employee(EmployeeEvent::Registered(e)) => e.private.clone(),
        Event::Employee(EmployeeEvent::Changed(e)) => e.private.as_ref().map(|p| p.current.clone()),
        _ => None,
    }))
}
