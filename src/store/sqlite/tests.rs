//! What only this backend promises: how it commits, and to whom it opens.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::connection::{BUSY_TIMEOUT, MIGRATIONS, open_own_file, prepare_connection};
use super::leases::MAX_READY_IN_A_ROW;
use super::sql::Sql;
use super::*;
use crate::model::{Customer, PassedLimits, Priority, TicketEnding, TicketState};
use crate::store::{Item, LaneRelease, Role, Source, StoredOutcome};

struct Bench {
    folder: TempDir,
    options: SqliteOptions,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
        let boot_id = Some("boot".to_owned());
        let folder = tempfile::tempdir().unwrap();
        Self { folder, options: SqliteOptions { boot_id, ..SqliteOptions::new(clock) } }
    }

    async fn open(&self) -> Arc<SqliteStore> {
        Arc::new(self.try_open().await.unwrap())
    }

    async fn try_open(&self) -> Result<SqliteStore> {
        let url = format!("sqlite://{}/bridge.db", self.folder.path().display());
        SqliteStore::open(&url, self.options.clone()).await
    }

    fn item(&self, key: &str) -> NewItem {
        let now = self.options.clock.now();
        NewItem {
            source: Source::Blip,
            lane: Lane::Own(format!("lane {key}")),
            key: key.to_owned(),
            body: Vec::new(),
            received: now,
            due: now,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("bridge.db")
    }

    /// The names of the files and what is in them.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    /// The words that are in a file, each written as `<word name>`.
    fn words(&self) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for (_, bytes) in self.files() {
            let text = String::from_utf8_lossy(&bytes);
            let ends = text.split("<word ").skip(1).filter_map(|rest| rest.split_once('>'));
            // One that goes on in another page is there as a whole elsewhere.
            let is_whole = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            let names = ends.map(|(name, _)| name).filter(|name| is_whole(name));
            words.extend(names.map(str::to_owned));
        }
        words
    }

    /// How many commits there are in the log: a frame of it that ends one says how large the
    /// database is then (<https://www.sqlite.org/fileformat.html#the_write_ahead_log>).
    fn commits(&self) -> usize {
        let log = std::fs::read(self.folder.path().join("bridge.db-wal")).unwrap();
        let page = usize::from(u16::from_be_bytes([log[10], log[11]]));
        log[32..].chunks(24 + page).filter(|frame| frame[4..8] != [0; 4]).count()
    }

    async fn ask(&self, store: &SqliteStore, sql: &'static str) -> i64 {
        let ask = move |db: &Connection| Ok(db.query_row(sql, [], |row| row.get(0))?);
        store.database.run_read(ask).await.unwrap()
    }
}

/// A connection to a database as the store opens it.
fn connect(path: &Path, boot_id: Option<&str>) -> Connection {
    let path = files::create_database(path).unwrap();
    let mut connection = open_own_file(&path, true).unwrap();
    prepare_connection(&mut connection, boot_id).unwrap();
    connection
}

/// A new database as the version with so many migrations left it.
fn connect_at(path: &Path, version: usize) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&MIGRATIONS[..version].concat()).unwrap();
    db.pragma_update(None, "user_version", u32::try_from(version).unwrap()).unwrap();
    db
}

/// Keeps the thread busy until the sender is dropped, so that what comes next waits together.
async fn occupy(store: &Arc<SqliteStore>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (started, has_started) = oneshot::channel();
    let started = Mutex::new(Some(started));
    let store = Arc::clone(store);
    TaskTracker::new().spawn(async move {
        let work = store.database.run_write(move |_| {
            started.lock().unwrap().take().map(|started| started.send(()));
            released.recv().ok();
            Ok(())
        });
        work.await.unwrap();
    });
    has_started.await.unwrap();
    release
}

#[tokio::test]
async fn what_waits_together_shares_a_commit() {
    let bench = Bench::new();
    let store = bench.open().await;
    let before = bench.commits();
    let busy = occupy(&store).await;
    // Few enough to be handed in without tokio making this task pause.
    let accepts = join_all((0..20).map(|n| store.accept(bench.item(&n.to_string()))));
    let checks = join_all((0..20).map(|_| store.check_health()));
    let ((accepted, checked), ()) = join(join(accepts, checks), async { drop(busy) }).await;
    assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(Accepted::New))));
    assert!(checked.iter().all(Result::is_ok));
    assert_eq!(bench.commits() - before, 1, "the one that keeps it busy writes nothing");
}

/// A store whose disk does as it is told, and the number of times that it was asked.
struct SlowDisk {
    store: Arc<SqliteStore>,
    answers: mpsc::Sender<std::io::Result<()>>,
    asked: Arc<AtomicU64>,
}

impl SlowDisk {
    fn of(bench: &Bench) -> Self {
        let path = bench.folder.path().join("bridge.db");
        let (answers, answer) = mpsc::channel();
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let sync = move || {
            count.fetch_add(1, Ordering::Relaxed);
            answer.recv().unwrap()
        };
        let connection = connect(&path, Some("boot"));
        let checkpointer = Checkpointer::start(&path).unwrap();
        let database = WriterThread::start(connection, checkpointer, sync, true).unwrap();
        let (database, clock) = (Arc::new(database), bench.options.clock.clone());
        let tickets = Arc::default();
        let queue = ItemQueue::new(&database, clock.clone(), None, &tickets);
        let store = SqliteStore { database, queue, tickets, clock, lock: None };
        Self { store: Arc::new(store), answers, asked }
    }

