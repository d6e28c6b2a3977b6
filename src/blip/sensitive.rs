//! Taking out what must be neither shown nor kept.
//!
//! Blip marks such content by its type and never stores it (`blip.md` §6). Neither do we: it is
//! taken out of the document before anything else looks at it, wherever in it it stands.

use serde_json::{Map, Value};

use super::envelope::short_type;

/// The short name of the type that marks sensitive content.
pub(super) const SENSITIVE: &str = "lime.sensitive";

/// Fields of a document or envelope that stay, because they say nothing of the content.
const KEPT: [&str; 11] = [
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
pub(super) const MARKS: [&str; 3] = ["#uniqueId", "date_created", "#wa.timestamp"];

/// Takes sensitive content out of a document. False if there was none.
pub(super) fn remove(document: &mut Value) -> bool {
    match document {
        Value::Object(fields) if is_sensitive(fields) => {
            fields.retain(|field, _| KEPT.contains(&field.as_str()));
            if let Some(metadata) = fields.get_mut("metadata") {
                keep_marks(metadata);
            }
            true
        }
        Value::Object(fields) => remove_all(fields.values_mut()),
        Value::Array(elements) => remove_all(elements.iter_mut()),
        _ => false,
    }
}

fn remove_all<'a>(parts: impl Iterator<Item = &'a mut Value>) -> bool {
    let mut found = false;
    for part in parts {
        found |= remove(part);
    }
    found
}

fn is_sensitive(fields: &Map<String, Value>) -> bool {
    ["type", "itemType"]
        .iter()
        .filter_map(|field| fields.get(*field)?.as_str())
        .any(|kind| short_type(kind) == SENSITIVE)
}

fn keep_marks(metadata: &mut Value) {
    match metadata {
        Value::Object(fields) => fields.retain(|field, _| MARKS.contains(&field.as_str())),
        other => *other = Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            assert!(remove(&mut document));
            assert!(!document.to_string().contains("4111"), "{document}");
        }
    }

    #[test]
    fn other_documents_stay_as_they_are() {
        let mut document =
            json!({"type": "text/plain", "content": "sensitive", "metadata": {"a": 1}});
        let before = document.clone();
        assert!(!remove(&mut document));
        assert_eq!(document, before);
    }
}
