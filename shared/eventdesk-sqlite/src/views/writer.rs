//! The one thread that writes the views' file.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use eventdesk_app::ports::{ApplyError, Document, Glance, Progress, Put, ReadStoreError, ViewSpec};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::kept::Doubt;

use super::{
    Glances, ViewsOptions,
    damage::Damage,
    fault::{Failure, ViewsError},
    generations,
    job::{self, Job, Statements},
    schema,
};

/// Hands work to the thread, and waits for its end when dropped.
#[derive(Debug)]
pub(super) struct Writer {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

enum Work {
    Apply(Job),
    Prepare(Vec<&'static ViewSpec>, oneshot::Sender<Result<(), Failure>>),
    /// A transaction of its own that touches no document.
    Alone(Alone, oneshot::Sender<Result<u64, Failure>>),
    /// Something with generations.
    Order(Order),
    /// Find out whether another process has written.
    Check,
}

type Alone = Box<dyn FnOnce(&Connection) -> Result<u64, Failure> + Send>;

/// Work on the file alone; it answers by itself.
type Order = Box<dyn FnOnce(&mut File) + Send>;

impl Writer {
    pub(super) fn start(
        path: PathBuf,
        options: &ViewsOptions,
        glances: Arc<Glances>,
        damage: Arc<Damage>,
    ) -> Result<Self, ViewsError> {
        let connection = schema::open_writer(&path, options.write_wait, options.max_bytes)?;
        let (connection, statements) = (Some(connection), HashMap::new());
        let file = File { path, options: options.clone(), connection, statements, glances, damage };
        let (sender, receiver) = mpsc::channel();
        let batch = options.batch.max(1);
        let thread = thread::Builder::new()
            .name("views-writer".to_owned())
            .spawn(move || run(file, &receiver, batch))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { work: Some(sender), thread: Some(thread) })
    }

