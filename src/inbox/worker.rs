//! Takes lanes that are due and hands their items to the handler.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::hands::{Hand, Hands};
use super::retry::{RetryDecision, RetryPolicy};
use super::{Gathered, Handled, Handler, Handling, ItemOutcome, NoticeJob, ReplyJob};
use crate::clock::Clock;
use crate::model::Fault;
use crate::store::{
    self, Ending, Item, ItemId, LaneRelease, Lease, NewItem, SharedStore, Source, StoredOutcome,
    Writes,
};
use crate::telemetry;

/// How long a lane may be held. Every call within has a far shorter time limit, so this runs out
/// only for a process that hangs.
const LEASE_DURATION: Duration = Duration::from_mins(5);
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
        hands: Hands,
        stop: CancellationToken,
    ) -> Self {
        Self { store, handler, clock, retry, hands: Arc::new(hands), stop }
    }

    /// Runs until stopped. Lanes under way are on `tasks` and are to be waited for.
    pub(crate) async fn run(self, tasks: TaskTracker) {
        while !self.stop.is_cancelled() {
            match self.lease_due_lanes().await {
                Ok(lanes) if lanes.is_empty() => self.wait_until_due().await,
                Ok(lanes) => {
                    for lease in lanes {
                        let span = telemetry::lane_span(&lease.lane);
                        let hand = Arc::clone(&self.hands).occupy(&lease.lane);
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
        self.store.lease_lanes(self.hands.count_free(), LEASE_DURATION, self.clock.now()).await
    }

    async fn wait_until_due(&self) {
        let now = self.clock.now();
        let due = match self.store.next_due(self.hands.count_free()).await {
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
    async fn work_on_lane(self, mut lease: Lease, _hand: Hand) {
        let gathered = Gathered::default();
        let items = std::mem::take(&mut lease.items).into_iter();
        let items = items.map(|item| Handling::new(item, gathered.clone())).collect();
        // Once for each lease; what comes meanwhile is sorted with the next one.
        let items = self.handler.sort_items(items);
        if let Err(error) = self.drain_lane(&lease, &items, &gathered).await {
            tracing::error!(%error, "a lane was left half way; it goes on when the store works");
            self.release_with_retries(lease, &items).await;
        }
    }

    /// Gives a lane back as soon as the store takes it; it would be handed out again only when the
    /// lease has run out. If another instance has it by now, what this one showed late is mended.
    async fn release_with_retries(&self, lease: Lease, items: &[Handling]) {
        loop {
            match self.store.release_lane(lease.clone(), None).await {
                Ok(()) => return,
                Err(store::Error::LeaseLost { .. }) => {
                    if let Err(error) = self.handler.mend_lost_items(items).await {
                        tracing::error!(%error, "a card may show a state that is over");
                    }
                    return;
                }
                Err(error) => tracing::debug!(%error, "not yet"),
            }
            if self.stop.is_cancelled() || self.clock.now() >= lease.until {
                return;
            }
            self.pause_for(self.retry.first).await;
        }
    }

    /// Handles the items of a lane one after the other until one has to wait.
    async fn drain_lane(
        &self,
        lease: &Lease,
        items: &[Handling],
        gathered: &Gathered,
    ) -> store::Result<()> {
        let mut rest = items;
        while let Some(first) = rest.first() {
            // Half of the lease stays in reserve for the item under way.
            if self.stop.is_cancelled() || self.clock.now() + LEASE_DURATION / 2 > lease.until {
                break;
            }
            // Handlers take a run for events of one source (`Handler::handle_items`), and the lane
            // towards Blip has people's events beside the bridge's own jobs.
            let same = rest.iter().take_while(|item| item.source == first.source).count();
            let (run, _) = rest.split_at(same);
            let span = event_span(first);
            let handled = self.call_handler(run).instrument(span.clone()).await;
            // A handler that counts none would be handed the same items for ever.
            let count = handled.items.clamp(1, same);
            let (done, remaining) = rest.split_at(count);
            // What waited for a message that the last item posted has its place before these.
            let is_slack = |item: &Handling| item.source == Source::Slack;
            let is_overtaken = !is_slack(first) && remaining.first().is_some_and(is_slack);
            let is_last = remaining.is_empty() || is_overtaken;
            let outcome = (handled.outcome, gathered.take());
            let finished = self.finish_items(lease, done, outcome, is_last).instrument(span);
            if finished.await? {
                return Ok(());
            }
            rest = remaining;
            if is_last {
                break;
            }
        }
        self.store.release_lane(lease.clone(), None).await
    }

    async fn call_handler(&self, items: &[Handling]) -> Handled {
        // Jobs are put down long before they are due, which is no time that anybody waits.
        let is_event = |item: &&Handling| item.source != Source::Internal;
        if let Some(first) = items.first().filter(is_event).filter(|item| item.attempts == 0) {
            telemetry::record_wait(first.source.name(), self.age_of(first));
        }
        let handled = self.handler.handle_items(items);
        // A bug that one event meets must not end the process, or the same event would end each
        // start.
        let handled = AssertUnwindSafe(handled).catch_unwind().await;
        handled.unwrap_or_else(|_| {
            tracing::error!("a handler panicked; the item is parked");
            Handled::for_first_item(ItemOutcome::Failed(Fault::Broken))
        })
    }

    /// Records what became of items and what was gathered for them, and gives the lane back if they
    /// were the last or have to wait. Says whether it did.
    async fn finish_items(
        &self,
        lease: &Lease,
        items: &[Handling],
        (outcome, mut writes): (ItemOutcome, Writes),
        is_last: bool,
    ) -> store::Result<bool> {
        if outcome == ItemOutcome::Conflict {
            // What was decided on a state of the ticket that is of the past is decided anew.
            writes = writes.facts();
        }
        let (stored, due) = self.decide_outcome(outcome, items);
        if let Some(StoredOutcome::Parked { reason }) = &stored {
            writes.jobs.extend(self.report_parked(items, reason));
        }
        let release = match due {
            Some(due) => LaneRelease::At(due),
            None if is_last => LaneRelease::AtOnce,
            None => LaneRelease::Keep,
        };
        let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
        let ending = Ending { settled: stored.clone().map(|stored| (ids, stored)), release };
        match self.store.finish(lease, &ending, &writes).await {
            // The results are written: nobody else makes these calls. All items share what they gather.
            Ok(()) => drop(items.first().map(|item| item.gathered().take_made_calls())),
            // Its ticket was changed meanwhile: it is handled again, with the ticket as it is now.
            Err(store::Error::Conflict { .. }) => {
                tracing::debug!("a ticket was changed meanwhile; its event is handled again");
                let due = self.clock.now() + CONFLICT_PAUSE;
                self.store.release_lane(lease.clone(), Some(due)).await?;
                return Ok(true);
            }
            // What the event was about was erased meanwhile, which is found out when it is tried again.
            Err(error @ store::Error::Erased { .. }) => {
                tracing::error!(%error, "the store failed while an item was handled");
                let failed = (ItemOutcome::Failed(Fault::Down), Writes::default());
                return Box::pin(self.finish_items(lease, items, failed, is_last)).await;
            }
            // A card was posted meanwhile and took the items along into its ticket's lane, or this
            // process was held up and another instance has them.
            Err(store::Error::LeaseLost { .. }) => {
                self.release_with_retries(lease.clone(), items).await;
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
        // Counted once it is written: what could not be written is handled again, and would be
        // counted twice.
        if let Some(stored) = &stored {
            for item in items {
                let kind = self.handler.kind_of_item(item);
                telemetry::count_outcome(item.source.name(), kind, stored.name());
            }
        }
        if stored == Some(StoredOutcome::Done) {
            // What the bridge gave itself to do may be due long after it was put down.
            for item in items.iter().filter(|item| item.source != Source::Internal) {
                telemetry::record_delivery(item.source.name(), self.age_of(item));
            }
        }
        Ok(release != LaneRelease::Keep)
    }

    /// What is to be recorded of items, if anything, and when the lane is due again if it must wait.
    fn decide_outcome(
        &self,
        outcome: ItemOutcome,
        items: &[Handling],
    ) -> (Option<StoredOutcome>, Option<Timestamp>) {
        let now = self.clock.now();
        match outcome {
            ItemOutcome::Done => (Some(StoredOutcome::Done), None),
            ItemOutcome::Ignored => (Some(StoredOutcome::Ignored), None),
            ItemOutcome::Forgotten => (Some(StoredOutcome::Forgotten), None),
            ItemOutcome::Wait(until) => (None, Some(until)),
            ItemOutcome::Conflict => (None, Some(now + CONFLICT_PAUSE)),
            ItemOutcome::Failed(fault) => match self.decide_retry(&fault, items) {
                RetryDecision::Retry { after, counted: false } => (None, Some(now + after)),
                RetryDecision::Retry { after, counted: true } => {
                    (Some(StoredOutcome::Failed), Some(now + after))
                }
                RetryDecision::Park(reason) => (Some(StoredOutcome::Parked { reason }), None),
            },
        }
    }

    /// Lets people see what is parked; what only the bridge set itself to do is logged.
    fn report_parked(&self, items: &[Handling], reason: &str) -> Vec<NewItem> {
        // Nobody in Slack asked for a job, or could mend it; but a held reply is somebody's words.
        let is_shown =
            |item: &&Handling| item.source != Source::Internal || ReplyJob::is_send(&item.key);
        let shown = items.iter().filter(is_shown);
        let now = self.clock.now();
        shown.map(|item| NoticeJob::report_parked(item, reason, now)).collect()
    }

    /// How long ago it arrived.
    fn age_of(&self, item: &Item) -> Duration {
        Duration::try_from(self.clock.now().duration_since(item.received)).unwrap_or_default()
    }

    fn decide_retry(&self, fault: &Fault, items: &[Handling]) -> RetryDecision {
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

/// The span of an item, from its handler to what is recorded of it.
fn event_span(item: &Item) -> Span {
    telemetry::event_span(item.source.name(), item.id, &item.key, item.attempts)
}
