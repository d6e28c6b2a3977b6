//! Moves from a list (App Home, `/blip`): who looks at the list does not see the card, so the answer
//! comes below the list.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::people::{People, Person};
use crate::model::{Button, Click, Move, PressedView, Ticket};
use crate::slack::{SlackClient, home};

/// Makes moves from lists.
pub(crate) struct ListClicks {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) people: Arc<People>,
    pub(crate) moves: Arc<Moves>,
}

impl ListClicks {
    /// Makes a move from a list, and says below it what came of it: who looks at the list does not
    /// see the card.
    pub(crate) async fn perform_click_in_list(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<()> {
        let Some((r#move, mut key)) = listed_move(&click.button) else { return Ok(()) };
        let is_theirs = ticket.holder().is_some_and(|holder| holder.user == person.user);
        // The list may be older than their claim: nobody is told that they took it from themselves.
        if is_theirs && matches!(r#move, Move::Claim { .. }) {
            key = "done-claimed";
        }
        let moved = self.moves.make_move(item, ticket, person, &r#move).await?;
        // A home tab shows by itself what came of it.
        let shows_itself = matches!(person.view, Some(PressedView::Home(_)));
        if moved == MoveOutcome::Done && !shows_itself {
            let address = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
            let (text, blocks) =
                home::describe_move(key, ticket, address.as_deref(), &person.texts);
            self.people.tell_person(item, ticket, person, &text, &blocks).await;
        }
        Ok(())
    }
}

/// The move that a button in a list makes, and the text that tells of it; none of buttons that lists do
/// not offer.
pub(crate) fn listed_move(button: &Button) -> Option<(Move, &'static str)> {
    let Button::Move(pressed) = button else { return None };
    Some((pressed.to_move(), pressed.listed_key()?))
}
