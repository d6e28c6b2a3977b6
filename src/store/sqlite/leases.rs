//! Who may handle which lane, for as long as this process lives.
//!
//! Kept in memory, because one process serves the database: when it dies, its leases die with it
//! and nobody has to wait for them to run out.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::store::{Error, Item, Lease, Result};

/// The leases of all lanes.
#[derive(Default)]
pub(super) struct Leases(HashMap<String, Held>);

struct Held {
    token: i64,
    until: Timestamp,
}

impl Leases {
    /// Takes back what has run out. Its holders are told when they come to settle.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.0.retain(|_, held| held.until > now);
    }

    /// The lanes whose leases have not run out, as a JSON list.
    pub(super) fn taken(&self, now: Timestamp) -> String {
        let live = self.0.iter().filter(|(_, held)| held.until > now);
        live.map(|(lane, _)| lane.as_str()).collect::<serde_json::Value>().to_string()
    }

    /// When the next lease runs out.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.values().map(|held| held.until).filter(|until| *until > now).min()
    }

    /// Leases a lane.
    pub(super) fn enter(&mut self, lane: String, items: Vec<Item>, until: Timestamp) -> Lease {
        // Drawn by lot: a lease from before a restart must not fit a later one.
        let token = fastrand::i64(..);
        self.0.insert(lane.clone(), Held { token, until });
        Lease { lane, token, until, items }
    }

    /// Makes sure that nobody else has the lane by now.
    pub(super) fn check(&self, lease: &Lease) -> Result<()> {
        match self.0.get(&lease.lane) {
            Some(held) if held.token == lease.token => Ok(()),
            _ => Err(Error::LeaseLost { lane: lease.lane.clone() }),
        }
    }

    /// Gives a lane back, unless somebody else has it by now.
    pub(super) fn leave(&mut self, lease: &Lease) {
        if self.check(lease).is_ok() {
            self.0.remove(&lease.lane);
        }
    }
}
