//! The one thread that writes: it takes what waits, puts it into one transaction, and answers after the commit.

use std::{
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use eventdesk_app::ports::{Position, StoredCommit};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Fault, OpenError, States, StoreOptions, recent::Recent, schema};

/// The transaction that a group of writes shares.
pub(super) struct Group<'c> {
    /// To read and write by; sees what the writes before it in the group wrote.
    pub(super) conn: &'c Connection,
    /// The commits written, announced after the group is on the disk.
    pub(super) stored: Vec<StoredCommit>,
    /// The highest ticket number used, stored once a group.
    pub(super) ticket_number: Option<i64>,
}

/// One write of a group. It checks before it writes, so that a refused one leaves nothing behind.
trait Write: Send {
    fn run(&mut self, group: &mut Group<'_>) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, failure: Option<Fault>);
}

struct Waiting<F, T> {
    work: F,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<F, T> Write for Waiting<F, T>
where
    F: FnMut(&mut Group<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, group: &mut Group<'_>) -> rusqlite::Result<()> {
        self.outcome = Some((self.work)(group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<Fault>) {
        let result = match failure {
            Some(fault) => Err(fault),
            None => Ok(self.outcome.expect("a write of a committed group has run")),
        };
        // Nobody waits any more if the caller was cancelled; what is written stays written.
        let _ = self.reply.send(result);
    }
}

/// What the thread is asked for.
enum Work {
    Write(Box<dyn Write>),
    /// Find out whether another process has written.
    Check,
}

/// Who is told, in this order, what is durable.
pub(super) struct Told {
    pub(super) recent: Arc<Recent>,
    pub(super) states: Arc<States>,
    pub(super) newest: watch::Sender<Position>,
}

/// Hands writes to the thread. Dropping it finishes what was accepted and ends the thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    patience: Duration,
}

impl Writer {
    /// Starts the thread on an open connection.
    pub(super) fn start(conn: Connection, path: PathBuf, options: StoreOptions, told: Told) -> Result<Self, OpenError> {
        let (queue, waiting) = mpsc::channel(options.group);
        let patience = options.busy_timeout;
        let mut desk = Desk { conn: Some(conn), path, options, told, last: Last::default() };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || desk.work(waiting))
            .map_err(OpenError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), patience })
    }

    /// Runs `work` in a group and returns its outcome once that is durable.
    ///
    /// `work` may run twice, after a rollback.
    pub(super) async fn write<F, T>(&self, work: F) -> Result<T, Fault>
    where
        F: FnMut(&mut Group<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue is open until the writer is dropped");
        let write = Box::new(Waiting { work, outcome: None, reply });
        queue.send_timeout(Work::Write(write), self.patience).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => Fault::QueueFull,
            mpsc::error::SendTimeoutError::Closed(_) => Fault::Stopped,
        })?;
        answer.await.map_err(|_| Fault::Stopped)?
    }

    /// Waits for the end of the thread.
    pub(super) async fn ended(&self) {
        if let Some(queue) = &self.queue {
            queue.closed().await;
        }
    }

    /// Has the thread find out whether another process has written, when it comes to it; not at all if too much waits.
    pub(super) fn check(&self) {
        if let Some(queue) = &self.queue {
            let _ = queue.try_send(Work::Check);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

/// What the thread works with.
struct Desk {
    /// None after a fault that the connection may not have survived; opened again for the next group.
    conn: Option<Connection>,
    path: PathBuf,
    options: StoreOptions,
    told: Told,
    last: Last,
}

/// The last group: how many writes, and how long until they were answered.
#[derive(Default)]
struct Last {
    size: usize,
    took: Duration,
}

/// A slower group, on a locked file perhaps, says nothing about how long to wait for company.
const LONGEST_COUNTED: Duration = Duration::from_millis(4);

impl Desk {
    fn work(&mut self, mut waiting: mpsc::Receiver<Work>) {
        while let Some(work) = waiting.blocking_recv() {
            let Work::Write(first) = work else {
                self.check();
                continue;
            };
            let group = self.gather(first, &mut waiting);
            let (size, began) = (group.len(), Instant::now());
            self.settle(group);
            self.last = Last { size, took: began.elapsed().min(LONGEST_COUNTED) };
        }
    }

    /// Takes what waits. Callers that were answered a moment ago tend to come back: a quarter of the last group's time
    /// is given to as many as it had, or each large group would be followed by a small one that costs the same sync.
    fn gather(&self, first: Box<dyn Write>, waiting: &mut mpsc::Receiver<Work>) -> Vec<Box<dyn Write>> {
        let mut group = Vec::with_capacity(self.last.size.max(1));
        group.push(first);
        let until = Instant::now() + self.last.took / 4;
        loop {
            while group.len() < self.options.group
                && let Ok(next) = waiting.try_recv()
            {
                match next {
                    Work::Write(next) => group.push(next),
                    Work::Check => self.check(),
                }
            }
            if group.len() >= self.last.size || Instant::now() >= until {
                return group;
            }
            std::thread::sleep(self.last.took / 16);
        }
    }

    fn check(&self) {
        if let Some(conn) = &self.conn
            && let Err(error) = self.told.states.check(conn)
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot tell whether others have written");
        }
    }

    fn settle(&mut self, mut group: Vec<Box<dyn Write>>) {
        match self.commit(&mut group) {
            Ok(stored) => {
                if let Some(position) = stored.last().map(|newest| newest.position) {
                    let doubt = self.told.states.doubt();
                    self.told.states.written(
                        &doubt,
                        stored.iter().map(|stored| {
                            let commit = &stored.commit;
                            (commit.stream, (commit.version, commit.state.clone()))
                        }),
                    );
                    self.told.recent.add(stored);
                    self.told.newest.send_replace(position);
                }
                for write in group {
                    write.answer(None);
                }
            }
            // One bad write must not fail its neighbours: each for itself.
            Err(fault) if !fault.is_passing() && group.len() > 1 => {
                for write in group {
                    self.settle(vec![write]);
                }
            }
            Err(fault) => {
                tracing::warn!(error = %fault, writes = group.len(), "a group of writes failed");
                for write in group {
                    write.answer(Some(fault.clone()));
                }
            }
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Write>]) -> Result<Vec<StoredCommit>, Fault> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => schema::open_writer(&self.path, &self.options)?,
        };
        let done = transact(&conn, group).map_err(Fault::from);
        if done.is_err() {
            // It may stand all the same, and the connection be another one from here on.
            self.told.states.forget();
        }
        // A transaction that is still open could not be rolled back.
        if conn.is_autocommit() && done.as_ref().err().is_none_or(Fault::spares_connection) {
            self.conn = Some(conn);
        }
        done
    }
}

