//! Receipts: what Blip tells of a reply, and what it is told of a customer's message.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{Ticket, TicketId};
use crate::store::{Lane, NewItem};

/// Word of what became of messages, asked of Blip or given to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum ReceiptJob {
    /// Ask Blip what became of a reply.
    Delivery {
        ticket: TicketId,
        /// The reply's id at Blip.
        message: String,
        /// How often it was asked before.
        looks: usize,
        /// Whether it is a template, which another bot has sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_router: bool,
    },
    /// Tell Blip that agents were shown what a customer said.
    Seen {
        ticket: TicketId,
        /// The node that the messages came from.
        address: String,
        /// Their ids as they were delivered.
        messages: Vec<String>,
    },
}

impl JobGroup for ReceiptJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            // It is asked for all of a bot at once.
            Self::Delivery { .. } => None,
            Self::Seen { ticket, .. } => Some(ticket.clone()),
        }
    }
}

impl ReceiptJob {
    /// Blip is to be asked what became of a reply: for all replies of a bot at once, so they wait in
    /// one lane.
    pub(crate) fn check_delivery(
        ticket: &TicketId,
        (message, by_router): (&str, bool),
        looks: usize,
        due: Timestamp,
    ) -> NewItem {
        let asked = if by_router { ":router" } else { "" };
        // A lane for each round, as each has a pause of its own, and one for templates, which
        // another bot is asked about.
        let lane = Lane::for_later(&format!("delivery:{}:{looks}{asked}", ticket.bot()));
        let key = format!("delivery:{message}:{looks}");
        let (ticket, message) = (ticket.clone(), message.to_owned());
        Self::Delivery { ticket, message, looks, by_router }.to_new_item(lane, key, due)
    }

    /// Blip is to be told that agents were shown these messages, if there are any.
    pub(crate) fn mark_seen(
        ticket: &Ticket,
        messages: Vec<String>,
        now: Timestamp,
    ) -> Option<NewItem> {
        let id = &ticket.id;
        let key = format!("seen:{id}:{}", messages.first()?);
        let job = Self::Seen { ticket: id.clone(), address: ticket.address.clone(), messages };
        Some(job.to_new_item(Lane::Own(format!("seen:{id}")), key, now))
    }
}
