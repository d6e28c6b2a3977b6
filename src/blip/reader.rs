//! How much of a document is read, and what its readers have in common.

use serde_json::Value;

use super::lenient::truncate_text;
use super::object::TrackedObject;
use crate::model::{CardLine, Content};

/// How deep documents may stand in each other before the inner ones are only excerpted.
pub(super) const MAX_DOCUMENT_DEPTH: usize = 8;

/// How many documents and options one message may have before the rest is only mentioned.
pub(super) const MAX_PARTS: usize = 200;

/// Most characters that are shown of something unknown.
pub(super) const MAX_EXCERPT_CHARS: usize = 500;

/// Reads one message, and counts how much of it was read.
pub(super) struct ContentReader {
    pub(super) parts_left: usize,
    pub(super) depth: usize,
}

impl Default for ContentReader {
    fn default() -> Self {
        Self { parts_left: MAX_PARTS, depth: 0 }
    }
}

impl ContentReader {
    /// Reads several things sent as one, as far as they are not too many.
    pub(super) fn read_several<'v>(
        &mut self,
        items: impl IntoIterator<Item = &'v Value>,
        mut read: impl FnMut(&mut Self, &Value) -> Option<Content>,
    ) -> Vec<Content> {
        let mut parts = Vec::new();
        for item in items {
            if self.parts_left == 0 {
                // Said and not dropped: an agent who answers must know that there was more.
                parts.push(Content::Notice("content-more"));
                break;
            }
            parts.extend(read(self, item));
        }
        parts
    }

    /// Reads the words of options, as far as they are not too many.
    pub(super) fn read_options<'v>(
        &mut self,
        options: impl IntoIterator<Item = &'v Value>,
        mut read: impl FnMut(&mut Self, &Value) -> Option<String>,
    ) -> Vec<String> {
        let mut words = Vec::new();
        for option in options {
            if self.parts_left == 0 {
                words.push("…".to_owned());
                break;
            }
            self.parts_left -= 1;
            words.extend(read(self, option));
        }
        words
    }
}

/// Names what was not read of an object, below what was.
pub(super) fn append_unread(content: Content, object: &TrackedObject<'_>) -> Content {
    let lines: Vec<CardLine> = object.unread_fields().into_iter().map(CardLine::Said).collect();
    let is_any = !lines.is_empty();
    join_two(content, is_any.then_some(Content::Card { kind: "content-also", lines }))
}

/// A question with options, or only its words if there is nothing to choose.
pub(super) fn build_choice(text: Option<String>, options: Vec<String>) -> Option<Content> {
    match (text, options.is_empty()) {
        (text, false) => Some(Content::Choice { text: text.unwrap_or_default(), options }),
        (text, true) => text.map(Content::Text),
    }
}

/// Parts as one content; `None` if there are none.
pub(super) fn join_parts(mut parts: Vec<Content>) -> Option<Content> {
    if parts.len() > 1 { Some(Content::Several(parts)) } else { parts.pop() }
}

pub(super) fn join_two(first: Content, second: Option<Content>) -> Content {
    match second {
        Some(second) => Content::Several(vec![first, second]),
        None => first,
    }
}

/// The first text in a document that seems meant to be read.
pub(super) fn find_excerpt(value: &Value) -> Option<String> {
    fn find_text(value: &Value, depth: usize) -> Option<&str> {
        const EXCERPT_FIELDS: [&str; 7] =
            ["text", "title", "caption", "body", "header", "name", "value"];
        match value {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            Value::Array(elements) if depth > 0 => {
                elements.iter().find_map(|e| find_text(e, depth - 1))
            }
            Value::Object(fields) if depth > 0 => EXCERPT_FIELDS
                .iter()
                .find_map(|field| find_text(fields.get(*field)?, depth - 1))
                .or_else(|| {
                    // Texts in fields of other names are ids and codes more often than words.
                    let inner = fields.values().filter(|value| !value.is_string());
                    inner.into_iter().find_map(|value| find_text(value, depth - 1))
                }),
            _ => None,
        }
    }
    find_text(value, 5).map(|text| truncate_text(text, MAX_EXCERPT_CHARS))
}

/// Whether there is nothing in a value.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
