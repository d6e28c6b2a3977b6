//! The memory of one process, in a SQLite file.
//!
//! One thread has the connection (`database`), another one waits for the disk (`disk`), and one
//! tidies up behind them (`checkpoint`). Leases are not in the file (`leases`): one process serves it at a
//! time, see [`SqliteOptions::exclusive`]; others may look into it and revive or skip what is parked.
//!
//! Durability: whoever accepts an event is answered after the write-ahead log was synced, as with
//! `synchronous = FULL`. Meanwhile the event may be leased, but no call begins before it is on the
//! disk (`unsynced`). What is soft is answered as soon as it is in the log, unless the loss of it
//! could not be noticed (`boot`).

mod backup;
mod boot;
mod checkpoint;
mod columns;
mod connection;
mod copy;
mod database;
mod disk;
mod erased;
mod erased_ids;
mod files;
mod inspect;
mod item_ids;
mod items;
mod leases;
mod privacy;
mod queue;
mod slots;
mod sql;
mod steps;
#[cfg(test)]
mod tests;
mod ticket_cache;
mod tickets;
mod turns;
mod unsynced;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

pub use self::backup::back_up;
use self::checkpoint::Checkpointer;
pub(crate) use self::connection::parse_url;
pub(super) use self::copy::{CopySource, read_batch};
use self::database::{Durability, Transaction, WriterThread};
pub(crate) use self::inspect::inspect_database;
use self::item_ids::ItemIds;
use self::queue::ItemQueue;
use self::ticket_cache::TicketCache;
use super::row::{self, TicketRow};
use super::{
    Accepted, CallState, CallTry, Cutoffs, DrawnCard, Ending, Error, InboxDepth, ItemId,
    KeptTicket, KnownReplies, Lane, Lease, Link, NewItem, ParkedItem, Places, PostRate, Result,
    Source, Store, Turn, TurnPass, TurnRequest, Writes,
};
use crate::clock::Clock;
use crate::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Tells when an item was finished and when a lane is due at once.
    pub clock: Clock,
    /// Whether to be the only one that serves this file: a second one is refused. Those who only
    /// look need not ask for it.
    pub exclusive: bool,
    /// Whether to make the database if it is missing. Who does not has to be its owner, too.
    pub create: bool,
    /// The id of this start of the machine. With `None`, no write is soft and everything that is
    /// unfinished is in doubt.
    pub boot_id: Option<String>,
}

impl SqliteOptions {
    /// Shared, on the machine as it is.
    pub fn new(clock: Clock) -> Self {
        Self { clock, exclusive: false, create: true, boot_id: boot::read_boot_id() }
    }
}

/// [`Store`] in a SQLite file.
pub struct SqliteStore {
    database: Arc<WriterThread>,
    queue: ItemQueue,
    tickets: Arc<TicketCache>,
    clock: Clock,
    lock: Option<File>,
}

impl SqliteStore {
    /// Opens the database at `url` (`sqlite://path`), makes it if it is missing and brings its
    /// tables up to date.
    pub async fn open(url: &str, options: SqliteOptions) -> Result<Self> {
        let (path, clock) = (parse_url(url), options.clock.clone());
        // It may have to wait for another process, or for the disk.
        let start = tokio::task::spawn_blocking(move || Self::open_database(&path, &options));
        let (database, lock) = start.await.map_err(std::io::Error::from)??;
        // What the last process committed and had no time to wait for.
        database.sync_log().await?;
        let database = Arc::new(database);
        let item_ids = match &lock {
            Some(_) => Some(database.run_read(ItemIds::read).await?),
            None => None,
        };
        let tickets = Arc::default();
        let queue = ItemQueue::new(&database, clock.clone(), item_ids, &tickets);
        Ok(Self { database, queue, tickets, clock, lock })
    }

