//! What every store promises, one test per promise.
//!
//! A backend is one [`Backend`] of [`Database`]; nothing else here knows which one it is.

mod model;

use std::sync::Arc;
use std::time::Duration;

use blip_slack::clock::Clock;
use blip_slack::model::{
    Agent, BotName, ChannelId, Customer, CustomerKey, FirstAnswer, MessageTs, PassedLimits,
    PersonalSwitch, Priority, SlackUserId, Thread, Ticket, TicketEnding, TicketId, TicketState,
};
use blip_slack::store::{
    Accepted, CallState, CallTry, Cutoffs, Ending, Error, Item, ItemId, LEASE_ITEMS, Lane,
    LaneRelease, Lease, Link, NewItem, Places, Pool, PostRate, PostgresStore, QueueDepth, Role,
    SharedStore, Source, SqliteStore, StoredOutcome, Turn, TurnPass, TurnRequest, Writes, postgres,
    sqlite, switches,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{PostgresSchema, TestBackend};

/// How long leases are in these tests.
const LEASE: Duration = Duration::from_mins(1);

/// A database that outlives the stores that open it.
pub struct Database {
    clock: Clock,
    backend: Backend,
}

enum Backend {
    Sqlite { url: String, _folder: TempDir },
    Postgres(PostgresSchema),
}

impl Database {
    fn new(backend: Backend) -> Self {
        let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
        Self { clock, backend }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("bridge.db").display());
        Self::new(Backend::Sqlite { url, _folder: folder })
    }

    /// None where there is no server.
    async fn postgres() -> Option<Self> {
        Some(Self::new(Backend::Postgres(PostgresSchema::make().await?)))
    }

    async fn open(&self) -> SharedStore {
        self.open_in_boot("first").await
    }

    /// Opens it in this start of the machine, or in this history of the server's database.
    async fn open_in_boot(&self, boot: &str) -> SharedStore {
        match &self.backend {
            Backend::Sqlite { url, .. } => {
                let boot_id = Some(boot.to_owned());
                let options = sqlite::SqliteOptions {
                    boot_id,
                    ..sqlite::SqliteOptions::new(self.clock.clone())
                };
                Arc::new(SqliteStore::open(url, options).await.unwrap())
            }
            Backend::Postgres(schema) => {
                let options = postgres::PostgresOptions {
                    // What passes here is the time of leases.
                    term: Duration::from_hours(10_000),
                    era: Some(boot.to_owned()),
                    ..postgres::PostgresOptions::new(self.clock.clone())
                };
                Arc::new(PostgresStore::open(schema.url(), options).await.unwrap())
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is known of a try that began then: only where others share the store may it be under way.
    fn last_try(&self, began: Timestamp) -> CallTry {
        match self.backend {
            Backend::Sqlite { .. } => CallTry::Ended(began),
            Backend::Postgres(_) => CallTry::Begun(began),
        }
    }

    fn pass(&self, time: Duration) -> Timestamp {
        self.clock.advance(time);
        self.now()
    }

    fn item(&self, lane: &Lane, key: &str) -> NewItem {
        let now = self.now();
        let (lane, key, body) = (lane.clone(), key.to_owned(), key.as_bytes().to_vec());
        NewItem { source: Source::Blip, lane, key, body, received: now, due: now }
    }

    async fn accept(&self, store: &SharedStore, lane: &Lane, keys: &[&str]) {
        for key in keys {
            assert_eq!(store.accept(self.item(lane, key)).await.unwrap(), Accepted::New);
        }
    }

    async fn claim(&self, store: &SharedStore) -> Vec<Lease> {
        store.lease_lanes(Places::any(100), LEASE, self.now()).await.unwrap()
    }

    /// Claims the one lane that must be there to claim.
    async fn claim_one(&self, store: &SharedStore) -> Lease {
        let mut leases = self.claim(store).await;
        assert_eq!(leases.len(), 1, "{leases:?}");
        leases.remove(0)
    }
}

/// Runs a test on an empty database of each kind that is asked for.
async fn on_every_backend(test: impl AsyncFn(Database)) {
    for backend in TestBackend::asked_of_stores() {
        let database = match backend {
            TestBackend::Sqlite => Some(Database::sqlite()),
            TestBackend::Postgres => Database::postgres().await,
        };
        if let Some(database) = database {
            backend.tell_use();
            test(database).await;
        }
    }
}

fn own(name: &str) -> Lane {
    Lane::Own(name.to_owned())
}

fn ticket_id(id: &str) -> TicketId {
    TicketId::new(BotName::default(), id).unwrap()
}

fn channel(id: &str) -> ChannelId {
    ChannelId::parse(id).unwrap()
}

fn ts(value: &str) -> MessageTs {
    MessageTs::parse(value).unwrap()
}

fn link(ticket: &str, message: &str, role: Role) -> Link {
    Link {
        ticket: ticket_id(ticket),
        channel: channel("C1"),
        ts: ts(message),
        role,
        blip_id: None,
        user: None,
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn keys(lease: &Lease) -> Vec<&str> {
    lease.items.iter().map(|item| item.key.as_str()).collect()
}

fn ids(lease: &Lease) -> Vec<i64> {
    lease.items.iter().map(|item| item.id).collect()
}

async fn finish(store: &SharedStore, lease: Lease, outcome: StoredOutcome) {
    store.record_outcome(&lease, &ids(&lease), outcome).await.unwrap();
    store.release_lane(lease, None).await.unwrap();
}

/// Notes how a call ended.
async fn record_result(store: &SharedStore, item: ItemId, step: &str, result: &str) {
    let mut writes = Writes::default();
    writes.put_decision(item, step, result);
    store.write(&writes).await.unwrap();
}

fn park() -> StoredOutcome {
    StoredOutcome::Parked { reason: "refused".to_owned() }
}

fn is_lease_lost<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::LeaseLost { .. }))
}

#[tokio::test]
async fn an_accepted_event_is_handed_out_as_it_came() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let body = b"\0\xff{\"text\":\"ol\xc3\xa1\"}".to_vec();
        let new = NewItem { body: body.clone(), ..db.item(&own("a"), "odd \u{1F600} '\"key") };
        store.accept(new.clone()).await.unwrap();
        let lease = db.claim_one(&store).await;
        assert_eq!(Lane::parse(&lease.lane), Some(own("a")));
        let item = Item {
            id: lease.items[0].id,
            source: Source::Blip,
            lane: lease.lane.clone(),
            key: new.key,
            body,
            received: db.now(),
            attempts: 0,
            may_have_unrecorded_calls: false,
            has_begun_calls: false,
        };
        assert_eq!(lease.items, [item]);
    })
    .await;
}

/// Ids as somebody who means harm might write them: one in each line.
fn hostile_ids() -> Vec<String> {
    let long = |letter: char| letter.to_string().repeat(3000);
    // Random enough that nothing makes it shorter.
    let noise: String = (0..3000).map(|_| fastrand::char('\u{20}'..'\u{fff0}')).collect();
    [
        String::new(),
        "\0".to_owned(),
        "\0\0".to_owned(),
        "\u{1}a".to_owned(),
        "a".to_owned(),
        "A".to_owned(),
        // Some collations take these for the same, or put them elsewhere in the order.
        "\u{e9}".to_owned(),
        "e\u{301}".to_owned(),
        "stra\u{df}e".to_owned(),
        "strasse".to_owned(),
        "a b".to_owned(),
        "a-b".to_owned(),
        "'; DROP TABLE item; --".to_owned(),
        "%_\\".to_owned(),
        "\u{ffff}".to_owned(),
        long('x'),
        format!("{}y", long('x')),
        noise,
    ]
    .into()
}

