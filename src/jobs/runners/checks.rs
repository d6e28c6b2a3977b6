//! Jobs that compare what is kept here with what a platform says.

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::CheckJob;
use crate::jobs::catch_up::TicketChecks;
use crate::jobs::compare::ThreadComparisons;

/// Compares tickets with Blip, and threads with Slack.
pub(crate) struct CheckJobs {
    pub(crate) tickets: TicketChecks,
    pub(crate) comparisons: ThreadComparisons,
}

impl CheckJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_check_job(
        &self,
        leased: LeasedJobs<'_>,
        job: CheckJob,
    ) -> HandlerResult {
        let LeasedJobs { first, items, .. } = leased;
        match job {
            CheckJob::Check { ticket } => self.tickets.compare_ticket(first, &ticket).await?,
            CheckJob::Compare { channel } => {
                return self.comparisons.compare_threads(first, &channel, items.len()).await;
            }
            CheckJob::CatchUp { ticket } => {
                self.comparisons.catch_up_thread(first, &ticket).await?;
            }
        }
        Ok(FORGOTTEN)
    }
}
