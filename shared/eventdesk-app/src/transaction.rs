//! One attempt of a command: what it read, what it decided, and what is to be written for it.

use eventdesk_domain::Place;
use eventdesk_events::{CommitId, EmployeeId, EventId, StreamId, Timestamp, UserId, Version};
use uuid::Uuid;

use crate::{
    ConsistencyToken,
    access::Caller,
    aggregate::{Aggregate, Loaded, RememberedKey, stored_state},
    error::CommandError,
    execute::{CommandContext, Commands},
    ports::{Append, Claim, Commit, Namespace, RecordedEvent},
};

/// What an attempt stages; see [`crate::execute::Command::attempt`].
pub struct Transaction<'a> {
    desk: &'a Commands,
    context: &'a CommandContext,
    at: Timestamp,
    append: Append,
    claims: Vec<(Claim, &'static str)>,
    seen: Vec<(StreamId, Version)>,
    replayed: bool,
    /// The target, and the version that the caller wants it to have.
    matched: Option<(StreamId, Version)>,
}

/// The stream that a keyed command is about, or its earlier answer.
pub enum Target<A> {
    /// To be decided on.
    Fresh(Loaded<A>),
    /// The command was executed before: the state that answered it.
    Replayed(Loaded<A>),
}

impl<'a> Transaction<'a> {
    pub(crate) fn begin(desk: &'a Commands, context: &'a CommandContext) -> Self {
        Self {
            desk,
            context,
            at: desk.clock.now(),
            append: Append::default(),
            claims: Vec::new(),
            seen: Vec::new(),
            replayed: false,
            matched: None,
        }
    }

    pub(crate) fn finish(self) -> (Append, Vec<(Claim, &'static str)>, bool, ConsistencyToken) {
        (self.append, self.claims, self.replayed, ConsistencyToken(self.seen))
    }

    /// What the command stands on.
    pub fn desk(&self) -> &'a Commands {
        self.desk
    }

