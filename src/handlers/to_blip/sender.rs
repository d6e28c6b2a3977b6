//! Sending a reply as far as the customer can get it, with its mark and its links.

use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::outgoing::{ForwardPolicy, Outgoing, OutgoingReply, ReplyPart};
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

    /// A message without what made it a note.
    pub(crate) fn remove_note_marks(&self, message: AgentMessage) -> AgentMessage {
        self.reply.remove_note_marks(message)
    }

    /// Looks at all of a message before any of it goes out.
    pub(crate) async fn prepare_outgoing(
        &self,
        item: &Handling,
        ticket: &Ticket,
        written: &WrittenMessage<'_>,
        forwards: ForwardPolicy,
    ) -> PipeResult<OutgoingReply> {
        self.outgoing.prepare_outgoing(item, ticket, written, forwards).await
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

    /// Has it shown on a message how far these parts of it have come.
    pub(crate) async fn schedule_mark(
        &self,
        item: &Handling,
        ticket: &Ticket,
        parts: Vec<String>,
        occasion: MarkOccasion,
    ) -> PipeResult<()> {
        self.timers.schedule_delivery_mark(item, &ticket.id, parts, occasion).await
    }

    /// Tells the thread what of a message the customer does not get.
    pub(crate) async fn post_unsent_parts(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        outgoing: &OutgoingReply,
    ) -> PipeResult<()> {
        self.notes.post_unsent_parts(item, ticket, person, outgoing).await
    }

    /// Remembers that the customer has been answered.
    pub(crate) async fn record_answer(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> PipeResult<()> {
        self.timers.record_answer(item, ticket).await
    }

    /// Whether a message goes back to its writer, because the desk forbids a word in it.
    pub(crate) async fn refuse_forbidden(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        parts: (&WrittenMessage<'_>, &OutgoingReply),
    ) -> PipeResult<bool> {
        self.notes.refuse_forbidden(item, ticket, person, parts).await
    }

    /// Sends what goes out of a message, unless the customer cannot be written to any more. Returns
    /// whether something went out; if not, the thread says why.
    pub(crate) async fn send_within_window(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<bool> {
        if outgoing.ready.is_empty() {
            self.notes.keep_unsent_note(item, ticket, person, (written, &outgoing)).await?;
            return Ok(false);
        }
        if self.refuse_forbidden(item, ticket, person, (written, &outgoing)).await? {
            return Ok(false);
        }
        if self.window.refuse_if_window_closed(item, ticket, person).await? {
            self.notes.keep_as_note(item, ticket, person, written).await?;
            return Ok(false);
        }
        self.send_outgoing(item, ticket, person, (written, outgoing)).await?;
        self.timers.record_answer(item, ticket).await?;
        Ok(true)
    }

    /// Sends what goes out, tells what stays, and says whether anything went out.
    async fn send_outgoing(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<bool> {
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
        self.schedule_mark(item, ticket, ids, occasion).await?;
        Ok(!outgoing.ready.is_empty())
    }
}