    fn open_database(path: &Path, options: &SqliteOptions) -> Result<(WriterThread, Option<File>)> {
        let path = if options.create {
            files::create_database(path)?
        } else {
            files::find_owned_database(path)?
        };
        let start = || {
            let mut connection = connection::open_own_file(&path, options.create)?;
            let lock = options.exclusive.then(|| files::lock_database(&path)).transpose()?;
            files::make_files_private(&path);
            connection::prepare_connection(&mut connection, options.boot_id.as_deref())?;
            if options.exclusive {
                copy::refuse_if_moved(&connection)?;
                erased::rewrite_if_never(&connection, options.clock.now().as_millisecond());
            }
            let (fold, sync) = (Checkpointer::start(&path)?, disk::open_log_sync(&path)?);
            Ok((WriterThread::start(connection, fold, sync, options.boot_id.is_some())?, lock))
        };
        start().map_err(|error: Error| error.in_file(&path))
    }

    fn now_millis(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Erases some rows after the other until there are none left, so that nobody waits long behind
    /// it. `erase` says how many there were. Says whether there were any.
    async fn erase_in_batches(
        &self,
        erase: impl Fn(&Transaction<'_>) -> Result<usize> + Clone + Send + 'static,
    ) -> Result<bool> {
        let mut has_erased = false;
        loop {
            let erase = erase.clone();
            if self.database.run_write(move |tx: &Transaction<'_>| erase(tx)).await? == 0 {
                return Ok(has_erased);
            }
            has_erased = true;
        }
    }

    async fn query_ticket(
        &self,
        read: impl FnOnce(&Connection) -> Result<Option<TicketRow>> + Send + 'static,
    ) -> Result<Option<Ticket>> {
        self.database.run_read(read).await?.map(Ticket::try_from).transpose()
    }

    async fn query_tickets(
        &self,
        read: impl FnOnce(&Connection) -> Result<Vec<TicketRow>> + Send + 'static,
    ) -> Result<Vec<Ticket>> {
        self.database.run_read(read).await?.into_iter().map(Ticket::try_from).collect()
    }
}

/// The true path of the database at `url`, which must be there and belong to whoever asks.
pub(crate) fn owned_path(url: &str) -> Result<PathBuf> {
    files::find_owned_database(&parse_url(url))
}

#[async_trait]
impl Store for SqliteStore {
    async fn accept(&self, item: NewItem) -> Result<Accepted> {
        self.queue.accept_item(item).await
    }

    async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        self.queue.lease_lanes(places, lease, now).await
    }

    async fn commit(&self, lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()> {
        self.queue.commit(lease, ending, writes).await
    }

    async fn write(&self, writes: &Writes) -> Result<()> {
        self.queue.write(writes).await
    }

    async fn next_due(&self, places: Places) -> Result<Option<Timestamp>> {
        self.queue.find_next_due(places).await
    }

    async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
        first: &Writes,
    ) -> Result<CallState> {
        self.queue.begin_call(item, step, channel, now, first).await
    }

    async fn find_accepted(&self, source: Source, prefixes: &[String]) -> Result<Vec<bool>> {
        let prefixes = prefixes.to_vec();
        let find = move |db: &Connection| {
            let find = |prefix: &String| items::has_key_prefix(db, source.name(), prefix);
            prefixes.iter().map(find).collect()
        };
        self.database.run_read(find).await
    }

    async fn greatest_key(
        &self,
        source: Source,
        prefix: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        let prefix = prefix.to_owned();
        let found = move |db: &Connection| items::read_greatest_key(db, source.name(), &prefix);
        let found = self.database.run_read(found).await?;
        found.map(|(key, received)| Ok((key, row::parse_timestamp(received)?))).transpose()
    }

    async fn touch_call(&self, item: ItemId, step: &str, last_try: CallTry) -> Result<()> {
        self.queue.touch_call(item, step, last_try.time()).await
    }

    async fn forget_calls(&self, item: ItemId, steps: &[&str]) -> Result<()> {
        self.queue.forget_calls(item, steps).await
    }

    async fn calls_of(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>> {
        self.database.run_read(move |db| steps::read_calls(db, item)).await
    }

    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool> {
        let (channel, before) = (channel.clone(), before.as_millisecond());
        self.database.run_read(move |db| steps::has_begun_post(db, channel.as_str(), before)).await
    }

    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>> {
        let ticket = ticket.clone();
        self.database.run_read(move |db| tickets::read_first_words(db, &ticket)).await
    }

    async fn drawn_card(&self, ticket: &TicketId) -> Result<Option<DrawnCard>> {
        let ticket = ticket.clone();
        self.database.run_read(move |db| tickets::read_drawn_card(db, &ticket)).await
    }

    async fn load_ticket(&self, id: &TicketId) -> Result<Option<Ticket>> {
        if let Some(ticket) = self.tickets.get(id) {
            return Ok(Some(ticket));
        }
        let (id, known) = (id.clone(), Arc::clone(&self.tickets));
        let get = move |db: &Connection| {
            let ticket = tickets::read_ticket(db, &id)?.map(Ticket::try_from).transpose()?;
            if let Some(ticket) = &ticket {
                known.insert(ticket.clone());
            }
            Ok(ticket)
        };
        self.database.run_read(get).await
    }

    async fn ticket_by_number(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        let bot = bot.clone();
        self.query_ticket(move |db| tickets::read_by_number(db, bot.as_str(), number)).await
    }

    async fn latest_ticket_of(&self, customer: &str, except: &TicketId) -> Result<Option<Ticket>> {
        let (customer, except) = (customer.to_owned(), except.clone());
        self.query_ticket(move |db| tickets::read_latest_of(db, &customer, &except)).await
    }

    async fn tickets_of(
        &self,
        customer: &str,
        except: &TicketId,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        let (customer, except) = (customer.to_owned(), except.clone());
        self.query_tickets(move |db| tickets::read_all_of(db, &customer, &except, limit)).await
    }

    async fn ticket_after(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        let bot = bot.clone();
        self.query_ticket(move |db| tickets::read_successor(db, bot.as_str(), number)).await
    }

    async fn find_tickets(&self, text: &str, limit: u32) -> Result<Vec<Ticket>> {
        let text = text.to_owned();
        self.query_tickets(move |db| tickets::search_tickets(db, &text, limit)).await
    }

    async fn open_tickets(&self) -> Result<Vec<Ticket>> {
        self.query_tickets(tickets::read_open_tickets).await
    }

    async fn closed_tickets(&self, since: Timestamp) -> Result<Vec<Ticket>> {
        let since = since.as_millisecond();
        self.query_tickets(move |db| tickets::read_closed_since(db, since)).await
    }

    async fn customer_tickets(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        let customer = customer.clone();
        self.database.run_read(move |db| privacy::find_customer_tickets(db, &customer)).await
    }

    async fn load_kept_ticket(&self, ticket: &TicketId) -> Result<KeptTicket> {
        let ticket = ticket.clone();
        self.database.run_read(move |db| privacy::read_kept_ticket(db, &ticket)).await
    }

    async fn erase_customer(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        let (customer, known, now) =
            (customer.clone(), Arc::clone(&self.tickets), self.now_millis());
        let erase = move |tx: &Transaction<'_>| {
            let erased = privacy::delete_customer(tx, &customer, now)?;
            let (known, ids) = (Arc::clone(&known), erased.clone());
            tx.on_commit(move || known.remove_all(&ids));
            Ok(erased)
        };
        let erased = self.database.run_write(erase).await?;
        self.database.run_alone(move |db| erased::rewrite_database(db, now)).await?;
        Ok(erased)
    }

    async fn erased_at(&self, ticket: &TicketId) -> Result<Option<Timestamp>> {
        let ticket = ticket.clone();
        let at = self.database.run_read(move |db| erased_ids::read_erased_at(db, &ticket)).await?;
        at.map(row::parse_timestamp).transpose()
    }

    async fn has_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<bool> {
        let (lane, key) = (lane.name(), key.to_owned());
        let has_waiting = move |db: &Connection| items::has_waiting(db, &lane, source.name(), &key);
        self.database.run_read(has_waiting).await
    }

    async fn count_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<u64> {
        let (lane, key) = (lane.name(), key.to_owned());
        let count = move |db: &Connection| items::count_waiting(db, &lane, source.name(), &key);
        self.database.run_read(count).await.map(i64::cast_unsigned)
    }

    async fn has_begun(&self, lane: &Lane, steps: &[&str]) -> Result<bool> {
        let (lane, names) = (lane.name(), serde_json::json!(steps).to_string());
        self.database.run_read(move |db| steps::has_begun(db, &lane, &names)).await
    }

    async fn held_replies(&self, ticket: &TicketId, before: &MessageTs) -> Result<Vec<Link>> {
        let (ticket, before) = (ticket.clone(), before.clone());
        let rows =
            self.database.run_read(move |db| tickets::read_held(db, &ticket, &before)).await?;
        rows.into_iter().map(Link::try_from).collect()
    }

    async fn has_words_after(&self, ticket: &TicketId, ts: &MessageTs) -> Result<bool> {
        let (ticket, ts) = (ticket.clone(), ts.clone());
        self.database.run_read(move |db| tickets::has_words_after(db, &ticket, &ts)).await
    }

    async fn find_link(&self, channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>> {
        let (channel, ts) = (channel.clone(), ts.clone());
        let linked = move |db: &Connection| tickets::read_link(db, channel.as_str(), ts.as_str());
        self.database.run_read(linked).await?.map(Link::try_from).transpose()
    }

    async fn links_of(&self, ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>> {
        let (ticket, blip_id) = (ticket.clone(), blip_id.to_owned());
        let rows =
            self.database.run_read(move |db| tickets::read_links(db, &ticket, &blip_id)).await?;
        rows.into_iter().map(Link::try_from).collect()
    }

    async fn blip_ids_of(&self, ticket: &TicketId) -> Result<Vec<String>> {
        let ticket = ticket.clone();
        self.database.run_read(move |db| tickets::read_blip_ids(db, &ticket)).await
    }

    async fn known_replies(
        &self,
        channel: &ChannelId,
        since: &MessageTs,
    ) -> Result<Vec<KnownReplies>> {
        let (channel, since) = (channel.clone(), since.clone());
        let known = move |db: &Connection| tickets::read_known_replies(db, &channel, &since);
        let rows = self.database.run_read(known).await?;
        rows.into_iter().map(KnownReplies::try_from).collect()
    }

    async fn has_replies(
        &self,
        ticket: &TicketId,
        thread: &Thread,
        gone: Option<&MessageTs>,
    ) -> Result<bool> {
        let (ticket, thread, gone) = (ticket.clone(), thread.clone(), gone.cloned());
        let has_replies =
            move |db: &Connection| tickets::has_linked_replies(db, &ticket, &thread, gone.as_ref());
        self.database.run_read(has_replies).await
    }

    async fn count_unanswered(&self, ticket: &TicketId) -> Result<u64> {
        let ticket = ticket.clone();
        let count = move |db: &Connection| tickets::count_unanswered(db, &ticket);
        self.database.run_read(count).await.map(i64::cast_unsigned)
    }

    async fn rename_channel(&self, later: &ChannelId, first: &ChannelId) -> Result<()> {
        let (later, first) = (later.clone(), first.clone());
        let rename = move |tx: &Transaction<'_>| tickets::insert_channel_rename(tx, &later, &first);
        let durable = |(), certain: Result<()>| certain;
        self.database.write_then(Durability::Hard, rename, durable).await
    }

    async fn renamed_channels(&self) -> Result<Vec<(ChannelId, ChannelId)>> {
        let rows = self.database.run_read(tickets::read_channel_renames).await?;
        rows.iter()
            .map(|(later, first)| Ok((row::parse_channel(later)?, row::parse_channel(first)?)))
            .collect()
    }

    async fn take_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
        pace: PostRate,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let (lane, channel) = (lane.to_owned(), channel.clone());
        let now = now.as_millisecond();
        let take =
            move |tx: &Transaction<'_>| slots::reserve_slot(tx, &lane, channel.as_str(), pace, now);
        row::parse_timestamp(self.database.run_write(take).await?)
    }

    async fn hold_channel(
        &self,
        refused: ItemId,
        channel: &ChannelId,
        pace: PostRate,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let (channel, times) = (channel.clone(), (until.as_millisecond(), now.as_millisecond()));
        let hold = move |tx: &Transaction<'_>| {
            slots::shift_slots(tx, refused, channel.as_str(), pace, times)
        };
        self.database.run_write(hold).await
    }

    async fn take_turn(&self, ticket: &TicketId, wanted: &TurnRequest) -> Result<Option<Turn>> {
        let (ticket, wanted) = (ticket.clone(), wanted.clone());
        self.database.run_write(move |tx| turns::take_turn(tx, &ticket, &wanted)).await
    }

    async fn pass_turn(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        pass: TurnPass,
        now: Timestamp,
    ) -> Result<()> {
        let (ticket, agent, how) = (ticket.clone(), agent.clone(), (pass, now.as_millisecond()));
        self.database.run_write(move |tx| turns::pass_turn(tx, &ticket, &agent, how)).await
    }

    async fn has_written_after(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        ts: &MessageTs,
    ) -> Result<bool> {
        let (ticket, agent, ts) = (ticket.clone(), agent.clone(), ts.clone());
        let written = move |db: &Connection| turns::has_written_after(db, &ticket, &agent, &ts);
        self.database.run_read(written).await
    }

    async fn parked_items(&self, ticket: Option<&TicketId>) -> Result<Vec<ParkedItem>> {
        let lanes = ticket.map(|ticket| Lane::both_of(ticket).map(|lane| lane.name()));
        let rows = self.database.run_read(|db| items::read_parked(db, lanes)).await?;
        rows.into_iter().map(ParkedItem::try_from).collect()
    }

    async fn parked_body(&self, item: ItemId) -> Result<Option<Vec<u8>>> {
        self.database.run_read(move |db| items::read_parked_body(db, item)).await
    }

    async fn retry_parked(&self, item: ItemId, now: Timestamp) -> Result<bool> {
        let revive = move |tx: &Transaction<'_>| {
            let lane = items::unpark_item(tx, item, now.as_millisecond())?;
            Ok(lane.into_iter().collect())
        };
        self.queue.reorder_lanes(revive).await
    }

