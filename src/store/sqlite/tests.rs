//! What only this backend promises: how it commits, and to whom it opens.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{join, join_all};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::*;
use crate::store::{Role, Source};

struct Bench {
    folder: TempDir,
    options: Options,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
        let boot_id = Some("boot".to_owned());
        let folder = tempfile::tempdir().unwrap();
        Self { folder, options: Options { boot_id, ..Options::new(clock) } }
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

    /// Asks the writing connection, within a transaction.
    async fn pragma(&self, store: &SqliteStore, pragma: &'static str) -> i64 {
        store.writer.write(move |tx| Box::pin(ask(tx, pragma))).await.unwrap()
    }
}

async fn ask(tx: &mut SqliteConnection, sql: &'static str) -> Result<i64> {
    Ok(query_scalar(sql).fetch_one(tx).await?)
}

/// Keeps the writer busy until the sender is dropped, so that what comes next waits together.
async fn occupy(store: &Arc<SqliteStore>) -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel::<()>();
    let (started, has_started) = oneshot::channel();
    let store = Arc::clone(store);
    TaskTracker::new().spawn(async move {
        let work = store.writer.write(move |_| {
            Box::pin(async move {
                started.send(()).ok();
                released.await.ok();
                Ok(())
            })
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
    let commits = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&commits);
    let count = store.writer.write(move |tx| {
        Box::pin(async move {
            tx.lock_handle().await?.set_commit_hook(move || {
                counter.fetch_add(1, Ordering::Relaxed);
                true
            });
            Ok(())
        })
    });
    count.await.unwrap();
    commits.store(0, Ordering::Relaxed);

    let busy = occupy(&store).await;
    // Few enough to be handed in without tokio making this task pause.
    let accepts = join_all((0..20).map(|n| store.accept(bench.item(&n.to_string()))));
    let checks = join_all((0..20).map(|_| store.check()));
    let ((accepted, checked), ()) = join(join(accepts, checks), async { drop(busy) }).await;
    assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(Accepted::New))));
    assert!(checked.iter().all(Result::is_ok));
    assert_eq!(commits.load(Ordering::Relaxed), 2, "the first one, then all the others");
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_only_if_an_event_is_in_it() {
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    let mut bench = Bench::new();
    let store = bench.open().await;
    let synchronous = || bench.pragma(&store, "PRAGMA synchronous");
    assert_eq!(synchronous().await, NORMAL);
    let busy = occupy(&store).await;
    let both = join(store.accept(bench.item("1")), synchronous());
    let ((accepted, mode), ()) = join(both, async { drop(busy) }).await;
    assert_eq!((accepted.unwrap(), mode), (Accepted::New, FULL));
    assert_eq!(synchronous().await, NORMAL);

    bench.options.boot_id = None;
    let store = bench.open().await;
    assert_eq!(bench.pragma(&store, "PRAGMA synchronous").await, FULL);
}

#[tokio::test]
async fn without_a_boot_id_everything_unfinished_is_in_doubt() {
    let mut bench = Bench::new();
    bench.options.boot_id = None;
    bench.open().await.accept(bench.item("1")).await.unwrap();
    let store = bench.open().await;
    let leases = store.claim(1, BUSY_TIMEOUT, bench.options.clock.now()).await.unwrap();
    assert!(leases[0].items[0].doubt);
}

#[tokio::test]
async fn what_was_handed_in_is_written_even_if_nobody_waits_for_it() {
    let bench = Bench::new();
    let store = bench.open().await;
    let busy = occupy(&store).await;
    // Polled once, which hands it in, then dropped.
    let accept = store.accept(bench.item("1"));
    assert!(futures_util::FutureExt::now_or_never(accept).is_none());
    drop(busy);
    assert_eq!(store.accept(bench.item("1")).await.unwrap(), Accepted::Repeat);
}

#[tokio::test]
async fn a_lane_is_free_only_when_its_release_is_committed() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.accept(bench.item("1")).await.unwrap();
    let now = bench.options.clock.now();
    let lease = store.claim(1, BUSY_TIMEOUT, now).await.unwrap().remove(0);
    let busy = occupy(&store).await;
    let release = store.release(lease, Some(now + BUSY_TIMEOUT));
    let (released, ()) = join(release, async {
        assert_eq!(store.claim(1, BUSY_TIMEOUT, now).await.unwrap().len(), 0);
        drop(busy);
    })
    .await;
    released.unwrap();
    assert_eq!(store.claim(1, BUSY_TIMEOUT, now).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_failed_write_leaves_its_neighbours_alone() {
    let bench = Bench::new();
    let store = bench.open().await;
    let half = |key: &'static str| {
        store.writer.write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO meta (key) VALUES (?1)";
                query(sql).bind(key).execute(&mut *tx).await?;
                query(sql).bind(key).execute(&mut *tx).await?;
                Ok(())
            })
        })
    };
    let busy = occupy(&store).await;
    let all = join(join(half("a"), store.check()), store.accept(bench.item("1")));
    let (((half, checked), accepted), ()) = join(all, async { drop(busy) }).await;
    assert!(matches!(half, Err(Error::Database(_))), "{half:?}");
    checked.unwrap();
    assert_eq!(accepted.unwrap(), Accepted::New);
    assert_eq!(bench.pragma(&store, "SELECT count(*) FROM meta WHERE key = 'a'").await, 0);
}

