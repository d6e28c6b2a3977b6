//! Tickets that are kept at hand.

use dashmap::DashMap;

use crate::model::{Ticket, TicketId};

/// Tickets that are kept at hand.
const MAX_CACHED_TICKETS: usize = 1000;

/// Tickets as they are in the file. Only the thread that has the connection keeps them, in the
/// order in which it reads and writes them.
#[derive(Default)]
pub(super) struct TicketCache(DashMap<TicketId, Ticket>);

impl TicketCache {
    pub(super) fn get(&self, id: &TicketId) -> Option<Ticket> {
        self.0.get(id).map(|ticket| ticket.clone())
    }

    pub(super) fn insert(&self, ticket: Ticket) {
        if self.0.len() >= MAX_CACHED_TICKETS {
            self.0.clear();
        }
        self.0.insert(ticket.id.clone(), ticket);
    }

    pub(super) fn remove_all(&self, ids: &[TicketId]) {
        for id in ids {
            self.0.remove(id);
        }
    }
}
