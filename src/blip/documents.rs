//! What Blip writes and takes as JSON and others only pass on: each a type of its own, so that nobody
//! outside looks into it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope;
use super::parse::{self, RoutedEnvelope, ThreadMessage};
use crate::model::{BotName, TicketId, TicketSnapshot};

/// A ticket as Blip writes it; empty if there is one that cannot be found.
///
/// It is stored as Blip writes it, as the result of a recorded call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TicketDocument(Value);

impl TicketDocument {
    pub(super) fn new(ticket: Value) -> Self {
        Self(ticket)
    }
    pub(crate) fn to_snapshot(&self, bot: &BotName) -> Option<TicketSnapshot> {
        parse::parse_snapshot(bot, &self.0)
    }

    /// The events that it would have come as, had Blip announced it.
    pub(crate) fn to_events(&self, bot: &BotName) -> Vec<RoutedEnvelope> {
        // Made the same event as Blip's own announcement, so that whichever comes second is a
        // repeat.
        let message = envelope::build_ticket_message(&self.0);
        message.map(|message| to_events(bot, &message)).unwrap_or_default()
    }
}

/// What became of a message of ours, as Blip would tell it.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptDocument(Value);

impl ReceiptDocument {
    pub(super) fn new(receipt: Value) -> Self {
        Self(receipt)
    }

    /// It will not arrive, and Blip does not say so.
    pub(crate) fn of_loss(ticket: &TicketId, message: &str) -> Option<Self> {
        // Blip says 202 for a ticket that is over, and drops the words (`blip.md` §10 #8;
        // `words_that_blip_took_for_a_ticket_that_was_over_are_told_to_be_lost`).
        let failed = json!({"event": "failed"});
        envelope::build_receipt(ticket.blip_id(), message, &failed).map(Self)
    }

    /// How far a message came, as its thread tells; none where Blip does not say.
    pub(crate) fn from_message(ticket: &TicketId, message: &ThreadMessage) -> Option<Self> {
        let found = json!({"event": message.status.as_ref()?, "reason": message.reason});
        envelope::build_receipt(ticket.blip_id(), message.id.as_ref()?, &found).map(Self)
    }

    /// The events that it would have come as, had Blip told it by itself.
    pub(crate) fn to_events(&self, bot: &BotName) -> Vec<RoutedEnvelope> {
        to_events(bot, &self.0)
    }
}

fn to_events(bot: &BotName, envelope: &Value) -> Vec<RoutedEnvelope> {
    parse::parse_envelopes(bot, envelope.to_string().as_bytes()).unwrap_or_default()
}
