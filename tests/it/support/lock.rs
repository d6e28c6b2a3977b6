//! Somebody else who has the database to themselves. The one place in the tests that knows how the
//! database is opened.

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

/// Puts all that the database holds a little more than a day back, as if it had lain still for so
/// long. Nobody else must have it.
pub fn a_day_passes(path: &Path) {
    let connection = Connection::open(path).unwrap();
    for (table, column) in [("ticket", "heard"), ("item", "received"), ("lane", "due")] {
        let sql = format!("UPDATE {table} SET {column} = {column} - 25 * 3600 * 1000");
        connection.execute(&sql, []).unwrap();
    }
}
