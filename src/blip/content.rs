//! What a LIME document says, for a person to read.
//!
//! Every type of `blip.md` §6 has a reading, and what has none is shown by its type and the first
//! readable text in it: nothing is dropped in silence, whatever its shape. Nothing is escaped or
//! translated here. The shapes of the channels themselves (`application/json`) are read in
//! `native`.
//!
//! Invariant: a document of any size and depth gives content of bounded size and depth, and any
//! JSON gives some content (`any_document_gives_bounded_content`). Text is the exception: it is
//! cut only where it stands for something unknown.

use serde_json::Value;

use super::envelope::short_type;
use super::lenient::{as_integer, as_text, float, integer, joined, list, shorten, text};
use super::{card, native, sensitive};
use crate::model::{Content, Media};

/// How deep documents may stand in each other before the inner ones are only excerpted.
const MAX_DEPTH: usize = 8;

/// How many documents and options one message may have before the rest is only mentioned.
pub(super) const MAX_PARTS: usize = 200;

/// Most characters that are shown of something unknown.
const MAX_EXCERPT: usize = 500;

/// Most characters that are kept of the name of an unknown type.
const MAX_KIND: usize = 120;

/// Most numbers that are taken for one emoji; families and flags have less than twenty.
const MAX_EMOJI_VALUES: usize = 32;

/// Reads a document of the given MIME type.
pub fn content(kind: &str, value: &Value) -> Content {
    let mut value = value.clone();
    sensitive::remove(&mut value);
    Reader::default().read(kind, &value)
}

/// Reads a `{type, value}` document; `None` if there is nothing in it.
pub fn document(document: &Value) -> Option<Content> {
    let mut document = document.clone();
    sensitive::remove(&mut document);
    Reader::default().document(&document)
}

/// Whether a type says only what the customer is doing, such as typing.
pub(super) fn is_chat_state(kind: &str) -> bool {
    short_type(kind) == "lime.chatstate"
}

/// The name of a type, short enough to be shown and without control characters.
pub(super) fn shown_kind(kind: &str) -> String {
    shorten(kind, MAX_KIND).replace(char::is_control, "")
}

/// Reads one message, and counts how much of it was read.
pub(super) struct Reader {
    parts_left: usize,
    depth: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self { parts_left: MAX_PARTS, depth: 0 }
    }
}

impl Reader {
    fn read(&mut self, kind: &str, value: &Value) -> Content {
        if self.parts_left == 0 || self.depth == MAX_DEPTH {
            return unknown(kind, value);
        }
        self.parts_left -= 1;
        self.depth += 1;
        let content = self.known(kind, value).unwrap_or_else(|| unknown(kind, value));
        self.depth -= 1;
        content
    }

    /// Reads a type we know; `None` if we do not, or if the value does not have its shape.
    fn known(&mut self, kind: &str, value: &Value) -> Option<Content> {
        let name = short_type(kind);
        match name.as_str() {
            "application/json" => native::read(self, value),
            _ if name.starts_with("lime.") => self.lime(&name, value),
            _ if name.starts_with("iris.") => card::iris(&name, value),
            _ if name.starts_with("text/") => plain(value),
            _ => file_of_type(&name, value),
        }
    }

    fn lime(&mut self, name: &str, value: &Value) -> Option<Content> {
        match name {
            "lime.media-link" => media(value),
            "lime.web-link" => web_link(value),
            "lime.location" => location(value),
            "lime.chatstate" => Some(Content::Notice("content-typing")),
            "lime.select" => self.select(value),
            "lime.document-select" => self.document_select(value),
            "lime.collection" => self.collection(value),
            "lime.container" | "lime.external" => self.document(value),
            "lime.list" => self.list(value),
            "lime.tuple" => self.tuple(value),
            "lime.input" => self.input(value),
            "lime.reply" => self.reply(value),
            "lime.reaction" => self.reaction(value),
            "lime.redirect" => Some(self.redirect(value)),
            sensitive::SENSITIVE => Some(Content::Sensitive),
            "lime.deleted-content" => Some(Content::Notice("content-deleted")),
            "lime.click-tracking" => Some(Content::Notice("content-link-clicked")),
            "lime.ssml-text" => text(value, "text").map(Content::Text),
            _ => card::lime(name, value),
        }
    }

    /// Reads a `{type, value}` document or whatever stands in its place.
    pub(super) fn document(&mut self, document: &Value) -> Option<Content> {
        let kind = text(document, "type");
        let value = document.get("value").or_else(|| document.get("content"));
        match (kind, value.filter(|value| !value.is_null())) {
            (Some(kind), value) => Some(self.read(&kind, value.unwrap_or(document))),
            (None, Some(value)) => Some(self.untyped(value)),
            (None, None) if is_empty(document) => None,
            (None, None) => Some(self.untyped(document)),
        }
    }

