//! What was erased is not to be found in the file of the database, in its log, or in a copy.
//!
//! With `secure_delete` SQLite overwrites what is deleted, but not the copies of rows that it
//! leaves behind when it moves rows from page to page (`rebuildPage` in its `btree.c`): these go
//! with a `VACUUM`. The log keeps what was written until it is cut off.

use std::time::Duration;

use rusqlite::Connection;

use super::checkpoint;
use super::connection::BUSY_TIMEOUT;
use super::sql::Sql;
use crate::store::Result;

/// Up to this size a database is rewritten whenever something was erased: it takes a quarter of a
/// second.
pub(super) const SMALL_DATABASE_BYTES: i64 = 32 << 20;
/// How long a larger one waits for it, in milliseconds: nobody is served meanwhile.
const LARGE_REWRITE_INTERVAL_MS: i64 = 24 * 3600 * 1000;

/// How long those who serve wait for others who read the log, such as a backup; it is cut off later.
const LOG_READER_TIMEOUT: Duration = Duration::from_millis(200);

/// Rewrites a database that was never rewritten: what a version before this one erased is in it
/// still.
pub(super) fn rewrite_if_never(db: &Connection, now: i64) {
    let rewritten = match last_rewrite(db) {
        Ok(None) => rewrite_database(db, now),
        done => done.map(drop),
    };
    if let Err(error) = rewritten {
        tracing::warn!(%error, "what was erased may still be in the file of the database; it is \
            tried again within an hour, and takes as much room as the database has");
    }
}

/// Leaves nothing of what was erased. `has_erased` tells whether rows were erased just now.
pub(super) fn remove_traces(db: &Connection, has_erased: bool, now: i64) -> Result<()> {
    if has_erased {
        note_rewrite_due(db)?;
    }
    if is_rewrite_due(db, now)? {
        rewrite_database(db, now)?;
    }
    checkpoint::truncate_log(db, LOG_READER_TIMEOUT)
}

/// Keeps that the database is to be rewritten, until it is: what failed, as on a full disk, is tried
/// again also if nothing else is erased by then.
pub(super) fn note_rewrite_due(db: &Connection) -> Result<()> {
    db.run_statement("REPLACE INTO meta (key, value) VALUES ('rewrite due', '1')", [])?;
    Ok(())
}

fn is_rewrite_due(db: &Connection, now: i64) -> Result<bool> {
    let Some(last) = last_rewrite(db)? else { return Ok(true) };
    // What is finished has erased its calls, and perhaps its body.
    let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'rewrite due')
                   OR EXISTS (SELECT 1 FROM item WHERE finished >= ?1)";
    let has_work: bool = db.one_value(sql, [last])?;
    let size: i64 =
        db.one_value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [])?;
    // A clock that was ahead does not put it off.
    let is_time = size <= SMALL_DATABASE_BYTES || (now - last).abs() >= LARGE_REWRITE_INTERVAL_MS;
    Ok(has_work && is_time)
}

fn last_rewrite(db: &Connection) -> Result<Option<i64>> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'rewritten'";
    Ok(db.first_row(sql, [], |row| row.get(0))?)
}

/// Writes the whole database anew, without anything that is not in it any more.
pub(super) fn rewrite_database(db: &Connection, now: i64) -> Result<()> {
    db.execute_batch("VACUUM")?;
    // Only now: if it was cut short, it is done again.
    db.run_statement("REPLACE INTO meta (key, value) VALUES ('rewritten', ?1)", [now.to_string()])?;
    db.run_statement("DELETE FROM meta WHERE key = 'rewrite due'", [])?;
    checkpoint::truncate_log(db, BUSY_TIMEOUT)
}
