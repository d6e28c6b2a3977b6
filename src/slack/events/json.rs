//! Reading what Slack sends without knowing all of it.

use serde_json::Value;

/// The text at a place in a document, if there is any.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    // Slack writes an absent value as nothing, as null or as an empty text; here all are the same.
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}