#[tokio::test]
async fn hostile_ids_are_kept_apart_and_come_back_as_they_were() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let ids = hostile_ids();
        for id in &ids {
            let item = NewItem { key: format!("k:{id}"), ..db.item(&own(id), id) };
            assert_eq!(store.accept(item.clone()).await.unwrap(), Accepted::New, "{id:.20?}");
            assert_eq!(store.accept(item).await.unwrap(), Accepted::Repeat, "{id:.20?}");
            assert!(store.has_accepted(Source::Blip, &format!("k:{id}")).await.unwrap());
        }
        let leases = db.claim(&store).await;
        assert_eq!(leases.len(), ids.len(), "each has a lane of its own");
        for lease in leases {
            let id = lease.lane.strip_prefix("own:").unwrap().to_owned();
            assert!(ids.contains(&id), "{id:.20?}");
            let item = lease.items[0].id;
            assert_eq!(lease.items[0].key, format!("k:{id}"));
            let begin = async || {
                store.begin_call(item, &id, None, db.now(), &Writes::default()).await.unwrap()
            };
            assert_eq!(begin().await, CallState::Fresh);
            record_result(&store, item, &id, &id).await;
            assert_eq!(begin().await, CallState::Done(id.clone()));
            let reason = StoredOutcome::Parked { reason: id.clone() };
            finish(&store, lease, reason).await;
            store.put_fact("last", Some(&id)).await.unwrap();
            assert_eq!(store.read_fact("last").await.unwrap(), Some(id));
        }
        let parked = store.parked_items(None).await.unwrap();
        let reasons: Vec<_> = parked.into_iter().map(|item| item.reason).collect();
        assert!(reasons == ids, "in the order in which they came");
        // The greatest, by bytes.
        let greatest = store.greatest_key(Source::Blip, "k:").await.unwrap().unwrap().0;
        let expected = ids.iter().map(|id| format!("k:{id}")).max().unwrap();
        assert!(greatest == expected, "the greatest by bytes");
        let begins = store.greatest_key(Source::Blip, "k:\0").await.unwrap().unwrap().0;
        assert_eq!(begins, "k:\0\0");
    })
    .await;
}

#[tokio::test]
async fn hostile_names_of_customers_are_kept_and_found() {
    on_every_backend(async |db| {
        let store = db.open().await;
        for (number, name) in (0..).zip(hostile_ids()) {
            let customer = format!("{name}@wa.gw.msging.net");
            let mut ticket = ticket(&number.to_string(), &customer, number, db.now());
            ticket.customer.name = Some(name.clone());
            ticket.customer.originator = Some(name.clone());
            ticket.address.clone_from(&name);
            ticket.tags = vec![name.clone()];
            store.put_ticket(&mut ticket).await.unwrap();
            store.keep_first_words(&ticket.id, &name).await.unwrap();
            let blip_id = Some(name.to_ascii_lowercase());
            let link = Link { blip_id, ..link(&number.to_string(), "1.1", Role::Customer) };
            let link = Link { ts: ts(&format!("1.{number}")), ..link };
            store.link_message(link.clone(), db.now()).await.unwrap();
            store.link_message(link.clone(), db.now()).await.unwrap();
            assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(ticket.clone()));
            assert_eq!(store.first_words(&ticket.id).await.unwrap(), Some(name.clone()));
            assert_eq!(store.links_of(&ticket.id, &name).await.unwrap(), [link]);
            let other = ticket_id("other");
            let latest = store.latest_ticket_of(&customer, &other).await.unwrap();
            assert_eq!(latest.map(|ticket| ticket.id), Some(ticket.id.clone()), "{name:.20?}");
            let found = store.find_tickets(&customer, 100).await.unwrap();
            assert!(found.iter().any(|found| found.id == ticket.id), "{name:.20?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_item_whose_call_was_begun_is_handed_out_as_such() {
    on_every_backend(async |db| {
        let store = db.open().await;
        for key in ["1", "2"] {
            store.accept(db.item(&own("a"), key)).await.unwrap();
        }
        let lease = db.claim_one(&store).await;
        store
            .begin_call(lease.items[0].id, "post", None, db.now(), &Writes::default())
            .await
            .unwrap();
        store.release_lane(lease, None).await.unwrap();
        let lease = db.claim_one(&store).await;
        assert_eq!(
            lease.items.iter().map(|item| item.has_begun_calls).collect::<Vec<_>>(),
            [true, false]
        );
    })
    .await;
}

#[tokio::test]
async fn what_waits_in_a_lane_is_counted_by_source_and_key() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let lane = own("a");
        db.accept(&store, &lane, &["m:1", "m:2", "x:1"]).await;
        db.accept(&store, &own("b"), &["m:3"]).await;
        let slack = NewItem { source: Source::Slack, ..db.item(&lane, "m:4") };
        store.accept(slack).await.unwrap();
        let count = async |key| store.count_waiting(&lane, Source::Blip, key).await.unwrap();
        assert_eq!([count("m:").await, count("").await, count("y:").await], [2, 3, 0]);
        // What is under way counts until it has ended.
        let leases = db.claim(&store).await;
        assert_eq!(count("m:").await, 2);
        for lease in leases {
            finish(&store, lease, StoredOutcome::Done).await;
        }
        assert_eq!(count("").await, 0);
    })
    .await;
}

#[tokio::test]
async fn second_acceptance_of_the_same_event_is_a_repeat() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let item = db.item(&own("a"), "k");
        assert_eq!(store.accept(item.clone()).await.unwrap(), Accepted::New);
        // Whatever else it says, and even after it was handled and the process has died.
        let again = NewItem { body: b"other".to_vec(), lane: own("b"), ..item.clone() };
        assert_eq!(store.accept(again.clone()).await.unwrap(), Accepted::Repeat);
        finish(&store, db.claim_one(&store).await, StoredOutcome::Done).await;
        drop(store);
        let store = db.open().await;
        assert_eq!(store.accept(again).await.unwrap(), Accepted::Repeat);
        assert_eq!(db.claim(&store).await.len(), 0);
        // The same key of another source is another event.
        let other = NewItem { source: Source::Slack, ..item };
        assert_eq!(store.accept(other).await.unwrap(), Accepted::New);
    })
    .await;
}

#[tokio::test]
async fn of_simultaneous_acceptances_of_one_event_one_is_new() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let accepts = (0..20).map(|_| store.accept(db.item(&own("a"), "k")));
        let accepted = futures_util::future::try_join_all(accepts).await.unwrap();
        let new = accepted.iter().filter(|accepted| **accepted == Accepted::New).count();
        assert_eq!(new, 1);
        assert_eq!(db.claim_one(&store).await.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_lane_is_leased_to_one_at_a_time_and_in_order() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1", "2"]).await;
        let lease = db.claim_one(&store).await;
        assert_eq!(keys(&lease), ["1", "2"]);
        db.accept(&store, &own("a"), &["3"]).await;
        assert_eq!(db.claim(&store).await.len(), 0);
        store.record_outcome(&lease, &ids(&lease)[..1], StoredOutcome::Done).await.unwrap();
        assert_eq!(db.claim(&store).await.len(), 0);
        store.release_lane(lease, None).await.unwrap();
        assert_eq!(keys(&db.claim_one(&store).await), ["2", "3"]);
    })
    .await;
}

#[tokio::test]
async fn lanes_are_leased_longest_due_first_and_not_more_than_asked_for() {
    on_every_backend(async |db| {
        let store = db.open().await;
        for lane in ["z", "a", "m"] {
            db.accept(&store, &own(lane), &[lane]).await;
            db.pass(seconds(1));
        }
        let lanes = |leases: &[Lease]| leases.iter().map(|l| l.lane.clone()).collect::<Vec<_>>();
        let first = store.lease_lanes(Places::any(2), LEASE, db.now()).await.unwrap();
        assert_eq!(lanes(&first), ["own:z", "own:a"]);
        assert_eq!(lanes(&db.claim(&store).await), ["own:m"]);
    })
    .await;
}

/// A lane like another one.
fn number_lane(lane: &Lane, number: usize) -> Lane {
    match lane {
        Lane::Own(name) => own(&format!("{name}{number}")),
        Lane::Message(channel, _) => Lane::Message(channel.clone(), ts(&format!("{number}.0"))),
        Lane::Ticket(_) => Lane::Ticket(ticket_id(&format!("t{number}"))),
        Lane::Replies(_) => Lane::Replies(ticket_id(&format!("t{number}"))),
    }
}

