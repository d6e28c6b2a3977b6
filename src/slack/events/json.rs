//! Reading what Slack sends without knowing all of it.

use serde_json::Value;

/// The text at a place in a document, if there is any.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}