    fn fails(&self) {
        self.answers.send(Err(std::io::Error::other("broken"))).unwrap();
    }

    fn stores(&self) {
        self.answers.send(Ok(())).unwrap();
    }

    /// Waits until the disk is asked for the given time, while somebody is waiting for it.
    async fn is_asked(&self, time: u64, waiting: &mut (impl Future + Unpin)) {
        while self.asked.load(Ordering::Relaxed) < time {
            let waits = tokio::time::timeout(Duration::from_millis(1), &mut *waiting).await;
            assert!(waits.is_err(), "answered before the disk was");
        }
    }
}

#[tokio::test]
async fn only_who_accepts_an_event_waits_for_the_disk() {
    let bench = Bench::new();
    let disk = SlowDisk::of(&bench);
    let store = &disk.store;
    let job = NewItem { source: Source::Internal, ..bench.item("0") };
    assert_eq!(store.accept(job).await.unwrap(), Accepted::New);
    store.check_health().await.unwrap();
    store.wait_for_work().await;
    assert_eq!(disk.asked.load(Ordering::Relaxed), 0);

    let mut accept = store.accept(bench.item("1"));
    disk.is_asked(1, &mut accept).await;
    store.check_health().await.unwrap();
    disk.stores();
    assert_eq!(accept.await.unwrap(), Accepted::New);

    disk.fails();
    let failed = store.accept(bench.item("2")).await;
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    disk.stores();
    assert_eq!(store.accept(bench.item("2")).await.unwrap(), Accepted::Repeat);
}

#[tokio::test]
async fn no_call_begins_before_its_event_is_on_the_disk() {
    let bench = Bench::new();
    let disk = SlowDisk::of(&bench);
    let (store, now) = (&disk.store, bench.options.clock.now());
    // One who claims, so that the first is offered; the second is read.
    assert_eq!(store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap().len(), 0);
    for (number, key) in [(0, "offered"), (1, "read")] {
        let mut accept = store.accept(bench.item(key));
        disk.is_asked(2 * number + 1, &mut accept).await;
        store.wait_for_work().await;
        if key == "read" {
            store.queue.leases().revoke_offer("own:lane read");
        }
        let lease = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap().remove(0);
        let id = lease.items[0].id;
        let none = Writes::default();
        let mut begin = store.begin_call(id, "post", None, now, &none);
        let waits = tokio::time::timeout(Duration::from_millis(20), &mut begin).await;
        assert!(waits.is_err(), "{key}");
        // Nor does it begin if the disk fails, before another try succeeds.
        disk.fails();
        assert!(accept.await.is_err());
        disk.is_asked(2 * number + 2, &mut begin).await;
        disk.stores();
        assert_eq!(begin.await.unwrap(), CallState::Fresh);
        assert!(matches!(
            store.begin_call(id, "post", None, now, &none).await,
            Ok(CallState::OutcomeUnknown(_))
        ));
    }
}

#[tokio::test]
async fn a_call_for_a_job_begins_when_the_job_is_on_the_disk() {
    let bench = Bench::new();
    let disk = SlowDisk::of(&bench);
    let (store, now) = (&disk.store, bench.options.clock.now());
    store.accept(NewItem { source: Source::Internal, ..bench.item("1") }).await.unwrap();
    let lease = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap().remove(0);
    let id = lease.items[0].id;
    let none = Writes::default();
    let mut begin = store.begin_call(id, "context", None, now, &none);
    disk.is_asked(1, &mut begin).await;
    disk.fails();
    assert!(begin.await.is_err());
    assert_eq!(store.calls_of(id).await.unwrap(), [], "nothing was called");
    disk.stores();
    assert_eq!(store.begin_call(id, "context", None, now, &none).await.unwrap(), CallState::Fresh);
    assert_eq!(disk.asked.load(Ordering::Relaxed), 2, "the second call waits for nothing");
}

#[tokio::test]
async fn a_call_that_waited_for_the_disk_counts_from_when_it_is_made() {
    let bench = Bench::new();
    let disk = SlowDisk::of(&bench);
    let (store, clock) = (&disk.store, &bench.options.clock);
    store.accept(NewItem { source: Source::Internal, ..bench.item("1") }).await.unwrap();
    let lease =
        store.lease_lanes(Places::any(9), BUSY_TIMEOUT, clock.now()).await.unwrap().remove(0);
    let id = lease.items[0].id;
    let none = Writes::default();
    let mut begin = store.begin_call(id, "context", None, clock.now(), &none);
    disk.is_asked(1, &mut begin).await;
    clock.advance(Duration::from_secs(4));
    disk.stores();
    assert_eq!(begin.await.unwrap(), CallState::Fresh);
    let again = store.begin_call(id, "context", None, clock.now(), &none).await.unwrap();
    assert_eq!(again, CallState::OutcomeUnknown(CallTry::Ended(clock.now())));
}

