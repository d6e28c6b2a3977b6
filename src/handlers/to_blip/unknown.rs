//! Events on messages and tickets that we do not know, perhaps not yet: an event may overtake Slack's
//! answer to our own post.
//!
//! What is not found is looked for again once nothing is under way that could bring it: it may have come,
//! and what brought it may have ended, between the two looks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, Interrupt, PipeResult};
use crate::inbox::{Handled, Handling, ItemOutcome};
use crate::model::{ChannelId, MessageTs, Ticket, TicketId};
use crate::store::{Lane, Source};

/// How soon an event on an unknown message is matched again while a post is under way.
pub(crate) const MIN_MATCH_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two such matches.
pub(crate) const MAX_MATCH_PAUSE: Duration = Duration::from_secs(10);

/// Finds what such an event is about, or decides whether it waits.
pub(crate) struct UnknownMessages {
    pub(crate) calls: Arc<Calls>,
}

impl UnknownMessages {
    /// An event may overtake Slack's answer to our own post; then it is matched again. `ts` is of the
    /// message by which its ticket would be known.
    pub(crate) async fn handle_unknown_message(
        &self,
        item: &Handling,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> HandlerResult {
        let may_come = self.may_become_known(item, channel, item.received).await?;
        let now = self.calls.clock.now();
        let ending = if may_come {
            // The longer a post takes, the less it matters; once linked, the event moves on at once.
            let pause = now.duration_since(item.received).unsigned_abs() / 4;
            ItemOutcome::Wait(now + pause.clamp(MIN_MATCH_PAUSE, MAX_MATCH_PAUSE))
        } else if self.calls.find_link(item, channel, ts).await?.is_some() {
            // It was linked, and what posted it was over, between the two looks.
            ItemOutcome::Wait(now)
        } else {
            ItemOutcome::Ignored
        };
        Ok(Handled::for_first_item(ending))
    }

    /// Whether a Slack message that we do not know may still become known, because a post to its
    /// channel was under way when the event arrived.
    async fn may_become_known(
        &self,
        item: &Handling,
        channel: &ChannelId,
        received: Timestamp,
    ) -> PipeResult<bool> {
        Ok(self.calls.read(item).await?.is_posting(channel, received).await?)
    }

    /// The ticket of an event, which waits for it while the ticket's card is being posted in its other
    /// lane: a ticket is written after the link of its card.
    pub(crate) async fn load_arriving_ticket(
        &self,
        item: &Handling,
        id: &TicketId,
    ) -> PipeResult<Option<Ticket>> {
        if let Some(ticket) = self.calls.load_ticket(item, id).await? {
            return Ok(Some(ticket));
        }
        let lane = Lane::Ticket(id.clone());
        if self.calls.read(item).await?.has_waiting(&lane, Source::Blip, "").await? {
            return Err(Interrupt::Wait(self.calls.clock.now() + MIN_MATCH_PAUSE));
        }
        Ok(self.calls.load_ticket(item, id).await?)
    }
}
