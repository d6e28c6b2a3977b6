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
mod items;
mod leases;
mod migrate;
mod privacy;
mod slots;
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

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::accept::{AcceptQueue, Inserted, NewRow};
use self::connect::DatabaseServer;
pub(super) use self::copy::CopyTarget;
use self::database::Database;
use self::leases::HeldLeases;
use self::watch::{INSTANCE_TERM, Instance, Watch};
use self::writes::{WriteStatements, Written};
use super::row;
use super::{
    Accepted, CallState, CallTry, Cutoffs, DatabaseFacts, DrawnCard, Ending, Error, InboxDepth,
    ItemId, KeptTicket, KnownReplies, Lane, LaneRelease, Lease, Link, NewItem, ParkedItem, Places,
    PostRate, Result, Source, Store, Turn, TurnPass, TurnRequest, Writes, erasure,
};
use crate::clock::Clock;
use crate::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};

/// How many groups of events may be committed at a time: one is on its way while another one waits
/// for the disk.
const DOOR_WRITERS: usize = 2;
/// The same for what the bridge sets itself to do.
const JOB_WRITERS: usize = 2;

/// How long after it was asked for a call may be made without another note of when.
const MAX_CALL_DELAY: SignedDuration = SignedDuration::from_millis(100);

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

/// [`Store`] in a PostgreSQL database.
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

    /// This time, if this process is to tell it.
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
        let mut statements = WriteStatements::new(writes, own_lane, given, |ticket| {
            erasure::hash_ticket(salt, ticket).into()
        });
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

#[async_trait]
impl Store for PostgresStore {
    async fn accept(&self, item: NewItem) -> Result<Accepted> {
        self.refuse_if_closed()?;
        let queue = if item.source == Source::Internal { &self.jobs } else { &self.doors };
        let is_due = item.due <= self.instance.clock.now();
        let inserted = queue.accept(self.to_new_row(item)).await?;
        if inserted == Inserted::NewInIdleLane {
            if is_due {
                self.announce_work().await;
            } else {
                // Whoever waits in this process waits for what was due before.
                self.watch.wake.notify_one();
            }
        }
        Ok(match inserted {
            Inserted::Repeat => Accepted::Repeat,
            Inserted::New | Inserted::NewInIdleLane => Accepted::New,
        })
    }

    async fn has_accepted(&self, source: Source, key: &str) -> Result<bool> {
        items::has_key_prefix(&self.database, source.name(), key).await
    }

    async fn greatest_key(
        &self,
        source: Source,
        prefix: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        let (given, now) = (self.instance.given_time(), self.now_millis());
        let found = items::read_greatest_key(&self.database, given, source.name(), prefix).await?;
        let read = |(key, received_in): (String, i64)| {
            Ok((key, row::parse_timestamp(now.saturating_add(received_in))?))
        };
        found.map(read).transpose()
    }

