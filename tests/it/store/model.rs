//! Any order of events, claims, outcomes, links, crashes and hours: the store against a list.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Accept { lane: usize, key: u8 },
    Claim { limit: usize },
    Settle { lease: Index, items: usize, outcome: StoredOutcome },
    Release { lease: Index, pause: Option<u64> },
    Link { message: usize },
    Revive { item: Index },
    Pass { seconds: u64 },
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        4 => Just(StoredOutcome::Done),
        1 => Just(StoredOutcome::Ignored),
        1 => Just(StoredOutcome::Forgotten),
        1 => Just(StoredOutcome::Failed),
        1 => Just(park()),
    ];
    prop_oneof![
        8 => (0..6_usize, any::<u8>()).prop_map(|(lane, key)| Act::Accept { lane, key }),
        4 => (1..4_usize).prop_map(|limit| Act::Claim { limit }),
        4 => (any::<Index>(), 1..4_usize, outcome)
            .prop_map(|(lease, items, outcome)| Act::Settle { lease, items, outcome }),
        3 => (any::<Index>(), proptest::option::of(0..50_u64))
            .prop_map(|(lease, pause)| Act::Release { lease, pause }),
        1 => (0..2_usize).prop_map(|message| Act::Link { message }),
        1 => any::<Index>().prop_map(|item| Act::Revive { item }),
        2 => (0..70_u64).prop_map(|seconds| Act::Pass { seconds }),
        1 => Just(Act::Crash),
    ]
}

/// The two messages that may be linked; the first to a ticket that has a lane, too.
fn message(number: usize) -> (Lane, Link) {
    let link = link(&number.to_string(), &format!("1.{number}"), Role::Card);
    (Lane::Message(link.channel.clone(), link.ts.clone()), link)
}

fn lane(number: usize) -> Lane {
    match number {
        0 | 1 => message(number).0,
        2 => Lane::Replies(ticket_id("0")),
        _ => own(&number.to_string()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Waits,
    Parked,
    Over,
}

struct Entry {
    key: String,
    lane: String,
    received: Timestamp,
    fate: Fate,
    id: Option<i64>,
}

/// What the store should know, written down as simply as possible.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    linked: HashMap<String, String>,
    dues: HashMap<String, Timestamp>,
    tokens: HashMap<String, (i64, Timestamp)>,
}

impl Model {
    fn waiting<'a>(&'a self, lane: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.lane == lane && entry.fate == Fate::Waits)
    }

    fn accept(&mut self, item: &NewItem) -> Accepted {
        if self.entries.iter().any(|entry| entry.key == item.key) {
            return Accepted::Repeat;
        }
        let name = item.lane.name();
        let lane = self.linked.get(&name).cloned().unwrap_or(name);
        self.dues.entry(lane.clone()).or_insert(item.due);
        let (key, received) = (item.key.clone(), item.received);
        self.entries.push(Entry { key, lane, received, fate: Fate::Waits, id: None });
        Accepted::New
    }

    fn check_claim(&mut self, leases: &[Lease], limit: usize, now: Timestamp) {
        self.tokens.retain(|_, (_, until)| *until > now);
        let is_due =
            |(lane, due): (&String, &Timestamp)| *due <= now && !self.tokens.contains_key(lane);
        assert_eq!(leases.is_empty(), !self.dues.iter().any(is_due), "while something is due");
        assert!(leases.len() <= limit);
        for lease in leases {
            assert!(self.dues[&lease.lane] <= now, "{} is not due", lease.lane);
            let waiting: Vec<_> = self.waiting(&lease.lane).map(|entry| &*entry.key).collect();
            assert!(waiting.starts_with(&keys(lease)), "the first of {waiting:?}: {lease:?}");
            assert!(!lease.items.is_empty());
            let taken = self.tokens.insert(lease.lane.clone(), (lease.token, lease.until));
            assert_eq!(taken, None, "{} is leased twice", lease.lane);
            for item in &lease.items {
                self.entry(&item.key).id = Some(item.id);
            }
        }
    }

    fn entry(&mut self, key: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.key == key).unwrap()
    }

    fn holds(&self, lease: &Lease) -> bool {
        self.tokens.get(&lease.lane).is_some_and(|(token, _)| *token == lease.token)
    }

    fn settle(&mut self, lease: &Lease, items: &[i64], outcome: &StoredOutcome) -> bool {
        let may = self.holds(lease)
            && items.iter().all(|id| self.waiting(&lease.lane).any(|e| e.id == Some(*id)));
        if may {
            let fate = match outcome {
                StoredOutcome::Done | StoredOutcome::Ignored | StoredOutcome::Forgotten => {
                    Fate::Over
                }
                StoredOutcome::Parked { .. } => Fate::Parked,
                StoredOutcome::Failed => Fate::Waits,
            };
            for entry in &mut self.entries {
                if entry.id.is_some_and(|id| items.contains(&id)) {
                    entry.fate = fate;
                }
            }
            if *outcome == StoredOutcome::Forgotten {
                self.entries.retain(|entry| entry.id.is_none_or(|id| !items.contains(&id)));
            }
            if self.waiting(&lease.lane).next().is_none() {
                self.dues.remove(&lease.lane);
            }
        }
        may
    }

    fn release(&mut self, lease: &Lease, due: Timestamp) -> bool {
        let may = self.holds(lease);
        if may {
            self.tokens.remove(&lease.lane);
            self.dues.entry(lease.lane.clone()).and_modify(|old| *old = due);
        }
        may
    }

    fn link(&mut self, from: &str, to: &str) {
        self.linked.insert(from.to_owned(), to.to_owned());
        if let Some(oldest) = self.waiting(from).map(|entry| entry.received).min() {
            self.dues.entry(to.to_owned()).or_insert(oldest);
        }
        self.dues.remove(from);
        for entry in &mut self.entries {
            if entry.lane == from && entry.fate != Fate::Over {
                to.clone_into(&mut entry.lane);
            }
        }
    }
}

