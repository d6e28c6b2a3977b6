//! Jobs that give tickets to agents in turn.

use std::sync::Arc;

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::handlers::moves::assignments::Assignments;
use crate::inbox::AssignmentJob;
use crate::jobs::distribution::Distribution;

/// Gives tickets to agents in turn, and takes them back.
pub(crate) struct AssignmentJobs {
    pub(crate) distribution: Distribution,
    pub(crate) assignments: Arc<Assignments>,
}

impl AssignmentJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_assignment_job(
        &self,
        leased: LeasedJobs<'_>,
        job: AssignmentJob,
    ) -> HandlerResult {
        let LeasedJobs { first, items } = leased;
        match job {
            AssignmentJob::Distribute => {
                return self.distribution.distribute_tickets(first, items.len()).await;
            }
            AssignmentJob::Assign(given) => self.assignments.assign_ticket(first, &given).await?,
            AssignmentJob::TakeBack(overdue) => {
                self.assignments.take_back(first, &overdue).await?;
            }
        }
        Ok(FORGOTTEN)
    }
}
