//! The safety net: what happened without a word to us.
//!
//! Blip does not document that it tells us of every end (`blip.md` §3.4) nor that it repeats what
//! we did not take, so open tickets are compared with Blip's after a start and from time to time.
//! The sweep only puts chores into the inbox; a check waits in its ticket's lane like any event.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::inbox::Chore;
use crate::store::{self, Cutoffs, Lane, Lease, SharedStore};

/// Checks that are put into the inbox before a short rest, so that a long list of open tickets
/// stays under Blip's limit of commands per second (`blip.md` §1.1).
const AT_ONCE: usize = 20;
/// The rest between two such groups.
const REST: Duration = Duration::from_secs(1);
/// How often the clock is compared with the time that has passed.
const MINDING: Duration = Duration::from_secs(1);
/// A clock that goes back by this much was wrong before; by less, nobody notices.
const SET_BACK: Duration = Duration::from_secs(30);
/// How far ahead of its time work that is to be done soon may be due: as far as the next slot of a
/// channel.
const AHEAD: Duration = Duration::from_mins(5);
/// How long lanes are kept while they are looked through.
const KEEPING: Duration = Duration::from_mins(5);
/// How often what is finished is cleaned up.
const CLEANING: Duration = Duration::from_hours(1);
/// How soon it is tried again if that was not possible.
const AGAIN: Duration = Duration::from_mins(1);
/// How long keys are remembered: longer than either platform repeats anything, as tickets of Blip
/// live for a month (`blip.md` §7).
const KEYS: Duration = Duration::from_hours(35 * 24);

/// Looks after what nobody else notices.
pub struct Sweep {
    /// The memory.
    pub store: SharedStore,
    /// The time.
    pub clock: Clock,
    /// How often open tickets are compared after the start; never if there is none.
    pub every: Option<Duration>,
    /// How long the bodies of handled events are kept.
    pub retain_bodies: Duration,
    /// How long closed tickets are kept.
    pub retain_tickets: Duration,
}

impl Sweep {
    /// Runs until stopped.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.compare() => {}
            () = self.clean() => {}
            () = self.mind_the_clock() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn compare(&self) {
        // What was missed before the start is looked for in any case.
        while let Err(error) = self.compare_once().await {
            tracing::error!(%error, "open tickets could not be compared; trying again");
            self.clock.sleep_until(self.clock.now() + REST).await;
        }
        let Some(every) = self.every else { return std::future::pending().await };
        loop {
            self.clock.sleep_until(self.clock.now() + every).await;
            if let Err(error) = self.compare_once().await {
                tracing::error!(%error, "open tickets could not be compared; trying again later");
            }
        }
    }

    async fn compare_once(&self) -> store::Result<()> {
        for group in self.store.open_tickets().await?.chunks(AT_ONCE) {
            for ticket in group {
                self.store.accept(Chore::check(&ticket.id, self.clock.now())).await?;
            }
            self.clock.sleep_until(self.clock.now() + REST).await;
        }
        Ok(())
    }

    /// Notices when the machine's clock is set back. What was set for a time by the wrong clock would
    /// wait until then.
    async fn mind_the_clock(&self) {
        let mut last = (Instant::now(), self.clock.now());
        loop {
            // Not by the clock that is minded.
            tokio::time::sleep(MINDING).await;
            let now = (Instant::now(), self.clock.now());
            let expected = last.1 + now.0.duration_since(last.0);
            let back = Duration::try_from(expected.duration_since(now.1)).unwrap_or_default();
            last = now;
            if back < SET_BACK {
                continue;
            }
            tracing::warn!(seconds = back.as_secs(), "this machine's clock was set back");
            self.hurry(back).await;
        }
    }

    /// Makes due what is due within about this time, but for what was meant for later.
    async fn hurry(&self, within: Duration) {
        let now = self.clock.now();
        let mut early = Vec::new();
        loop {
            match self.store.claim(AT_ONCE, KEEPING, now + within + AHEAD).await {
                Ok(leases) if leases.is_empty() => break,
                Ok(leases) => early.extend(leases.into_iter().map(|lease| {
                    // Of what is set for later, this is the time that it is set for.
                    let set_for = lease.items.first().map_or(now, |item| item.received);
                    let due = if Lane::is_later(&lease.lane) { set_for } else { now };
                    (Lease { items: Vec::new(), ..lease }, due)
                })),
                Err(error) => {
                    tracing::error!(%error, "what waits by the wrong clock is looked for again");
                    tokio::time::sleep(MINDING).await;
                }
            }
        }
        for (lease, due) in early {
            self.give_back(lease, due).await;
        }
    }

    /// Nobody else can have a lane before it is given back.
    async fn give_back(&self, lease: Lease, due: Timestamp) {
        loop {
            match self.store.release(lease.clone(), Some(due)).await {
                Ok(()) | Err(store::Error::LeaseLost { .. }) => return,
                Err(error) => tracing::error!(lane = lease.lane, %error, "a lane is not free yet"),
            }
            tokio::time::sleep(MINDING).await;
        }
    }

    fn cutoffs(&self, now: Timestamp) -> Cutoffs {
        let (bodies, tickets) = (now - self.retain_bodies, now - self.retain_tickets);
        Cutoffs { bodies, tickets, keys: bodies.min(now - KEYS) }
    }

    async fn clean(&self) {
        loop {
            let now = self.clock.now();
            let cleaned = self.store.clean(self.cutoffs(now)).await;
            if let Err(error) = &cleaned {
                tracing::error!(%error, "what is to be erased is not all erased yet; trying again");
            }
            self.clock.sleep_until(now + if cleaned.is_ok() { CLEANING } else { AGAIN }).await;
        }
    }
}
