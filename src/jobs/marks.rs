//! The bridge's own reactions on messages: ✉️, 📬, 🔒 and their like.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::handlers::interrupt::PipeResult;
use crate::model::{ChannelId, Failure, Fault, MessageTs};
use crate::slack::SlackClient;
use crate::store::Item;

/// How long a mark that matters is tried. It only confirms what has happened anyway.
pub(crate) const REACTION_RETRY_LIMIT: SignedDuration = SignedDuration::from_mins(10);

/// Puts marks on messages and takes them off.
pub(crate) struct Marks {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) clock: Clock,
}

impl Marks {
    pub(crate) async fn set_reaction(
        &self,
        item: &Item,
        (channel, ts): (&ChannelId, &MessageTs),
        (name, off): (&str, bool),
        droppable: bool,
    ) -> PipeResult<()> {
        let marked = self.slack.set_reaction((channel, ts), name, !off).await;
        let Err(error) = marked else { return Ok(()) };
        let age = self.clock.now().duration_since(item.received);
        let give_up = droppable || age > REACTION_RETRY_LIMIT;
        match error.to_fault() {
            Fault::Refused { .. } => {
                tracing::warn!(slack.channel = %channel, slack.ts = %ts, %error, "no mark");
                Ok(())
            }
            Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Credentials
                if give_up =>
            {
                Ok(())
            }
            Fault::Busy { .. }
            | Fault::Down
            | Fault::OutcomeUnknown
            | Fault::Credentials
            | Fault::Broken => Err(error.into()),
        }
    }
}
