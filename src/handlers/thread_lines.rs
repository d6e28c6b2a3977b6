//! What the thread is told of what was done towards Blip: who claimed a ticket, what Blip refused, what
//! went out from elsewhere.
//!
//! Invariant: a lane towards Blip posts nothing. What it has to say is a job in the ticket's lane towards
//! Slack, written in one transaction with what it tells of (`docs/lanes.md`, each lane calls its own
//! platform).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::{Calls, derive_delivery_id};
use crate::handlers::interrupt::PipeResult;
use crate::handlers::moves::close_question::build_close_question;
use crate::handlers::posts::{PostOrigin, ThreadPost};
use crate::handlers::thread::Threads;
use crate::handlers::timers::Timers;
use crate::inbox::{
    Handling, LineToSay, MarkOccasion, RefusedWish, SentWords, ThreadJob, ThreadLine, UnsentPart,
};
use crate::locale::Texts;
use crate::model::{Button, SlackUserId, Ticket};
use crate::slack::card;
use crate::slack::rich_text::Mention;
use crate::store::Role;

/// Tells threads what was done.
pub(crate) struct ThreadLines {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) texts: Texts,
}

impl ThreadLines {
    /// Has a ticket's thread told something, if it has one. It is written with what the event leads to.
    pub(crate) async fn say_line(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        line: ThreadLine,
    ) -> PipeResult<()> {
        let (step, may_be_said) = (line.step(), item.may_have_unrecorded_calls);
        let said = LineToSay {
            ticket: ticket.id.clone(),
            delivery: derive_delivery_id(item, &step),
            // What is in doubt is the event: its job may be lost with what was known of it.
            in_doubt_since: may_be_said.then(|| item.received.as_millisecond()),
            line,
        };
        // A release before this one posted it here, and stopped before it knew the outcome.
        if self.calls.read_earlier_steps(item).await?.has(&step) {
            return Box::pin(self.post_line(item, ticket, &said)).await;
        }
        if ticket.thread.is_none() {
            return Ok(());
        }
        Ok(self.calls.enqueue_item(item, ThreadJob::say_line(said, self.calls.clock.now())).await?)
    }

    /// Posts a line that waited for its place among what goes to Slack.
    pub(crate) async fn post_said_line(&self, item: &Handling, said: &LineToSay) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, &said.ticket).await? else {
            return Ok(());
        };
        self.post_line(item, &mut ticket, said).await
    }

    /// Posts a line, and has done what follows from it.
    async fn post_line(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        said: &LineToSay,
    ) -> PipeResult<()> {
        let post = self.build_post(ticket, &said.line);
        let in_doubt_since = said.in_doubt_since.map(read_time);
        let origin = Some(PostOrigin { delivery: said.delivery.clone(), in_doubt_since });
        let post = ThreadPost { origin, ..post };
        self.threads.post_when_due(item, &said.line.step(), ticket, &post).await?;
        if let ThreadLine::Sent(sent) = &said.line {
            let (parts, occasion) = (sent.blip_ids.clone(), MarkOccasion::Sent);
            self.timers.schedule_delivery_mark(item, &ticket.id, parts, occasion).await?;
            if sent.template.is_some() {
                self.threads.withdraw_template_offers(ticket).await;
            }
        }
        Ok(())
    }

    fn build_post(&self, ticket: &Ticket, line: &ThreadLine) -> ThreadPost {
        let texts = &self.texts;
        match line {
            ThreadLine::Claimed { holder, is_given } => {
                let key = if *is_given { "thread-assigned" } else { "thread-claimed" };
                mention(texts, key, &[], &[("agent", holder)])
            }
            ThreadLine::TakenOver { holder, previous } => {
                let mentions = [("agent", holder), ("previous", previous)];
                mention(texts, "thread-taken-over", &[], &mentions)
            }
            ThreadLine::Closed { holder, by, at } => {
                let time = texts.format_time(read_time(*at));
                let args = [("agent", by.as_str()), ("time", time.as_str())];
                to_holder(Some(holder), &texts.text("thread-closed-agent", &args))
            }
            ThreadLine::Transferred { by, to, is_known, holder } => {
                let key =
                    if *is_known { "thread-transferred-by" } else { "thread-transferred-unknown" };
                let line = texts.text(key, &[("agent", by.as_str()), ("to", to.as_str())]);
                to_holder(holder.as_ref(), &line)
            }
            ThreadLine::TakenBack { holder, waited } => {
                let time = texts.format_duration(SignedDuration::from_millis(*waited));
                let (key, args) = ("thread-taken-back", [("time", time.as_str())]);
                mention(texts, key, &args, &[("agent", holder)])
            }
            ThreadLine::Refused { by, wish, code, words } => {
                let why = (code.as_str(), words.as_deref());
                ThreadPost::from_line(&word_refusal(texts, *wish, by, why))
            }
            ThreadLine::CloseQuestion(question) => build_close_question(ticket, question, texts),
            ThreadLine::TooLate { by } => self.build_late_post(ticket, by),
            ThreadLine::Unsent { by, parts } => {
                let parts: Vec<String> = parts.iter().map(|part| name_part(texts, part)).collect();
                let args = [("agent", by.as_str()), ("parts", &parts.join(", "))];
                ThreadPost::from_line(&texts.text("thread-part-not-sent", &args))
            }
            ThreadLine::UnsentFile { name, reason, .. } => {
                let args = [("name", name.as_str()), ("reason", &texts.reason_text(reason))];
                ThreadPost::from_line(&texts.text("file-not-sent", &args))
            }
            ThreadLine::Away => ThreadPost::from_line(&texts.text("thread-away", &[])),
            ThreadLine::Sent(sent) => build_sent_post(texts, sent),
            ThreadLine::Moved(line) => {
                ThreadPost::from_line(&texts.text(line.text_key(), &[("agent", line.by())]))
            }
        }
    }

    /// That the customer cannot be written to any more, with what still reaches them.
    fn build_late_post(&self, ticket: &Ticket, by: &str) -> ThreadPost {
        let line = self.texts.text("thread-window-closed", &[("agent", by)]);
        let mut post = ThreadPost::from_line(&line);
        if self.threads.offers_templates(ticket) {
            post.blocks = card::build_question(&line, &[Button::Template], &ticket.id, &self.texts);
        }
        post
    }
}

