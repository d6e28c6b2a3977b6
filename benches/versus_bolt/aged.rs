//! A database as it is after years: very many tickets that were closed, with their messages and events.
//!
//! One ticket is played to its end by the program itself, and copied by the database, so that each has
//! what a ticket of this version has.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OptionalExtension};

use crate::fakes::Fakes;
use crate::process::{Contender, DATABASE};
use crate::trial;

/// Tables with what a closed ticket leaves behind, and how a copy differs from the original. `?1` is the
/// number of the copy; what is not named stays as it is.
const COPIES: [(&str, &[(&str, &str)]); 4] = [
    (
        "ticket",
        &[
            ("id", "id || '-' || n"),
            ("spelled", "spelled || '-' || n"),
            ("address", "n || address"),
            ("number", "1000000 + n"),
            ("customer", "n || customer"),
        ],
    ),
    (
        "message",
        &[
            ("ts", "substr(ts, 1, 2) || printf('%08d', n) || substr(ts, 11)"),
            ("ticket", "ticket || '-' || n"),
        ],
    ),
    (
        "twin",
        &[
            ("ts", "substr(ts, 1, 2) || printf('%08d', n) || substr(ts, 11)"),
            ("ticket", "ticket || '-' || n"),
            ("blip_id", "blip_id || n"),
        ],
    ),
    (
        "item",
        &[
            ("id", "NULL"),
            ("key", "key || '-' || n"),
            ("lane", "lane || '-' || n"),
            ("body", "NULL"),
        ],
    ),
];

/// Makes a file with so many closed tickets, or takes the one that is there.
pub async fn prepare(
    contender: &Contender,
    fakes: &mut Fakes,
    folder: &Path,
    tickets: usize,
) -> Result<PathBuf> {
    let aged = folder.join(format!("aged-{tickets}-{}.db", env!("CARGO_PKG_VERSION")));
    if aged.exists() {
        return Ok(aged);
    }
    let young = tempfile::tempdir_in(folder)?;
    trial::close_one_ticket(contender, fakes, young.path()).await?;
    let file = young.path().join(DATABASE);
    copy_tickets(&file, tickets)?;
    std::fs::rename(file, &aged)?;
    Ok(aged)
}

fn copy_tickets(file: &Path, tickets: usize) -> Result<()> {
    let database = Connection::open(file)?;
    database.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN",
    )?;
    let closed = "SELECT count(*) FROM ticket WHERE state = 'closed'";
    let closed: i64 = database.query_row(closed, [], |row| row.get(0))?;
    ensure!(closed == 1, "{closed} tickets are closed instead of one");
    database.execute(
        "CREATE TEMP TABLE copy AS WITH RECURSIVE copy (n) AS
             (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?1) SELECT n FROM copy",
        [i64::try_from(tickets)?],
    )?;
    for (table, changes) in COPIES {
        let names = format!("SELECT group_concat(name) FROM pragma_table_info('{table}')");
        let names: Option<String> =
            database.query_row(&names, [], |row| row.get(0)).optional()?.flatten();
        let names = names.with_context(|| format!("no table {table}"))?;
        let copied = names.split(',').map(|name| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            change.map_or_else(|| format!("\"{name}\""), |(_, change)| (*change).to_owned())
        });
        let copied = copied.collect::<Vec<_>>().join(", ");
        // Before the first copy: a table that is copied must not grow meanwhile.
        let quoted =
            names.split(',').map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        database.execute_batch(&format!(
            "CREATE TEMP TABLE first_{table} AS SELECT * FROM {table};
             INSERT INTO {table} ({quoted}) SELECT {copied} FROM first_{table}, copy"
        ))?;
    }
    database.execute_batch("COMMIT; PRAGMA journal_mode = WAL")?;
    Ok(())
}
