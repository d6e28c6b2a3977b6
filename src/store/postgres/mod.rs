//! The memory of several processes, in a PostgreSQL database.
//!
//! Each statement commits by itself and takes one round trip; what is more than one statement is a
//! function in the database (`migrations/0002_functions.sql`). The order of a lane, and who may work
//! on it, are kept by the lane's row: whoever writes for a lane shows the token of its lease.
//!
//! An instance says every two seconds that it is alive (`watch`), which renews all its leases at once.
//! One that was not heard of for eight seconds has lost them to whoever comes first; until somebody
//! comes, it may go on. Leases, due times and slots go by the server's clock: what is read of them is
//! a distance from now, and becomes a time of this machine's clock at the door.
//!
//! Durability: everything that was answered is on the server's disk. What a server may lose all the
//! same, because an older state of it was put back or another one took its place, is noticed
//! (`mark_era`), and then all that is unfinished is in doubt.

mod accept;
mod columns;
mod connect;
mod copy;
mod database;
mod fault;
mod inspect;
mod items;
mod leases;
mod migrate;
mod privacy;
mod slots;
mod store;
mod text;
mod tickets;
mod tls;
mod turns;
mod watch;
mod writes;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::accept::{AcceptQueue, NewRow};
use self::connect::DatabaseServer;
pub(super) use self::copy::CopyTarget;
use self::database::Database;
pub(crate) use self::inspect::inspect_database;
use self::leases::HeldLeases;
use self::watch::{INSTANCE_TERM, Instance, Watch};
use self::writes::{WriteStatements, Written};
use super::{Error, NewItem, Result, Source, Writes, erasure};
use crate::clock::Clock;
use crate::model::TicketId;

/// How many groups of events may be committed at a time: one is on its way while another one waits
/// for the disk.
const DOOR_WRITERS: usize = 2;
/// The same for what the bridge sets itself to do.
const JOB_WRITERS: usize = 2;

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The clock of this process.
    pub clock: Clock,
    /// Whether that clock counts instead of the server's.
    pub clock_counts: bool,
    /// Whether to take part in the work.
    pub serves: bool,
    /// Whether to make the tables if they are missing.
    pub create: bool,
    /// How long an instance that is not heard of counts as alive.
    pub term: Duration,
    /// Tells one history of the database from another, besides what the server knows of it.
    pub era: Option<String>,
}

impl PostgresOptions {
    /// Those of an instance that takes part. A clock that is moved by hand counts: the server's would
    /// not move with it.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock_counts: clock.is_manual(),
            clock,
            serves: true,
            create: true,
            term: INSTANCE_TERM,
            era: None,
        }
    }
}

/// A [`Store`](super::Store) in a PostgreSQL database.
pub struct PostgresStore {
    database: Arc<Database>,
    doors: AcceptQueue,
    jobs: AcceptQueue,
    instance: Arc<Instance>,
    watch: Arc<Watch>,
    held: Mutex<HeldLeases>,
    /// Leases are taken by one at a time, so that none is taken twice.
    leasing: tokio::sync::Mutex<()>,
    salt: String,
    channel: String,
    serves: bool,
    is_closed: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl PostgresStore {
    /// Connects to the database at `url` and brings its tables up to date.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self> {
        let server = DatabaseServer::parse(url)?;
        let database = Arc::new(Database::new(&server)?);
        let place = PathBuf::from(server.describe());
        migrate::apply_migrations(&database, &place, options.create).await?;
        let sql = "SELECT value AS salt,
                       'blip_slack_' || current_schema()::regnamespace::oid::bigint AS channel
                   FROM meta WHERE key = 'salt'";
        let row = database.first_row(sql, &[]).await?;
        let row = row.ok_or(Error::Unreadable { what: "salt" })?;
        let tasks = TaskTracker::new();
        let instance = Instance {
            id: fastrand::i64(1..),
            term: options.term,
            clock: options.clock,
            clock_counts: options.clock_counts,
            era: options.era,
        };
        let store = Self {
            doors: AcceptQueue::start(database.doors(), DOOR_WRITERS, &tasks),
            jobs: AcceptQueue::start(database.work(), JOB_WRITERS, &tasks),
            instance: Arc::new(instance),
            watch: Arc::default(),
            held: Mutex::default(),
            leasing: tokio::sync::Mutex::default(),
            salt: columns::text(&row, "salt")?,
            channel: columns::text(&row, "channel")?,
            serves: options.serves,
            is_closed: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks,
            database,
        };
        if store.serves {
            accept::prepare_connections(store.database.doors(), DOOR_WRITERS).await;
            store.join_others(server).await?;
        }
        Ok(store)
    }

