//! The one connection that writes, and the task that owns it.
//!
//! Everybody hands in what is to be written and waits for the answer. What has been handed in
//! while a commit was on its way to the disk goes into the next one together: no timer, an idle
//! store commits at once and a busy one shares the disk's wait.
//!
//! Invariant: what was handed in is written even if nobody waits for the answer any more
//! (`what_was_handed_in_is_written_even_if_nobody_waits_for_it`), and nobody is answered before
//! the commit (`a_full_disk_fails_those_who_wait_and_nobody_later`).

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Acquire, ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::items;
use crate::store::{Accepted, Error, NewItem, Result, Source};

/// Most requests that share a commit, and most that wait for one. Whoever comes later waits before
/// handing in: that is the back-pressure.
const BATCH: usize = 256;

/// Begins a transaction that waits for the disk when it commits, in one go: each statement by
/// itself is a round trip to SQLite's thread. Immediate, because a reader that turns into a writer
/// could be refused half way.
const BEGIN_HARD: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
/// Begins one that does not wait.
const BEGIN_SOFT: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

type Caller<T> = oneshot::Sender<Result<T>>;

enum Request {
    Accept(NewItem, Caller<Accepted>),
    Write(Box<dyn Job>),
    Close,
}

/// The way to the task that writes.
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
    tasks: TaskTracker,
}

/// How the writing connection is opened and how safe its commits must be.
pub(super) struct Settings {
    /// How to open a connection again after a failure.
    pub(super) connect: SqliteConnectOptions,
    /// Whether the loss of soft writes would be noticed, so that they need not wait for the disk.
    pub(super) soft: bool,
    /// Told when there may be something new to claim.
    pub(super) wake: Arc<Notify>,
}

impl Writer {
    /// Starts the task that writes.
    pub(super) fn start(connection: SqliteConnection, settings: Settings) -> Self {
        let (requests, waiting) = mpsc::channel(BATCH);
        let committer = Committer { waiting, connection: Some(connection), settings };
        let tasks = TaskTracker::new();
        tasks.spawn(committer.run());
        Self { requests, tasks }
    }

    /// Puts an event on the disk.
    pub(super) async fn accept(&self, item: NewItem) -> Result<Accepted> {
        let (caller, answer) = oneshot::channel();
        self.hand_in(Request::Accept(item, caller), answer).await
    }

