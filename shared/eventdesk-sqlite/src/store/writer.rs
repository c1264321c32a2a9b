//! The one thread that writes: it takes what waits, puts it into one transaction, and answers after the commit.

use std::{path::PathBuf, thread::JoinHandle};

use eventdesk_app::ports::Position;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Fault, OpenError, StoreOptions, schema};

/// The transaction that a group of writes shares.
pub(super) struct Group<'c> {
    /// To read and write by; sees what the writes before it in the group wrote.
    pub(super) conn: &'c Connection,
    /// The newest commit written, announced after the group is on the disk.
    pub(super) newest: Option<Position>,
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

/// Hands writes to the thread. Dropping it finishes what was accepted and ends the thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
    patience: std::time::Duration,
}

impl Writer {
    /// Starts the thread on an open connection; `newest` is told what is durable.
    pub(super) fn start(
        conn: Connection,
        path: PathBuf,
        options: StoreOptions,
        newest: watch::Sender<Position>,
    ) -> Result<Self, OpenError> {
        let (queue, waiting) = mpsc::channel(options.group);
        let patience = options.busy_timeout;
        let mut desk = Desk { conn: Some(conn), path, options, newest };
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
        queue.send_timeout(write, self.patience).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => Fault::QueueFull,
            mpsc::error::SendTimeoutError::Closed(_) => Fault::Stopped,
        })?;
        answer.await.map_err(|_| Fault::Stopped)?
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
    newest: watch::Sender<Position>,
}

impl Desk {
    fn work(&mut self, mut waiting: mpsc::Receiver<Box<dyn Write>>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            while group.len() < self.options.group
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            self.settle(group);
        }
    }

    fn settle(&mut self, mut group: Vec<Box<dyn Write>>) {
        match self.commit(&mut group) {
            Ok(newest) => {
                if let Some(position) = newest {
                    self.newest.send_replace(position);
                }
                group.into_iter().for_each(|write| write.answer(None));
            }
            // One bad write must not fail its neighbours: each for itself.
            Err(fault) if !fault.is_passing() && group.len() > 1 => {
                group.into_iter().for_each(|write| self.settle(vec![write]));
            }
            Err(fault) => {
                tracing::warn!(error = %fault, writes = group.len(), "a group of writes failed");
                group.into_iter().for_each(|write| write.answer(Some(fault.clone())));
            }
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Write>]) -> Result<Option<Position>, Fault> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => schema::open_writer(&self.path, &self.options)?,
        };
        let done = transact(&conn, group).map_err(Fault::from);
        // A transaction that is still open could not be rolled back.
        if conn.is_autocommit() && done.as_ref().err().is_none_or(Fault::spares_connection) {
            self.conn = Some(conn);
        }
        done
    }
}

fn transact(conn: &Connection, writes: &mut [Box<dyn Write>]) -> rusqlite::Result<Option<Position>> {
    let transaction = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut group = Group { conn, newest: None, ticket_number: None };
    for write in writes {
        write.run(&mut group)?;
    }
    let Group { newest, ticket_number, .. } = group;
    if let Some(number) = ticket_number {
        conn.prepare_cached(
            "INSERT INTO counters (name, value) VALUES ('ticket_number', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([number])?;
    }
    transaction.commit()?;
    Ok(newest)
}
