//! Times in which Slack told us nothing: what people did then is looked for before anything newer
//! of theirs is acted on.
//!
//! Such a time ends with a start, with a connection of Socket Mode after a time without one
//! (`slack.md` B.3 knows of no repeats there), or when Slack accepts our token, our clock or our
//! place in the channel again. What is lost without any of that, because Slack sends only so many
//! events an hour (`slack.md` B.1) or has lost some, is found by comparing from time to time.

use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashSet;
use jiff::SignedDuration;
use tokio::sync::Notify;

use super::Bridge;
use crate::inbox::Chore;
use crate::model::{ChannelId, Ticket, TicketId};
use crate::slack::socket::Line;
use crate::store::{self, Item};

/// How long what people do waits at most for what they did before.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How often threads are compared with Slack's.
const COMPARING: Duration = Duration::from_mins(10);
/// When the store is asked again for what is open.
const AGAIN: Duration = Duration::from_secs(1);
/// Slack tells once of each minute in which it drops events, and not when that minute is over.
const MINUTE: Duration = Duration::from_secs(61);

/// The times in which Slack told us nothing and that have not been looked through yet.
#[derive(Debug)]
pub struct Gaps {
    /// Whether there is a connection to Slack, where events come over one.
    line: Option<Line>,
    noted: AtomicU64,
    /// How many of those that were noted, and of the returns of the line, are dealt with.
    dealt_with: AtomicU64,
    has_noted: Notify,
    has_dropped: Notify,
    /// Tickets whose threads are still to be looked through.
    unread: DashSet<TicketId>,
}

/// Why threads are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    Gap,
    Dropped,
    Time,
}

impl Gaps {
    /// Begins with the gap before the start.
    pub fn new(line: Option<Line>) -> Self {
        let gaps = Self {
            line,
            noted: AtomicU64::new(0),
            dealt_with: AtomicU64::new(0),
            has_noted: Notify::new(),
            has_dropped: Notify::new(),
            unread: DashSet::new(),
        };
        gaps.note();
        gaps
    }

    /// Notes that a time in which Slack told us nothing is over.
    pub fn note(&self) {
        self.noted.fetch_add(1, Ordering::Relaxed);
        self.has_noted.notify_one();
    }

    /// Notes that Slack drops events, as there are too many.
    pub fn note_dropped(&self) {
        self.has_dropped.notify_one();
    }

    /// Whether what people did about a ticket during a gap is still being looked for.
    fn is_before(&self, ticket: &TicketId) -> bool {
        self.count() != self.dealt_with.load(Ordering::Relaxed) || self.unread.contains(ticket)
    }

    fn returns(&self) -> u64 {
        self.line.as_ref().map(Line::returns).unwrap_or_default()
    }

    fn count(&self) -> u64 {
        self.noted.load(Ordering::Relaxed) + self.returns()
    }

    /// A ticket's thread has been looked through.
    pub(super) fn close(&self, ticket: &TicketId) {
        self.unread.remove(ticket);
    }

    /// Of tickets that are not open any more, nothing is looked for.
    pub(super) fn keep_open(&self, open: &[Ticket]) {
        let open: HashSet<&TicketId> = open.iter().map(|ticket| &ticket.id).collect();
        self.unread.retain(|ticket| open.contains(ticket));
    }

    /// Waits for a gap other than those up to this return of the line.
    async fn happen(&self, returns: u64) {
        let returned = async {
            match &self.line {
                Some(line) => line.returned(returns).await,
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
    pub(super) fn is_after_gap(&self, item: &Item, ticket: &TicketId) -> bool {
        let age = self.clock.now().duration_since(item.received);
        !item.begun && age < PATIENCE && self.gaps.is_before(ticket)
    }

    /// Has threads compared with Slack's after each gap and, if `compares`, from time to time.
    pub async fn look_after_gaps(&self, compares: bool) {
        let mut next = self.clock.now() + COMPARING;
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
                () = self.gaps.happen(returns) => Occasion::Gap,
                () = self.gaps.has_dropped.notified() => Occasion::Dropped,
                () = compare => Occasion::Time,
            };
            let now = self.clock.now();
            next = now + COMPARING;
            match occasion {
                Occasion::Gap => {}
                Occasion::Dropped => after_drop = Some(now + MINUTE),
                Occasion::Time => after_drop = None,
            }
            returns = self.gaps.returns();
            while let Err(error) = self.compare_all(occasion).await {
                tracing::error!(%error, "what was missed in Slack cannot be looked for yet");
                self.clock.sleep_until(self.clock.now() + AGAIN).await;
            }
        }
    }

    async fn compare_all(&self, occasion: Occasion) -> store::Result<()> {
        let gaps = self.gaps.count();
        let mut channels: Vec<ChannelId> = Vec::new();
        for ticket in self.store.open_tickets().await? {
            let Some(thread) = ticket.thread else { continue };
            if occasion == Occasion::Gap {
                self.gaps.unread.insert(ticket.id);
            }
            if !channels.contains(&thread.channel) {
                channels.push(thread.channel);
            }
        }
        for channel in channels {
            self.set_out(Chore::compare(&channel, self.clock.now())).await?;
        }
        if occasion == Occasion::Gap {
            self.gaps.dealt_with.store(gaps, Ordering::Relaxed);
        }
        Ok(())
    }
}
