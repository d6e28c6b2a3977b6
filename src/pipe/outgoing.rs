//! What of an agent's message goes to the customer, and what stays.
//!
//! Both are decided before anything happens: a message of which nothing goes out claims no ticket
//! and answers nobody. What stays is told in the thread, so nothing is lost in silence.

use super::agent_files::Reason;
use super::moves::Person;
use super::slack_to_blip::Written;
use super::thread::{Saying, lane_of};
use super::{Bridge, Step};
use crate::blip::text::{self, Marks};
use crate::inbox::Chore;
use crate::locale::Words;
use crate::model::{AgentMessage, Attachment, KeptPart, Ticket, marks};
use crate::slack::{action, card};
use crate::store::{Item, Role};

/// Whether messages that were forwarded go out with the message that they hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwards {
    /// They stay, because nobody has said that they are meant for the customer.
    Stay,
    /// They go, because somebody has.
    Go,
}

/// One of the several messages that a message of an agent becomes at Blip.
pub(super) enum Part {
    Words(String),
    File(Attachment),
}

/// A part on its way.
pub(super) enum ReadyPart {
    Words(String),
    /// A file, and where the customer gets it.
    File(Attachment, String),
}

/// What becomes of a message.
#[derive(Default)]
pub(super) struct Outgoing {
    /// What goes to the customer, each part with the name that makes its id.
    pub ready: Vec<(String, ReadyPart)>,
    /// The files that cannot go, and why.
    pub refused: Vec<(Attachment, Reason)>,
    /// What else stays.
    pub kept: Vec<KeptPart>,
}

impl Outgoing {
    /// Whether the customer gets all of it.
    fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.kept.is_empty()
    }
}

