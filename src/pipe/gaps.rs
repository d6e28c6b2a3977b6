//! Times in which Slack told us nothing: what people did then is looked for before anything newer
//! of theirs is acted on.
//!
//! Such a time ends with a start, with a connection of Socket Mode after a time without one
//! (`slack.md` B.3 knows of no repeats there), or when Slack accepts our token, our clock or our
//! place in the channel again. What is lost without any of that, because Slack sends only so many
//! events an hour (`slack.md` B.1) or has lost some, is found by comparing from time to time.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use jiff::SignedDuration;
use tokio::sync::Notify;

use super::Bridge;
use crate::inbox::Job;
use crate::model::{ChannelId, Ticket, TicketId};
use crate::slack::socket::SocketHealth;
use crate::store::{self, Item};

/// How long what people do waits at most for what they did before.
const MAX_GAP_WAIT: SignedDuration = SignedDuration::from_secs(10);
/// How often threads are compared with Slack's.
const COMPARE_INTERVAL: Duration = Duration::from_mins(10);
/// When the store is asked again for what is open.
const COMPARE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Slack tells once of each minute in which it drops events, and not when that minute is over.
const DROPPED_EVENTS_PAUSE: Duration = Duration::from_secs(61);

/// The times in which Slack told us nothing and that have not been looked through yet.
#[derive(Debug)]
pub(crate) struct EventGaps {
    /// Whether there is a connection to Slack, where events come over one.
    socket: Option<SocketHealth>,
    noted: AtomicU64,
    /// How many of those that were noted, and of the returns of the line, are dealt with.
    dealt_with: AtomicU64,
    has_noted: Notify,
    has_dropped: Notify,
    /// Tickets whose threads are still to be looked through, and the channels of those threads.
    unread: DashMap<TicketId, ChannelId>,
}

/// Why threads are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CompareReason {
    Gap,
    Dropped,
    Time,
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

    /// Whether what people did about a ticket during a gap is still being looked for.
    fn is_catching_up(&self, ticket: &TicketId) -> bool {
        self.gap_count() != self.dealt_with.load(Ordering::Relaxed)
            || self.unread.contains_key(ticket)
    }

    fn reconnect_count(&self) -> u64 {
        self.socket.as_ref().map(SocketHealth::reconnect_count).unwrap_or_default()
    }

    fn gap_count(&self) -> u64 {
        self.noted.load(Ordering::Relaxed) + self.reconnect_count()
    }

    /// A ticket's thread has been looked through.
    pub(super) fn mark_caught_up(&self, ticket: &TicketId) {
        self.unread.remove(ticket);
    }

    /// Nothing is looked for of tickets that are not open any more, nor of those that have left this
    /// channel since it was to be compared: they have a new thread, in which nobody did anything
    /// before.
    pub(super) fn retain_open(&self, open: &[Ticket], channel: &ChannelId) {
        let threads = open.iter().map(|ticket| (&ticket.id, ticket.thread.as_ref()));
        let threads: HashMap<_, _> = threads.collect();
        self.unread.retain(|ticket, was_in| {
            let thread = threads.get(ticket).copied().flatten();
            thread.is_some_and(|thread| *was_in != *channel || thread.channel == *channel)
        });
    }

    /// Waits for a gap other than those up to this return of the line.
    async fn wait_for_gap(&self, returns: u64) {
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

impl Bridge {
    /// Whether an event waits because what people did about its ticket before is looked for.
    pub(super) fn is_waiting_for_gap(&self, item: &Item, ticket: &TicketId) -> bool {
        let age = self.clock.now().duration_since(item.received);
        !item.has_begun_calls && age < MAX_GAP_WAIT && self.gaps.is_catching_up(ticket)
    }

    /// Has threads compared with Slack's after each gap and, if `compares`, from time to time.
    pub(crate) async fn watch_gaps(&self, compares: bool) {
        let mut next = self.clock.now() + COMPARE_INTERVAL;
        let mut after_drop = None;
        let mut returns = 0;
        loop {
            let compare = async {
                match after_drop.or(compares.then_some(next)) {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => pending().await,
                }
            };
            let occasion = tokio::select! {
                () = self.gaps.wait_for_gap(returns) => CompareReason::Gap,
                () = self.gaps.has_dropped.notified() => CompareReason::Dropped,
                () = compare => CompareReason::Time,
            };
            let now = self.clock.now();
            next = now + COMPARE_INTERVAL;
            match occasion {
                CompareReason::Gap => {}
                CompareReason::Dropped => after_drop = Some(now + DROPPED_EVENTS_PAUSE),
                CompareReason::Time => after_drop = None,
            }
            returns = self.gaps.reconnect_count();
            while let Err(error) = self.enqueue_comparisons(occasion).await {
                tracing::error!(%error, "what was missed in Slack cannot be looked for yet");
                self.clock.sleep_until(self.clock.now() + COMPARE_RETRY_PAUSE).await;
            }
        }
    }

    async fn enqueue_comparisons(&self, occasion: CompareReason) -> store::Result<()> {
        let gaps = self.gaps.gap_count();
        let mut channels: Vec<ChannelId> = Vec::new();
        for ticket in self.store.open_tickets().await? {
            let Some(thread) = ticket.thread else { continue };
            if occasion == CompareReason::Gap {
                self.gaps.unread.insert(ticket.id, thread.channel.clone());
            }
            if !channels.contains(&thread.channel) {
                channels.push(thread.channel);
            }
        }
        for channel in channels {
            self.enqueue_item(Job::compare_threads(&channel, self.clock.now())).await?;
        }
        if occasion == CompareReason::Gap {
            self.gaps.dealt_with.store(gaps, Ordering::Relaxed);
        }
        Ok(())
    }
}