#[tokio::test]
async fn the_tables_know_the_pool_of_each_lane() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let lanes = [
            Lane::Ticket(ticket_id("t")),
            Lane::Message(channel("C1"), ts("1.0")),
            own("file:F1"),
            own("mark:C1:1.0"),
        ];
        for (number, lane) in lanes.iter().enumerate() {
            for count in 0..2 {
                let lane = number_lane(lane, count);
                db.accept(&store, &lane, &[&format!("{number}-{count}")]).await;
            }
        }
        for pool in Pool::ALL {
            let places = |most| Places::of_pools(|each| if each == pool { most } else { 0 });
            assert_ne!(store.next_due(places(0)).await.unwrap(), Some(db.now()));
            assert_eq!(store.next_due(places(1)).await.unwrap(), Some(db.now()));
            for _ in 0..2 {
                let leases = store.lease_lanes(places(1), LEASE, db.now()).await.unwrap();
                assert_eq!(leases.len(), 1, "{pool:?}");
                assert_eq!(Pool::of_lane(&leases[0].lane), pool);
            }
        }
        assert!(db.claim(&store).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn lanes_of_a_bot_that_has_no_places_left_are_passed_over() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let of_bot = |kind: &str, number: usize| Lane::parse(&format!("{kind}vendas/{number}"));
        let kinds = ["ticket:", "reply:", "own:file:", "own:catch-up:"];
        for (number, kind) in kinds.into_iter().enumerate() {
            // The longest due first.
            db.accept(&store, &of_bot(kind, number).unwrap(), &[&format!("own-{number}")]).await;
            let other = Lane::parse(&format!("{kind}vendas2/{number}")).unwrap();
            db.accept(&store, &other, &[&format!("other-{number}")]).await;
        }
        let bot = BotName::parse("vendas").unwrap();
        for (pool, kind) in Pool::ALL.into_iter().zip(kinds) {
            let open = Places::of_pools(|each| if each == pool { 9 } else { 0 });
            let places = open.clone().without_bot(pool, &bot);
            let leases = store.lease_lanes(places.clone(), LEASE, db.now()).await.unwrap();
            let lanes: Vec<_> = leases.iter().map(|lease| lease.lane.as_str()).collect();
            assert_eq!(lanes.len(), 1, "{lanes:?}");
            assert!(lanes[0].starts_with(&format!("{kind}vendas2/")), "{lanes:?}");
            assert_ne!(store.next_due(places).await.unwrap(), Some(db.now()), "{pool:?}");
            assert_eq!(store.next_due(open.clone()).await.unwrap(), Some(db.now()));
            assert_eq!(store.lease_lanes(open, LEASE, db.now()).await.unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_hands_out_the_first_items_only() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let accepts = (0..LEASE_ITEMS + 3)
            .map(|number| store.accept(db.item(&own("a"), &number.to_string())));
        futures_util::future::try_join_all(accepts).await.unwrap();
        let lease = db.claim_one(&store).await;
        assert_eq!(lease.items.len(), LEASE_ITEMS);
        assert!(ids(&lease).is_sorted());
        finish(&store, lease, StoredOutcome::Done).await;
        assert_eq!(db.claim_one(&store).await.items.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_lane_is_due_when_its_first_item_is() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let due = db.now() + seconds(10);
        store.accept(NewItem { due, ..db.item(&own("a"), "later") }).await.unwrap();
        db.accept(&store, &own("a"), &["now"]).await;
        assert_eq!(db.claim(&store).await.len(), 0);
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), Some(due));
        db.pass(seconds(10));
        assert_eq!(keys(&db.claim_one(&store).await), ["later", "now"]);
    })
    .await;
}

#[tokio::test]
async fn a_new_event_does_not_cut_the_pause_of_its_lane_short() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let lease = db.claim_one(&store).await;
        store.record_outcome(&lease, &ids(&lease), StoredOutcome::Failed).await.unwrap();
        store.release_lane(lease, Some(db.now() + seconds(30))).await.unwrap();
        db.accept(&store, &own("a"), &["2"]).await;
        assert_eq!(db.claim(&store).await.len(), 0);
        db.pass(seconds(30));
        assert_eq!(keys(&db.claim_one(&store).await), ["1", "2"]);
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_item_may_come_again() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        finish(&store, db.claim_one(&store).await, StoredOutcome::Forgotten).await;
        assert!(store.lease_lanes(Places::any(1), LEASE, db.now()).await.unwrap().is_empty());
        db.accept(&store, &own("a"), &["1"]).await;
        assert_eq!(db.claim_one(&store).await.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_failed_item_stays_at_the_head_and_its_attempts_are_counted() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1", "2"]).await;
        for attempts in 0..3 {
            let lease = db.claim_one(&store).await;
            assert_eq!(keys(&lease), ["1", "2"]);
            assert_eq!((lease.items[0].attempts, lease.items[1].attempts), (attempts, 0));
            store.record_outcome(&lease, &ids(&lease)[..1], StoredOutcome::Failed).await.unwrap();
            store.release_lane(lease, None).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_lost_to_the_next_one() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let old = db.claim_one(&store).await;
        db.pass(seconds(59));
        assert_eq!(db.claim(&store).await.len(), 0);
        db.pass(seconds(1));
        let new = db.claim_one(&store).await;
        assert_eq!(ids(&old), ids(&new));
        assert!(is_lease_lost(&store.record_outcome(&old, &ids(&old), StoredOutcome::Done).await));
        assert!(is_lease_lost(&store.release_lane(old, None).await));
        assert_eq!(db.claim(&store).await.len(), 0);
        finish(&store, new, StoredOutcome::Done).await;
    })
    .await;
}

#[tokio::test]
async fn a_lease_of_an_earlier_process_settles_nothing() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let old = db.claim_one(&store).await;
        drop(store);
        let store = db.open().await;
        db.pass(LEASE);
        let new = db.claim_one(&store).await;
        assert!(is_lease_lost(&store.record_outcome(&old, &ids(&old), StoredOutcome::Done).await));
        finish(&store, new, StoredOutcome::Done).await;
    })
    .await;
}

#[tokio::test]
async fn items_are_settled_together_or_not_at_all() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1", "2"]).await;
        let lease = db.claim_one(&store).await;
        store.record_outcome(&lease, &ids(&lease)[..1], StoredOutcome::Done).await.unwrap();
        assert!(is_lease_lost(
            &store.record_outcome(&lease, &ids(&lease), StoredOutcome::Done).await
        ));
        store.release_lane(lease, None).await.unwrap();
        assert_eq!(keys(&db.claim_one(&store).await), ["2"]);
    })
    .await;
}

#[tokio::test]
async fn an_event_on_an_unknown_message_moves_to_the_tickets_lane_when_it_is_linked() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let message = Lane::Message(channel("C1"), ts("1.10"));
        let other = Lane::Message(channel("C1"), ts("1.1"));
        let ticket = Lane::Replies(ticket_id("t"));
        db.accept(&store, &message, &["early"]).await;
        db.pass(seconds(1));
        db.accept(&store, &ticket, &["of the ticket"]).await;
        db.pass(seconds(1));
        db.accept(&store, &other, &["of another message"]).await;
        let stale = db.claim(&store).await.remove(0);
        assert_eq!(stale.lane, message.name());
        db.pass(LEASE);

        store.link_message(link("t", "1.10", Role::Card), Timestamp::UNIX_EPOCH).await.unwrap();
        db.accept(&store, &message, &["late"]).await;
        let leases = db.claim(&store).await;
        assert_eq!(leases.len(), 2);
        assert_eq!(leases[0].lane, ticket.name());
        assert_eq!(keys(&leases[0]), ["early", "of the ticket", "late"]);
        assert_eq!(keys(&leases[1]), ["of another message"]);
        assert!(is_lease_lost(
            &store.record_outcome(&stale, &ids(&stale), StoredOutcome::Done).await
        ));
    })
    .await;
}

#[tokio::test]
async fn who_holds_the_lane_of_a_message_loses_its_items_when_it_is_linked() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &Lane::Message(channel("C1"), ts("1.1")), &["1"]).await;
        let lease = db.claim_one(&store).await;
        store.link_message(link("t", "1.1", Role::Customer), Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(is_lease_lost(
            &store.record_outcome(&lease, &ids(&lease), StoredOutcome::Ignored).await
        ));
        store.release_lane(lease, Some(db.now() + seconds(9))).await.unwrap();
        assert_eq!(db.claim_one(&store).await.lane, "reply:default/t");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_found_by_either_message() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let with_blip = |message, role| Link {
            blip_id: Some("b".to_owned()),
            user: SlackUserId::parse("U1"),
            ..link("t", message, role)
        };
        let links = [
            with_blip("1.3", Role::Reply),
            with_blip("1.2", Role::Customer),
            link("t", "1.1", Role::Card),
        ];
        for link in &links {
            store.link_message(link.clone(), Timestamp::UNIX_EPOCH).await.unwrap();
            store.link_message(link.clone(), Timestamp::UNIX_EPOCH).await.unwrap();
        }
        for link in &links {
            assert_eq!(
                store.find_link(&link.channel, &link.ts).await.unwrap().as_ref(),
                Some(link)
            );
        }
        assert_eq!(store.find_link(&channel("C2"), &ts("1.1")).await.unwrap(), None);
        let found = store.links_of(&ticket_id("t"), "b").await.unwrap();
        assert_eq!(found, [links[1].clone(), links[0].clone()]);
        assert_eq!(store.links_of(&ticket_id("other"), "b").await.unwrap(), []);

        // A note that is sent to the customer after all.
        let note = link("t", "1.4", Role::Note);
        store.link_message(note.clone(), Timestamp::UNIX_EPOCH).await.unwrap();
        let reply = with_blip("1.4", Role::Reply);
        store.link_message(reply.clone(), Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(store.find_link(&note.channel, &note.ts).await.unwrap(), Some(reply));
    })
    .await;
}

