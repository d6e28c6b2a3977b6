//! What happens at Blip, shown in Slack: a ticket arrives, a customer writes, a ticket ends.

pub(crate) mod customers;
pub(crate) mod file_posts;
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod new_tickets;
pub(crate) mod pieces;
pub(crate) mod pushed_receipts;
pub(crate) mod quotes;
pub(crate) mod ratings;
pub(crate) mod receipts;
pub(crate) mod standby_ends;
pub(crate) mod tickets;
pub(crate) mod transfers;

use std::sync::Arc;

use crate::handlers::events::read_blip_event;
use crate::handlers::interrupt::HandlerResult;
use crate::handlers::to_slack::messages::CustomerMessages;
use crate::handlers::to_slack::receipts::Receipts;
use crate::handlers::to_slack::standby_ends::StandbyEnds;
use crate::handlers::to_slack::tickets::Tickets;
use crate::inbox::{Handled, Handling, ItemOutcome};
use crate::model::BlipEvent;
use crate::store::Lane;

pub(crate) struct ToSlack {
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) messages: Arc<CustomerMessages>,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) standby_ends: StandbyEnds,
}

impl ToSlack {
    /// Handles what Blip sent.
    pub(crate) async fn handle_blip_items(&self, items: &[Handling]) -> HandlerResult {
        let Some(first) = items.first() else {
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        let Some(id) = Lane::ticket_of(&first.lane) else {
            // Well-formed, but of no ticket: stored and counted, and nobody waits for it.
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        };
        match read_blip_event(first, id.bot()) {
            BlipEvent::Ticket(snapshot) => {
                self.tickets.handle_ticket_event(first, snapshot).await?;
            }
            // The lane knows the ticket, but not how Blip writes its id.
            BlipEvent::Message { ticket, address, .. } => {
                return self.messages.handle_customer_messages(items, ticket, address).await;
            }
            BlipEvent::Receipt { id: message, kind, reason, is_requested, .. } => {
                // Receipts that we asked for are in the inbox like those that came
                // (`jobs/deliveries.rs`), but prove nothing of whether Blip tells by itself.
                if !is_requested {
                    self.receipts.pushed.note_pushed_receipt(&id);
                }
                self.receipts.handle_receipt(first, &id, message, (*kind, reason.as_ref())).await?;
            }
            BlipEvent::StandbyEnd { ticket } => {
                self.standby_ends.handle_standby_end(first, ticket).await?;
            }
            BlipEvent::Quiet | BlipEvent::Unknown { .. } => {}
        }
        Ok(Handled::for_first_item(ItemOutcome::Done))
    }
}