#[tokio::test]
async fn who_claims_what_is_due_later_takes_no_lane_from_others() {
    let bench = Bench::new();
    let store = bench.open().await;
    let now = bench.options.clock.now();
    store.accept(bench.item("1")).await.unwrap();
    let lease = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap().remove(0);
    let later = now + Duration::from_hours(1);
    assert_eq!(store.lease_lanes(Places::any(9), BUSY_TIMEOUT, later).await.unwrap().len(), 0);
    store.record_outcome(&lease, &[lease.items[0].id], StoredOutcome::Done).await.unwrap();
}

#[tokio::test]
async fn before_the_next_lane_is_due_nobody_asks_the_database() {
    let bench = Bench::new();
    let store = bench.open().await;
    let now = bench.options.clock.now();
    let [soon, later] = [1, 2].map(|hours| now + Duration::from_hours(hours));
    store.accept(NewItem { due: later, ..bench.item("later") }).await.unwrap();
    let lease = |now| store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now);
    assert!(lease(now).await.unwrap().is_empty());
    assert_eq!(store.next_due(Places::any(9)).await.unwrap(), Some(later));
    // What is answered at once was asked of nobody else.
    let next_due = || store.next_due(Places::any(9)).now_or_never().map(Result::unwrap);
    assert!(lease(now).now_or_never().unwrap().unwrap().is_empty());
    assert_eq!(next_due(), Some(Some(later)));
    // What comes into an idle lane lies ready.
    store.accept(bench.item("now")).await.unwrap();
    let [now_leased] = &lease(now).now_or_never().unwrap().unwrap()[..] else { panic!() };
    store.release_lane(now_leased.clone(), Some(soon)).await.unwrap();
    assert_eq!(next_due(), Some(Some(soon)));
    assert!(lease(now).now_or_never().unwrap().unwrap().is_empty());
    // A lease that has run out is another thing: its lane is due.
    let [soon_leased] = &lease(soon).await.unwrap()[..] else { panic!() };
    assert_eq!(soon_leased.lane, now_leased.lane);
    assert_eq!(store.next_due(Places::any(9)).await.unwrap(), Some(soon_leased.until));
    bench.options.clock.advance(Duration::from_hours(1) + BUSY_TIMEOUT);
    assert_eq!(lease(soon_leased.until).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lane_is_free_if_what_comes_into_it_is_not_committed() {
    let bench = Bench::new();
    let store = bench.open().await;
    let now = bench.options.clock.now();
    store.accept(bench.item("1")).await.unwrap();
    let lease = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap().remove(0);
    let lane = Lane::Own("next".to_owned());
    let job = || NewItem { source: Source::Internal, lane: lane.clone(), ..bench.item("2") };
    let mut writes = Writes::default();
    writes.put_job(job());
    // An item that does not wait there undoes all of it.
    let settled = Some((vec![lease.items[0].id + 99], StoredOutcome::Done));
    let ending = Ending { settled, release: LaneRelease::Keep };
    assert!(store.finish(&lease, &ending, &writes).await.is_err());
    store.accept(job()).await.unwrap();
    let next = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap();
    assert_eq!(next.iter().map(|lease| lease.lane.as_str()).collect::<Vec<_>>(), ["own:next"]);
}

#[tokio::test]
async fn without_a_boot_id_every_write_waits_for_the_disk() {
    let bench = Bench::new();
    let path = bench.folder.path().join("bridge.db");
    let connection = connect(&path, None);
    let failing = || Err(std::io::Error::other("broken"));
    let checkpointer = Checkpointer::start(&path).unwrap();
    let database = WriterThread::start(connection, checkpointer, failing, false).unwrap();
    assert!(database.run_write(|tx| boot::put_meta(tx, "checked", Some("now"))).await.is_err());
}

#[tokio::test]
async fn without_a_boot_id_everything_unfinished_is_in_doubt() {
    let mut bench = Bench::new();
    bench.options.boot_id = None;
    bench.open().await.accept(bench.item("1")).await.unwrap();
    let store = bench.open().await;
    let leases =
        store.lease_lanes(Places::any(1), BUSY_TIMEOUT, bench.options.clock.now()).await.unwrap();
    assert!(leases[0].items[0].may_have_unrecorded_calls);
}

#[tokio::test]
async fn what_was_handed_in_is_written_even_if_nobody_waits_for_it() {
    let bench = Bench::new();
    let store = bench.open().await;
    let busy = occupy(&store).await;
    // Polled once, which hands it in, then dropped.
    let accept = store.accept(bench.item("1"));
    assert!(accept.now_or_never().is_none());
    drop(busy);
    assert_eq!(store.accept(bench.item("1")).await.unwrap(), Accepted::Repeat);
}

#[tokio::test]
async fn a_lane_is_free_only_when_its_release_is_committed() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.accept(bench.item("1")).await.unwrap();
    let now = bench.options.clock.now();
    let lease = store.lease_lanes(Places::any(1), BUSY_TIMEOUT, now).await.unwrap().remove(0);
    let busy = occupy(&store).await;
    let both = join(
        store.release_lane(lease, Some(now + BUSY_TIMEOUT)),
        store.lease_lanes(Places::any(1), BUSY_TIMEOUT, now),
    );
    let ((released, claimed), ()) = join(both, async { drop(busy) }).await;
    released.unwrap();
    assert_eq!(claimed.unwrap().len(), 0);
    assert_eq!(store.lease_lanes(Places::any(1), BUSY_TIMEOUT, now).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_comes_into_an_idle_lane_lies_ready_and_others_still_have_their_turn() {
    let bench = Bench::new();
    let store = bench.open().await;
    let now = bench.options.clock.now();
    store.accept(bench.item("old")).await.unwrap();
    // It is told after the answer: the sync of the disk, which takes longest, begins first.
    store.wait_for_work().await;
    assert!(!store.queue.leases().has_ready(&Places::any(1)), "nobody has claimed yet");
    let old = store.lease_lanes(Places::any(1), BUSY_TIMEOUT, now).await.unwrap().remove(0);
    store.release_lane(old, None).await.unwrap();
    let mut claimed = Vec::new();
    for number in 0..MAX_READY_IN_A_ROW {
        store.accept(bench.item(&number.to_string())).await.unwrap();
        store.wait_for_work().await;
        assert!(store.queue.leases().has_ready(&Places::any(1)));
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), Some(now));
        let lease = store.lease_lanes(Places::any(1), BUSY_TIMEOUT, now).await.unwrap().remove(0);
        claimed.push(lease.items[0].key.clone());
    }
    assert_eq!((claimed[0].as_str(), claimed.last().unwrap().as_str()), ("0", "old"));
}

