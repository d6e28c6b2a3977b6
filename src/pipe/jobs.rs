//! What the bridge does of its own accord: the card, marks, context, checks, parked items.
//!
//! None of this holds up a conversation: it waits in lanes of its own, and what is only a courtesy
//! is dropped when Slack is busy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::SignedDuration;

use super::thread::{ThreadLoss, ThreadPost};
use super::{Bridge, HandlerResult, Interrupt, PipeResult};
use crate::blip::parse::{Direction, ThreadMessage};
use crate::inbox::{Handled, ItemOutcome, Job};
use crate::model::{ChannelId, Content, Failure, Fault, MessageTs, Thread, Ticket, TicketId};
use crate::slack::{self, SlackBlock, action, card, parse, render};
use crate::store::{DrawnCard, Item, ItemId, Lane, Role};

/// How long a mark that matters is tried. It only confirms what has happened anyway.
const REACTION_RETRY_LIMIT: SignedDuration = SignedDuration::from_mins(10);
/// When a job looks again for a ticket whose card is still on its way.
const CONTEXT_RETRY_PAUSE: Duration = Duration::from_millis(200);

impl Bridge {
    /// Does something that the bridge set itself to do.
    #[expect(clippy::too_many_lines, reason = "a table: each kind of job and who does it")]
    pub(super) async fn run_job(&self, lane: &str, items: &[Item]) -> HandlerResult {
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let job: Job = serde_json::from_slice(&first.body)
            .map_err(|_unreadable| Interrupt::broken("a stored job is unreadable"))?;
        match job {
            Job::Card { ticket } => {
                self.update_card(first, &parse_ticket_id(&ticket)?).await?;
                // Every one of them asked for the newest state, and that is what is shown now.
                return Ok(Handled { items: items.len(), outcome: ItemOutcome::Forgotten });
            }
            Job::Mark { channel, ts, name, droppable, off } => {
                self.set_reaction(first, (&channel, &ts), (&name, off), droppable).await?;
            }
            Job::Context { ticket } => {
                self.post_context(first, lane, &parse_ticket_id(&ticket)?).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Delivery { .. } => return self.check_deliveries(items).await,
            Job::Seen { ticket, address, messages } => {
                self.send_seen_receipts(&parse_ticket_id(&ticket)?, &address, &messages).await?;
            }
            Job::Remind(reminder) => self.post_reminder(first, lane, &reminder).await?,
            Job::Hold(held) => {
                if self.clock.now() < first.received {
                    return Ok(Handled::for_first_item(ItemOutcome::Wait(first.received)));
                }
                self.enqueue_held_reply(held).await?;
            }
            Job::Send(held) => self.send_held_reply(first, &held).await?,
            Job::Window { ticket } => self.check_window(first, &parse_ticket_id(&ticket)?).await?,
            Job::Waits { ticket, since } => {
                self.check_unanswered(&parse_ticket_id(&ticket)?, since).await?;
            }
            Job::Check { ticket } => self.compare_ticket(first, &parse_ticket_id(&ticket)?).await?,
            Job::Handed(handed) => {
                self.post_transfer_notice(first, lane, &handed).await?;
                // Once for each ticket, even if the transfer is handled again.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Move { ticket, root, with_channel } => {
                let lost = if with_channel { ThreadLoss::Channel } else { ThreadLoss::Thread };
                self.replace_lost_thread(first, &parse_ticket_id(&ticket)?, &root, lost).await?;
            }
            Job::Compare { channel } => {
                return self.compare_threads(&channel, items.len()).await;
            }
            Job::CatchUp { ticket } => {
                self.catch_up_thread(first, &parse_ticket_id(&ticket)?).await?;
            }
            Job::Originator { ticket, looks } => {
                self.look_up_originator(&parse_ticket_id(&ticket)?, looks).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::for_first_item(ItemOutcome::Done));
            }
            Job::Met { ticket, originator } => {
                self.record_originator(&parse_ticket_id(&ticket)?, &originator).await?;
            }
            Job::Late(late) => return self.check_late_file(first, lane, &late).await,
            Job::Forget(forgetting) => self.forget_in_slack(first, lane, &forgetting).await?,
            Job::Shared { channel } => self.post_shared_warning(first, lane, &channel).await?,
            Job::Parked { item, by_agent, key, lane: parked, reason } => {
                let said = parked_text_key(by_agent, &key);
                let text = self.texts.text(said, &[("reason", &self.texts.reason_text(&reason))]);
                self.post_parked_item(first, lane, item, &parked, text).await?;
            }
        }
        Ok(Handled::for_first_item(ItemOutcome::Forgotten))
    }

