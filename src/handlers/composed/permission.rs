//! Whether somebody may send words to a customer from elsewhere than the thread.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::claims::Claims;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::Person;
use crate::handlers::window::SendWindow;
use crate::model::{Ticket, WhenHeld};

/// Decides who may send; whoever may not is told why.
pub(crate) struct SendPermission {
    pub(crate) calls: Arc<Calls>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) window: Arc<SendWindow>,
    pub(crate) anyone: bool,
}

impl SendPermission {
    /// Whether somebody may send something to the customer now; who does not, has been told why.
    pub(crate) async fn ensure_may_send(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        when_held: WhenHeld,
    ) -> PipeResult<MoveOutcome> {
        // Before anything else: words that cannot go out claim nothing. What has begun goes on.
        if !self.calls.has_begun_sending(item).await?
            && self.window.refuse_if_window_closed(item, ticket, person).await?
        {
            return Ok(MoveOutcome::Refused);
        }
        self.ensure_may_answer(item, ticket, person, when_held).await
    }

    /// Whether somebody may answer the customer now, in whatever way; who does not, has been told why.
    pub(crate) async fn ensure_may_answer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        when_held: WhenHeld,
    ) -> PipeResult<MoveOutcome> {
        if self.calls.has_begun_sending(item).await? {
            return Ok(MoveOutcome::Done);
        }
        match ticket.holder() {
            Some(_) if self.anyone || when_held == WhenHeld::Send => Ok(MoveOutcome::Done),
            // Whoever does not hold it and was not asked is told who does, and may take over.
            _ => {
                let over = when_held == WhenHeld::TakeOver;
                self.claims.make_claim(item, ticket, person, over).await
            }
        }
    }

    /// Whether the customer's channel takes no words of our own any more.
    pub(crate) fn is_window_closed(&self, ticket: &Ticket) -> bool {
        self.window.is_closed(ticket)
    }
}
