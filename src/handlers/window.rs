//! When it is too late to answer a customer: WhatsApp takes free words for 24 hours after the
//! customer's last ones (`blip.md` §7).

use crate::inbox::{Handling, ThreadLine};
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::Person;
use crate::handlers::thread_lines::ThreadLines;
use crate::model::Ticket;

/// Keeps words from going out that the customer's channel would drop.
pub(crate) struct SendWindow {
    pub(crate) calls: Arc<Calls>,
    pub(crate) lines: Arc<ThreadLines>,
}

impl SendWindow {
    /// Whether the customer cannot be written to any more.
    pub(crate) fn is_closed(&self, ticket: &Ticket) -> bool {
        ticket.is_window_closed(self.calls.clock.now())
    }

    /// Whether the customer cannot be written to any more; then everybody is told why.
    pub(crate) async fn refuse_if_window_closed(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
    ) -> PipeResult<bool> {
        if !self.is_closed(ticket) || self.calls.has_begun_sending(item).await? {
            return Ok(false);
        }
        let line = ThreadLine::TooLate { by: person.profile.name.clone() };
        self.lines.say_line(item, ticket, line).await?;
        Ok(true)
    }
}