#[tokio::test]
async fn a_full_disk_fails_those_who_wait_and_nobody_later() {
    let bench = Bench::new();
    let store = bench.open().await;
    let pages = bench.pragma(&store, "PRAGMA page_count").await;
    assert_eq!(bench.pragma(&store, "PRAGMA max_page_count = 1").await, pages);
    let large = |key| NewItem { body: vec![0; 1 << 20], ..bench.item(key) };

    let busy = occupy(&store).await;
    let all = join(join(store.accept(large("1")), store.accept(large("2"))), store.check());
    let (((first, second), checked), ()) = join(all, async { drop(busy) }).await;
    for failed in [first.map(drop), second.map(drop), checked] {
        let Err(Error::Database(error)) = failed else { panic!("{failed:?}") };
        assert!(error.to_string().contains("full"), "{error}");
    }
    // The connection was replaced, and with it went the limit.
    assert_eq!(store.accept(large("1")).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn a_full_disk_fails_a_soft_write_and_nobody_later() {
    let bench = Bench::new();
    let store = bench.open().await;
    bench.pragma(&store, "PRAGMA max_page_count = 1").await;
    let large = store.writer.write(|tx| {
        Box::pin(async move {
            let sql = "INSERT INTO meta VALUES ('a', hex(zeroblob(1000000)))";
            query(sql).execute(tx).await?;
            Ok(())
        })
    });
    assert!(matches!(large.await, Err(Error::Database(_))));
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_database_is_served_by_one_and_looked_into_by_others() {
    let mut bench = Bench::new();
    bench.options.exclusive = true;
    let store = bench.open().await;
    let second = bench.try_open().await.err().unwrap();
    assert!(matches!(&second, Error::InUse { .. }), "{second}");
    bench.options.exclusive = false;
    bench.open().await.check().await.unwrap();
    bench.options.exclusive = true;
    store.close().await;
    bench.open().await.check().await.unwrap();
}

#[tokio::test]
async fn a_lane_has_a_row_exactly_as_long_as_an_item_waits_in_it() {
    let bench = Bench::new();
    let store = bench.open().await;
    let rows = || bench.pragma(&store, "SELECT count(*) FROM lane");
    let now = bench.options.clock.now();
    let message = Lane::Message(ChannelId::parse("C1").unwrap(), MessageTs::parse("1").unwrap());
    store.accept(NewItem { lane: message, ..bench.item("1") }).await.unwrap();
    store.accept(NewItem { source: Source::Desk, ..bench.item("1") }).await.unwrap();
    assert_eq!(rows().await, 2);
    let link = Link {
        ticket: TicketId::parse("default/t").unwrap(),
        channel: ChannelId::parse("C1").unwrap(),
        ts: MessageTs::parse("1").unwrap(),
        role: Role::Card,
        blip_id: None,
        user: None,
    };
    store.link(link).await.unwrap();
    assert_eq!(rows().await, 2);
    let leases = store.claim(9, BUSY_TIMEOUT, now).await.unwrap();
    let parked = Verdict::Parked { reason: "refused".to_owned() };
    store.settle(&leases[0], &[leases[0].items[0].id], Verdict::Done).await.unwrap();
    store.settle(&leases[1], &[leases[1].items[0].id], parked).await.unwrap();
    assert_eq!(rows().await, 0);
    store.release(leases[1].clone(), Some(now)).await.unwrap();
    assert_eq!(rows().await, 0);
    store.revive(leases[1].items[0].id, now).await.unwrap();
    assert_eq!(rows().await, 1);
}

#[tokio::test]
async fn no_hot_query_reads_a_whole_table() {
    let bench = Bench::new();
    let store = bench.open().await;
    for sql in [items::CLAIM, items::DEPTH, items::ERASE_BODIES, steps::IS_POSTING] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> =
            query_as(explain).fetch_all(&store.readers).await.unwrap();
        for (.., step) in plan {
            let reads_all = step.starts_with("SCAN") && !step.contains("INDEX");
            assert!(
                !reads_all
                    || ["head", "json_each", "CONSTANT"].iter().any(|name| step.contains(name)),
                "{sql}: {step}"
            );
        }
    }
}
