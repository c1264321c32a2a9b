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
    ports::{Commit, EventStore},
};

/// The commits of one stream at these versions; the newest one may be at hand already.
async fn commits<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    mut versions: Vec<Version>,
) -> Result<Vec<Commit>, LoadError> {
    versions.sort_unstable();
    versions.dedup();
    let mut found = Vec::with_capacity(versions.len());
    if let Some(newest) = loaded.commit.as_ref().filter(|commit| versions.contains(&commit.version)) {
        versions.retain(|version| *version != newest.version);
        found.push(newest.clone());
    }
    if !versions.is_empty() {
        let keys: Vec<(StreamId, Version)> = versions.into_iter().map(|version| (loaded.stream, version)).collect();
        found.extend(store.read_many(&keys).await?.into_iter().flatten());
    }
    Ok(found)
}

/// What `pick` finds last in the commit at `version`.
fn find<T>(commits: &[Commit], version: Version, pick: impl Fn(Event) -> Option<T>) -> Result<Option<T>, DecodeError> {
    let Some(commit) = commits.iter().find(|commit| commit.version == version) else { return Ok(None) };
    for recorded in commit.events.iter().rev() {
        if let Some(found) = pick(recorded.event()?) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn title(event: Event) -> Option<String> {
    match event {
        Event::Ticket(TicketEvent::Opened(e)) => e.private.map(|p| p.title),
        Event::Ticket(TicketEvent::Edited(e)) => e.private.and_then(|p| p.current.title),
        _ => None,
    }
}

fn description(event: Event) -> Option<String> {
    match event {
        Event::Ticket(TicketEvent::Opened(e)) => e.private.map(|p| p.description),
        Event::Ticket(TicketEvent::Edited(e)) => e.private.and_then(|p| p.current.description),
        _ => None,
    }
}

/// A ticket's title and description, as far as they were not erased.
pub(crate) async fn ticket_text<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &TicketFacts,
) -> Result<TicketText, LoadError> {
    let commits = commits(store, loaded, vec![facts.title_version, facts.description_version]).await?;
    Ok(TicketText {
        title: find(&commits, facts.title_version, title)?,
        description: find(&commits, facts.description_version, description)?,
    })
}

/// A message's text, unless it was erased.
pub(crate) async fn message_body<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &MessageFacts,
) -> Result<Option<String>, LoadError> {
    let commits = commits(store, loaded, vec![facts.body_version]).await?;
    Ok(find(&commits, facts.body_version, |event| match event {
        Event::Message(MessageEvent::Posted(e)) => e.private.map(|p| p.body),
        Event::Message(MessageEvent::Edited(e)) => e.private.map(|p| p.current),
        _ => None,
    })?)
}

/// A user's name and contacts, unless they were erased.
pub(crate) async fn user_profile<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &UserFacts,
) -> Result<Option<UserProfile>, LoadError> {
    let commits = commits(store, loaded, vec![facts.username_version, facts.contacts_version]).await?;
    let username = find(&commits, facts.username_version, username)?;
    let contacts = find(&commits, facts.contacts_version, contacts)?;
    Ok(username.zip(contacts).map(|(username, contacts)| UserProfile { username, contacts }))
}

fn username(event: Event) -> Option<String> {
    match event {
        Event::User(UserEvent::Registered(e)) => e.private.map(|p| p.username),
        Event::User(UserEvent::Renamed(e)) => e.private.map(|p| p.current),
        _ => None,
    }
}

fn contacts(event: Event) -> Option<Contacts> {
    match event {
        Event::User(UserEvent::Registered(e)) => e.private.map(|p| p.contacts),
        Event::User(UserEvent::ContactsChanged(e)) => e.private.map(|p| p.current),
        _ => None,
    }
}

/// An employee's personal details, unless they were erased.
pub(crate) async fn employee_profile<A: Aggregate>(
    store: &dyn EventStore,
    loaded: &Loaded<A>,
    facts: &EmployeeFacts,
) -> Result<Option<EmployeeProfile>, LoadError> {
    let commits = commits(store, loaded, vec![facts.profile_version]).await?;
    Ok(find(&commits, facts.profile_version, |event| match event {
        Event::Employee(EmployeeEvent::Registered(e)) => e.private,
        Event::Employee(EmployeeEvent::Changed(e)) => e.private.map(|p| p.current),
        _ => None,
    })?)
}
