//! Erasure: what is private about a person, and what they wrote, is removed for good; the facts stay.
//!
//! Removed are the private parts of the person's own stream (names, contacts, personal details), the texts of tickets
//! and messages that they wrote, and these texts where others' edits quote them as what was before. A user and the
//! employee record that names them are one person. Texts that others wrote stay, also where they speak of the person:
//! no program can tell.
//!
//! The record is deleted first, which frees unique values and the password; then the store is changed, and what was made
//! of it is made anew from it: documents of every generation, and dead letters that carry events. Deliveries that were
//! on their way are waited for, and the documents looked at once more. The last step is the proof, an event in the
//! person's stream that tells how much was removed; a replay has nothing else to go by. Each step can be done again.

mod documents;
mod plan;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use eventdesk_events::{
    ActorKind, DecodeError, EmployeeId, Event, StreamId, UserId, Version, employee::EmployeeEvent, user::Role,
};
use uuid::Uuid;

use self::{
    documents::Replays,
    plan::{Person, plan},
};
use crate::{
    CommandContext, CommandError, Commands, Loaded,
    access::Caller,
    aggregate::{Aggregate, LoadError},
    audit::{CONSUMERS, Consumers},
    commands::{DeleteEmployee, DeleteUser, EraseEmployee, EraseUser},
    ports::{
        ApplyError, Category, Commit, CommitScan, DeadLetters, EventStore, Extent, GenerationStore, PrivateParts,
        QueueError, ReadStoreError, StoreError,
    },
};
use eventdesk_domain::{employee::Employee, user::User};

/// How many commits are read at a time.
const PAGE: usize = 1_000;
/// As often is looked whether deliveries on their way have arrived.
const LOOK: Duration = Duration::from_millis(200);