#[tokio::test]
async fn a_thread_has_replies_if_something_of_its_ticket_came_after_the_root() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let thread = Thread { channel: channel("C1"), root: ts("1.2") };
        let but = async |gone| store.has_replies(&ticket_id("t"), &thread, gone).await.unwrap();
        for link in [
            link("t", "1.1", Role::Note),
            link("t", "1.2", Role::Card),
            link("other", "1.3", Role::Note),
        ] {
            store.link_message(link, Timestamp::UNIX_EPOCH).await.unwrap();
            assert!(!but(None).await);
        }
        store.link_message(link("t", "1.4", Role::Note), Timestamp::UNIX_EPOCH).await.unwrap();
        let (other, last) = (ts("1.3"), ts("1.4"));
        assert!(but(None).await && but(Some(&other)).await);
        assert!(!but(Some(&last)).await);
    })
    .await;
}

#[tokio::test]
async fn an_outside_call_is_remembered_however_far_it_came() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let item = db.claim_one(&store).await.items[0].id;
        let begin = async |store: &SharedStore, step: &str| {
            store.begin_call(item, step, None, db.now(), &Writes::default()).await.unwrap()
        };
        assert_eq!(begin(&store, "card").await, CallState::Fresh);
        let began = db.now();
        let begins = db.last_try(began);
        assert_eq!(begin(&store, "card").await, CallState::OutcomeUnknown(begins));
        let again = db.pass(seconds(1));
        assert_eq!(begin(&store, "card").await, CallState::OutcomeUnknown(begins));
        store.touch_call(item, "card", CallTry::Begun(again)).await.unwrap();
        let begins = db.last_try(again);
        assert_eq!(begin(&store, "card").await, CallState::OutcomeUnknown(begins));
        let ended = CallTry::Ended(db.pass(seconds(1)));
        store.touch_call(item, "card", ended).await.unwrap();
        assert_eq!(begin(&store, "card").await, CallState::OutcomeUnknown(ended));
        let again = db.now();
        record_result(&store, item, "card", "1.1").await;
        assert_eq!(begin(&store, "post").await, CallState::Fresh);
        drop(store);

        let store = db.open().await;
        db.pass(LEASE);
        assert_eq!(db.claim_one(&store).await.items[0].id, item);
        assert_eq!(begin(&store, "card").await, CallState::Done("1.1".to_owned()));
        assert_eq!(begin(&store, "post").await, CallState::OutcomeUnknown(db.last_try(again)));
        store.forget_calls(item, &["post"]).await.unwrap();
        assert_eq!(begin(&store, "post").await, CallState::Fresh);
    })
    .await;
}

#[tokio::test]
async fn no_outside_call_begins_for_an_item_that_does_not_wait() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        store.begin_call(item, "card", None, db.now(), &Writes::default()).await.unwrap();
        finish(&store, lease, StoredOutcome::Done).await;
        assert!(is_lease_lost(
            &store.begin_call(item, "card", None, db.now(), &Writes::default()).await
        ));
        assert!(is_lease_lost(
            &store.begin_call(item, "post", None, db.now(), &Writes::default()).await
        ));
        record_result(&store, item, "card", "1.1").await;
        assert_eq!(store.calls_of(item).await.unwrap(), [], "nothing is kept of a finished item");
    })
    .await;
}

#[tokio::test]
async fn a_channel_is_posted_to_while_a_waiting_item_has_begun_to() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        let before = db.now();
        let begun = db.pass(seconds(1));
        store
            .begin_call(item, "card", Some(&channel("C1")), begun, &Writes::default())
            .await
            .unwrap();
        store.begin_call(item, "open", None, begun, &Writes::default()).await.unwrap();
        let later = db.pass(seconds(1));
        let is_posting =
            async |id: &str, before| store.is_posting(&channel(id), before).await.unwrap();
        assert!(is_posting("C1", later).await);
        assert!(is_posting("C1", begun).await);
        assert!(!is_posting("C1", before).await);
        assert!(!is_posting("C2", later).await);
        // Known at the far end, but not linked here yet.
        record_result(&store, item, "card", "1.1").await;
        assert!(is_posting("C1", later).await);
        finish(&store, lease, StoredOutcome::Done).await;
        assert!(!is_posting("C1", later).await);
    })
    .await;
}

#[tokio::test]
async fn what_is_in_doubt_may_have_posted_anywhere() {
    on_every_backend(async |db| {
        let first = db.open_in_boot("first").await;
        let before = db.now();
        // What waits for a message posts nothing itself.
        let message = Lane::Message(channel("C1"), ts("1.0"));
        db.accept(&first, &message, &["event"]).await;
        db.pass(seconds(1));
        let store = db.open_in_boot("second").await;
        let is_posting = async |store: &SharedStore, before| {
            store.is_posting(&channel("C1"), before).await.unwrap()
        };
        assert!(!is_posting(&store, db.now()).await);
        let accepted = db.pass(seconds(1));
        db.accept(&store, &own("a"), &["ticket"]).await;
        let later = db.pass(seconds(1));
        assert!(!is_posting(&store, later).await, "it has not begun to");
        let store = db.open_in_boot("third").await;
        assert!(is_posting(&store, later).await, "its mark may be lost");
        assert!(is_posting(&store, accepted).await);
        assert!(!is_posting(&store, before).await, "it came later than that");
        let now = db.pass(LEASE);
        let leases = store.lease_lanes(Places::any(9), LEASE, now).await.unwrap();
        let lease = leases.into_iter().find(|lease| lease.lane == own("a").name()).unwrap();
        finish(&store, lease, StoredOutcome::Done).await;
        assert!(!is_posting(&store, later).await);
    })
    .await;
}

#[tokio::test]
async fn events_of_an_earlier_boot_are_in_doubt() {
    on_every_backend(async |db| {
        let doubts = async |boot: &str| {
            db.pass(LEASE);
            let store = db.open_in_boot(boot).await;
            let lease = db.claim_one(&store).await;
            lease.items.iter().map(|item| item.may_have_unrecorded_calls).collect::<Vec<_>>()
        };
        db.accept(&db.open_in_boot("first").await, &own("a"), &["1"]).await;
        assert_eq!(doubts("first").await, [false]);
        assert_eq!(doubts("second").await, [true]);
        db.accept(&db.open_in_boot("second").await, &own("a"), &["2"]).await;
        assert_eq!(doubts("second").await, [true, false]);
    })
    .await;
}

fn ticket(id: &str, customer: &str, number: i64, opened: Timestamp) -> Ticket {
    Ticket {
        id: ticket_id(id),
        address: format!("{id}@desk.msging.net"),
        number: Some(number),
        parent: None,
        customer: Customer {
            identity: customer.to_owned(),
            name: None,
            originator: None,
            domain: "wa.gw.msging.net".to_owned(),
        },
        team: None,
        tags: Vec::new(),
        opened,
        state: TicketState::Unclaimed,
        thread: None,
        heard: None,
        unanswered: None,
        first_answer: None,
        rating: None,
        priority: Priority::None,
        passed_limits: PassedLimits::default(),
        is_on_standby: false,
        revision: 0,
        version: 0,
    }
}

