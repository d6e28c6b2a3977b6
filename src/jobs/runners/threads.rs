//! Jobs on the threads of tickets.

use std::sync::Arc;

use super::leased::{DONE_FOR_GOOD, FORGOTTEN, LeasedJobs};
use crate::handlers::interrupt::HandlerResult;
use crate::handlers::thread::{ThreadLoss, Threads};
use crate::handlers::thread_lines::ThreadLines;
use crate::inbox::ThreadJob;
use crate::jobs::context::ContextPosts;
use crate::jobs::doubled::DoubledPosts;
use crate::jobs::transfer_notices::TransferNotices;

/// Posts into tickets' threads what belongs there once, and replaces lost ones.
pub(crate) struct ThreadJobs {
    pub(crate) threads: Arc<Threads>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) context: ContextPosts,
    pub(crate) transfers: TransferNotices,
    pub(crate) doubled: DoubledPosts,
}

impl ThreadJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_thread_job(
        &self,
        leased: LeasedJobs<'_>,
        job: ThreadJob,
    ) -> HandlerResult {
        let LeasedJobs { first, .. } = leased;
        match job {
            ThreadJob::Context { ticket } => {
                self.context.post_context(first, &ticket).await?;
                // Once for each ticket, whatever else is heard of it.
                Ok(DONE_FOR_GOOD)
            }
            ThreadJob::Handed(handed) => {
                self.transfers.post_transfer_notice(first, &handed).await?;
                // Once for each ticket, even if the transfer is handled again.
                Ok(DONE_FOR_GOOD)
            }
            ThreadJob::Move { ticket, root, with_channel } => {
                let lost = if with_channel { ThreadLoss::Channel } else { ThreadLoss::Thread };
                self.threads.replace_lost_thread(first, &ticket, &root, lost).await?;
                Ok(FORGOTTEN)
            }
            ThreadJob::Doubled(doubled) => {
                self.doubled.remove_doubled_post(first, &doubled).await?;
                Ok(FORGOTTEN)
            }
            ThreadJob::Say(said) => {
                self.lines.post_said_line(first, &said).await?;
                // Once, even if the event that it tells of is handled again.
                Ok(DONE_FOR_GOOD)
            }
        }
    }
}
