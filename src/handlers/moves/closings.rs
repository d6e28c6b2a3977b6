//! Closing a ticket, with a farewell if there is one.

use std::sync::Arc;
use std::time::Duration;

use crate::blip::parse::MESSAGE_KEY_PREFIX;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::handlers::moves::close_question::build_close_question;
use crate::handlers::moves::composer::Composer;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::{People, Person, build_agent};
use crate::handlers::slack_time::happened_about;
use crate::locale::Texts;
use crate::model::{Button, Closing, Failure, Move, Ticket, TicketEnding, TicketState, WhenHeld};
use crate::slack::card;
use crate::store::{Item, Lane, Source};

/// The step of the post that asks whether to close all the same.
const UNREAD_POST_CALL: &str = "unread";
/// How long a close waits at most for what the customer has said to be shown, before it asks.
const MAX_SHOW_WAIT: Duration = Duration::from_secs(3);
/// How soon it looks again.
const SHOW_PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Closings {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) people: Arc<People>,
    pub(crate) composer: Arc<Composer>,
    pub(crate) texts: Texts,
}

impl Closings {
    pub(crate) async fn close_ticket(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<MoveOutcome> {
        if !closing.is_confirmed && self.ask_if_unread(item, ticket, person, closing).await? {
            return Ok(MoveOutcome::Refused);
        }
        if let Some(farewell) = &closing.farewell
            // The dialog has said who holds the ticket.
            && self
                .composer
                .send_composed_text(item, ticket, person, (farewell, WhenHeld::Send))
                .await?
                == MoveOutcome::Refused
        {
            self.people.give_words_back(ticket, person, farewell).await;
            self.ask_without_farewell(ticket, person).await;
            return Ok(MoveOutcome::Refused);
        }
        let bot = self.bots.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.and_then(|snapshot| snapshot.parse_ending()).map(drop))
        };
        let tags = closing.tags.as_ref().unwrap_or(&ticket.tags).clone();
        let send = bot.close_ticket(&ticket.id, &tags);
        let closed = match self.calls.call_once(item, "close", None, look, send).await {
            Err(CallError::Call(error))
                if error.code().is_some() && self.has_likely_closed(item, ticket).await? =>
            {
                Ok(())
            }
            closed => closed,
        };
        match closed {
            Ok(()) => {
                let identity = self
                    .people
                    .blip_identity(person)
                    .or_else(|| self.people.agents.default.clone());
                let ending = TicketEnding::Agent(build_agent(person, identity.unwrap_or_default()));
                self.transitions.post_close_to_holder(item, ticket, person, &ending).await?;
                ticket.tags = tags;
                self.transitions
                    .change_state(ticket, TicketState::Closed { ending, at: item.received })
                    .await?;
                tracing::info!(ticket.id = %ticket.id, "a ticket was closed");
                Ok(MoveOutcome::Done)
            }
            Err(CallError::Call(error)) if error.code().is_some() => {
                let r#move = Move::Close(closing.clone());
                self.transitions.handle_refused_move(item, ticket, person, &r#move, &error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The window has closed since somebody began to write a farewell: they are asked whether the
    /// ticket is to be closed without one.
    async fn ask_without_farewell(&self, ticket: &Ticket, person: &Person) {
        if !self.composer.permission.is_window_closed(ticket) {
            return;
        }
        let text = person.texts.text("ask-close-without-farewell", &[]);
        let blocks = card::build_question(&text, &[Button::Close], &ticket.id, &person.texts);
        self.people.tell_person(ticket, person, &text, &blocks).await;
    }

    /// Asks whoever closes a ticket, if the customer has said something that was not shown before
    /// they did: nothing of a customer is closed away unread. Says whether they are asked, or were
    /// before; then the ticket stays open.
    async fn ask_if_unread(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<bool> {
        let begun = self.calls.read_begun_calls(item).await?;
        let has_begun = |is_it: &dyn Fn(&str) -> bool| begun.iter().any(|(step, _)| is_it(step));
        if has_begun(&|step| step == "close" || step.starts_with("send:")) {
            return Ok(false);
        }
        let is_asked = has_begun(&|step| step == UNREAD_POST_CALL);
        if !is_asked && !self.has_unread_words(item, ticket).await? {
            return Ok(false);
        }
        // What else the close was to do is chosen in its dialog, which opens again.
        let is_plain = closing.tags.is_none() && closing.farewell.is_none();
        let close = if is_plain { Button::CloseAnyway } else { Button::Close };
        let answers = [close, Button::KeepOpen];
        let texts = ("thread-unread", "thread-unread-farewell");
        let post = build_close_question(ticket, (person, closing), texts, &answers, &self.texts);
        self.transitions.threads.post_when_due(item, UNREAD_POST_CALL, ticket, &post).await?;
        Ok(true)
    }

    /// Whether the customer has said something that was not shown when somebody pressed: it waits
    /// still, or its post is younger than the press, both by Slack's time.
    async fn has_unread_words(&self, item: &Item, ticket: &Ticket) -> PipeResult<bool> {
        // In this order: what is shown meanwhile is found in one of the two places.
        let lane = Lane::Ticket(ticket.id.clone());
        if self.calls.store.has_waiting(&lane, Source::Blip, MESSAGE_KEY_PREFIX).await? {
            // It may be shown already without that being on record, or be shown in a moment.
            let now = self.calls.clock.now();
            if now < item.received + MAX_SHOW_WAIT {
                return Err(Interrupt::Wait(now + SHOW_PAUSE));
            }
            return Ok(true);
        }
        let Some(pressed) = happened_about(item) else { return Ok(false) };
        Ok(self.calls.store.has_words_after(&ticket.id, &pressed).await?)
    }

    /// Whether a close that Blip refuses is best explained by one that it took before: there was
    /// one that we do not know the outcome of, and Blip does not tell how the ticket stands.
    async fn has_likely_closed(&self, item: &Item, ticket: &Ticket) -> PipeResult<bool> {
        let was_tried =
            self.calls.read_begun_calls(item).await?.iter().any(|(step, _)| step == "close");
        if !was_tried {
            return Ok(false);
        }
        let snapshot = self.bots.require_bot(&ticket.id)?.fetch_ticket(&ticket.id).await;
        Ok(snapshot.is_err_and(|error| error.is_lookup_impossible()))
    }
}
