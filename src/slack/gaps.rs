//! Times in which Slack told us nothing: what people did then is looked for before anything newer
//! of theirs is acted on.
//!
//! Such a time ends with a start, with a connection of Socket Mode after a time without one
//! (`slack.md` B.3 knows of no repeats there), or when Slack accepts our token, our clock or our
//! place in the channel again. What is lost without any of that, because Slack sends only so many
//! events an hour (`slack.md` B.1) or has lost some, is found by comparing from time to time
//! (`jobs/gaps.rs`).

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::socket::SocketHealth;
use crate::model::{ChannelId, Ticket, TicketId};

/// How long what people do waits at most for what they did before.
pub(crate) const MAX_GAP_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// The times in which Slack told us nothing and that have not been looked through yet.
#[derive(Debug)]
pub(crate) struct EventGaps {
    /// Whether there is a connection to Slack, where events come over one.
    socket: Option<SocketHealth>,
    noted: AtomicU64,
    /// How many of those that were noted, and of the reconnects of the socket, are dealt with.
    dealt_with: AtomicU64,
    has_noted: Notify,
    has_dropped: Notify,
    /// Tickets whose threads are still to be looked through, and the channels of those threads.
    unread: DashMap<TicketId, ChannelId>,
}

impl EventGaps {
    /// Begins with the gap before the start.
    pub(crate) fn new(line: Option<SocketHealth>) -> Self {
        let gaps = Self {
            socket: line,
            noted: AtomicU64::new(0),
            dealt_with: AtomicU64::new(0),
            has_noted: Notify::new(),
            has_dropped: Notify::new(),
            unread: DashMap::new(),
        };
        // A start is one, too: nobody listened before it
        // (`what_happens_during_a_restart_is_not_lost`).
        gaps.note_gap();
        gaps
    }

    /// Notes that a time in which Slack told us nothing is over.
    pub(crate) fn note_gap(&self) {
        self.noted.fetch_add(1, Ordering::Relaxed);
        self.has_noted.notify_one();
    }

    /// Notes that Slack drops events, as there are too many.
    pub(crate) fn note_dropped_events(&self) {
        self.has_dropped.notify_one();
    }

    /// Whether an event waits that came at this time, because what people did about its ticket before
    /// is looked for.
    pub(crate) fn is_holding_back(
        &self,
        ticket: &TicketId,
        received: Timestamp,
        now: Timestamp,
    ) -> bool {
        // Bounded: a thread that Slack does not show must not keep its agents from being heard.
        // After that time order is what suffers, not words.
        now.duration_since(received) < MAX_GAP_WAIT && self.is_catching_up(ticket)
    }

    /// Whether what people did about a ticket during a gap is still being looked for.
    fn is_catching_up(&self, ticket: &TicketId) -> bool {
        self.gap_count() != self.dealt_with.load(Ordering::Relaxed)
            || self.unread.contains_key(ticket)
    }

    pub(crate) fn reconnect_count(&self) -> u64 {
        self.socket.as_ref().map(SocketHealth::reconnect_count).unwrap_or_default()
    }

    pub(crate) fn gap_count(&self) -> u64 {
        self.noted.load(Ordering::Relaxed) + self.reconnect_count()
    }

    /// A ticket's thread has been looked through.
    pub(crate) fn mark_caught_up(&self, ticket: &TicketId) {
        self.unread.remove(ticket);
    }

    /// Nothing is looked for of tickets that are not open any more, nor of those that have left this
    /// channel since it was to be compared: they have a new thread, in which nobody did anything
    /// before.
    pub(crate) fn retain_open(&self, open: &[Ticket], channel: &ChannelId) {
        let threads = open.iter().map(|ticket| (&ticket.id, ticket.thread.as_ref()));
        let threads: HashMap<_, _> = threads.collect();
        self.unread.retain(|ticket, was_in| {
            let thread = threads.get(ticket).copied().flatten();
            // Otherwise such a ticket would be held back until the next comparison
            // (`a_ticket_that_moves_to_another_channel_before_it_is_compared_waits_for_nothing`).
            thread.is_some_and(|thread| *was_in != *channel || thread.channel == *channel)
        });
    }

    /// What people did about a ticket meanwhile is to be looked for in this channel.
    pub(crate) fn mark_unread(&self, ticket: TicketId, channel: ChannelId) {
        self.unread.insert(ticket, channel);
    }

    /// So many gaps have been dealt with.
    pub(crate) fn mark_dealt_with(&self, gaps: u64) {
        self.dealt_with.store(gaps, Ordering::Relaxed);
    }

    /// Waits until Slack says that it drops events.
    pub(crate) async fn wait_for_dropped(&self) {
        self.has_dropped.notified().await;
    }

    /// Waits for a gap other than those up to this number of reconnects.
    pub(crate) async fn wait_for_gap(&self, returns: u64) {
        let returned = async {
            match &self.socket {
                Some(line) => line.wait_for_reconnect(returns).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.has_noted.notified() => {}
            () = returned => {}
        }
    }
}
