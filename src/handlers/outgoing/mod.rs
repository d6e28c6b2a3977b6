//! What of an agent's message goes to the customer, and how it gets there.
//!
//! What goes and what stays is decided before anything happens: a message of which nothing goes out
//! claims no ticket and answers nobody.

pub(crate) mod agent_files;
pub(crate) mod word_guard;
pub(crate) mod written;

use std::future::Future;
use std::sync::Arc;

use crate::blip;
use crate::blip::OutgoingDocument;
use crate::blip::envelope::{MediaLink, build_media_link};
use crate::blip::text::StyleMarks;
use crate::blip::{limits, template, text};
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::calls::MAX_CLOCK_SKEW;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::outgoing::agent_files::{AgentFiles, UnsentReason, mime_type_of};
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::people::{People, Person};
use crate::inbox::{CheckJob, Handling};
use crate::model::{
    AgentMessage, Attachment, Failure, Fault, FilledTemplate, KeptPart, RichText, Ticket,
};

/// Whether messages that were forwarded go out with the message that they hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardPolicy {
    /// They stay, because nobody has said that they are meant for the customer.
    Stay,
    /// They go, because somebody has.
    Go,
}

/// One of the several messages that a message of an agent becomes at Blip.
pub(crate) enum ReplyPart {
    Words(String),
    File(Attachment),
}

/// A part on its way.
pub(crate) enum ReadyReplyPart {
    Words(String),
    /// A file, and where the customer gets it.
    File(Attachment, String),
}

/// What becomes of a message.
#[derive(Default)]
pub(crate) struct OutgoingReply {
    /// What goes to the customer, each part with the name that makes its id.
    pub(crate) ready: Vec<(String, ReadyReplyPart)>,
    /// The files that cannot go, and why.
    pub(crate) refused: Vec<(Attachment, UnsentReason)>,
    /// What else stays in Slack: forwarded messages, pictures, and what we cannot read.
    pub(crate) kept: Vec<KeptPart>,
}

impl OutgoingReply {
    /// Whether the customer gets all of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.kept.is_empty()
    }
}

/// What went wrong with a call that costs money: it is not made again without knowing, and a key that
/// only templates need holds up nothing else of the ticket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaidCallError {
    #[error(transparent)]
    Send(blip::Error),
    /// The look for its effect.
    #[error(transparent)]
    Look(blip::Error),
}

impl Failure for PaidCallError {
    fn to_fault(&self) -> Fault {
        let refused = |code: &str| Fault::Refused { code: code.to_owned() };
        match self {
            Self::Send(error) | Self::Look(error) if error.to_fault() == Fault::Credentials => {
                refused("router_key_refused")
            }
            Self::Look(error) if error.is_lookup_impossible() => refused("paid_unknown"),
            Self::Send(error) | Self::Look(error) => error.to_fault(),
        }
    }
}

/// Sends to Blip what is for customers, each part once.
pub(crate) struct Outgoing {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) files: Arc<AgentFiles>,
    pub(crate) people: Arc<People>,
}

impl Outgoing {
    /// The parts in which a message goes out, each with the name that makes its id, and what of it
    /// stays. Whatever a message may have in it is decided about here.
    pub(crate) async fn split_message(
        &self,
        ticket: &Ticket,
        message: &AgentMessage,
        forwards: ForwardPolicy,
    ) -> PipeResult<(Vec<(String, ReplyPart)>, Vec<KeptPart>)> {
        let mut parts = Vec::new();
        let mut stay = Vec::new();
        // A stack and no recursion: messages are forwarded within forwarded ones, as deep as people
        // like.
        let mut messages = vec![(String::new(), message)];
        while let Some((prefix, AgentMessage { text, files, kept })) = messages.pop() {
            let domain = ticket.customer.domain.as_str();
            let words = self.write_text(ticket, text).await?;
            let words =
                if text.is_blank() { Vec::new() } else { text::split_for_channel(&words, domain) };
            for (number, part) in words.into_iter().enumerate() {
                parts.push((format!("{prefix}{number}"), ReplyPart::Words(part)));
            }
            for file in files {
                parts.push((format!("{prefix}{}", file.id), ReplyPart::File(file.clone())));
            }
            let mut forwarded = Vec::new();
            for (number, part) in kept.iter().enumerate() {
                match (part, forwards) {
                    (KeptPart::Forwarded(message), ForwardPolicy::Go) => {
                        forwarded.push((format!("{prefix}f{number}:"), message.as_ref()));
                    }
                    (KeptPart::Forwarded(_), ForwardPolicy::Stay)
                    | (KeptPart::Image | KeptPart::Unreadable { .. }, _) => {
                        stay.push(part.clone());
                    }
                }
            }
            messages.extend(forwarded.into_iter().rev());
        }
        Ok((parts, stay))
    }

