//! Catching up with Blip: what happened there while nobody told us.
//!
//! Ends of tickets are acted on at once. What customers wrote is put into the inbox as the event
//! that it would have come as, under the same key, so that what did come is not taken twice.

use crate::inbox::Handling;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::blip;
use crate::blip::parse::MissedMessage;
use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::to_slack::tickets::Tickets;
use crate::handlers::transit::longest_transit;
use crate::model::ids::stored_id;
use crate::model::{Failure, Fault, Ticket, TicketId};
use crate::store::{Accepted, Lane, NewItem, Source};

/// How often a comparison is tried while the ticket's events wait behind it; the next sweep does
/// it again.
pub(crate) const MAX_COMPARE_ATTEMPTS: u32 = 2;

/// Compares tickets with Blip's.
pub(crate) struct TicketChecks {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) tickets: Arc<Tickets>,
}

impl TicketChecks {
    /// Compares a ticket with what Blip says of it.
    pub(crate) async fn compare_ticket(&self, item: &Handling, id: &TicketId) -> PipeResult<()> {
        let Some(ticket) = self.calls.load_ticket(item, id).await? else { return Ok(()) };
        if ticket.is_closed() {
            return Ok(());
        }
        // Nobody to compare with; to wait here would keep from people that their words wait.
        let Some(bot) = self.bots.get(id.bot()) else { return Ok(()) };
        let snapshot = match bot.tickets.fetch_ticket(&ticket.id).await {
            Ok(snapshot) => snapshot,
            Err(error) => return retry_or_skip(item, error),
        };
        let shown: HashSet<String> =
            self.calls.read(item).await?.blip_ids_of(&ticket.id).await?.into_iter().collect();
        let is_known = |message: &MissedMessage| {
            message.date < ticket.opened || shown.contains(&stored_id(&message.id))
        };
        let missed = match bot.fetch_missed_messages(&ticket.id, &ticket.address, is_known).await {
            Ok(missed) => missed,
            Err(error) => return retry_or_skip(item, error),
        };
        let last = match &snapshot {
            // What came after the end belongs to another ticket, or to the bot.
            Some(snapshot) if snapshot.parse_ending().is_some() => {
                snapshot.ended.unwrap_or(ticket.opened)
            }
            // What is younger may be on its way to us still, and would be marked as missed.
            _ => self.calls.clock.now() - longest_transit(&self.calls),
        };
        self.enqueue_missed_messages(&ticket, (&shown, last), missed).await?;
        if let Some(snapshot) = snapshot {
            return self.tickets.apply_snapshot(item, ticket, &snapshot).await;
        }
        tracing::warn!("blip does not know an open ticket of ours");
        Ok(())
    }

    /// Puts a customer's messages into the inbox that never came; the first one is marked.
    async fn enqueue_missed_messages(
        &self,
        ticket: &Ticket,
        (shown, last): (&HashSet<String>, Timestamp),
        missed: Vec<MissedMessage>,
    ) -> PipeResult<()> {
        let now = self.calls.clock.now();
        let in_time = |at: Timestamp| ticket.opened < at && at <= last;
        let mut count = 0;
        for message in missed.iter().filter(|message| in_time(message.date)) {
            if shown.contains(&stored_id(&message.id)) {
                continue;
            }
            let body =
                // One mark tells of the gap; one on each message would say the same a hundred
                // times.
                if count == 0 { message.to_marked_body() } else { message.routed.raw.clone() };
            let (lane, key) = (Lane::Ticket(ticket.id.clone()), message.routed.key.clone());
            let item = NewItem { source: Source::Blip, lane, key, body, received: now, due: now };
            count += usize::from(self.calls.store.accept(item).await? == Accepted::New);
        }
        if count > 0 {
            tracing::warn!(count, "messages had not come and were fetched");
        }
        Ok(())
    }
}

/// What failed for now is tried again soon, but not for long: events wait behind it.
pub(crate) fn retry_or_skip(item: &Handling, error: blip::Error) -> PipeResult<()> {
    match error.to_fault() {
        // What was begun is brought to its end: nobody else knows how far it is.
        _ if item.has_begun_calls => Err(error.into()),
        Fault::Down | Fault::OutcomeUnknown if item.attempts < MAX_COMPARE_ATTEMPTS => {
            Err(error.into())
        }
        Fault::Down
        | Fault::OutcomeUnknown
        | Fault::Busy { .. }
        | Fault::Credentials
        | Fault::Refused { .. } => {
            tracing::warn!(item.id, %error, "a ticket could not be compared; later again");
            Ok(())
        }
        Fault::Broken => Err(error.into()),
    }
}
