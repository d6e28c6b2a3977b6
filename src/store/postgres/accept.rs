//! Events on their way in: what waits together shares a commit, and so a wait for the disk.
//!
//! What was handed in is written even if nobody waits for the answer any more. One that cannot be
//! stored fails alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};
use futures_util::future::{join_all, join3};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::Row;
use tokio_util::task::TaskTracker;

use super::database::{Attempts, Statement, give_back};
use super::fault::PostgresFault;
use super::text::{keepable, keepable_if_any};
use crate::store::{Error, Lane, NewItem, Result};
use crate::telemetry;

/// Most that share a commit.
const MAX_GROUP: usize = 30;
/// How long the store is waited for before the sender is told to come again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a start waits for the connections of the doors.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// Most that wait. Whoever comes later waits before handing in.
const MAX_WAITING: usize = 256;

const ACCEPT: &str = "SELECT accept_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// An event as it is stored.
pub(super) struct NewRow {
    pub(super) item: NewItem,
    /// The time, if the server's clock does not count.
    pub(super) given: Option<i64>,
    /// How much later than now it arrived, and is due.
    pub(super) received_in: i64,
    pub(super) due_in: i64,
    /// Tells it from a repeat when it is written a second time.
    pub(super) token: i64,
    /// What would be known of it if it was forgotten.
    pub(super) event_hash: Vec<u8>,
    pub(super) job_hashes: Vec<Vec<u8>>,
    pub(super) job_ticket: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    Repeat,
    New,
    /// New, where nothing waited.
    NewInIdleLane,
}

struct Waiting {
    row: NewRow,
    caller: oneshot::Sender<Result<Inserted>>,
}

/// Events that wait to be accepted: those that come while others are written share the next write.
pub(super) struct AcceptQueue {
    waiting: mpsc::Sender<Waiting>,
}

impl AcceptQueue {
    /// Starts as many writers as there may be commits at a time.
    pub(super) fn start(pool: &Pool, writers: usize, tasks: &TaskTracker) -> Self {
        let (waiting, queue) = mpsc::channel(MAX_WAITING);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..writers {
            tasks.spawn(write_groups(pool.clone(), Arc::clone(&queue)));
        }
        Self { waiting }
    }

    /// Hands an event in and waits until it is stored.
    pub(super) async fn accept(&self, row: NewRow) -> Result<Inserted> {
        let (caller, answer) = oneshot::channel();
        let asked = Instant::now();
        self.waiting.send(Waiting { row, caller }).await.map_err(|_gone| Error::Closed)?;
        let answer = answer.await.unwrap_or(Err(Error::Closed));
        telemetry::record_store_time(asked.elapsed());
        answer
    }
}

impl NewRow {
    /// What stores it beside other writes.
    pub(super) fn into_statement(self) -> Statement {
        let Self { item, given, received_in, due_in, token, event_hash, job_hashes, job_ticket } =
            self;
        let (channel, ts) = message_of(&item.lane);
        Statement::new(
            ACCEPT,
            vec![
                Box::new(given),
                Box::new(item.source.name()),
                Box::new(keepable(&item.lane.name()).into_owned()),
                Box::new(channel.map(str::to_owned)),
                Box::new(ts.map(str::to_owned)),
                Box::new(keepable(&item.key).into_owned()),
                Box::new(item.body),
                Box::new(received_in),
                Box::new(due_in),
                Box::new(token),
                Box::new(event_hash),
                Box::new(job_hashes),
                Box::new(job_ticket.map(|ticket| keepable(&ticket).into_owned())),
            ],
        )
    }
}

impl Inserted {
    /// Reads the answer of [`NewRow::into_statement`].
    pub(super) fn read(row: &Row) -> std::result::Result<Self, PostgresFault> {
        Ok(match row.try_get::<_, i32>(0)? {
            2 => Self::NewInIdleLane,
            1 => Self::New,
            _ => Self::Repeat,
        })
    }
}

/// The message that a lane is about, if its ticket is not known.
fn message_of(lane: &Lane) -> (Option<&str>, Option<&str>) {
    match lane {
        Lane::Message(channel, ts) => (Some(channel.as_str()), Some(ts.as_str())),
        Lane::Ticket(_) | Lane::Replies(_) | Lane::Own(_) => (None, None),
    }
}

