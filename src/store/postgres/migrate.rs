//! How the tables came to be what they are, one step after the other.

use std::path::Path;

use deadpool_postgres::Transaction;

use super::database::{Attempts, Database, give_back};
use super::fault::PostgresFault;
use crate::store::{Error, Result, migrations};

/// How many a database has taken is in `schema_version`.
const MIGRATIONS: [&str; 14] = [
    include_str!("migrations/0001_memory.sql"),
    include_str!("migrations/0002_functions.sql"),
    include_str!("migrations/0003_pools.sql"),
    include_str!("migrations/0004_versions.sql"),
    include_str!("migrations/0005_replies.sql"),
    include_str!("migrations/0006_first_answer.sql"),
    include_str!("migrations/0007_rating.sql"),
    include_str!("migrations/0008_turns.sql"),
    include_str!("migrations/0009_priority.sql"),
    include_str!("migrations/0010_passed_limits.sql"),
    include_str!("migrations/0011_writes.sql"),
    include_str!("migrations/0012_shares.sql"),
    include_str!("migrations/0013_standby.sql"),
    include_str!("migrations/0014_results.sql"),
];

/// How many steps a program has to know at least, to use tables that have taken all of them.
const OLDEST_PROGRAM: i32 = 1;

/// How long the first of several instances that start together may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);

/// How many steps this program knows.
pub(super) fn newest_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Brings the tables up to date. Instances that start together do it one after the other.
pub(super) async fn apply_migrations(
    database: &Database,
    place: &Path,
    may_create: bool,
) -> Result<()> {
    let attempts = Attempts::new(PATIENCE);
    let mut client = attempts.connect(database.work()).await?;
    let migrated = async {
        let transaction = client.transaction().await?;
        // Whoever is first may take longer than anybody waits for a lock otherwise.
        transaction.batch_execute("SET LOCAL lock_timeout = 0").await?;
        // "blip", and which schema.
        let lock = "SELECT pg_advisory_xact_lock(1651271024, hashtext(current_schema()))";
        transaction.execute(lock, &[]).await?;
        let taken = take_steps(&transaction, place, may_create).await?;
        transaction.commit().await?;
        Ok(taken)
    };
    let migrated = attempts.limit(migrated).await;
    give_back(client, &migrated);
    migrated?
}

/// Takes the steps that were not taken yet; what keeps us from it is no fault of the server.
async fn take_steps(
    transaction: &Transaction<'_>,
    place: &Path,
    may_create: bool,
) -> std::result::Result<Result<()>, PostgresFault> {
    let known = "SELECT to_regclass('schema_version') IS NOT NULL, to_regclass('item') IS NOT NULL";
    let row = transaction.query_one(known, &[]).await?;
    let (is_ours, has_others): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    // A table of our name, and nothing of ours that says how many steps it has taken: it is another
    // program's.
    if !is_ours && has_others {
        return Ok(Err(Error::Foreign { path: place.to_owned() }));
    }
    if !is_ours && !may_create {
        return Ok(Err(Error::Missing { path: place.to_owned() }));
    }
    if !is_ours {
        let make =
            "CREATE TABLE schema_version (version integer NOT NULL, oldest integer NOT NULL);
                    INSERT INTO schema_version VALUES (0, 0)";
        transaction.batch_execute(make).await?;
    }
    let row = transaction.query_one("SELECT version, oldest FROM schema_version", &[]).await?;
    let (version, oldest): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let versions = (version.cast_unsigned(), oldest.cast_unsigned());
    let steps = match migrations::find_pending(&MIGRATIONS, versions, place) {
        Ok(steps) => steps,
        Err(error) => return Ok(Err(error)),
    };
    for step in steps {
        transaction.batch_execute(step).await?;
    }
    if !steps.is_empty() {
        let version = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
        let sql = "UPDATE schema_version SET version = $1, oldest = $2";
        transaction.execute(sql, &[&version, &OLDEST_PROGRAM]).await?;
    }
    Ok(Ok(()))
}
