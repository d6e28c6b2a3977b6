//! Whether the machine was restarted since the database was last used.
//!
//! Soft writes live in the kernel's memory until the next hard one. They are lost only if the
//! machine goes down, and Linux gives each of its starts another id.

use rusqlite::Connection;

use super::sql::Sql;
use crate::store::Result;

/// The id of this start of the machine; none where there is no such thing.
pub(super) fn current_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Marks what is unfinished as in doubt, unless the database was last used in this same start of
/// the machine.
pub(super) fn notice(tx: &Connection, boot_id: Option<&str>) -> Result<()> {
    let known = "SELECT value FROM meta WHERE key = 'boot'";
    let known: Option<String> = tx.first(known, [], |row| row.get(0))?.flatten();
    if known.is_some() && known.as_deref() == boot_id {
        return Ok(());
    }
    let doubt = "UPDATE item SET doubt = 1 WHERE id IN (
                     SELECT id FROM item WHERE state = 'waiting'
                     UNION ALL SELECT id FROM item WHERE state = 'parked')";
    tx.run(doubt, [])?;
    tx.run("REPLACE INTO meta (key, value) VALUES ('boot', ?1)", [boot_id])?;
    Ok(())
}

/// Writes something small and harmless.
pub(super) fn note_check(tx: &Connection, now: &str) -> Result<()> {
    tx.run("REPLACE INTO meta (key, value) VALUES ('checked', ?1)", [now])?;
    Ok(())
}
