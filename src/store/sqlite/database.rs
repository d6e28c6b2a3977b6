//! The one connection, and the thread that owns it.
//!
//! Everybody hands in what is to be read or written and waits for the answer. What has been handed
//! in while the thread was busy shares one transaction. An idle store commits at once; a busy one, in
//! which the last commit was shared, waits [`GATHERING_TIME`] for others to share the next one.
//! Nothing in here waits for the disk; who must be sure of it is passed on to [`DiskSyncer`], and what
//! comes next goes on meanwhile, on what was committed.
//!
//! Invariant: what was handed in is written even if nobody waits for the answer any more
//! (`what_was_handed_in_is_written_even_if_nobody_waits_for_it`), and nobody is answered before
//! the commit (`a_failed_commit_fails_those_who_wait_and_nobody_later`).

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::disk::{DiskSyncer, SyncCallback, SyncFn};
use super::sql::Sql;
use crate::store::{Error, Result};
use crate::telemetry;

/// Most requests that share a commit, and most that wait for one. Whoever comes later waits before
/// handing in: that is the back-pressure.
const MAX_BATCH: usize = 256;

/// How long a busy store waits for others that write. Most of what a commit costs it costs once,
/// however many share it: the pages at the ends of tables and indexes, the locks, the disk.
const GATHERING_TIME: Duration = Duration::from_millis(1);

/// The way to the thread that has the connection: one, since SQLite takes one writer at a time.
pub(super) struct WriterThread {
    requests: mpsc::Sender<DatabaseRequest>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Whether damage was ever met: it does not go away while the file is open.
    is_damaged: AtomicBool,
}

enum DatabaseRequest {
    Operation(Box<dyn Operation>),
    Close,
}

/// When those who write are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// When it is committed: it survives the death of the process.
    Soft,
    /// When it is on the disk: it survives the death of the machine.
    Hard,
}

