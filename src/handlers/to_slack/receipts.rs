//! What became of a reply, as Blip tells it: a tick, or a line with the reason if it will not arrive.

use std::sync::Arc;
use std::time::Duration;

use crate::handlers::calls::Calls;
use crate::handlers::composed::composer::is_more_than_words;
use crate::handlers::excerpts::{fetch_shown, read_excerpt};
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::to_slack::pushed_receipts::PushedReceipts;
use crate::inbox::{Handling, MarkJob, MarkOccasion, ReadReply, SENT_POST_CALL, ThreadJob};
use crate::locale::Texts;
use crate::model::{Button, ReceiptKind, Ticket, TicketEnding, TicketId, TicketState, move_call};
use crate::slack::rich_text::Mention;
use crate::slack::{ShownMessage, SlackClient, card, render};
use crate::store::{Lane, Link, Role, Source};

pub(crate) struct Receipts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) pushed: Arc<PushedReceipts>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
}

impl Receipts {
    /// Blip tells what became of a reply: a tick, or a line if it will not arrive.
    pub(crate) async fn handle_receipt(
        &self,
        item: &Handling,
        id: &TicketId,
        message: &str,
        (kind, reason): (ReceiptKind, Option<&(i64, String)>),
    ) -> PipeResult<()> {
        // The answer to our call has said that already.
        if kind == ReceiptKind::Accepted {
            return Ok(());
        }
        if self.return_to_slack(item, id).await? {
            return Ok(());
        }
        let mut links = self.calls.links_of(item, id, message).await?;
        // What can be done about a failure depends on whether the ticket ends.
        let replies = Lane::Replies(id.clone());
        // A release before this one posted what was written in a dialog, which may be a farewell, before
        // it closed.
        let may_end = [&[SENT_POST_CALL], &move_call::ENDING[..]].concat();
        let is_behind = links.is_empty()
            || kind == ReceiptKind::Failed
                && self.calls.read(item).await?.has_begun(&replies, &may_end).await?;
        if is_behind {
            if self.follow_reply(item, replies).await? {
                return Ok(());
            }
            // The message was recorded, and what sent it was over, between the two looks.
            links = self.calls.links_of(item, id, message).await?;
            if links.is_empty() && self.follow_line(item, id).await? {
                return Ok(());
            }
        }
        let Some(link) = links.first().filter(|link| link.role.is_sent()) else {
            return Ok(());
        };
        match kind {
            // The mark is set later than most receipts come, and asks for them (`jobs/marks.rs`).
            ReceiptKind::Accepted | ReceiptKind::Received => Ok(()),
            // The mark would say that the customer has all of it.
            ReceiptKind::Consumed if link.role == Role::PartOfReply => Ok(()),
            ReceiptKind::Consumed => {
                let (ticket, channel) = (link.ticket.clone(), link.channel.clone());
                let (ts, message) = (link.ts.clone(), message.to_owned());
                let read = ReadReply { ticket, channel, ts, message };
                let due = self.calls.clock.now() + SHOWN_READ_AFTER;
                Ok(self.calls.enqueue_item(item, MarkJob::show_read(read, due)).await?)
            }
            ReceiptKind::Failed => self.post_undelivered(item, link, message, reason).await,
        }
    }

    /// A receipt that has taken its place behind a reply comes back when its turn has come, behind what
    /// that has to show: so it finds its message, and what it has to tell is told in the lane that tells
    /// things. False if it is there, or has begun to be told here by a release before this one.
    async fn return_to_slack(&self, item: &Handling, id: &TicketId) -> PipeResult<bool> {
        let is_elsewhere = matches!(Lane::parse(&item.lane), Some(Lane::Replies(_)));
        if !is_elsewhere || item.has_begun_calls {
            return Ok(false);
        }
        self.move_to_lane(item, Lane::Ticket(id.clone())).await?;
        Ok(true)
    }

    /// A receipt may overtake the record of its own message, which is made in the ticket's other lane.
    /// It takes its place there, behind what is under way, once. False if nothing is.
    async fn follow_reply(&self, item: &Handling, replies: Lane) -> PipeResult<bool> {
        let store = &self.calls.store;
        let is_busy = store.has_waiting(&replies, Source::Slack, "").await?
            || store.has_waiting(&replies, Source::Internal, "").await?;
        if item.has_changed_lane() || !is_busy {
            return Ok(false);
        }
        self.move_to_lane(item, replies).await?;
        Ok(true)
    }

    /// What shows the message, and is recorded with it, may wait behind its receipt, as what sent it ended
    /// just now. False if nothing of that kind waits.
    async fn follow_line(&self, item: &Handling, id: &TicketId) -> PipeResult<bool> {
        let (lane, lines) = (Lane::Ticket(id.clone()), ThreadJob::SAY_KEY_PREFIX);
        if item.has_changed_lane()
            || !self.calls.store.has_waiting(&lane, Source::Internal, lines).await?
        {
            return Ok(false);
        }
        self.move_to_lane(item, lane).await?;
        Ok(true)
    }

    /// Has a receipt handled anew in a lane, behind what waits there.
    async fn move_to_lane(&self, item: &Handling, lane: Lane) -> PipeResult<()> {
        Ok(self.calls.enqueue_item(item, item.to_lane(lane, self.calls.clock.now())).await?)
    }

