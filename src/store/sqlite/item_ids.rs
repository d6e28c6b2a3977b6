//! The ids of items, which are given in blocks.
//!
//! `AUTOINCREMENT` notes the greatest id ever given in a table of its own, which is a page more for
//! each commit. While one process serves the file, it notes a block of them ahead instead; what is
//! left of a block at the end is never given.

use std::sync::Mutex;
use std::sync::PoisonError;

use rusqlite::Connection;

use super::sql::Sql;
use crate::store::{ItemId, Result};

/// Ids that are noted together.
const BLOCK: ItemId = 1000;

/// Which id comes next.
pub(super) struct ItemIds(Mutex<IdBlock>);

struct IdBlock {
    next: ItemId,
    /// The last one that was noted. If that was undone, `AUTOINCREMENT` notes each by itself until
    /// the next block.
    last: ItemId,
}

impl ItemIds {
    /// After all that were ever given.
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let noted = "SELECT seq FROM sqlite_sequence WHERE name = 'item'";
        let last: Option<ItemId> = connection.first_row(noted, [], |row| row.get(0))?;
        let last = last.unwrap_or_default();
        Ok(Self(Mutex::new(IdBlock { next: last.saturating_add(1), last })))
    }

    pub(super) fn take(&self, tx: &Connection) -> Result<ItemId> {
        let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = block.next;
        if id > block.last {
            let last = id.saturating_add(BLOCK - 1);
            let note = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'item'";
            tx.run_statement(note, [last])?;
            block.last = last;
        }
        block.next = id.saturating_add(1);
        Ok(id)
    }
}
