//! Reads all that a database holds, for a copy elsewhere; afterwards it refuses to serve.

use std::fs::File;
use std::path::PathBuf;

use rusqlite::{Connection, Row, Rows, Statement};

use super::connection::{open_own_file, parse_url, prepare_connection};
use super::sql::Sql;
use super::{boot, files};
use crate::store::copied::{Cell, CellKind, CopiedTable};
use crate::store::{Error, Result};

/// What is noted in a database that was copied elsewhere.
const MOVED: &str = "moved";

/// A database that nobody serves while it is read.
pub(in crate::store) struct CopySource {
    connection: Connection,
    _lock: File,
}

impl CopySource {
    /// Opens the database at `url`, which nobody may serve.
    pub(in crate::store) fn open(url: &str) -> Result<Self> {
        let path: PathBuf = files::find_owned_database(&parse_url(url))?;
        let mut connection = open_own_file(&path, false)?;
        let lock = files::lock_database(&path)?;
        // Brought up to date first: only the newest tables are known to the copy.
        prepare_connection(&mut connection, boot::read_boot_id().as_deref())?;
        refuse_if_moved(&connection)?;
        Ok(Self { connection, _lock: lock })
    }

    /// Gets ready to read a table.
    pub(in crate::store) fn select_table(&self, table: &CopiedTable) -> Result<Statement<'_>> {
        let names: Vec<String> =
            table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let CopiedTable { name, only, .. } = table;
        let sql = format!("SELECT {} FROM {name} WHERE {only}", names.join(", "));
        Ok(self.connection.prepare(&sql)?)
    }

    /// Notes that this database was copied elsewhere.
    pub(in crate::store) fn mark_moved(&self) -> Result<()> {
        let sql = "REPLACE INTO meta (key, value) VALUES (?1, '1')";
        self.connection.run_statement(sql, [MOVED])?;
        Ok(())
    }
}

impl CopySource {
    /// Takes the note back: the copy was not kept.
    pub(in crate::store) fn mark_served(&self) -> Result<()> {
        self.connection.run_statement("DELETE FROM meta WHERE key = ?1", [MOVED])?;
        Ok(())
    }
}

/// The next rows of a table, at most so many.
pub(in crate::store) fn read_batch(
    rows: &mut Rows<'_>,
    table: &CopiedTable,
    most: usize,
) -> Result<Vec<Vec<Cell>>> {
    let mut batch = Vec::with_capacity(most);
    while batch.len() < most
        && let Some(row) = rows.next()?
    {
        batch.push(to_cells(row, table)?);
    }
    Ok(batch)
}

fn to_cells(row: &Row<'_>, table: &CopiedTable) -> rusqlite::Result<Vec<Cell>> {
    let cell = |(at, (_, kind)): (usize, &(&str, CellKind))| {
        Ok(match kind {
            CellKind::Number => Cell::Number(row.get(at)?),
            CellKind::Text => Cell::Text(row.get(at)?),
            CellKind::Bytes => Cell::Bytes(row.get(at)?),
        })
    };
    table.columns.iter().enumerate().map(cell).collect()
}

/// A database that was copied elsewhere has served.
pub(super) fn refuse_if_moved(connection: &Connection) -> Result<()> {
    if boot::read_meta(connection, MOVED)?.is_some() {
        let path = connection.path().unwrap_or_default().into();
        return Err(Error::Moved { path });
    }
    Ok(())
}
