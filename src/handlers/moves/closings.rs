//! Closing a ticket, with a farewell if there is one.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::composed::composer::Composer;
use crate::handlers::composed::typed::write_typed_words;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::moves::close_checks::CloseChecks;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::moves::transitions::Transitions;
use crate::handlers::people::{Person, build_agent};
use crate::model::{
    Button, Closing, Failure, Move, PressedMove, Ticket, TicketEnding, TicketState, WhenHeld,
    move_call,
};
use crate::slack::card;

pub(crate) struct Closings {
    pub(crate) transitions: Arc<Transitions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) composer: Arc<Composer>,
    pub(crate) checks: Arc<CloseChecks>,
}

impl Closings {
    pub(crate) async fn close_ticket(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        closing: &Closing,
    ) -> PipeResult<MoveOutcome> {
        if self.checks.ask_before_close(item, ticket, person, closing).await? {
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
            let typed = write_typed_words(farewell);
            self.transitions.people.give_words_back(item, ticket, person, &typed).await;
            self.ask_without_farewell(item, ticket, person).await;
            return Ok(MoveOutcome::Refused);
        }
        let bot = self.transitions.bots.require_bot(&ticket.id)?;
        let look = async {
            let snapshot = bot.tickets.fetch_ticket(&ticket.id).await?;
            Ok(snapshot.and_then(|snapshot| snapshot.parse_ending()).map(drop))
        };
        let tags = closing.tags.as_ref().unwrap_or(&ticket.tags).clone();
        let send = bot.tickets.close_ticket(&ticket.id, &tags);
        // What Blip answers to a close of a closed ticket stands nowhere (`blip.md` §2.6). A
        // refusal after a try of our own is most likely that.
        let closed = match self.calls.call_once(item, move_call::CLOSE, None, look, send).await {
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
                    .transitions
                    .people
                    .blip_identity(person)
                    .or_else(|| self.transitions.people.agents.default.clone());
                let ending = TicketEnding::Agent(build_agent(person, identity.unwrap_or_default()));
                self.transitions.say_close_to_holder(item, ticket, person).await?;
                ticket.tags = tags;
                self.transitions
                    .change_state(item, ticket, TicketState::Closed { ending, at: item.received })
                    .await?;
                tracing::info!("a ticket was closed");
                Ok(MoveOutcome::Done)
            }
            Err(failed) => {
                let r#move = Move::Close(closing.clone());
                self.transitions.handle_failed_move(item, ticket, person, &r#move, failed).await
            }
        }
    }

    /// The window has closed since somebody began to write a farewell: they are asked whether the
    /// ticket is to be closed without one.
    async fn ask_without_farewell(&self, item: &Handling, ticket: &Ticket, person: &Person) {
        if !self.composer.permission.is_window_closed(ticket) {
            return;
        }
        let text = person.texts.text("ask-close-without-farewell", &[]);
        let blocks = card::build_question(
            &text,
            &[Button::Move(PressedMove::Close)],
            &ticket.id,
            &person.texts,
        );
        self.transitions.people.tell_person(item, ticket, person, &text, &blocks).await;
    }

    /// Whether a close that Blip refuses is best explained by one that it took before: there was
    /// one that we do not know the outcome of, and Blip does not tell how the ticket stands.
    async fn has_likely_closed(&self, item: &Handling, ticket: &Ticket) -> PipeResult<bool> {
        if !self.calls.read_earlier_steps(item).await?.has(move_call::CLOSE) {
            return Ok(false);
        }
        let snapshot =
            self.transitions.bots.require_bot(&ticket.id)?.tickets.fetch_ticket(&ticket.id).await;
        Ok(snapshot.is_err_and(|error| error.is_lookup_impossible()))
    }
}
