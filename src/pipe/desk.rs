//! What the bridge does of its own accord: the card, marks, context, checks, parked items.
//!
//! None of this holds up a conversation: it waits in lanes of its own, and what is only a courtesy
//! is dropped when Slack is busy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::thread::{Lost, Saying};
use super::{Bridge, Halt, Outcome, Step};
use crate::blip::parse::{Direction, ThreadMessage};
use crate::inbox::{Chore, Ending as Settled, Handled};
use crate::model::{ChannelId, Content, Failure, Fault, MessageTs, Ticket, TicketId};
use crate::slack::{action, card, parse, render};
use crate::store::{Item, ItemId, Lane, Role};

/// How long a mark that matters is tried. It only confirms what has happened anyway.
const MARK_PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// When a chore looks again for a ticket whose card is still on its way.
const SOON: Duration = Duration::from_millis(200);

impl Bridge {
    /// Does something that the bridge set itself to do.
    pub(super) async fn on_chore(&self, lane: &str, items: &[Item]) -> Outcome {
        let Some(first) = items.first() else { return Ok(Handled::one(Settled::Done)) };
        let chore: Chore = serde_json::from_slice(&first.body)
            .map_err(|_unreadable| Halt::broken("a stored chore is unreadable"))?;
        match chore {
            Chore::Card { ticket } => {
                self.show_card(&known(&ticket)?).await?;
                // Every one of them asked for the newest state, and that is what is shown now.
                return Ok(Handled { items: items.len(), ending: Settled::Forgotten });
            }
            Chore::Mark { channel, ts, name, droppable, off } => {
                self.mark(first, (&channel, &ts), (&name, off), droppable).await?;
            }
            Chore::Context { ticket } => {
                self.show_context(first, lane, &known(&ticket)?).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::one(Settled::Done));
            }
            Chore::Delivery { .. } => return self.look_at_deliveries(items).await,
            Chore::Seen { ticket, address, messages } => {
                self.tell_seen(&known(&ticket)?, &address, &messages).await?;
            }
            Chore::Remind(reminder) => self.remind(first, lane, &reminder).await?,
            Chore::Hold(held) => {
                if self.clock.now() < first.received {
                    return Ok(Handled::one(Settled::Wait(first.received)));
                }
                self.end_hold(held).await?;
            }
            Chore::Send(held) => self.send_held(first, &held).await?,
            Chore::Window { ticket } => self.look_at_window(first, &known(&ticket)?).await?,
            Chore::Waits { ticket, since } => {
                self.look_at_answer(&known(&ticket)?, since).await?;
            }
            Chore::Check { ticket } => self.check(first, &known(&ticket)?).await?,
            Chore::Handed(handed) => {
                self.tell_handed(first, lane, &handed).await?;
                // Once for each ticket, even if the transfer is handled again.
                return Ok(Handled::one(Settled::Done));
            }
            Chore::Move { ticket, root, with_channel } => {
                let lost = if with_channel { Lost::Channel } else { Lost::Thread };
                self.leave_thread(first, &known(&ticket)?, &root, lost).await?;
            }
            Chore::Compare { channel } => {
                return self.compare_threads(&channel, items.len()).await;
            }
            Chore::CatchUp { ticket } => self.catch_up_thread(first, &known(&ticket)?).await?,
            Chore::Originator { ticket, looks } => {
                self.look_for_originator(&known(&ticket)?, looks).await?;
                // Once for each ticket, whatever else is heard of it.
                return Ok(Handled::one(Settled::Done));
            }
            Chore::Met { ticket, originator } => {
                self.note_originator(&known(&ticket)?, &originator).await?;
            }
            Chore::Late(late) => return self.look_for_late_file(first, lane, &late).await,
            Chore::Shared { channel } => self.tell_shared(first, lane, &channel).await?,
            Chore::Parked { item, by_agent, key, lane: parked, reason } => {
                let said = parked_line(by_agent, &key);
                let text = self.words.say(said, &[("reason", &self.words.reason(&reason))]);
                self.show_parked(first, lane, item, &parked, text).await?;
            }
        }
        Ok(Handled::one(Settled::Forgotten))
    }

    async fn show_card(&self, id: &TicketId) -> Step<()> {
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(()) };
        let Some(thread) = &ticket.thread else { return Ok(()) };
        let shown = self.store.linked(&thread.channel, &thread.root).await?;
        if shown.is_some_and(|link| link.ticket != *id) {
            // The thread went on as another ticket, and the card shows that one.
            return Ok(());
        }
        let (first_words, around) =
            (self.store.first_words(id).await?, self.around(&ticket).await?);
        let (text, blocks) = card::render(&ticket, first_words.as_deref(), &around, &self.words);
        let mut hasher = DefaultHasher::new();
        (thread.root.as_str(), &text, json!(blocks).to_string()).hash(&mut hasher);
        let look = hasher.finish();
        if self.shown.get(id).is_some_and(|shown| *shown == look) {
            return Ok(());
        }
        self.shown.remove(id);
        match self.slack.update(&thread.channel, &thread.root, &text, &blocks).await {
            Ok(()) => {
                if !ticket.is_closed() {
                    self.shown.insert(id.clone(), look);
                }
                Ok(())
            }
            Err(error) if error.is_message_gone() || error.is_channel_lost() => {
                // The next thing said in the thread finds that out too and makes a new card.
                tracing::warn!(ticket.id = %id, %error, "a card could not be updated");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn mark(
        &self,
        item: &Item,
        (channel, ts): (&str, &str),
        (name, off): (&str, bool),
        droppable: bool,
    ) -> Step<()> {
        let (Some(channel), Some(ts)) = (ChannelId::parse(channel), MessageTs::parse(ts)) else {
            return Ok(());
        };
        let marked = self.slack.react((&channel, &ts), name, !off).await;
        let Err(error) = marked else { return Ok(()) };
        let age = self.clock.now().duration_since(item.received);
        let give_up = droppable || age > MARK_PATIENCE;
        match error.fault() {
            Fault::Refused { .. } => {
                tracing::warn!(slack.channel = %channel, slack.ts = %ts, %error, "no mark");
                Ok(())
            }
            Fault::Busy { .. } | Fault::Down | Fault::Unsure | Fault::Credentials if give_up => {
                Ok(())
            }
            Fault::Busy { .. }
            | Fault::Down
            | Fault::Unsure
            | Fault::Credentials
            | Fault::Broken => Err(error.into()),
        }
    }

    /// Posts what was said before the handoff as one message. Failing to learn it is no failure.
    async fn show_context(&self, item: &Item, lane: &str, id: &TicketId) -> Step<()> {
        let take = self.rules.context_messages;
        if self.store.erased_at(id).await?.is_some() {
            return Ok(());
        }
        let Some(ticket) = self.store.ticket(id).await? else {
            return Err(Halt::Wait(self.clock.now() + SOON));
        };
        if take == 0 || ticket.customer.identity.is_empty() || ticket.is_closed() {
            return Ok(());
        }
        let history = self.bot(id)?.history(&ticket.customer.identity, take).await;
        let history = match history {
            Ok(history) => history,
            Err(error) => {
                tracing::warn!(ticket.id = %id, %error, "the thread goes without its context");
                return Ok(());
            }
        };
        let Some(text) = render::context(&history_lines(history, &ticket), &self.words) else {
            return Ok(());
        };
        let Some(thread) = ticket.thread.clone() else { return Ok(()) };
        self.turn(lane, &thread.channel).await?;
        let saying = Saying { role: Role::Note, ..Saying::line(&text) };
        self.say_beside(item, "context", &ticket, &saying).await
    }

    /// Shows a parked item in its ticket's thread, or in the channel if it has none, with a way out.
    async fn show_parked(
        &self,
        item: &Item,
        lane: &str,
        parked: ItemId,
        parked_lane: &str,
        text: String,
    ) -> Step<()> {
        let Some(Lane::Ticket(id)) = Lane::parse(parked_lane) else { return Ok(()) };
        let value = format!("{parked} {id}");
        let offers = [
            (action::RETRY, "button-retry", value.as_str()),
            (action::SKIP, "button-skip", value.as_str()),
        ];
        let blocks = card::question(&text, &offers, &self.words);
        let saying = Saying { blocks, ..Saying::line(&text) };
        let ticket = self.store.ticket(&id).await?;
        let thread = ticket.as_ref().and_then(|ticket| ticket.thread.clone());
        let (Some(ticket), Some(thread)) = (ticket, thread) else {
            return self.say_at_home(item, lane, "parked", saying).await;
        };
        self.turn(lane, &thread.channel).await?;
        self.say_beside(item, "parked", &ticket, &saying).await
    }
}

/// The text that tells of a parked item, by who did it and its key.
fn parked_line(by_agent: bool, key: &str) -> &'static str {
    match by_agent {
        true if parse::is_message(key) || Chore::is_send(key) => "thread-not-sent",
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

fn known(ticket: &str) -> Step<TicketId> {
    TicketId::parse(ticket).ok_or_else(|| Halt::broken("a chore names no ticket"))
}
