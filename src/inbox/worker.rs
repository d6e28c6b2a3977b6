//! Takes lanes that are due and hands their items to the handler.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::retry::{RetryDecision, RetryPolicy};
use super::{Handled, Handler, ItemOutcome, NoticeJob, ReplyJob};
use crate::clock::Clock;
use crate::model::Fault;
use crate::store::{self, Item, ItemId, Lease, Places, Pool, SharedStore, Source, StoredOutcome};
use crate::telemetry;

/// How long a lane may be held. Every call within has a far shorter time limit, so this runs out
/// only for a process that hangs.
const LEASE_DURATION: Duration = Duration::from_mins(5);
/// Lanes of a pool that are handled at the same time. Most of them wait for the network.
fn pool_size(pool: Pool) -> usize {
    match pool {
        Pool::ToSlack | Pool::ToBlip => 128,
        Pool::Files => 32,
        Pool::Background => 64,
    }
}

/// How soon an item is handled again whose ticket was changed meanwhile. Whoever changed it got on,
/// so that two never hold each other up for long.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);
/// The longest rest, after which the store is asked even if nobody called: another process may
/// have put a parked item back.
const MAX_IDLE_WAIT: Duration = Duration::from_secs(5);

/// Takes lanes that are due and hands their items to the handler.
pub(crate) struct Worker<P> {
    store: SharedStore,
    handler: Arc<P>,
    clock: Clock,
    retry: RetryPolicy,
    hands: Arc<Hands>,
    stop: CancellationToken,
}

/// Who is free to work on a lane, by pools.
struct Hands {
    busy: Mutex<[usize; Pool::ALL.len()]>,
    freed: Notify,
}

impl Hands {
    fn new() -> Self {
        Self { busy: Mutex::default(), freed: Notify::new() }
    }

    fn count_busy(&self, pool: Pool, change: impl Fn(usize) -> usize) -> usize {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.get_mut(pool.number()).map_or(0, |busy| std::mem::replace(busy, change(*busy)))
    }

    fn free_places(&self) -> Places {
        Places::of_pools(|pool| pool_size(pool).saturating_sub(self.count_busy(pool, |busy| busy)))
    }

    fn occupy(self: Arc<Self>, pool: Pool) -> Hand {
        self.count_busy(pool, |busy| busy + 1);
        Hand { hands: self, pool }
    }

    /// Waits until there is a free hand in a pool that had none: what waits in it may be due.
    async fn wait_for_freed(&self) {
        self.freed.notified().await;
    }
}

/// One that works on a lane of this pool.
struct Hand {
    hands: Arc<Hands>,
    pool: Pool,
}

impl Drop for Hand {
    fn drop(&mut self) {
        let busy = self.hands.count_busy(self.pool, |busy| busy.saturating_sub(1));
        if busy >= pool_size(self.pool) {
            // Only if the pool was full: otherwise lanes that are due have not waited for a hand.
            self.hands.freed.notify_one();
        }
    }
}

impl<P> Clone for Worker<P> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            handler: Arc::clone(&self.handler),
            clock: self.clock.clone(),
            retry: self.retry,
            hands: Arc::clone(&self.hands),
            stop: self.stop.clone(),
        }
    }
}

impl<P: Handler> Worker<P> {
    /// A worker that runs until `stop` is cancelled.
    pub(crate) fn new(
        store: SharedStore,
        handler: Arc<P>,
        clock: Clock,
        retry: RetryPolicy,
        stop: CancellationToken,
    ) -> Self {
        Self { store, handler, clock, retry, hands: Arc::new(Hands::new()), stop }
    }

