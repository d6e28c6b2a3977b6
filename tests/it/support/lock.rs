//! Somebody else who has the database to themselves. The one place in the tests that knows how the
//! database is opened.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;

/// A lock on a database that keeps others from writing, until it is released or dropped.
pub struct Lock(Connection);

/// Locks a database.
pub fn lock_database(path: &Path) -> Lock {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    Lock(connection)
}

impl Lock {
    /// Lets others write again.
    pub fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// Statements that put all that a database holds a little more than a day back, on either kind.
pub fn a_day_back() -> String {
    let all = [
        ("ticket", "heard"),
        ("ticket", "changed"),
        ("item", "received"),
        ("item", "finished"),
        ("lane", "due"),
    ];
    let back = all.map(|(table, column)| {
        format!("UPDATE {table} SET {column} = {column} - 25 * 3600 * 1000;")
    });
    back.concat()
}

/// Does so to a file. Nobody else must have it.
pub fn a_day_passes(path: &Path) {
    Connection::open(path).unwrap().execute_batch(&a_day_back()).unwrap();
}

/// Overwrites the first page of a table or of an index. Nobody else must have the database.
pub fn damage_database(path: &Path, name: &str) {
    let connection = Connection::open(path).unwrap();
    let root = "SELECT rootpage FROM sqlite_master WHERE name = ?1";
    let root: u32 = connection.query_row(root, [name], |row| row.get(0)).unwrap();
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    // Nothing may be left in the log that would take the page's place.
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.close().unwrap();
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(u64::from(root - 1) * u64::from(size))).unwrap();
    file.write_all(&vec![0xff; size as usize]).unwrap();
}