#[tokio::test]
async fn a_ticket_is_read_as_it_was_written() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let agent = Agent {
            user: SlackUserId::parse("U1").unwrap(),
            name: "Ana".to_owned(),
            identity: "ana%40loja.com@blip.ai".to_owned(),
        };
        let closed = |ending| TicketState::Closed { ending, at: db.now() };
        let mut ticket = ticket("t", "c", 7, db.now());
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), None);
        store.put_ticket(&mut ticket).await.unwrap();
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(ticket.clone()));

        ticket.parent = Some(6);
        ticket.customer.name = Some("João".to_owned());
        ticket.team = Some("Vendas".to_owned());
        ticket.tags = vec!["a,b".to_owned(), "\"c\"".to_owned()];
        ticket.thread = Some(Thread { channel: channel("C1"), root: ts("1.10") });
        ticket.first_answer = Some(FirstAnswer { at: db.now(), by: None });
        ticket.rating = Some("4/5".to_owned());
        ticket.priority = Priority::High;
        ticket.passed_limits =
            PassedLimits { waiting: true, first_answer: false, attendance: true };
        store.put_ticket(&mut ticket).await.unwrap();
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(ticket.clone()));
        ticket.first_answer = Some(FirstAnswer { at: db.now(), by: Some(agent.user.clone()) });
        for state in [
            TicketState::Claimed { holder: agent.clone(), since: db.now() },
            closed(TicketEnding::Agent(agent)),
            closed(TicketEnding::AgentElsewhere),
            closed(TicketEnding::Customer),
            closed(TicketEnding::Inactivity),
            closed(TicketEnding::Transferred),
            closed(TicketEnding::Other("ClosedOddly".to_owned())),
        ] {
            ticket.enter_state(state);
            store.put_ticket(&mut ticket).await.unwrap();
            assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(ticket.clone()));
        }
    })
    .await;
}

#[tokio::test]
async fn tickets_are_found_by_when_they_were_closed() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let start = db.now();
        for (id, minutes) in [("late", 30), ("first", 10), ("early", -1), ("start", 0)] {
            let mut ticket = ticket(id, "c", 1, start);
            let at = start + SignedDuration::from_mins(minutes);
            ticket.enter_state(TicketState::Closed { ending: TicketEnding::Customer, at });
            store.put_ticket(&mut ticket).await.unwrap();
        }
        store.put_ticket(&mut ticket("open", "c", 2, start)).await.unwrap();
        let found = store.closed_tickets(start).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|ticket| ticket.id).collect();
        assert_eq!(found, ["start", "first", "late"].map(ticket_id));
    })
    .await;
}

#[tokio::test]
async fn nobody_writes_over_a_ticket_that_they_have_not_read() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let mut ticket = ticket("t", "c", 7, db.now());
        let mut other = ticket.clone();
        store.put_ticket(&mut ticket).await.unwrap();
        let is_conflict = |put: Result<(), Error>| matches!(put, Err(Error::Conflict { .. }));
        assert!(is_conflict(store.put_ticket(&mut other).await), "it is there by now");
        let mut other = store.load_ticket(&ticket.id).await.unwrap().unwrap();
        ticket.number = Some(8);
        store.put_ticket(&mut ticket).await.unwrap();
        other.number = Some(9);
        assert!(is_conflict(store.put_ticket(&mut other).await));
        let mut newest = store.load_ticket(&ticket.id).await.unwrap().unwrap();
        assert_eq!(newest, ticket);
        newest.number = Some(9);
        store.put_ticket(&mut newest).await.unwrap();
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(newest));
    })
    .await;
}

/// A change of a ticket, what a message is, a decision for an item, and an event that is handed on.
fn all_kinds(db: &Database, item: ItemId, ticket: &mut Ticket) -> Writes {
    let mut writes = Writes::default();
    writes.put_ticket(ticket).unwrap();
    writes.put_link(link("t", "1.1", Role::Customer), db.now());
    writes.put_decision(item, "decided", "true");
    writes.put_job(NewItem { source: Source::Slack, ..db.item(&own("next"), "next") });
    writes
}

#[tokio::test]
async fn what_was_gathered_is_written_with_the_end_of_handling() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("lane"), &["event"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        let mut ticket = ticket("t", "c", 7, db.now());
        let writes = all_kinds(&db, item, &mut ticket);
        let settled = Some((vec![item], StoredOutcome::Done));
        let ending = Ending { settled, release: LaneRelease::AtOnce };
        store.finish(&lease, &ending, &writes).await.unwrap();
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(ticket));
        assert!(store.find_link(&channel("C1"), &ts("1.1")).await.unwrap().is_some());
        assert_eq!(store.calls_of(item).await.unwrap(), [], "it is finished");
        let next = db.claim_one(&store).await;
        assert_eq!(next.lane, "own:next", "the other lane is empty, and given back");
        let (next, none) = (next.items[0].id, Writes::default());
        let begun = store.begin_call(next, "post", None, db.now(), &none).await.unwrap();
        assert_eq!(begun, CallState::Fresh);
        let again = store.finish(&lease, &ending, &writes).await;
        assert!(matches!(again, Err(Error::LeaseLost { .. })), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_gathered_is_written_before_the_next_call() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("lane"), &["event"]).await;
        let item = db.claim_one(&store).await.items[0].id;
        let mut ticket = ticket("t", "c", 7, db.now());
        let writes = all_kinds(&db, item, &mut ticket);
        let begun = store.begin_call(item, "post", None, db.now(), &writes).await.unwrap();
        assert_eq!(begun, CallState::Fresh);
        let mut calls = store.calls_of(item).await.unwrap();
        calls.sort();
        let decided = ("decided".to_owned(), Some("true".to_owned()));
        assert_eq!(calls, [decided, ("post".to_owned(), None)]);
        // Somebody else has written the ticket: it begins nothing.
        let mut other = store.load_ticket(&ticket.id).await.unwrap().unwrap();
        store.put_ticket(&mut other).await.unwrap();
        let writes = all_kinds(&db, item, &mut ticket);
        let begun = store.begin_call(item, "next", None, db.now(), &writes).await;
        assert!(matches!(begun, Err(Error::Conflict { .. })), "{begun:?}");
        assert_eq!(store.calls_of(item).await.unwrap().len(), 2);
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(other));
    })
    .await;
}

#[tokio::test]
async fn an_end_on_a_ticket_of_the_past_keeps_what_has_happened_and_no_more() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let mut ticket = ticket("t", "c", 7, db.now());
        store.put_ticket(&mut ticket).await.unwrap();
        db.accept(&store, &own("lane"), &["event"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        let mut newest = ticket.clone();
        store.put_ticket(&mut newest).await.unwrap();
        let writes = all_kinds(&db, item, &mut ticket);
        let settled = Some((vec![item], StoredOutcome::Done));
        let ending = Ending { settled, release: LaneRelease::AtOnce };
        let finished = store.finish(&lease, &ending, &writes).await;
        assert!(matches!(finished, Err(Error::Conflict { .. })), "{finished:?}");
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), Some(newest));
        assert!(store.find_link(&channel("C1"), &ts("1.1")).await.unwrap().is_some());
        let decided = ("decided".to_owned(), Some("true".to_owned()));
        assert_eq!(store.calls_of(item).await.unwrap(), [decided]);
        assert!(!store.has_accepted(Source::Slack, "next").await.unwrap());
        assert!(db.claim(&store).await.is_empty(), "its holder has it still");
        store.release_lane(lease, None).await.unwrap();
        assert_eq!(db.claim_one(&store).await.items[0].id, item);
    })
    .await;
}

#[tokio::test]
async fn who_has_lost_a_lease_keeps_what_has_happened_and_no_more() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("lane"), &["event"]).await;
        let lost = db.claim_one(&store).await;
        let item = lost.items[0].id;
        db.pass(LEASE);
        let lease = db.claim_one(&store).await;
        let mut ticket = ticket("t", "c", 7, db.now());
        let writes = all_kinds(&db, item, &mut ticket);
        let settled = Some((vec![item], StoredOutcome::Done));
        let ending = Ending { settled, release: LaneRelease::AtOnce };
        let finished = store.finish(&lost, &ending, &writes).await;
        assert!(matches!(finished, Err(Error::LeaseLost { .. })), "{finished:?}");
        assert_eq!(store.load_ticket(&ticket.id).await.unwrap(), None);
        assert!(store.find_link(&channel("C1"), &ts("1.1")).await.unwrap().is_some());
        assert!(!store.has_accepted(Source::Slack, "next").await.unwrap());
        store.record_outcome(&lease, &[item], StoredOutcome::Done).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tickets_are_found_by_number_by_customer_and_while_open() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let mut first = ticket("1", "c", 1, db.now());
        let mut second = ticket("2", "c", 2, db.pass(seconds(1)));
        let mut third = ticket("3", "c", 3, db.pass(seconds(1)));
        let other_bot = BotName::parse("vendas").unwrap();
        let mut foreign = Ticket {
            id: TicketId::new(other_bot.clone(), "9").unwrap(),
            ..ticket("9", "c", 1, db.pass(seconds(1)))
        };
        for ticket in [&mut third, &mut foreign, &mut first, &mut second] {
            store.put_ticket(ticket).await.unwrap();
        }
        let by_number = async |bot: &BotName, number| {
            store.ticket_by_number(bot, number).await.unwrap().map(|ticket| ticket.id)
        };
        assert_eq!(by_number(&BotName::default(), 1).await, Some(first.id.clone()));
        assert_eq!(by_number(&other_bot, 1).await, Some(foreign.id.clone()));
        assert_eq!(by_number(&other_bot, 2).await, None);

        let latest = store.latest_ticket_of("c", &third.id).await.unwrap();
        assert_eq!(latest.as_ref(), Some(&second));
        assert_eq!(store.latest_ticket_of("d", &third.id).await.unwrap(), None);

        third.enter_state(TicketState::Closed { ending: TicketEnding::Customer, at: db.now() });
        store.put_ticket(&mut third).await.unwrap();
        assert_eq!(store.open_tickets().await.unwrap(), [first, second, foreign]);
    })
    .await;
}

