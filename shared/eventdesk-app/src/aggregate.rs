//! Aggregates as they are stored: the decision state with each commit, and the ring of idempotency keys beside it.

use std::collections::VecDeque;

use eventdesk_domain::{
    Decider, Place, employee::Employee, message::Message, roster::AdminRoster, ticket::Ticket, user::User,
};
use eventdesk_events::{
    DecodeError, Event, StreamId, Version, employee::EmployeeEvent, message::MessageEvent, roster::RosterEvent,
    ticket::TicketEvent, user::UserEvent,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Digest,
    ports::{Commit, EventStore, StoreError, StoredState},
};

/// How many commits a fold reads at a time.
const FOLD_PAGE: usize = 200;

/// How many keyed commands an aggregate remembers: the documented promise of `Idempotency-Key` on changes.
pub const REMEMBERED_KEYS: usize = 16;

/// A decider whose state and events can be stored.
pub trait Aggregate: Decider<Event: Clone + Send + Sync> + Clone + Send + Sync + Serialize + DeserializeOwned {
    /// Grows with each change of the state's shape or of `evolve`: older stored states are then folded anew.
    const STATE_VERSION: u16;

    /// The event as one of the desk's.
    fn wrap(event: Self::Event) -> Event;

    /// The event as one of this aggregate's, if it is.
    fn unwrap(event: Event) -> Option<Self::Event>;
}

macro_rules! aggregate {
    ($decider:ty, $event:ty, $variant:ident, $version:literal) => {
        impl Aggregate for $decider {
            const STATE_VERSION: u16 = $version;
            fn wrap(event: $event) -> Event {
                Event::$variant(event)
            }
            fn unwrap(event: Event) -> Option<$event> {
                match event {
                    Event::$variant(event) => Some(event),
                    _ => None,
                }
            }
        }
    };
}

aggregate!(Ticket, TicketEvent, Ticket, 1);
aggregate!(Message, MessageEvent, Message, 1);
aggregate!(User, UserEvent, User, 1);
aggregate!(Employee, EmployeeEvent, Employee, 1);
aggregate!(AdminRoster, RosterEvent, Roster, 1);

/// A keyed command that was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedKey {
    /// Keyed digest of principal, method, path and key.
    #[serde(rename = "k")]
    pub key: Digest,
    /// Keyed digest of the body, secrets left out.
    #[serde(rename = "b")]
    pub body: Digest,
    /// The version that answered it.
    #[serde(rename = "v")]
    pub version: Version,
}

/// The newest keyed commands of an aggregate, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyRing(VecDeque<RememberedKey>);

impl KeyRing {
    /// What is remembered of a key.
    pub fn find(&self, key: Digest) -> Option<RememberedKey> {
        self.0.iter().rev().find(|entry| entry.key == key).copied()
    }

    /// Adds an entry and forgets the oldest beyond [`REMEMBERED_KEYS`].
    pub fn remember(&mut self, entry: RememberedKey) {
        self.0.push_back(entry);
        while self.0.len() > REMEMBERED_KEYS {
            self.0.pop_front();
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Serialize, Deserialize)]
struct StateJson<A> {
    #[serde(rename = "a")]
    aggregate: A,
    #[serde(rename = "k", default, skip_serializing_if = "KeyRing::is_empty")]
    keys: KeyRing,
}

#[derive(Deserialize)]
struct KeysJson {
    #[serde(rename = "k", default)]
    keys: KeyRing,
}

/// An aggregate as it stands at a version.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    /// Its stream.
    pub stream: StreamId,
    /// [`Version::NONE`] if the stream does not exist.
    pub version: Version,
    /// The decision state.
    pub state: A,
    /// The keyed commands it remembers.
    pub keys: KeyRing,
    /// The commit that made this version, whose texts need not be read again.
    pub commit: Option<Commit>,
}

/// Why an aggregate could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A recorded event cannot be read by this build.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A stored state is not JSON of its own version.
    #[error("malformed state of {0}")]
    State(StreamId, #[source] serde_json::Error),
}

