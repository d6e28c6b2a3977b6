//! Sending a reply as far as the customer can get it, with its mark and its links.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::outgoing::{Outgoing, OutgoingReply, ReplyPart};
use crate::handlers::people::Person;
use crate::handlers::timers::Timers;
use crate::handlers::to_blip::notes::Notes;
use crate::handlers::window::SendWindow;
use crate::inbox::{Handling, MarkOccasion};
use crate::model::reply::{Intent, ReplyRules};
use crate::model::{AgentMessage, Ticket};
use crate::store::Role;

/// Sends replies, and tells the thread what of them stays.
pub(crate) struct Sender {
    pub(crate) calls: Arc<Calls>,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) window: Arc<SendWindow>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) reply: ReplyRules,
}

/// What became of a message that was to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    Sent,
    /// The customer cannot be written to any more, and the message is as it was.
    TooLate,
}

impl Sender {
    /// What a message is, decided once: when it is handled again, its own claim has made its
    /// writer the holder, or its ticket may have ended half way through sending.
    pub(crate) async fn decide_intent(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        message: &AgentMessage,
    ) -> PipeResult<Intent> {
        if self.calls.has_begun_sending(item).await? {
            return Ok(Intent::Reply { claims: false });
        }
        Ok(self.reply.decide_intent(ticket, &person.user, person.is_agent(), message))
    }

    /// What comes of a note that this person wants the customer to have, decided once.
    pub(crate) async fn decide_note_intent(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
    ) -> PipeResult<Intent> {
        if self.calls.has_begun_sending(item).await? {
            return Ok(Intent::Reply { claims: false });
        }
        Ok(self.reply.decide_note_intent(ticket, &person.user))
    }

    /// Sends one part of a message once more under a new id; false if it cannot go out, of which the
    /// thread is told.
    pub(crate) async fn resend_part(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (part, id): (&ReplyPart, &str),
    ) -> PipeResult<bool> {
        let call = ("send:again", id);
        match part {
            ReplyPart::File(file) => match self.outgoing.prepare_file(item, "again", file).await? {
                Ok((file, uri)) => {
                    self.outgoing.send_file(item, ticket, person, call, (&file, &uri)).await?;
                }
                Err((file, reason)) => {
                    self.notes.post_file_not_sent(item, ticket, &file, reason).await?;
                    return Ok(false);
                }
            },
            ReplyPart::Words(words) => self.outgoing.send_words(item, ticket, call, words).await?,
        }
        self.timers.schedule_delivery_check(item, &ticket.id, id).await?;
        Ok(true)
    }

    /// Sends what goes out of a message, which is something (`Notes::keep_if_unsendable`), unless the
    /// customer cannot be written to any more: then the thread says so.
    pub(crate) async fn send_within_window(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<SendOutcome> {
        if self.window.refuse_if_window_closed(item, ticket, person).await? {
            return Ok(SendOutcome::TooLate);
        }
        self.send_outgoing(item, ticket, person, (written, outgoing)).await?;
        self.timers.record_answer(item, ticket).await?;
        Ok(SendOutcome::Sent)
    }

    /// Sends what goes out, and tells the thread what stays.
    async fn send_outgoing(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<()> {
        // A mark on a reply says that the customer has it, so one of which something stays is a
        // part (`marks.rs`).
        let role = if outgoing.is_whole() { Role::Reply } else { Role::PartOfReply };
        let before = self.calls.find_link(item, written.channel, written.ts).await?;
        let occasion = match before {
            // It bears a mark already, which has to be looked for and taken off (`jobs/marks.rs`).
            Some(link) if link.role.is_sent() => MarkOccasion::Resent,
            Some(_) | None => MarkOccasion::Sent,
        };
        let mut ids = Vec::new();
        for (name, part) in &outgoing.ready {
            let id = written.blip_message_id(name);
            self.outgoing.send_part(item, ticket, person, (name, &id, part)).await?;
            let link = written.to_link(ticket, person, role, Some(id.clone()));
            let link =
                async { PipeResult::Ok(self.calls.link_message(item, link, ticket.opened).await?) };
            // Handed to the store together, so that they share a commit.
            tokio::try_join!(self.timers.schedule_delivery_check(item, &ticket.id, &id), link)?;
            ids.push(id);
        }
        self.notes.post_unsent_parts(item, ticket, person, &outgoing).await?;
        self.timers.schedule_delivery_mark(item, &ticket.id, ids, occasion).await
    }
}