fn user(id: &str) -> SlackUserId {
    SlackUserId::parse(id).unwrap()
}

/// These agents, all alike, with one slot each.
fn wanted(db: &Database, agents: &[&str]) -> TurnRequest {
    let agents = agents.iter().map(|agent| (user(agent), true)).collect();
    TurnRequest { agents, slots: 1, passed_after: db.now() - seconds(60) }
}

fn agent_of(turn: Option<Turn>) -> Option<String> {
    turn.map(|turn| turn.agent.to_string())
}

async fn unclaimed(db: &Database, store: &SharedStore, id: &str) -> Ticket {
    let mut ticket = ticket(id, "c", 7, db.now());
    store.put_ticket(&mut ticket).await.unwrap();
    ticket
}

fn claimed_by(db: &Database, id: &str) -> TicketState {
    let holder = Agent { user: user(id), name: id.to_owned(), identity: format!("{id}@blip.ai") };
    TicketState::Claimed { holder, since: db.now() }
}

#[tokio::test]
async fn tickets_are_given_in_turn_while_there_are_slots() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let both = wanted(&db, &["U1", "U2"]);
        let mut first = unclaimed(&db, &store, "1").await;
        let second = unclaimed(&db, &store, "2").await;
        let third = unclaimed(&db, &store, "3").await;
        let turn = store.take_turn(&first.id, &both).await.unwrap();
        assert_eq!(agent_of(turn.clone()).as_deref(), Some("U1"));
        assert_eq!(store.take_turn(&first.id, &both).await.unwrap(), turn, "the same turn again");
        assert_eq!(agent_of(store.take_turn(&second.id, &both).await.unwrap()).unwrap(), "U2");
        assert_eq!(store.take_turn(&third.id, &both).await.unwrap(), None, "no slot is free");
        // What somebody holds takes their slot as well, and nothing is given that somebody holds.
        first.enter_state(claimed_by(&db, "U1"));
        store.put_ticket(&mut first).await.unwrap();
        assert_eq!(store.take_turn(&first.id, &both).await.unwrap(), None);
        assert_eq!(store.take_turn(&third.id, &both).await.unwrap(), None);
        first.enter_state(TicketState::Closed { ending: TicketEnding::Customer, at: db.now() });
        store.put_ticket(&mut first).await.unwrap();
        assert_eq!(agent_of(store.take_turn(&third.id, &both).await.unwrap()).unwrap(), "U1");
        let store = db.open_in_boot("second").await;
        assert_eq!(agent_of(store.take_turn(&second.id, &both).await.unwrap()).unwrap(), "U2");
        let fourth = unclaimed(&db, &store, "4").await;
        assert_eq!(store.take_turn(&fourth.id, &both).await.unwrap(), None);
        assert_eq!(store.take_turn(&ticket_id("5"), &both).await.unwrap(), None, "unknown");
    })
    .await;
}

#[tokio::test]
async fn who_was_given_nothing_for_longest_is_next_and_who_is_to_come_first_before_that() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let mut many = TurnRequest { slots: 9, ..wanted(&db, &["U1", "U2", "U3"]) };
        let mut given = Vec::new();
        for id in ["1", "2", "3", "4"] {
            let ticket = unclaimed(&db, &store, id).await;
            given.extend(agent_of(store.take_turn(&ticket.id, &many).await.unwrap()));
        }
        assert_eq!(given, ["U1", "U2", "U3", "U1"]);
        many.agents[1].1 = false;
        let ticket = unclaimed(&db, &store, "5").await;
        assert_eq!(agent_of(store.take_turn(&ticket.id, &many).await.unwrap()).unwrap(), "U3");
    })
    .await;
}

#[tokio::test]
async fn who_lets_a_ticket_pass_is_not_given_it_again_for_a_while() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let ticket = unclaimed(&db, &store, "1").await;
        let take = async |agents: &[&str]| {
            agent_of(store.take_turn(&ticket.id, &wanted(&db, agents)).await.unwrap())
        };
        let pass = async |agent: &str, how| {
            store.pass_turn(&ticket.id, &user(agent), how, db.now()).await.unwrap();
        };
        assert_eq!(take(&["U1", "U2"]).await.as_deref(), Some("U1"));
        pass("U1", TurnPass::Declined).await;
        assert_eq!(take(&["U1"]).await, None);
        assert_eq!(take(&["U1", "U2"]).await.as_deref(), Some("U2"));
        pass("U2", TurnPass::Declined).await;
        db.pass(seconds(61));
        assert_eq!(take(&["U2"]).await.as_deref(), Some("U2"), "a while is over");
        // Blip lets nobody have it: it is left to people, until one of them gives it back.
        for agent in ["U2", "U1", "U2"] {
            pass(agent, TurnPass::Refused).await;
        }
        assert_eq!(take(&["U1", "U2", "U3"]).await, None);
        pass("U3", TurnPass::Declined).await;
        assert!(take(&["U1", "U2"]).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn two_who_take_turns_at_once_never_take_the_same_slot() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let (mut ids, agents) = (Vec::new(), wanted(&db, &["U1", "U2", "U3"]));
        for number in 0..12 {
            ids.push(unclaimed(&db, &store, &format!("t{number}")).await.id);
        }
        let taken = ids.iter().map(|id| store.take_turn(id, &agents));
        let taken = futures_util::future::try_join_all(taken).await.unwrap();
        let mut given: Vec<String> = taken.into_iter().filter_map(agent_of).collect();
        given.sort();
        assert_eq!(given, ["U1", "U2", "U3"]);
    })
    .await;
}

#[tokio::test]
async fn it_is_known_whether_somebody_has_written_to_a_customer() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let ticket = unclaimed(&db, &store, "t").await;
        let has_written = async |who: &str, after: &str| {
            store.has_written_after(&ticket.id, &user(who), &ts(after)).await.unwrap()
        };
        for (at, role) in [("10.000001", Role::Note), ("20.000001", Role::Reply)] {
            let link = Link { user: Some(user("U1")), ..link("t", at, role) };
            store.link_message(link, ticket.opened).await.unwrap();
        }
        assert!(has_written("U1", "15.000000").await && has_written("U1", "05.000000").await);
        assert!(!has_written("U1", "25.000000").await && !has_written("U2", "15.000000").await);
    })
    .await;
}