    fn untyped(&mut self, value: &Value) -> Content {
        let kind = if value.is_string() { "text/plain" } else { "application/json" };
        self.read(kind, value)
    }

    /// Reads several things sent as one, as far as they are not too many.
    pub(super) fn several(
        &mut self,
        items: &[Value],
        mut read: impl FnMut(&mut Self, &Value) -> Option<Content>,
    ) -> Vec<Content> {
        let mut parts = Vec::new();
        for item in items {
            if self.parts_left == 0 {
                parts.push(Content::Notice("content-more"));
                break;
            }
            parts.extend(read(self, item));
        }
        parts
    }

    /// Reads the words of options, as far as they are not too many.
    pub(super) fn options(
        &mut self,
        options: &[Value],
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

    fn select(&mut self, value: &Value) -> Option<Content> {
        let options = self.options(&in_order(value), |reader, option| {
            as_text(option).or_else(|| text(option, "text")).or_else(|| reader.words_of(option))
        });
        choice(text(value, "text"), options)
    }

    fn document_select(&mut self, value: &Value) -> Option<Content> {
        let header = value.get("header").and_then(|header| self.document(header));
        let options = self.options(&in_order(value), |reader, option| {
            reader.words_of(option.get("label").unwrap_or(option))
        });
        Some(match header {
            Some(Content::Text(text)) => choice(Some(text), options)?,
            Some(header) => both(header, choice(None, options)),
            None => choice(None, options)?,
        })
    }

    fn words_of(&mut self, document: &Value) -> Option<String> {
        self.document(document).as_ref().and_then(words)
    }

    fn collection(&mut self, value: &Value) -> Option<Content> {
        let kind = text(value, "itemType").unwrap_or_default();
        let items = list(value, "items");
        let parts = match short_type(&kind).as_str() {
            sensitive::SENSITIVE => vec![Content::Sensitive],
            "" | "lime.container" => self.several(items, Self::document),
            _ => self.several(items, |reader, item| Some(reader.read(&kind, item))),
        };
        together(parts)
    }

    fn list(&mut self, value: &Value) -> Option<Content> {
        let mut parts = Vec::from_iter(value.get("header").and_then(|part| self.document(part)));
        parts.extend(self.several(list(value, "items"), Self::document));
        together(parts)
    }

    fn tuple(&mut self, value: &Value) -> Option<Content> {
        let items: Vec<Value> =
            (1..=5).filter_map(|item| value.get(format!("item{item}")).cloned()).collect();
        together(self.several(&items, Self::document))
    }

    fn input(&mut self, value: &Value) -> Option<Content> {
        let label = self.document(value.get("label")?)?;
        let wanted = value.get("validation").and_then(|validation| text(validation, "type"));
        let is_place = wanted.is_some_and(|kind| short_type(&kind) == "lime.location");
        Some(both(label, is_place.then_some(Content::Notice("content-asks-location"))))
    }

    fn reply(&mut self, value: &Value) -> Option<Content> {
        let answer = Box::new(self.document(value.get("replied")?)?);
        Some(Content::Reply { quoted: self.mentioned(value, "inReplyTo"), answer })
    }

    fn reaction(&mut self, value: &Value) -> Option<Content> {
        let on = self.mentioned(value, "inReactionTo");
        value.is_object().then(|| Content::Reaction { emoji: emoji(value), on })
    }

    /// Reads an earlier message that was sent along; often only its id is.
    fn mentioned(&mut self, value: &Value, field: &str) -> Option<Box<Content>> {
        let message = value.get(field)?;
        let is_there = message.get("value").is_some_and(|value| !value.is_null());
        let is_hidden =
            text(message, "type").is_some_and(|t| short_type(&t) == sensitive::SENSITIVE);
        if is_there || is_hidden { self.document(message).map(Box::new) } else { None }
    }

    fn redirect(&mut self, value: &Value) -> Content {
        let context = value.get("context").and_then(|context| self.document(context));
        both(Content::Notice("content-redirected"), context)
    }
}

fn plain(value: &Value) -> Option<Content> {
    let empty = || excerpt(value).is_none().then_some(Content::Notice("content-empty"));
    as_text(value).map(Content::Text).or_else(empty)
}

/// Reads a media link.
pub(super) fn media(value: &Value) -> Option<Content> {
    let preview_url = text(value, "previewUri");
    let address = value.as_str().filter(|text| is_address(text)).map(str::to_owned);
    Some(Content::Media(Media {
        url: text(value, "uri").or(address).or_else(|| preview_url.clone())?,
        mime: text(value, "type"),
        title: text(value, "title"),
        caption: text(value, "text"),
        size: integer(value, "size").and_then(|size| u64::try_from(size).ok()),
        preview_url,
    }))
}

/// Reads a document whose type is that of a file, such as `image/png`.
fn file_of_type(kind: &str, value: &Value) -> Option<Content> {
    match media(value)? {
        Content::Media(file) => Some(Content::Media(Media {
            mime: file.mime.or_else(|| Some(kind.to_owned())),
            ..file
        })),
        other => Some(other),
    }
}

fn is_address(text: &str) -> bool {
    let has_scheme = ["http://", "https://", "file://"].iter().any(|s| text.starts_with(s));
    has_scheme && !text.contains(char::is_whitespace)
}

fn web_link(value: &Value) -> Option<Content> {
    Some(Content::Link {
        url: text(value, "uri")?,
        title: text(value, "title"),
        text: text(value, "text"),
    })
}

fn location(value: &Value) -> Option<Content> {
    Some(Content::Place {
        latitude: float(value, "latitude")?,
        longitude: float(value, "longitude")?,
        label: text(value, "text"),
    })
}

/// The emoji of a reaction as text; `None` if it was taken away.
///
/// Its values are code points in LIME's text and halves of UTF-16 pairs in Blip's samples: a code
/// point beyond the halves is cut into them first, so both forms, even mixed, end as one.
fn emoji(value: &Value) -> Option<String> {
    let emoji = value.get("emoji")?;
    let units = list(emoji, "values").iter().take(MAX_EMOJI_VALUES).flat_map(|value| {
        let code = as_integer(value).and_then(|code| u32::try_from(code).ok());
        match code.map(|code| (u16::try_from(code), char::from_u32(code))) {
            Some((Ok(unit), _)) => vec![unit],
            Some((Err(_), Some(character))) => character.encode_utf16(&mut [0; 2]).to_vec(),
            _ => vec![0xFFFD],
        }
    });
    let emoji = as_text(emoji).unwrap_or_else(|| {
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    });
    (!emoji.is_empty()).then_some(emoji)
}

/// The options of a menu in the order that their numbers say, where they have numbers.
fn in_order(value: &Value) -> Vec<Value> {
    let mut options = list(value, "options").to_vec();
    options.sort_by_key(|option| integer(option, "order").unwrap_or(i64::MAX));
    options
}

/// A question with options, or only its words if there is nothing to choose.
pub(super) fn choice(text: Option<String>, options: Vec<String>) -> Option<Content> {
    match (text, options.is_empty()) {
        (text, false) => Some(Content::Choice { text: text.unwrap_or_default(), options }),
        (text, true) => text.map(Content::Text),
    }
}

/// Parts as one content; `None` if there are none.
pub(super) fn together(mut parts: Vec<Content>) -> Option<Content> {
    if parts.len() > 1 { Some(Content::Several(parts)) } else { parts.pop() }
}

fn both(first: Content, second: Option<Content>) -> Content {
    match second {
        Some(second) => Content::Several(vec![first, second]),
        None => first,
    }
}

/// What stands for something in a list of options.
fn words(content: &Content) -> Option<String> {
    match content {
        Content::Text(text) => Some(text.clone()),
        Content::Media(media) => media
            .caption
            .clone()
            .or_else(|| media.title.clone())
            .or_else(|| Some(media.url.clone())),
        Content::Place { latitude, longitude, label } => {
            Some(label.clone().unwrap_or_else(|| format!("{latitude},{longitude}")))
        }
        Content::Link { url, title, text } => {
            joined(": ", [title.clone().or_else(|| text.clone()), Some(url.clone())])
        }
        Content::Choice { text, options } => {
            Some(text).filter(|text| !text.is_empty()).or_else(|| options.first()).cloned()
        }
        Content::Reply { answer, .. } => words(answer),
        Content::Reaction { emoji, .. } => emoji.clone(),
        Content::Several(parts) => parts.iter().find_map(words),
        Content::Card { lines, .. } => Some(lines.join(" · ")),
        Content::Unknown { kind, text } => text.clone().or_else(|| Some(kind.clone())),
        Content::Sensitive | Content::Notice(_) => None,
    }
}

/// What is shown of a document that we cannot read.
pub(super) fn unknown(kind: &str, value: &Value) -> Content {
    if short_type(kind) == sensitive::SENSITIVE {
        return Content::Sensitive;
    }
    Content::Unknown { kind: shown_kind(kind), text: excerpt(value) }
}

/// The first text in a document that seems meant to be read.
pub(super) fn excerpt(value: &Value) -> Option<String> {
    fn find(value: &Value, depth: usize) -> Option<&str> {
        const FIELDS: [&str; 7] = ["text", "title", "caption", "body", "header", "name", "value"];
        match value {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            Value::Array(elements) if depth > 0 => elements.iter().find_map(|e| find(e, depth - 1)),
            Value::Object(fields) if depth > 0 => {
                FIELDS.iter().find_map(|field| find(fields.get(*field)?, depth - 1)).or_else(|| {
                    let inner = fields.values().filter(|value| !value.is_string());
                    inner.into_iter().find_map(|value| find(value, depth - 1))
                })
            }
            _ => None,
        }
    }
    find(value, 5).map(|text| shorten(text, MAX_EXCERPT))
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