    /// Looks at all of a message before any of it goes out.
    pub(crate) async fn prepare_outgoing(
        &self,
        item: &Handling,
        ticket: &Ticket,
        written: &WrittenMessage<'_>,
        forwards: ForwardPolicy,
    ) -> PipeResult<OutgoingReply> {
        let (parts, kept) = self.split_message(ticket, written.message, forwards).await?;
        let mut outgoing = OutgoingReply { kept, ..OutgoingReply::default() };
        for (name, part) in parts {
            match part {
                ReplyPart::Words(words) => {
                    outgoing.ready.push((name, ReadyReplyPart::Words(words)));
                }
                ReplyPart::File(file) => match self.prepare_file(item, &name, &file).await? {
                    Ok((file, uri)) => outgoing.ready.push((name, ReadyReplyPart::File(file, uri))),
                    Err(refused) => outgoing.refused.push(refused),
                },
            }
        }
        Ok(outgoing)
    }

    /// Looks at a file before it goes out, unless it has gone out already as the part with this
    /// name; says where the customer gets it, or why it does not go.
    pub(crate) async fn prepare_file(
        &self,
        item: &Handling,
        name: &str,
        file: &Attachment,
    ) -> PipeResult<Result<(Attachment, String), (Attachment, UnsentReason)>> {
        let step = format!("send:{name}");
        let steps = self.calls.read_earlier_steps(item).await?;
        // It may be gone from Slack by now, and the customer has its address already.
        if steps.result_of(&step).is_some() {
            return Ok(Ok((file.clone(), String::new())));
        }
        Ok(self.files.check_file(item, file).await?.map_err(|reason| (file.clone(), reason)))
    }

    /// Sends words of one part to the customer.
    pub(crate) async fn send_words(
        &self,
        item: &Handling,
        ticket: &Ticket,
        (step, id): (&str, &str),
        words: &str,
    ) -> PipeResult<()> {
        let send = self.bots.require_bot(&ticket.id)?.send_text(id, &ticket.address, words);
        self.send_to_blip(item, ticket, (step, id), send).await
    }

    /// Sends what is more than words to the customer.
    pub(crate) async fn send_document(
        &self,
        item: &Handling,
        ticket: &Ticket,
        (step, id): (&str, &str),
        document: &OutgoingDocument,
    ) -> PipeResult<()> {
        let bot = self.bots.require_bot(&ticket.id)?;
        let send = bot.send_document(id, &ticket.address, document);
        self.send_to_blip(item, ticket, (step, id), send).await
    }

    /// Sends a template to the customer's own address, with the key of the bot that has the channel
    /// (`blip.md`, additions §1.2): WhatsApp takes it at any time, and an answer goes to where the
    /// customer is, which is the ticket. False if nobody can send it.
    ///
    /// It is paid for, so an earlier try of which nobody can tell the outcome is not made again: the
    /// item is parked then, for people to decide.
    pub(crate) async fn send_template(
        &self,
        item: &Handling,
        ticket: &Ticket,
        (step, id): (&str, &str),
        filled: &FilledTemplate,
    ) -> PipeResult<bool> {
        let router = self.bots.router(ticket.id.bot());
        let Some((router, to)) = router.zip(ticket.customer.whatsapp_identity()) else {
            return Ok(false);
        };
        let look = async {
            let found = router.has_sent(to, id).await.map_err(PaidCallError::Look)?;
            Ok(found.then_some(()))
        };
        let document = template::to_lime_document(filled);
        let send =
            async { router.send_document(id, to, &document).await.map_err(PaidCallError::Send) };
        self.calls.call_once(item, step, None, look, send).await?;
        Ok(true)
    }

