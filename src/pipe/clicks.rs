//! What buttons do.

use super::moves::{Moved, Person};
use super::outgoing::Forwards;
use super::slack_to_blip::{Written, reason_for_note};
use super::{Bridge, Outcome, Step};
use crate::inbox::{Chore, Ending as Settled, Handled};
use crate::model::reply::Intent;
use crate::model::{
    AgentMessage, ChannelId, Click, Closing, MessageTs, Move, Refusal, Ticket, marks,
};
use crate::slack::{action, home, message, parse};
use crate::store::{Item, Lane};

impl Bridge {
    pub(super) async fn on_click(
        &self,
        lane: &str,
        item: &Item,
        (click, root): (&Click, Option<&(ChannelId, MessageTs)>),
    ) -> Outcome {
        let ticket = match Lane::parse(lane) {
            Some(Lane::Ticket(id)) => self.store.ticket(&id).await?,
            Some(Lane::Message(channel, _)) => {
                let outcome = self.on_unknown_message(item, &channel).await?;
                if outcome.ending == Settled::Ignored {
                    self.answer(click, "ask-no-ticket").await;
                }
                return Ok(outcome);
            }
            Some(Lane::Own(_)) | None => None,
        };
        let Some(mut ticket) = ticket else {
            self.on_click_without_ticket(item, click).await?;
            return Ok(Handled::one(Settled::Done));
        };
        let mut person = self.person(item, &ticket, &click.user).await?;
        let is_there = ticket.thread.as_ref().zip(root).is_some_and(|(thread, (channel, ts))| {
            (&thread.channel, &thread.root) == (channel, ts)
        });
        if is_move(click) && !is_there {
            person.elsewhere.clone_from(&click.response_url);
        }
        if !person.is_agent() {
            self.turn_away(&ticket, &person).await;
        } else if person.elsewhere.is_some() {
            self.press_elsewhere(item, &mut ticket, &person, click).await?;
        } else if let Some(answer) = self.press(item, &mut ticket, &person, click).await? {
            self.answer(click, answer).await;
        }
        Ok(Handled::one(Settled::Done))
    }

    /// What could not even get a thread is shown in the channel, with a way out.
    async fn on_click_without_ticket(&self, item: &Item, click: &Click) -> Step<()> {
        let is_parked = matches!(click.action.as_str(), action::RETRY | action::SKIP);
        let Some((channel, _)) = click.on.as_ref().filter(|_| is_parked) else { return Ok(()) };
        if self.person_in(item, channel, &click.user).await?.is_agent() {
            let answer = self.on_parked_click(click).await?;
            self.answer(click, answer).await;
        }
        Ok(())
    }

