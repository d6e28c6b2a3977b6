//! A connection to the file of a database: found, opened, and brought up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::boot;
use crate::model::fold::fold_text;
use crate::store::{Error, Result, migrations};

/// How the tables came to be what they are, one step after the other; how many of them a database
/// has taken is its `user_version`.
pub(super) const MIGRATIONS: [&str; 18] = [
    include_str!("migrations/0001_memory.sql"),
    include_str!("migrations/0002_doubt.sql"),
    include_str!("migrations/0003_ours.sql"),
    include_str!("migrations/0004_part.sql"),
    include_str!("migrations/0005_renamed_channel.sql"),
    include_str!("migrations/0006_retention.sql"),
    include_str!("migrations/0007_erased.sql"),
    include_str!("migrations/0008_ids_without_case.sql"),
    include_str!("migrations/0009_drawn_card.sql"),
    include_str!("migrations/0010_pools.sql"),
    include_str!("migrations/0011_versions.sql"),
    include_str!("migrations/0012_replies.sql"),
    include_str!("migrations/0013_first_answer.sql"),
    include_str!("migrations/0014_rating.sql"),
    include_str!("migrations/0015_turns.sql"),
    include_str!("migrations/0016_priority.sql"),
    include_str!("migrations/0017_passed_limits.sql"),
    include_str!("migrations/0018_standby.sql"),
];

/// The `application_id` of our files, as `0003_ours.sql` writes it.
const APPLICATION_ID: i64 = 0x626c_6970;

/// How long to wait for another process that writes.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that are kept ready: about as many as there are.
const STATEMENT_CACHE_SIZE: usize = 100;

/// Memory for pages of the file; negative means KiB.
const PAGE_CACHE_SIZE: i64 = -2048;

/// Pages of the log from which on those who commit make a checkpoint themselves: more comes than the
/// thread can copy beside it, and who brings it has to wait.
const AUTO_CHECKPOINT_PAGES: u32 = 10_000;

/// The path in an address of a database. What follows a question mark tells other libraries how to
/// open it.
pub(crate) fn parse_url(url: &str) -> PathBuf {
    let path = url.strip_prefix("sqlite://").unwrap_or(url);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    PathBuf::from(percent_decode_str(path).decode_utf8_lossy().as_ref())
}

/// Opens a file that is a database of ours, or none yet. Changes nothing.
pub(super) fn open_own_file(path: &Path, may_be_empty: bool) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Before the third migration our files had no mark.
    let sql = "SELECT count(*), coalesce(sum(type = 'table' AND name IN
                   ('item', 'lane', 'step', 'ticket', 'message', 'twin', 'slot', 'meta')), 0)
               FROM sqlite_schema";
    let counted = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let foreign = || Error::Foreign { path: path.to_owned() };
    let (all, ours): (i64, i64) = match counted {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(foreign());
        }
        counted => counted?,
    };
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    match application {
        APPLICATION_ID => Ok(connection),
        0 if ours == 8 || (all == 0 && may_be_empty) => Ok(connection),
        0 if all == 0 => Err(Error::Missing { path: path.to_owned() }),
        _ => Err(foreign()),
    }
}

/// Brings a database up to date.
pub(super) fn prepare_connection(connection: &mut Connection, boot_id: Option<&str>) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_SIZE);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", AUTO_CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", PAGE_CACHE_SIZE)?;
    // What SQLite sets aside for one statement is short, and not worth a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fold", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(|text| fold_text(&text)))
    })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    apply_migrations(&transaction)?;
    boot::mark_after_reboot(&transaction, boot_id)?;
    Ok(transaction.commit()?)
}

/// Takes the steps that this database has not taken yet.
fn apply_migrations(connection: &Connection) -> Result<()> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // One process serves a file: there is no release before that would go on with it.
    let place = Path::new(connection.path().unwrap_or_default());
    for step in migrations::find_pending(&MIGRATIONS, (version, version), place)? {
        connection.execute_batch(step)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    Ok(connection.pragma_update(None, "user_version", version)?)
}
