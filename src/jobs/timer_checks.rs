//! The looks at a ticket that were set for a time: does the customer still wait, is the window about
//! to close?

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::timers::Timers;
use crate::inbox::{CardJob, Handling};
use crate::model::TicketId;
use crate::model::ticket::WINDOW_WARNING;

/// Has cards show what has become true since.
pub(crate) struct TimerChecks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) timers: Arc<Timers>,
}

impl TimerChecks {
    /// Has the card show that the customer still waits for an answer, and people reminded later.
    pub(crate) async fn check_unanswered(
        &self,
        item: &Handling,
        id: &TicketId,
        since: i64,
    ) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        // Answered meanwhile, or answered and waiting anew: that has a look of its own.
        let Some(since) = ticket.unanswered.filter(|at| at.as_millisecond() == since) else {
            return Ok(());
        };
        self.timers.schedule_late_reminder(item, &ticket, since).await?;
        // While nobody holds it the card says since when it waits anyway.
        if ticket.holder().is_some() {
            self.calls
                .enqueue_item(item, CardJob::refresh_card(&ticket, self.calls.clock.now()))
                .await?;
        }
        Ok(())
    }

    /// Has the card show how long the window stays open. If the customer has written meanwhile,
    /// somebody looks again later.
    pub(crate) async fn check_window(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        let now = self.calls.clock.now();
        if ticket.window_end().is_some_and(|end| end - WINDOW_WARNING <= now) {
            self.calls.enqueue_item(item, CardJob::refresh_card(&ticket, now)).await?;
        }
        self.timers.schedule_window_check(item, &ticket, item.received).await
    }
}
