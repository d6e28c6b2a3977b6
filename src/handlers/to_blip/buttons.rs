//! What each button does.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::Person;
use crate::handlers::to_blip::asked_replies::AskedReplies;
use crate::handlers::to_blip::resends::Resends;
use crate::model::{Button, Click, Closing, Move, PressedMove, Ticket};
use crate::store::ItemId;

/// Does what a button says.
pub(crate) struct Buttons {
    pub(crate) calls: Arc<Calls>,
    pub(crate) moves: Arc<Moves>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) asked: Arc<AskedReplies>,
    pub(crate) resends: Arc<Resends>,
}

impl Buttons {
    /// Does what a button says; returns what is to be said in the place of a question.
    pub(crate) async fn perform_click(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<Option<Answer>> {
        Ok(match &click.button {
            // The card shows it by itself, and must not be replaced; a question is.
            Button::Move(PressedMove::TakeOver) if !is_on_card(ticket, click) => {
                let claim_over = PressedMove::TakeOver.to_move();
                match self.moves.make_move(item, ticket, person, &claim_over).await? {
                    MoveOutcome::Done => Some(Answer::TakenOver),
                    MoveOutcome::Refused => Some(Answer::Outdated),
                }
            }
            // The card shows what came of it: nothing is to be said of it.
            Button::Move(pressed) => {
                self.moves.make_move(item, ticket, person, &pressed.to_move()).await?;
                None
            }
            Button::Send(ts) => Some(self.asked.send_anyway(item, ticket, person, ts).await?),
            Button::TakeOverAndSend(ts) => {
                Some(self.asked.claim_and_send(item, ticket, person, ts).await?)
            }
            Button::Resend(part) => self.resends.resend_part(item, ticket, person, part).await?,
            Button::Correct(ts) => {
                Some(self.asked.send_correction(item, ticket, person, ts).await?)
            }
            Button::Keep(_) => Some(Answer::Kept),
            Button::Note => match &click.on {
                Some((channel, ts)) => Some(self.holds.make_note(item, ticket, channel, ts).await?),
                None => None,
            },
            Button::SendNote => match &click.on {
                Some(place) => self.asked.send_note(item, ticket, person, place).await?,
                None => None,
            },
            Button::Retry(parked) => Some(self.retry_parked(*parked).await?),
            Button::Skip(parked) => Some(self.skip_parked(*parked).await?),
            Button::CloseAnyway => {
                let closing = Closing { is_confirmed: true, ..Closing::default() };
                match self.moves.make_move(item, ticket, person, &Move::Close(closing)).await? {
                    MoveOutcome::Done => Some(Answer::Closed),
                    MoveOutcome::Refused => Some(Answer::Outdated),
                }
            }
            Button::KeepOpen => Some(Answer::KeptOpen),
            // Answered on the spot.
            Button::Transfer | Button::Reply | Button::Template | Button::Tags => None,
        })
    }

    /// Puts a parked item back.
    pub(crate) async fn retry_parked(&self, parked: ItemId) -> PipeResult<Answer> {
        let is_done = self.calls.store.retry_parked(parked, self.calls.clock.now()).await?;
        Ok(if is_done { Answer::Retried } else { Answer::Outdated })
    }

    /// Gives a parked item up.
    pub(crate) async fn skip_parked(&self, parked: ItemId) -> PipeResult<Answer> {
        let is_done = self.calls.store.skip_parked(parked).await?;
        Ok(if is_done { Answer::Skipped } else { Answer::Outdated })
    }
}

/// Whether what was pressed stands on the ticket's card, not in a question.
pub(crate) fn is_on_card(ticket: &Ticket, click: &Click) -> bool {
    ticket
        .thread
        .as_ref()
        .zip(click.on.as_ref())
        .is_some_and(|(thread, (channel, ts))| (&thread.channel, &thread.root) == (channel, ts))
}
