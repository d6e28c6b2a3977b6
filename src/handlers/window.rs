//! When it is too late to answer a customer: WhatsApp takes free words for 24 hours after the
//! customer's last ones (`blip.md` §7).

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::Person;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::locale::Texts;
use crate::model::{Button, Ticket};
use crate::slack::card;

/// Keeps words from going out that the customer's channel would drop.
pub(crate) struct SendWindow {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) texts: Texts,
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
        let line = self.texts.text("thread-window-closed", &[("agent", &person.profile.name)]);
        let mut post = ThreadPost::from_line(&line);
        if self.threads.offers_templates(ticket) {
            let answers = [Button::Template];
            post.blocks = card::build_question(&line, &answers, &ticket.id, &self.texts);
        }
        self.threads.post_when_due(item, "too-late", ticket, &post).await?;
        Ok(true)
    }
}
