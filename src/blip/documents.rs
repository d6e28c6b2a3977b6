//! What Blip writes and takes as JSON and others only pass on: each a type of its own, so that nobody
//! outside looks into it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope;
use super::parse::{self, RoutedEnvelope};
use crate::model::ids::MAX_ID_BYTES;
use crate::model::{BotName, TicketId, TicketSnapshot, is_tunnel};

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

    /// What it says.
    pub(crate) fn to_snapshot(&self, bot: &BotName) -> Option<TicketSnapshot> {
        parse::parse_snapshot(bot, &self.0)
    }

    /// The events that it would have come as, had Blip announced it.
    pub(crate) fn to_events(&self, bot: &BotName) -> Vec<RoutedEnvelope> {
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
        let failed = json!({"event": "failed"});
        envelope::build_receipt(ticket.blip_id(), message, &failed).map(Self)
    }

    /// The events that it would have come as, had Blip told it by itself.
    pub(crate) fn to_events(&self, bot: &BotName) -> Vec<RoutedEnvelope> {
        to_events(bot, &self.0)
    }
}

/// What the contact book has on a customer (`blip.md` §5); empty if it has nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContactDocument(Value);

impl ContactDocument {
    pub(super) fn new(contact: Value) -> Self {
        Self(contact)
    }

    /// What the customer is called.
    pub(crate) fn name(&self) -> Option<String> {
        read_contact_name(&self.0)
    }

    /// Who the customer is on their own channel, behind a router's tunnel.
    pub(crate) fn originator(&self) -> Option<String> {
        read_contact_originator(&self.0)
    }

    /// The words of a field, by its path as in a JSON pointer (RFC 6901).
    pub(crate) fn field(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }
}

/// A document for a customer: a type of LIME's and its content.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingDocument {
    /// The media type, as `application/vnd.lime.media-link+json`.
    pub(crate) kind: &'static str,
    pub(super) content: Value,
}

fn to_events(bot: &BotName, envelope: &Value) -> Vec<RoutedEnvelope> {
    parse::parse_envelopes(bot, envelope.to_string().as_bytes()).unwrap_or_default()
}

/// What a contact is called (`blip.md` §5).
fn read_contact_name(contact: &Value) -> Option<String> {
    let name = contact.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Who a contact behind a router's tunnel is on their own channel, if the contact tells
/// (`blip.md` §5).
fn read_contact_originator(contact: &Value) -> Option<String> {
    read_originator(contact.get("extras")?.get("tunnel.originator")?)
}

/// The identity of a customer on a channel: no node, and not another tunnel. The bot's own flow may
/// write anything where it stands.
pub(super) fn read_originator(value: &Value) -> Option<String> {
    let identity = value.as_str()?.trim().split('/').next()?;
    let (name, domain) = identity.rsplit_once('@')?;
    let is_sound = identity.len() <= MAX_ID_BYTES
        && !name.is_empty()
        && domain.contains('.')
        && !identity.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_sound && !is_tunnel(domain)).then(|| identity.to_owned())
}