    async fn update_card(&self, item: &Item, id: &TicketId) -> PipeResult<()> {
        let Some(ticket) = self.store.load_ticket(id).await? else { return Ok(()) };
        let Some(thread) = &ticket.thread else { return Ok(()) };
        let shown = self.store.find_link(&thread.channel, &thread.root).await?;
        if shown.is_some_and(|link| link.ticket != *id) {
            // The thread went on as another ticket, and the card shows that one.
            return Ok(());
        }
        let (first_words, around) =
            (self.store.first_words(id).await?, self.find_related_tickets(&ticket).await?);
        let (text, blocks) =
            card::render_card(&ticket, first_words.as_deref(), &around, &self.texts);
        let drawn = Some(describe_card(&ticket, thread, &text, &blocks));
        // Of a try that failed it is not known what the card shows since then.
        if item.attempts == 0 && self.store.drawn_card(id).await? == drawn {
            return Ok(());
        }
        match self.slack.update_message(&thread.channel, &thread.root, &text, &blocks).await {
            Ok(()) => {
                Ok(self.store.keep_drawn_card(id, drawn.filter(|_| !ticket.is_closed())).await?)
            }
            Err(error) if error.is_message_gone() || error.is_channel_lost() => {
                // The next thing said in the thread finds that out too and makes a new card.
                tracing::warn!(ticket.id = %id, %error, "a card could not be updated");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn set_reaction(
        &self,
        item: &Item,
        (channel, ts): (&str, &str),
        (name, off): (&str, bool),
        droppable: bool,
    ) -> PipeResult<()> {
        let (Some(channel), Some(ts)) = (ChannelId::parse(channel), MessageTs::parse(ts)) else {
            return Ok(());
        };
        let marked = self.slack.set_reaction((&channel, &ts), name, !off).await;
        let Err(error) = marked else { return Ok(()) };
        let age = self.clock.now().duration_since(item.received);
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

    /// Posts what was said before the handoff as one message. Failing to learn it is no failure.
    async fn post_context(&self, item: &Item, lane: &str, id: &TicketId) -> PipeResult<()> {
        let take = self.rules.context_messages;
        if self.store.erased_at(id).await?.is_some() {
            return Ok(());
        }
        let Some(ticket) = self.store.load_ticket(id).await? else {
            return Err(Interrupt::Wait(self.clock.now() + CONTEXT_RETRY_PAUSE));
        };
        if take == 0 || ticket.customer.identity.is_empty() || ticket.is_closed() {
            return Ok(());
        }
        let history = self.require_bot(id)?.fetch_history(&ticket.customer.identity, take).await;
        let history = match history {
            Ok(history) => history,
            Err(error) => {
                tracing::warn!(ticket.id = %id, %error, "the thread goes without its context");
                return Ok(());
            }
        };
        let Some(text) = render::render_context(&history_lines(history, &ticket), &self.texts)
        else {
            return Ok(());
        };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        self.wait_for_post_slot(lane, &thread.channel).await?;
        let post = ThreadPost { role: Role::Note, ..ThreadPost::from_line(&text) };
        self.post_to_ticket_from_job(item, "context", &ticket, &post).await
    }

    /// Shows a parked item in its ticket's thread, or in the channel if it has none, with a way out.
    async fn post_parked_item(
        &self,
        item: &Item,
        lane: &str,
        parked: ItemId,
        parked_lane: &str,
        text: String,
    ) -> PipeResult<()> {
        let Some(Lane::Ticket(id)) = Lane::parse(parked_lane) else { return Ok(()) };
        let value = format!("{parked} {id}");
        let offers = [
            (action::RETRY, "button-retry", value.as_str()),
            (action::SKIP, "button-skip", value.as_str()),
        ];
        let blocks = card::build_question(&text, &offers, &self.texts);
        let post = ThreadPost { blocks, ..ThreadPost::from_line(&text) };
        let ticket = self.store.load_ticket(&id).await?;
        let thread = ticket.as_ref().and_then(|ticket| ticket.thread.clone());
        let (Some(ticket), Some(thread)) = (ticket, thread) else {
            return self.post_to_default_channel(item, lane, "parked", post).await;
        };
        self.wait_for_post_slot(lane, &thread.channel).await?;
        self.post_to_ticket_from_job(item, "parked", &ticket, &post).await
    }
}

/// What a card shows, in short. Another release of the compiler may give another hash: then cards
/// are drawn once more.
pub(super) fn describe_card(
    ticket: &Ticket,
    thread: &Thread,
    text: &str,
    blocks: &[SlackBlock],
) -> DrawnCard {
    let mut hasher = DefaultHasher::new();
    (thread.root.as_str(), text, slack::describe_look(blocks)).hash(&mut hasher);
    DrawnCard { revision: ticket.revision, look: hasher.finish().cast_signed() }
}

/// The text that tells of a parked item, by who did it and its key.
fn parked_text_key(by_agent: bool, key: &str) -> &'static str {
    match by_agent {
        true if parse::is_message(key) || Job::is_send(key) => "thread-not-sent",
        true => "thread-parked-move",
        false => "thread-parked",
    }
}

/// Oldest first, and only what was said before the ticket.
fn history_lines(mut history: Vec<ThreadMessage>, ticket: &Ticket) -> Vec<(bool, Content)> {
    history.retain(|message| message.date.is_none_or(|date| date <= ticket.opened));
    // The newest come first; messages of the same instant keep that order, turned around.
    history.reverse();
    history.sort_by_key(|message| message.date);
    let said = |message: ThreadMessage| (message.direction == Direction::Received, message.content);
    history.into_iter().map(said).collect()
}

fn parse_ticket_id(ticket: &str) -> PipeResult<TicketId> {
    TicketId::parse(ticket).ok_or_else(|| Interrupt::broken("a job names no ticket"))
}
