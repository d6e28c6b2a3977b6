//! Hands each event to whoever handles what comes from its source.

use std::sync::Arc;

use crate::handlers::events::sort_by_slack_time;
use crate::handlers::fault_point::{self, FaultMoment};
use crate::handlers::item_kind::kind_of_item;
use crate::handlers::to_blip::ToBlip;
use crate::handlers::to_slack::ToSlack;
use crate::inbox::{Handled, Handler, Handling, ItemOutcome};
use crate::jobs::Jobs;
use crate::store::{self, Source};

/// Handles the items of the inbox: events from either platform, and jobs of the bridge's own.
pub(crate) struct Dispatcher {
    pub(crate) to_slack: Arc<ToSlack>,
    pub(crate) to_blip: Arc<ToBlip>,
    /// What the bridge gave itself to do.
    pub(crate) jobs: Arc<Jobs>,
}

impl Handler for Dispatcher {
    fn sort_items(&self, items: Vec<Handling>) -> Vec<Handling> {
        sort_by_slack_time(items)
    }

    fn kind_of_item(&self, item: &Handling) -> &'static str {
        kind_of_item(item)
    }

    async fn handle_items(&self, items: &[Handling]) -> Handled {
        let Some(first) = items.first() else { return Handled::for_first_item(ItemOutcome::Done) };
        fault_point::pass_item(FaultMoment::Before, first, kind_of_item);
        let outcome = match first.source {
            Source::Blip => self.to_slack.handle_blip_items(items).await,
            Source::Slack => self.to_blip.handle_slack_item(first).await,
            Source::Internal => self.jobs.run_job(items).await,
        };
        if matches!(&outcome, Ok(handled) if handled.outcome.is_done()) {
            fault_point::pass_item(FaultMoment::After, first, kind_of_item);
        }
        outcome.unwrap_or_else(|interrupt| Handled::for_first_item(interrupt.into_outcome(first)))
    }

    async fn mend_lost_items(&self, items: &[Handling]) -> store::Result<()> {
        self.jobs.mend_lost_items(items).await
    }
}
