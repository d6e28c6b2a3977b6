//! Who pressed a button, about which ticket, and whether they may.

use std::sync::Arc;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{HandlerResult, PipeResult};
use crate::handlers::people::{People, Person};
use crate::handlers::to_blip::buttons::Buttons;
use crate::handlers::to_blip::list_clicks::{ListClicks, listed_move};
use crate::handlers::to_blip::unknown::UnknownMessages;
use crate::inbox::{Handled, Handling, ItemOutcome};
use crate::model::{Button, ChannelId, Click, MessageTs, PressedMove, Ticket};
use crate::store::Lane;

/// Hands presses on to `Buttons` or `ListClicks`, and answers in the place of the question.
pub(crate) struct Clicks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) unknown: Arc<UnknownMessages>,
    pub(crate) buttons: Arc<Buttons>,
    pub(crate) lists: Arc<ListClicks>,
}

impl Clicks {
    pub(crate) async fn handle_click(
        &self,
        item: &Handling,
        (click, root): (&Click, Option<&(ChannelId, MessageTs)>),
    ) -> HandlerResult {
        let ticket = match Lane::parse(&item.lane) {
            // What is parked may be what was to post the card.
            Some(Lane::Ticket(id) | Lane::Replies(id)) if is_about_parked(click) => {
                self.calls.load_ticket(item, &id).await?
            }
            Some(Lane::Ticket(id) | Lane::Replies(id)) => {
                self.unknown.load_arriving_ticket(item, &id).await?
            }
            Some(Lane::Message(channel, ts)) => {
                let outcome = self.unknown.handle_unknown_message(item, &channel, &ts).await?;
                if outcome.outcome == ItemOutcome::Ignored {
                    self.people.replace_question(click, Answer::NoTicket).await;
                }
                return Ok(outcome);
            }
            Some(Lane::Own(_)) | None => None,
        };
        let Some(mut ticket) = ticket else {
            self.handle_click_without_ticket(item, click).await?;
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut person = self.people.look_up_person(item, &ticket, &click.user).await?;
        // In the thread the card shows what became of the press. In a list nobody sees the card,
        // and the answer goes below the list.
        let is_there = ticket.thread.as_ref().zip(root).is_some_and(|(thread, (channel, ts))| {
            (&thread.channel, &thread.root) == (channel, ts)
        });
        if listed_move(&click.button).is_some() && !is_there {
            person.response_url.clone_from(&click.response_url);
            person.view.clone_from(&click.view);
        }
        if !person.is_agent() {
            self.people.tell_no_permission(item, &ticket, &person).await;
        } else if click.button == Button::Move(PressedMove::TakeOver)
            && is_holder(&ticket, &person)
            && is_there
        {
            let text = person.texts.text("ask-already-yours", &[]);
            self.people.tell_person(item, &ticket, &person, &text, &[]).await;
        } else if person.response_url.is_some() || person.view.is_some() {
            self.lists.perform_click_in_list(item, &mut ticket, &person, click).await?;
        } else if let Some(answer) =
            self.buttons.perform_click(item, &mut ticket, &person, click).await?
        {
            self.people.replace_question(click, answer).await;
        }
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }

    /// What could not even get a thread is shown in the channel, with a way out.
    async fn handle_click_without_ticket(&self, item: &Handling, click: &Click) -> PipeResult<()> {
        let Some((channel, _)) = click.on.as_ref().filter(|_| is_about_parked(click)) else {
            return Ok(());
        };
        if !self.people.look_up_person_in(item, channel, &click.user).await?.is_agent() {
            return Ok(());
        }
        let answer = if let Button::Retry(parked) = click.button {
            self.buttons.retry_parked(parked).await?
        } else if let Button::Skip(parked) = click.button {
            self.buttons.skip_parked(parked).await?
        } else {
            return Ok(());
        };
        self.people.replace_question(click, answer).await;
        Ok(())
    }
}

fn is_about_parked(click: &Click) -> bool {
    matches!(click.button, Button::Retry(_) | Button::Skip(_))
}

fn is_holder(ticket: &Ticket, person: &Person) -> bool {
    ticket.holder().is_some_and(|holder| holder.user == person.user)
}
