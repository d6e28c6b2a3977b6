//! Replacing the tags of a ticket, and asking for one before it is closed.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::ExpiringCache;
use crate::clock::Clock;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::close_question::prepare_close_question;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::Person;
use crate::handlers::thread_lines::ThreadLines;
use crate::inbox::{CardJob, CloseConcern, Handling, ThreadLine};
use crate::model::{BotName, Closing, Move, TagRule, Ticket, TicketId, move_call};

pub(crate) struct Tags {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) rule: TagRule,
    /// Which bots want a tag: [`build_need_cache`].
    pub(crate) needs: ExpiringCache<BotName, bool>,
}

/// How long it is believed whether a bot wants a tag: somebody changes that in the portal once.
const NEED_LIFETIME: Duration = Duration::from_mins(5);
/// Most bots of which it is remembered; no configuration has so many.
const MAX_BOTS: usize = 1_000;

/// Nothing is known yet of what bots want.
pub(crate) fn build_need_cache(clock: Clock) -> ExpiringCache<BotName, bool> {
    ExpiringCache::new(clock, NEED_LIFETIME, MAX_BOTS)
}

impl Tags {
    /// Asks in the thread for a tag, if one is needed to close the ticket and it would have none;
    /// returns whether it did. A reaction opens no dialog, so the line has the button that does.
    pub(crate) async fn ask_for_missing_tag(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<bool> {
        let tags = closing.tags.as_ref().unwrap_or(&ticket.tags);
        if !tags.is_empty() || self.rule == TagRule::Never {
            return Ok(false);
        }
        if !self.is_tag_needed(ticket.id.bot(), &ticket.id).await? {
            return Ok(false);
        }
        let question = prepare_close_question(ticket, (person, closing), CloseConcern::Tag);
        self.lines.say_line(item, ticket, ThreadLine::CloseQuestion(question)).await?;
        Ok(true)
    }

    async fn is_tag_needed(&self, bot_name: &BotName, ticket: &TicketId) -> PipeResult<bool> {
        if let Some(is_needed) = self.needs.get(bot_name) {
            return Ok(is_needed);
        }
        let bot = self.bots.require_bot(ticket)?;
        let settings = bot.desk.fetch_tag_settings().await?;
        let has_choice = !settings.tags.is_empty()
            // Without a list of the desk's the dialog offers the tags in use (`blip.md` §4.1), so
            // that there may be a choice all the same.
            || (self.rule == TagRule::Always && !bot.desk.fetch_tags().await?.is_empty());
        let is_needed = self.rule.is_tag_needed(settings.is_one_wanted, has_choice);
        self.needs.insert(bot_name.clone(), is_needed);
        Ok(is_needed)
    }

    /// Replaces a ticket's tags.
    pub(crate) async fn tag_ticket(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        tags: &[String],
    ) -> PipeResult<MoveOutcome> {
        let bot = self.bots.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.tickets.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.filter(|snapshot| snapshot.tags == tags).map(drop))
        };
        match self
            .calls
            .call_once(item, move_call::TAG, None, look, bot.tickets.tag_ticket(&ticket.id, tags))
            .await
        {
            Ok(()) => {
                ticket.tags = tags.to_vec();
                ticket.revision += 1;
                self.calls.put_ticket(item, ticket).await?;
                self.calls
                    .enqueue_item(item, CardJob::update_card(ticket, self.calls.clock.now()))
                    .await?;
                Ok(MoveOutcome::Done)
            }
            Err(failed) => {
                let r#move = Move::Tag(tags.to_vec());
                self.transitions.handle_failed_move(item, ticket, person, &r#move, failed).await
            }
        }
    }
}
