//! A ticket that Blip has ended: whatever Blip says of a ticket wins.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::inbox::Job;
use crate::locale::Texts;
use crate::model::{Ticket, TicketEnding, TicketState};
use crate::store::Item;

/// Ends tickets that have ended at Blip.
pub(crate) struct Endings {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
}

impl Endings {
    /// Blip has ended a ticket: the thread gets one line, the card its last state.
    pub(crate) async fn apply_ending(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        ending: TicketEnding,
    ) -> PipeResult<()> {
        if !ticket.is_closed() {
            let at = item.received;
            let line = self.texts.ticket_ending_text(&ending, at);
            // Nobody reads a thread that they hold no longer, unless they are told.
            let post = ThreadPost::for_agent(ticket.holder(), &line);
            self.threads.wait_for_slot(item, ticket).await?;
            self.threads.post_to_ticket(item, "ended", ticket, &post).await?;
            ticket.enter_state(TicketState::Closed { ending, at });
            self.calls.store.put_ticket(ticket).await?;
            tracing::info!(ticket.id = %ticket.id, "a ticket was ended at Blip");
        }
        Ok(self.calls.enqueue_item(Job::update_card(ticket, self.calls.clock.now())).await?)
    }
}