impl WriterThread {
    /// Starts the thread. With `soft`, the loss of soft writes would be noticed, so that they need
    /// not wait for the disk.
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
        sync: impl SyncFn,
        soft: bool,
    ) -> Result<Self> {
        let disk = DiskSyncer::start(sync)?;
        let (requests, waiting) = mpsc::channel(MAX_BATCH);
        let owner =
            ConnectionThread { waiting, connection, checkpointer, disk, soft, is_busy: false };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(|| owner.run_loop())?;
        let is_damaged = AtomicBool::new(false);
        Ok(Self { requests, thread: Mutex::new(Some(thread)), is_damaged })
    }

    /// Whether anything that was read or written has met damage.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// Reads what is committed.
    pub(super) async fn run_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let job = ReadOperation { work: Some(work), outcome: None, caller };
        self.submit_request(DatabaseRequest::Operation(Box::new(job)), answer).await
    }

    /// Does what SQLite does outside of transactions only; everybody else waits for it.
    pub(super) async fn run_alone(
        &self,
        work: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        self.run_read(work).await
    }

    /// Waits until all that is committed so far is on the disk.
    pub(super) async fn sync_log(&self) -> Result<()> {
        self.write_then(Durability::Hard, |_| Ok(()), |(), certain| certain).await
    }

    /// Does a soft write. Either all of it is committed or, if it returns an error, nothing.
    pub(super) async fn run_write<T: Send + 'static>(&self, work: impl WriteWork<T>) -> Result<T> {
        self.write_then(Durability::Soft, work, |outcome, certain| certain.map(|()| outcome)).await
    }

    /// Does a write and then, as soon as it is certain whether it stays, what follows from it in
    /// memory: before anything else is read, and even if nobody waits for the answer any more.
    pub(super) async fn write_then<T: Send + 'static, U: Send + 'static>(
        &self,
        durability: Durability,
        work: impl WriteWork<T>,
        follow: impl FnOnce(T, Result<()>) -> Result<U> + Send + 'static,
    ) -> Result<U> {
        let (caller, answer) = oneshot::channel();
        let job = WriteOperation { work, outcome: None, follow, caller, durability };
        self.submit_request(DatabaseRequest::Operation(Box::new(job)), answer).await
    }

    async fn submit_request<T>(
        &self,
        request: DatabaseRequest,
        answer: oneshot::Receiver<Result<T>>,
    ) -> Result<T> {
        let asked = Instant::now();
        self.requests.send(request).await.map_err(|_gone| Error::Closed)?;
        let answer = answer.await.unwrap_or(Err(Error::Closed));
        telemetry::record_store_time(asked.elapsed());
        if matches!(answer, Err(Error::Damaged)) {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Does what was handed in so far, takes nothing more and closes the connection.
    pub(super) async fn close(&self) {
        // A second close finds the door shut already.
        self.requests.send(DatabaseRequest::Close).await.ok();
        if let Some(thread) = self.thread.lock().await.take() {
            // It may take a moment to copy the log into the database. If it has panicked, that
            // was said already.
            tokio::task::spawn_blocking(|| thread.join().ok()).await.ok();
        }
    }
}

/// What writes something within a transaction and has an answer. It is done again where the transaction
/// was undone because of another one that shares it.
pub(super) trait WriteWork<T>: Fn(&Transaction<'_>) -> Result<T> + Send + 'static {}

impl<T, F> WriteWork<T> for F where F: Fn(&Transaction<'_>) -> Result<T> + Send + 'static {}

/// The connection, to those who write.
pub(super) struct Transaction<'c> {
    connection: &'c Connection,
    next: RefCell<Vec<CommitCallback>>,
}

/// What is done once something is committed.
type CommitCallback = Box<dyn FnOnce()>;

impl<'c> Transaction<'c> {
    fn new(connection: &'c Connection) -> Self {
        Self { connection, next: RefCell::default() }
    }

    /// Does something as soon as this is committed, whether or not it is on the disk yet.
    pub(super) fn on_commit(&self, next: impl FnOnce() + 'static) {
        self.next.borrow_mut().push(Box::new(next));
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Something to be read or written, whatever its answer is.
trait Operation: Send {
    /// Of a write, when it is answered; none of what only reads.
    fn durability(&self) -> Option<Durability>;

    /// Does it. False if what was written must be undone.
    fn execute(&mut self, transaction: &Transaction<'_>) -> bool;

    /// Tells the caller how it went, once that is certain.
    fn send_answer(self: Box<Self>, certain: Result<()>);
}

struct ReadOperation<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Operation for ReadOperation<T, F> {
    fn durability(&self) -> Option<Durability> {
        None
    }

    fn execute(&mut self, transaction: &Transaction<'_>) -> bool {
        self.outcome = self.work.take().map(|work| work(transaction));
        true
    }

    fn send_answer(self: Box<Self>, certain: Result<()>) {
        let Self { outcome, caller, .. } = *self;
        caller.send(certain.and_then(|()| outcome.unwrap_or(Err(Error::Closed)))).ok();
    }
}

struct WriteOperation<T, U, F, G> {
    work: F,
    outcome: Option<Result<T>>,
    follow: G,
    caller: oneshot::Sender<Result<U>>,
    durability: Durability,
}

impl<T, U, F, G> Operation for WriteOperation<T, U, F, G>
where
    T: Send,
    U: Send,
    F: WriteWork<T>,
    G: FnOnce(T, Result<()>) -> Result<U> + Send,
{
    fn durability(&self) -> Option<Durability> {
        Some(self.durability)
    }

    fn execute(&mut self, transaction: &Transaction<'_>) -> bool {
        let outcome = (self.work)(transaction);
        let is_done = outcome.is_ok();
        self.outcome = Some(outcome);
        is_done
    }

    fn send_answer(self: Box<Self>, certain: Result<()>) {
        let Self { outcome, follow, caller, .. } = *self;
        let answer = match outcome {
            Some(Ok(outcome)) => follow(outcome, certain),
            Some(Err(error)) => certain.and(Err(error)),
            None => certain.and(Err(Error::Closed)),
        };
        // The caller may have gone; it is written all the same.
        caller.send(answer).ok();
    }
}

/// What the thread has.
struct ConnectionThread {
    waiting: mpsc::Receiver<DatabaseRequest>,
    connection: Connection,
    checkpointer: Checkpointer,
    disk: DiskSyncer,
    soft: bool,
    /// Whether the last commit was shared.
    is_busy: bool,
}

impl ConnectionThread {
    fn run_loop(mut self) {
        let mut requests = Vec::with_capacity(MAX_BATCH);
        while self.waiting.blocking_recv_many(&mut requests, MAX_BATCH) > 0 {
            let mut writes = self.take_writes(&mut requests);
            if self.is_busy && !writes.is_empty() {
                thread::sleep(GATHERING_TIME);
                while writes.len() + requests.len() < MAX_BATCH
                    && let Ok(request) = self.waiting.try_recv()
                {
                    requests.push(request);
                }
                writes.append(&mut self.take_writes(&mut requests));
            }
            self.run_writes(writes);
        }
        self.disk.stop();
        self.checkpointer.stop();
        // Nothing can be done about it, and everything is committed.
        self.connection.close().ok();
    }

    /// What writes of what was handed in; what reads is done, and waits for nobody who writes.
    fn take_writes(&mut self, requests: &mut Vec<DatabaseRequest>) -> Vec<Box<dyn Operation>> {
        let mut writes = Vec::new();
        for request in requests.drain(..) {
            match request {
                DatabaseRequest::Operation(job) if job.durability().is_none() => {
                    self.run_read_operation(job);
                }
                DatabaseRequest::Operation(job) => writes.push(job),
                DatabaseRequest::Close => self.waiting.close(),
            }
        }
        writes
    }

    /// Outside of any transaction, so that what is read is committed.
    fn run_read_operation(&self, mut job: Box<dyn Operation>) {
        job.execute(&Transaction::new(&self.connection));
        job.send_answer(Ok(()));
    }

    fn run_writes(&mut self, mut jobs: Vec<Box<dyn Operation>>) {
        if jobs.is_empty() {
            return;
        }
        self.is_busy = jobs.len() > 1;
        match self.commit_together(&mut jobs) {
            Ok(Some(next)) => {
                let count = jobs.len();
                telemetry::record_store_batch(count);
                // Whoever is answered finds in memory what is in the file.
                for next in next {
                    next();
                }
                self.answer_writes(jobs);
                self.checkpointer.note_commit(count);
            }
            // One of them must be undone, and that has undone all: each has a commit of its own.
            Ok(None) => {
                for job in jobs {
                    self.run_writes(vec![job]);
                }
            }
            Err(error) => {
                let error = Error::from(error);
                for job in jobs {
                    job.send_answer(Err(error.clone()));
                }
            }
        }
    }

    /// Does the jobs in one transaction and tells what is to be done next. None if one among others must
    /// be undone: nothing is done then. There are no savepoints, each of which would copy every page that
    /// its job changes, for what hardly ever happens.
    fn commit_together(
        &self,
        jobs: &mut [Box<dyn Operation>],
    ) -> rusqlite::Result<Option<Vec<CommitCallback>>> {
        // Left open by a commit that failed.
        self.roll_back()?;
        let next = self.run_in_transaction(jobs);
        if next.is_err() {
            // SQLite may have rolled back by itself; if this fails, the next one begins with it.
            self.roll_back().ok();
        }
        next
    }

    fn run_in_transaction(
        &self,
        jobs: &mut [Box<dyn Operation>],
    ) -> rusqlite::Result<Option<Vec<CommitCallback>>> {
        // Immediate, because a reader that turns into a writer could be refused half way.
        self.connection.run_statement("BEGIN IMMEDIATE", [])?;
        let is_alone = jobs.len() == 1;
        let transaction = Transaction::new(&self.connection);
        for job in jobs {
            if !job.execute(&transaction) {
                self.roll_back()?;
                // It knows itself what went wrong.
                return Ok(is_alone.then(Vec::new));
            }
        }
        self.connection.run_statement("COMMIT", [])?;
        Ok(Some(transaction.next.into_inner()))
    }

    fn roll_back(&self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.run_statement("ROLLBACK", [])?;
        }
        Ok(())
    }

    fn answer_writes(&self, jobs: Vec<Box<dyn Operation>>) {
        let mut hard: Vec<SyncCallback> = Vec::new();
        for job in jobs {
            if job.durability() == Some(Durability::Hard) || !self.soft {
                hard.push(Box::new(|certain| job.send_answer(certain)));
            } else {
                job.send_answer(Ok(()));
            }
        }
        if !hard.is_empty() {
            self.disk.answer_after_sync(hard, &self.connection);
        }
    }
}
