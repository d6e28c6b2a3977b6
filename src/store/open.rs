//! Which backend an address is of.

use std::sync::Arc;

use super::postgres::{self, PostgresOptions};
use super::sqlite::{self, SqliteOptions};
use super::{DatabaseFacts, PostgresStore, Result, SharedStore, SqliteStore};
use crate::clock::Clock;

/// Looks at the database at this address, if there is one, and changes nothing in it.
pub(crate) async fn inspect_database(url: &str) -> Result<Option<DatabaseFacts>> {
    if is_postgres(url) {
        return postgres::inspect_database(url).await;
    }
    sqlite::inspect_database(url).await
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve it: it is made if it is missing. Only one process at a time serves a SQLite file.
    Serve,
    /// To look after it while nobody serves it; on PostgreSQL, also while others do.
    Maintain,
}

/// Whether this is the address of a PostgreSQL database.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens the store at this address.
pub async fn open_store(url: &str, clock: &Clock, purpose: Purpose) -> Result<SharedStore> {
    let serves = purpose == Purpose::Serve;
    if is_postgres(url) {
        let options =
            PostgresOptions { serves, create: serves, ..PostgresOptions::new(clock.clone()) };
        return Ok(Arc::new(PostgresStore::open(url, options).await?));
    }
    let options =
        SqliteOptions { create: serves, exclusive: true, ..SqliteOptions::new(clock.clone()) };
    Ok(Arc::new(SqliteStore::open(url, options).await?))
}
