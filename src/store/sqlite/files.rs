//! The files of the database. They hold what customers said, so only their owner may read them.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::{Error, Result};

/// The owner may read and write, and nobody else.
const PRIVATE_MODE: u32 = 0o600;

/// What the names of SQLite's and our own files add to the database's.
const FILE_SUFFIXES: [&str; 5] = ["", LOG_SUFFIX, "-shm", "-journal", LOCK_SUFFIX];
const LOG_SUFFIX: &str = "-wal";
const LOCK_SUFFIX: &str = ".lock";

/// The write-ahead log of a database.
pub(super) fn log_path(database: &Path) -> PathBuf {
    with_suffix(database, LOG_SUFFIX)
}

/// Makes the file of a database if it is missing, and returns its true path: SQLite puts the log
/// next to the file itself, not next to a link that leads there.
pub(super) fn create_database(database: &Path) -> Result<PathBuf> {
    let path = open_private(database).and_then(|_file| fs::canonicalize(database));
    path.map_err(|error| Error::of_file(database, error))
}

/// The true path of a database that is there and belongs to whoever asks.
pub(super) fn find_owned_database(database: &Path) -> Result<PathBuf> {
    let found = fs::canonicalize(database).and_then(|path| Ok((path.metadata()?.uid(), path)));
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::Missing { path: database.to_owned() })
        }
        Err(error) => Err(Error::of_file(database, error)),
        Ok((owner, path)) if owner != rustix::process::geteuid().as_raw() => {
            Err(Error::NotOwner { path })
        }
        Ok((_, path)) => Ok(path),
    }
}

/// Keeps others out of the files that are there already. SQLite gives new ones the rights that the
/// database has.
pub(super) fn make_files_private(database: &Path) {
    for path in FILE_SUFFIXES.map(|ending| with_suffix(database, ending)) {
        match make_private(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!(
                path = %path.display(), %error,
                "others may read what is kept in this file, and that cannot be changed; it should \
                be owned by the user that the bridge runs as"
            ),
            _ => {}
        }
    }
}

/// Locks a file next to the database; the lock ends with the process or with the handle.
pub(super) fn lock_database(database: &Path) -> Result<File> {
    let path = with_suffix(database, LOCK_SUFFIX);
    let file = open_private(&path).map_err(|error| Error::of_file(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        // The lock is the kernel's and ends with the process, however that ends; a file with a
        // process's number would outlive it.
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path }),
        Err(TryLockError::Error(error)) => Err(Error::of_file(&path, error)),
    }
}

/// Makes a file that must not be there yet.
pub(super) fn create_new(path: &Path) -> Result<()> {
    let made = File::options().write(true).create_new(true).mode(PRIVATE_MODE).open(path);
    made.map(drop).map_err(|error| Error::of_file(path, error))
}

/// Waits until a new file is on the disk, under its name.
pub(super) fn sync(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // A new name is on the disk only with its folder.
    for path in [path, folder.unwrap_or(Path::new("."))] {
        File::open(path).and_then(|file| file.sync_all()).map_err(|e| Error::of_file(path, e))?;
    }
    Ok(())
}

fn open_private(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(false).mode(PRIVATE_MODE).open(path)
}

fn make_private(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    // Rights that are narrower than ours are let be.
    if (mode | PRIVATE_MODE) & 0o777 == PRIVATE_MODE {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(PRIVATE_MODE))
}

fn with_suffix(database: &Path, ending: impl AsRef<OsStr>) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