#[tokio::test]
async fn a_failed_write_leaves_its_neighbours_alone() {
    let bench = Bench::new();
    let store = bench.open().await;
    let half = |key: &'static str| {
        store.database.run_write(move |tx| {
            let sql = "INSERT INTO meta (key) VALUES (?1)";
            tx.run_statement(sql, [key])?;
            tx.run_statement(sql, [key])?;
            Ok(())
        })
    };
    let busy = occupy(&store).await;
    let all = join(join(half("a"), store.check_health()), store.accept(bench.item("1")));
    let (((half, checked), accepted), ()) = join(all, async { drop(busy) }).await;
    assert!(matches!(half, Err(Error::Database(_))), "{half:?}");
    checked.unwrap();
    assert_eq!(accepted.unwrap(), Accepted::New);
    assert_eq!(bench.ask(&store, "SELECT count(*) FROM meta WHERE key = 'a'").await, 0);
}

#[tokio::test]
async fn what_shares_a_commit_with_what_is_undone_is_there_once_and_ready() {
    let bench = Bench::new();
    let store = bench.open().await;
    let now = bench.options.clock.now();
    store.lease_lanes(Places::any(2), BUSY_TIMEOUT, now).await.unwrap();
    let undone = || {
        store.database.run_write(|tx| {
            boot::put_meta(tx, "undone", Some("1"))?;
            Err::<(), _>(Error::Unreadable { what: "this" })
        })
    };
    let busy = occupy(&store).await;
    let accepts = join(store.accept(bench.item("1")), store.accept(bench.item("2")));
    let all = join(join(undone(), accepts), undone());
    let (((first, accepted), last), ()) = join(all, async { drop(busy) }).await;
    assert!(matches!((first, last), (Err(_), Err(_))));
    assert!(matches!(accepted, (Ok(Accepted::New), Ok(Accepted::New))));
    assert_eq!(bench.ask(&store, "SELECT count(*) FROM meta WHERE key = 'undone'").await, 0);
    assert_eq!(bench.ask(&store, "SELECT count(*) FROM item").await, 2);
    let leases = store.lease_lanes(Places::any(2), BUSY_TIMEOUT, now).await.unwrap();
    assert!(leases.iter().all(|lease| lease.items.len() == 1));
    assert_eq!(leases.len(), 2);
}

