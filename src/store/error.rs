//! What goes wrong in the store.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

/// What went wrong in the store. It can be cloned, because those whose writes share a commit share
/// its failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what it was asked.
    #[error("database: {0}")]
    Database(Arc<dyn std::error::Error + Send + Sync>),
    /// The server of the database cannot be reached for now, or has no room.
    #[error("database: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
    /// The file of the database, or one next to it, could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file of the database, or the one next to it.
        path: PathBuf,
        /// What is wrong with it.
        error: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// There is no database.
    #[error("{}: there is no database; start the bridge first, or mend DATABASE_URL", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file belongs to another user. What is made next to it would not be the owner's to use.
    #[error("{}: it belongs to another user; run this as the user that the bridge runs as", path.display())]
    NotOwner {
        /// The file that belongs to somebody else.
        path: PathBuf,
    },
    /// The file is of another program.
    #[error("{}: this is a file of another program, and is left alone; mend DATABASE_URL", path.display())]
    Foreign {
        /// The file that is not one of ours.
        path: PathBuf,
    },
    /// The database was made by a later version of this program.
    #[error("{}: its tables are of a later version of blip-slack (step {version})", path.display())]
    TooNew {
        /// The file of the database.
        path: PathBuf,
        /// How many steps its tables have taken.
        version: u32,
    },
    /// Another process serves this database already.
    #[error("lock {path}: another process serves this database already")]
    InUse {
        /// The file that it has locked.
        path: PathBuf,
    },
    /// Somebody else has this lane by now, or the item is no longer in it.
    #[error("the lease of lane {lane} was lost")]
    LeaseLost {
        /// The name of the lane, empty where it is not known.
        lane: String,
    },
    /// Somebody else has written this ticket since it was read.
    #[error("ticket {ticket} was changed meanwhile")]
    Conflict {
        /// Its id, with its bot.
        ticket: String,
    },
    /// The customer of this ticket is to be forgotten.
    #[error("ticket {ticket} was erased")]
    Erased {
        /// Its id, with its bot.
        ticket: String,
    },
    /// A row says something that cannot be.
    #[error("unreadable {what} in the database")]
    Unreadable {
        /// Which kind of value.
        what: &'static str,
    },
    /// What it held was copied elsewhere.
    #[error("{}: this database was copied to PostgreSQL; DATABASE_URL has to name that now", path.display())]
    Moved {
        /// The file that was copied.
        path: PathBuf,
    },
    /// Something is kept already where a copy is to go.
    #[error("{}: this database is not empty, or is being served", path.display())]
    NotEmpty {
        /// Where the copy was to go.
        path: PathBuf,
    },
    /// A copy is not what was copied.
    #[error("the copy of {table} is not the same: nothing was kept of it")]
    NotTheSame {
        /// The table in which they differ.
        table: &'static str,
    },
    /// The clocks of this machine and of the database's are too far apart to compare times.
    #[error("the clocks of this machine and of the database's are minutes apart: set them")]
    ClocksApart,
    /// What is in the database's file is not what was written there.
    #[error("the database is damaged: put a backup of it back")]
    Damaged,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Something is wrong with this file.
    pub(super) fn of_file(
        path: &Path,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::File { path: path.to_owned(), error: Arc::new(error) }
    }

    /// Whether this may pass: there is no room on the disk, somebody else has the database, or the
    /// server cannot be reached.
    pub(crate) fn is_transient(&self) -> bool {
        if matches!(self, Self::Unavailable(_)) {
            return true;
        }
        let (Self::Database(error) | Self::File { error, .. }) = self else { return false };
        let by_sqlite = error.downcast_ref::<rusqlite::Error>();
        let by_system = error.downcast_ref::<io::Error>();
        by_sqlite.and_then(rusqlite::Error::sqlite_error_code).is_some_and(|code| {
            matches!(
                code,
                // The last is what SQLite makes of a quota or a limit of the process.
                ErrorCode::DiskFull
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::SystemIoFailure
            )
        }) || by_system.is_some_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            )
        })
    }

    /// Says of which database it is that something is wrong with it, once.
    pub(super) fn in_file(self, path: &Path) -> Self {
        if self.to_string().contains(&*path.to_string_lossy()) {
            return self;
        }
        match self {
            Self::Database(error) => Self::File { path: path.to_owned(), error },
            other => other,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;
