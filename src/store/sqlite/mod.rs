//! The memory of one process, in a SQLite file.
//!
//! One connection writes (`writer`), two read. Leases are not in the file (`leases`): one
//! process serves it at a time, see [`Options::exclusive`]; others may look into it and revive or
//! skip what is parked.
//!
//! Durability: an accepted event is committed with `synchronous = FULL`. What is soft goes to the
//! write-ahead log without waiting for the disk, unless the loss of it could not be noticed
//! (`boot`).

mod boot;
mod items;
mod leases;
mod slots;
mod steps;
#[cfg(test)]
mod tests;
mod tickets;
mod writer;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, Notify};

use self::leases::Leases;
use self::writer::{Settings, Writer};
use super::row::{self, TicketRow};
use super::{
    Accepted, Begun, Depth, Error, ItemId, Lane, Lease, Link, NewItem, Pace, Parked, Result,
    Source, Store, Verdict,
};
use crate::clock::Clock;
use crate::model::{BotName, ChannelId, MessageTs, Ticket, TicketId};

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/sqlite/migrations");

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read. Reads are short and the files small: more would only cost memory.
const READERS: u32 = 2;

/// Memory for pages of the file, per connection; negative means KiB.
const CACHE: &str = "-1024";

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Tells when an item was finished and when a lane is due at once.
    pub clock: Clock,
    /// Whether to be the only one that serves this file: a second one is refused. Those who do
    /// not claim need not ask for it.
    pub exclusive: bool,
    /// The id of this start of the machine. With `None`, no write is soft and everything that is
    /// unfinished is in doubt.
    pub boot_id: Option<String>,
}

impl Options {
    /// Shared, on the machine as it is.
    pub fn new(clock: Clock) -> Self {
        Self { clock, exclusive: false, boot_id: boot::current_id() }
    }
}

/// [`Store`] in a SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    leases: Mutex<Leases>,
    wake: Arc<Notify>,
    clock: Clock,
    lock: Option<File>,
}

impl SqliteStore {
    /// Opens the database at `url` (`sqlite://path`), makes it if it is missing and brings its
    /// tables up to date.
    pub async fn open(url: &str, options: Options) -> Result<Self> {
        let connect = url
            .parse::<SqliteConnectOptions>()?
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("cache_size", CACHE);
        let lock = options.exclusive.then(|| lock(connect.get_filename())).transpose()?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(connect.clone().read_only(true));
        let connect = connect
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = connect.connect().await?;
        MIGRATIONS.run(&mut connection).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        boot::notice(&mut transaction, options.boot_id.as_deref()).await?;
        transaction.commit().await?;

        let wake = Arc::new(Notify::new());
        let soft = options.boot_id.is_some();
        let settings = Settings { connect, soft, wake: Arc::clone(&wake) };
        Ok(Self {
            writer: Writer::start(connection, settings),
            readers,
            leases: Mutex::default(),
            wake,
            clock: options.clock,
            lock,
        })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }
}

