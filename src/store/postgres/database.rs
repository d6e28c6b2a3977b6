//! The connections, and how what is asked over them is asked again.
//!
//! Everything that is written can be written twice: a connection that is lost takes the answer with
//! it, and nobody can tell whether it was committed.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, Transaction};
use futures_util::future::{join_all, join3};
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connect::DatabaseServer;
use super::fault::PostgresFault;
use crate::store::{Error, Result};
use crate::telemetry;

/// Connections for what waits at the doors: nobody else keeps them from it.
const DOOR_CONNECTIONS: usize = 3;
/// Connections for all else. Each statement takes one round trip, so that few serve many.
const WORK_CONNECTIONS: usize = 8;
/// How long the store is waited for before whoever asked is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long a single answer may take: of what erases, it takes longest.
pub(super) const LONG_PATIENCE: Duration = Duration::from_mins(5);
/// The pause before something is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// What a statement is given.
pub(super) type Params<'a> = [&'a (dyn ToSql + Sync)];

/// A statement with what it is given.
pub(super) struct Statement {
    sql: &'static str,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Statement {
    pub(super) fn new(sql: &'static str, params: Vec<Box<dyn ToSql + Sync + Send>>) -> Self {
        Self { sql, params }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|param| -> &(dyn ToSql + Sync) { param.as_ref() }).collect()
    }
}

/// The connections to a server.
pub(super) struct Database {
    doors: Pool,
    work: Pool,
}

/// How often something was asked, and until when it may be asked again.
pub(super) struct Attempts {
    deadline: Instant,
    /// Whether it may have been done already.
    pub(super) again: bool,
}

impl Attempts {
    pub(super) fn new(patience: Duration) -> Self {
        Self { deadline: Instant::now() + patience, again: false }
    }

    /// Waits for the next try, unless there is no use in one.
    pub(super) async fn wait_for_next(
        &mut self,
        fault: PostgresFault,
    ) -> std::result::Result<(), PostgresFault> {
        if !fault.may_pass() || Instant::now() + RETRY_PAUSE >= self.deadline {
            return Err(fault);
        }
        // A lost connection takes the answer with it, so what was asked may be in effect. Whoever
        // asks again has to say so.
        self.again |= !fault.is_undone();
        tokio::time::sleep(RETRY_PAUSE).await;
        Ok(())
    }

    /// A connection, in the time that is left.
    pub(super) async fn connect(&self, pool: &Pool) -> std::result::Result<Object, PostgresFault> {
        let connected = tokio::time::timeout_at(self.deadline, pool.get()).await;
        Ok(connected.map_err(|_elapsed| PostgresFault::Timeout)??)
    }

    /// Waits for an answer as long as there is time.
    pub(super) async fn limit<T>(
        &self,
        work: impl Future<Output = std::result::Result<T, PostgresFault>>,
    ) -> std::result::Result<T, PostgresFault> {
        tokio::time::timeout_at(self.deadline, work).await.unwrap_or(Err(PostgresFault::Timeout))
    }
}

/// Gives a connection back, unless it is of no use any more.
pub(super) fn give_back<T>(client: Object, done: &std::result::Result<T, PostgresFault>) {
    if done.as_ref().is_err_and(PostgresFault::spoils_connection) {
        // Out of the pool: the next one to use it would get the answer of what is still under way.
        drop(Object::take(client));
    }
}

impl Database {
    /// The connections, none of which is made yet.
    pub(super) fn new(server: &DatabaseServer) -> Result<Self> {
        let (doors, work) =
            (server.build_pool(DOOR_CONNECTIONS)?, server.build_pool(WORK_CONNECTIONS)?);
        Ok(Self { doors, work })
    }

    /// The connections of the doors.
    pub(super) fn doors(&self) -> &Pool {
        &self.doors
    }

    /// The connections of everything but the doors, which have their own so that none is kept
    /// waiting.
    pub(super) fn work(&self) -> &Pool {
        &self.work
    }

    /// Runs one statement, which commits by itself, and returns its rows. `about` is the lane or the
    /// ticket that it is about.
    pub(super) async fn query(
        &self,
        about: &str,
        sql: &'static str,
        params: &Params<'_>,
    ) -> Result<Vec<Row>> {
        let mut attempts = Attempts::new(PATIENCE);
        let asked = Instant::now();
        loop {
            match run_once(&self.work, &attempts, sql, params).await {
                Ok(rows) => {
                    telemetry::record_store_time(asked.elapsed());
                    return Ok(rows);
                }
                Err(fault) => {
                    attempts.wait_for_next(fault).await.map_err(|fault| fault.into_error(about))?;
                }
            }
        }
    }