/// That Blip did not take what somebody wanted, and why.
pub(crate) fn word_refusal(
    texts: &Texts,
    wish: RefusedWish,
    by: &str,
    (code, words): (&str, Option<&str>),
) -> String {
    let reason = match words {
        Some(words) => texts.describe_failure(code, words),
        None => texts.reason_text(code),
    };
    texts.text(wish.text_key(), &[("agent", by), ("reason", &reason)])
}

/// What went out from elsewhere than the thread, below who sent it.
fn build_sent_post(texts: &Texts, sent: &SentWords) -> ThreadPost {
    let title = match &sent.template {
        Some(name) => {
            let args = [("agent", sent.by.as_str()), ("name", name.as_str())];
            texts.text("thread-template-sent", &args)
        }
        None => texts.text("thread-sent", &[("agent", &sent.by)]),
    };
    ThreadPost {
        role: Role::Reply,
        blip_ids: sent.blip_ids.clone(),
        user: sent.user.clone(),
        ..ThreadPost::from_line(&format!("{title}\n{}", sent.text))
    }
}

/// What people call a part that stays.
fn name_part(texts: &Texts, part: &UnsentPart) -> String {
    match part {
        UnsentPart::Forwarded => texts.text("part-forwarded", &[]),
        UnsentPart::Image => texts.text("part-image", &[]),
        UnsentPart::Unreadable(kind) => texts.text("part-unreadable", &[("kind", kind)]),
    }
}

/// A line in which people are mentioned.
fn mention(
    texts: &Texts,
    key: &str,
    args: &[(&str, &str)],
    people: &[(&str, &SlackUserId)],
) -> ThreadPost {
    let mentions: Vec<(&str, Mention)> =
        people.iter().map(|(name, user)| (*name, Mention::User((*user).clone()))).collect();
    let mentions: Vec<(&str, &Mention)> =
        mentions.iter().map(|(name, mention)| (*name, mention)).collect();
    ThreadPost::from_text(texts, key, args, &mentions)
}

/// A line that begins with a mention of who holds the ticket, if they are to hear of it.
fn to_holder(holder: Option<&SlackUserId>, line: &str) -> ThreadPost {
    match holder {
        Some(holder) => ThreadPost::with_mention(&Mention::User(holder.clone()), line),
        None => ThreadPost::from_line(line),
    }
}

/// A time that a job keeps.
fn read_time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