    /// Runs until stopped. Lanes under way are on `tasks` and are to be waited for.
    pub(crate) async fn run(self, tasks: TaskTracker) {
        while !self.stop.is_cancelled() {
            match self.lease_due_lanes().await {
                Ok(lanes) if lanes.is_empty() => self.wait_until_due().await,
                Ok(lanes) => {
                    for lease in lanes {
                        let span = telemetry::lane_span(&lease.lane);
                        let hand = Arc::clone(&self.hands).occupy(Pool::of_lane(&lease.lane));
                        tasks.spawn(self.clone().work_on_lane(lease, hand).instrument(span));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the inbox cannot be read; trying again");
                    self.pause_for(self.retry.first).await;
                }
            }
        }
    }

    /// Leases as many lanes as there are free hands: nobody else takes any.
    async fn lease_due_lanes(&self) -> store::Result<Vec<Lease>> {
        self.store.lease_lanes(self.hands.free_places(), LEASE_DURATION, self.clock.now()).await
    }

    async fn wait_until_due(&self) {
        let now = self.clock.now();
        let due = match self.store.next_due(self.hands.free_places()).await {
            Ok(Some(due)) => due.clamp(now, now + MAX_IDLE_WAIT),
            Ok(None) => now + MAX_IDLE_WAIT,
            Err(error) => {
                tracing::error!(%error, "the inbox cannot be read; trying again");
                now + self.retry.first
            }
        };
        tokio::select! {
            () = self.store.wait_for_work() => {}
            () = self.hands.wait_for_freed() => {}
            () = self.clock.sleep_until(due) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn pause_for(&self, wait: Duration) {
        tokio::select! {
            () = self.clock.sleep_until(self.clock.now() + wait) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Works on a lane; the hand is free again when it is done.
    async fn work_on_lane(self, lease: Lease, _hand: Hand) {
        let (lane, token, until) = (lease.lane.clone(), lease.token, lease.until);
        if let Err(error) = self.drain_lane(lease).await {
            tracing::error!(%error, "a lane was left half way; it goes on when the store works");
            self.release_with_retries(Lease { lane, token, until, items: Vec::new() }).await;
        }
    }

    /// Gives a lane back as soon as the store takes it; it would be handed out again only when the
    /// lease has run out.
    async fn release_with_retries(&self, lease: Lease) {
        while !self.stop.is_cancelled() && self.clock.now() < lease.until {
            self.pause_for(self.retry.first).await;
            match self.store.release_lane(lease.clone(), None).await {
                Ok(()) | Err(store::Error::LeaseLost { .. }) => return,
                Err(error) => tracing::debug!(%error, "not yet"),
            }
        }
    }

    /// Handles the items of a lane one after the other until one has to wait.
    async fn drain_lane(&self, mut lease: Lease) -> store::Result<()> {
        // Once for each lease; what comes meanwhile is sorted with the next one.
        self.handler.sort_items(&mut lease.items);
        let mut rest = lease.items.as_slice();
        while let Some(first) = rest.first() {
            // Half of the lease stays in reserve for the item under way.
            if self.stop.is_cancelled() || self.clock.now() + LEASE_DURATION / 2 > lease.until {
                break;
            }
            let same = rest.iter().take_while(|item| item.source == first.source).count();
            let (run, _) = rest.split_at(same);
            let handled = self.call_handler(&lease, run).await;
            let count = handled.items.clamp(1, same);
            let (done, remaining) = rest.split_at(count);
            if let Some(due) = self.apply_outcome(&lease, done, handled.outcome).await? {
                return self.store.release_lane(lease, Some(due)).await;
            }
            rest = remaining;
            // What waited for a message that the last item posted has its place before these.
            let is_slack = |item: &Item| item.source == Source::Slack;
            if !is_slack(first) && rest.first().is_some_and(is_slack) {
                break;
            }
        }
        self.store.release_lane(lease, None).await
    }

    async fn call_handler(&self, lease: &Lease, items: &[Item]) -> Handled {
        let span = items.first().map_or_else(Span::none, |first| {
            // Jobs are put down long before they are due, which is no time that anybody waits.
            if first.attempts == 0 && first.source != Source::Internal {
                telemetry::record_wait(first.source.name(), self.age_of(first));
            }
            telemetry::event_span(first.source.name(), first.id, &first.key, first.attempts)
        });
        let handled = self.handler.handle_items(&lease.lane, items).instrument(span);
        // A bug that one event meets must not end the process, or the same event would end each
        // start.
        let handled = AssertUnwindSafe(handled).catch_unwind().await;
        handled.unwrap_or_else(|_| {
            tracing::error!("a pipe panicked; the item is parked");
            Handled::for_first_item(ItemOutcome::Failed(Fault::Broken))
        })
    }

    /// Records what became of items; says when the lane is due again if it must wait.
    async fn apply_outcome(
        &self,
        lease: &Lease,
        items: &[Item],
        outcome: ItemOutcome,
    ) -> store::Result<Option<Timestamp>> {
        let now = self.clock.now();
        let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
        let (stored, due) = match outcome {
            ItemOutcome::Done => (StoredOutcome::Done, None),
            ItemOutcome::Ignored => (StoredOutcome::Ignored, None),
            ItemOutcome::Forgotten => (StoredOutcome::Forgotten, None),
            ItemOutcome::Wait(until) => return Ok(Some(until)),
            ItemOutcome::Again => return Ok(Some(now + CONFLICT_PAUSE)),
            ItemOutcome::Failed(fault) => match self.decide_retry(&fault, items) {
                RetryDecision::Retry { after, counted: false } => return Ok(Some(now + after)),
                RetryDecision::Retry { after, counted: true } => {
                    (StoredOutcome::Failed, Some(now + after))
                }
                RetryDecision::Park(reason) => (StoredOutcome::Parked { reason }, None),
            },
        };
        if let Some(first) = items.first() {
            telemetry::count_outcome(first.source.name(), stored.name(), items.len());
        }
        let parked = match &stored {
            StoredOutcome::Parked { reason } => Some(reason.clone()),
            StoredOutcome::Done
            | StoredOutcome::Ignored
            | StoredOutcome::Forgotten
            | StoredOutcome::Failed => None,
        };
        let is_done = matches!(stored, StoredOutcome::Done);
        match self.store.record_outcome(lease, &ids, stored).await {
            Ok(()) => {}
            // A card was posted meanwhile and took the items along into its ticket's lane, or this
            // process was held up and another instance has them.
            Err(store::Error::LeaseLost { .. }) => {
                self.handler.mend_lost_items(items).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        if is_done {
            // What the bridge gave itself to do may be due long after it was put down.
            for item in items.iter().filter(|item| item.source != Source::Internal) {
                telemetry::record_delivery(item.source.name(), self.age_of(item));
            }
        }
        if let Some(reason) = parked {
            self.show_parked(lease, items, &reason).await?;
        }
        Ok(due)
    }

    /// Lets people see what is parked; what only the bridge set itself to do is logged.
    async fn show_parked(&self, lease: &Lease, items: &[Item], reason: &str) -> store::Result<()> {
        // Nobody in Slack asked for a job, or could mend it; but a held reply is somebody's words.
        let is_shown =
            |item: &&Item| item.source != Source::Internal || ReplyJob::is_send(&item.key);
        for item in items.iter().filter(is_shown) {
            let job = NoticeJob::report_parked(item, &lease.lane, reason, self.clock.now());
            self.store.accept(job).await?;
        }
        Ok(())
    }

    /// How long ago it arrived.
    fn age_of(&self, item: &Item) -> Duration {
        Duration::try_from(self.clock.now().duration_since(item.received)).unwrap_or_default()
    }

    fn decide_retry(&self, fault: &Fault, items: &[Item]) -> RetryDecision {
        let Some(item) = items.first() else { return RetryDecision::Park("empty".to_owned()) };
        let next = self.retry.decide_next(fault, item.attempts, self.age_of(item), fastrand::f64());
        match &next {
            RetryDecision::Retry { after, .. } => tracing::info!(
                item.id = item.id,
                item.attempt = item.attempts + 1,
                fault = fault.name(),
                wait_ms = after.as_millis(),
                "an item waits and is tried again"
            ),
            RetryDecision::Park(reason) => tracing::error!(
                item.id = item.id,
                reason,
                "an item is parked; `blip-slack parked` lists it, `blip-slack retry` replays it"
            ),
        }
        next
    }
}
