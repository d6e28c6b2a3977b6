//! Word to customers who write while the team does not work.

use crate::inbox::{Handling, ThreadLine};
use std::sync::Arc;
use std::time::Duration;

use crate::handlers::bots::Bots;
use crate::handlers::calls::{Calls, derive_delivery_id};
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::thread_lines::ThreadLines;
use crate::handlers::timers::ReminderRules;
use crate::model::{Failure, Fault, TicketId};

/// Tells customers that the team does not work.
pub(crate) struct AwayAnswers {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) rules: ReminderRules,
    /// What they are told; nothing if there is none.
    pub(crate) message: Option<String>,
}

impl AwayAnswers {
    /// Tells a customer, if the team does not work still and nobody has claimed the ticket.
    ///
    /// Blip takes no words for a ticket that nobody holds (`blip.md` §0), so the bot says them to
    /// the customer, as it says everything else that is no agent's.
    pub(crate) async fn tell_customer(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let Some(message) = &self.message else { return Ok(()) };
        let Some(mut ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        let now = self.calls.clock.now();
        let is_open = self.rules.due_time(&ticket, now, Duration::ZERO) <= now;
        let is_taken = ticket.is_closed() || ticket.holder().is_some();
        // What has begun goes on.
        if (is_open || is_taken) && !self.calls.has_begun_sending(item).await? {
            return Ok(());
        }
        let bot = self.bots.require_bot(id)?;
        let to = ticket.customer.identity.clone();
        let delivery = derive_delivery_id(item, "send:away");
        let look = async { Ok(bot.has_sent(&to, &delivery).await?.then_some(())) };
        let send = bot.send_text(&delivery, &to, message);
        match self.calls.call_once(item, "send:away", None, look, send).await {
            Err(CallError::Call(error)) if matches!(error.to_fault(), Fault::Refused { .. }) => {
                tracing::warn!(%error, "a customer is not told that nobody works");
                return Ok(());
            }
            sent => sent?,
        }
        self.lines.say_line(item, &mut ticket, ThreadLine::Away).await
    }
}
