//! Jobs on replies that were held.

use std::sync::Arc;

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::calls::Calls;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::HandlerResult;
use crate::handlers::to_blip::delays::note_held_delay;
use crate::handlers::to_blip::held_replies::HeldReplies;
use crate::inbox::{Handled, ItemOutcome, ReplyJob};

/// Lets go of replies that were held, and sends them.
pub(crate) struct ReplyJobs {
    pub(crate) calls: Arc<Calls>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) held: Arc<HeldReplies>,
}

impl ReplyJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_reply_job(
        &self,
        leased: LeasedJobs<'_>,
        job: ReplyJob,
    ) -> HandlerResult {
        let LeasedJobs { first, .. } = leased;
        match job {
            ReplyJob::Hold(_) if self.calls.clock.now() < first.received => {
                return Ok(Handled::for_first_item(ItemOutcome::Wait(first.received)));
            }
            ReplyJob::Hold(held) => self.holds.enqueue_held_reply(first, held).await?,
            ReplyJob::Send(held) => {
                let sent = self.held.send_held_reply(first, &held).await;
                if let Err(interrupt) = &sent {
                    note_held_delay(&self.calls, first, &held, interrupt).await?;
                }
                sent?;
            }
        }
        Ok(FORGOTTEN)
    }
}
