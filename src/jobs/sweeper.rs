//! The safety net: what happened without a word to us.
//!
//! Blip does not document that it tells us of every end (`blip.md` §3.4) nor that it repeats what
//! we did not take, so open tickets are compared with Blip's after a start and from time to time.
//! The sweep only puts jobs into the inbox; a check waits in its ticket's lane like any event.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::inbox::CheckJob;
use crate::store::{self, Cutoffs, Lane, Lease, Places, SharedStore};

/// Checks that are put into the inbox before a short rest, so that a long list of open tickets
/// stays under Blip's limit of commands per second (`blip.md` §1.1).
const SWEEP_GROUP_SIZE: usize = 20;
/// The rest between two such groups.
const SWEEP_GROUP_PAUSE: Duration = Duration::from_secs(1);
/// How often the clock is compared with the time that has passed.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A clock that goes back by this much was wrong before; by less, nobody notices.
const MIN_CLOCK_SETBACK: Duration = Duration::from_secs(30);
/// How far ahead of its time work that is to be done soon may be due: as far as the next slot of a
/// channel.
const MAX_DUE_AHEAD: Duration = Duration::from_mins(5);
/// How long lanes are kept while they are looked through.
const SWEEP_LEASE_DURATION: Duration = Duration::from_mins(5);
/// How often what is finished is cleaned up.
const CLEAN_INTERVAL: Duration = Duration::from_hours(1);
/// How soon it is tried again if that was not possible.
const CLEAN_RETRY_PAUSE: Duration = Duration::from_mins(1);
/// How long keys are remembered: longer than either platform repeats anything, as tickets of Blip
/// live for a month (`blip.md` §7).
const KEY_RETENTION: Duration = Duration::from_hours(35 * 24);

/// Looks after what nobody else notices.
pub(crate) struct Sweeper {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    /// How often open tickets are compared after the start; never if there is none.
    pub(crate) every: Option<Duration>,
    /// They are compared at once, since Blip has told us something in vain.
    pub(crate) has_missed: Arc<Notify>,
    /// How long the bodies of handled events are kept.
    pub(crate) retain_bodies: Duration,
    /// How long closed tickets are kept.
    pub(crate) retain_tickets: Duration,
}

impl Sweeper {
    pub(crate) async fn run_until_stopped(self, stop: CancellationToken) {
        tokio::select! {
            () = self.run_comparisons() => {}
            () = self.run_cleaning() => {}
            () = self.watch_clock() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn run_comparisons(&self) {
        // What was missed before the start is looked for in any case.
        while let Err(error) = self.enqueue_checks().await {
            tracing::error!(%error, "open tickets could not be compared; trying again");
            self.clock.sleep_until(self.clock.now() + SWEEP_GROUP_PAUSE).await;
        }
        loop {
            let next = async {
                match self.every {
                    Some(every) => self.clock.sleep_until(self.clock.now() + every).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = next => {}
                () = self.has_missed.notified() => {}
            }
            if let Err(error) = self.enqueue_checks().await {
                tracing::error!(%error, "open tickets could not be compared; trying again later");
            }
        }
    }

    async fn enqueue_checks(&self) -> store::Result<()> {
        for group in self.store.open_tickets().await?.chunks(SWEEP_GROUP_SIZE) {
            for ticket in group {
                self.store.accept(CheckJob::check_ticket(&ticket.id, self.clock.now())).await?;
            }
            self.clock.sleep_until(self.clock.now() + SWEEP_GROUP_PAUSE).await;
        }
        Ok(())
    }

    /// Notices when the machine's clock is set back. What was set for a time by the wrong clock would
    /// wait until then.
    async fn watch_clock(&self) {
        let mut last = (Instant::now(), self.clock.now());
        loop {
            // Not by the clock that is minded.
            tokio::time::sleep(CLOCK_CHECK_INTERVAL).await;
            let now = (Instant::now(), self.clock.now());
            let expected = last.1 + now.0.duration_since(last.0);
            let back = Duration::try_from(expected.duration_since(now.1)).unwrap_or_default();
            last = now;
            if back < MIN_CLOCK_SETBACK {
                continue;
            }
            tracing::warn!(seconds = back.as_secs(), "this machine's clock was set back");
            self.bring_work_forward(back).await;
        }
    }

    /// Makes due what is due within about this time, but for what was meant for later.
    async fn bring_work_forward(&self, within: Duration) {
        let now = self.clock.now();
        // Kept until all are found: a lane that is given back at once would be leased again by the
        // next round.
        let mut early = Vec::new();
        loop {
            match self
                .store
                .lease_lanes(
                    Places::any(SWEEP_GROUP_SIZE),
                    SWEEP_LEASE_DURATION,
                    now + within + MAX_DUE_AHEAD,
                )
                .await
            {
                Ok(leases) if leases.is_empty() => break,
                Ok(leases) => early.extend(leases.into_iter().map(|lease| {
                    // Of what is set for later, this is the time that it is set for.
                    let set_for = lease.items.first().map_or(now, |item| item.received);
                    let due = if Lane::is_later(&lease.lane) { set_for } else { now };
                    (Lease { items: Vec::new(), ..lease }, due)
                })),
                Err(error) => {
                    tracing::error!(%error, "what waits by the wrong clock is looked for again");
                    tokio::time::sleep(CLOCK_CHECK_INTERVAL).await;
                }
            }
        }
        for (lease, due) in early {
            self.release_with_retries(lease, due).await;
        }
    }

    /// Nobody else can have a lane before it is given back.
    async fn release_with_retries(&self, lease: Lease, due: Timestamp) {
        loop {
            match self.store.release_lane(lease.clone(), Some(due)).await {
                Ok(()) | Err(store::Error::LeaseLost { .. }) => return,
                Err(error) => tracing::error!(lane = lease.lane, %error, "a lane is not free yet"),
            }
            tokio::time::sleep(CLOCK_CHECK_INTERVAL).await;
        }
    }

    fn compute_cutoffs(&self, now: Timestamp) -> Cutoffs {
        let (bodies, tickets) = (now - self.retain_bodies, now - self.retain_tickets);
        // A key outlives the body of its event: without it a late repeat would be taken for
        // something new.
        Cutoffs { bodies, tickets, keys: bodies.min(now - KEY_RETENTION) }
    }

    async fn run_cleaning(&self) {
        loop {
            let now = self.clock.now();
            let cleaned = self.store.erase_expired(self.compute_cutoffs(now)).await;
            if let Err(error) = &cleaned {
                tracing::error!(%error, "what is to be erased is not all erased yet; trying again");
            }
            self.clock
                .sleep_until(now + if cleaned.is_ok() { CLEAN_INTERVAL } else { CLEAN_RETRY_PAUSE })
                .await;
        }
    }
}