    pub(super) async fn apply(
        &self,
        puts: Vec<(Option<u32>, Put)>,
        progress: Option<Progress>,
    ) -> Result<(), ApplyError> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Apply(Job { puts, progress, answer }));
        match answered.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApplyError::Internal("the views' writer has ended".into())),
        }
    }

    pub(super) async fn prepare(&self, views: Vec<&'static ViewSpec>) -> Result<(), ReadStoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Prepare(views, answer));
        match answered.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ReadStoreError::Internal("the views' writer has ended".into())),
        }
    }

    /// Runs what touches no document in a transaction of its own.
    pub(super) async fn alone(
        &self,
        work: impl FnOnce(&Connection) -> Result<u64, Failure> + Send + 'static,
    ) -> Result<u64, ReadStoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Alone(Box::new(work), answer));
        match answered.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ReadStoreError::Internal("the views' writer has ended".into())),
        }
    }

    /// Has the thread work on the file, between transactions.
    pub(super) async fn order<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut File) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Order(Box::new(move |file| {
            let _ = answer.send(file.outside_of_puts(work));
        })));
        answered.await.unwrap_or_else(|_| Err(Failure::Ended))
    }

    /// Whether the thread still works.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Has the thread find out whether another process has written, when it comes to it.
    pub(super) fn check(&self) {
        self.send(Work::Check);
    }

    /// If the thread has ended, the work is dropped, and its answer with it.
    fn send(&self, work: Work) {
        if let Some(sender) = &self.work {
            let _ = sender.send(work);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut file: File, work: &Receiver<Work>, batch: usize) {
    let mut next = work.recv().ok();
    while let Some(first) = next.take() {
        match first {
            Work::Prepare(views, answer) => {
                let _ = answer.send(file.prepare(&views));
            }
            Work::Alone(work, answer) => {
                let _ = answer.send(file.alone(work));
            }
            Work::Check => file.check(),
            Work::Order(work) => work(&mut file),
            Work::Apply(job) => {
                let mut jobs = vec![job];
                while jobs.len() < batch {
                    match work.try_recv() {
                        Ok(Work::Apply(job)) => jobs.push(job),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                file.apply(jobs);
            }
        }
        if next.is_none() {
            next = work.recv().ok();
        }
    }
}

/// The file, opened anew whenever something was wrong with it.
pub(super) struct File {
    path: PathBuf,
    options: ViewsOptions,
    connection: Option<Connection>,
    statements: Statements,
    glances: Arc<Glances>,
    damage: Arc<Damage>,
}

/// How writing several jobs in one transaction ended.
enum Together {
    /// Committed, but for jobs that lost their guard and wrote nothing.
    Committed(Vec<Result<(), Failure>>, Doubt),
    /// Rolled back: one of them failed half-way, or the commit did.
    RolledBack(Failure),
    /// Not even begun.
    Refused(Failure),
}

impl File {
    fn prepare(&mut self, views: &[&'static ViewSpec]) -> Result<(), Failure> {
        let prepared = self.connection().and_then(|connection| schema::prepare(connection, views));
        // They are those of the fields that a generation had until now.
        self.statements.clear();
        self.glances.forget();
        if prepared.as_ref().is_err_and(Failure::spoils_connection) {
            self.connection = None;
        }
        prepared
    }

    fn outside_of_puts<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let result = work(self);
        self.look_at(&result);
        result
    }

    /// Adds documents to a generation.
    pub(super) fn fill(
        &mut self,
        view: &'static ViewSpec,
        generation: u32,
        documents: &[Document],
    ) -> Result<Vec<usize>, Failure> {
        self.connection()?;
        let Self { connection: Some(connection), statements, .. } = self else { return Ok(Vec::new()) };
        generations::fill(connection, job::sql(statements, view, generation), (view, generation), documents)
    }

    /// Executes statements in a transaction of their own.
    pub(super) fn execute(&mut self, sql: &str) -> Result<(), Failure> {
        let transaction = self.connection()?.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        Ok(transaction.commit()?)
    }

    /// Makes other generations the live ones.
    pub(super) fn flip(&mut self, to: &[(&'static ViewSpec, u32)]) -> Result<(), Failure> {
        let flipped = self.connection().and_then(|connection| generations::flip(connection, to));
        self.glances.forget();
        flipped
    }

    fn check(&self) {
        if let Some(connection) = &self.connection
            && let Err(error) = self.glances.check(connection)
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot tell whether others have written");
        }
    }

    fn alone(&mut self, work: Alone) -> Result<u64, Failure> {
        let done = self.connection().and_then(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        self.look_at(&done);
        done
    }

    /// Writes the jobs in one transaction. Should one fail half-way, each is written alone: no job pays for another.
    fn apply(&mut self, jobs: Vec<Job>) {
        match self.together(&jobs) {
            Together::Committed(results, doubt) => self.answer(jobs, results, &doubt),
            Together::RolledBack(_) if jobs.len() > 1 => self.one_by_one(jobs),
            Together::RolledBack(failure) | Together::Refused(failure) => {
                for job in jobs {
                    let _ = job.answer.send(Err(failure.clone()));
                }
            }
        }
    }

    /// Tells what has been written, first to those who look.
    fn answer(&self, jobs: Vec<Job>, results: Vec<Result<(), Failure>>, doubt: &Doubt) {
        let mut answers = Vec::with_capacity(jobs.len());
        let (mut written, mut placed) = (Vec::new(), false);
        for (job, result) in jobs.into_iter().zip(results) {
            if result.is_ok() {
                placed |= job.puts.iter().any(|(generation, _)| generation.is_some());
                written.extend(job.puts);
            }
            answers.push((job.answer, result));
        }
        if placed {
            // Which of them are live is not known here, and for long this is not how documents are written.
            written.clear();
            self.glances.forget();
        }
        self.glances.written(
            doubt,
            written.into_iter().map(|(_, Put { view, document })| {
                let Document { id, version, deleted, body, .. } = document;
                ((view.name, id.clone()), Glance { id, version, deleted, body })
            }),
        );
        for (answer, result) in answers {
            let _ = answer.send(result);
        }
    }

    fn one_by_one(&mut self, jobs: Vec<Job>) {
        let mut away = None;
        for job in jobs {
            let result = match &away {
                Some(failure) => Err(Failure::clone(failure)),
                None => match self.together(std::slice::from_ref(&job)) {
                    Together::Committed(results, doubt) => {
                        self.answer(vec![job], results, &doubt);
                        continue;
                    }
                    Together::RolledBack(failure) | Together::Refused(failure) => Err(failure),
                },
            };
            // What is full or away now is so for the rest too: they need not wait one after the other.
            away = away.or_else(|| result.as_ref().err().filter(|failure| failure.is_unavailable()).cloned());
            let _ = job.answer.send(result);
        }
    }

    fn together(&mut self, jobs: &[Job]) -> Together {
        let begun = self.connection().and_then(|connection| execute(connection, "BEGIN IMMEDIATE"));
        self.look_at(&begun);
        if let Err(failure) = begun {
            return Together::Refused(failure);
        }
        let written = self.write_all(jobs);
        if written.is_err() {
            // It may stand all the same, and the connection be another one from here on.
            self.glances.forget();
        }
        if written.is_err()
            && let Ok(connection) = self.connection()
            && !connection.is_autocommit()
            && execute(connection, "ROLLBACK").is_err()
        {
            self.connection = None;
        }
        self.look_at(&written);
        match written {
            Ok((results, doubt)) => Together::Committed(results, doubt),
            Err(failure) => Together::RolledBack(failure),
        }
    }

    fn write_all(&mut self, jobs: &[Job]) -> Result<(Vec<Result<(), Failure>>, Doubt), Failure> {
        let Self { connection: Some(connection), statements, glances, .. } = self else {
            return Ok((Vec::new(), self.glances.doubt()));
        };
        // Within a transaction no other process can move an alias.
        let mut live = HashMap::new();
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            let mut wrote = false;
            match job::write(connection, statements, &mut live, job, &mut wrote) {
                Err(failure @ Failure::GuardLost { .. }) if !wrote => results.push(Err(failure)),
                Err(failure) => return Err(failure),
                Ok(()) => results.push(Ok(())),
            }
        }
        let doubt = glances.doubt();
        execute(connection, "COMMIT")?;
        Ok((results, doubt))
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, Failure> {
        if self.connection.is_none() {
            let opened = schema::open_writer(&self.path, self.options.write_wait, self.options.max_bytes);
            self.connection = Some(opened.map_err(Failure::Views)?);
        }
        Ok(self.connection.as_mut().expect("a connection was opened just now"))
    }

    fn look_at<T>(&mut self, result: &Result<T, Failure>) {
        self.damage.look_at(result);
        if result.as_ref().is_err_and(Failure::spoils_connection) {
            // What another connection will say of others' writes cannot be compared with what this one said.
            self.glances.forget();
            self.connection = None;
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Failure> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