#[tokio::test]
async fn a_full_disk_fails_those_whom_it_concerns_and_nobody_later() {
    let bench = Bench::new();
    let store = bench.open().await;
    let pages = bench.ask(&store, "PRAGMA page_count").await;
    assert_eq!(bench.ask(&store, "PRAGMA max_page_count = 1").await, pages);
    let large = |key| NewItem { body: vec![0; 1 << 20], ..bench.item(key) };

    let busy = occupy(&store).await;
    let all = join(join(store.accept(large("1")), store.accept(large("2"))), store.check_health());
    let (((first, second), checked), ()) = join(all, async { drop(busy) }).await;
    for failed in [first, second] {
        let Err(Error::Database(error)) = failed else { panic!("{failed:?}") };
        assert!(error.to_string().contains("full"), "{error}");
    }
    checked.unwrap();
    bench.ask(&store, "PRAGMA max_page_count = 100000").await;
    assert_eq!(store.accept(large("1")).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn a_failed_commit_fails_those_who_wait_and_nobody_later() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.lease_lanes(Places::any(1), BUSY_TIMEOUT, bench.options.clock.now()).await.unwrap();
    // SQLite finds this out only when it commits.
    let orphan = || {
        store.database.run_write(|tx| {
            tx.run_statement("PRAGMA defer_foreign_keys = ON", [])?;
            let sql = "INSERT INTO step (item, name, begun, tried) VALUES (99, 'post', 0, 0)";
            Ok(tx.run_statement(sql, [])?)
        })
    };
    let busy = occupy(&store).await;
    let all = join(join(orphan(), store.check_health()), store.accept(bench.item("1")));
    let (((orphaned, checked), accepted), ()) = join(all, async { drop(busy) }).await;
    for failed in [orphaned.map(drop), checked, accepted.map(drop)] {
        assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    }
    assert!(orphan().await.is_err());
    assert_eq!(store.accept(bench.item("1")).await.unwrap(), Accepted::New);
    let leases =
        store.lease_lanes(Places::any(1), BUSY_TIMEOUT, bench.options.clock.now()).await.unwrap();
    assert_eq!(leases.len(), 1, "a lane that was offered in vain is free");
}

#[tokio::test]
async fn a_full_disk_fails_a_soft_write_and_nobody_later() {
    let bench = Bench::new();
    let store = bench.open().await;
    bench.ask(&store, "PRAGMA max_page_count = 1").await;
    let large = store.database.run_write(|tx| {
        tx.run_statement("INSERT INTO meta VALUES ('a', hex(zeroblob(1000000)))", [])?;
        Ok(())
    });
    assert!(matches!(large.await, Err(Error::Database(_))));
    store.check_health().await.unwrap();
}

#[tokio::test]
async fn a_database_is_served_by_one_and_looked_into_by_others() {
    let mut bench = Bench::new();
    bench.options.exclusive = true;
    let store = bench.open().await;
    let second = bench.try_open().await.err().unwrap();
    assert!(matches!(&second, Error::InUse { .. }), "{second}");
    bench.options.exclusive = false;
    bench.open().await.check_health().await.unwrap();
    bench.options.exclusive = true;
    store.close().await;
    bench.open().await.check_health().await.unwrap();
}

#[tokio::test]
async fn a_lane_has_a_row_exactly_as_long_as_an_item_waits_in_it() {
    let bench = Bench::new();
    let store = bench.open().await;
    let rows = || bench.ask(&store, "SELECT count(*) FROM lane");
    let now = bench.options.clock.now();
    let message = Lane::Message(ChannelId::parse("C1").unwrap(), MessageTs::parse("1").unwrap());
    store.accept(NewItem { lane: message, ..bench.item("1") }).await.unwrap();
    store.accept(NewItem { source: Source::Internal, ..bench.item("1") }).await.unwrap();
    assert_eq!(rows().await, 2);
    let link = Link {
        ticket: TicketId::parse("default/t").unwrap(),
        channel: ChannelId::parse("C1").unwrap(),
        ts: MessageTs::parse("1").unwrap(),
        role: Role::Card,
        blip_id: None,
        user: None,
    };
    store.link_message(link, Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(rows().await, 2);
    let leases = store.lease_lanes(Places::any(9), BUSY_TIMEOUT, now).await.unwrap();
    let parked = StoredOutcome::Parked { reason: "refused".to_owned() };
    store.record_outcome(&leases[0], &[leases[0].items[0].id], StoredOutcome::Done).await.unwrap();
    store.record_outcome(&leases[1], &[leases[1].items[0].id], parked).await.unwrap();
    assert_eq!(rows().await, 0);
    store.release_lane(leases[1].clone(), Some(now)).await.unwrap();
    assert_eq!(rows().await, 0);
    store.retry_parked(leases[1].items[0].id, now).await.unwrap();
    assert_eq!(rows().await, 1);
}

#[tokio::test]
async fn no_hot_query_reads_a_whole_table() {
    let bench = Bench::new();
    let store = bench.open().await;
    let hot = [
        items::SELECT_DUE,
        items::SELECT_HEAD,
        items::SELECT_QUEUES,
        items::COUNT_PARKED,
        items::ERASE_BODIES,
        tickets::SELECT_FORGETTABLE,
        steps::IS_POSTING,
    ];
    for sql in hot {
        let plan = store.database.run_read(move |db| {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let count = explain.parameter_count();
            let nothing = rusqlite::params_from_iter(vec![None::<i64>; count]);
            let steps = explain.query_map(nothing, |row| row.get::<_, String>("detail"))?;
            Ok(steps.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        for step in plan.await.unwrap() {
            let reads_all = step.starts_with("SCAN") && !step.contains("INDEX");
            assert!(
                !reads_all
                    || ["head", "json_each", "CONSTANT"].iter().any(|name| step.contains(name)),
                "{sql}: {step}"
            );
        }
    }
}

/// Text of about this many bytes that is to be found by its name.
fn words(name: impl Display, size: usize) -> String {
    let word = format!("<word {name}>");
    word.repeat(1 + size / word.len())
}

fn ticket(id: &str, opened: Timestamp) -> Ticket {
    let customer = Customer {
        identity: "c@0mn.io".to_owned(),
        name: None,
        originator: None,
        domain: String::new(),
    };
    Ticket {
        id: TicketId::parse(id).unwrap(),
        address: String::new(),
        number: None,
        parent: None,
        customer,
        team: None,
        tags: Vec::new(),
        priority: Priority::None,
        passed_limits: PassedLimits::default(),
        is_on_standby: false,
        opened,
        state: TicketState::Unclaimed,
        thread: None,
        heard: None,
        unanswered: None,
        first_answer: None,
        rating: None,
        revision: 0,
        version: 0,
    }
}

/// All that is finished by then goes; what waits for a person and tickets stay.
fn finished_by(at: Timestamp) -> Cutoffs {
    Cutoffs { bodies: at, tickets: Timestamp::UNIX_EPOCH, keys: at }
}

async fn settle_all(bench: &Bench, store: &SqliteStore, outcome: impl Fn(&Item) -> StoredOutcome) {
    loop {
        let leases = store
            .lease_lanes(Places::any(1000), BUSY_TIMEOUT, bench.options.clock.now())
            .await
            .unwrap();
        if leases.is_empty() {
            return;
        }
        for lease in leases {
            let item = &lease.items[0];
            store.record_outcome(&lease, &[item.id], outcome(item)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_erased_is_in_no_file_also_where_rows_were_moved() {
    let bench = Bench::new();
    let store = bench.open().await;
    let (clock, lot) = (&bench.options.clock, RefCell::new(fastrand::Rng::with_seed(7)));
    let (kept, erased) = (RefCell::new(BTreeSet::new()), RefCell::new(BTreeSet::new()));
    let keep = |is_kept: bool, name: String| {
        if is_kept { kept.borrow_mut() } else { erased.borrow_mut() }.insert(name);
    };
    for round in 0..4 {
        for number in 0..150 {
            let name = format!("{round}-{number}");
            let size = *lot.borrow_mut().choice(&[10, 30, 100, 300, 1000, 9000]).unwrap();
            let body = words(&name, size).into_bytes();
            store.accept(NewItem { body, ..bench.item(&name) }).await.unwrap();
            // Cards, in no order.
            let id = format!("default/{:08x}-{name}", lot.borrow_mut().u32(..));
            let mut ticket = ticket(&id, clock.now());
            let first = format!("first-{name}");
            store.keep_first_words(&ticket.id, &words(&first, size.min(500))).await.unwrap();
            let is_open = lot.borrow_mut().bool();
            keep(is_open, first);
            if !is_open {
                ticket.enter_state(TicketState::Closed {
                    ending: TicketEnding::Customer,
                    at: clock.now(),
                });
            }
            store.put_ticket(&mut ticket).await.unwrap();
        }
        settle_all(&bench, &store, |item| {
            let outcome = match lot.borrow_mut().u8(..4) {
                0 => StoredOutcome::Parked { reason: "refused".to_owned() },
                1 => StoredOutcome::Ignored,
                _ => StoredOutcome::Done,
            };
            keep(matches!(outcome, StoredOutcome::Parked { .. }), item.key.clone());
            outcome
        })
        .await;
        clock.advance(Duration::from_hours(1));
        let cutoffs =
            Cutoffs { keys: clock.now() - Duration::from_hours(2), ..finished_by(clock.now()) };
        store.erase_expired(cutoffs).await.unwrap();
    }
    let found = bench.words();
    assert_eq!(found.intersection(&erased.into_inner()).count(), 0);
    assert_eq!(found, kept.into_inner(), "these are needed still");
}

#[tokio::test]
async fn erasing_a_customer_takes_what_is_theirs_and_nothing_of_others() {
    let bench = Bench::new();
    let store = bench.open().await;
    let lane = |ticket: &str| Lane::Ticket(TicketId::parse(ticket).unwrap());
    let accept = async |ticket: &str, body: &str| {
        let body = body.as_bytes().to_vec();
        let item = NewItem { body, lane: lane(ticket), ..bench.item(ticket) };
        store.accept(item).await.unwrap();
    };
    // Its ticket was forgotten since, as after RETAIN_TICKETS_DAYS.
    accept("default/forgotten", r#"{"content": "old words"}"#).await;
    settle_all(&bench, &store, |_| StoredOutcome::Done).await;
    // Their cards are not posted yet. One number ends with the other; one customer quotes it.
    let waiting = r#"{"content": {"customerIdentity": "5511987654321@wa.gw.msging.net"}}"#;
    accept("default/theirs", waiting).await;
    let longer = r#"{"content": {"customerIdentity": "5491187654321@wa.gw.msging.net"}}"#;
    accept("default/longer", longer).await;
    accept("default/quotes", r#"{"content": "call 1187654321@wa.gw.msging.net"}"#).await;
    // A job of another lane that only its body ties to the ticket.
    let job = br#"{"Late":{"ticket":"default/theirs","url":"https://x.example/a.png"}}"#.to_vec();
    let job = NewItem { source: Source::Internal, body: job, ..bench.item("late:1") };
    store.accept(job).await.unwrap();
    let key = CustomerKey::parse("+55 11 98765-4321").unwrap();
    let erased = store.erase_customer(&key).await.unwrap();
    assert_eq!(erased, [TicketId::parse("default/theirs").unwrap()]);
    let waiting = "SELECT count(*) FROM item WHERE state = 'waiting'";
    assert_eq!(bench.ask(&store, waiting).await, 2, "those of the two others");
    assert_eq!(
        bench.ask(&store, "SELECT count(*) FROM item WHERE body LIKE '%old words%'").await,
        0
    );
}

#[tokio::test]
async fn a_rewrite_that_is_due_is_made_also_if_nothing_else_is_erased() {
    let bench = Bench::new();
    let store = bench.open().await;
    let due = "SELECT count(*) FROM meta WHERE key = 'rewrite due'";
    // As it is left by one that failed.
    store.database.run_write(|tx: &Transaction<'_>| erased::note_rewrite_due(tx)).await.unwrap();
    assert_eq!(bench.ask(&store, due).await, 1);
    bench.options.clock.advance(Duration::from_hours(1));
    store.erase_expired(finished_by(Timestamp::UNIX_EPOCH)).await.unwrap();
    assert_eq!(bench.ask(&store, due).await, 0);
}

#[tokio::test]
async fn what_was_erased_is_in_no_file_of_a_large_database() {
    let bench = Bench::new();
    let store = bench.open().await;
    let clock = &bench.options.clock;
    store.erase_expired(finished_by(clock.now())).await.unwrap();
    let size = usize::try_from(erased::SMALL_DATABASE_BYTES).unwrap() / 20;
    for number in 0..30 {
        let body = words(number, size).into_bytes();
        store.accept(NewItem { body, ..bench.item(&number.to_string()) }).await.unwrap();
    }
    settle_all(&bench, &store, |item| match item.key.len() {
        1 => StoredOutcome::Done,
        _ => StoredOutcome::Parked { reason: "refused".to_owned() },
    })
    .await;
    clock.advance(Duration::from_hours(1));
    store.erase_expired(finished_by(clock.now())).await.unwrap();
    assert_eq!(bench.words(), (10..30).map(|number| number.to_string()).collect());
}

#[tokio::test]
async fn what_an_older_version_erased_is_gone_after_the_first_start() {
    let mut bench = Bench::new();
    bench.options.exclusive = true;
    let path = bench.path();
    let db = connect_at(&path, 2);
    for (key, word) in [("1", "<word erased>"), ("2", "<word kept>")] {
        let sql = "INSERT INTO item (source, lane, key, received, body)
                   VALUES ('blip', 'own:' || ?1, ?1, 0, CAST(?2 AS BLOB))";
        db.execute(sql, [key, word]).unwrap();
    }
    db.execute("DELETE FROM item WHERE key = '1'", []).unwrap();
    drop(db);
    assert_eq!(bench.words().len(), 2);
    let store = bench.open().await;
    assert_eq!(bench.words(), ["kept".to_owned()].into());
    let rewritten = "SELECT count(*) FROM meta WHERE key = 'rewritten'";
    assert_eq!(bench.ask(&store, rewritten).await, 1);
}

/// As it was stored before ids were compared without case: `T-9B` was taken for two tickets.
const WITH_CASE: &str = "
    INSERT INTO ticket (id, bot, address, number, customer, domain, tags, opened, state, changed,
        agent, agent_name, agent_identity, channel, root, revision) VALUES
        ('default/T-9B', 'default', 'T-9B@desk.msging.net/Webhook', 7, 'm@0mn.io', '0mn.io', '[]',
         1000, 'claimed', 2000, 'UA', 'Ana', 'a@blip.ai', 'C1', '1.000001', 3),
        ('default/t-9b', 'default', 't-9b@desk.msging.net', NULL, '', '', '[]',
         1500, 'unclaimed', NULL, NULL, NULL, NULL, 'C1', '2.000001', 1),
        ('default/UP', 'default', 'UP@desk.msging.net', 8, 'n@0mn.io', '0mn.io', '[]',
         1000, 'unclaimed', NULL, NULL, NULL, NULL, 'C1', '3.000001', 1),
        ('default/low', 'default', 'low@desk.msging.net', 9, 'o@0mn.io', '0mn.io', '[]',
         1000, 'unclaimed', NULL, NULL, NULL, NULL, 'C1', '4.000001', 1);
    INSERT INTO first_words VALUES ('default/T-9B', 'mine'), ('default/t-9b', 'theirs'),
        ('default/UP', 'up');
    INSERT INTO message (channel, ts, ticket, role) VALUES
        ('C1', '1.000001', 'default/T-9B', 'card'), ('C1', '2.000001', 'default/t-9b', 'card'),
        ('C1', '1.000002', 'default/T-9B', 'customer'),
        ('C1', '2.000002', 'default/t-9b', 'customer');
    INSERT INTO twin VALUES ('C1', '1.000002', 'default/T-9B', 'A1'),
        ('C1', '2.000002', 'default/t-9b', 'a2');
    INSERT INTO item (source, lane, key, received, body) VALUES
        ('blip', 'ticket:default/T-9B', 'm:default/T-9B:a3', 0, x''),
        ('slack', 'ticket:default/t-9b', 'TA:C1:5.0', 0, x''),
        ('blip', 'ticket:default/T-9B', 'm:default/T-9B:a4', 0, x''),
        ('blip', 'ticket:default/t-9b', 'm:default/t-9b:a4', 0, x'');
    INSERT INTO item (source, lane, key, received, state, finished) VALUES
        ('desk', 'own:context:default/UP', 'context:default/UP', 0, 'done', 0);
    INSERT INTO lane (name, due) VALUES ('ticket:default/T-9B', 5), ('ticket:default/t-9b', 9);
";

#[tokio::test]
async fn stored_ids_with_capitals_become_the_same_in_every_case() {
    let bench = Bench::new();
    let db = connect_at(&bench.path(), 7);
    db.execute_batch(WITH_CASE).unwrap();
    drop(db);
    let store = bench.open().await;
    let id = |id: &str| TicketId::parse(id).unwrap();
    let ticket = store.load_ticket(&id("default/t-9b")).await.unwrap().unwrap();
    // The claimed one is left, and Blip is sent the id as it was told.
    assert_eq!((ticket.number, ticket.id.blip_id()), (Some(7), "T-9B"));
    assert!(ticket.holder().is_some());
    assert_eq!(store.load_ticket(&id("default/T-9B")).await.unwrap().as_ref(), Some(&ticket));
    assert_eq!(store.first_words(&ticket.id).await.unwrap().as_deref(), Some("mine"));
    assert_eq!(store.blip_ids_of(&ticket.id).await.unwrap().len(), 2);
    for (blip_id, ts) in [("a1", "1.000002"), ("A2", "2.000002")] {
        let links = store.links_of(&ticket.id, blip_id).await.unwrap();
        assert_eq!(links.iter().map(|link| link.ts.as_str()).collect::<Vec<_>>(), [ts]);
    }
    // Others are what they were.
    for (other, blip, number) in [("default/up", "UP", 8), ("default/low", "low", 9)] {
        let other = store.load_ticket(&id(other)).await.unwrap().unwrap();
        assert_eq!((other.id.blip_id(), other.number), (blip, Some(number)));
    }
    assert_eq!(store.first_words(&id("default/UP")).await.unwrap().as_deref(), Some("up"));
    assert_eq!(bench.ask(&store, "SELECT count(*) FROM ticket").await, 3);
    // What waited goes on in the two lanes of one ticket, in the order in which it came, and is known
    // when repeated.
    for (lane, count) in [("ticket:default/t-9b", 3), ("reply:default/t-9b", 1)] {
        let lanes = format!("SELECT count(*) FROM lane WHERE name = '{lane}' AND due = 9").leak();
        assert_eq!(bench.ask(&store, lanes).await, 1);
        let in_it = format!("SELECT count(*) FROM item WHERE lane = '{lane}'").leak();
        assert_eq!(bench.ask(&store, in_it).await, count);
    }
    assert_eq!(bench.ask(&store, "SELECT count(*) FROM lane").await, 2);
    let slack = "SELECT count(*) FROM item WHERE key = 'TA:C1:5.0'";
    assert_eq!(bench.ask(&store, slack).await, 1);
    for key in ["m:default/t-9b:a3", "m:default/t-9b:a4"] {
        assert_eq!(store.accept(bench.item(key)).await.unwrap(), Accepted::Repeat, "{key}");
    }
    let context = NewItem { source: Source::Internal, ..bench.item("context:default/up") };
    assert_eq!(store.accept(context).await.unwrap(), Accepted::Repeat);
}

#[tokio::test]
async fn only_the_owner_may_read_the_files_new_and_old() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::new();
    bench.options.exclusive = true;
    for is_new in [true, false] {
        let store = bench.open().await;
        store.accept(bench.item(&is_new.to_string())).await.unwrap();
        let files = bench.files();
        assert_eq!(files.len(), 4, "the database, its log, the index of that, and the lock");
        for (path, _) in files {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}, new: {is_new}", path.display());
        }
        store.close().await;
        for (path, _) in bench.files() {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o664)).unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_of_another_program_is_left_alone() {
    let mut bench = Bench::new();
    bench.options.exclusive = true;
    let path = bench.path();
    let database = |application: i32, sql: &str| {
        std::fs::remove_file(&path).ok();
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "application_id", application).unwrap();
        db.execute_batch(sql).unwrap();
    };
    let text = || std::fs::write(&path, "a page of text\n".repeat(300)).unwrap();
    let foreign: [&dyn Fn(); 4] = [
        &text,
        &|| database(0, "CREATE TABLE customer (name TEXT)"),
        &|| database(0, "CREATE TABLE item (name TEXT); PRAGMA user_version = 2"),
        &|| database(7, "PRAGMA user_version = 0"),
    ];
    for (number, make) in foreign.iter().enumerate() {
        make();
        let before = bench.files();
        let error = bench.try_open().await.err().unwrap();
        assert!(matches!(error, Error::Foreign { .. }), "{number}: {error}");
        assert_eq!(error.to_string().matches("bridge.db").count(), 1, "{error}");
        assert_eq!(bench.files(), before, "{number}");
    }
}

#[tokio::test]
async fn errors_name_the_file_once() {
    let mut bench = Bench::new();
    let told = async |bench: &Bench| bench.try_open().await.err().unwrap().to_string();
    // A folder in its place.
    std::fs::create_dir(bench.path()).unwrap();
    assert_eq!(told(&bench).await.matches("bridge.db").count(), 1);
    std::fs::remove_dir(bench.path()).unwrap();
    // Tables of a later version.
    bench.open().await.close().await;
    Connection::open(bench.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(told(&bench).await.matches("bridge.db").count(), 1);
    std::fs::remove_file(bench.path()).unwrap();
    // None where one is asked for.
    bench.options.create = false;
    assert_eq!(told(&bench).await.matches("bridge.db").count(), 1);
    assert_eq!(bench.files(), []);
    // An empty file is none.
    File::create(bench.path()).unwrap();
    assert_eq!(told(&bench).await.matches("bridge.db").count(), 1);
}
