//! Jobs on the reactions of messages.

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::inbox::MarkJob;
use crate::jobs::delays::DelayMarks;
use crate::jobs::marks::Marks;

/// Shows on messages how far they have come.
pub(crate) struct MarkJobs {
    pub(crate) marks: Marks,
    pub(crate) delays: DelayMarks,
}

impl MarkJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_mark_job(&self, leased: LeasedJobs<'_>, job: MarkJob) -> HandlerResult {
        let LeasedJobs { first, items, .. } = leased;
        match job {
            MarkJob::Mark { channel, ts, name, droppable, off, .. } => {
                self.marks.set_reaction(first, (&channel, &ts), (&name, off), droppable).await?;
            }
            MarkJob::Delivered(mark) => self.marks.show_delivery(first, &mark).await?,
            MarkJob::Read(_) => return self.marks.show_read(items).await,
            MarkJob::Delayed(delayed) => self.delays.show_delay(first, &delayed).await?,
        }
        Ok(FORGOTTEN)
    }
}
