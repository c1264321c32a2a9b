//! The newest commits, so that consumers who keep up read and decode no row.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventdesk_app::ports::{Position, StoredCommit};

/// How many are kept at most: some of the largest groups.
const MOST: usize = 1024;
/// How many bytes of JSON they hold together at most; a newest commit that is larger stands alone.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What this process appended last, without gaps; after another process's append it begins anew.
#[derive(Default)]
pub(super) struct Recent {
    // A std mutex: held for a few pushes or clones of pointers.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    commits: VecDeque<StoredCommit>,
    bytes: usize,
    /// How often private parts had been removed from the file when these were kept.
    erasures: i64,
}

impl Recent {
    /// Adds commits that are durable, in ascending order.
    pub(super) fn add(&self, stored: Vec<StoredCommit>) {
        let mut kept = self.lock();
        for commit in stored {
            if kept.commits.back().is_some_and(|newest| newest.position.0 + 1 != commit.position.0) {
                *kept = Kept { erasures: kept.erasures, ..Kept::default() };
            }
            kept.bytes += bytes(&commit);
            kept.commits.push_back(commit);
            while kept.commits.len() > MOST || (kept.bytes > MOST_BYTES && kept.commits.len() > 1) {
                let oldest = kept.commits.pop_front();
                kept.bytes -= oldest.as_ref().map_or(0, bytes);
            }
        }
    }

    /// Up to `most` commits after a position; `None` if the first of them is not kept here. Once private parts were
    /// removed from the file, by whomever, what was kept before is forgotten.
    pub(super) fn after(&self, position: Position, most: usize, erasures: i64) -> Option<Vec<StoredCommit>> {
        let mut kept = self.lock();
        if kept.erasures != erasures {
            *kept = Kept { erasures, ..Kept::default() };
        }
        let commits = &kept.commits;
        let first = commits.front()?.position.0;
        let skipped = usize::try_from(position.0.checked_add(1)?.checked_sub(first)?).ok()?;
        (skipped < commits.len()).then(|| commits.iter().skip(skipped).take(most).cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(stored: &StoredCommit) -> usize {
    let commit = &stored.commit;
    let events = commit
        .events
        .iter()
        .map(|event| event.data.get().len() + event.private.as_ref().map_or(0, |private| private.get().len()));
    events.sum::<usize>() + commit.state.json.get().len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eventdesk_app::ports::{Commit, StoredState};
    use eventdesk_events::{Actor, ActorKind, CommitId, StreamId, Timestamp, Version};
    use uuid::Uuid;

    use super::*;

    fn stored(position: u64, bytes: usize) -> StoredCommit {
        let commit = Commit {
            stream: StreamId::AdminRoster,
            version: Version::FIRST,
            id: CommitId::from_uuid(Uuid::nil()),
            at: Timestamp::from_millis(0),
            actor: Actor { id: String::new(), kind: ActorKind::System },
            correlation_id: Uuid::nil(),
            causation_id: None,
            trace_id: None,
            events: Vec::new(),
            state: StoredState { version: 1, json: serde_json::value::to_raw_value(&" ".repeat(bytes - 2)).unwrap() },
        };
        StoredCommit { position: Position(position), commit: Arc::new(commit) }
    }

    fn positions(recent: &Recent, after: u64) -> Option<Vec<u64>> {
        Some(recent.after(Position(after), 10, 0)?.iter().map(|stored| stored.position.0).collect())
    }

    #[test]
    fn what_is_not_all_there_is_left_to_the_file() {
        let recent = Recent::default();
        assert_eq!(positions(&recent, 0), None);
        recent.add(vec![stored(4, 10), stored(5, 10)]);
        assert_eq!(positions(&recent, 3), Some(vec![4, 5]));
        assert_eq!(positions(&recent, 4), Some(vec![5]));
        assert_eq!(positions(&recent, 2), None, "3 is not here");
        assert_eq!(positions(&recent, 5), None, "6 may be another process's");
        recent.add(vec![stored(7, 10)]);
        assert_eq!(positions(&recent, 4), None, "6 is another process's");
        assert_eq!(positions(&recent, 6), Some(vec![7]));
    }

    #[test]
    fn what_was_kept_before_an_erasure_is_forgotten() {
        let recent = Recent::default();
        recent.add(vec![stored(4, 10), stored(5, 10)]);
        assert!(recent.after(Position(3), 10, 1).is_none());
        assert!(recent.after(Position(3), 10, 1).is_none());
        recent.add(vec![stored(6, 10)]);
        assert!(recent.after(Position(5), 10, 1).is_some_and(|commits| commits.len() == 1));
    }

    #[test]
    fn it_is_bounded_by_number_and_by_bytes() {
        let recent = Recent::default();
        recent.add((1..=2_000).map(|position| stored(position, 10)).collect());
        assert_eq!((positions(&recent, 2_000 - 1_025), recent.lock().commits.len()), (None, MOST));
        recent.add((2_001..=2_004).map(|position| stored(position, MOST_BYTES / 3)).collect());
        assert_eq!(positions(&recent, 2_001), Some(vec![2_002, 2_003, 2_004]));
        assert!(recent.lock().bytes <= MOST_BYTES);
        recent.add(vec![stored(2_005, MOST_BYTES * 2)]);
        assert_eq!(positions(&recent, 2_004), Some(vec![2_005]));
    }
}