#[tokio::test]
async fn a_switch_stays_on_since_when_it_was_switched_on() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let (who, pause) = (user("U1"), PersonalSwitch::Pause);
        let read = async || switches::read_switch(&*store, pause, &who).await.unwrap();
        let set = async |is_on| {
            switches::set_switch(&*store, pause, &who, (is_on, db.now())).await.unwrap();
        };
        assert_eq!(read().await, None);
        let since = db.now();
        set(true).await;
        db.pass(seconds(60));
        set(true).await;
        assert_eq!(read().await, Some(since));
        assert_eq!(switches::read_switch(&*store, pause, &user("U2")).await.unwrap(), None);
        set(false).await;
        assert_eq!(read().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_lane_keeps_its_slot_until_its_time_has_come_or_the_channel_is_held() {
    on_every_backend(async |db| {
        let store = db.open().await;
        for lane in ["a", "b", "c"] {
            db.accept(&store, &own(lane), &[lane]).await;
        }
        let leases = store.lease_lanes(Places::any(3), seconds(60), db.now()).await.unwrap();
        let refused = leases.iter().find(|lease| lease.lane == "own:a").unwrap().items[0].id;
        let pace = PostRate { interval: seconds(1), burst: 1 };
        let start = db.now();
        let slot = async |lane: &str, id: &str| {
            let at = store.take_slot(lane, &channel(id), pace, db.now()).await.unwrap();
            Duration::try_from(at.duration_since(start)).unwrap().as_secs()
        };
        assert_eq!(slot("own:a", "C1").await, 0);
        assert_eq!(slot("own:b", "C1").await, 1);
        assert_eq!(slot("own:b", "C1").await, 1);
        assert_eq!(slot("own:a", "C1").await, 2, "the first turn was used up at once");
        // Another channel has a pace of its own.
        assert_eq!(slot("own:b", "C2").await, 0);
        assert_eq!(slot("own:b", "C1").await, 3, "a lane waits for one turn only");
        db.pass(seconds(3));
        assert_eq!(slot("own:b", "C1").await, 3);
        assert_eq!(slot("own:a", "C1").await, 2, "reserved before");
        assert_eq!(slot("own:a", "C1").await, 4);
        db.pass(seconds(1));
        assert_eq!(slot("own:a", "C1").await, 4);

        // A post of the first lane is refused, while the other two wait for their turns.
        assert_eq!(slot("own:b", "C1").await, 5);
        assert_eq!(slot("own:c", "C1").await, 6);
        for until in [7, 1] {
            let (c1, until) = (channel("C1"), start + seconds(until));
            store.hold_channel(refused, &c1, pace, until, db.now()).await.unwrap();
        }
        assert_eq!(slot("own:a", "C1").await, 7, "who was refused goes first");
        assert_eq!(slot("own:b", "C1").await, 8, "and nobody loses their turn");
        assert_eq!(slot("own:c", "C1").await, 9);
    })
    .await;
}

#[tokio::test]
async fn a_parked_item_lets_its_lane_go_on_and_comes_back_to_its_old_place() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let lane = Lane::Ticket(ticket_id("t"));
        db.accept(&store, &lane, &["1", "2"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        store.begin_call(item, "card", None, db.now(), &Writes::default()).await.unwrap();
        store.record_outcome(&lease, &[item], StoredOutcome::Failed).await.unwrap();
        store.record_outcome(&lease, &[item], park()).await.unwrap();
        store.release_lane(lease, Some(db.now() + seconds(99))).await.unwrap();

        let parked = store.parked_items(Some(&ticket_id("t"))).await.unwrap();
        assert_eq!(parked, store.parked_items(None).await.unwrap());
        assert_eq!(store.parked_items(Some(&ticket_id("other"))).await.unwrap(), []);
        let found = (parked[0].id, parked[0].lane.as_str(), parked[0].reason.as_str());
        assert_eq!((parked.len(), found), (1, (item, "ticket:default/t", "refused")));

        assert!(store.retry_parked(item, db.now()).await.unwrap());
        assert!(!store.retry_parked(item, db.now()).await.unwrap());
        let lease = db.claim_one(&store).await;
        assert_eq!(keys(&lease), ["1", "2"]);
        assert_eq!(lease.items[0].attempts, 0);
        let begun =
            store.begin_call(item, "card", None, db.now(), &Writes::default()).await.unwrap();
        assert!(
            matches!(begun, CallState::OutcomeUnknown(_)),
            "what was begun before is not forgotten"
        );
    })
    .await;
}

#[tokio::test]
async fn a_skipped_item_never_comes_back() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("a"), &["1"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        assert!(!store.skip_parked(item).await.unwrap(), "it is not parked yet");
        finish(&store, lease, park()).await;
        assert!(store.skip_parked(item).await.unwrap());
        assert!(!store.skip_parked(item).await.unwrap());
        assert!(!store.retry_parked(item, db.now()).await.unwrap());
        assert_eq!(store.parked_items(None).await.unwrap(), []);
        assert_eq!(db.claim(&store).await.len(), 0);
        assert_eq!(store.accept(db.item(&own("a"), "1")).await.unwrap(), Accepted::Repeat);
    })
    .await;
}

#[tokio::test]
async fn a_parked_item_follows_its_message_to_the_ticket() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &Lane::Message(channel("C1"), ts("1.1")), &["1"]).await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        finish(&store, lease, park()).await;
        store.link_message(link("t", "1.1", Role::Card), Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(db.claim(&store).await.len(), 0);
        assert!(store.retry_parked(item, db.now()).await.unwrap());
        assert_eq!(db.claim_one(&store).await.lane, "reply:default/t");
    })
    .await;
}

#[tokio::test]
async fn depth_counts_what_waits_and_what_is_parked() {
    on_every_backend(async |db| {
        let store = db.open().await;
        assert_eq!(store.inbox_depth().await.unwrap(), blip_slack::store::InboxDepth::default());
        db.accept(&store, &own("a"), &["1", "2"]).await;
        let second = db.pass(seconds(5));
        db.accept(&store, &own("b"), &["3"]).await;
        let leases = db.claim(&store).await;
        store.record_outcome(&leases[0], &ids(&leases[0])[..1], park()).await.unwrap();
        store.record_outcome(&leases[0], &ids(&leases[0])[1..], StoredOutcome::Done).await.unwrap();
        let depth = store.inbox_depth().await.unwrap();
        let queue = QueueDepth { source: Source::Blip, waiting: 1, oldest: second };
        assert_eq!((depth.queues, depth.parked), (vec![queue], 1));
    })
    .await;
}

fn cutoffs(bodies: Timestamp, keys: Timestamp) -> Cutoffs {
    Cutoffs { bodies, tickets: Timestamp::UNIX_EPOCH, keys }
}

