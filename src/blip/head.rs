//! What an envelope says of itself, read without what it carries.
//!
//! That is all that is needed to store it: whose it is, and what it is. So an envelope whose content
//! is too large or too odd to be read still finds its ticket, its key and its turn. Read as leniently
//! as all that Blip sends: no field is required, and one of a wrong type counts as missing.

use serde_json::{Map, Value};

use super::lenient;
use crate::bounded;

/// An envelope without what is in it.
pub(super) struct EnvelopeHead<'a> {
    /// Its id, with whatever prefixes it gathered on its way.
    pub(crate) id: Option<String>,
    /// The node that sent it.
    pub(crate) from: Option<String>,
    /// The MIME type of the content.
    pub(crate) kind: Option<String>,
    /// What a notification tells.
    pub(crate) event: Option<String>,
    /// What a command does.
    pub(crate) method: Option<String>,
    /// What a message says, as it was written.
    pub(crate) content: Option<&'a str>,
    /// Why something failed, as it was written.
    pub(crate) reason: Option<&'a str>,
    /// The envelope as it was written.
    pub(crate) whole: &'a str,
    metadata: Option<&'a str>,
}

impl<'a> EnvelopeHead<'a> {
    /// Reads a JSON object; `None` if it is not one.
    pub(super) fn from_envelope(json: &'a str) -> Option<Self> {
        let names = ["id", "from", "type", "event", "method", "content", "reason", "metadata"];
        let [id, from, kind, event, method, content, reason, metadata] =
            bounded::pick_fields(json, names)?;
        let scalar = |field: Option<&str>| field.and_then(parse_scalar);
        let text = |field| scalar(field).as_ref().and_then(lenient::as_text);
        let (id, from, kind) = (text(id), text(from), text(kind));
        let (event, method) = (text(event), text(method));
        Some(Self { id, from, kind, event, method, content, reason, whole: json, metadata })
    }

    /// A metadata value as text.
    pub(super) fn metadata(&self, key: &str) -> Option<String> {
        find_text_field(self.metadata?, key)
    }
}

/// A field of an object as text; numbers and truth values count as text, blank text as none.
pub(super) fn find_text_field(json: &str, name: &str) -> Option<String> {
    let [field] = bounded::pick_fields(json, [name])?;
    lenient::as_text(&parse_scalar(field?)?)
}

/// Those of the named fields of an object that hold neither objects nor lists.
pub(super) fn find_scalars<const N: usize>(json: &str, names: [&str; N]) -> Map<String, Value> {
    let fields = bounded::pick_fields(json, names).unwrap_or([None; N]);
    let named = names.into_iter().zip(fields);
    named.filter_map(|(name, field)| Some((name.to_owned(), parse_scalar(field?)?))).collect()
}

/// A value as it was written, if it is neither an object nor a list.
fn parse_scalar(json: &str) -> Option<Value> {
    if json.starts_with(['{', '[']) { None } else { lenient::parse_bounded_json(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_whatever_is_beside_it() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        let json = format!(
            r#"{{"content":{deep},"id":7,"from":["x"],"type":"a\ud800","event":true,"method":null,
            "metadata":{{"x":1e999,"desk.ticketId":" t "}},"status":1e999}}"#
        );
        let head = EnvelopeHead::from_envelope(&json).unwrap();
        assert_eq!(head.id.as_deref(), Some("7"));
        assert_eq!((head.from.as_deref(), head.kind.as_deref()), (None, Some("a\u{fffd}")));
        assert_eq!((head.event.as_deref(), head.method.as_deref()), (Some("true"), None));
        assert_eq!(head.content, Some(deep.as_str()));
        assert_eq!(head.metadata("desk.ticketId").as_deref(), Some(" t "));
        assert_eq!(head.metadata("x"), None);
        for other in ["\"text\"", "[]", "7", ""] {
            assert!(EnvelopeHead::from_envelope(other).is_none(), "{other}");
        }
    }
}
