//! What buttons do.

use super::moves::{MoveOutcome, Person};
use super::outgoing::ForwardPolicy;
use super::slack_to_blip::{WrittenMessage, note_reason_key};
use super::{Bridge, HandlerResult, PipeResult};
use crate::inbox::{Handled, ItemOutcome, Job};
use crate::model::reply::Intent;
use crate::model::{
    AgentMessage, ChannelId, Click, Closing, MessageTs, Move, MoveRefusal, Ticket, marks,
};
use crate::slack::find;
use crate::slack::{action, home, message, parse};
use crate::store::{Item, Lane};

impl Bridge {
    pub(super) async fn handle_click(
        &self,
        lane: &str,
        item: &Item,
        (click, root): (&Click, Option<&(ChannelId, MessageTs)>),
    ) -> HandlerResult {
        let ticket = match Lane::parse(lane) {
            Some(Lane::Ticket(id)) => self.store.load_ticket(&id).await?,
            Some(Lane::Message(channel, _)) => {
                let outcome = self.handle_unknown_message(item, &channel).await?;
                if outcome.outcome == ItemOutcome::Ignored {
                    self.replace_question(click, "ask-no-ticket").await;
                }
                return Ok(outcome);
            }
            Some(Lane::Own(_)) | None => None,
        };
        let Some(mut ticket) = ticket else {
            self.handle_click_without_ticket(item, click).await?;
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut person = self.look_up_person(item, &ticket, &click.user).await?;
        let is_there = ticket.thread.as_ref().zip(root).is_some_and(|(thread, (channel, ts))| {
            (&thread.channel, &thread.root) == (channel, ts)
        });
        if is_move_button(click) && !is_there {
            person.response_url.clone_from(&click.response_url);
        }
        if !person.is_agent() {
            self.tell_no_permission(&ticket, &person).await;
        } else if person.response_url.is_some() {
            self.perform_click_in_list(item, &mut ticket, &person, click).await?;
        } else if let Some(answer) = self.perform_click(item, &mut ticket, &person, click).await? {
            self.replace_question(click, answer).await;
        }
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }

    /// What could not even get a thread is shown in the channel, with a way out.
    async fn handle_click_without_ticket(&self, item: &Item, click: &Click) -> PipeResult<()> {
        let is_parked = matches!(click.action.as_str(), action::RETRY | action::SKIP);
        let Some((channel, _)) = click.on.as_ref().filter(|_| is_parked) else { return Ok(()) };
        if self.look_up_person_in(item, channel, &click.user).await?.is_agent() {
            let answer = self.handle_parked_click(click).await?;
            self.replace_question(click, answer).await;
        }
        Ok(())
    }

    /// Makes a move from a list, and says below it what came of it: who looks at the list does not
    /// see the card.
    async fn perform_click_in_list(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<()> {
        let (r#move, key) = match click.action.as_str() {
            action::CLAIM => (Move::Claim { over: false }, "done-claimed"),
            action::TAKE_OVER => (Move::Claim { over: true }, "done-taken-over"),
            action::RELEASE => (Move::Release, "done-released"),
            _ => (Move::Close(Closing::default()), "done-closed"),
        };
        if self.make_move(item, ticket, person, &r#move).await? == MoveOutcome::Done {
            let address = ticket.thread.as_ref().and_then(|thread| self.slack.thread_url(thread));
            let (text, blocks) =
                home::describe_move(key, ticket, address.as_deref(), &person.texts);
            self.tell_person(ticket, person, &text, &blocks).await;
        }
        Ok(())
    }

    /// Does what a button says; returns what is to be said in the place of a question.
    async fn perform_click(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<Option<&'static str>> {
        let claim_over = Move::Claim { over: true };
        Ok(match click.action.as_str() {
            action::CLAIM => {
                self.make_move(item, ticket, person, &Move::Claim { over: false }).await?;
                None
            }
            action::RELEASE => {
                self.make_move(item, ticket, person, &Move::Release).await?;
                None
            }
            action::CLOSE => {
                self.make_move(item, ticket, person, &Move::Close(Closing::default())).await?;
                None
            }
            action::TAKE_OVER => match self.make_move(item, ticket, person, &claim_over).await? {
                MoveOutcome::Done => Some("ask-taken-over"),
                MoveOutcome::Refused => Some("ask-outdated"),
            },
            action::SEND | action::TAKE_OVER_AND_SEND => {
                Some(self.send_anyway(item, ticket, person, click).await?)
            }
            action::RESEND => self.resend_part(item, ticket, person, click).await?,
            action::CORRECT => Some(self.send_correction(item, ticket, person, click).await?),
            action::KEEP => Some("ask-kept"),
            action::NOTE => match &click.on {
                Some((channel, ts)) => Some(self.make_note(ticket, channel, ts).await?),
                None => None,
            },
            action::RETRY | action::SKIP => Some(self.handle_parked_click(click).await?),
            _ => None,
        })
    }

    /// Replaces the question that was answered by what came of it; best effort.
    async fn replace_question(&self, click: &Click, key: &str) {
        let Some(url) = &click.response_url else { return };
        // What replaces a line of the thread is read by everybody.
        let is_public =
            matches!(click.action.as_str(), action::RETRY | action::SKIP | action::RESEND);
        let words = if is_public { self.texts.clone() } else { self.texts_for(&click.user).await };
        let text = words.text(key, &[]);
        if let Err(error) = self.slack.respond_to_action(url, !click.is_shortcut, &text, &[]).await
        {
            tracing::warn!(%error, "a question could not be replaced by its answer");
        }
    }

    /// Sends a message that was kept as a note until its writer said what it is.
    async fn send_anyway(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<&'static str> {
        let (ts, _) = click.value.split_once(' ').unwrap_or_default();
        let (Some(ts), Some(thread)) = (MessageTs::parse(ts), ticket.thread.clone()) else {
            return Ok("ask-outdated");
        };
        if ticket.is_closed() {
            return Ok("ask-closed-note");
        }
        let link = self.store.find_link(&thread.channel, &ts).await?;
        let is_sent = link.is_some_and(|link| link.role.is_sent());
        if is_sent && !self.has_begun_sending(item).await? {
            // Another click has sent it.
            return Ok("ask-outdated");
        }
        let channel = &thread.channel;
        let Some(message) = self.reread_message(item, (channel, &thread.root, &ts)).await? else {
            return Ok("ask-outdated");
        };
        let (message, version) = (&message::read_message(&message), &parse::version_name(&message));
        let written = WrittenMessage { channel, ts: &ts, message, version };
        // Whoever presses has seen all of it, and means the customer to have it.
        let outgoing = self.prepare_outgoing(item, ticket, &written, ForwardPolicy::Go).await?;
        let takes_over = click.action == action::TAKE_OVER_AND_SEND && !outgoing.ready.is_empty();
        let claim_over = Move::Claim { over: true };
        if takes_over
            && self.make_move(item, ticket, person, &claim_over).await? == MoveOutcome::Refused
        {
            return Ok("ask-outdated");
        }
        if !self.send_within_window(item, ticket, person, (&written, outgoing)).await? {
            return Ok("ask-not-sent");
        }
        // It is no note any more.
        self.enqueue_item(Job::remove_reaction(channel, &ts, marks::NOTE_MARK, self.clock.now()))
            .await?;
        Ok("ask-sent")
    }

    /// Sends a message that was edited after it had been sent once more, as it is now.
    async fn send_correction(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        click: &Click,
    ) -> PipeResult<&'static str> {
        let (ts, _) = click.value.split_once(' ').unwrap_or_default();
        let (Some(ts), Some(thread)) = (MessageTs::parse(ts), ticket.thread.clone()) else {
            return Ok("ask-outdated");
        };
        let Some(message) =
            find::fetch_message(&self.slack, &thread.channel, &thread.root, &ts).await?
        else {
            return Ok("ask-outdated");
        };
        let version = parse::version_name(&message);
        // The files have not changed, and were sent with the first version.
        let message = AgentMessage { files: Vec::new(), ..message::read_message(&message) };
        let channel = &thread.channel;
        let written = WrittenMessage { channel, ts: &ts, message: &message, version: &version };
        let is_sent =
            !self.store.links_of(&ticket.id, &written.blip_message_id("0")).await?.is_empty();
        if is_sent && !self.has_begun_sending(item).await? {
            // Another click has sent it.
            return Ok("ask-outdated");
        }
        match self.decide_intent(item, ticket, person, &message).await? {
            Intent::Reply { claims } => {
                let outgoing =
                    self.prepare_outgoing(item, ticket, &written, ForwardPolicy::Stay).await?;
                if outgoing.ready.is_empty() {
                    self.post_unsent_parts(item, ticket, person, &outgoing).await?;
                    return Ok("ask-not-sent");
                }
                let claim = Move::Claim { over: false };
                if claims
                    && self.make_move(item, ticket, person, &claim).await? == MoveOutcome::Refused
                {
                    return Ok("ask-outdated");
                }
                if !self.send_within_window(item, ticket, person, (&written, outgoing)).await? {
                    return Ok("ask-not-sent");
                }
            }
            Intent::Note(why) => return Ok(note_reason_key(why, person).unwrap_or("ask-kept")),
            Intent::Question(holder) => {
                if let Some(holder) = holder {
                    let claim = Move::Claim { over: false };
                    self.tell_refusal(ticket, person, &claim, &MoveRefusal::HeldBy(holder)).await;
                }
                return Ok("ask-outdated");
            }
        }
        Ok("ask-sent")
    }

    async fn handle_parked_click(&self, click: &Click) -> PipeResult<&'static str> {
        let (parked, _) = click.value.split_once(' ').unwrap_or_default();
        let Ok(parked) = parked.parse() else { return Ok("ask-outdated") };
        let done = if click.action == action::RETRY {
            self.store.retry_parked(parked, self.clock.now()).await?
        } else {
            self.store.skip_parked(parked).await?
        };
        Ok(match (done, click.action == action::RETRY) {
            (true, true) => "ask-retried",
            (true, false) => "ask-skipped",
            (false, _) => "ask-outdated",
        })
    }
}

/// Whether a button makes a move by itself.
fn is_move_button(click: &Click) -> bool {
    matches!(
        click.action.as_str(),
        action::CLAIM | action::TAKE_OVER | action::RELEASE | action::CLOSE
    )
}