/// Locks a file next to the database; the lock ends with the process or with the handle.
fn lock(database: &Path) -> Result<File> {
    let path = database.with_added_extension("lock");
    let file = File::create(&path).map_err(sqlx::Error::Io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path }),
        Err(TryLockError::Error(error)) => Err(sqlx::Error::Io(error).into()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn accept(&self, item: NewItem) -> Result<Accepted> {
        self.writer.accept(item).await
    }

    async fn has_accepted(&self, source: Source, key: &str) -> Result<bool> {
        items::has_accepted(&self.readers, source.name(), key).await
    }

    async fn claim(&self, limit: usize, lease: Duration, now: Timestamp) -> Result<Vec<Lease>> {
        // Held from before the read until the leases are entered: otherwise a lane could be given
        // back, changed and leased again in between, and what was read would be of the past.
        let mut leases = self.leases.lock().await;
        leases.expire(now);
        let taken = leases.taken(now);
        let heads = items::claim(&self.readers, now.as_millisecond(), taken, limit).await?;
        let until = now + lease;
        Ok(heads.into_iter().map(|(lane, items)| leases.enter(lane, items, until)).collect())
    }

    async fn settle(&self, lease: &Lease, items: &[ItemId], verdict: Verdict) -> Result<()> {
        self.leases.lock().await.check(lease)?;
        let (lane, items, now) = (lease.lane.clone(), items.to_vec(), self.now());
        self.writer
            .write(move |tx| {
                Box::pin(async move { items::settle(tx, lane, &items, verdict, now).await })
            })
            .await
    }

    async fn release(&self, lease: Lease, due: Option<Timestamp>) -> Result<()> {
        self.leases.lock().await.check(&lease)?;
        let due = due.map_or_else(|| self.now(), Timestamp::as_millisecond);
        let lane = lease.lane.clone();
        self.writer
            .write(move |tx| Box::pin(async move { items::set_due(tx, &lane, due).await }))
            .await?;
        // Only now: who claims next must find the lane as it was left, and who was woken before
        // would have found it taken.
        self.leases.lock().await.leave(&lease);
        self.wake.notify_one();
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let now = self.clock.now();
        let (taken, lease_end) = {
            let leases = self.leases.lock().await;
            (leases.taken(now), leases.next_end(now))
        };
        let due = items::next_due(&self.readers, taken).await?.map(row::timestamp).transpose()?;
        Ok(due.into_iter().chain(lease_end).min())
    }

    async fn begin(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
    ) -> Result<Begun> {
        let (step, channel) = (step.to_owned(), channel.cloned());
        self.writer
            .write(move |tx| {
                Box::pin(async move {
                    let channel = channel.as_ref().map(ChannelId::as_str);
                    steps::begin(tx, item, &step, channel, now.as_millisecond()).await
                })
            })
            .await
    }

    async fn begin_again(&self, item: ItemId, step: &str, now: Timestamp) -> Result<()> {
        let (step, now) = (step.to_owned(), now.as_millisecond());
        self.writer
            .write(move |tx| {
                Box::pin(async move { steps::begin_again(tx, item, &step, now).await })
            })
            .await
    }

    async fn record(&self, item: ItemId, step: &str, result: &str) -> Result<()> {
        let (step, result) = (step.to_owned(), result.to_owned());
        self.writer
            .write(move |tx| Box::pin(async move { steps::record(tx, item, &step, &result).await }))
            .await
    }

    async fn forget(&self, item: ItemId, step: &str) -> Result<()> {
        let step = step.to_owned();
        self.writer
            .write(move |tx| Box::pin(async move { steps::forget(tx, item, &step).await }))
            .await
    }

    async fn steps(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>> {
        steps::all(&self.readers, item).await
    }

    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool> {
        steps::is_posting(&self.readers, channel.as_str(), before.as_millisecond()).await
    }

    async fn put_ticket(&self, ticket: &Ticket) -> Result<()> {
        let row = TicketRow::from(ticket);
        self.writer.write(move |tx| Box::pin(tickets::put(tx, row))).await
    }

    async fn keep_first_words(&self, ticket: &TicketId, words: &str) -> Result<()> {
        let (ticket, words) = (ticket.to_string(), words.to_owned());
        self.writer.write(move |tx| Box::pin(tickets::keep_first_words(tx, ticket, words))).await
    }

    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>> {
        tickets::first_words(&self.readers, ticket).await
    }

    async fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>> {
        tickets::get(&self.readers, id).await?.map(Ticket::try_from).transpose()
    }

    async fn ticket_by_number(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        let row = tickets::by_number(&self.readers, bot.as_str(), number).await?;
        row.map(Ticket::try_from).transpose()
    }

    async fn latest_ticket_of(&self, customer: &str, except: &TicketId) -> Result<Option<Ticket>> {
        let row = tickets::latest_of(&self.readers, customer, except).await?;
        row.map(Ticket::try_from).transpose()
    }

    async fn tickets_of(
        &self,
        customer: &str,
        except: &TicketId,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        let rows = tickets::all_of(&self.readers, customer, except, limit).await?;
        rows.into_iter().map(Ticket::try_from).collect()
    }

    async fn ticket_after(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        let row = tickets::after(&self.readers, bot.as_str(), number).await?;
        row.map(Ticket::try_from).transpose()
    }

    async fn find_tickets(&self, text: &str, limit: u32) -> Result<Vec<Ticket>> {
        let rows = tickets::find(&self.readers, text, limit).await?;
        rows.into_iter().map(Ticket::try_from).collect()
    }

    async fn open_tickets(&self) -> Result<Vec<Ticket>> {
        tickets::open(&self.readers).await?.into_iter().map(Ticket::try_from).collect()
    }

    async fn link(&self, link: Link) -> Result<()> {
        self.writer.write_and_wake(move |tx| Box::pin(tickets::link(tx, link))).await
    }

    async fn linked(&self, channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>> {
        let row = tickets::linked(&self.readers, channel.as_str(), ts.as_str()).await?;
        row.map(Link::try_from).transpose()
    }

    async fn links_of(&self, ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>> {
        let rows = tickets::links_of(&self.readers, ticket, blip_id).await?;
        rows.into_iter().map(Link::try_from).collect()
    }

    async fn blip_ids_of(&self, ticket: &TicketId) -> Result<Vec<String>> {
        tickets::blip_ids_of(&self.readers, ticket).await
    }

    async fn reserve_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let (lane, channel) = (lane.to_owned(), channel.clone());
        let now = now.as_millisecond();
        let at = self
            .writer
            .write(move |tx| {
                Box::pin(
                    async move { slots::reserve(tx, &lane, channel.as_str(), pace, now).await },
                )
            })
            .await?;
        row::timestamp(at)
    }

    async fn use_slot(&self, lane: &str) -> Result<()> {
        let lane = lane.to_owned();
        self.writer.write(move |tx| Box::pin(async move { slots::use_up(tx, &lane).await })).await
    }

    async fn hold_channel(&self, channel: &ChannelId, until: Timestamp) -> Result<()> {
        let (channel, until) = (channel.clone(), until.as_millisecond());
        self.writer
            .write(move |tx| {
                Box::pin(async move { slots::hold(tx, channel.as_str(), until).await })
            })
            .await
    }

    async fn parked(&self, ticket: Option<&TicketId>) -> Result<Vec<Parked>> {
        let lane = ticket.map(|ticket| Lane::Ticket(ticket.clone()).name());
        let rows = items::parked(&self.readers, lane).await?;
        rows.into_iter().map(Parked::try_from).collect()
    }

    async fn revive(&self, item: ItemId, now: Timestamp) -> Result<bool> {
        let now = now.as_millisecond();
        self.writer.write_and_wake(move |tx| Box::pin(items::revive(tx, item, now))).await
    }

    async fn skip(&self, item: ItemId) -> Result<bool> {
        let now = self.now();
        self.writer.write(move |tx| Box::pin(items::skip(tx, item, now))).await
    }

    async fn depth(&self) -> Result<Depth> {
        let (waiting, parked, oldest) = items::depth(&self.readers).await?;
        Ok(Depth {
            waiting: waiting.cast_unsigned(),
            parked: parked.cast_unsigned(),
            oldest: oldest.map(row::timestamp).transpose()?,
        })
    }

    async fn clean(&self, bodies: Timestamp, keys: Timestamp) -> Result<()> {
        let (bodies, keys) = (bodies.as_millisecond(), keys.as_millisecond());
        while self.writer.write(move |tx| Box::pin(items::erase_bodies(tx, bodies))).await? {}
        while self.writer.write(move |tx| Box::pin(items::forget(tx, keys))).await? {}
        self.writer.write(move |tx| Box::pin(tickets::erase_first_words(tx, bodies))).await?;
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        let now = self.clock.now().to_string();
        self.writer.write(move |tx| Box::pin(boot::note_check(tx, now))).await
    }

    async fn wake(&self) {
        self.wake.notified().await;
    }

    async fn close(&self) {
        // Readers first: the last connection to close folds the log into the database.
        self.readers.close().await;
        self.writer.close().await;
        if let Some(lock) = &self.lock {
            // It ends with the process anyway.
            lock.unlock().ok();
        }
    }
}