    /// Does a soft write. Either all of it is committed or, if it returns an error, nothing.
    pub(super) async fn write<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        self.hand_in_job(work, false).await
    }

    /// Does a soft write after which there may be something new to claim.
    pub(super) async fn write_and_wake<T: Send + 'static>(&self, work: impl Work<T>) -> Result<T> {
        self.hand_in_job(work, true).await
    }

    async fn hand_in_job<T: Send + 'static>(&self, work: impl Work<T>, wakes: bool) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let job = Pending { work: Some(work), outcome: None, caller, wakes };
        self.hand_in(Request::Write(Box::new(job)), answer).await
    }

    async fn hand_in<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T>>,
    ) -> Result<T> {
        self.requests.send(request).await.map_err(|_gone| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Writes what was handed in so far, takes nothing more and closes the connection.
    pub(super) async fn close(&self) {
        // A second close finds the door shut already.
        self.requests.send(Request::Close).await.ok();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What writes something within a transaction and has an answer.
pub(super) trait Work<T>:
    for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static
{
}

impl<T, F> Work<T> for F where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static
{
}

/// Something to be written, whatever its answer is.
#[async_trait]
trait Job: Send {
    /// Writes it, within the transaction. False if that must be undone.
    async fn run(&mut self, transaction: &mut SqliteConnection) -> bool;

    /// Whether there may be something new to claim then.
    fn wakes(&self) -> bool;

    /// Tells the caller how it went, once the transaction was committed or has failed.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Pending<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    caller: Caller<T>,
    wakes: bool,
}

#[async_trait]
impl<T: Send, F: Work<T>> Job for Pending<T, F> {
    async fn run(&mut self, transaction: &mut SqliteConnection) -> bool {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(transaction).await);
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn wakes(&self) -> bool {
        self.wakes
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let Self { outcome, caller, .. } = *self;
        // The caller may have gone; it is written all the same.
        caller.send(committed.and_then(|()| outcome.unwrap_or(Err(Error::Closed)))).ok();
    }
}

/// What goes into one transaction.
#[derive(Default)]
struct Batch {
    items: Vec<NewItem>,
    callers: Vec<Caller<Accepted>>,
    jobs: Vec<Box<dyn Job>>,
}

impl Batch {
    fn add(&mut self, request: Request) {
        match request {
            Request::Accept(item, caller) => {
                self.items.push(item);
                self.callers.push(caller);
            }
            Request::Write(job) => self.jobs.push(job),
            Request::Close => {}
        }
    }

    fn answer(self, committed: sqlx::Result<Vec<Accepted>>) {
        match committed {
            Ok(accepted) => {
                for (caller, accepted) in self.callers.into_iter().zip(accepted) {
                    caller.send(Ok(accepted)).ok();
                }
                self.jobs.into_iter().for_each(|job| job.answer(Ok(())));
            }
            Err(error) => {
                let error = Arc::new(error);
                for caller in self.callers {
                    caller.send(Err(Error::Database(Arc::clone(&error)))).ok();
                }
                for job in self.jobs {
                    job.answer(Err(Error::Database(Arc::clone(&error))));
                }
            }
        }
    }
}

struct Committer {
    waiting: mpsc::Receiver<Request>,
    /// Absent after a failure.
    connection: Option<SqliteConnection>,
    settings: Settings,
}

impl Committer {
    async fn run(mut self) {
        let mut requests = Vec::with_capacity(BATCH);
        while self.waiting.recv_many(&mut requests, BATCH).await > 0 {
            let mut batch = Batch::default();
            for request in requests.drain(..) {
                if matches!(request, Request::Close) {
                    self.waiting.close();
                }
                batch.add(request);
            }
            let committed = self.commit(&mut batch).await;
            if committed.is_err() {
                // SQLite may have rolled back by itself without sqlx noticing, so the connection's
                // state is not known.
                self.connection = None;
            }
            batch.answer(committed);
        }
        if let Some(connection) = self.connection {
            // Nothing can be done about it, and everything is committed.
            connection.close().await.ok();
        }
    }

    async fn commit(&mut self, batch: &mut Batch) -> sqlx::Result<Vec<Accepted>> {
        let hard = batch.items.iter().any(|item| item.source != Source::Desk);
        let begin = if hard || !self.settings.soft { BEGIN_HARD } else { BEGIN_SOFT };
        let mut transaction = self.connection().await?.begin_with(begin).await?;
        let (accepted, mut wakes) = items::accept(&mut transaction, &batch.items).await?;
        if let ([], [job]) = (batch.items.as_slice(), batch.jobs.as_mut_slice()) {
            // Alone, it is undone with its transaction.
            if !job.run(&mut transaction).await {
                transaction.rollback().await?;
                return Ok(accepted);
            }
            wakes = job.wakes();
        } else {
            wakes |= run(&mut batch.jobs, &mut transaction).await?;
        }
        transaction.commit().await?;
        if wakes {
            self.settings.wake.notify_one();
        }
        Ok(accepted)
    }

    async fn connection(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.settings.connect.connect().await?,
        };
        Ok(self.connection.insert(connection))
    }
}

/// Writes what belongs to several, so that one can be undone without the others. True if there may
/// be something new to claim then.
async fn run(
    jobs: &mut [Box<dyn Job>],
    transaction: &mut Transaction<'_, Sqlite>,
) -> sqlx::Result<bool> {
    let mut wakes = false;
    for job in jobs {
        let mut savepoint = transaction.begin().await?;
        if job.run(&mut savepoint).await {
            savepoint.commit().await?;
            wakes |= job.wakes();
        } else {
            savepoint.rollback().await?;
        }
    }
    Ok(wakes)
}