/// The store under test, beside its model.
struct Pair {
    db: Database,
    store: SharedStore,
    model: Model,
    leases: Vec<Lease>,
}

impl Pair {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Accept { lane: number, key } => {
                let item = self.db.item(&lane(number), &key.to_string());
                let expected = self.model.accept(&item);
                assert_eq!(self.store.accept(item).await.unwrap(), expected);
            }
            Act::Claim { limit } => self.claim(limit).await,
            Act::Settle { lease, items, outcome } if !self.leases.is_empty() => {
                let lease = lease.get(&self.leases).clone();
                let items: Vec<_> = ids(&lease).into_iter().take(items).collect();
                // Nobody records what became of nothing: whether that is refused, where the lane is gone
                // meanwhile, is left to each backend.
                if !items.is_empty() {
                    self.settle(&lease, &items, outcome).await;
                }
            }
            Act::Release { lease, pause } if !self.leases.is_empty() => {
                let lease = self.leases.remove(lease.index(self.leases.len()));
                self.release(lease, pause).await;
            }
            Act::Link { message: number } => {
                let (lane, link) = message(number);
                self.model.link(&lane.name(), &Lane::Replies(link.ticket.clone()).name());
                self.store.link_message(link, Timestamp::UNIX_EPOCH).await.unwrap();
            }
            Act::Revive { item } if !self.model.entries.is_empty() => self.revive(item).await,
            Act::Pass { seconds: count } => {
                self.db.pass(seconds(count));
            }
            Act::Crash => {
                // A backend may have to let the leases of the dead run out.
                self.store = self.db.open().await;
                self.model.tokens.clear();
                self.db.pass(LEASE);
            }
            Act::Settle { .. } | Act::Release { .. } | Act::Revive { .. } => {}
        }
    }

    async fn claim(&mut self, limit: usize) {
        let now = self.db.now();
        let leases = self.store.lease_lanes(Places::any(limit), LEASE, now).await.unwrap();
        self.model.check_claim(&leases, limit, now);
        self.leases.extend(leases);
    }

    async fn settle(&mut self, lease: &Lease, items: &[i64], outcome: StoredOutcome) {
        let expected = self.model.settle(lease, items, &outcome);
        let settled = self.store.record_outcome(lease, items, outcome).await;
        assert_eq!(settled.is_ok(), expected, "{settled:?}");
        assert_eq!(is_lease_lost(&settled), !expected, "{settled:?}");
        if expected {
            // The others go on in the same lease.
            let own = self.leases.iter_mut().find(|own| own.token == lease.token).unwrap();
            own.items.retain(|item| !items.contains(&item.id));
        }
    }

    async fn release(&mut self, lease: Lease, pause: Option<u64>) {
        let due = pause.map(|pause| self.db.now() + seconds(pause));
        let expected = self.model.release(&lease, due.unwrap_or(self.db.now()));
        assert_eq!(self.store.release_lane(lease, due).await.is_ok(), expected);
    }

    async fn revive(&mut self, item: Index) {
        let now = self.db.now();
        let index = item.index(self.model.entries.len());
        let entry = &mut self.model.entries[index];
        let Some(id) = entry.id else { return };
        let expected = entry.fate == Fate::Parked;
        if expected {
            entry.fate = Fate::Waits;
            let due = self.model.dues.entry(entry.lane.clone()).or_insert(now);
            *due = now.min(*due);
        }
        assert_eq!(self.store.retry_parked(id, now).await.unwrap(), expected);
    }

    /// Handles all that is left, as a last proof that nothing is lost.
    async fn drain(&mut self) {
        while !self.model.dues.is_empty() {
            self.db.pass(LEASE);
            self.leases.clear();
            self.claim(usize::MAX).await;
            for lease in self.leases.clone() {
                self.settle(&lease, &ids(&lease), StoredOutcome::Done).await;
                self.release(lease, None).await;
            }
        }
        let parked = self.model.entries.iter().filter(|entry| entry.fate == Fate::Parked);
        let depth = self.store.inbox_depth().await.unwrap();
        assert_eq!((depth.waiting(), depth.parked), (0, parked.count() as u64));
    }
}

proptest! {
    // On PostgreSQL each of them waits for a disk some hundred times.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn whatever_happens_lanes_keep_their_order_and_nothing_is_lost_or_leased_twice(
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(on_every_backend(async |db| {
            let store = db.open().await;
            let mut pair = Pair { db, store, model: Model::default(), leases: Vec::new() };
            for act in &acts {
                pair.act(act.clone()).await;
            }
            pair.drain().await;
        }));
    }
}
