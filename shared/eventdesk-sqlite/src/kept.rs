//! What is read again and again, kept in memory while it is known to be what the file says.
//!
//! The process that writes a file tells what it wrote. That nobody else did is asked of SQLite (`PRAGMA data_version`
//! on the writer's connection, which its own commits do not change), at most [`TRUST`] ago for every value handed out.

use std::{
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::{Equivalent, Weighter, unsync::Cache};
use rusqlite::Connection;

/// For how long it is believed that no other process has written.
const TRUST: Duration = Duration::from_millis(100);
/// How long after one question the next is asked, while there are readers.
const ASK_AFTER: Duration = Duration::from_millis(40);

/// How many bytes a value takes, about.
pub(crate) trait Weighed {
    fn size(&self) -> usize;
}

/// Values by key, the most wanted ones of them.
pub(crate) struct Kept<K, V> {
    // A std mutex: held for a look or a copy, never across a read of the file.
    inner: Mutex<Inner<K, V>>,
}

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

struct Inner<K, V> {
    values: Cache<K, V, Bytes>,
    /// Grows with every change of the file that is heard of: what was read before one is not kept after it.
    epoch: u64,
    /// When nobody else had written.
    sure: Option<Instant>,
    asked: Option<Instant>,
    /// `data_version` as the writer's connection saw it last.
    seen: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Bytes;

impl<K, V: Weighed> Weighter<K, V> for Bytes {
    fn weight(&self, _: &K, value: &V) -> u64 {
        // Key, entry and allocations besides.
        value.size() as u64 + 200
    }
}

/// What was sure before a commit.
#[derive(Debug)]
pub(crate) struct Doubt {
    sure: Option<Instant>,
}

/// What a look found.
pub(crate) struct Look<V> {
    pub(crate) value: Option<V>,
    /// To be handed back with what is read instead.
    pub(crate) epoch: u64,
    /// Whether the writer should be asked to [`Kept::check`].
    pub(crate) ask: bool,
}

impl<K: Eq + Hash, V: Clone + Weighed> Kept<K, V> {
    /// Keeps up to about so many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let values = Cache::with_weighter(1024, bytes, Bytes);
        Self { inner: Mutex::new(Inner { values, epoch: 0, sure: None, asked: None, seen: None }) }
    }

    /// The value, if it is kept and sure.
    pub(crate) fn look<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Look<V> {
        let now = Instant::now();
        let long_ago = |then: Option<Instant>, age| then.is_none_or(|then| now.duration_since(then) >= age);
        let mut inner = self.lock();
        let value = if long_ago(inner.sure, TRUST) { None } else { inner.values.get(key).cloned() };
        let ask = long_ago(inner.asked, ASK_AFTER);
        if ask {
            inner.asked = Some(now);
        }
        Look { value, epoch: inner.epoch, ask }
    }

    /// Keeps what was read, unless the file has changed since `epoch`.
    pub(crate) fn keep(&self, epoch: u64, key: K, value: V) {
        let mut inner = self.lock();
        if inner.epoch == epoch {
            inner.values.insert(key, value);
        }
    }

    /// Lets everybody read the file until [`Kept::written`] or [`Kept::forget`]; to be called before a commit, whose
    /// rows others see before it returns.
    pub(crate) fn doubt(&self) -> Doubt {
        let mut inner = self.lock();
        inner.epoch += 1;
        Doubt { sure: inner.sure.take() }
    }

    /// Puts what this process has written in the place of what is kept; to be called before anybody is told of it.
    pub(crate) fn written(&self, doubt: &Doubt, values: impl IntoIterator<Item = (K, V)>) {
        let mut inner = self.lock();
        inner.epoch += 1;
        inner.sure = doubt.sure;
        for (key, value) in values {
            // What nobody has read is not kept.
            let _ = inner.values.replace(key, value, false);
        }
    }

    /// Forgets everything, as after a write that may or may not stand.
    pub(crate) fn forget(&self) {
        let mut inner = self.lock();
        inner.epoch += 1;
        inner.values.clear();
        inner.sure = None;
        inner.seen = None;
    }

    /// Finds out, on the writer's connection and outside of transactions, whether another process has written.
    pub(crate) fn check(&self, writer: &Connection) -> rusqlite::Result<()> {
        let now = Instant::now();
        let version = writer.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
        let version = version.inspect_err(|_| self.forget())?;
        let mut inner = self.lock();
        if inner.seen.replace(version) != Some(version) {
            inner.epoch += 1;
            inner.values.clear();
        }
        inner.sure = Some(now);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighed for &'static str {
        fn size(&self) -> usize {
            self.len()
        }
    }

    fn kept() -> Kept<u8, &'static str> {
        let kept = Kept::new(10_000);
        kept.check(&Connection::open_in_memory().unwrap()).unwrap();
        kept
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let kept = kept();
        let epoch = kept.look(&1).epoch;
        let doubt = kept.doubt();
        kept.written(&doubt, [(1, "new")]);
        kept.keep(epoch, 1, "old");
        assert_eq!(kept.look(&1).value, None);
        kept.keep(kept.look(&1).epoch, 1, "new");
        assert_eq!(kept.look(&1).value, Some("new"));
        let (epoch, doubt) = (kept.look(&1).epoch, kept.doubt());
        assert_eq!(kept.look(&1).value, None, "the file may say something newer already");
        kept.keep(epoch, 1, "new");
        kept.written(&doubt, [(1, "newer"), (2, "never read")]);
        assert_eq!((kept.look(&1).value, kept.look(&2).value), (Some("newer"), None));
        kept.forget();
        assert_eq!(kept.look(&1).value, None);
    }

    #[test]
    fn nothing_is_believed_before_the_first_check() {
        let kept = Kept::new(10_000);
        kept.keep(kept.look(&1).epoch, 1, "read");
        assert_eq!(kept.look(&1).value, None);
    }

    #[test]
    fn another_process_s_write_is_heard_of_and_one_s_own_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("file.db")).unwrap();
        let (own, other) = (open(), open());
        own.execute_batch("CREATE TABLE t (a)").unwrap();
        let kept = Kept::new(10_000);
        kept.check(&own).unwrap();
        kept.keep(kept.look(&1).epoch, 1, "read");
        own.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        kept.check(&own).unwrap();
        assert_eq!(kept.look(&1).value, Some("read"));
        other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        kept.check(&own).unwrap();
        assert_eq!(kept.look(&1).value, None);
    }

    #[test]
    fn one_reader_of_many_is_asked_to_have_it_checked() {
        let kept: Kept<u8, &str> = Kept::new(10_000);
        assert!(kept.look(&1).ask && !kept.look(&2).ask);
    }

    #[test]
    fn it_keeps_no_more_than_it_may() {
        let kept: Kept<u32, &str> = Kept::new(10_000);
        for key in 0..1_000 {
            kept.keep(0, key, "0123456789");
        }
        assert!(kept.lock().values.weight() <= 10_000);
    }
}
