//! The thread that waits for the disk.
//!
//! A commit is written to SQLite's write-ahead log without waiting (`synchronous = NORMAL`). Who
//! must be sure of it is answered after the log was synced, which is what SQLite itself does with
//! `synchronous = FULL`, only that it would keep everybody else waiting. While one sync is under
//! way the next callers gather, and share the next one.
//!
//! SQLite syncs the log itself before it copies it into the database, and the database before it
//! begins the log anew: so a sync after a commit makes that commit durable, wherever it is by then.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::connection::BUSY_TIMEOUT;
use super::{checkpoint, files};
use crate::store::{Error, Result};

/// What waits for the disk.
pub(super) trait SyncFn: Fn() -> io::Result<()> + Send + 'static {}

impl<F: Fn() -> io::Result<()> + Send + 'static> SyncFn for F {}

/// Syncs the write-ahead log of the database at `path`, which must be open.
pub(super) fn open_log_sync(path: &Path) -> Result<impl SyncFn> {
    // SQLite keeps the file as long as a connection is open.
    let log = File::options().write(true).open(files::log_path(path))?;
    Ok(move || log.sync_data())
}

/// Who waits for the disk, and is told how it went.
pub(super) type SyncCallback = Box<dyn FnOnce(Result<()>) + Send>;

/// The way to the thread.
pub(super) struct DiskSyncer {
    waiting: mpsc::Sender<Vec<SyncCallback>>,
    thread: JoinHandle<()>,
    has_failed: Arc<AtomicBool>,
}

impl DiskSyncer {
    /// Starts the thread. `sync` returns when all that was committed is on the disk.
    pub(super) fn start(sync: impl SyncFn) -> Result<Self> {
        let has_failed = Arc::new(AtomicBool::new(false));
        let (waiting, commits) = mpsc::channel();
        let failed = Arc::clone(&has_failed);
        let work = move || run_sync_loop(sync, &commits, &failed);
        let thread = thread::Builder::new().name("disk".to_owned()).spawn(work)?;
        Ok(Self { waiting, thread, has_failed })
    }

    /// Answers these callers once all that was committed is on the disk.
    pub(super) fn answer_after_sync(&self, callers: Vec<SyncCallback>, connection: &Connection) {
        if self.has_failed.load(Ordering::Acquire) {
            // After a failed sync the kernel may take for written what is not, so that another
            // sync proves nothing. A checkpoint writes all of it again.
            if let Err(error) = checkpoint::truncate_log(connection, BUSY_TIMEOUT) {
                for caller in callers {
                    caller(Err(error.clone()));
                }
                return;
            }
            self.has_failed.store(false, Ordering::Release);
        }
        // The thread lives as long as this does; if it has panicked, the callers are told that
        // the store is closed when theirs are dropped.
        self.waiting.send(callers).ok();
    }

    /// Waits until everybody is answered.
    pub(super) fn stop(self) {
        drop(self.waiting);
        // If it has panicked, that was said already.
        self.thread.join().ok();
    }
}

fn run_sync_loop(
    sync: impl SyncFn,
    commits: &mpsc::Receiver<Vec<SyncCallback>>,
    has_failed: &AtomicBool,
) {
    while let Ok(first) = commits.recv() {
        let together: Vec<SyncCallback> =
            // All who came during the last sync share this one, without any timer: an idle disk
            // syncs at once.
            first.into_iter().chain(commits.try_iter().flatten()).collect();
        // Who came before the failure was noticed must not believe the next sync either.
        let synced = if has_failed.load(Ordering::Acquire) {
            Err(Error::from(io::Error::other("the disk has failed just now")))
        } else {
            sync().map_err(Error::from)
        };
        if synced.is_err() {
            has_failed.store(true, Ordering::Release);
        }
        for caller in together {
            caller(synced.as_ref().map_err(Clone::clone).copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that answers as it is told, and a connection to go with it.
    fn disk() -> (mpsc::Sender<io::Result<()>>, mpsc::Receiver<()>, DiskSyncer, Connection) {
        let (answers, answer) = mpsc::channel();
        let (asked, asks) = mpsc::channel();
        let sync = move || {
            asked.send(()).unwrap();
            answer.recv().unwrap()
        };
        let disk = DiskSyncer::start(sync).unwrap();
        (answers, asks, disk, Connection::open_in_memory().unwrap())
    }

    fn commit(told: &mpsc::Sender<bool>) -> Vec<SyncCallback> {
        let told = told.clone();
        vec![Box::new(move |synced: Result<()>| told.send(synced.is_ok()).unwrap())]
    }

    #[test]
    fn who_comes_during_a_sync_shares_the_next_one() {
        let (answers, asks, disk, connection) = disk();
        let (told, tells) = mpsc::channel();
        disk.answer_after_sync(commit(&told), &connection);
        asks.recv().unwrap();
        disk.answer_after_sync(commit(&told), &connection);
        disk.answer_after_sync(commit(&told), &connection);
        assert!(tells.try_recv().is_err(), "nobody is answered before the disk");
        answers.send(Ok(())).unwrap();
        assert_eq!(tells.recv(), Ok(true));
        asks.recv().unwrap();
        assert!(tells.try_recv().is_err(), "the others came too late for the first sync");
        answers.send(Ok(())).unwrap();
        assert_eq!([tells.recv(), tells.recv()], [Ok(true), Ok(true)]);
        disk.stop();
        assert!(asks.try_recv().is_err());
    }

    #[test]
    fn who_waited_behind_a_failure_is_told_of_it() {
        let (answers, asks, disk, connection) = disk();
        let (told, tells) = mpsc::channel();
        disk.answer_after_sync(commit(&told), &connection);
        asks.recv().unwrap();
        disk.answer_after_sync(commit(&told), &connection);
        answers.send(Err(io::Error::other("broken"))).unwrap();
        answers.send(Ok(())).unwrap();
        assert_eq!([tells.recv(), tells.recv()], [Ok(false), Ok(false)]);
        disk.stop();
        assert!(asks.try_recv().is_err());
    }

    #[test]
    fn after_a_failure_a_sync_is_believed_only_after_a_checkpoint() {
        let (answers, asks, disk, connection) = disk();
        let (told, tells) = mpsc::channel();
        disk.answer_after_sync(commit(&told), &connection);
        answers.send(Err(io::Error::other("broken"))).unwrap();
        assert_eq!(tells.recv(), Ok(false));
        asks.recv().unwrap();
        assert!(disk.has_failed.load(Ordering::Acquire));
        answers.send(Ok(())).unwrap();
        disk.answer_after_sync(commit(&told), &connection);
        assert_eq!(tells.recv(), Ok(true));
        assert!(!disk.has_failed.load(Ordering::Acquire));
    }
}