impl Bridge {
    /// The parts in which a message goes out, each with the name that makes its id, and what of it
    /// stays. Whatever a message may have in it is decided about here.
    pub(super) async fn parts(
        &self,
        ticket: &Ticket,
        message: &AgentMessage,
        forwards: Forwards,
    ) -> Step<(Vec<(String, Part)>, Vec<KeptPart>)> {
        let mut parts = Vec::new();
        let mut stay = Vec::new();
        let mut messages = vec![(String::new(), message)];
        while let Some((prefix, AgentMessage { text, files, kept })) = messages.pop() {
            let domain = ticket.customer.domain.as_str();
            let words = text::write(text, &self.names(text).await?, &Marks::for_domain(domain));
            let words = if text.is_blank() { Vec::new() } else { text::parts(&words, domain) };
            for (number, part) in words.into_iter().enumerate() {
                parts.push((format!("{prefix}{number}"), Part::Words(part)));
            }
            for file in files {
                parts.push((format!("{prefix}{}", file.id), Part::File(file.clone())));
            }
            let mut forwarded = Vec::new();
            for (number, part) in kept.iter().enumerate() {
                match (part, forwards) {
                    (KeptPart::Forwarded(message), Forwards::Go) => {
                        forwarded.push((format!("{prefix}f{number}:"), message.as_ref()));
                    }
                    (KeptPart::Forwarded(_), Forwards::Stay)
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
    pub(super) async fn outgoing(
        &self,
        item: &Item,
        ticket: &Ticket,
        written: &Written<'_>,
        forwards: Forwards,
    ) -> Step<Outgoing> {
        let (parts, kept) = self.parts(ticket, written.message, forwards).await?;
        let mut outgoing = Outgoing { kept, ..Outgoing::default() };
        for (name, part) in parts {
            match part {
                Part::Words(words) => outgoing.ready.push((name, ReadyPart::Words(words))),
                Part::File(file) => match self.prepare_file(item, &name, &file).await? {
                    Ok((file, uri)) => outgoing.ready.push((name, ReadyPart::File(file, uri))),
                    Err(refused) => outgoing.refused.push(refused),
                },
            }
        }
        Ok(outgoing)
    }

    /// Sends what goes out, tells what stays, and says whether anything went out.
    pub(super) async fn send(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&Written<'_>, Outgoing),
    ) -> Step<bool> {
        let role = if outgoing.is_whole() { Role::Reply } else { Role::PartOfReply };
        for (name, part) in &outgoing.ready {
            let id = written.message_id(name);
            self.send_part(item, ticket, person, (name, &id, part)).await?;
            self.watch_delivery(&ticket.id, &id).await?;
            let link = written.link(ticket, person, role, Some(id));
            self.store.link(link, ticket.opened).await?;
        }
        self.tell_unsent(item, ticket, person, &outgoing).await?;
        if !outgoing.ready.is_empty() {
            let mark = if outgoing.is_whole() { marks::ACCEPTED } else { marks::NOT_WHOLE };
            let now = self.clock.now();
            self.set_out(Chore::mark(written.channel, written.ts, mark, true, now)).await?;
        }
        Ok(!outgoing.ready.is_empty())
    }

    async fn send_part(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        (name, id, part): (&str, &str, &ReadyPart),
    ) -> Step<()> {
        let step = format!("send:{name}");
        match part {
            ReadyPart::Words(words) => {
                let send = self.bot(&ticket.id)?.send_text(id, &ticket.address, words);
                self.deliver(item, ticket, (&step, id), send).await
            }
            ReadyPart::File(file, uri) => {
                self.send_file(item, ticket, person, (&step, id), (file, uri)).await
            }
        }
    }

    /// A message of which nothing goes out stays a note. Its writer is told, and asked about what
    /// was forwarded.
    pub(super) async fn keep_unsent(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&Written<'_>, &Outgoing),
    ) -> Step<()> {
        self.keep(ticket, person, written).await?;
        self.tell_unsent(item, ticket, person, outgoing).await?;
        let is_sendable = outgoing.kept.iter().any(|part| match part {
            KeptPart::Forwarded(message) => message.may_go_out(),
            KeptPart::Image | KeptPart::Unreadable { .. } => false,
        });
        if is_sendable {
            self.ask_about_forwarded(ticket, person, written).await;
        }
        Ok(())
    }

    async fn ask_about_forwarded(&self, ticket: &Ticket, person: &Person, written: &Written<'_>) {
        let value = format!("{} {}", written.ts, ticket.id);
        let send = if ticket.holder().is_some() {
            (action::SEND, "button-send", value.as_str())
        } else {
            (action::TAKE_OVER_AND_SEND, "button-take-over-and-send", value.as_str())
        };
        let offers = [send, (action::KEEP, "button-keep-note", &value)];
        let text = person.words.say("ask-forwarded", &[]);
        let blocks = card::question(&text, &offers, &person.words);
        self.tell(ticket, person, &text, &blocks).await;
    }

    /// Tells the thread what of a message the customer does not get: a word to its writer alone
    /// may never be seen.
    pub(super) async fn tell_unsent(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        person: &Person,
        outgoing: &Outgoing,
    ) -> Step<()> {
        for (file, reason) in &outgoing.refused {
            self.say_unsent(item, ticket, file, reason).await?;
        }
        if outgoing.kept.is_empty() {
            return Ok(());
        }
        tracing::warn!(ticket.id = %ticket.id, parts = ?names_of(&outgoing.kept),
            "a part of a reply is not sent");
        let parts: Vec<String> =
            outgoing.kept.iter().map(|part| part_name(part, &self.words)).collect();
        let args = [("agent", person.profile.name.as_str()), ("parts", &parts.join(", "))];
        let line = self.words.say("thread-part-not-sent", &args);
        if let Some(thread) = ticket.thread.clone() {
            self.turn(&lane_of(ticket), &thread.channel).await?;
            self.say(item, "unsent:parts", ticket, &Saying::line(&line)).await?;
        }
        Ok(())
    }
}

/// What people call a part that stays.
fn part_name(part: &KeptPart, words: &Words) -> String {
    match part {
        KeptPart::Forwarded(_) => words.say("part-forwarded", &[]),
        KeptPart::Image => words.say("part-image", &[]),
        KeptPart::Unreadable { kind } => words.say("part-unreadable", &[("kind", kind)]),
    }
}

/// What the log calls the parts that stay.
fn names_of(parts: &[KeptPart]) -> Vec<&str> {
    let name = |part| match part {
        &KeptPart::Forwarded(_) => "forwarded",
        KeptPart::Image => "image",
        KeptPart::Unreadable { kind } => kind,
    };
    parts.iter().map(name).collect()
}