    /// Who asks.
    pub fn caller(&self) -> &'a Caller {
        &self.context.caller
    }

    /// When the attempt began: the time of its commits.
    pub fn now(&self) -> Timestamp {
        self.at
    }

    /// The id for what the command creates: fresh, or derived from the idempotency key.
    pub fn new_id(&self) -> Uuid {
        self.context.idempotency.map_or_else(|| self.desk.ids.next(), |idempotency| idempotency.id())
    }

    /// The newest state of a stream that the command only looks at.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn glance<A: Aggregate>(&self, stream: StreamId) -> Result<A, CommandError> {
        Ok(Loaded::glance(&*self.desk.store, stream).await?.state)
    }

    /// Loads a stream that the command may write to besides its target.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load<A: Aggregate>(&self, stream: StreamId) -> Result<Loaded<A>, CommandError> {
        Ok(Loaded::newest(&*self.desk.store, stream).await?)
    }

    /// Loads the stream that the command changes, or finds the earlier answer to its idempotency key.
    ///
    /// `If-Match` is checked by [`Transaction::decide`], once the caller is known to see the thing: a mismatch tells
    /// its version.
    ///
    /// # Errors
    /// `KeyReused`, and those of the store.
    pub async fn target<A: Aggregate>(&mut self, stream: StreamId) -> Result<Target<A>, CommandError> {
        let loaded = self.load(stream).await?;
        self.targeted(loaded).await
    }

    /// As [`Transaction::target`], of a stream that was loaded together with others.
    ///
    /// # Errors
    /// As [`Transaction::target`].
    pub async fn targeted<A: Aggregate>(&mut self, loaded: Loaded<A>) -> Result<Target<A>, CommandError> {
        if let Some(entry) = self.remembered(&loaded)? {
            return self.replay(loaded, entry.version).await.map(Target::Replayed);
        }
        self.matched = self.context.if_match.map(|expected| (loaded.stream, expected));
        Ok(Target::Fresh(loaded))
    }

    /// The stream of something that is to be created: new, unless the idempotency key made it before.
    ///
    /// # Errors
    /// `KeyReused`, and those of the store.
    pub async fn creation<A: Aggregate>(&mut self, stream: StreamId) -> Result<Target<A>, CommandError> {
        let earlier = self.earlier(stream).await?;
        self.created(stream, earlier).await
    }

    /// What stands already where something is to be created; without an idempotency key nothing can, and nothing is
    /// read.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn earlier<A: Aggregate>(&self, stream: StreamId) -> Result<Option<Loaded<A>>, CommandError> {
        if self.context.idempotency.is_none() {
            return Ok(None);
        }
        match self.desk.store.read(stream, Version::FIRST, 1).await?.into_iter().next() {
            Some(first) => Ok(Some(Loaded::after(&*self.desk.store, first).await?)),
            None => Ok(None),
        }
    }

    /// As [`Transaction::creation`], after [`Transaction::earlier`] was asked together with other things.
    ///
    /// # Errors
    /// As [`Transaction::creation`].
    pub async fn created<A: Aggregate>(
        &mut self,
        stream: StreamId,
        earlier: Option<Loaded<A>>,
    ) -> Result<Target<A>, CommandError> {
        let Some(loaded) = earlier else { return Ok(Target::Fresh(Loaded::nothing(stream))) };
        match self.remembered(&loaded)? {
            Some(entry) => self.replay(loaded, entry.version).await.map(Target::Replayed),
            None => Err(CommandError::KeyReused),
        }
    }

    fn remembered<A>(&self, loaded: &Loaded<A>) -> Result<Option<RememberedKey>, CommandError> {
        let Some(idempotency) = self.context.idempotency else { return Ok(None) };
        match loaded.keys.find(idempotency.key) {
            Some(entry) if entry.body.same_as(&idempotency.body) => Ok(Some(entry)),
            Some(_) => Err(CommandError::KeyReused),
            None => Ok(None),
        }
    }

    async fn replay<A: Aggregate>(&mut self, newest: Loaded<A>, version: Version) -> Result<Loaded<A>, CommandError> {
        self.replayed = true;
        self.seen.push((newest.stream, version));
        if newest.version == version {
            return Ok(newest);
        }
        let commits = self.desk.store.read_many(&[(newest.stream, version)]).await?;
        let commit = commits.into_iter().flatten().next().ok_or(CommandError::ConcurrentChange)?;
        Ok(Loaded::after(&*self.desk.store, commit).await?)
    }

    /// Asks the decider, and stages the facts it chooses, if any, as the stream's next commit.
    ///
    /// # Errors
    /// `VersionMismatch` if it is the target and not at the version of `If-Match`; else the decider's refusal.
    pub fn decide<A>(&mut self, loaded: Loaded<A>, command: A::Command) -> Result<Loaded<A>, CommandError>
    where
        A: Aggregate,
        CommandError: From<A::Error>,
    {
        self.decide_because(loaded, command, None)
    }

    /// As [`Transaction::decide`], for facts that answer to another event.
    ///
    /// # Errors
    /// As [`Transaction::decide`].
    pub fn decide_because<A>(
        &mut self,
        loaded: Loaded<A>,
        command: A::Command,
        cause: Option<EventId>,
    ) -> Result<Loaded<A>, CommandError>
    where
        A: Aggregate,
        CommandError: From<A::Error>,
    {
        match self.matched {
            Some((stream, expected)) if stream == loaded.stream && expected != loaded.version => {
                return Err(CommandError::VersionMismatch { expected, found: loaded.version });
            }
            _ => {}
        }
        let events = loaded.state.decide(command)?;
        let Loaded { stream, version, mut state, mut keys, commit } = loaded;
        if events.is_empty() {
            self.seen.push((stream, version));
            return Ok(Loaded { stream, version, state, keys, commit });
        }
        // Clocks differ between writers; a stream's times never run backwards.
        let at = commit.as_ref().map_or(self.at, |previous| self.at.max(previous.at));
        let place = Place { version: version.next(), at };
        let mut recorded = Vec::with_capacity(events.len());
        for event in events {
            state = state.evolve(&event, place);
            recorded.push(RecordedEvent::of(&A::wrap(event)).map_err(internal)?);
        }
        // The first stream of a command is the one that its key is about.
        if let (Some(idempotency), true) = (self.context.idempotency, self.append.commits.is_empty()) {
            let entry = RememberedKey { key: idempotency.key, body: idempotency.body, version: place.version };
            keys.remember(entry);
        }
        let commit = Commit {
            stream,
            version: place.version,
            id: CommitId::from_uuid(self.desk.ids.next()),
            at,
            actor: self.context.caller.actor(),
            correlation_id: self.context.correlation_id,
            causation_id: cause,
            trace_id: self.context.trace_id.clone(),
            events: recorded,
            state: stored_state(&state, &keys).map_err(internal)?,
        };
        self.seen.push((stream, place.version));
        self.append.commits.push(commit.clone());
        Ok(Loaded { stream, version: place.version, state, keys, commit: Some(commit) })
    }

    /// The event that the last staged commit begins with.
    pub fn last_event(&self) -> Option<EventId> {
        self.append.commits.last().map(|commit| commit.event_id(0))
    }

    /// Makes the answer's token name a stream that an earlier answer may have written to.
    pub fn name_in_token<A>(&mut self, loaded: &Loaded<A>) {
        self.seen.push((loaded.stream, loaded.version));
    }

    /// The append fails, and the command is decided anew, if the stream has moved beyond what was loaded.
    pub fn require_unmoved<A>(&mut self, loaded: &Loaded<A>) {
        self.append.absent.push((loaded.stream, loaded.version.next()));
    }

    /// Holds a unique value for a stream; `pointer` names the field if somebody else has it.
    pub fn claim(&mut self, namespace: Namespace, value: &str, stream: StreamId, pointer: &'static str) {
        let claim = self.desk.claim(namespace, value);
        self.append.claims.push((claim, stream));
        self.claims.push((claim, pointer));
    }

    /// Frees a unique value of a stream.
    pub fn release(&mut self, namespace: Namespace, value: &str, stream: StreamId) {
        let claim = self.desk.claim(namespace, value);
        self.append.releases.push((claim, stream));
    }

    /// Refuses at once what the append would refuse: cheaper than what some commands do before it.
    ///
    /// # Errors
    /// `Taken`, and those of the store.
    pub async fn require_free_claims(&self) -> Result<(), CommandError> {
        let mut taken = Vec::new();
        for ((claim, pointer), (_, stream)) in self.claims.iter().zip(&self.append.claims) {
            // Its own: the same creation was stored meanwhile, as the append will tell.
            if self.desk.store.holder(*claim).await?.is_some_and(|holder| holder != *stream) {
                taken.push((*pointer).to_owned());
            }
        }
        if taken.is_empty() { Ok(()) } else { Err(CommandError::Taken(taken)) }
    }

    /// A number for a new ticket.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn ticket_number(&mut self) -> Result<u64, CommandError> {
        let number = self.desk.store.next_ticket_number().await?;
        self.append.ticket_number = Some(number);
        Ok(number)
    }

    /// The employee as whom a user is supported, if any.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn employee_of(&self, user: UserId) -> Result<Option<EmployeeId>, CommandError> {
        let claim = self.desk.claim(Namespace::EmployeeUser, &user.to_string());
        Ok(match self.desk.store.holder(claim).await? {
            Some(StreamId::Employee(id)) => Some(id),
            _ => None,
        })
    }
}

pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
    CommandError::Internal(error.into())
}
