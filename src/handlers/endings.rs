//! A ticket that Blip has ended: whatever Blip says of a ticket wins.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::timers::Timers;
use crate::inbox::{CardJob, Handling};
use crate::locale::Texts;
use crate::model::{Ticket, TicketEnding, TicketState, move_call};
use crate::store::Lane;

/// Ends tickets that have ended at Blip.
pub(crate) struct Endings {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) texts: Texts,
}

impl Endings {
    /// Blip has ended a ticket: the thread gets one line, the card its last state. Only in the ticket's
    /// lane towards Slack, so that it is told once.
    ///
    /// While a move of ours that ends the ticket is under way, what Blip tells is most likely that: it
    /// is left to the move, which finds out what became of it.
    pub(crate) async fn apply_ending(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        ending: TicketEnding,
    ) -> PipeResult<()> {
        let replies = Lane::Replies(ticket.id.clone());
        if !ticket.is_closed() {
            // Blip announces our own close as well, and may do so before its answer to us is
            // recorded (test `a_close_of_ours_is_told_as_ours_and_once`).
            if self.calls.read(item).await?.has_begun(&replies, &move_call::ENDING).await? {
                return Ok(());
            }
            // One that was over by then has written what it did, perhaps since the ticket was read.
            self.calls.require_unchanged(item, ticket).await?;
            let at = item.received;
            let line = self.texts.ticket_ending_text(&ending, at);
            // Nobody reads a thread that they hold no longer, unless they are told.
            let post = ThreadPost::for_agent(ticket.holder(), &line);
            self.threads.wait_for_slot(item, ticket).await?;
            self.threads.post_to_ticket(item, "ended", ticket, &post).await?;
            ticket.enter_state(TicketState::Closed { ending, at });
            self.calls.put_ticket(item, ticket).await?;
            self.timers.schedule_distribution(item).await?;
            tracing::info!("a ticket was ended at Blip");
        }
        Ok(self
            .calls
            .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
            .await?)
    }
}
