//! What Blip writes and takes as JSON and others only pass on: each a type of its own, so that nobody
//! outside looks into it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope;
use super::lenient;
use super::parse::{self, RoutedEnvelope};
use crate::model::ids::MAX_ID_BYTES;
use crate::model::{
    BotName, ContactChange, ContactComment, ContactField, TicketId, TicketSnapshot, is_tunnel,
};

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

    /// A field's value.
    pub(crate) fn value(&self, field: ContactField) -> Option<String> {
        lenient::get_text(&self.0, contact_key(field))
    }

    /// The entries of the team's own, by their names; what Blip itself keeps there about a router's
    /// tunnel is none of theirs.
    pub(crate) fn extras(&self) -> Vec<(String, String)> {
        let extras = self.0.get("extras").and_then(Value::as_object).into_iter().flatten();
        let own = extras.filter(|(name, _)| !name.starts_with(TUNNEL_EXTRAS));
        own.filter_map(|(name, value)| Some((name.clone(), lenient::as_text(value)?))).collect()
    }

    /// Whether it is as a change wants it.
    pub(crate) fn has(&self, change: &ContactChange) -> bool {
        let has_field = |(field, wanted): &(ContactField, String)| {
            self.value(*field).unwrap_or_default() == *wanted
        };
        let extras = self.extras();
        let has_extra = |wanted: &(String, String)| {
            extras.contains(wanted)
                || (wanted.1.is_empty() && extras.iter().all(|(name, _)| *name != wanted.0))
        };
        change.fields.iter().all(has_field) && change.extras.iter().all(has_extra)
    }

    /// The document that changes this of it and nothing else. Whether Blip merges the entries of the
    /// team's own one by one is not documented, so they are all in there if one of them changes.
    pub(super) fn build_change(&self, identity: &str, change: &ContactChange) -> Value {
        let mut fields = serde_json::Map::new();
        fields.insert("identity".to_owned(), json!(identity));
        for (field, value) in &change.fields {
            fields.insert(contact_key(*field).to_owned(), json!(value));
        }
        if !change.extras.is_empty() {
            let known = self.0.get("extras").and_then(Value::as_object).into_iter().flatten();
            let known = known.filter_map(|(name, value)| {
                Some((name.clone(), Value::from(lenient::as_text(value)?)))
            });
            let changed = change.extras.iter();
            let changed = changed.map(|(name, value)| (name.clone(), json!(value)));
            fields.insert("extras".to_owned(), Value::Object(known.chain(changed).collect()));
        }
        Value::Object(fields)
    }

    /// The words of a field, by its path as in a JSON pointer (RFC 6901).
    pub(crate) fn field(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }
}

/// What the names of entries begin with that Blip keeps about a router's tunnel (`blip.md` §5).
const TUNNEL_EXTRAS: &str = "tunnel.";

fn contact_key(field: ContactField) -> &'static str {
    match field {
        ContactField::Name => "name",
        ContactField::Phone => "phoneNumber",
        ContactField::Email => "email",
        ContactField::Document => "taxDocument",
        ContactField::Address => "address",
        ContactField::City => "city",
        ContactField::Group => "group",
    }
}

/// Reads what was noted about a contact; `None` if there are no words in it.
pub(super) fn read_comment(entry: &Value) -> Option<ContactComment> {
    Some(ContactComment {
        author: lenient::get_text(entry, "authorIdentity"),
        text: lenient::get_text(entry, "content")?,
        at: lenient::get_date(entry, "storageDate"),
    })
}

/// A document for a customer: a type of LIME's and its content.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingDocument {
    /// The media type, as `application/vnd.lime.media-link+json`.
    pub(crate) kind: Cow<'static, str>,
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
