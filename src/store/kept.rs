//! What is kept and for how long, and what is told of it.

use std::time::Duration;

use jiff::Timestamp;

use super::item::ItemId;
use super::lane::Source;
use super::link::Link;
use crate::model::Ticket;

/// How fast we may post to one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostRate {
    /// The time between two posts.
    pub interval: Duration,
    /// How many posts may go at once after a pause.
    pub burst: u32,
}

/// Until when what is kept is old enough to be erased ([`super::Store::erase_expired`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// The bodies of items that were finished before, and the first words of tickets that were
    /// closed before.
    pub bodies: Timestamp,
    /// The tickets that were closed before, with all that belongs to them, and the parked items
    /// that arrived before.
    pub tickets: Timestamp,
    /// The items that were finished before, with their keys.
    pub keys: Timestamp,
}

/// All that is kept of a ticket.
#[derive(Clone, Debug, Default)]
pub struct KeptTicket {
    /// The ticket; none while its card is being posted.
    pub(crate) ticket: Option<Ticket>,
    /// What the customer said to begin with.
    pub(crate) first_words: Option<String>,
    /// The Slack messages that belong to it, oldest first.
    pub(crate) links: Vec<Link>,
    /// What has arrived for it, oldest first.
    pub(crate) events: Vec<KeptEvent>,
}

/// Something that has arrived for a ticket.
#[derive(Clone, Debug)]
pub(crate) struct KeptEvent {
    /// Who sent it, as [`Source::name`] says it.
    pub(crate) source: String,
    /// When it was accepted.
    pub(crate) received: Timestamp,
    /// How far it is, in a word.
    pub(crate) state: String,
    /// What was sent, if it is not erased yet.
    pub(crate) body: Option<Vec<u8>>,
}

/// An item that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedItem {
    /// Its number, by which commands name it.
    pub id: ItemId,
    /// The lane it came from.
    pub lane: String,
    /// Who sent it: Blip, Slack, or the bridge itself.
    pub(crate) source: Source,
    /// Why it is parked.
    pub reason: String,
    /// When it was accepted, long before it was parked perhaps.
    pub(crate) received: Timestamp,
}

/// How much the inbox holds that is not done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxDepth {
    /// What waits of each source of which anything does.
    pub queues: Vec<QueueDepth>,
    /// Items that wait for a person.
    pub parked: u64,
}

/// How much of one source waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Who sent what waits.
    pub source: Source,
    /// Items not yet handled.
    pub waiting: u64,
    /// When the oldest of them arrived.
    pub oldest: Timestamp,
}

impl InboxDepth {
    /// All items not yet handled.
    pub fn waiting(&self) -> u64 {
        self.queues.iter().map(|queue| queue.waiting).sum()
    }

    /// What waits of one source, if anything does.
    pub(crate) fn queue_of(&self, source: Source) -> Option<&QueueDepth> {
        self.queues.iter().find(|queue| queue.source == source)
    }
}