impl<A: Aggregate> Loaded<A> {
    /// A stream without commits.
    pub fn nothing(stream: StreamId) -> Self {
        Self { stream, version: Version::NONE, state: A::default(), keys: KeyRing::default(), commit: None }
    }

    /// The newest state: one read, however long the stream.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn newest(store: &dyn EventStore, stream: StreamId) -> Result<Self, LoadError> {
        match store.head(stream).await? {
            Some(head) => Self::after(store, head).await,
            None => Ok(Self::nothing(stream)),
        }
    }

    /// The newest state alone, without the commit that made it: for looking, not for changing.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn glance(store: &dyn EventStore, stream: StreamId) -> Result<Self, LoadError> {
        match store.newest_state(stream).await? {
            Some(newest) => Self::of_state(store, stream, newest).await,
            None => Ok(Self::nothing(stream)),
        }
    }

    /// As [`Loaded::glance`], for who has asked for the newest state already.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn of_state(
        store: &dyn EventStore,
        stream: StreamId,
        (version, stored): (Version, StoredState),
    ) -> Result<Self, LoadError> {
        if stored.version != A::STATE_VERSION {
            return Self::newest(store, stream).await;
        }
        let stored: StateJson<A> =
            serde_json::from_str(stored.json.get()).map_err(|error| LoadError::State(stream, error))?;
        Ok(Self { stream, version, state: stored.aggregate, keys: stored.keys, commit: None })
    }

    /// The state after `commit`: the one stored with it, or a fold of the events if that is of another version.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn after(store: &dyn EventStore, commit: Commit) -> Result<Self, LoadError> {
        let (stream, version) = (commit.stream, commit.version);
        let malformed = |error| LoadError::State(stream, error);
        if commit.state.version == A::STATE_VERSION {
            let stored: StateJson<A> = serde_json::from_str(commit.state.json.get()).map_err(malformed)?;
            return Ok(Self { stream, version, state: stored.aggregate, keys: stored.keys, commit: Some(commit) });
        }
        let keys = serde_json::from_str::<KeysJson>(commit.state.json.get()).map_err(malformed)?.keys;
        let state = Self::fold(store, stream, version).await?;
        Ok(Self { stream, version, state, keys, commit: Some(commit) })
    }

    /// Folds the events of a stream up to and with `last`, page by page.
    async fn fold(store: &dyn EventStore, stream: StreamId, last: Version) -> Result<A, LoadError> {
        let (mut state, mut from) = (A::default(), Version::FIRST);
        while from <= last {
            let page = store.read(stream, from, FOLD_PAGE).await?;
            let Some(newest) = page.last().map(|commit| commit.version) else { break };
            for commit in page.iter().take_while(|commit| commit.version <= last) {
                state = evolve_all(state, commit)?;
            }
            from = newest.next();
        }
        Ok(state)
    }
}

/// Folds one commit's events into a state.
pub(crate) fn evolve_all<A: Aggregate>(mut state: A, commit: &Commit) -> Result<A, DecodeError> {
    let place = Place { version: commit.version, at: commit.at };
    for recorded in &commit.events {
        if let Some(event) = A::unwrap(recorded.event()?) {
            state = state.evolve(&event, place);
        }
    }
    Ok(state)
}

/// The state as it is stored with a commit.
pub(crate) fn stored_state<A: Aggregate>(state: &A, keys: &KeyRing) -> Result<StoredState, serde_json::Error> {
    #[derive(Serialize)]
    struct Borrowed<'a, A> {
        #[serde(rename = "a")]
        aggregate: &'a A,
        #[serde(rename = "k", skip_serializing_if = "KeyRing::is_empty")]
        keys: &'a KeyRing,
    }
    let json = serde_json::value::to_raw_value(&Borrowed { aggregate: state, keys })?;
    Ok(StoredState { version: A::STATE_VERSION, json })
}
