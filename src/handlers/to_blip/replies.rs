//! A message in a ticket's thread: a reply to the customer, a note, or a question to its writer which
//! of the two it is.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::holds::Holds;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::outgoing::{ForwardPolicy, OutgoingReply};
use crate::handlers::people::{People, Person};
use crate::handlers::to_blip::notes::Notes;
use crate::handlers::to_blip::sender::{SendOutcome, Sender};
use crate::model::reply::Intent;
use crate::model::{Agent, AgentMessage, Button, ChannelId, MessageTs, Move, SlackUserId, Ticket};
use crate::slack::card;

/// Decides what an agent's message is, and does it.
pub(crate) struct Replies {
    pub(crate) people: Arc<People>,
    pub(crate) moves: Arc<Moves>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) holds: Arc<Holds>,
}

impl Replies {
    pub(crate) async fn handle_agent_message(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        user: &SlackUserId,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        let person = self.people.look_up_person(item, ticket, user).await?;
        match self.sender.decide_intent(item, ticket, &person, written.message).await? {
            Intent::Note(why) => self.notes.handle_note(item, ticket, &person, written, why).await,
            Intent::Question(holder) => {
                self.ask_writer(item, ticket, &person, (written, holder.as_ref())).await
            }
            Intent::Reply { claims } => {
                let outgoing = self
                    .sender
                    .outgoing
                    .prepare_outgoing(item, ticket, written, ForwardPolicy::Stay)
                    .await?;
                let parts = (written, &outgoing);
                if self.notes.keep_if_unsendable(item, ticket, &person, parts).await? {
                    return Ok(());
                }
                if claims {
                    let claim = Move::Claim { over: false };
                    if self.moves.make_move(item, ticket, &person, &claim).await?
                        == MoveOutcome::Refused
                    {
                        // Blip takes words only for a ticket that was assigned (`blip.md` §0), so
                        // without the claim nothing can go out. Why it was refused is told by the
                        // claim.
                        return self.notes.keep_as_note(item, ticket, &person, written).await;
                    }
                }
                let place = (written.channel, written.ts);
                if self.holds.hold_reply(item, ticket, &person, place).await? {
                    return Ok(());
                }
                self.send_or_keep(item, ticket, &person, (written, outgoing)).await
            }
        }
    }

    /// Sends a reply; one that comes too late stays in Slack.
    async fn send_or_keep(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<()> {
        let what = (written, outgoing);
        match self.sender.send_within_window(item, ticket, person, what).await? {
            SendOutcome::TooLate => self.notes.keep_late_reply(item, ticket, person, written).await,
            SendOutcome::Sent => Ok(()),
        }
    }

    /// Sends a message that was held, if it is still a reply.
    pub(crate) async fn send_held(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        match self.sender.decide_intent(item, ticket, person, written.message).await? {
            Intent::Note(why) => self.notes.handle_note(item, ticket, person, written, why).await,
            Intent::Question(holder) => {
                self.ask_writer(item, ticket, person, (written, holder.as_ref())).await
            }
            Intent::Reply { .. } => {
                let stay = ForwardPolicy::Stay;
                let outgoing =
                    self.sender.outgoing.prepare_outgoing(item, ticket, written, stay).await?;
                // The list of forbidden words may be another one than when it was held.
                let parts = (written, &outgoing);
                if self.notes.keep_if_unsendable(item, ticket, person, parts).await? {
                    return Ok(());
                }
                self.send_or_keep(item, ticket, person, (written, outgoing)).await
            }
        }
    }

    /// A note that was edited so that it reads like a reply: it goes nowhere by itself, as nobody
    /// expects that of an edit, and its writer is asked.
    pub(crate) async fn ask_about_edited_note(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        user: &SlackUserId,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        let person = self.people.look_up_person(item, ticket, user).await?;
        let claims = match self.sender.decide_intent(item, ticket, &person, written.message).await?
        {
            Intent::Note(_) => return Ok(()),
            Intent::Question(holder) => {
                return self.ask_writer(item, ticket, &person, (written, holder.as_ref())).await;
            }
            Intent::Reply { claims } => claims,
        };
        if !written.message.may_go_out() {
            return Ok(());
        }
        let ts = || written.ts.clone();
        let send = if claims { Button::TakeOverAndSend(ts()) } else { Button::Send(ts()) };
        let text = person.texts.text("ask-note-edited", &[]);
        let blocks =
            card::build_question(&text, &[send, Button::Keep(ts())], &ticket.id, &person.texts);
        self.people.tell_person(item, ticket, &person, &text, &blocks).await;
        Ok(())
    }

    pub(crate) async fn ask_writer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, holder): (&WrittenMessage<'_>, Option<&Agent>),
    ) -> PipeResult<()> {
        // A question whose answer could send nothing would be a lie.
        if !written.message.may_go_out() {
            let outgoing = self
                .sender
                .outgoing
                .prepare_outgoing(item, ticket, written, ForwardPolicy::Go)
                .await?;
            return self.notes.keep_unsent_note(item, ticket, person, (written, &outgoing)).await;
        }
        self.notes.keep_as_note(item, ticket, person, written).await?;
        self.notes.ask_about_note(item, ticket, person, written.ts, holder).await;
        Ok(())
    }

    /// What cannot be read whole is not sent in part: it stays a note, and its writer is told.
    pub(crate) async fn keep_oversized_note(
        &self,
        item: &Handling,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> PipeResult<()> {
        let person = self.people.look_up_person(item, ticket, user).await?;
        let (message, version) = (&AgentMessage::default(), "");
        self.notes
            .keep_as_note(item, ticket, &person, &WrittenMessage { channel, ts, message, version })
            .await?;
        self.people
            .tell_person(item, ticket, &person, &person.texts.text("ask-oversized", &[]), &[])
            .await;
        Ok(())
    }
}
