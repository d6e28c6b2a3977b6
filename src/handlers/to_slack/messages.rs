//! What customers say: one post for each message, or for several that had to wait.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::handlers::calls::Calls;
use crate::handlers::events::read_blip_event;
use crate::handlers::interrupt::{HandlerResult, PipeResult};
use crate::handlers::timers::Timers;
use crate::handlers::to_slack::pieces::{CustomerMessage, Pieces};
use crate::handlers::to_slack::quotes::Quotes;
use crate::handlers::to_slack::tickets::Tickets;
use crate::inbox::{Handled, Handling, ItemOutcome, ReceiptJob};
use crate::model::{BlipEvent, Content, Ticket, TicketId};
use crate::slack::render;
use crate::store::ItemId;

/// How long a customer's message must have waited, for our pace or because Slack asked to wait, before it goes out together with those that came
/// after it. Without pressure there is one post per message.
pub(crate) const MERGE_AFTER: SignedDuration = SignedDuration::from_millis(1500);

/// Most messages in one post: a lease holds hardly more.
pub(crate) const MAX_MERGED_MESSAGES: usize = 60;

/// Shows customers' messages in their order.
pub(crate) struct CustomerMessages {
    pub(crate) calls: Arc<Calls>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) quotes: Arc<Quotes>,
    pub(crate) pieces: Arc<Pieces>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) tells_seen: bool,
}

impl CustomerMessages {
    /// Shows what a customer said; several messages at once if they have been waiting.
    pub(crate) async fn handle_customer_messages(
        &self,
        items: &[Handling],
        id: &TicketId,
        address: &str,
    ) -> HandlerResult {
        let mut said =
            take_mergeable_messages(items.iter().map_while(|item| read_customer_message(item, id)));
        let Some(first) = said.first().map(|said| said.item) else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let mut ticket = self.tickets.ensure_ticket(first, id, address).await?;
        // What was begun before takes the slots that it still needs.
        if !first.has_begun_calls {
            self.pieces.threads.wait_for_slot(first, &ticket).await?;
        }
        let count = self.decide_batch_size(&said).await?;
        said.truncate(count);
        for said in &mut said {
            self.quotes.quote_earlier(&ticket, said.item, &mut said.content).await?;
        }
        let said = said.as_slice();
        self.pieces.post_gap_notice(&mut ticket, said).await?;
        self.pieces.post_customer_messages(&mut ticket, said).await?;
        self.timers.record_customer_message(&mut ticket, said.last().map(|said| said.item)).await?;
        self.timers.schedule_absence_check(first, &ticket).await?;
        let contents = said.iter().map(|said| &said.content);
        self.tickets.ratings.note_answers(first, &mut ticket, contents).await?;
        self.enqueue_seen_receipts(first, &ticket, said).await?;
        Ok(Handled { items: count.max(1), outcome: ItemOutcome::Done })
    }

    /// Decides how many of the waiting messages go into one post, once for good: after a crash
    /// the same messages must be looked for, whatever waits behind the first by then.
    async fn decide_batch_size(&self, said: &[CustomerMessage<'_>]) -> PipeResult<usize> {
        const BATCH_DECISION: &str = "together";
        let Some(first) = said.first().map(|said| said.item) else { return Ok(0) };
        let ids = || said.iter().map(|said| said.item.id);
        let age = self.calls.clock.now().duration_since(first.received);
        let as_decided = |decided: Option<&str>| {
            let decided = decided.map(serde_json::from_str).and_then(Result::ok);
            let decided: Vec<ItemId> = decided.unwrap_or_default();
            ids().zip(decided).take_while(|(id, decided)| id == decided).count().max(1)
        };
        let steps = self.calls.read_earlier_steps(first).await?;
        if steps.has(BATCH_DECISION) {
            return Ok(as_decided(steps.result_of(BATCH_DECISION)));
        }
        // One that was begun has been posted alone, or is about to be: those behind it must not
        // join it.
        if said.len() < 2 || age < MERGE_AFTER || !steps.is_empty() {
            return Ok(1);
        }
        let ids: Vec<ItemId> = ids().take(self.count_for_one_post(said)).collect();
        first.remember(BATCH_DECISION, &ids)?;
        Ok(ids.len())
    }

    /// How many of these messages one post has room for.
    fn count_for_one_post(&self, said: &[CustomerMessage<'_>]) -> usize {
        let mut room = render::POST_CHARS;
        let fits = |said: &&CustomerMessage<'_>| {
            let words = render::render_content(&said.content, &self.pieces.texts);
            let chars = words.map_or(0, |words| words.chars().count() + 1);
            let rest = room.checked_sub(chars);
            room = rest.unwrap_or_default();
            rest.is_some()
        };
        said.iter().take(MAX_MERGED_MESSAGES).take_while(fits).count().max(1)
    }

    /// Has Blip told that agents were shown these messages.
    async fn enqueue_seen_receipts(
        &self,
        first: &Handling,
        ticket: &Ticket,
        said: &[CustomerMessage<'_>],
    ) -> PipeResult<()> {
        if !self.tells_seen {
            return Ok(());
        }
        let messages = said.iter().filter_map(|said| said.delivered_id.clone()).collect();
        if let Some(job) = ReceiptJob::mark_seen(ticket, messages, self.calls.clock.now()) {
            self.calls.enqueue_item(first, job).await?;
        }
        Ok(())
    }
}

/// The first messages that may be shown as one post: words only, or one message with files.
fn take_mergeable_messages<'a>(
    said: impl Iterator<Item = CustomerMessage<'a>>,
) -> Vec<CustomerMessage<'a>> {
    let mut group = Vec::new();
    for said in said {
        let has_files = has_files(&said.content);
        // A file is a post of its own in Slack (`files.completeUploadExternal`), and the mark of a
        // gap stands before the message that it is about.
        if (has_files || said.is_after_gap) && !group.is_empty() {
            break;
        }
        group.push(said);
        if has_files {
            break;
        }
    }
    group
}

/// Whether a post of these words alone would leave something out.
fn has_files(content: &Content) -> bool {
    match content {
        Content::Media(_) => true,
        Content::Several(parts) => parts.iter().any(has_files),
        Content::Reply { answer, .. } => has_files(answer),
        Content::Text(_)
        | Content::Place { .. }
        | Content::Link { .. }
        | Content::Choice { .. }
        | Content::Reaction { .. }
        | Content::Card { .. }
        | Content::Earlier(_)
        | Content::Sensitive
        | Content::Notice(_)
        | Content::Unreadable { .. }
        | Content::Unknown { .. } => false,
    }
}

/// What is to be shown because of an event; nothing if it is no message of a customer's.
fn read_customer_message<'a>(item: &'a Handling, ticket: &TicketId) -> Option<CustomerMessage<'a>> {
    match read_blip_event(item, ticket.bot()) {
        BlipEvent::Message { id, delivered_id, content, is_after_gap, .. } => {
            Some(CustomerMessage {
                item,
                id: id.clone(),
                delivered_id: delivered_id.clone(),
                // The post may quote what the customer answers to, which becomes a part of it.
                content: content.clone(),
                is_after_gap: *is_after_gap,
            })
        }
        BlipEvent::Ticket(_)
        | BlipEvent::Receipt { .. }
        | BlipEvent::StandbyEnd { .. }
        | BlipEvent::Quiet
        | BlipEvent::Unknown { .. } => None,
    }
}