    /// A reply will not arrive: its writer is told which one and why, and may try again where that
    /// can help. The mark on it says so as well.
    async fn post_undelivered(
        &self,
        item: &Handling,
        link: &Link,
        message: &str,
        reason: Option<&(i64, String)>,
    ) -> PipeResult<()> {
        let Some(mut ticket) = self.calls.load_ticket(item, &link.ticket).await? else {
            return Ok(());
        };
        let code = reason.map(|(code, _)| *code);
        let why = match reason {
            None if ticket.is_closed() => self.texts.reason_text("ticket_closed"),
            reason => {
                let reason = reason.map(|(code, said)| (*code, said.as_str()));
                self.texts.failure_reason(reason)
            }
        };
        let shown = self.fetch_shown(&ticket, link).await?;
        let mut line = self.describe_undelivered(&ticket, link, shown.as_ref(), &why);
        let is_readable = may_be_read_again(link, shown.as_ref(), message);
        let offers = match resend_refusal_key(&ticket, is_readable, code) {
            None => vec![Button::Resend(message.to_owned())],
            Some(why) => {
                line = format!("{line} {}", self.texts.text(why, &[]));
                let is_late = code == Some(WINDOW_CLOSED) && self.threads.offers_templates(&ticket);
                is_late.then_some(Button::Template).into_iter().collect()
            }
        };
        let mut post = match &link.user {
            Some(user) => ThreadPost::with_mention(&Mention::User(user.clone()), &line),
            None => ThreadPost::from_line(&line),
        };
        let question = card::build_question(&line, &offers, &ticket.id, &self.texts);
        // Without its first block: these words stand above already, with the mention.
        post.blocks.extend(question.into_iter().skip(1));
        self.threads.post_when_due(item, "undelivered", &mut ticket, &post).await?;
        // A reply bears one mark: that it failed takes the place of whatever it bore before.
        let mark = link.to_delivery_mark(vec![message.to_owned()], MarkOccasion::Failed);
        Ok(self
            .calls
            .enqueue_item(item, MarkJob::show_delivery(mark, self.calls.clock.now()))
            .await?)
    }

    /// A message of the thread as Slack shows it, if it does.
    async fn fetch_shown(&self, ticket: &Ticket, link: &Link) -> PipeResult<Option<ShownMessage>> {
        let Some(thread) = &ticket.thread else { return Ok(None) };
        fetch_shown(&self.slack, thread, (&link.channel, &link.ts)).await
    }

    /// Which message did not reach whom, and why.
    fn describe_undelivered(
        &self,
        ticket: &Ticket,
        link: &Link,
        shown: Option<&ShownMessage>,
        why: &str,
    ) -> String {
        let customer = render::customer_display_name(&ticket.customer);
        let args = [("customer", customer.as_str()), ("reason", why)];
        match shown.and_then(|shown| read_excerpt(shown, link.user.as_ref())) {
            Some(words) => {
                let args = [args[0], args[1], ("words", words.as_str())];
                self.texts.text("thread-words-not-delivered", &args)
            }
            None => self.texts.text("thread-not-delivered", &args),
        }
    }
}

/// Whether what went out can be read again from what the thread shows of it. A menu, a place or a
/// template cannot.
fn may_be_read_again(link: &Link, shown: Option<&ShownMessage>, message: &str) -> bool {
    // Releases before this one noted whose words they are of mere words only.
    let Some(user) = &link.user else { return false };
    let ours = shown.filter(|shown| !shown.is_written_by(Some(user)));
    let delivery = ours.and_then(ShownMessage::delivery_id);
    delivery.is_none_or(|delivery| !is_more_than_words(delivery, message))
}

/// How long it takes a customer to answer what they read: an answer says more than a mark.
const SHOWN_READ_AFTER: Duration = Duration::from_secs(10);

/// The code of what came after the 24 hours (`blip.md` §2.6).
const WINDOW_CLOSED: i64 = 131_047;

/// Failures that sending the same once more cannot mend: there is no such recipient, the channel has
/// blocked them or takes no such content, the 24 hours are over, the number has no WhatsApp, the account
/// is locked, the content or its file is refused (`blip.md` §2.6).
const LASTING_FAILURES: [i64; 12] =
    [33, 42, 71, 82, 83, 84, 87, 131_026, 131_031, WINDOW_CLOSED, 131_051, 131_053];

/// Why what did not arrive cannot be sent again, as a text's key.
fn resend_refusal_key(
    ticket: &Ticket,
    is_readable: bool,
    code: Option<i64>,
) -> Option<&'static str> {
    match &ticket.state {
        _ if ticket.id.active_target().is_some() => Some("undelivered-active"),
        TicketState::Closed { ending: TicketEnding::Transferred, .. } => {
            Some("undelivered-went-on")
        }
        TicketState::Closed { .. } => Some("undelivered-closed"),
        TicketState::Unclaimed | TicketState::Claimed { .. }
            if code.is_some_and(|code| LASTING_FAILURES.contains(&code)) =>
        {
            Some("undelivered-lasting")
        }
        TicketState::Unclaimed | TicketState::Claimed { .. } if !is_readable => {
            Some("undelivered-offer")
        }
        TicketState::Unclaimed | TicketState::Claimed { .. } => None,
    }
}