/// Makes so many connections of a pool, and has them ready to store events: to be let in by a busy
/// server takes longer than the first sender is asked to wait. Where it fails they are made when they
/// are needed.
pub(super) async fn prepare_connections(pool: &Pool, count: usize) {
    let attempts = Attempts::new(START_PATIENCE);
    let connecting = join_all((0..count).map(async |_| {
        let client = attempts.connect(pool).await?;
        attempts.limit(async { Ok(client.prepare_cached(ACCEPT).await.map(drop)?) }).await?;
        // Held until all are made, as the next one would be given the same again.
        Ok::<_, PostgresFault>(client)
    }));
    if let Some(fault) = connecting.await.into_iter().find_map(std::result::Result::err) {
        tracing::warn!(error = %Error::from(fault), "a connection to the database is made later");
    }
}

async fn write_groups(pool: Pool, queue: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    loop {
        let mut group = Vec::with_capacity(MAX_GROUP);
        if queue.lock().await.recv_many(&mut group, MAX_GROUP).await == 0 {
            return;
        }
        // All lock their lanes in one order, so that groups do not wait in a circle.
        group.sort_by_cached_key(|waiting| waiting.row.item.lane.name());
        telemetry::record_store_batch(group.len());
        let (rows, callers): (Vec<NewRow>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.row, waiting.caller)).unzip();
        let outcomes = match write_group(&pool, &rows).await {
            // One row that the server refuses must not fail the others, whose senders would repeat
            // them for ever.
            Err(fault) if rows.len() > 1 && !fault.may_pass() => write_alone(&pool, &rows).await,
            Ok(all) => all.into_iter().map(Ok).collect(),
            Err(fault) => {
                let error = Error::from(fault);
                rows.iter().map(|_| Err(error.clone())).collect()
            }
        };
        for (caller, outcome) in callers.into_iter().zip(outcomes) {
            // The caller may have gone; it is written all the same.
            caller.send(outcome).ok();
        }
    }
}

async fn write_alone(pool: &Pool, rows: &[NewRow]) -> Vec<Result<Inserted>> {
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let written = write_group(pool, std::slice::from_ref(row)).await;
        let written = written.map(|all| all.first().copied().unwrap_or(Inserted::Repeat));
        outcomes.push(written.map_err(Error::from));
    }
    outcomes
}

/// Stores all of these, or none.
async fn write_group(
    pool: &Pool,
    rows: &[NewRow],
) -> std::result::Result<Vec<Inserted>, PostgresFault> {
    let mut attempts = Attempts::new(PATIENCE);
    loop {
        let fault = match attempts.connect(pool).await {
            Err(fault) => fault,
            Ok(client) => {
                let done = attempts.limit(insert_rows(&client, rows)).await;
                give_back(client, &done);
                match done {
                    Ok(inserted) => return Ok(inserted),
                    Err(fault) => fault,
                }
            }
        };
        attempts.wait_for_next(fault).await?;
    }
}

/// One round trip: nothing is waited for before all is sent.
async fn insert_rows(
    client: &Object,
    rows: &[NewRow],
) -> std::result::Result<Vec<Inserted>, PostgresFault> {
    let statement = client.prepare_cached(ACCEPT).await?;
    if let [row] = rows {
        return Ok(vec![insert_row(client, &statement, row).await?]);
    }
    let begin = client.batch_execute("BEGIN");
    let inserts = join_all(rows.iter().map(|row| insert_row(client, &statement, row)));
    let commit = client.batch_execute("COMMIT");
    // Sent one after the other without waiting for an answer in between. If an insert fails, the
    // server makes a rollback of the commit.
    let (begun, inserted, committed) = join3(begin, inserts, commit).await;
    begun?;
    let inserted = inserted.into_iter().collect::<std::result::Result<_, _>>()?;
    committed?;
    Ok(inserted)
}

async fn insert_row(
    client: &Object,
    statement: &tokio_postgres::Statement,
    row: &NewRow,
) -> std::result::Result<Inserted, PostgresFault> {
    let NewRow { item, .. } = row;
    let (channel, ts) = message_of(&item.lane);
    let (lane, job) = (item.lane.name(), keepable_if_any(row.job_ticket.as_ref()));
    let answer = client
        .query_one(
            statement,
            &[
                &row.given,
                &item.source.name(),
                &keepable(&lane),
                &channel,
                &ts,
                &keepable(&item.key),
                &item.body,
                &row.received_in,
                &row.due_in,
                &row.token,
                &row.event_hash,
                &row.job_hashes,
                &job,
            ],
        )
        .await?;
    Inserted::read(&answer)
}