    /// Makes a move from a list, and says below it what came of it: who looks at the list does not
    /// see the card.
    async fn press_elsewhere(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> Step<()> {
        let (r#move, key) = match click.action.as_str() {
            action::CLAIM => (Move::Claim { over: false }, "done-claimed"),
            action::TAKE_OVER => (Move::Claim { over: true }, "done-taken-over"),
            action::RELEASE => (Move::Release, "done-released"),
            _ => (Move::Close(Closing::default()), "done-closed"),
        };
        if self.make(item, ticket, person, &r#move).await? == Moved::Yes {
            let address = ticket.thread.as_ref().and_then(|thread| self.slack.address(thread));
            let (text, blocks) = home::done(key, ticket, address.as_deref(), &person.words);
            self.tell(ticket, person, &text, &blocks).await;
        }
        Ok(())
    }

    /// Does what a button says; returns what is to be said in the place of a question.
    async fn press(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> Step<Option<&'static str>> {
        let claim_over = Move::Claim { over: true };
        Ok(match click.action.as_str() {
            action::CLAIM => {
                self.make(item, ticket, person, &Move::Claim { over: false }).await?;
                None
            }
            action::RELEASE => {
                self.make(item, ticket, person, &Move::Release).await?;
                None
            }
            action::CLOSE => {
                self.make(item, ticket, person, &Move::Close(Closing::default())).await?;
                None
            }
            action::TAKE_OVER => match self.make(item, ticket, person, &claim_over).await? {
                Moved::Yes => Some("ask-taken-over"),
                Moved::No => Some("ask-outdated"),
            },
            action::SEND | action::TAKE_OVER_AND_SEND => {
                Some(self.on_send_anyway(item, ticket, person, click).await?)
            }
            action::RESEND => self.on_resend(item, ticket, person, click).await?,
            action::CORRECT => Some(self.on_correct(item, ticket, person, click).await?),
            action::KEEP => Some("ask-kept"),
            action::NOTE => match &click.on {
                Some((channel, ts)) => Some(self.make_note(ticket, channel, ts).await?),
                None => None,
            },
            action::RETRY | action::SKIP => Some(self.on_parked_click(click).await?),
            _ => None,
        })
    }

    /// Replaces the question that was answered by what came of it; best effort.
    async fn answer(&self, click: &Click, key: &str) {
        let Some(url) = &click.response_url else { return };
        // What replaces a line of the thread is read by everybody.
        let is_public =
            matches!(click.action.as_str(), action::RETRY | action::SKIP | action::RESEND);
        let words = if is_public { self.words.clone() } else { self.words_of(&click.user).await };
        let text = words.say(key, &[]);
        if let Err(error) = self.slack.respond(url, !click.is_shortcut, &text, &[]).await {
            tracing::warn!(%error, "a question could not be replaced by its answer");
        }
    }

    /// Sends a message that was kept as a note until its writer said what it is.
    async fn on_send_anyway(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> Step<&'static str> {
        let (ts, _) = click.value.split_once(' ').unwrap_or_default();
        let (Some(ts), Some(thread)) = (MessageTs::parse(ts), ticket.thread.clone()) else {
            return Ok("ask-outdated");
        };
        if ticket.is_closed() {
            return Ok("ask-closed-note");
        }
        let link = self.store.linked(&thread.channel, &ts).await?;
        let is_sent = link.is_some_and(|link| link.role.is_sent());
        if is_sent && !self.is_being_sent(item).await? {
            // Another click has sent it.
            return Ok("ask-outdated");
        }
        let channel = &thread.channel;
        let Some(message) = self.reread(item, (channel, &thread.root, &ts)).await? else {
            return Ok("ask-outdated");
        };
        let (message, version) = (&message::read(&message), &parse::version_name(&message));
        let written = Written { channel, ts: &ts, message, version };
        // Whoever presses has seen all of it, and means the customer to have it.
        let outgoing = self.outgoing(item, ticket, &written, Forwards::Go).await?;
        let takes_over = click.action == action::TAKE_OVER_AND_SEND && !outgoing.ready.is_empty();
        let claim_over = Move::Claim { over: true };
        if takes_over && self.make(item, ticket, person, &claim_over).await? == Moved::No {
            return Ok("ask-outdated");
        }
        if !self.send_in_time(item, ticket, person, (&written, outgoing)).await? {
            return Ok("ask-not-sent");
        }
        // It is no note any more.
        self.set_out(Chore::unmark(channel, &ts, marks::NOTE, self.clock.now())).await?;
        Ok("ask-sent")
    }

    /// Sends a message that was edited after it had been sent once more, as it is now.
    async fn on_correct(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> Step<&'static str> {
        let (ts, _) = click.value.split_once(' ').unwrap_or_default();
        let (Some(ts), Some(thread)) = (MessageTs::parse(ts), ticket.thread.clone()) else {
            return Ok("ask-outdated");
        };
        let Some(message) = self.slack.message(&thread.channel, &thread.root, &ts).await? else {
            return Ok("ask-outdated");
        };
        let version = parse::version_name(&message);
        // The files have not changed, and were sent with the first version.
        let message = AgentMessage { files: Vec::new(), ..message::read(&message) };
        let channel = &thread.channel;
        let written = Written { channel, ts: &ts, message: &message, version: &version };
        let is_sent = !self.store.links_of(&ticket.id, &written.message_id("0")).await?.is_empty();
        if is_sent && !self.is_being_sent(item).await? {
            // Another click has sent it.
            return Ok("ask-outdated");
        }
        match self.intent(item, ticket, person, &message).await? {
            Intent::Reply { claims } => {
                let outgoing = self.outgoing(item, ticket, &written, Forwards::Stay).await?;
                if outgoing.ready.is_empty() {
                    self.tell_unsent(item, ticket, person, &outgoing).await?;
                    return Ok("ask-not-sent");
                }
                let claim = Move::Claim { over: false };
                if claims && self.make(item, ticket, person, &claim).await? == Moved::No {
                    return Ok("ask-outdated");
                }
                if !self.send_in_time(item, ticket, person, (&written, outgoing)).await? {
                    return Ok("ask-not-sent");
                }
            }
            Intent::Note(why) => return Ok(reason_for_note(why, person).unwrap_or("ask-kept")),
            Intent::Question(holder) => {
                if let Some(holder) = holder {
                    let claim = Move::Claim { over: false };
                    self.tell_refusal(ticket, person, &claim, &Refusal::HeldBy(holder)).await;
                }
                return Ok("ask-outdated");
            }
        }
        Ok("ask-sent")
    }

    async fn on_parked_click(&self, click: &Click) -> Step<&'static str> {
        let (parked, _) = click.value.split_once(' ').unwrap_or_default();
        let Ok(parked) = parked.parse() else { return Ok("ask-outdated") };
        let done = if click.action == action::RETRY {
            self.store.revive(parked, self.clock.now()).await?
        } else {
            self.store.skip(parked).await?
        };
        Ok(match (done, click.action == action::RETRY) {
            (true, true) => "ask-retried",
            (true, false) => "ask-skipped",
            (false, _) => "ask-outdated",
        })
    }
}

/// Whether a button makes a move by itself.
fn is_move(click: &Click) -> bool {
    matches!(
        click.action.as_str(),
        action::CLAIM | action::TAKE_OVER | action::RELEASE | action::CLOSE
    )
}
