//! Whether the machine was restarted since the database was last used.
//!
//! Soft writes live in the kernel's memory until the next hard one. They are lost only if the
//! machine goes down, and Linux gives each of its starts another id.

use rusqlite::Connection;

use super::sql::Sql;
use crate::store::Result;

/// The id of this start of the machine; none where there is no such thing.
pub(super) fn read_boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Marks what is unfinished as in doubt, unless the database was last used in this same start of
/// the machine.
pub(super) fn mark_after_reboot(tx: &Connection, boot_id: Option<&str>) -> Result<()> {
    let known = "SELECT value FROM meta WHERE key = 'boot'";
    let known: Option<String> = tx.first_row(known, [], |row| row.get(0))?.flatten();
    // Where there is no such id, nothing is ever the same start: then every unfinished item counts
    // as in doubt.
    if known.is_some() && known.as_deref() == boot_id {
        return Ok(());
    }
    let doubt = "UPDATE item SET doubt = 1 WHERE id IN (
                     SELECT id FROM item WHERE state = 'waiting'
                     UNION ALL SELECT id FROM item WHERE state = 'parked')";
    tx.run_statement(doubt, [])?;
    tx.run_statement("REPLACE INTO meta (key, value) VALUES ('boot', ?1)", [boot_id])?;
    Ok(())
}

/// Reads what is remembered under a name.
pub(super) fn read_meta(connection: &Connection, key: &str) -> Result<Option<String>> {
    let value: Option<Option<String>> =
        connection.first_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))?;
    Ok(value.flatten())
}

/// Remembers something under a name, or forgets it.
pub(super) fn put_meta(tx: &Connection, key: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => {
            tx.run_statement("REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value])?
        }
        None => tx.run_statement("DELETE FROM meta WHERE key = ?1", [key])?,
    };
    Ok(())
}