#[tokio::test]
async fn cleaning_forgets_tickets_that_are_closed_for_long_with_all_that_belongs_to_them() {
    on_every_backend(async |db| {
        let store = db.open().await;
        // More than are forgotten in one commit.
        let old: Vec<String> = (0..45).map(|number| format!("old-{number}")).collect();
        let others = ["open", "waited-for", "young"].map(str::to_owned);
        for id in old.iter().chain(&others) {
            if id == "young" {
                db.pass(seconds(60));
            }
            let mut ticket = ticket(id, "c", 1, db.now());
            if id != "open" {
                ticket.state = TicketState::Closed { ending: TicketEnding::Customer, at: db.now() };
            }
            store.put_ticket(&mut ticket).await.unwrap();
            store.keep_first_words(&ticket.id, "Oi").await.unwrap();
            let blip_id = Some(format!("blip-{id}"));
            store
                .link_message(
                    Link { blip_id, ..link(id, &format!("1.{id}"), Role::Customer) },
                    Timestamp::UNIX_EPOCH,
                )
                .await
                .unwrap();
        }
        let waits = Lane::Ticket(ticket_id("waited-for"));
        db.accept(&store, &waits, &["waits"]).await;
        let tickets = db.pass(seconds(60)) - seconds(60);
        let cutoffs = Cutoffs { tickets, ..cutoffs(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH) };
        store.erase_expired(cutoffs).await.unwrap();
        for id in old.iter().chain(&others) {
            let (ticket, message) = (ticket_id(id), ts(&format!("1.{id}")));
            let is_kept = others.contains(id);
            assert_eq!(store.load_ticket(&ticket).await.unwrap().is_some(), is_kept, "{id}");
            assert_eq!(store.first_words(&ticket).await.unwrap().is_some(), is_kept, "{id}");
            let linked = store.find_link(&channel("C1"), &message).await.unwrap();
            assert_eq!(linked.is_some(), is_kept, "{id}");
            assert_eq!(
                store.blip_ids_of(&ticket).await.unwrap().len(),
                usize::from(is_kept),
                "{id}"
            );
        }
        // What is parked for as long is given up, and its ticket goes the next time.
        finish(&store, db.claim_one(&store).await, park()).await;
        store.erase_expired(cutoffs).await.unwrap();
        assert_eq!(store.parked_items(None).await.unwrap().len(), 1);
        let later = Cutoffs { tickets: db.pass(seconds(1)), ..cutoffs };
        store.erase_expired(later).await.unwrap();
        assert_eq!(store.parked_items(None).await.unwrap().len(), 0);
        assert_eq!(store.load_ticket(&ticket_id("waited-for")).await.unwrap(), None);
        assert!(store.load_ticket(&ticket_id("open")).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn cleaning_erases_the_first_words_of_tickets_that_are_closed_for_long() {
    on_every_backend(async |db| {
        let store = db.open().await;
        for (id, is_closed) in [("open", false), ("closed", true)] {
            let mut ticket = ticket(id, "c", 1, db.now());
            if is_closed {
                ticket.state = TicketState::Closed { ending: TicketEnding::Customer, at: db.now() };
            }
            store.put_ticket(&mut ticket).await.unwrap();
            store.keep_first_words(&ticket.id, "Oi").await.unwrap();
        }
        let first_words = async |id: &str| store.first_words(&ticket_id(id)).await.unwrap();
        store.erase_expired(cutoffs(db.now(), db.now())).await.unwrap();
        assert_eq!(first_words("closed").await.as_deref(), Some("Oi"));
        let later = db.pass(seconds(1));
        store.erase_expired(cutoffs(later, later)).await.unwrap();
        assert_eq!(first_words("closed").await, None);
        assert_eq!(first_words("open").await.as_deref(), Some("Oi"));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_tied_to_a_ticket_that_was_erased_but_to_a_later_one_of_the_same_id() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let opened = db.now();
        let customer = "5511987654321@wa.gw.msging.net";
        store.put_ticket(&mut ticket("t", customer, 1, opened)).await.unwrap();
        db.pass(seconds(1));
        let key = CustomerKey::parse(customer).unwrap();
        assert_eq!(store.erase_customer(&key).await.unwrap(), [ticket_id("t")]);
        let card = link("t", "1.1", Role::Card);
        // Its card, or an agent's note, was under way.
        let late = store.link_message(card.clone(), opened).await;
        assert!(matches!(late, Err(Error::Erased { .. })), "{late:?}");
        assert_eq!(store.find_link(&card.channel, &card.ts).await.unwrap(), None);
        let opened = db.pass(seconds(1));
        store.link_message(card.clone(), opened).await.unwrap();
        assert_eq!(store.find_link(&card.channel, &card.ts).await.unwrap(), Some(card));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_set_out_for_a_ticket_that_was_erased_but_for_a_later_one_of_the_same_id() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let customer = "5511987654321@wa.gw.msging.net";
        let erased = ticket("t", customer, 1, db.now());
        store.put_ticket(&mut erased.clone()).await.unwrap();
        db.pass(seconds(1));
        store.erase_customer(&CustomerKey::parse(customer).unwrap()).await.unwrap();
        let late = |key: &str, ticket: &str| NewItem {
            source: Source::Internal,
            body: json!({"chore": "late", "ticket": ticket, "name": "words"}).to_string().into(),
            ..db.item(&own("late"), key)
        };
        let id = erased.id.to_string();
        assert_eq!(store.accept(late("1", &id)).await.unwrap(), Accepted::Repeat);
        let other = ticket_id("other").to_string();
        assert_eq!(store.accept(late("2", &other)).await.unwrap(), Accepted::New);
        // The customer writes again.
        let opened = db.pass(seconds(1));
        store.put_ticket(&mut ticket("t", customer, 1, opened)).await.unwrap();
        assert_eq!(store.accept(late("3", &id)).await.unwrap(), Accepted::New);
    })
    .await;
}

#[tokio::test]
async fn cleaning_forgets_what_is_finished_and_nothing_else() {
    on_every_backend(async |db| {
        let store = db.open().await;
        db.accept(&store, &own("done"), &["done"]).await;
        finish(&store, db.claim_one(&store).await, StoredOutcome::Done).await;
        db.accept(&store, &own("parked"), &["parked"]).await;
        finish(&store, db.claim_one(&store).await, park()).await;
        db.accept(&store, &own("waiting"), &["waiting"]).await;
        let is_known = async |key: &str| {
            // In a lane that never comes up, so that asking changes nothing else.
            let due = db.now() + seconds(999_999);
            let item = NewItem { due, ..db.item(&own("asked"), key) };
            store.accept(item).await.unwrap() == Accepted::Repeat
        };

        let finished = db.now();
        let later = db.pass(seconds(1));
        store.erase_expired(cutoffs(later, finished)).await.unwrap();
        assert!(is_known("done").await);
        store.erase_expired(cutoffs(later, later)).await.unwrap();
        assert!(!is_known("done").await);
        assert!(is_known("parked").await && is_known("waiting").await);
        assert_eq!(db.claim_one(&store).await.items[0].body, b"waiting");
        let parked = store.parked_items(None).await.unwrap()[0].id;
        assert!(store.retry_parked(parked, db.now()).await.unwrap());
        assert_eq!(db.claim_one(&store).await.items[0].body, b"parked");
    })
    .await;
}

#[tokio::test]
async fn the_next_due_time_is_that_of_a_free_lane_or_the_end_of_a_lease() {
    on_every_backend(async |db| {
        let store = db.open().await;
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), None);
        db.accept(&store, &own("a"), &["1"]).await;
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), Some(db.now()));
        let lease = db.claim_one(&store).await;
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), Some(lease.until));
        let due = db.now() + seconds(5);
        store.release_lane(lease, Some(due)).await.unwrap();
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), Some(due));
        db.pass(seconds(5));
        finish(&store, db.claim_one(&store).await, StoredOutcome::Done).await;
        assert_eq!(store.next_due(Places::any(1)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn whatever_can_be_claimed_anew_wakes() {
    on_every_backend(async |db| {
        let store = db.open().await;
        let woken = async || tokio::time::timeout(seconds(5), store.wait_for_work()).await.unwrap();
        db.accept(&store, &own("a"), &["1"]).await;
        woken().await;
        let lease = db.claim_one(&store).await;
        let item = lease.items[0].id;
        store.record_outcome(&lease, &[item], park()).await.unwrap();
        store.release_lane(lease, None).await.unwrap();
        woken().await;
        store.retry_parked(item, db.now()).await.unwrap();
        woken().await;
        db.accept(&store, &Lane::Message(channel("C1"), ts("1.1")), &["2"]).await;
        woken().await;
        store.link_message(link("t", "1.1", Role::Card), Timestamp::UNIX_EPOCH).await.unwrap();
        woken().await;
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_says_so_and_has_kept_everything() {
    on_every_backend(async |db| {
        let store = db.open().await;
        store.check_health().await.unwrap();
        db.accept(&store, &own("a"), &["1"]).await;
        store.close().await;
        store.close().await;
        let closed = store.accept(db.item(&own("a"), "2")).await;
        assert!(matches!(closed, Err(Error::Closed)), "{closed:?}");
        assert!(matches!(store.check_health().await, Err(Error::Closed)));
        assert!(matches!(store.inbox_depth().await, Err(Error::Closed)));
        assert_eq!(keys(&db.claim_one(&db.open().await).await), ["1"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_handle_every_item_once_and_in_order() {
    const LANES: usize = 12;
    const ITEMS: usize = 10;
    on_every_backend(async |db| {
        let store = db.open().await;
        let handled = std::sync::Mutex::new(vec![Vec::new(); LANES]);
        let count = || handled.lock().unwrap().iter().map(Vec::len).sum::<usize>();
        let accept = async |lane: usize| {
            for number in 0..ITEMS {
                let item = db.item(&own(&lane.to_string()), &format!("{lane}.{number}"));
                store.accept(item).await.unwrap();
            }
        };
        let handle = async |lease: Lease| {
            let lane: usize = lease.lane.trim_start_matches("own:").parse().unwrap();
            // Would lose the lease if somebody else settled it meanwhile.
            store.record_outcome(&lease, &ids(&lease), StoredOutcome::Done).await.unwrap();
            handled.lock().unwrap()[lane].extend(ids(&lease));
            store.release_lane(lease, None).await.unwrap();
        };
        let work = async || {
            while count() < LANES * ITEMS {
                let leases = store.lease_lanes(Places::any(2), LEASE, db.now()).await.unwrap();
                futures_util::future::join_all(leases.into_iter().map(&handle)).await;
            }
        };
        let accepts = futures_util::future::join_all((0..LANES).map(accept));
        let workers = futures_util::future::join_all((0..6).map(|_| work()));
        futures_util::future::join(accepts, workers).await;
        assert_eq!(count(), LANES * ITEMS);
        assert!(handled.lock().unwrap().iter().all(|ids| ids.is_sorted()));
    })
    .await;
}
