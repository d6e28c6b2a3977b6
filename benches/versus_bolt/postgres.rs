//! A PostgreSQL server as the benchmark needs it: a schema for each run, and what the server counts.

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

/// A schema that is dropped with this value.
pub struct Schema {
    /// Its address.
    pub url: String,
    server: String,
    name: String,
    /// Who looks at it, if anybody.
    looks_on: Option<(Client, JoinSet<()>)>,
}

/// What a server has counted so far, for all its databases and whoever else uses it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerCounts {
    /// Committed transactions: here, each is one round trip but for those that share one.
    pub transactions: u64,
    /// Bytes of its log.
    pub log_bytes: u64,
}

impl Schema {
    /// Makes one.
    pub async fn make(server: &str) -> Result<Self> {
        let name = format!("blip_slack_bench_{}", uuid::Uuid::new_v4().simple());
        run_sql(server, &format!("CREATE SCHEMA {name}")).await?;
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options=-csearch_path%3D{name}");
        Ok(Self { url, server: server.to_owned(), name, looks_on: None })
    }

    /// Keeps a snapshot open as long as it is there: no row that is changed or deleted can be cleared away
    /// meanwhile.
    pub async fn look_on(mut self) -> Result<Self> {
        let (client, driver) = connect(&self.server).await?;
        let look = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class";
        client.batch_execute(look).await.context("look at the database")?;
        self.looks_on = Some((client, driver));
        Ok(self)
    }

    /// What the server has counted so far. It is some moments late with transactions.
    pub async fn counts(&self) -> Result<ServerCounts> {
        let (client, _driver) = connect(&self.server).await?;
        let sql = "SELECT (SELECT sum(xact_commit) FROM pg_stat_database)::bigint,
                       (pg_current_wal_lsn() - '0/0')::bigint";
        let row = client.query_one(sql, &[]).await.context("ask what the server has counted")?;
        let (transactions, log_bytes): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok(ServerCounts {
            transactions: transactions.cast_unsigned(),
            log_bytes: log_bytes.cast_unsigned(),
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.looks_on = None;
        let (server, name) = (self.server.clone(), self.name.clone());
        // Whoever is here is within a runtime, and the process is still to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let sql = format!("SET lock_timeout = '5s'; DROP SCHEMA {name} CASCADE");
            runtime.block_on(run_sql(&server, &sql))
        });
        // What is left of it bears the benchmark's name.
        dropping.join().ok();
    }
}

/// Runs some statements.
pub async fn run_sql(url: &str, sql: &str) -> Result<()> {
    let (client, _driver) = connect(url).await?;
    client.batch_execute(sql).await.context("run it on the server")
}

async fn connect(url: &str) -> Result<(Client, JoinSet<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect")?;
    let mut driver = JoinSet::new();
    // It ends with its client; a failure shows in what is asked.
    driver.spawn(async move { connection.await.unwrap_or_default() });
    Ok((client, driver))
}