/// Why an erasure ended early; doing it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// There is neither a user nor an employee of this id.
    #[error("there is no user and no employee of this id")]
    NoSuchPerson,
    /// Views are being built anew, and what is written to them could hold what is erased.
    #[error(
        "a replay of {0} is unfinished, and could write what is erased: wait for its end, go on with it \
         (eventdesk replay --resume) or drop it (eventdesk replay --drop-old), then erase"
    )]
    Rebuilding(&'static str),
    /// As [`ErasureError::Rebuilding`], begun and ended while this erasure went on.
    #[error("a replay of {0} was begun meanwhile, and may have written what is erased: erase once more")]
    RebuiltMeanwhile(&'static str),
    /// A command, such as the deletion of the last admin.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The event store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An aggregate.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A stored event.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The read models, read.
    #[error(transparent)]
    Views(#[from] ReadStoreError),
    /// The read models, written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The queues.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What was erased, without a word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Events about the person whose private parts are gone.
    pub own_parts: u64,
    /// Events of tickets and messages whose texts, by the person, are gone.
    pub written_parts: u64,
    /// Commits that this very run has changed.
    pub changed_commits: u64,
    /// Documents that this very run has made anew.
    pub changed_documents: u64,
    /// Dead letters that this very run has stripped.
    pub stripped_letters: u64,
    /// Whether deliveries may still be on their way: then do it again later.
    pub deliveries_waiting: bool,
}

/// What erasure stands on.
pub struct Erasure {
    /// Deletes the record, and records the proof.
    pub commands: Arc<Commands>,
    /// The store whose parts are removed.
    pub private: Arc<dyn PrivateParts>,
    /// The same store, to be searched.
    pub scan: Arc<dyn CommitScan>,
    /// The read models.
    pub views: Arc<dyn GenerationStore>,
    /// The queues of their projectors.
    pub consumers: Arc<dyn Consumers>,
    /// What they have given up.
    pub letters: Arc<dyn DeadLetters>,
    /// How long deliveries on their way are waited for.
    pub patience: Duration,
    /// How long queues must have told that nothing is on its way, where what they tell comes late.
    pub settled: Duration,
}

/// Nothing is left to be deleted where somebody else was faster.
fn gone<T>(deleted: Result<T, CommandError>) -> Result<(), CommandError> {
    match deleted {
        Ok(_) | Err(CommandError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Erasure {
    /// Erases a person, by the id of their user or employee record.
    ///
    /// # Errors
    /// See [`ErasureError`].
    pub async fn run(&self, id: Uuid) -> Result<Erased, ErasureError> {
        let person = self.find(id).await?;
        let replays = Replays::finished(&*self.views).await?;
        self.delete(&person).await?;
        let streams = self.streams(&person).await?;
        let mut erased = Erased::default();
        // Twice: an edit that was under way may have quoted what was just removed.
        for _ in 0..2 {
            (erased.own_parts, erased.written_parts) = (0, 0);
            for stream in &streams {
                let commits = self.commits(*stream).await?;
                let plan = plan(&person, &commits)?;
                let own = person.streams.contains(stream);
                *(if own { &mut erased.own_parts } else { &mut erased.written_parts }) += plan.parts;
                erased.changed_commits += plan.redactions.len() as u64;
                if !plan.redactions.is_empty() {
                    self.private.redact(plan.redactions).await?;
                }
            }
        }
        self.private.scrub().await?;
        erased.changed_documents = documents::refold(&*self.views, &*self.commands.store, &streams).await?;
        erased.deliveries_waiting = !self.arrived().await?;
        erased.changed_documents += documents::refold(&*self.views, &*self.commands.store, &streams).await?;
        documents::finish_drops(&*self.views).await?;
        for consumer in CONSUMERS {
            erased.stripped_letters += self.letters.strip(consumer, &streams).await?;
        }
        replays.none_since(&*self.views).await?;
        self.views.scrub().await?;
        self.prove(&person, &erased).await?;
        Ok(erased)
    }

    /// The person behind an id: the record, and the one that goes with it.
    async fn find(&self, id: Uuid) -> Result<Person, ErasureError> {
        let (user, employee) = (UserId::from_uuid(id), EmployeeId::from_uuid(id));
        let mut person = Person::default();
        if self.state::<User>(StreamId::User(user)).await?.version > Version::NONE {
            person.users.insert(user);
        }
        let record = self.state::<Employee>(StreamId::Employee(employee)).await?;
        if record.version > Version::NONE {
            person.streams.insert(StreamId::Employee(employee));
            person.users.extend(record.state.facts().and_then(|facts| facts.user_id));
        }
        // The employee records that ever named the user; but who was named by mistake, and no longer is, is not the person.
        let mut candidates = BTreeSet::new();
        if !person.users.is_empty() {
            let users = &person.users;
            self.each(Category::Employee, |commit| {
                let mut named = commit.events.iter().filter_map(|recorded| match recorded.event() {
                    Ok(Event::Employee(EmployeeEvent::Registered(registered))) => registered.user_id,
                    Ok(Event::Employee(EmployeeEvent::Changed(changed))) => changed.user_id,
                    _ => None,
                });
                if named.any(|user| users.contains(&user)) {
                    candidates.insert(commit.stream);
                }
            })
            .await?;
        }
        for stream in candidates {
            let names = self.state::<Employee>(stream).await?.state.facts().and_then(|facts| facts.user_id);
            if names.is_some_and(|user| person.users.contains(&user)) {
                person.streams.insert(stream);
            }
        }
        person.streams.extend(person.users.iter().map(|user| StreamId::User(*user)));
        if person.streams.is_empty() { Err(ErasureError::NoSuchPerson) } else { Ok(person) }
    }

    async fn state<A: Aggregate>(&self, stream: StreamId) -> Result<Loaded<A>, LoadError> {
        Loaded::glance(&*self.commands.store, stream).await
    }

    /// Deletes the records that are not: it frees unique values, and takes the password away.
    async fn delete(&self, person: &Person) -> Result<(), ErasureError> {
        let context = self.context();
        for stream in &person.streams {
            match stream {
                StreamId::User(id) if matches!(self.state::<User>(*stream).await?.state, User::Active(_)) => {
                    gone(self.commands.execute(&context, DeleteUser { id: *id }).await)?;
                }
                StreamId::Employee(id)
                    if matches!(self.state::<Employee>(*stream).await?.state, Employee::Active(_)) =>
                {
                    gone(self.commands.execute(&context, DeleteEmployee { id: *id }).await)?;
                }
                _ => {}
            }
        }
        // Also of a record that was deleted before: what failed then was told to somebody, and tried by nobody.
        for user in &person.users {
            self.commands.credentials.remove(*user).await.map_err(CommandError::from)?;
            self.commands.logins.end_refreshing(*user).await.map_err(CommandError::from)?;
        }
        Ok(())
    }

    /// The person's own streams, and those of tickets and messages in which they wrote.
    async fn streams(&self, person: &Person) -> Result<BTreeSet<StreamId>, ErasureError> {
        let mut streams = person.streams.clone();
        for category in [Category::Ticket, Category::Message] {
            self.each(category, |commit| {
                if person.made(commit) {
                    streams.insert(commit.stream);
                }
            })
            .await?;
        }
        Ok(streams)
    }

    async fn each(&self, category: Category, mut note: impl FnMut(&Commit) + Send) -> Result<(), StoreError> {
        for segment in self.scan.segments(category, 1).await? {
            let mut after = None;
            loop {
                let page = self.scan.scan(&segment, after.as_deref(), PAGE, Extent::Events).await?;
                for scanned in &page.commits {
                    note(&scanned.commit);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn commits(&self, stream: StreamId) -> Result<Vec<Commit>, StoreError> {
        read_all(&*self.commands.store, stream).await
    }

    /// Waits for deliveries that were on their way; whether none is any more.
    async fn arrived(&self) -> Result<bool, QueueError> {
        let (mut waited, mut empty) = (Duration::ZERO, Duration::ZERO);
        loop {
            let mut waiting = 0;
            for consumer in CONSUMERS {
                waiting += self.consumers.waiting(consumer).await?;
            }
            if waiting > 0 {
                empty = Duration::ZERO;
            } else if empty >= self.settled {
                return Ok(true);
            }
            if waited >= self.patience + self.settled {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
            empty += LOOK;
        }
    }

    /// Records the proof, unless it stands and nothing was left to remove.
    async fn prove(&self, person: &Person, erased: &Erased) -> Result<(), ErasureError> {
        let (own_parts, written_parts) = (erased.own_parts, erased.written_parts);
        for stream in &person.streams {
            let commits = self.commits(*stream).await?;
            let mut events = commits.iter().flat_map(|commit| &commit.events);
            if erased.changed_commits == 0 && events.any(|event| event.event_type.ends_with(".erased")) {
                continue;
            }
            let context = self.context();
            match stream {
                StreamId::User(id) => {
                    self.commands.execute(&context, EraseUser { id: *id, own_parts, written_parts }).await?;
                }
                StreamId::Employee(id) => {
                    self.commands.execute(&context, EraseEmployee { id: *id, own_parts, written_parts }).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn context(&self) -> CommandContext {
        CommandContext {
            caller: Caller { id: UserId::from_uuid(Uuid::nil()), kind: ActorKind::System, roles: vec![Role::Admin] },
            correlation_id: self.commands.ids.next(),
            trace_id: None,
            if_match: None,
            idempotency: None,
        }
    }
}

/// All commits of a stream.
async fn read_all(store: &dyn EventStore, stream: StreamId) -> Result<Vec<Commit>, StoreError> {
    let (mut commits, mut from) = (Vec::new(), Version::FIRST);
    loop {
        let page = store.read(stream, from, PAGE).await?;
        let whole = page.len() < PAGE;
        commits.extend(page);
        match commits.last() {
            Some(last) if !whole => from = last.version.next(),
            _ => return Ok(commits),
        }
    }
}
