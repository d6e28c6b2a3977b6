//! The safety net: what happened without a word to us.
//!
//! Blip does not document that it tells us of every end (`blip.md` §3.4) nor that it repeats what
//! we did not take, so open tickets are compared with Blip's from time to time. Slack repeats for
//! some minutes only, so after a start the threads are searched too. The sweep only puts chores
//! into the inbox; a check waits in its ticket's lane like any event.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::inbox::Chore;
use crate::store::{self, SharedStore};

/// Checks that are put into the inbox before a short rest, so that a long list of open tickets
/// stays under Blip's limit of commands per second (`blip.md` §1.1).
const AT_ONCE: usize = 20;
/// The rest between two such groups.
const REST: Duration = Duration::from_secs(1);
/// How often what is finished is cleaned up.
const CLEANING: Duration = Duration::from_hours(1);
/// How long keys are remembered: longer than either platform repeats anything, as tickets of Blip
/// live for a month (`blip.md` §7).
const KEYS: Duration = Duration::from_hours(35 * 24);

/// Looks after what nobody else notices.
pub struct Sweep {
    /// The memory.
    pub store: SharedStore,
    /// The time.
    pub clock: Clock,
    /// How often open tickets are compared; never if there is none.
    pub every: Option<Duration>,
    /// How long the bodies of handled events are kept.
    pub retain_bodies: Duration,
}

impl Sweep {
    /// Runs until stopped.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.compare() => {}
            () = self.clean() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn compare(&self) {
        let Some(every) = self.every else { return std::future::pending().await };
        let mut is_first = true;
        loop {
            if let Err(error) = self.compare_once(std::mem::take(&mut is_first)).await {
                tracing::error!(%error, "open tickets could not be compared; trying again later");
            }
            self.clock.sleep_until(self.clock.now() + every).await;
        }
    }

    async fn compare_once(&self, after_start: bool) -> store::Result<()> {
        for group in self.store.open_tickets().await?.chunks(AT_ONCE) {
            for ticket in group {
                self.store.accept(Chore::check(&ticket.id, self.clock.now())).await?;
                if after_start {
                    self.store.accept(Chore::catch_up(&ticket.id, self.clock.now())).await?;
                }
            }
            self.clock.sleep_until(self.clock.now() + REST).await;
        }
        Ok(())
    }

    async fn clean(&self) {
        loop {
            let now = self.clock.now();
            if let Err(error) = self.store.clean(now - self.retain_bodies, now - KEYS).await {
                tracing::error!(%error, "finished events could not be cleaned up");
            }
            self.clock.sleep_until(now + CLEANING).await;
        }
    }
}
