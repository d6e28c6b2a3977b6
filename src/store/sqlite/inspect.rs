//! A look at a database that changes nothing in it: not even its tables, if they are of an earlier
//! version. Whoever serves it is not held up.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::connection::{MIGRATIONS, open_own_file, parse_url};
use super::sql::Sql;
use super::{boot, files};
use crate::store::row::fact_key;
use crate::store::{BACKED_UP, DatabaseFacts, Result, Source};

/// Looks at the database at `url`, if there is one, and whether it could be written to.
pub(crate) async fn inspect_database(url: &str) -> Result<Option<DatabaseFacts>> {
    let path = parse_url(url);
    if !path.exists() {
        return Ok(None);
    }
    let look = move || {
        let path = files::find_owned_database(&path)?;
        let look = || {
            let mut connection = open_own_file(&path, false)?;
            // A transaction that ends without a change tells whether one could be made.
            drop(connection.transaction_with_behavior(TransactionBehavior::Immediate)?);
            read_facts(&connection)
        };
        look().map_err(|error| error.in_file(&path))
    };
    tokio::task::spawn_blocking(look).await.map_err(std::io::Error::from)?.map(Some)
}

fn read_facts(connection: &Connection) -> Result<DatabaseFacts> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let backed_up = boot::read_meta(connection, &fact_key(BACKED_UP))?;
    let last = "SELECT received FROM item WHERE source = ?1 ORDER BY id DESC LIMIT 1";
    let last: Option<i64> = connection.first_row(last, [Source::Slack.name()], |row| row.get(0))?;
    Ok(DatabaseFacts {
        version,
        newest: u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX),
        backed_up: backed_up.and_then(|at| at.parse().ok()),
        heard_slack: last.and_then(|at| Timestamp::from_millisecond(at).ok()),
        may_lose_to_standby: false,
    })
}