    async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        if self.watch.is_clock_off() {
            return Ok(Vec::new());
        }
        let _turn = self.leasing.lock().await;
        let today = self.instance.clock.now();
        let taken = {
            let mut held = self.held();
            held.drop_expired(today);
            held.lanes(today)
        };
        let term = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let times = (self.millis_until(now), term);
        let leased =
            items::lease_lanes(&self.database, &self.instance, times, &taken, places).await?;
        let mut held = self.held();
        let until = today + lease;
        let to_lease = |(lane, token, items)| {
            let lease = Lease { lane, token, until, items };
            held.add_lease(&lease);
            lease
        };
        Ok(leased.into_iter().map(to_lease).collect())
    }

    async fn commit(&self, lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()> {
        self.held().check_lease(lease)?;
        let statements = self.to_statements(writes, Some(&lease.lane));
        let committed = writes::commit(&self.database, &self.instance, (lease, ending), statements);
        let committed = committed.await;
        let is_over = matches!(committed, Ok(_) | Err(Error::LeaseLost { .. }));
        if ending.release != LaneRelease::Keep && is_over {
            // Only now: until then nobody in this process is to have it.
            self.held().release_lease(lease);
            self.watch.wake.notify_one();
        }
        self.announce_written(committed?).await;
        Ok(())
    }

    async fn write(&self, writes: &Writes) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let statements = self.to_statements(writes, None);
        let written = writes::write_all(&self.database, statements).await?;
        self.announce_written(written).await;
        Ok(())
    }

    async fn next_due(&self, places: Places) -> Result<Option<Timestamp>> {
        let now = self.instance.clock.now();
        let (taken, lease_end) = {
            let held = self.held();
            (held.lanes(now), held.next_expiry(now))
        };
        let given = self.instance.given_time();
        let due_in = items::read_next_due(&self.database, given, &taken, places).await?;
        let to_time =
            |due_in: i64| row::parse_timestamp(now.as_millisecond().saturating_add(due_in));
        Ok(due_in.map(to_time).transpose()?.into_iter().chain(lease_end).min())
    }

    async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
        first: &Writes,
    ) -> Result<CallState> {
        let (token, lane) = {
            let held = self.held();
            let token = held.token_of(item)?;
            (token, held.lane_of(token))
        };
        let asked = self.instance.clock.now();
        let call = items::NewCall { item, token, step, channel, now: now.as_millisecond() };
        let first = self.to_statements(first, lane.as_deref());
        let begun = items::mark_begun(&self.database, &self.instance, call, first).await;
        let (begun, written) = begun?;
        self.announce_written(written).await;
        let now = self.instance.clock.now();
        if begun == CallState::Fresh && now.duration_since(asked) > MAX_CALL_DELAY {
            // The call is made only now, and that is what counts when it is looked for.
            self.touch_call(item, step, CallTry::Begun(now)).await?;
        }
        Ok(begun)
    }

    async fn touch_call(&self, item: ItemId, step: &str, last_try: CallTry) -> Result<()> {
        let (token, time) = (self.held().token_of(item)?, last_try.time());
        let times = match self.given(time) {
            Some(given) => (Some(given), 0),
            None => (None, self.millis_until(time)),
        };
        let has_ended = matches!(last_try, CallTry::Ended(_));
        items::update_tried(&self.database, (item, token), step, (times, has_ended)).await
    }

    async fn record_call_result(&self, item: ItemId, step: &str, result: &str) -> Result<()> {
        let token = self.held().token_of(item).ok();
        items::write_result(&self.database, (item, token), step, result).await
    }

    async fn forget_call(&self, item: ItemId, step: &str) -> Result<()> {
        // Without a lease there is nothing of ours to forget.
        let Ok(token) = self.held().token_of(item) else { return Ok(()) };
        items::delete_call(&self.database, (item, token), step).await
    }

    async fn calls_of(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>> {
        items::read_calls(&self.database, item).await
    }

    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool> {
        let times = (self.instance.given_time(), self.millis_until(before));
        items::has_begun_post(&self.database, channel, times).await
    }

    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>> {
        tickets::read_first_words(&self.database, ticket).await
    }

    async fn drawn_card(&self, ticket: &TicketId) -> Result<Option<DrawnCard>> {
        tickets::read_drawn_card(&self.database, ticket).await
    }

    async fn load_ticket(&self, id: &TicketId) -> Result<Option<Ticket>> {
        tickets::read_ticket(&self.database, id).await
    }

    async fn ticket_by_number(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        tickets::read_by_number(&self.database, bot, number).await
    }

    async fn latest_ticket_of(&self, customer: &str, except: &TicketId) -> Result<Option<Ticket>> {
        let newest = tickets::read_all_of(&self.database, customer, except, 1).await?;
        Ok(newest.into_iter().next())
    }

    async fn tickets_of(
        &self,
        customer: &str,
        except: &TicketId,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        tickets::read_all_of(&self.database, customer, except, limit).await
    }

    async fn ticket_after(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        tickets::read_successor(&self.database, bot, number).await
    }

    async fn find_tickets(&self, text: &str, limit: u32) -> Result<Vec<Ticket>> {
        tickets::search_tickets(&self.database, text, limit).await
    }

    async fn open_tickets(&self) -> Result<Vec<Ticket>> {
        tickets::read_open_tickets(&self.database).await
    }

    async fn closed_tickets(&self, since: Timestamp) -> Result<Vec<Ticket>> {
        tickets::read_closed_since(&self.database, since.as_millisecond()).await
    }

    async fn customer_tickets(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        privacy::find_customer_tickets(&self.database, customer).await
    }

    async fn load_kept_ticket(&self, ticket: &TicketId) -> Result<KeptTicket> {
        let times = (self.instance.given_time(), self.now_millis());
        privacy::read_kept_ticket(&self.database, times, ticket).await
    }

    async fn erase_customer(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        let ids = privacy::find_customer_tickets(&self.database, customer).await?;
        let how = (self.salt.as_str(), self.now_millis());
        privacy::delete_customer(&self.database, customer, &ids, how).await?;
        self.remove_traces().await?;
        Ok(ids)
    }

    async fn erased_at(&self, ticket: &TicketId) -> Result<Option<Timestamp>> {
        let at = privacy::read_erased_at(&self.database, &self.hashes_of(ticket)).await?;
        at.map(row::parse_timestamp).transpose()
    }

    async fn has_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<bool> {
        items::has_waiting(&self.database, &lane.name(), source.name(), key).await
    }

    async fn has_begun(&self, lane: &Lane, steps: &[&str]) -> Result<bool> {
        items::has_begun(&self.database, &lane.name(), steps).await
    }

    async fn held_replies(&self, ticket: &TicketId, before: &MessageTs) -> Result<Vec<Link>> {
        tickets::read_held(&self.database, ticket, before).await
    }

    async fn has_words_after(&self, ticket: &TicketId, ts: &MessageTs) -> Result<bool> {
        tickets::has_words_after(&self.database, ticket, ts).await
    }

    async fn find_link(&self, channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>> {
        tickets::read_link(&self.database, channel, ts).await
    }

    async fn links_of(&self, ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>> {
        tickets::read_links(&self.database, ticket, blip_id).await
    }

    async fn blip_ids_of(&self, ticket: &TicketId) -> Result<Vec<String>> {
        tickets::read_blip_ids(&self.database, ticket).await
    }

    async fn known_replies(
        &self,
        channel: &ChannelId,
        since: &MessageTs,
    ) -> Result<Vec<KnownReplies>> {
        tickets::read_known_replies(&self.database, channel, since).await
    }

    async fn has_replies(
        &self,
        ticket: &TicketId,
        thread: &Thread,
        gone: Option<&MessageTs>,
    ) -> Result<bool> {
        tickets::has_linked_replies(&self.database, ticket, thread, gone).await
    }

    async fn count_unanswered(&self, ticket: &TicketId) -> Result<u64> {
        tickets::count_unanswered(&self.database, ticket).await.map(i64::cast_unsigned)
    }

    async fn rename_channel(&self, later: &ChannelId, first: &ChannelId) -> Result<()> {
        tickets::insert_channel_rename(&self.database, later, first).await
    }

    async fn renamed_channels(&self) -> Result<Vec<(ChannelId, ChannelId)>> {
        tickets::read_channel_renames(&self.database).await
    }

    async fn take_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
        pace: PostRate,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let given = self.given(now);
        let slot_in = slots::reserve_slot(&self.database, given, lane, channel, pace).await?;
        row::parse_timestamp(now.as_millisecond().saturating_add(slot_in))
    }

    async fn hold_channel(
        &self,
        refused: ItemId,
        channel: &ChannelId,
        pace: PostRate,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let until_in = until.as_millisecond().saturating_sub(now.as_millisecond());
        let given = self.given(now);
        slots::shift_slots(&self.database, given, refused, channel, pace, until_in).await
    }

    async fn take_turn(&self, ticket: &TicketId, wanted: &TurnRequest) -> Result<Option<Turn>> {
        turns::take_turn(&self.database, ticket, wanted).await
    }

    async fn pass_turn(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        pass: TurnPass,
        now: Timestamp,
    ) -> Result<()> {
        turns::pass_turn(&self.database, ticket, agent, (pass, now.as_millisecond())).await
    }

    async fn has_written_after(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        ts: &MessageTs,
    ) -> Result<bool> {
        turns::has_written_after(&self.database, ticket, agent, ts).await
    }

    async fn parked_items(&self, ticket: Option<&TicketId>) -> Result<Vec<ParkedItem>> {
        let lanes = ticket.map(|ticket| Lane::both_of(ticket).map(|lane| lane.name()));
        let times = (self.instance.given_time(), self.now_millis());
        items::read_parked(&self.database, times, lanes).await
    }

    async fn parked_body(&self, item: ItemId) -> Result<Option<Vec<u8>>> {
        items::read_parked_body(&self.database, item).await
    }

    async fn retry_parked(&self, item: ItemId, now: Timestamp) -> Result<bool> {
        let sql = "SELECT retry_parked($1, $2)";
        let has_revived = self.database.one_value(sql, &[&self.given(now), &item]).await?;
        if has_revived {
            self.announce_work().await;
        }
        Ok(has_revived)
    }

    async fn skip_parked(&self, item: ItemId) -> Result<bool> {
        items::finish_parked(&self.database, self.instance.given_time(), item).await
    }

    async fn inbox_depth(&self) -> Result<InboxDepth> {
        let times = (self.instance.given_time(), self.now_millis());
        items::read_depth(&self.database, times).await
    }

    async fn erase_expired(&self, before: Cutoffs) -> Result<()> {
        let Cutoffs { bodies, tickets, keys } = before;
        let erased = [
            self.erase_in_batches(items::ERASE_BODIES, bodies).await?,
            self.erase_in_batches(items::DELETE_FINISHED, keys).await?,
            self.erase_in_batches(tickets::ERASE_FIRST_WORDS, bodies).await?,
            self.erase_in_batches("DELETE FROM erased WHERE at < $1 RETURNING 1", keys).await?,
            self.erase_in_batches(items::EXPIRE_PARKED, tickets).await?,
            self.erase_in_batches(tickets::DELETE_OLD_TICKETS, tickets).await?,
        ];
        if erased.contains(&true) {
            self.remove_traces().await?;
        }
        Ok(())
    }

    async fn read_fact(&self, name: &str) -> Result<Option<String>> {
        privacy::read_meta(&self.database, &row::fact_key(name)).await
    }

    async fn put_fact(&self, name: &str, value: Option<&str>) -> Result<()> {
        privacy::put_meta(&self.database, &row::fact_key(name), value).await
    }

    async fn check_health(&self) -> Result<()> {
        self.refuse_if_closed()?;
        if self.watch.is_clock_off() {
            return Err(Error::ClocksApart);
        }
        let now = self.instance.clock.now().to_string();
        privacy::put_meta(&self.database, "checked", Some(&now)).await?;
        self.has_accepted(Source::Blip, "readiness").await?;
        self.open_tickets().await?;
        self.next_due(Places::any(1)).await?;
        self.inbox_depth().await.map(drop)
    }

    async fn wait_for_work(&self) {
        self.watch.wake.notified().await;
    }

    async fn close(&self) {
        if self.is_closed.swap(true, Ordering::Relaxed) {
            return;
        }
        self.stop.cancel();
        if self.serves {
            // Otherwise the others wait until it counts as dead.
            let sql = "DELETE FROM instance WHERE id = $1";
            self.database.query("", sql, &[&self.instance.id]).await.ok();
        }
        self.database.close();
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
