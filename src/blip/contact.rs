//! The contact book's entry of a customer, and what was noted about them (`blip.md` §5).

use serde_json::{Value, json};

use super::lenient;
use crate::model::ids::MAX_ID_BYTES;
use crate::model::{ContactChange, ContactComment, ContactField, is_tunnel};

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

    /// Whether the contact has every value that a change would set: then the change was made, though Blip's
    /// answer to it was lost.
    pub(crate) fn has(&self, change: &ContactChange) -> bool {
        let has_field = |(field, wanted): &(ContactField, String)| {
            self.value(*field).unwrap_or_default() == *wanted
        };
        let extras = self.extras();
        let has_extra = |wanted: &(String, String)| {
            extras.contains(wanted)
                // An entry that was emptied may be kept as empty text, or be gone.
                || (wanted.1.is_empty() && extras.iter().all(|(name, _)| *name != wanted.0))
        };
        change.fields.iter().all(has_field) && change.extras.iter().all(has_extra)
    }

    /// The document that changes this of it and nothing else. Whether Blip merges the entries of the
    /// team's own one by one is not documented, so they are all in there if one of them changes.
    pub(super) fn build_change(&self, identity: &str, change: &ContactChange) -> Value {
        let mut fields = serde_json::Map::new();
        // Merged and not set: `set` replaces the whole contact (`blip.md` §5), and what others
        // wrote meanwhile would be gone.
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

/// Reads the identity of a customer on a channel, without the instance of a node. Nothing if it is the
/// identity of another tunnel, or none at all: a bot's own flow may write anything into this field.
pub(super) fn read_originator(value: &Value) -> Option<String> {
    let identity = value.as_str()?.trim().split('/').next()?;
    let (name, domain) = identity.rsplit_once('@')?;
    let is_sound = identity.len() <= MAX_ID_BYTES
        && !name.is_empty()
        && domain.contains('.')
        && !identity.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_sound && !is_tunnel(domain)).then(|| identity.to_owned())
}