    async fn skip_parked(&self, item: ItemId) -> Result<bool> {
        let now = self.now_millis();
        self.database.run_write(move |tx| items::finish_parked(tx, item, now)).await
    }

    async fn inbox_depth(&self) -> Result<InboxDepth> {
        self.database.run_read(items::read_depth).await
    }

    async fn erase_expired(&self, before: Cutoffs) -> Result<()> {
        let Cutoffs { bodies, tickets, keys } = before;
        let [bodies, tickets, keys] = [bodies, tickets, keys].map(Timestamp::as_millisecond);
        let known = Arc::clone(&self.tickets);
        let erased = [
            self.erase_in_batches(move |tx| items::erase_bodies(tx, bodies)).await?,
            self.erase_in_batches(move |tx| items::delete_finished(tx, keys)).await?,
            self.erase_in_batches(move |tx| tickets::erase_first_words(tx, bodies)).await?,
            self.erase_in_batches(move |tx| erased_ids::delete_old_hashes(tx, keys)).await?,
            self.erase_in_batches(move |tx| items::expire_parked(tx, tickets)).await?,
            self.erase_in_batches(move |tx| {
                let forgotten = tickets::delete_old_tickets(tx, tickets)?;
                let (known, count) = (Arc::clone(&known), forgotten.len());
                tx.on_commit(move || known.remove_all(&forgotten));
                Ok(count)
            })
            .await?,
        ];
        let (has_erased, now) = (erased.contains(&true), self.now_millis());
        self.database.run_alone(move |db| erased::remove_traces(db, has_erased, now)).await
    }

    async fn read_fact(&self, name: &str) -> Result<Option<String>> {
        let key = row::fact_key(name);
        self.database.run_read(move |connection| boot::read_meta(connection, &key)).await
    }

    async fn put_fact(&self, name: &str, value: Option<&str>) -> Result<()> {
        let (key, value) = (row::fact_key(name), value.map(str::to_owned));
        self.database.run_write(move |tx| boot::put_meta(tx, &key, value.as_deref())).await
    }

    async fn check_health(&self) -> Result<()> {
        if self.database.is_damaged() {
            return Err(Error::Damaged);
        }
        let now = self.clock.now().to_string();
        self.database.run_write(move |tx| boot::put_meta(tx, "checked", Some(&now))).await?;
        self.has_accepted(Source::Blip, "readiness").await?;
        self.open_tickets().await?;
        self.next_due(Places::any(1)).await?;
        self.inbox_depth().await.map(drop)
    }

    async fn wait_for_work(&self) {
        self.queue.wait_for_work().await;
    }

    async fn close(&self) {
        self.database.close().await;
        if let Some(lock) = &self.lock {
            // It ends with the process anyway.
            lock.unlock().ok();
        }
    }
}
