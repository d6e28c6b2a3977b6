//! What this process holds, as far as it knows. The database has the last word: it compares tokens.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::store::{Error, ItemId, Lease, Result};

/// The leases of this process.
#[derive(Default)]
pub(super) struct HeldLeases {
    lanes: HashMap<String, HeldLane>,
    /// The token of the lease with which an item was handed out.
    items: HashMap<ItemId, i64>,
}

struct HeldLane {
    token: i64,
    until: Timestamp,
    items: Vec<ItemId>,
}

impl HeldLeases {
    /// Takes a lease in that was just granted.
    pub(super) fn add_lease(&mut self, lease: &Lease) {
        let items: Vec<ItemId> = lease.items.iter().map(|item| item.id).collect();
        self.items.extend(items.iter().map(|id| (*id, lease.token)));
        let held = HeldLane { token: lease.token, until: lease.until, items };
        self.lanes.insert(lease.lane.clone(), held);
    }

    /// Forgets what has run out. Its holders are told when they come to settle.
    pub(super) fn drop_expired(&mut self, now: Timestamp) {
        let over: Vec<String> = self
            .lanes
            .iter()
            .filter(|(_, held)| held.until <= now)
            .map(|(lane, _)| lane.clone())
            .collect();
        for lane in over {
            self.remove_lane(&lane);
        }
    }

    /// The lanes that are held. Nobody in this process is to lease one anew before whoever has it
    /// has given it back, even if it was lost to others meanwhile.
    pub(super) fn lanes(&self, now: Timestamp) -> Vec<String> {
        let live = self.lanes.iter().filter(|(_, held)| held.until > now);
        live.map(|(lane, _)| lane.clone()).collect()
    }

    /// When the next lease runs out.
    pub(super) fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.lanes.values().map(|held| held.until).filter(|until| *until > now).min()
    }

    /// Makes sure that this process has not given the lease up.
    pub(super) fn check_lease(&self, lease: &Lease) -> Result<()> {
        match self.lanes.get(&lease.lane) {
            Some(held) if held.token == lease.token => Ok(()),
            _ => Err(Error::LeaseLost { lane: lease.lane.clone() }),
        }
    }

    /// The token with which an item was handed out.
    pub(super) fn token_of(&self, item: ItemId) -> Result<i64> {
        let token = self.items.get(&item).copied();
        token.ok_or_else(|| Error::LeaseLost { lane: String::new() })
    }

    /// The lane that is leased with this token.
    pub(super) fn lane_of(&self, token: i64) -> Option<String> {
        let found = self.lanes.iter().find(|(_, held)| held.token == token);
        found.map(|(lane, _)| lane.clone())
    }

    /// Gives a lane back.
    pub(super) fn release_lease(&mut self, lease: &Lease) {
        if self.check_lease(lease).is_ok() {
            self.remove_lane(&lease.lane);
        }
    }

    fn remove_lane(&mut self, lane: &str) {
        let Some(held) = self.lanes.remove(lane) else { return };
        for item in held.items {
            if self.items.get(&item) == Some(&held.token) {
                self.items.remove(&item);
            }
        }
    }
}
