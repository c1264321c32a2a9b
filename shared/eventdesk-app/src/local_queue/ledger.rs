//! What a local queue knows of its commits: the arithmetic behind cursor, visibility, retries and dead letters.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use eventdesk_events::Timestamp;

use crate::ports::{ConsumerState, DeadLetter, DeliveryId, Position, Progress, Retry, Settlement};

/// A commit that was read and is not settled for good.
#[derive(Debug)]
struct Entry {
    /// How often it was handed out.
    attempts: u32,
    /// When it is to be handed out again: the end of its back-off or of its visibility time.
    next: Timestamp,
    /// Whether it is handed out and neither done nor failed yet.
    flying: bool,
    /// Whether it stands among the stored retries, so that the cursor need not wait for it.
    retry: bool,
    /// The name of the replay that asked for it.
    replay: Option<String>,
}

/// How a commit stands after a settlement.
enum Verdict {
    Done,
    Again(Retry),
    Dead(DeadLetter),
}

#[derive(Debug)]
pub(super) struct Ledger {
    visibility: Duration,
    backoff: Vec<Duration>,
    /// Everything up to here was read from the log.
    read: Position,
    /// The cursor of the newest progress that was asked for.
    asked: Position,
    entries: BTreeMap<Position, Entry>,
    /// The entries that hold the cursor back.
    fresh: BTreeSet<Position>,
    /// All entries by when they are next.
    times: BTreeSet<(Timestamp, Position)>,
    /// Dead or in retry ahead of the cursor when the queue was opened: settled though not yet read again.
    known: HashSet<Position>,
}

impl Ledger {
    pub(super) fn resume(stored: ConsumerState, visibility: Duration, backoff: Vec<Duration>) -> Self {
        let cursor = stored.cursor;
        let known = stored.retries.iter().map(|retry| retry.position);
        let known = known.chain(stored.dead.iter().map(|dead| dead.position)).filter(|at| *at > cursor).collect();
        let mut ledger = Self {
            visibility,
            backoff,
            read: cursor,
            asked: cursor,
            entries: BTreeMap::new(),
            fresh: BTreeSet::new(),
            times: BTreeSet::new(),
            known,
        };
        for retry in stored.retries {
            ledger.enter(retry);
        }
        ledger
    }

    /// Notes what waits for another delivery.
    fn enter(&mut self, Retry { position, attempts, due, reason }: Retry) {
        let replay = replay_name(&reason).map(str::to_owned);
        self.times.insert((due, position));
        self.entries.insert(position, Entry { attempts, next: due, flying: false, retry: true, replay });
    }

    /// Takes over stored retries that others have put there. What is handed out is left alone, and what is known comes
    /// no later than it would have.
    pub(super) fn adopt(&mut self, stored: Vec<Retry>) {
        for retry in stored {
            let position = retry.position;
            match self.entries.get(&position).map(|entry| (entry.flying || !entry.retry, entry.next)) {
                Some((true, _)) => {}
                Some((false, next)) if next <= retry.due => {}
                Some((false, next)) => {
                    self.times.remove(&(next, position));
                    self.enter(retry);
                }
                None => {
                    if position > self.read {
                        self.known.insert(position);
                    }
                    self.enter(retry);
                }
            }
        }
    }

    pub(super) fn read(&self) -> Position {
        self.read
    }

    /// How many entries hold the cursor back.
    pub(super) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    pub(super) fn cursor(&self) -> Position {
        self.cursor_without(&HashSet::new())
    }

    /// The cursor as it is once these are settled.
    fn cursor_without(&self, settled: &HashSet<Position>) -> Position {
        match self.fresh.iter().find(|position| !settled.contains(position)) {
            Some(open) => Position(open.0.saturating_sub(1)),
            None => self.read,
        }
    }

    /// How far the cursor is from the one that was last asked for.
    pub(super) fn unstored(&self) -> u64 {
        self.cursor().0.abs_diff(self.asked.0)
    }

    /// Notes that storing the last progress failed.
    pub(super) fn not_stored(&mut self) {
        self.asked = Position::default();
    }

    /// Notes a commit read from the log; whether it is to be handed out, which it then counts as.
    pub(super) fn note(&mut self, position: Position, wanted: bool, now: Timestamp) -> bool {
        self.read = position;
        if !wanted || self.known.remove(&position) {
            return false;
        }
        let next = later(now, self.visibility);
        let entry = Entry { attempts: 1, next, flying: true, retry: false, replay: None };
        self.entries.insert(position, entry);
        self.fresh.insert(position);
        self.times.insert((next, position));
        true
    }

