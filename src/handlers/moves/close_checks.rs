//! What comes before a close: held words go out, a tag is asked for, and nothing that the customer
//! said is closed away unread.

use crate::inbox::{CloseConcern, Handling, ThreadLine, UNREAD_POST_CALL};
use std::sync::Arc;
use std::time::Duration;

use crate::blip::parse::MESSAGE_KEY_PREFIX;
use crate::handlers::calls::Calls;
use crate::handlers::events::happened_about;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::moves::close_question::prepare_close_question;
use crate::handlers::moves::tags::Tags;
use crate::handlers::people::Person;
use crate::handlers::thread_lines::ThreadLines;
use crate::model::{Closing, Ticket, move_call};
use crate::store::{Lane, Source};

/// How long a close waits at most for what the customer has said to be shown, before it asks: longer
/// than it takes until another instance finds what one that died has shown.
const MAX_SHOW_WAIT: Duration = Duration::from_secs(20);
/// How soon it looks again.
const SHOW_PAUSE: Duration = Duration::from_millis(100);

/// Checks whether a ticket may be closed as somebody wants it.
pub(crate) struct CloseChecks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) tags: Arc<Tags>,
    pub(crate) lines: Arc<ThreadLines>,
}

impl CloseChecks {
    /// Asks whoever closes a ticket, if there is something to ask first; says whether they are asked, as
    /// then the ticket stays open for now. Waits until what is held has gone out.
    pub(crate) async fn ask_before_close(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<bool> {
        let begun = self.calls.read_earlier_steps(item).await?;
        // What has begun is gone through with, whatever comes in between.
        if begun.has(move_call::CLOSE) || begun.has_with_prefix("send:") {
            return Ok(false);
        }
        if self.holds.release_held_replies(item, ticket, &happened_about(item)).await? {
            // By Slack's time they come before this in the lane (`handlers/events.rs`).
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        // Blip requires tags on its desk's screen only and takes a close without them (`blip.md`
        // §4.1), so nobody else would ask.
        if self.tags.ask_for_missing_tag(item, ticket, person, closing).await? {
            return Ok(true);
        }
        let is_asked = begun.has(UNREAD_POST_CALL);
        Ok(!closing.is_confirmed
            && self.ask_if_unread(item, ticket, (person, closing), is_asked).await?)
    }

    /// Asks whoever closes a ticket, if the customer has said something that was not shown before
    /// they did: nothing of a customer is closed away unread. Says whether they are asked, or were
    /// before; then the ticket stays open.
    async fn ask_if_unread(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        (person, closing): (&Person, &Closing),
        is_asked: bool,
    ) -> PipeResult<bool> {
        if !is_asked && !self.has_unread_words(item, ticket).await? {
            return Ok(false);
        }
        // What else the close was to do is chosen in its dialog, which opens again.
        let is_plain = closing.tags.is_none() && closing.farewell.is_none();
        let about = if is_plain { CloseConcern::Unread } else { CloseConcern::UnreadInDialog };
        let question = prepare_close_question(ticket, (person, closing), about);
        self.lines.say_line(item, ticket, ThreadLine::CloseQuestion(question)).await?;
        Ok(true)
    }

    /// Whether the customer has said something that was not shown when somebody pressed: it waits
    /// still, or its post is younger than the press, both by Slack's time.
    async fn has_unread_words(&self, item: &Handling, ticket: &Ticket) -> PipeResult<bool> {
        // In this order: what is shown meanwhile is found in one of the two places.
        let lane = Lane::Ticket(ticket.id.clone());
        if self.calls.read(item).await?.has_waiting(&lane, Source::Blip, MESSAGE_KEY_PREFIX).await?
        {
            // It may be shown already without that being on record, or be shown in a moment.
            let now = self.calls.clock.now();
            if now < item.received + MAX_SHOW_WAIT {
                return Err(Interrupt::Wait(now + SHOW_PAUSE));
            }
            return Ok(true);
        }
        Ok(self.calls.has_words_after(item, &ticket.id, &happened_about(item)).await?)
    }
}
