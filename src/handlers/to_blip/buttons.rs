//! What each button does.

use std::sync::Arc;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::Person;
use crate::handlers::to_blip::asked_replies::AskedReplies;
use crate::handlers::to_blip::holds::Holds;
use crate::handlers::to_blip::resends::Resends;
use crate::model::{Click, Closing, Move, Ticket};
use crate::slack::action;
use crate::store::Item;

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
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<Option<Answer>> {
        let claim_over = Move::Claim { over: true };
        Ok(match click.action.as_str() {
            action::CLAIM => {
                self.moves.make_move(item, ticket, person, &Move::Claim { over: false }).await?;
                None
            }
            action::RELEASE => {
                self.moves.make_move(item, ticket, person, &Move::Release).await?;
                None
            }
            action::CLOSE => {
                self.moves
                    .make_move(item, ticket, person, &Move::Close(Closing::default()))
                    .await?;
                None
            }
            action::TAKE_OVER => {
                match self.moves.make_move(item, ticket, person, &claim_over).await? {
                    MoveOutcome::Done => Some(Answer::TakenOver),
                    MoveOutcome::Refused => Some(Answer::Outdated),
                }
            }
            action::SEND | action::TAKE_OVER_AND_SEND => {
                Some(self.asked.send_anyway(item, ticket, person, click).await?)
            }
            action::RESEND => self.resends.resend_part(item, ticket, person, click).await?,
            action::CORRECT => Some(self.asked.send_correction(item, ticket, person, click).await?),
            action::KEEP => Some(Answer::Kept),
            action::NOTE => match &click.on {
                Some((channel, ts)) => Some(self.holds.make_note(ticket, channel, ts).await?),
                None => None,
            },
            action::RETRY | action::SKIP => Some(self.handle_parked_click(click).await?),
            _ => None,
        })
    }

    pub(crate) async fn handle_parked_click(&self, click: &Click) -> PipeResult<Answer> {
        let (parked, _) = click.value.split_once(' ').unwrap_or_default();
        let Ok(parked) = parked.parse() else { return Ok(Answer::Outdated) };
        let done = if click.action == action::RETRY {
            self.calls.store.retry_parked(parked, self.calls.clock.now()).await?
        } else {
            self.calls.store.skip_parked(parked).await?
        };
        Ok(match (done, click.action == action::RETRY) {
            (true, true) => Answer::Retried,
            (true, false) => Answer::Skipped,
            (false, _) => Answer::Outdated,
        })
    }
}
