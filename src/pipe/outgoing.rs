//! What of an agent's message goes to the customer, and what stays.
//!
//! Both are decided before anything happens: a message of which nothing goes out claims no ticket
//! and answers nobody. What stays is told in the thread, so nothing is lost in silence.

use super::agent_files::UnsentReason;
use super::moves::Person;
use super::slack_to_blip::WrittenMessage;
use super::thread::{ThreadPost, ticket_lane};
use super::{Bridge, PipeResult};
use crate::blip::text::{self, StyleMarks};
use crate::inbox::Job;
use crate::locale::Texts;
use crate::model::{AgentMessage, Attachment, KeptPart, Ticket, marks};
use crate::slack::{action, card};
use crate::store::{Item, Role};

/// Whether messages that were forwarded go out with the message that they hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForwardPolicy {
    /// They stay, because nobody has said that they are meant for the customer.
    Stay,
    /// They go, because somebody has.
    Go,
}

/// One of the several messages that a message of an agent becomes at Blip.
pub(super) enum ReplyPart {
    Words(String),
    File(Attachment),
}

/// A part on its way.
pub(super) enum ReadyReplyPart {
    Words(String),
    /// A file, and where the customer gets it.
    File(Attachment, String),
}

/// What becomes of a message.
#[derive(Default)]
pub(super) struct OutgoingReply {
    /// What goes to the customer, each part with the name that makes its id.
    pub(crate) ready: Vec<(String, ReadyReplyPart)>,
    /// The files that cannot go, and why.
    pub(crate) refused: Vec<(Attachment, UnsentReason)>,
    /// What else stays.
    pub(crate) kept: Vec<KeptPart>,
}

impl OutgoingReply {
    /// Whether the customer gets all of it.
    fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.kept.is_empty()
    }
}

impl Bridge {
    /// The parts in which a message goes out, each with the name that makes its id, and what of it
    /// stays. Whatever a message may have in it is decided about here.
    pub(super) async fn split_message(
        &self,
        ticket: &Ticket,
        message: &AgentMessage,
        forwards: ForwardPolicy,
    ) -> PipeResult<(Vec<(String, ReplyPart)>, Vec<KeptPart>)> {
        let mut parts = Vec::new();
        let mut stay = Vec::new();
        let mut messages = vec![(String::new(), message)];
        while let Some((prefix, AgentMessage { text, files, kept })) = messages.pop() {
            let domain = ticket.customer.domain.as_str();
            let words = text::write_plain_text(
                text,
                &self.look_up_names(text).await?,
                &StyleMarks::for_domain(domain),
            );
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
    pub(super) async fn prepare_outgoing(
        &self,
        item: &Item,
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

    /// Sends what goes out, tells what stays, and says whether anything went out.
    pub(super) async fn send_outgoing(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, OutgoingReply),
    ) -> PipeResult<bool> {
        let role = if outgoing.is_whole() { Role::Reply } else { Role::PartOfReply };
        for (name, part) in &outgoing.ready {
            let id = written.blip_message_id(name);
            self.send_part(item, ticket, person, (name, &id, part)).await?;
            self.schedule_delivery_check(&ticket.id, &id).await?;
            let link = written.to_link(ticket, person, role, Some(id));
            self.store.link_message(link, ticket.opened).await?;
        }
        self.post_unsent_parts(item, ticket, person, &outgoing).await?;
        if !outgoing.ready.is_empty() {
            let mark = if outgoing.is_whole() { marks::ACCEPTED_MARK } else { marks::PARTIAL_MARK };
            let now = self.clock.now();
            self.enqueue_item(Job::add_reaction(written.channel, written.ts, mark, true, now))
                .await?;
        }
        Ok(!outgoing.ready.is_empty())
    }

    async fn send_part(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        (name, id, part): (&str, &str, &ReadyReplyPart),
    ) -> PipeResult<()> {
        let step = format!("send:{name}");
        match part {
            ReadyReplyPart::Words(words) => {
                let send = self.require_bot(&ticket.id)?.send_text(id, &ticket.address, words);
                self.send_to_blip(item, ticket, (&step, id), send).await
            }
            ReadyReplyPart::File(file, uri) => {
                self.send_file(item, ticket, person, (&step, id), (file, uri)).await
            }
        }
    }

    /// A message of which nothing goes out stays a note. Its writer is told, and asked about what
    /// was forwarded.
    pub(super) async fn keep_unsent_note(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, &OutgoingReply),
    ) -> PipeResult<()> {
        self.keep_as_note(ticket, person, written).await?;
        self.post_unsent_parts(item, ticket, person, outgoing).await?;
        let is_sendable = outgoing.kept.iter().any(|part| match part {
            KeptPart::Forwarded(message) => message.may_go_out(),
            KeptPart::Image | KeptPart::Unreadable { .. } => false,
        });
        if is_sendable {
            self.ask_about_forwarded(ticket, person, written).await;
        }
        Ok(())
    }

    async fn ask_about_forwarded(
        &self,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) {
        let value = format!("{} {}", written.ts, ticket.id);
        let send = if ticket.holder().is_some() {
            (action::SEND, "button-send", value.as_str())
        } else {
            (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", value.as_str())
        };
        let offers = [send, (action::KEEP, "button-keep-note", &value)];
        let text = person.texts.text("ask-forwarded", &[]);
        let blocks = card::build_question(&text, &offers, &person.texts);
        self.tell_person(ticket, person, &text, &blocks).await;
    }

    /// Tells the thread what of a message the customer does not get: a word to its writer alone
    /// may never be seen.
    pub(super) async fn post_unsent_parts(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        outgoing: &OutgoingReply,
    ) -> PipeResult<()> {
        for (file, reason) in &outgoing.refused {
            self.post_file_not_sent(item, ticket, file, reason).await?;
        }
        if outgoing.kept.is_empty() {
            return Ok(());
        }
        tracing::warn!(ticket.id = %ticket.id, parts = ?part_log_names(&outgoing.kept),
            "a part of a reply is not sent");
        let parts: Vec<String> =
            outgoing.kept.iter().map(|part| part_name(part, &self.texts)).collect();
        let args = [("agent", person.profile.name.as_str()), ("parts", &parts.join(", "))];
        let line = self.texts.text("thread-part-not-sent", &args);
        if let Some(thread) = ticket.thread.clone() {
            self.wait_for_post_slot(&ticket_lane(ticket), &thread.channel).await?;
            self.post_to_ticket(item, "unsent:parts", ticket, &ThreadPost::from_line(&line))
                .await?;
        }
        Ok(())
    }
}

/// What people call a part that stays.
fn part_name(part: &KeptPart, texts: &Texts) -> String {
    match part {
        KeptPart::Forwarded(_) => texts.text("part-forwarded", &[]),
        KeptPart::Image => texts.text("part-image", &[]),
        KeptPart::Unreadable { kind } => texts.text("part-unreadable", &[("kind", kind)]),
    }
}

/// What the log calls the parts that stay.
fn part_log_names(parts: &[KeptPart]) -> Vec<&str> {
    let name = |part| match part {
        &KeptPart::Forwarded(_) => "forwarded",
        KeptPart::Image => "image",
        KeptPart::Unreadable { kind } => kind,
    };
    parts.iter().map(name).collect()
}
