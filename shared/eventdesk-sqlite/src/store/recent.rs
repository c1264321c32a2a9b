//! The newest commits, so that consumers who keep up read and decode no row.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventdesk_app::ports::{Position, StoredCommit};

/// How many are kept: some of the largest groups.
const KEPT: usize = 1024;

/// What this process appended last, without gaps; after another process's append it begins anew.
#[derive(Default)]
pub(super) struct Recent {
    // A std mutex: held for a few pushes or clones of pointers.
    commits: Mutex<VecDeque<StoredCommit>>,
}

impl Recent {
    /// Adds commits that are durable, in ascending order.
    pub(super) fn add(&self, stored: Vec<StoredCommit>) {
        let mut commits = self.lock();
        for commit in stored {
            if commits.back().is_some_and(|newest| newest.position.0 + 1 != commit.position.0) {
                commits.clear();
            }
            if commits.len() == KEPT {
                commits.pop_front();
            }
            commits.push_back(commit);
        }
    }

    /// Up to `most` commits after a position; `None` if the first of them is not kept here.
    pub(super) fn after(&self, position: Position, most: usize) -> Option<Vec<StoredCommit>> {
        let commits = self.lock();
        let first = commits.front()?.position.0;
        let skipped = usize::try_from(position.0.checked_add(1)?.checked_sub(first)?).ok()?;
        (skipped < commits.len()).then(|| commits.iter().skip(skipped).take(most).cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<StoredCommit>> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
