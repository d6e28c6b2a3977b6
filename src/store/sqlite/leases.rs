//! Who may handle which lane, for as long as this process lives.
//!
//! Kept in memory, because one process serves the database: when it dies, its leases die with it
//! and nobody has to wait for them to run out.
//!
//! An item that comes into an idle lane is leased as it is accepted and lies ready for whoever
//! leases next, who need not read back from the database what was just written there. And when the
//! next lane is due is remembered, since nobody but this process changes it: who finds nothing ready
//! before then need not ask the database either.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::store::{Error, Item, Lease, Places, Result};

/// Most leases that lie ready. Under more load than that they are read from the database, together.
const MAX_READY_LEASES: usize = 64;

/// How often in a row what lies ready comes first: other lanes may be due for longer.
pub(super) const MAX_READY_IN_A_ROW: u32 = 16;

/// The leases of all lanes.
#[derive(Default)]
pub(super) struct Leases {
    held: HashMap<String, HeldLease>,
    ready: VecDeque<Lease>,
    /// How long those who ask here want their leases; none if nobody does.
    term: Option<Duration>,
    in_a_row: u32,
    /// Before this no lane that is free is due; none while that is not known.
    next_due: Option<Timestamp>,
}

struct HeldLease {
    token: i64,
    until: Timestamp,
    /// Whether nobody has it yet.
    is_offered: bool,
}

impl Leases {
    /// Takes back what has run out. Its holders are told when they come to settle.
    pub(super) fn drop_expired(&mut self, now: Timestamp) {
        let before = self.held.len();
        self.held.retain(|_, held| held.until > now);
        if self.held.len() < before {
            self.forget_next_due();
        }
    }

    /// Remembers when the first lane that is free is due, which was just read; none if none waits.
    pub(super) fn keep_next_due(&mut self, due: Option<Timestamp>) {
        self.next_due = Some(due.unwrap_or(Timestamp::MAX));
    }

    /// A lane that is free is due then.
    pub(super) fn note_due(&mut self, due: Timestamp) {
        self.next_due = self.next_due.map(|known| known.min(due));
    }

    /// Lanes may have become due of which it is not known when.
    pub(super) fn forget_next_due(&mut self) {
        self.next_due = None;
    }

    /// When the first lane that is free is due, if that is known and later than `now`: until then
    /// the database need not be asked.
    pub(super) fn next_due_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.next_due.filter(|due| *due > now)
    }

    /// Whether somebody has a lane, whose lease has not run out.
    pub(super) fn is_taken(&self, lane: &str, now: Timestamp) -> bool {
        self.held.get(lane).is_some_and(|held| held.until > now)
    }

    /// When the next lease runs out.
    pub(super) fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.held.values().map(|held| held.until).filter(|until| *until > now).min()
    }

    /// Leases an idle lane to whoever asks next, unless there is nobody or too much lies ready.
    /// To be put there ([`Leases::put_ready`]) when the item is certain to stay.
    pub(super) fn offer_lease(&mut self, lane: &str, item: Item, now: Timestamp) -> Option<Lease> {
        let until = now + self.term?;
        let is_free = self.ready.len() < MAX_READY_LEASES && !self.held.contains_key(lane);
        is_free.then(|| {
            let lease = self.grant_lease(lane.to_owned(), vec![item], until);
            self.held.entry(lane.to_owned()).and_modify(|held| held.is_offered = true);
            lease
        })
    }

    /// Takes back the lease of a lane that nobody has yet: its items have gone elsewhere, or others
    /// have come to be before them.
    pub(super) fn revoke_offer(&mut self, lane: &str) {
        if self.held.get(lane).is_some_and(|held| held.is_offered) {
            self.held.remove(lane);
            self.forget_next_due();
        }
    }

    /// Has a lease lie ready.
    pub(super) fn put_ready(&mut self, lease: Lease) {
        self.ready.push_back(lease);
    }

    /// Takes note of somebody who asks for lanes, and says whether what lies ready comes first.
    pub(super) fn note_lease_request(&mut self, term: Duration) -> bool {
        self.term = Some(term);
        self.in_a_row = if self.in_a_row < MAX_READY_IN_A_ROW { self.in_a_row + 1 } else { 0 };
        self.in_a_row > 0
    }

    /// Hands out what lies ready, as far as there are places.
    pub(super) fn take_ready(&mut self, mut places: Places, now: Timestamp) -> Vec<Lease> {
        let mut ready: Vec<Lease> = self.ready.drain(..).collect();
        // Some may have run out while nobody asked, or were taken back.
        ready.retain(|lease| lease.until > now && self.check_lease(lease).is_ok());
        let (ready, rest): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|lease| places.take(&lease.lane));
        self.ready.extend(rest);
        for lease in &ready {
            self.held.entry(lease.lane.clone()).and_modify(|held| held.is_offered = false);
        }
        ready
    }

    /// Whether something lies ready for which there is a place.
    pub(super) fn has_ready(&self, places: &Places) -> bool {
        self.ready.iter().any(|lease| places.clone().take(&lease.lane))
    }

    pub(super) fn grant_lease(
        &mut self,
        lane: String,
        items: Vec<Item>,
        until: Timestamp,
    ) -> Lease {
        // Drawn by lot: a lease from before a restart must not fit a later one.
        let token = fastrand::i64(..);
        self.held.insert(lane.clone(), HeldLease { token, until, is_offered: false });
        Lease { lane, token, until, items }
    }

    /// Makes sure that nobody else has the lane by now.
    pub(super) fn check_lease(&self, lease: &Lease) -> Result<()> {
        match self.held.get(&lease.lane) {
            Some(held) if held.token == lease.token => Ok(()),
            _ => Err(Error::LeaseLost { lane: lease.lane.clone() }),
        }
    }

    /// Gives a lane back, unless somebody else has it by now.
    pub(super) fn release_lease(&mut self, lease: &Lease) {
        if self.check_lease(lease).is_ok() {
            self.held.remove(&lease.lane);
        }
    }
}
