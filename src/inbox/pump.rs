//! Takes lanes that are due and hands their items to the pipe.

use std::iter;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::retry::{Next, Retry};
use super::{Chore, Ending, Handled, Pipe};
use crate::clock::Clock;
use crate::model::Fault;
use crate::store::{self, Item, ItemId, Lease, SharedStore, Source, Verdict};
use crate::telemetry;

/// How long a lane may be held. Every call within has a far shorter time limit, so this runs out
/// only for a process that hangs.
const LEASE: Duration = Duration::from_mins(5);
/// Lanes that are handled at the same time. Most of them wait for the network.
const LANES: usize = 128;
/// The longest rest, after which the store is asked even if nobody called: another process may
/// have put a parked item back.
const REST: Duration = Duration::from_secs(5);

/// Takes lanes that are due and hands their items to the pipe.
pub struct Pump<P> {
    store: SharedStore,
    pipe: Arc<P>,
    clock: Clock,
    retry: Retry,
    permits: Arc<Semaphore>,
    stop: CancellationToken,
}

impl<P> Clone for Pump<P> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            pipe: Arc::clone(&self.pipe),
            clock: self.clock.clone(),
            retry: self.retry,
            permits: Arc::clone(&self.permits),
            stop: self.stop.clone(),
        }
    }
}

impl<P: Pipe> Pump<P> {
    /// A pump that runs until `stop` is cancelled.
    pub fn new(
        store: SharedStore,
        pipe: Arc<P>,
        clock: Clock,
        retry: Retry,
        stop: CancellationToken,
    ) -> Self {
        Self { store, pipe, clock, retry, permits: Arc::new(Semaphore::new(LANES)), stop }
    }

