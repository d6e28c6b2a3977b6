//! The bridge's own reactions on messages: ✉️, 📬, 🔒 and their like.
//!
//! A reply bears one mark of its delivery. It is set some seconds after the reply, with the newest
//! news, so that it costs one call in most cases. Later only a failure takes its place, or that the
//! customer has read it without a word, as long as there is room for that: Slack lets reactions be
//! taken off less than half as often as put on (`slack.md` §C.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;

use crate::handlers::calls::Calls;
use crate::handlers::heard_receipts::find_heard_receipts;
use crate::handlers::interrupt::{HandlerResult, PipeResult};
use crate::inbox::{
    DeliveryMark, Handled, Handling, ItemOutcome, MarkJob, MarkOccasion, ReadReply,
};
use crate::model::{ChannelId, Failure, Fault, MessageTs, marks};
use crate::slack::{SlackClient, find};

/// How long a mark that matters is tried. It only confirms what has happened anyway.
pub(crate) const REACTION_RETRY_LIMIT: SignedDuration = SignedDuration::from_mins(10);

/// How often marks are replaced to show that a reply was read: half of the 20 a minute that Slack
/// allows, as failures need the others.
const READ_MARK_INTERVAL: SignedDuration = SignedDuration::from_secs(6);
/// How far ahead of that pace they may be.
const READ_MARK_BURST: SignedDuration = SignedDuration::from_secs(24);

/// The marks of which a reply bears one.
const DELIVERY_MARKS: [&str; 5] = [
    marks::ACCEPTED_MARK,
    marks::PARTIAL_MARK,
    marks::RECEIVED_MARK,
    marks::READ_MARK,
    marks::FAILED_MARK,
];

/// Puts marks on messages and takes them off.
pub(crate) struct Marks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    /// When the next mark may be replaced because a reply was read, in milliseconds since 1970.
    pub(crate) next_read_mark: AtomicI64,
}

impl Marks {
    pub(crate) async fn set_reaction(
        &self,
        item: &Handling,
        (channel, ts): (&ChannelId, &MessageTs),
        (name, off): (&str, bool),
        droppable: bool,
    ) -> PipeResult<()> {
        let marked = self.slack.set_reaction((channel, ts), name, !off).await;
        let Err(error) = marked else { return Ok(()) };
        let age = self.calls.clock.now().duration_since(item.received);
        // Reactions are scarce (Tier 3 and 2, `slack.md` C.1): while Slack is busy they give way to
        // what people said.
        let give_up = droppable || age > REACTION_RETRY_LIMIT;
        match error.to_fault() {
            Fault::Refused { .. } => {
                tracing::warn!(slack.channel = %channel, slack.ts = %ts, %error, "no mark");
                Ok(())
            }
            Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown | Fault::Credentials
                if give_up =>
            {
                Ok(())
            }
            Fault::Busy { .. }
            | Fault::Down
            | Fault::OutcomeUnknown
            | Fault::Credentials
            | Fault::Broken => Err(error.into()),
        }
    }

    /// Shows how far a reply has come.
    pub(crate) async fn show_delivery(
        &self,
        item: &Handling,
        mark: &DeliveryMark,
    ) -> PipeResult<()> {
        let place = (&mark.channel, &mark.ts);
        let name = match mark.occasion {
            MarkOccasion::Failed => marks::FAILED_MARK,
            MarkOccasion::Read => marks::READ_MARK,
            MarkOccasion::Sent | MarkOccasion::Resent => self.find_newest_mark(mark).await?,
        };
        if mark.occasion == MarkOccasion::Sent {
            // A courtesy, but that it failed is none.
            let droppable = name != marks::FAILED_MARK;
            return self.set_reaction(item, place, (name, false), droppable).await;
        }
        let borne = match find::fetch_reactions(&self.slack, place.0, place.1).await {
            Ok(Some(message)) => DELIVERY_MARKS
                .into_iter()
                .filter(|mark| message.reactions(mark).next().is_some())
                .collect(),
            Ok(None) => return Ok(()),
            Err(error) => match error.to_fault() {
                Fault::Refused { .. } => Vec::new(),
                _ if mark.occasion == MarkOccasion::Read => return Ok(()),
                _ => return Err(error.into()),
            },
        };
        let old: Vec<&str> = borne.iter().copied().filter(|borne| *borne != name).collect();
        match mark.occasion {
            MarkOccasion::Read => {
                let is_news =
                    |mark: &&str| [marks::FAILED_MARK, marks::PARTIAL_MARK].contains(mark);
                if borne.contains(&name) || old.iter().any(is_news) {
                    return Ok(());
                }
                self.replace_with_read_mark(item, place, &old).await
            }
            MarkOccasion::Sent | MarkOccasion::Resent | MarkOccasion::Failed => {
                if !borne.contains(&name) {
                    self.set_reaction(item, place, (name, false), false).await?;
                }
                for old in old {
                    self.set_reaction(item, place, (old, true), false).await?;
                }
                Ok(())
            }
        }
    }

