//! What is not for the customer: it stays in the thread, and nothing stays in silence.

use std::sync::Arc;

use crate::handlers::answer::Answer;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::outgoing::agent_files::UnsentReason;
use crate::handlers::outgoing::word_guard::WordGuard;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::outgoing::{OutgoingReply, ReadyReplyPart};
use crate::handlers::people::{People, Person};
use crate::handlers::thread_lines::ThreadLines;
use crate::inbox::{Handling, MarkJob, ThreadLine, UnsentPart};
use crate::model::reply::NoteReason;
use crate::model::{Agent, Attachment, Button, KeptPart, MessageTs, Ticket, marks};
use crate::slack::{AgentStatus, card};
use crate::store::Role;

/// Keeps messages as notes, and tells what of a message does not go out.
pub(crate) struct Notes {
    pub(crate) calls: Arc<Calls>,
    pub(crate) people: Arc<People>,
    pub(crate) lines: Arc<ThreadLines>,
    pub(crate) guard: Arc<WordGuard>,
}

impl Notes {
    pub(crate) async fn handle_note(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
        why: NoteReason,
    ) -> PipeResult<()> {
        self.keep_as_note(item, ticket, person, written).await?;
        if let Some(told) = note_answer(why, person) {
            self.people
                .tell_person(item, ticket, person, &person.texts.text(told.text_key(), &[]), &[])
                .await;
        }
        Ok(())
    }

    /// Whether a message stays a note because nothing of it may go out, or because of a word that the desk
    /// forbids; its writer is told. To be asked before a claim: what does not go out claims nothing.
    pub(crate) async fn keep_if_unsendable(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        parts: (&WrittenMessage<'_>, &OutgoingReply),
    ) -> PipeResult<bool> {
        let (_, outgoing) = parts;
        if outgoing.ready.is_empty() {
            self.keep_unsent_note(item, ticket, person, parts).await?;
            return Ok(true);
        }
        self.keep_if_forbidden(item, ticket, person, parts).await
    }

    async fn keep_if_forbidden(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, &OutgoingReply),
    ) -> PipeResult<bool> {
        let words = outgoing.ready.iter().filter_map(|(_, part)| match part {
            ReadyReplyPart::Words(words) => Some(words.as_str()),
            ReadyReplyPart::File(..) => None,
        });
        if !self.guard.refuse_forbidden(item, ticket, person, words).await? {
            return Ok(false);
        }
        self.keep_as_note(item, ticket, person, written).await?;
        Ok(true)
    }

    /// Leaves a message a note, and marks it as one.
    pub(crate) async fn keep_as_note(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        self.keep_with_mark(item, ticket, person, (written, marks::NOTE_MARK)).await
    }

    /// Leaves a reply that came too late in Slack. It was meant for the customer, so its mark is not
    /// that of a note: it did not arrive.
    pub(crate) async fn keep_late_reply(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) -> PipeResult<()> {
        self.keep_with_mark(item, ticket, person, (written, marks::FAILED_MARK)).await
    }

