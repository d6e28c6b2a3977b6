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
use crate::inbox::{Handled, ItemOutcome};
use crate::model::{ChannelId, Ticket, TicketId};
use crate::store::{Item, Lane, Source};

/// How soon an event on an unknown message is matched again while a post is under way.
pub(crate) const MIN_MATCH_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two such matches.
pub(crate) const MAX_MATCH_PAUSE: Duration = Duration::from_secs(10);

/// Finds what such an event is about, or decides whether it waits.
pub(crate) struct UnknownMessages {
    pub(crate) calls: Arc<Calls>,
}

impl UnknownMessages {
    /// An event may overtake Slack's answer to our own post; then it is matched again.
    pub(crate) async fn handle_unknown_message(
        &self,
        item: &Item,
        channel: &ChannelId,
    ) -> HandlerResult {
        let wait = self.may_become_known(channel, item.received).await?;
        let now = self.calls.clock.now();
        // The longer a post takes, the less it matters; once linked, the event moves on at once.
        let pause = now.duration_since(item.received).unsigned_abs() / 4;
        let ending = if wait {
            ItemOutcome::Wait(now + pause.clamp(MIN_MATCH_PAUSE, MAX_MATCH_PAUSE))
        } else {
            ItemOutcome::Ignored
        };
        Ok(Handled::for_first_item(ending))
    }

    /// Whether a Slack message that we do not know may still become known, because a post to its
    /// channel was under way when the event arrived.
    async fn may_become_known(&self, channel: &ChannelId, received: Timestamp) -> PipeResult<bool> {
        Ok(self.calls.store.is_posting(channel, received).await?)
    }

    /// The ticket of an event, which waits for it while the ticket's card is being posted in its other
    /// lane: a ticket is written after the link of its card.
    pub(crate) async fn load_arriving_ticket(&self, id: &TicketId) -> PipeResult<Option<Ticket>> {
        let store = &self.calls.store;
        if let Some(ticket) = store.load_ticket(id).await? {
            return Ok(Some(ticket));
        }
        if store.has_waiting(&Lane::Ticket(id.clone()), Source::Blip, "").await? {
            return Err(Interrupt::Wait(self.calls.clock.now() + MIN_MATCH_PAUSE));
        }
        Ok(store.load_ticket(id).await?)
    }
}
