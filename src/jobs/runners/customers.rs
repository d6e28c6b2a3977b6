//! Jobs on what is known of customers, and on what they are told automatically.

use std::sync::Arc;

use super::leased::{DONE_FOR_GOOD, FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::handlers::to_slack::customers::Customers;
use crate::inbox::CustomerJob;
use crate::jobs::away::AwayAnswers;
use crate::jobs::forget::SlackEraser;

/// Finds out who customers are, answers them out of hours, and forgets them.
pub(crate) struct CustomerJobs {
    pub(crate) customers: Arc<Customers>,
    pub(crate) away: AwayAnswers,
    pub(crate) eraser: SlackEraser,
}

impl CustomerJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_customer_job(
        &self,
        leased: LeasedJobs<'_>,
        job: CustomerJob,
    ) -> HandlerResult {
        let LeasedJobs { first, .. } = leased;
        match job {
            CustomerJob::Originator { ticket, looks } => {
                self.customers.look_up_originator(first, &ticket, looks).await?;
                // Once for each ticket, whatever else is heard of it.
                Ok(DONE_FOR_GOOD)
            }
            CustomerJob::Met { ticket, originator } => {
                self.customers.record_originator(first, &ticket, &originator).await?;
                Ok(FORGOTTEN)
            }
            CustomerJob::Away { ticket } => {
                self.away.tell_customer(first, &ticket).await?;
                // Once until the team works again, whatever else the customer says.
                Ok(DONE_FOR_GOOD)
            }
            CustomerJob::Forget(forgetting) => {
                self.eraser.forget_in_slack(first, &forgetting).await?;
                Ok(FORGOTTEN)
            }
        }
    }
}