    /// Becomes one of those who share the work.
    async fn join_others(&self, server: DatabaseServer) -> Result<()> {
        let (sql, era) =
            ("SELECT server_now FROM beat($1, $2, $3, $4)", self.instance.era.as_ref());
        let (given, term) = (self.instance.given_time(), self.instance.term_millis());
        let before = self.instance.clock.now();
        let row = self.database.first_row(sql, &[&given, &self.instance.id, &term, &era]).await?;
        // Before the first lane is taken, not with the first beat of the watch.
        let row = row.ok_or(Error::Unreadable { what: "beat" })?;
        self.watch.compare_clocks(columns::value(&row, "server_now")?, before);
        let watch = Arc::clone(&self.watch).run_until_stopped(
            server,
            Arc::clone(&self.instance),
            self.channel.clone(),
            self.stop.clone(),
        );
        self.tasks.spawn(watch);
        Ok(())
    }

    /// The leases, also after a panic: each change of them is whole.
    fn held(&self) -> MutexGuard<'_, HeldLeases> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_millis(&self) -> i64 {
        self.instance.clock.now().as_millisecond()
    }

    /// How much later than now a time is, in milliseconds.
    fn millis_until(&self, time: Timestamp) -> i64 {
        time.as_millisecond().saturating_sub(self.now_millis())
    }

    /// The time that a statement is to go by; none if it is to go by the server's own clock, which is the one
    /// that all instances share. Only tests set the clock.
    fn given(&self, now: Timestamp) -> Option<i64> {
        self.instance.clock_counts.then(|| now.as_millisecond())
    }

    fn hashes_of(&self, ticket: &TicketId) -> [Vec<u8>; 2] {
        erasure::hash_ticket(&self.salt, ticket)
    }

    /// Lets all look for work.
    async fn announce_work(&self) {
        self.watch.tell_all();
        if !self.serves {
            // They look by themselves within seconds.
            let sql = "SELECT pg_notify($1, '')::text";
            self.database.query("", sql, &[&self.channel]).await.ok();
        }
    }

    fn refuse_if_closed(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }

    fn to_new_row(&self, item: NewItem) -> NewRow {
        let is_job = item.source == Source::Internal;
        let job = if is_job { erasure::ticket_of_job(&item.body) } else { None };
        NewRow {
            given: self.instance.given_time(),
            received_in: self.millis_until(item.received),
            due_in: self.millis_until(item.due),
            token: fastrand::i64(1..),
            event_hash: erasure::hash_event(&self.salt, item.source.name(), &item.key),
            job_hashes: job.as_ref().map(|job| self.hashes_of(job).into()).unwrap_or_default(),
            job_ticket: job.map(|job| job.to_string()),
            item,
        }
    }

    /// What writes this. Deadlines are distances from now.
    fn to_statements(&self, writes: &Writes, own_lane: Option<&str>) -> WriteStatements {
        let (given, salt) = (self.instance.given_time(), &self.salt);
        let hashes_of = |ticket: &_| erasure::hash_ticket(salt, ticket).into();
        let token_of = |item| self.held().token_of(item).ok();
        let mut statements = WriteStatements::new(writes, own_lane, given, hashes_of, token_of);
        let mut jobs = writes.jobs.clone();
        // All lock their lanes in one order, so that groups do not wait in a circle.
        jobs.sort_by_cached_key(|job| job.lane.name());
        let now = self.instance.clock.now();
        for job in jobs {
            let is_due = job.due <= now;
            statements.add_job(self.to_new_row(job).into_statement(), is_due);
        }
        statements
    }

    /// Lets all look for what has come.
    async fn announce_written(&self, written: Written) {
        if written.has_due_work {
            self.announce_work().await;
        } else if written.has_later_work {
            // Whoever waits in this process waits for what was due before.
            self.watch.wake.notify_one();
        }
    }

    /// Erases some rows after the other until there are none left, so that nobody waits long behind
    /// it. Says whether there were any.
    async fn erase_in_batches(&self, sql: &'static str, before: Timestamp) -> Result<bool> {
        let mut has_erased = false;
        while !self.database.query("", sql, &[&before.as_millisecond()]).await?.is_empty() {
            has_erased = true;
        }
        Ok(has_erased)
    }

    /// What was erased is in the tables until they are vacuumed.
    async fn remove_traces(&self) -> Result<()> {
        let sql = "VACUUM item, step, ticket, first_words, drawn_card, assignment, message, twin";
        self.database.run_long(sql).await
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
