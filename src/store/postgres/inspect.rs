//! What `doctor` asks of a database, read without taking part in the work.

use super::columns;
use super::connect::DatabaseServer;
use super::database::Database;
use super::migrate;
use crate::clock::Clock;
use crate::store::{DatabaseFacts, Error, Result, Source, row};

/// Looks at the database at `url`, if its tables are there.
pub(crate) async fn inspect_database(url: &str) -> Result<Option<DatabaseFacts>> {
    let database = Database::new(&DatabaseServer::parse(url)?)?;
    let facts = read_facts(&database).await;
    database.close();
    facts
}

async fn read_facts(database: &Database) -> Result<Option<DatabaseFacts>> {
    let is_there = "SELECT to_regclass('schema_version') IS NOT NULL";
    if !database.one_value::<bool>(is_there, &[]).await? {
        return Ok(None);
    }
    // Without the right to look closer, it is only known that there are standbys.
    let sql = "SELECT version,
                   (SELECT time_now(NULL) - received FROM item WHERE source = $1
                    ORDER BY id DESC LIMIT 1) AS heard_ago,
                   EXISTS (SELECT FROM pg_stat_replication)
                       AND current_setting('synchronous_standby_names') = '' AS may_lose
               FROM schema_version";
    let now = Clock::system().now();
    let row = database.first_row(sql, &[&Source::Slack.name()]).await?;
    let row = row.ok_or(Error::Unreadable { what: "version" })?;
    let heard_ago: Option<i64> = columns::value(&row, "heard_ago")?;
    let to_time = |ago: i64| row::parse_timestamp(now.as_millisecond().saturating_sub(ago));
    Ok(Some(DatabaseFacts {
        version: columns::value::<i32>(&row, "version")?.cast_unsigned(),
        newest: migrate::newest_version(),
        backed_up: None,
        heard_slack: heard_ago.map(to_time).transpose()?,
        may_lose_to_standby: columns::value(&row, "may_lose")?,
    }))
}
