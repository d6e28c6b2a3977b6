//! Taking out what must be neither shown nor kept.
//!
//! Blip marks such content by its type and never stores it (`blip.md` §6). Neither do we: it is
//! taken out of the document before anything else looks at it, wherever in it it stands.

use serde_json::{Map, Value, json};

use super::carried_ticket::{TICKET_FIELDS, find_carried_ticket};
use super::head::{self, EnvelopeHead};
use super::lenient;
use super::lime::{TICKET_TYPE, short_type};

/// The short name of the type that marks sensitive content.
pub(super) const SENSITIVE_NAME: &str = "lime.sensitive";
/// The same as Blip writes it.
const SENSITIVE_TYPE: &str = "application/vnd.lime.sensitive+json";

/// Fields of a document or envelope that stay, because they say nothing of the content.
const KEPT_FIELDS: [&str; 11] = [
    "id",
    "from",
    "to",
    "pp",
    "type",
    "itemType",
    "direction",
    "date",
    "status",
    "order",
    "metadata",
];

/// Metadata that stays, because messages without an id are told apart by it.
pub(super) const IDENTIFYING_METADATA: [&str; 3] = ["#uniqueId", "date_created", "#wa.timestamp"];

/// An envelope without its sensitive content; `None` if there is none in it.
///
/// One that speaks of such content and is too much to be read keeps nothing of what it carries.
pub(super) fn strip_sensitive(json: &str) -> Option<String> {
    if !may_be_sensitive(json) {
        return None;
    }
    match lenient::parse_bounded_json(json) {
        Some(mut document) => remove_sensitive(&mut document).then(|| document.to_string()),
        // What cannot be searched cannot be cleaned, so nothing of it is kept but whose it was.
        None => Some(without_content(json).to_string()),
    }
}

/// Whether the name of the type stands anywhere, also with letters of it written as escapes. Nearly
/// no envelope needs a second look then.
fn may_be_sensitive(json: &str) -> bool {
    let bytes = json.as_bytes();
    let is_name = |at: &[u8]| at.eq_ignore_ascii_case(SENSITIVE_NAME.as_bytes());
    let is_letter = |at: &[u8]| {
        matches!(
            at,
            [b'\\', b'u', b'0', b'0', b'4'..=b'7', _]
                | [b'\\', b'u', b'0', b'0', b'2', b'e' | b'E']
        )
    };
    // JSON lets any letter be written as an escape, and then the name would not be found as such.
    bytes.windows(SENSITIVE_NAME.len()).any(is_name) || bytes.windows(6).any(is_letter)
}

/// Whose an envelope is and what it is: that much of it says nothing of its content.
fn without_content(json: &str) -> Value {
    let Some(head) = EnvelopeHead::from_envelope(json) else {
        return json!({"type": SENSITIVE_TYPE});
    };
    let mut kept = head::find_scalars(json, KEPT_FIELDS);
    let marks = IDENTIFYING_METADATA
        .iter()
        .filter_map(|mark| Some(((*mark).to_owned(), head.metadata(mark)?.into())));
    kept.insert("metadata".to_owned(), Value::Object(marks.collect()));
    let (kind, content) = match find_carried_ticket(&head) {
        Some(ticket) => (TICKET_TYPE, head::find_scalars(ticket, TICKET_FIELDS).into()),
        None if head.event.is_some() && head.content.is_none() => return kept.into(),
        None => (SENSITIVE_TYPE, Value::Null),
    };
    kept.insert("type".to_owned(), kind.into());
    kept.insert("content".to_owned(), content);
    kept.into()
}

/// Takes sensitive content out of a document. False if there was none.
pub(super) fn remove_sensitive(document: &mut Value) -> bool {
    match document {
        Value::Object(fields) if is_sensitive(fields) => {
            // What stays is named, and not what goes: a field that Blip adds may be the secret
            // itself.
            fields.retain(|field, _| KEPT_FIELDS.contains(&field.as_str()));
            if let Some(metadata) = fields.get_mut("metadata") {
                keep_identifying_metadata(metadata);
            }
            true
        }
        Value::Object(fields) => remove_sensitive_parts(fields.values_mut()),
        Value::Array(elements) => remove_sensitive_parts(elements.iter_mut()),
        _ => false,
    }
}

fn remove_sensitive_parts<'a>(parts: impl Iterator<Item = &'a mut Value>) -> bool {
    let mut found = false;
    for part in parts {
        found |= remove_sensitive(part);
    }
    found
}

fn is_sensitive(fields: &Map<String, Value>) -> bool {
    ["type", "itemType"]
        .iter()
        .filter_map(|field| fields.get(*field)?.as_str())
        .any(|kind| short_type(kind) == SENSITIVE_NAME)
}

fn keep_identifying_metadata(metadata: &mut Value) {
    match metadata {
        Value::Object(fields) => {
            fields.retain(|field, _| IDENTIFYING_METADATA.contains(&field.as_str()));
        }
        other => *other = Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "application/vnd.lime.sensitive+json";

    #[test]
    fn nothing_of_the_secret_stays_wherever_it_stands() {
        let secret = json!({"type": "text/plain", "value": "4111"});
        for mut document in [
            json!({"id": "1", "type": TYPE, "content": secret, "metadata": {"#blip.payload.text": "4111"}}),
            json!({"type": TYPE.to_uppercase(), "value": secret}),
            json!({"itemType": TYPE, "items": [secret]}),
            json!({"type": "x", "content": [{"a": {"type": TYPE, "value": secret}}, {"type": TYPE, "text": "4111"}]}),
        ] {
            assert!(remove_sensitive(&mut document));
            assert!(!document.to_string().contains("4111"), "{document}");
        }
    }

    #[test]
    fn other_documents_stay_as_they_are() {
        let mut document =
            json!({"type": "text/plain", "content": "sensitive", "metadata": {"a": 1}});
        let before = document.clone();
        assert!(!remove_sensitive(&mut document));
        assert_eq!(document, before);
    }
}