    /// Runs statements in one transaction and one round trip, and returns the rows of each. None if
    /// they were run before, as `is_done` tells that is asked where an answer was lost.
    pub(super) async fn run_together(
        &self,
        about: &str,
        statements: &[Statement],
        is_done: Option<&Statement>,
    ) -> Result<Option<Vec<Vec<Row>>>> {
        let mut attempts = Attempts::new(PATIENCE);
        let asked = Instant::now();
        loop {
            match run_all(&self.work, &attempts, statements, is_done).await {
                Ok(rows) => {
                    telemetry::record_store_time(asked.elapsed());
                    return Ok(rows);
                }
                Err(fault) => {
                    attempts.wait_for_next(fault).await.map_err(|fault| fault.into_error(about))?;
                }
            }
        }
    }

    /// The first row, if there is one.
    pub(super) async fn first_row(
        &self,
        sql: &'static str,
        params: &Params<'_>,
    ) -> Result<Option<Row>> {
        Ok(self.query("", sql, params).await?.into_iter().next())
    }

    /// The one value of the one row.
    pub(super) async fn one_value<T: for<'r> tokio_postgres::types::FromSql<'r>>(
        &self,
        sql: &'static str,
        params: &Params<'_>,
    ) -> Result<T> {
        let row = self.first_row(sql, params).await?;
        let row = row.ok_or(Error::Unreadable { what: "answer" })?;
        Ok(row.try_get(0).map_err(PostgresFault::from)?)
    }

    /// Runs what cannot be part of a transaction, and takes long.
    pub(super) async fn run_long(&self, sql: &'static str) -> Result<()> {
        let attempts = Attempts::new(LONG_PATIENCE);
        let client = attempts.connect(&self.work).await?;
        let done = attempts.limit(async { Ok(client.batch_execute(sql).await?) }).await;
        give_back(client, &done);
        Ok(done?)
    }

    /// Closes both pools: whoever asks for a connection from now on gets none.
    pub(super) fn close(&self) {
        self.doors.close();
        self.work.close();
    }
}

async fn run_once(
    pool: &Pool,
    attempts: &Attempts,
    sql: &'static str,
    params: &Params<'_>,
) -> std::result::Result<Vec<Row>, PostgresFault> {
    let client = attempts.connect(pool).await?;
    let statement = async {
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query(&statement, params).await?)
    };
    let done = attempts.limit(statement).await;
    give_back(client, &done);
    done
}

/// Runs all of these or, if one of them is refused, none.
async fn run_all(
    pool: &Pool,
    attempts: &Attempts,
    statements: &[Statement],
    is_done: Option<&Statement>,
) -> std::result::Result<Option<Vec<Vec<Row>>>, PostgresFault> {
    let client = attempts.connect(pool).await?;
    let all = async {
        if let Some(check) = is_done.filter(|_| attempts.again) {
            let known = client.prepare_cached(check.sql).await?;
            if client.query_one(&known, &check.params()).await?.try_get(0)? {
                return Ok(None);
            }
        }
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            prepared.push(client.prepare_cached(statement.sql).await?);
        }
        let begin = client.batch_execute("BEGIN");
        let work = prepared.iter().zip(statements).map(async |(prepared, statement)| {
            client.query(prepared, &statement.params()).await.map_err(PostgresFault::from)
        });
        let commit = client.batch_execute("COMMIT");
        // Sent one after the other without waiting for an answer in between. If one is refused, the
        // server makes a rollback of the commit.
        let (begun, answers, committed) = join3(begin, join_all(work), commit).await;
        begun?;
        let mut rows = Vec::with_capacity(answers.len());
        for answer in answers {
            rows.push(answer?);
        }
        committed?;
        Ok(Some(rows))
    };
    let done = attempts.limit(all).await;
    give_back(client, &done);
    done
}

/// Runs a statement within a transaction and says how many rows it changed.
pub(super) async fn execute(
    transaction: &Transaction<'_>,
    sql: &'static str,
    params: &Params<'_>,
) -> Result<u64> {
    let statement = transaction.prepare_cached(sql).await.map_err(PostgresFault::from)?;
    Ok(transaction.execute(&statement, params).await.map_err(PostgresFault::from)?)
}

/// Reads rows within a transaction.
pub(super) async fn query(
    transaction: &Transaction<'_>,
    sql: &'static str,
    params: &Params<'_>,
) -> Result<Vec<Row>> {
    let statement = transaction.prepare_cached(sql).await.map_err(PostgresFault::from)?;
    Ok(transaction.query(&statement, params).await.map_err(PostgresFault::from)?)
}
