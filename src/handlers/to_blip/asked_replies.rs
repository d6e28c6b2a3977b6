//! Messages that are no reply by themselves: *Send to customer*, of a note or of a message whose writer
//! was asked, and *Send correction*.

use std::sync::Arc;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::Moves;
use crate::handlers::moves::outcome::MoveOutcome;
use crate::handlers::outgoing::ForwardPolicy;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::people::{People, Person};
use crate::handlers::to_blip::notes::{Notes, note_answer};
use crate::handlers::to_blip::sender::{SendOutcome, Sender};
use crate::handlers::to_blip::versions::Versions;
use crate::inbox::{Handling, MarkJob};
use crate::model::reply::Intent;
use crate::model::{AgentMessage, ChannelId, MessageTs, Move, MoveRefusal, Ticket, marks};
use crate::store::Role;

/// Sends a message because somebody has said so.
pub(crate) struct AskedReplies {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) moves: Arc<Moves>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) sender: Arc<Sender>,
}

impl AskedReplies {
    /// Sends a message that was kept as a note until its writer said what it is.
    pub(crate) async fn send_anyway(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        ts: &MessageTs,
    ) -> PipeResult<Answer> {
        self.send_kept_note(item, ticket, person, (ts, false)).await
    }

    /// The same by who has to claim the ticket for it.
    pub(crate) async fn claim_and_send(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        ts: &MessageTs,
    ) -> PipeResult<Answer> {
        self.send_kept_note(item, ticket, person, (ts, true)).await
    }

    /// Sends a note to the customer, whoever wrote it; asks where somebody else holds the ticket.
    pub(crate) async fn send_note(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (channel, ts): &(ChannelId, MessageTs),
    ) -> PipeResult<Option<Answer>> {
        match self.calls.find_link(item, channel, ts).await?.map(|link| link.role) {
            Some(Role::Note | Role::Held) => {}
            Some(Role::Reply | Role::PartOfReply) => {
                if !self.calls.has_begun_sending(item).await? {
                    return Ok(Some(Answer::AlreadySent));
                }
            }
            Some(Role::Card | Role::Customer) | None => return Ok(Some(Answer::NotNote)),
        }
        match self.sender.decide_note_intent(item, ticket, person).await? {
            Intent::Reply { claims } => {
                self.send_kept_note(item, ticket, person, (ts, claims)).await.map(Some)
            }
            Intent::Question(holder) => {
                self.notes.ask_about_note(item, ticket, person, ts, holder.as_ref()).await;
                Ok(None)
            }
            Intent::Note(why) => Ok(Some(note_answer(why, person).unwrap_or(Answer::Kept))),
        }
    }

    async fn send_kept_note(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (ts, takes_over): (&MessageTs, bool),
    ) -> PipeResult<Answer> {
        let Some(thread) = ticket.thread.clone() else { return Ok(Answer::Outdated) };
        if ticket.is_closed() {
            let is_active = ticket.id.active_target().is_some();
            return Ok(if is_active { Answer::KeptActive } else { Answer::KeptClosed });
        }
        let link = self.calls.find_link(item, &thread.channel, ts).await?;
        // A question is replaced only when its press was handled, so it may be pressed twice.
        let is_sent = link.is_some_and(|link| link.role.is_sent());
        if is_sent && !self.calls.has_begun_sending(item).await? {
            // Another click has sent it.
            return Ok(Answer::Outdated);
        }
        let channel = &thread.channel;
        let Some(message) = self.versions.reread_message(item, (channel, &thread.root, ts)).await?
        else {
            return Ok(Answer::Outdated);
        };
        let version = &message.version();
        let message = &self.sender.reply.remove_note_marks(message.read());
        let written = WrittenMessage { channel, ts, message, version };
        // Whoever presses has seen all of it, and means the customer to have it.
        let outgoing = self
            .sender
            .outgoing
            .prepare_outgoing(item, ticket, &written, ForwardPolicy::Go)
            .await?;
        if outgoing.ready.is_empty() && outgoing.is_whole() {
            return Ok(Answer::NothingToSend);
        }
        if self.notes.keep_if_unsendable(item, ticket, person, (&written, &outgoing)).await? {
            return Ok(Answer::NotSent);
        }
        let claim_over = Move::Claim { over: true };
        if takes_over
            && self.moves.make_move(item, ticket, person, &claim_over).await?
                == MoveOutcome::Refused
        {
            return Ok(Answer::Outdated);
        }
        let what = (&written, outgoing);
        let sent = self.sender.send_within_window(item, ticket, person, what).await?;
        if sent != SendOutcome::Sent {
            return Ok(Answer::NotSent);
        }
        // It is no note any more, nor one that came too late.
        for mark in [marks::NOTE_MARK, marks::FAILED_MARK] {
            let now = self.calls.clock.now();
            let job = MarkJob::remove_reaction(&ticket.id, (channel, ts), mark, now);
            self.calls.enqueue_item(item, job).await?;
        }
        Ok(Answer::Sent)
    }

    /// Sends a message that was edited after it had been sent once more, as it is now.
    pub(crate) async fn send_correction(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        ts: &MessageTs,
    ) -> PipeResult<Answer> {
        let Some(thread) = ticket.thread.clone() else { return Ok(Answer::Outdated) };
        let Some(message) =
            self.versions.fetch_message((&thread.channel, &thread.root, ts)).await?
        else {
            return Ok(Answer::Outdated);
        };
        let version = message.version();
        // The files have not changed, and were sent with the first version.
        let message = AgentMessage { files: Vec::new(), ..message.read() };
        let channel = &thread.channel;
        let written = WrittenMessage { channel, ts, message: &message, version: &version };
        let is_sent =
            !self.calls.links_of(item, &ticket.id, &written.blip_message_id("0")).await?.is_empty();
        if is_sent && !self.calls.has_begun_sending(item).await? {
            // Another click has sent it.
            return Ok(Answer::Outdated);
        }
        match self.sender.decide_intent(item, ticket, person, &message).await? {
            Intent::Reply { claims } => {
                let outgoing = self
                    .sender
                    .outgoing
                    .prepare_outgoing(item, ticket, &written, ForwardPolicy::Stay)
                    .await?;
                if outgoing.ready.is_empty() {
                    self.notes.post_unsent_parts(item, ticket, person, &outgoing).await?;
                    return Ok(Answer::NotSent);
                }
                let parts = (&written, &outgoing);
                if self.notes.keep_if_unsendable(item, ticket, person, parts).await? {
                    return Ok(Answer::NotSent);
                }
                let claim = Move::Claim { over: false };
                if claims
                    && self.moves.make_move(item, ticket, person, &claim).await?
                        == MoveOutcome::Refused
                {
                    return Ok(Answer::Outdated);
                }
                let what = (&written, outgoing);
                let sent = self.sender.send_within_window(item, ticket, person, what).await?;
                if sent != SendOutcome::Sent {
                    return Ok(Answer::NotSent);
                }
            }
            Intent::Note(why) => return Ok(note_answer(why, person).unwrap_or(Answer::Kept)),
            Intent::Question(holder) => {
                if let Some(holder) = holder {
                    self.people
                        .tell_refusal(item, ticket, person, &MoveRefusal::HeldBy(holder))
                        .await;
                }
                return Ok(Answer::Outdated);
            }
        }
        Ok(Answer::Sent)
    }
}