    /// Runs until stopped. Lanes under way are on `tasks` and are to be waited for.
    pub async fn run(self, tasks: TaskTracker) {
        while !self.stop.is_cancelled() {
            match self.take().await {
                Ok(lanes) if lanes.is_empty() => self.rest().await,
                Ok(lanes) => {
                    for (lease, permit) in lanes {
                        tasks.spawn(self.clone().work(lease, permit));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the inbox cannot be read; trying again");
                    self.pause(self.retry.first).await;
                }
            }
        }
    }

    async fn take(&self) -> store::Result<Vec<(Lease, OwnedSemaphorePermit)>> {
        // Waits for at least one free hand, so that claimed lanes never wait for one.
        let Ok(first) = Arc::clone(&self.permits).acquire_owned().await else {
            return Ok(Vec::new());
        };
        let others = self.permits.available_permits();
        let leases = self.store.claim(1 + others, LEASE, self.clock.now()).await?;
        // Nobody else takes any.
        let others = iter::from_fn(|| Arc::clone(&self.permits).try_acquire_owned().ok());
        Ok(leases.into_iter().zip(iter::once(first).chain(others)).collect())
    }

    async fn rest(&self) {
        let now = self.clock.now();
        let due = match self.store.next_due().await {
            Ok(Some(due)) => due.clamp(now, now + REST),
            Ok(None) => now + REST,
            Err(error) => {
                tracing::error!(%error, "the inbox cannot be read; trying again");
                now + self.retry.first
            }
        };
        tokio::select! {
            () = self.store.wake() => {}
            () = self.clock.sleep_until(due) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = self.clock.sleep_until(self.clock.now() + wait) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Works on a lane; the permit is given back when it is done.
    async fn work(self, lease: Lease, _permit: OwnedSemaphorePermit) {
        let (lane, token, until) = (lease.lane.clone(), lease.token, lease.until);
        if let Err(error) = self.drain(lease).await {
            tracing::error!(lane, %error, "a lane was left half way; it goes on when the store works");
            self.give_back(Lease { lane, token, until, items: Vec::new() }).await;
        }
    }

    /// Gives a lane back as soon as the store takes it; it would be handed out again only when the
    /// lease has run out.
    async fn give_back(&self, lease: Lease) {
        while !self.stop.is_cancelled() && self.clock.now() < lease.until {
            self.pause(self.retry.first).await;
            match self.store.release(lease.clone(), None).await {
                Ok(()) | Err(store::Error::LeaseLost { .. }) => return,
                Err(error) => tracing::debug!(lane = lease.lane, %error, "not yet"),
            }
        }
    }

    /// Handles the items of a lane one after the other until one has to wait.
    async fn drain(&self, mut lease: Lease) -> store::Result<()> {
        self.pipe.put_in_order(&mut lease.items);
        let mut rest = lease.items.as_slice();
        while let Some(first) = rest.first() {
            // Half of the lease stays in reserve for the item under way.
            if self.stop.is_cancelled() || self.clock.now() + LEASE / 2 > lease.until {
                break;
            }
            let same = rest.iter().take_while(|item| item.source == first.source).count();
            let (run, _) = rest.split_at(same);
            let handled = self.handle(&lease, run).await;
            let count = handled.items.clamp(1, same);
            let (done, remaining) = rest.split_at(count);
            if let Some(due) = self.settle(&lease, done, handled.ending).await? {
                return self.store.release(lease, Some(due)).await;
            }
            rest = remaining;
            // What waited for a message that the last item posted has its place before these.
            let is_slack = |item: &Item| item.source == Source::Slack;
            if !is_slack(first) && rest.first().is_some_and(is_slack) {
                break;
            }
        }
        self.store.release(lease, None).await
    }

    async fn handle(&self, lease: &Lease, items: &[Item]) -> Handled {
        let handled = AssertUnwindSafe(self.pipe.handle(&lease.lane, items)).catch_unwind().await;
        handled.unwrap_or_else(|_| {
            tracing::error!(lane = lease.lane, "a pipe panicked; the item is parked");
            Handled::one(Ending::Failed(Fault::Broken))
        })
    }

    /// Records what became of items; says when the lane is due again if it must wait.
    async fn settle(
        &self,
        lease: &Lease,
        items: &[Item],
        ending: Ending,
    ) -> store::Result<Option<Timestamp>> {
        let now = self.clock.now();
        let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
        let (verdict, due) = match ending {
            Ending::Done => (Verdict::Done, None),
            Ending::Ignored => (Verdict::Ignored, None),
            Ending::Forgotten => (Verdict::Forgotten, None),
            Ending::Wait(until) => return Ok(Some(until)),
            Ending::Failed(fault) => match self.after(&fault, lease, items) {
                Next::Again { after, counted: false } => return Ok(Some(now + after)),
                Next::Again { after, counted: true } => (Verdict::Failed, Some(now + after)),
                Next::Park(reason) => (Verdict::Parked { reason }, None),
            },
        };
        if let Some(first) = items.first() {
            telemetry::settled(first.source.name(), verdict.name(), items.len());
        }
        let parked = match &verdict {
            Verdict::Parked { reason } => Some(reason.clone()),
            Verdict::Done | Verdict::Ignored | Verdict::Forgotten | Verdict::Failed => None,
        };
        match self.store.settle(lease, &ids, verdict).await {
            Ok(()) => {}
            // A card was posted meanwhile and took the items along into its ticket's lane.
            Err(store::Error::LeaseLost { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        if let Some(reason) = parked {
            self.show_parked(lease, items, &reason).await?;
        }
        Ok(due)
    }

    /// Lets people see what is parked; what only the bridge set itself to do is logged.
    async fn show_parked(&self, lease: &Lease, items: &[Item], reason: &str) -> store::Result<()> {
        let is_shown = |item: &&Item| item.source != Source::Desk || Chore::is_send(&item.key);
        for item in items.iter().filter(is_shown) {
            let chore = Chore::parked(item, &lease.lane, reason, self.clock.now());
            self.store.accept(chore).await?;
        }
        Ok(())
    }

    fn after(&self, fault: &Fault, lease: &Lease, items: &[Item]) -> Next {
        let Some(item) = items.first() else { return Next::Park("empty".to_owned()) };
        let age = self.clock.now().duration_since(item.received);
        let age = Duration::try_from(age).unwrap_or_default();
        let next = self.retry.next(fault, item.attempts, age, fastrand::f64());
        match &next {
            Next::Again { after, .. } => tracing::info!(
                lane = lease.lane,
                item.id = item.id,
                item.attempt = item.attempts + 1,
                fault = fault.name(),
                wait_ms = after.as_millis(),
                "an item waits and is tried again"
            ),
            Next::Park(reason) => tracing::error!(
                lane = lease.lane,
                item.id = item.id,
                reason,
                "an item is parked; `blip-slack parked` lists it, `blip-slack retry` replays it"
            ),
        }
        next
    }
}
