//! Has threads compared after each gap (`handlers/gaps.rs`) and from time to time, and tickets after each
//! time in which Blip told us something in vain.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::handlers::calls::Calls;
use crate::handlers::transit::longest_transit;
use crate::inbox::CheckJob;
use crate::model::ChannelId;
use crate::slack::gaps::EventGaps;
use crate::store;

/// How often threads are compared with Slack's.
pub(crate) const COMPARE_INTERVAL: Duration = Duration::from_mins(10);

/// When the store is asked again for what is open.
pub(crate) const COMPARE_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Slack tells once of each minute in which it drops events, and not when that minute is over.
pub(crate) const DROPPED_EVENTS_PAUSE: Duration = Duration::from_secs(61);

/// Why threads are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareReason {
    Gap,
    Dropped,
    Time,
}

/// Waits for gaps to end.
pub(crate) struct GapWatch {
    pub(crate) calls: Arc<Calls>,
    pub(crate) gaps: Arc<EventGaps>,
    /// An event of Blip was refused at the door.
    pub(crate) has_refused: Arc<Notify>,
    /// Open tickets are to be compared with Blip's, since it has told us something in vain.
    pub(crate) has_missed: Arc<Notify>,
}

impl GapWatch {
    /// Has threads compared with Slack's after each gap and, if `compares`, from time to time.
    pub(crate) async fn watch_gaps(&self, compares: bool) {
        let mut next = self.calls.clock.now() + COMPARE_INTERVAL;
        let mut after_drop = None;
        let mut returns = 0;
        loop {
            let compare = async {
                match after_drop.or(compares.then_some(next)) {
                    Some(at) => self.calls.clock.sleep_until(at).await,
                    None => pending().await,
                }
            };
            let occasion = tokio::select! {
                () = self.gaps.wait_for_gap(returns) => CompareReason::Gap,
                () = self.gaps.wait_for_dropped() => CompareReason::Dropped,
                () = compare => CompareReason::Time,
            };
            let now = self.calls.clock.now();
            next = now + COMPARE_INTERVAL;
            match occasion {
                CompareReason::Gap => {}
                CompareReason::Dropped => after_drop = Some(now + DROPPED_EVENTS_PAUSE),
                CompareReason::Time => after_drop = None,
            }
            returns = self.gaps.reconnect_count();
            // Not given up: nobody else would look for what was missed before the next ten minutes.
            while let Err(error) = self.enqueue_comparisons(occasion).await {
                tracing::error!(%error, "what was missed in Slack cannot be looked for yet");
                self.calls.clock.sleep_until(self.calls.clock.now() + COMPARE_RETRY_PAUSE).await;
            }
        }
    }

    /// Has open tickets compared with Blip's after each time in which an event of Blip was refused.
    pub(crate) async fn watch_refusals(&self) {
        loop {
            self.has_refused.notified().await;
            while self.calls.store.check_health().await.is_err() {
                self.calls.clock.sleep_until(self.calls.clock.now() + COMPARE_RETRY_PAUSE).await;
            }
            tracing::warn!("the store works again; what was refused meanwhile is looked for");
            // What is younger counts as being on its way (`jobs/catch_up.rs`).
            let landed = self.calls.clock.now() + longest_transit(&self.calls);
            self.calls.clock.sleep_until(landed).await;
            self.has_missed.notify_one();
        }
    }

    async fn enqueue_comparisons(&self, occasion: CompareReason) -> store::Result<()> {
        let gaps = self.gaps.gap_count();
        let mut channels: Vec<ChannelId> = Vec::new();
        for ticket in self.calls.store.open_tickets().await? {
            let Some(thread) = ticket.thread else { continue };
            if occasion == CompareReason::Gap {
                self.gaps.mark_unread(ticket.id, thread.channel.clone());
            }
            if !channels.contains(&thread.channel) {
                channels.push(thread.channel);
            }
        }
        for channel in channels {
            self.calls
                .store
                .accept(CheckJob::compare_threads(&channel, self.calls.clock.now()))
                .await?;
        }
        if occasion == CompareReason::Gap {
            self.gaps.mark_dealt_with(gaps);
        }
        Ok(())
    }
}