fn transact(conn: &Connection, writes: &mut [Box<dyn Write>]) -> rusqlite::Result<Vec<StoredCommit>> {
    let transaction = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut group = Group { conn, stored: Vec::new(), ticket_number: None };
    for write in writes {
        write.run(&mut group)?;
    }
    let Group { stored, ticket_number, .. } = group;
    if let Some(number) = ticket_number {
        conn.prepare_cached(
            "INSERT INTO counters (name, value) VALUES ('ticket_number', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([number])?;
    }
    transaction.commit()?;
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use rusqlite::ffi;

    use super::*;

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let path = folder.path().join("store.db");
        let options = StoreOptions::default();
        let conn = schema::open_writer(&path, &options).unwrap();
        let states = Arc::new(States::new(1024));
        let told = Told { recent: Arc::default(), states, newest: watch::Sender::new(Position(0)) };
        Writer::start(conn, path, options, told).unwrap()
    }

    fn count(group: &mut Group<'_>, name: &str) -> rusqlite::Result<i64> {
        group.conn.execute("INSERT INTO counters (name, value) VALUES (?1, 1)", [name])?;
        group.conn.query_row("SELECT count(*) FROM counters", [], |row| row.get(0))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_write_that_fails_for_itself_does_not_fail_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Arc::new(writer(&folder));
        // Holds the thread until the others wait together for the next group.
        let (go, held) = channel::<()>();
        let (running, begun) = channel();
        let mut answers = vec![tokio::spawn({
            let writer = Arc::clone(&writer);
            async move {
                writer
                    .write(move |_| {
                        running.send(()).unwrap();
                        Ok(held.recv().map_or(0, |()| 0))
                    })
                    .await
            }
        })];
        begun.recv().unwrap();
        for name in ["a", "wrong", "b"] {
            let task = Arc::clone(&writer);
            answers.push(tokio::spawn(async move {
                task.write(move |group| {
                    let counted = count(group, name)?;
                    if name == "wrong" { Err(rusqlite::Error::InvalidQuery) } else { Ok(counted) }
                })
                .await
            }));
        }
        while writer.queue.as_ref().unwrap().capacity() > StoreOptions::default().group - 3 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.unwrap());
        }
        assert!(matches!(outcomes[2], Err(Fault::Refused(_))));
        assert!(outcomes[1].is_ok() && outcomes[3].is_ok());
        let rows = writer.write(|group| count(group, "c")).await.unwrap();
        assert_eq!(rows, 3);
    }

    #[tokio::test]
    async fn a_broken_connection_is_replaced_for_the_next_group() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_CANTOPEN, ffi::SQLITE_READONLY, ffi::SQLITE_FULL] {
            let failed = writer.write(move |group| {
                count(group, "lost")?;
                Err::<(), _>(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
            });
            assert!(failed.await.is_err_and(|fault| fault.is_passing()));
        }
        assert_eq!(writer.write(|group| count(group, "kept")).await.unwrap(), 1);
    }
}