    /// The words of an agent as the customer's channel shows them.
    pub(crate) async fn write_text(&self, ticket: &Ticket, words: &RichText) -> PipeResult<String> {
        let names = self.people.look_up_names(words).await?;
        let style = StyleMarks::for_domain(&ticket.customer.domain);
        Ok(text::write_plain_text(words, &names, &style))
    }

    pub(crate) async fn send_part(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        (name, id, part): (&str, &str, &ReadyReplyPart),
    ) -> PipeResult<()> {
        let step = format!("send:{name}");
        match part {
            ReadyReplyPart::Words(words) => self.send_words(item, ticket, (&step, id), words).await,
            ReadyReplyPart::File(file, uri) => {
                self.send_file(item, ticket, person, (&step, id), (file, uri)).await
            }
        }
    }

    /// Sends a file that was looked at to the customer.
    pub(crate) async fn send_file(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        call: (&str, &str),
        (file, uri): (&Attachment, &str),
    ) -> PipeResult<()> {
        let mime = mime_type_of(file);
        self.warn_of_file_size(item, ticket, person, file, mime).await;
        let link = MediaLink { uri, mime, title: &file.name, size: file.size };
        let content = build_media_link(&link);
        self.send_document(item, ticket, call, &content).await
    }

    /// Sends one message once. A refusal may mean that the ticket has ended, so that is checked.
    ///
    /// To a ticket that has ended while the message waited nothing is sent any more: Blip takes words
    /// for it, and nobody reads them.
    pub(crate) async fn send_to_blip(
        &self,
        item: &Handling,
        ticket: &Ticket,
        (step, id): (&str, &str),
        send: impl Future<Output = Result<(), blip::Error>> + Send,
    ) -> PipeResult<()> {
        let bot = self.bots.require_bot(&ticket.id)?;
        // Blip's list of a ticket's messages is read newest first; nothing of ours can be older
        // than the event, but for what our clocks differ.
        let since = item.received - MAX_CLOCK_SKEW;
        let look = async { Ok(bot.has_message(&ticket.id, id, since).await?.then_some(())) };
        // Not refused before `call_once`: an earlier try may have gone out while the ticket was
        // open, and that is looked up first.
        let is_over = ticket.is_closed();
        let send = async {
            if is_over {
                return Err(blip::Error::ticket_closed("send message"));
            }
            send.await
        };
        match self.calls.call_once(item, step, None, look, send).await {
            // A ticket can close under us at any time (`blip.md` §3.3), and the refusal may be the
            // first that we hear of it.
            Err(CallError::Call(error)) if error.code().is_some() => {
                self.calls
                    .enqueue_item(item, CheckJob::check_ticket(&ticket.id, self.calls.clock.now()))
                    .await?;
                Err(CallError::Call(error).into())
            }
            result => Ok(result?),
        }
    }

    /// The channel may refuse what is too large for it; it says so later, if at all.
    async fn warn_of_file_size(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        file: &Attachment,
        mime: &str,
    ) {
        let limit = limits::max_file_size(&ticket.customer.domain, mime);
        if let (Some(size), Some(limit)) = (file.size, limit)
            && size > limit
        {
            let (size, limit) = (person.texts.format_size(size), person.texts.format_size(limit));
            let args = [("name", file.name.as_str()), ("size", &size), ("limit", &limit)];
            let text = person.texts.text("file-large-for-channel", &args);
            self.people.tell_person(item, ticket, person, &text, &[]).await;
        }
    }
}
