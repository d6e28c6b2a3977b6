//! Jobs on cards.

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::{CardJob, Handled, ItemOutcome};
use crate::jobs::cards::Cards;
use crate::jobs::timer_checks::TimerChecks;

/// Brings cards up to date, and looks at what time changes on them.
pub(crate) struct CardJobs {
    pub(crate) cards: Cards,
    pub(crate) timer_checks: TimerChecks,
}

impl CardJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_card_job(&self, leased: LeasedJobs<'_>, job: CardJob) -> HandlerResult {
        let LeasedJobs { first, items, .. } = leased;
        match job {
            CardJob::Card { ticket } => {
                self.cards.update_card(first, &ticket).await?;
                // Every one of them asked for the newest state, and that is what is shown now.
                return Ok(Handled { items: items.len(), outcome: ItemOutcome::Forgotten });
            }
            CardJob::Window { ticket } => self.timer_checks.check_window(first, &ticket).await?,
            CardJob::Waits { ticket, since } => {
                self.timer_checks.check_unanswered(first, &ticket, since).await?;
            }
        }
        Ok(FORGOTTEN)
    }
}