    /// When something is next due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.times.first().map(|(next, _)| *next)
    }

    /// Up to `max` commits that are due again, ascending, and those among the due that had their last attempt.
    pub(super) fn due(&self, now: Timestamp, max: usize) -> (Vec<Position>, Vec<Position>) {
        let due = self.times.iter().take_while(|(next, _)| *next <= now).map(|(_, position)| *position);
        let (mut given_up, mut again): (Vec<_>, Vec<_>) =
            due.take(max).partition(|position| self.entries.get(position).is_some_and(|entry| self.exhausted(entry)));
        given_up.sort_unstable();
        again.sort_unstable();
        (again, given_up)
    }

    /// Only a delivery that was never answered can be due after the last attempt.
    fn exhausted(&self, entry: &Entry) -> bool {
        entry.flying && entry.attempts as usize > self.backoff.len()
    }

    /// Hands a due commit out again; its attempt and the replay that asked for it, or `None` if it was settled meanwhile.
    pub(super) fn hand_out_again(&mut self, position: Position, now: Timestamp) -> Option<(u32, Option<String>)> {
        let next = later(now, self.visibility);
        let entry = self.entries.get_mut(&position).filter(|entry| entry.next <= now)?;
        self.times.remove(&(entry.next, position));
        self.times.insert((next, position));
        entry.next = next;
        entry.flying = true;
        entry.attempts += 1;
        Some((entry.attempts, entry.replay.clone()))
    }

    /// What to store when commits are given up that nobody reported as failed.
    pub(super) fn give_up(&mut self, consumer: &str, positions: &[Position], why: &str, now: Timestamp) -> Progress {
        let settled = positions.iter().copied().collect();
        let dead = |position: &Position| {
            let entry = self.entries.get(position)?;
            Some(DeadLetter { position: *position, attempts: entry.attempts, at: now, reason: why.to_owned() })
        };
        let dead = positions.iter().filter_map(dead).collect();
        self.asked = self.cursor_without(&settled);
        Progress { consumer: consumer.to_owned(), cursor: self.asked, retries: Vec::new(), dead, cleared: Vec::new() }
    }

    /// Drops commits for good.
    pub(super) fn forget(&mut self, positions: &[Position]) {
        for position in positions {
            if let Some(entry) = self.entries.remove(position) {
                self.times.remove(&(entry.next, *position));
                self.fresh.remove(position);
            }
        }
    }

    /// What to store when this settlement takes place.
    pub(super) fn progress(&mut self, consumer: &str, settlement: &Settlement, now: Timestamp) -> Progress {
        let verdicts = self.verdicts(settlement, now);
        let settled = verdicts.keys().copied().collect();
        self.asked = self.cursor_without(&settled);
        let mut progress = Progress {
            consumer: consumer.to_owned(),
            cursor: self.asked,
            retries: Vec::new(),
            dead: Vec::new(),
            cleared: Vec::new(),
        };
        for (position, verdict) in verdicts {
            match verdict {
                Verdict::Done if self.entries.get(&position).is_some_and(|entry| entry.retry) => {
                    progress.cleared.push(position);
                }
                Verdict::Done => {}
                Verdict::Again(retry) => progress.retries.push(retry),
                Verdict::Dead(dead) => progress.dead.push(dead),
            }
        }
        progress
    }

    /// Carries a settlement out.
    pub(super) fn settle(&mut self, settlement: &Settlement, now: Timestamp) {
        for (position, verdict) in self.verdicts(settlement, now) {
            let replay = self.entries.get(&position).and_then(|entry| entry.replay.clone());
            self.forget(&[position]);
            if let Verdict::Again(retry) = verdict {
                self.enter(retry);
                if let Some(entry) = self.entries.get_mut(&position) {
                    entry.replay = entry.replay.take().or(replay);
                }
            }
        }
    }

    /// What becomes of each commit; what is unknown, settled already or failed without being handed out is left out.
    fn verdicts(&self, settlement: &Settlement, now: Timestamp) -> BTreeMap<Position, Verdict> {
        let mut verdicts = BTreeMap::new();
        for (id, reason) in &settlement.failed {
            let Some((position, entry)) = self.entry(id).filter(|(_, entry)| entry.flying) else { continue };
            let (attempts, reason) = (entry.attempts, reason.clone());
            let verdict = match self.backoff.get(attempts.saturating_sub(1) as usize) {
                Some(wait) => Verdict::Again(Retry { position, attempts, due: later(now, *wait), reason }),
                None => Verdict::Dead(DeadLetter { position, attempts, at: now, reason }),
            };
            verdicts.insert(position, verdict);
        }
        let done = settlement.done.iter().filter_map(|id| self.entry(id));
        verdicts.extend(done.map(|(position, _)| (position, Verdict::Done)));
        verdicts
    }

    fn entry(&self, id: &DeliveryId) -> Option<(Position, &Entry)> {
        let position = Position(id.0.parse().ok()?);
        self.entries.get(&position).map(|entry| (position, entry))
    }
}

/// What the reason of a retry that a replay asked for begins with.
const REPLAY: &str = "replay ";

/// The reason of a retry that a replay asks for.
pub(super) fn replay_reason(name: &str) -> String {
    format!("{REPLAY}{name}")
}

fn replay_name(reason: &str) -> Option<&str> {
    reason.strip_prefix(REPLAY)
}

/// Names a commit's delivery by its position.
pub(super) fn delivery_id(position: Position) -> DeliveryId {
    DeliveryId(position.0.to_string())
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
}