    async fn keep_with_mark(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        (written, mark): (&WrittenMessage<'_>, &str),
    ) -> PipeResult<()> {
        let link = written.to_link(ticket, person, Role::Note, None);
        self.calls.link_message(item, link, ticket.opened).await?;
        let now = self.calls.clock.now();
        let place = (written.channel, written.ts);
        let job = MarkJob::add_reaction(&ticket.id, place, mark, false, now);
        Ok(self.calls.enqueue_item(item, job).await?)
    }

    /// A message of which nothing goes out stays a note. Its writer is told, and asked about what
    /// was forwarded.
    pub(crate) async fn keep_unsent_note(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        (written, outgoing): (&WrittenMessage<'_>, &OutgoingReply),
    ) -> PipeResult<()> {
        self.keep_as_note(item, ticket, person, written).await?;
        self.post_unsent_parts(item, ticket, person, outgoing).await?;
        let is_sendable = outgoing.kept.iter().any(|part| match part {
            KeptPart::Forwarded(message) => message.may_go_out(),
            KeptPart::Image | KeptPart::Unreadable { .. } => false,
        });
        if is_sendable {
            self.ask_about_forwarded(item, ticket, person, written).await;
        }
        Ok(())
    }

    /// Asks what is to become of a note, as its ticket is not held by who wants it sent: it has
    /// this holder, or none.
    pub(crate) async fn ask_about_note(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        ts: &MessageTs,
        holder: Option<&Agent>,
    ) {
        let ts = || ts.clone();
        let (text, answers) = match holder {
            Some(holder) => (
                person.texts.text("ask-not-holder", &[("agent", &holder.name)]),
                vec![Button::Send(ts()), Button::TakeOverAndSend(ts()), Button::Keep(ts())],
            ),
            None => (
                person.texts.text("ask-unclaimed", &[]),
                vec![Button::TakeOverAndSend(ts()), Button::Keep(ts())],
            ),
        };
        let blocks = card::build_question(&text, &answers, &ticket.id, &person.texts);
        self.people.tell_person(item, ticket, person, &text, &blocks).await;
    }

    async fn ask_about_forwarded(
        &self,
        item: &Handling,
        ticket: &Ticket,
        person: &Person,
        written: &WrittenMessage<'_>,
    ) {
        let ts = || written.ts.clone();
        // Blip takes words only for a ticket that was assigned (`blip.md` §0), so where nobody
        // holds it the button has to claim it as well.
        let send = if ticket.holder().is_some() {
            Button::Send(ts())
        } else {
            Button::TakeOverAndSend(ts())
        };
        let answers = [send, Button::Keep(ts())];
        let text = person.texts.text("ask-forwarded", &[]);
        let blocks = card::build_question(&text, &answers, &ticket.id, &person.texts);
        self.people.tell_person(item, ticket, person, &text, &blocks).await;
    }

    /// Tells the thread what of a message the customer does not get: a word to its writer alone
    /// may never be seen.
    pub(crate) async fn post_unsent_parts(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        person: &Person,
        outgoing: &OutgoingReply,
    ) -> PipeResult<()> {
        for (file, reason) in &outgoing.refused {
            self.post_file_not_sent(item, ticket, file, *reason).await?;
        }
        if outgoing.kept.is_empty() {
            return Ok(());
        }
        tracing::warn!(parts = ?part_log_names(&outgoing.kept),
            "a part of a reply is not sent");
        let (by, parts) = (person.profile.name.clone(), &outgoing.kept);
        let parts = parts.iter().map(UnsentPart::from).collect();
        self.lines.say_line(item, ticket, ThreadLine::Unsent { by, parts }).await
    }

    /// Tells the thread that a file does not reach the customer, once and for everybody to see.
    pub(crate) async fn post_file_not_sent(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        file: &Attachment,
        reason: UnsentReason,
    ) -> PipeResult<()> {
        let reason = reason.code();
        tracing::warn!(slack.file = file.id, reason, "a file is not sent");
        let (name, reason) = (file.name.clone(), reason.to_owned());
        let line = ThreadLine::UnsentFile { file: file.id.clone(), name, reason };
        self.lines.say_line(item, ticket, line).await
    }
}

/// What the log calls the parts that stay.
pub(crate) fn part_log_names(parts: &[KeptPart]) -> Vec<&str> {
    let name = |part| match part {
        &KeptPart::Forwarded(_) => "forwarded",
        KeptPart::Image => "image",
        KeptPart::Unreadable { kind } => kind,
    };
    parts.iter().map(name).collect()
}

/// The text that tells somebody why their message is a note; none if they meant it as one.
pub(crate) fn note_answer(why: NoteReason, person: &Person) -> Option<Answer> {
    match why {
        NoteReason::Prefix | NoteReason::Colleague => None,
        NoteReason::Outsider if person.status == AgentStatus::NoGroup => Some(Answer::KeptNoGroup),
        NoteReason::Outsider => Some(Answer::KeptNoAgent),
        NoteReason::Closed => Some(Answer::KeptClosed),
        NoteReason::Active => Some(Answer::KeptActive),
    }
}
