//! The thread that makes checkpoints: it copies the write-ahead log into the database.
//!
//! By itself SQLite has that done by whoever commits when the log has grown long, and everybody
//! behind waits for two more syncs. Done over a connection of its own it keeps nobody waiting.

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::connection::BUSY_TIMEOUT;
use crate::store::Result;

/// How soon it is tried again to cut off a log that is in use.
const TRUNCATE_RETRY_PAUSE: Duration = Duration::from_millis(5);

/// Writes after which there is a checkpoint, however many share a commit.
const WRITES_PER_CHECKPOINT: usize = 1000;

/// Copies all of the log into the database and cuts it off, so that it holds nothing any more. Nobody
/// else is served meanwhile; waits for as long as this for those who read or copy it.
pub(super) fn truncate_log(connection: &Connection, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    // SQLite itself waits for readers only, not for a checkpoint of our thread.
    connection.busy_timeout(TRUNCATE_RETRY_PAUSE)?;
    let cut = loop {
        let is_in_use = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        match is_in_use {
            Ok(true) if Instant::now() < deadline => thread::sleep(TRUNCATE_RETRY_PAUSE),
            Ok(true) => break Err(io::Error::other("the log is in use").into()),
            Ok(false) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    cut
}

/// The way to the thread.
pub(super) struct Checkpointer {
    nudges: SyncSender<()>,
    thread: JoinHandle<()>,
    writes: usize,
}

impl Checkpointer {
    /// Starts the thread for the database at `path`.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Room for one: a checkpoint takes all commits along that there are by then.
        let (nudges, nudged) = mpsc::sync_channel(1);
        let work = move || {
            while nudged.recv().is_ok() {
                // It does as much as it can without making anybody wait; what is left, and a
                // failure, is for the next time, or for those who commit.
                if let Err(error) =
                    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                {
                    tracing::debug!(%error, "no checkpoint of the database can be made now");
                }
            }
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?;
        Ok(Self { nudges, thread, writes: 0 })
    }

    /// Takes note of a commit of so many writes.
    pub(super) fn note_commit(&mut self, writes: usize) {
        self.writes += writes;
        if self.writes >= WRITES_PER_CHECKPOINT {
            self.writes = 0;
            // If it is full, the thread has still to begin.
            self.nudges.try_send(()).ok();
        }
    }

    /// Waits until it is done.
    pub(super) fn stop(self) {
        drop(self.nudges);
        // If it has panicked, that was said already.
        self.thread.join().ok();
    }
}
