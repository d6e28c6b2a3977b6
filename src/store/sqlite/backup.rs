//! A copy of the database, made while it is served.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::connection::{open_own_file, parse_url};
use super::sql::Sql;
use super::{boot, files};
use crate::clock::Clock;
use crate::store::{BACKED_UP, Error, Result, row};

/// Copies the database at `url` into a new file, as it is at one moment, and notes when.
///
/// It reads on a connection of its own, so that whoever serves the database is not held up.
///
/// # Errors
///
/// Also if the file is there already: it is never overwritten. What could not be finished is taken
/// away.
pub async fn back_up(url: &str, target: &Path, clock: &Clock) -> Result<()> {
    let (path, target, now) = (parse_url(url), target.to_owned(), clock.now().to_string());
    let copy = move || {
        let connection = open_own_file(&files::find_owned_database(&path)?, false)?;
        files::create_new(&target)?;
        if let Err(error) = copy_into(&connection, &target) {
            // Half a backup that looks like one is worse than none.
            fs::remove_file(&target).ok();
            return Err(error.in_file(&target));
        }
        boot::put_meta(&connection, &row::fact_key(BACKED_UP), Some(&now))
    };
    tokio::task::spawn_blocking(copy).await.map_err(std::io::Error::from)?
}

fn copy_into(connection: &Connection, target: &Path) -> Result<()> {
    // And not a copy of the file: while it is served, what is committed stands partly in the log.
    connection.run_statement("VACUUM INTO ?1", [target.to_string_lossy()])?;
    // Whoever serves the copy has not seen what happened since: its calls may have been made.
    let copy = open_own_file(target, false)?;
    copy.run_statement("DELETE FROM meta WHERE key = 'boot'", [])?;
    copy.close().map_err(|(_open, error)| Error::from(error))?;
    // SQLite leaves the copy to the system's own time.
    files::sync(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;
    use crate::store::sqlite::SqliteOptions;

    #[tokio::test]
    async fn a_copy_does_not_know_in_which_start_of_the_machine_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let url = format!("sqlite://{}", path("blip.db").display());
        let boot_id = Some("boot".to_owned());
        let options = SqliteOptions { boot_id, ..SqliteOptions::new(Clock::system()) };
        drop(SqliteStore::open(&url, options).await.unwrap());
        back_up(&url, &path("copy.db"), &Clock::system()).await.unwrap();
        let boot_of = |name: &str| {
            boot::read_meta(&open_own_file(&path(name), false).unwrap(), "boot").unwrap()
        };
        assert_eq!(boot_of("blip.db").as_deref(), Some("boot"));
        assert_eq!(boot_of("copy.db"), None);
    }
}