    /// The old mark goes first: where Slack does not let it go, it stays and the new one is left out.
    async fn replace_with_read_mark(
        &self,
        item: &Handling,
        place: (&ChannelId, &MessageTs),
        old: &[&str],
    ) -> PipeResult<()> {
        for old in old {
            if self.slack.set_reaction(place, old, false).await.is_err() {
                return Ok(());
            }
        }
        self.set_reaction(item, place, (marks::READ_MARK, false), false).await
    }

    /// What is known of a reply by now: the least of what is known of its parts.
    async fn find_newest_mark(&self, mark: &DeliveryMark) -> PipeResult<&'static str> {
        let (mut is_received, mut is_read) = (true, true);
        for message in &mark.messages {
            let heard = find_heard_receipts(&*self.calls.store, &mark.ticket, message).await?;
            if heard.has_failed {
                return Ok(marks::FAILED_MARK);
            }
            is_received &= heard.is_received;
            is_read &= heard.is_read;
        }
        Ok(match (mark.is_whole, is_received, is_read) {
            // Any other mark would say that the customer has all of it.
            (false, ..) => marks::PARTIAL_MARK,
            (true, _, true) => marks::READ_MARK,
            (true, true, false) => marks::RECEIVED_MARK,
            (true, false, false) => marks::ACCEPTED_MARK,
        })
    }

    /// Shows that replies of a ticket were read: on the last of them, unless the customer has
    /// answered, which says more.
    pub(crate) async fn show_read(&self, items: &[Handling]) -> HandlerResult {
        let now = self.calls.clock.now();
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        if now < first.received {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(first.received)));
        }
        let done = Handled { items: items.len(), outcome: ItemOutcome::Forgotten };
        let read = items.iter().filter_map(|item| match serde_json::from_slice(&item.body) {
            Ok(MarkJob::Read(read)) => Some(read),
            Ok(_) | Err(_) => None,
        });
        let Some(ReadReply { ticket, channel, ts, message }) =
            read.max_by(|one, other| one.ts.cmp(&other.ts))
        else {
            return Ok(done);
        };
        let Some(known) = self.calls.load_ticket(first, &ticket).await? else { return Ok(done) };
        // A customer who has answered has read, and everybody sees the answer: the mark would cost a call
        // to Slack for nothing.
        if known.is_closed() || known.unanswered.is_some() || !self.take_read_mark_slot() {
            return Ok(done);
        }
        let (messages, occasion) = (vec![message], MarkOccasion::Read);
        let mark = DeliveryMark { ticket, channel, ts, messages, is_whole: true, occasion };
        self.calls.enqueue_item(first, MarkJob::show_delivery(mark, now)).await?;
        Ok(done)
    }

    /// Whether there is room for replacing one more mark.
    fn take_read_mark_slot(&self) -> bool {
        let now = self.calls.clock.now().as_millisecond();
        let (interval, burst) = (READ_MARK_INTERVAL.as_millis(), READ_MARK_BURST.as_millis());
        let (Ok(interval), Ok(burst)) = (i64::try_from(interval), i64::try_from(burst)) else {
            return false;
        };
        let taken =
            self.next_read_mark.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                // A clock that was set back must not keep marks away for long.
                let next = next.clamp(now, now.saturating_add(burst).saturating_add(interval));
                (next.saturating_sub(now) <= burst).then(|| next.saturating_add(interval))
            });
        taken.is_ok()
    }
}
