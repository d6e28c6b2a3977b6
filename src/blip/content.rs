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

use super::lenient::{
    as_integer, as_text, get_float, get_integer, get_list, get_text, join_present, truncate_text,
};
use super::lime::{short_type, strip_forwards};
use super::media_link::{read_dead_link, read_file_of_type, read_media_link};
use super::object::TrackedObject;
use super::reader::{
    ContentReader, MAX_DOCUMENT_DEPTH, append_unread, build_choice, find_excerpt, is_empty,
    join_parts, join_two,
};
use super::{card, native, sensitive};
use crate::model::{CardLine, Content};

/// Most characters that are kept of the name of an unknown type.
const MAX_KIND_CHARS: usize = 120;

/// Most numbers that are taken for one emoji; families and flags have less than twenty.
const MAX_EMOJI_VALUES: usize = 32;

/// Reads a document of the given MIME type in which something sensitive may still be.
pub fn read_content(kind: &str, value: &Value) -> Content {
    let mut value = value.clone();
    sensitive::remove_sensitive(&mut value);
    read_stripped_content(kind, &value)
}

/// Reads a document of the given MIME type, out of which everything sensitive was taken.
pub(super) fn read_stripped_content(kind: &str, value: &Value) -> Content {
    ContentReader::default().read_typed(kind, value)
}

/// Reads a `{type, value}` document; `None` if there is nothing in it.
pub(super) fn read_document(document: &Value) -> Option<Content> {
    ContentReader::default().read_document(document)
}

/// Whether a type says only what the customer is doing, such as typing.
pub(super) fn is_chat_state(kind: &str) -> bool {
    short_type(kind) == "lime.chatstate"
}

/// The name of a type, short enough to be shown and without control characters.
pub(super) fn shown_kind(kind: &str) -> String {
    truncate_text(kind, MAX_KIND_CHARS).replace(char::is_control, "")
}

impl ContentReader {
    fn read_typed(&mut self, kind: &str, value: &Value) -> Content {
        // Documents nest in each other in many ways (`blip.md` §6), so both are counted here, where
        // every one of them passes.
        if self.parts_left == 0 || self.depth == MAX_DOCUMENT_DEPTH {
            return build_unknown(kind, value);
        }
        self.parts_left -= 1;
        self.depth += 1;
        let content =
            self.read_known_type(kind, value).unwrap_or_else(|| build_unknown(kind, value));
        self.depth -= 1;
        content
    }

    /// Reads a type we know; `None` if we do not, or if the value does not have its shape.
    fn read_known_type(&mut self, kind: &str, value: &Value) -> Option<Content> {
        let name = short_type(kind);
        match name.as_str() {
            "application/json" => native::read_json_content(self, value),
            _ if name.starts_with("lime.") => self.read_lime(&name, value),
            _ if name.starts_with("iris.") => card::read_iris_card(&name, value),
            _ if name.starts_with("text/") => read_plain_text(value),
            // Types such as `image/png` stand in what is quoted, with a link as their value
            // (`blip.md` §6).
            _ => read_file_of_type(&name, value),
        }
    }

    fn read_lime(&mut self, name: &str, value: &Value) -> Option<Content> {
        match name {
            // A file without an address still has a name or a caption, which are words of the
            // customer.
            "lime.media-link" => read_media_link(value).or_else(|| read_dead_link(value)),
            "lime.web-link" => read_web_link(value),
            "lime.location" => read_location(value),
            "lime.chatstate" => Some(Content::Notice("content-typing")),
            "lime.select" => self.read_select(value),
            "lime.document-select" => self.read_document_select(value),
            "lime.collection" => self.read_collection(value),
            "lime.container" | "lime.external" if is_typed_as(value, name) => {
                Some(self.read_untyped(value))
            }
            "lime.container" | "lime.external" => self.read_document(value),
            "lime.list" => self.read_lime_list(value),
            "lime.tuple" => self.read_tuple(value),
            "lime.input" => self.read_input(value),
            "lime.reply" => self.read_reply(value),
            "lime.reaction" => self.read_reaction(value),
            "lime.redirect" => Some(self.read_redirect(value)),
            sensitive::SENSITIVE_NAME => Some(Content::Sensitive),
            "lime.deleted-content" => Some(Content::Notice("content-deleted")),
            "lime.click-tracking" => Some(Content::Notice("content-link-clicked")),
            "lime.ssml-text" => get_text(value, "text").map(Content::Text),
            _ => card::read_lime_card(name, value),
        }
    }

    /// Reads a `{type, value}` document or whatever stands in its place.
    pub(super) fn read_document(&mut self, document: &Value) -> Option<Content> {
        let kind = get_text(document, "type");
        // LIME writes `value`; `lime.external` and recordings have `content` in its place
        // (`blip.md` §6).
        let value = document.get("value").or_else(|| document.get("content"));
        match (kind, value.filter(|value| !value.is_null())) {
            (Some(kind), Some(value)) => Some(self.read_typed(&kind, value)),
            (Some(kind), None) => Some(self.read_typed(&kind, unwrap_document(document))),
            (None, Some(value)) => Some(self.read_untyped(value)),
            (None, None) if is_empty(document) => None,
            (None, None) => Some(self.read_untyped(document)),
        }
    }

    fn read_untyped(&mut self, value: &Value) -> Content {
        let kind = if value.is_string() { "text/plain" } else { "application/json" };
        self.read_typed(kind, value)
    }

    fn read_select(&mut self, value: &Value) -> Option<Content> {
        let options = self.read_options(sort_options(value), |reader, option| {
            as_text(option)
                .or_else(|| get_text(option, "text"))
                .or_else(|| reader.read_option_text(option))
        });
        let menu = TrackedObject::new(value);
        menu.ignore_fields(&["type", "scope", "options"]);
        Some(append_unread(build_choice(menu.take_text("text"), options)?, &menu))
    }

    fn read_document_select(&mut self, value: &Value) -> Option<Content> {
        let header = value.get("header").and_then(|header| self.read_document(header));
        let options = self.read_options(sort_options(value), |reader, option| {
            reader.read_option_text(option.get("label").unwrap_or(option))
        });
        Some(match header {
            Some(Content::Text(text)) => build_choice(Some(text), options)?,
            // A picture may stand above the options, and is shown itself.
            Some(header) => join_two(header, build_choice(None, options)),
            None => build_choice(None, options)?,
        })
    }

    fn read_option_text(&mut self, document: &Value) -> Option<String> {
        self.read_document(document).as_ref().and_then(option_text)
    }

    fn read_collection(&mut self, value: &Value) -> Option<Content> {
        let kind = get_text(value, "itemType").unwrap_or_default();
        let items = get_list(value, "items");
        let parts = match short_type(&kind).as_str() {
            sensitive::SENSITIVE_NAME => vec![Content::Sensitive],
            // Items of one type come bare, items of several types with a type each.
            "" | "lime.container" => self.read_several(items, Self::read_document),
            _ => self.read_several(items, |reader, item| Some(reader.read_typed(&kind, item))),
        };
        join_parts(parts)
    }

    fn read_lime_list(&mut self, value: &Value) -> Option<Content> {
        let mut parts =
            Vec::from_iter(value.get("header").and_then(|part| self.read_document(part)));
        parts.extend(self.read_several(get_list(value, "items"), Self::read_document));
        join_parts(parts)
    }

    fn read_tuple(&mut self, value: &Value) -> Option<Content> {
        // LIME's tuples have five items at most (`blip.md` §6).
        let items = (1..=5).filter_map(|item| value.get(format!("item{item}")));
        join_parts(self.read_several(items, Self::read_document))
    }

    fn read_input(&mut self, value: &Value) -> Option<Content> {
        let input = TrackedObject::new(value);
        input.ignore_fields(&["type"]);
        let label = self.read_document(input.take_value("label")?)?;
        let validation = input.take_object("validation");
        validation.ignore_fields(&["rule"]);
        let wanted = validation.take_text("type");
        let is_place = wanted.is_some_and(|kind| short_type(&kind) == "lime.location");
        let asked = join_two(label, is_place.then_some(Content::Notice("content-asks-location")));
        Some(append_unread(append_unread(asked, &input), &validation))
    }

    fn read_reply(&mut self, value: &Value) -> Option<Content> {
        let answer = Box::new(self.read_document(value.get("replied")?)?);
        Some(Content::Reply { quoted: self.read_quoted(value, "inReplyTo"), answer })
    }

    fn read_reaction(&mut self, value: &Value) -> Option<Content> {
        let on = self.read_quoted(value, "inReactionTo");
        value.is_object().then(|| Content::Reaction { emoji: read_emoji(value), on })
    }

    /// Reads an earlier message that was sent along; often only its id is.
    fn read_quoted(&mut self, value: &Value, field: &str) -> Option<Box<Content>> {
        let message = value.get(field)?;
        let is_there = message.get("value").is_some_and(|value| !value.is_null());
        // What is sensitive has lost its value before it gets here, and must not look like a
        // message that only was not sent along
        // (`a_quote_of_something_sensitive_shows_nothing_of_it`).
        let is_hidden =
            get_text(message, "type").is_some_and(|t| short_type(&t) == sensitive::SENSITIVE_NAME);
        let earlier = || get_text(message, "id").map(|id| earlier_message(&id));
        let content = if is_there || is_hidden { self.read_document(message) } else { earlier() };
        content.map(Box::new)
    }

    fn read_redirect(&mut self, value: &Value) -> Content {
        let context = value.get("context").and_then(|context| self.read_document(context));
        join_two(Content::Notice("content-redirected"), context)
    }
}

/// Whether a document names this type as its own: then its fields stand where its value should be.
fn is_typed_as(document: &Value, name: &str) -> bool {
    get_text(document, "type").is_some_and(|kind| short_type(&kind) == name)
}

/// What stands in a document where its value should be: the document itself, if anything does.
fn unwrap_document(document: &Value) -> &Value {
    let fields = document.as_object().into_iter().flatten();
    let is_beside = |field: &str| !["type", "value", "content"].contains(&field);
    if fields.map(|(field, _)| field.as_str()).any(is_beside) { document } else { &Value::Null }
}

/// A message of which only the id was sent.
pub(super) fn earlier_message(id: &str) -> Content {
    Content::Earlier(strip_forwards(id).to_owned())
}

fn read_plain_text(value: &Value) -> Option<Content> {
    if is_empty(value) {
        return Some(Content::Notice("content-empty"));
    }
    let text = as_text(value)?;
    // What Blip makes of the answers of a form is in no public source (`blip.md`, additions §10);
    // as text that is JSON with a `flow_token` is one of the ways that must be expected.
    Some(native::read_form_text(&text).unwrap_or(Content::Text(text)))
}

fn read_web_link(value: &Value) -> Option<Content> {
    let link = TrackedObject::new(value);
    link.ignore_fields(&["type", "target", "previewUri", "previewType"]);
    let (title, text) = (link.take_text("title"), link.take_text("text"));
    Some(append_unread(Content::Link { url: link.take_text("uri")?, title, text }, &link))
}

fn read_location(value: &Value) -> Option<Content> {
    let place = TrackedObject::new(value);
    place.ignore_fields(&[
        "type",
        "altitude",
        "course",
        "speed",
        "accuracy",
        "latitude",
        "longitude",
    ]);
    let (latitude, longitude) = (get_float(value, "latitude")?, get_float(value, "longitude")?);
    let label = place.take_text("text");
    Some(append_unread(Content::Place { latitude, longitude, label }, &place))
}

/// The emoji of a reaction as text; `None` if it was taken away.
///
/// Its values are code points in LIME's text and halves of UTF-16 pairs in Blip's samples: a code
/// point beyond the halves is cut into them first, so both forms, even mixed, end as one.
fn read_emoji(value: &Value) -> Option<String> {
    let emoji = value.get("emoji")?;
    let units = get_list(emoji, "values").iter().take(MAX_EMOJI_VALUES).flat_map(|value| {
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

/// The options of a menu in the order that their numbers say. Where some have none, they stand as
/// they were sent.
fn sort_options(value: &Value) -> Vec<&Value> {
    let mut options: Vec<&Value> = get_list(value, "options").iter().collect();
    if options.iter().all(|option| get_integer(option, "order").is_some()) {
        options.sort_by_key(|option| get_integer(option, "order"));
    }
    options
}

/// What stands for something in a list of options.
fn option_text(content: &Content) -> Option<String> {
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
            join_present(": ", [title.clone().or_else(|| text.clone()), Some(url.clone())])
        }
        Content::Choice { text, options } => {
            Some(text).filter(|text| !text.is_empty()).or_else(|| options.first()).cloned()
        }
        Content::Reply { answer, .. } => option_text(answer),
        Content::Reaction { emoji, .. } => emoji.clone(),
        Content::Several(parts) => parts.iter().find_map(option_text),
        Content::Card { lines, .. } => {
            let said = lines.iter().filter_map(|line| match line {
                CardLine::Said(text) | CardLine::Labelled { text, .. } => Some(text.as_str()),
                CardLine::Moment { .. } | CardLine::Notice(_) => None,
            });
            Some(said.collect::<Vec<_>>().join(" · "))
        }
        Content::Unknown { kind, text } => text.clone().or_else(|| Some(kind.clone())),
        Content::Unreadable { kind } => Some(kind.clone()),
        Content::Sensitive | Content::Notice(_) | Content::Earlier(_) => None,
    }
}

/// What is shown of a document that we cannot read.
pub(super) fn build_unknown(kind: &str, value: &Value) -> Content {
    if short_type(kind) == sensitive::SENSITIVE_NAME {
        return Content::Sensitive;
    }
    Content::Unknown { kind: shown_kind(kind), text: find_excerpt(value) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::blip::reader::{MAX_EXCERPT_CHARS, MAX_PARTS};
    use crate::model::LinkedFile;

    fn said(text: &str) -> Content {
        Content::Text(text.to_owned())
    }

    fn owned(text: &str) -> Option<String> {
        as_text(&json!(text))
    }

    fn ask(text: &str, options: &[&str]) -> Content {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Content::Choice { text: text.to_owned(), options }
    }

    fn lines(kind: &'static str, lines: &[&str]) -> Content {
        Content::Card {
            kind,
            lines: lines.iter().map(|line| CardLine::Said((*line).to_owned())).collect(),
        }
    }

    fn strange(kind: &str, text: Option<&str>) -> Content {
        Content::Unknown { kind: kind.to_owned(), text: text.map(str::to_owned) }
    }

    fn check(table: impl IntoIterator<Item = (&'static str, Value, Content)>) {
        for (kind, value, expected) in table {
            let lime = format!("application/vnd.{kind}+json");
            let kind = if kind.contains('/') { kind } else { lime.as_str() };
            assert_eq!(read_content(kind, &value), expected, "{kind} {value}");
        }
    }

    #[test]
    fn words_are_read() {
        check([
            ("text/plain", json!("Olá *mundo* <!here>"), said("Olá *mundo* <!here>")),
            ("text/plain; charset=utf-8", json!("Olá"), said("Olá")),
            ("TEXT/Plain", json!(42), said("42")),
            ("text/plain", json!(""), Content::Notice("content-empty")),
            ("text/plain", json!(" \n"), Content::Notice("content-empty")),
            ("text/plain", Value::Null, Content::Notice("content-empty")),
            ("text/plain", json!({"a": "b"}), strange("text/plain", None)),
            ("text/plain", json!({"text": "inside"}), strange("text/plain", Some("inside"))),
            ("lime.ssml-text", json!({"text": "Hi", "ssml": "<speak>Hi</speak>"}), said("Hi")),
        ]);
    }

    #[test]
    fn files_are_read() {
        let photo = LinkedFile {
            url: "https://x.example/a.png".to_owned(),
            mime: owned("image/png"),
            title: owned("a.png"),
            caption: owned("look"),
            size: Some(2048),
            preview_url: owned("https://x.example/small.png"),
        };
        let mut value = json!({
            "uri": "https://x.example/a.png", "type": "image/png", "title": "a.png",
            "text": "look", "size": 2048, "aspectRatio": "1:1", "authorizationRealm": "blip",
            "previewUri": "https://x.example/small.png", "previewType": "image/png",
        });
        assert_eq!(
            read_content("application/vnd.lime.media-link+json", &value),
            Content::Media(photo.clone())
        );
        value["size"] = json!("2048");
        assert_eq!(
            read_content("application/vnd.lime.media-link+json", &value),
            Content::Media(photo.clone())
        );
        value.as_object_mut().unwrap().remove("type");
        assert_eq!(read_content("image/png", &value), Content::Media(photo));

        let url = |url: &str| LinkedFile { url: url.to_owned(), ..LinkedFile::default() };
        check([
            (
                "lime.media-link",
                json!({"uri": "file://a.ogg"}),
                Content::Media(url("file://a.ogg")),
            ),
            (
                "lime.media-link",
                json!("https://x.example/a"),
                Content::Media(url("https://x.example/a")),
            ),
            (
                "lime.media-link",
                json!({"uri": "https://x", "size": -1}),
                Content::Media(url("https://x")),
            ),
            (
                "lime.media-link",
                json!({"title": "a.pdf", "uri": "", "text": "look", "type": "application/pdf"}),
                lines("content-file-unavailable", &["a.pdf", "look"]),
            ),
            (
                "lime.media-link",
                json!({"uri": "https://x", "rotation": 90}),
                Content::Several(vec![
                    Content::Media(url("https://x")),
                    lines("content-also", &["rotation: 90"]),
                ]),
            ),
            ("audio/mp4", json!("see https://x"), strange("audio/mp4", Some("see https://x"))),
        ]);
    }

    #[test]
    fn links_and_places_are_read() {
        check([
            (
                "lime.web-link",
                json!({"uri": "https://x.example", "title": "X", "text": "A site", "target": "self"}),
                Content::Link {
                    url: "https://x.example".to_owned(),
                    title: owned("X"),
                    text: owned("A site"),
                },
            ),
            (
                "lime.location",
                json!({"latitude": -19.918_899, "longitude": "-43.959275", "altitude": 853, "text": "Praça"}),
                Content::Place {
                    latitude: -19.918_899,
                    longitude: -43.959_275,
                    label: owned("Praça"),
                },
            ),
            (
                "lime.location",
                json!({"latitude": "north", "text": "Praça"}),
                strange("application/vnd.lime.location+json", Some("Praça")),
            ),
        ]);
    }

    #[test]
    fn menus_are_read() {
        let option = |text: &str| json!({"label": {"type": "text/plain", "value": text}});
        let photo = Content::Media(LinkedFile {
            url: "https://x.example/a".to_owned(),
            mime: owned("image/jpeg"),
            title: owned("T"),
            ..LinkedFile::default()
        });
        check([
            (
                "lime.select",
                json!({"text": "Which?", "scope": "immediate", "options": [
                    {"order": "2", "text": "Two", "type": "text/plain", "value": "b"}, {"order": 1, "text": "One"}]}),
                ask("Which?", &["One", "Two"]),
            ),
            ("lime.select", json!({"text": "Which?", "options": []}), said("Which?")),
            ("lime.select", json!({"options": ["A", {"value": 7}]}), ask("", &["A", "7"])),
            ("lime.select", json!([1]), strange("application/vnd.lime.select+json", None)),
            (
                "lime.document-select",
                json!({"header": {"type": "text/plain", "value": "Pick"}, "options": [option("A"), option("B")]}),
                ask("Pick", &["A", "B"]),
            ),
            (
                "lime.document-select",
                json!({
                    "header": {"type": "application/vnd.lime.media-link+json",
                        "value": {"uri": "https://x.example/a", "type": "image/jpeg", "title": "T"}},
                    "options": [{"label": {"type": "application/vnd.lime.web-link+json",
                        "value": {"uri": "https://x.example", "title": "Go"}}}],
                }),
                Content::Several(vec![photo, ask("", &["Go: https://x.example"])]),
            ),
            (
                "lime.input",
                json!({"label": {"type": "text/plain", "value": "Where?"},
                    "validation": {"rule": "type", "type": "application/vnd.lime.location+json"}}),
                Content::Several(vec![said("Where?"), Content::Notice("content-asks-location")]),
            ),
            (
                "lime.input",
                json!({"label": {"type": "text/plain", "value": "Name?"}, "validation": {"rule": "text"}}),
                said("Name?"),
            ),
            (
                "lime.input",
                json!({"label": {"type": "text/plain", "value": "Mail?"},
                    "validation": {"rule": "regex", "regex": ".+@.+", "error": "No address"}}),
                Content::Several(vec![
                    said("Mail?"),
                    Content::Card {
                        kind: "content-also",
                        lines: ["error: No address", "regex: .+@.+"]
                            .map(|line| CardLine::Said(line.to_owned()))
                            .to_vec(),
                    },
                ]),
            ),
        ]);
    }

    #[test]
    fn things_within_things_are_read() {
        let text = |text: &str| json!({"type": "text/plain", "value": text});
        let ab = Content::Several(vec![said("a"), said("b")]);
        check([
            ("lime.container", text("a"), said("a")),
            ("lime.external", json!({"type": "text/plain", "content": "a"}), said("a")),
            (
                "lime.collection",
                json!({"itemType": "text/plain", "total": 2, "items": ["a", "b"]}),
                ab.clone(),
            ),
            (
                "lime.collection",
                json!({"itemType": "application/vnd.lime.container+json", "items": [text("a"), text("b")]}),
                ab.clone(),
            ),
            ("lime.collection", json!({"items": [text("a")]}), said("a")),
            ("lime.list", json!({"header": text("a"), "items": [text("b")]}), ab.clone()),
            ("lime.tuple", json!({"item1": text("a"), "item2": text("b")}), ab),
            (
                "lime.collection",
                json!({"items": "x"}),
                strange("application/vnd.lime.collection+json", None),
            ),
            ("lime.container", json!({}), strange("application/vnd.lime.container+json", None)),
        ]);
    }

    #[test]
    fn replies_and_reactions_are_read() {
        let photo = json!({"type": "image/png", "value": {"uri": "https://x.example/a"}});
        let media = Content::Media(LinkedFile {
            url: "https://x.example/a".to_owned(),
            mime: owned("image/png"),
            ..LinkedFile::default()
        });
        let answer = json!({"type": "text/plain", "value": "yes"});
        let reply = |quoted| Content::Reply { quoted, answer: Box::new(said("yes")) };
        let react =
            |emoji: Option<&str>| Content::Reaction { emoji: emoji.map(str::to_owned), on: None };
        check([
            (
                "lime.reply",
                json!({"replied": answer, "inReplyTo": photo}),
                reply(Some(Box::new(media))),
            ),
            (
                "lime.reply",
                json!({"replied": answer, "inReplyTo": {"id": "fwd:wamid.1"}}),
                reply(Some(Box::new(Content::Earlier("wamid.1".to_owned())))),
            ),
            (
                "lime.reply",
                json!({"replied": answer, "inReplyTo": {"value": "so?"}}),
                reply(Some(Box::new(said("so?")))),
            ),
            (
                "lime.reply",
                json!({"text": "yes"}),
                strange("application/vnd.lime.reply+json", Some("yes")),
            ),
            ("lime.reaction", json!({"emoji": {"values": [128_077]}}), react(Some("👍"))),
            ("lime.reaction", json!({"emoji": {"values": [55_357, 56_397]}}), react(Some("👍"))),
            ("lime.reaction", json!({"emoji": {"values": ["128077", 127_997]}}), react(Some("👍🏽"))),
            ("lime.reaction", json!({"emoji": {"values": [10084, 65039]}}), react(Some("❤️"))),
            ("lime.reaction", json!({"emoji": {"values": [55_357]}}), react(Some("\u{fffd}"))),
            ("lime.reaction", json!({"emoji": "🙏"}), react(Some("🙏"))),
            ("lime.reaction", json!({"emoji": {"values": []}}), react(None)),
            (
                "lime.reaction",
                json!({"inReactionTo": {"id": "x"}}),
                Content::Reaction {
                    emoji: None,
                    on: Some(Box::new(Content::Earlier("x".to_owned()))),
                },
            ),
            (
                "lime.reaction",
                json!({"emoji": {"values": [128_077]}, "inReactionTo": {"id": "x", "type": "text/plain", "value": "yes"}}),
                Content::Reaction { emoji: owned("👍"), on: Some(Box::new(said("yes"))) },
            ),
        ]);
    }

    #[test]
    fn cards_are_read() {
        check([
            (
                "lime.contact",
                json!({"identity": "x@y", "name": "Ana", "phoneNumber": "+55", "cellPhoneNumber": "+55", "email": "a@x.io"}),
                lines("content-contact", &["Ana", "+55", "a@x.io"]),
            ),
            (
                "lime.copy-and-paste",
                json!({"header": "Pix", "body": "Pay", "button": {"text": "Copy", "value": "0002"}}),
                lines("content-copy-and-paste", &["Pix", "Pay", "Copy: 0002"]),
            ),
        ]);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn what_was_bought_and_where_somebody_lives_is_read() {
        check([
            (
                "lime.invoice",
                json!({"title": "Order", "currency": "BRL", "total": 10.95, "taxes": 1, "created": "2026-01-01T12:00:00Z",
                    "dueTo": "2026-01-09", "items": [{"quantity": 1.0, "unit": 10.85, "currency": "BRL", "total": 10.85,
                    "description": "Hit"}, "extra"], "methods": [{"name": "Pix"}]}),
                Content::Card {
                    kind: "content-invoice",
                    lines: vec![
                        CardLine::Said("Order".to_owned()),
                        CardLine::Said("1 × Hit: BRL 10.85".to_owned()),
                        CardLine::Said("BRL 10.95".to_owned()),
                        CardLine::Labelled { label: "content-taxes", text: "1".to_owned() },
                        CardLine::Moment {
                            label: "content-created",
                            at: "2026-01-01T12:00:00Z".parse().unwrap(),
                        },
                        CardLine::Labelled { label: "content-due", text: "2026-01-09".to_owned() },
                        CardLine::Said("methods.name: Pix".to_owned()),
                    ],
                },
            ),
            (
                "lime.invoice-status",
                json!({"status": "completed", "date": 1_772_600_767, "code": "3E"}),
                Content::Card {
                    kind: "content-invoice-status",
                    lines: vec![
                        CardLine::Said("completed".to_owned()),
                        CardLine::Said("3E".to_owned()),
                        CardLine::Moment {
                            label: "content-date",
                            at: Timestamp::from_second(1_772_600_767).unwrap(),
                        },
                    ],
                },
            ),
            (
                "lime.payment-receipt",
                json!({"code": "3E", "method": {"name": "Pix"}, "currency": "BRL", "total": "10.95", "address": {"street": "A"}}),
                lines("content-payment-receipt", &["BRL 10.95", "Pix", "3E", "address.street: A"]),
            ),
            (
                "lime.contact",
                json!({"name": "Ana", "address": "Rua A", "city": "Recife", "extras": {"company": "Loja"}, "group": "vip"}),
                Content::Card {
                    kind: "content-contact",
                    lines: vec![
                        CardLine::Said("Ana".to_owned()),
                        CardLine::Labelled {
                            label: "content-address",
                            text: "Rua A, Recife".to_owned(),
                        },
                        CardLine::Said("extras.company: Loja".to_owned()),
                        CardLine::Said("group: vip".to_owned()),
                    ],
                },
            ),
            (
                "iris.builder.checkout",
                json!({"uri": "https://pay.example/x", "customer": {"name": "Ana"}, "message": "Pague aqui",
                    "products": [{"quantity": 1, "description": "Bolo", "price": 10.5}], "currency": "BRL"}),
                lines(
                    "content-checkout",
                    &["Pague aqui", "1 × Bolo: 10.5", "https://pay.example/x", "Ana"],
                ),
            ),
            (
                "lime.satisfaction-survey",
                json!({"type": "csat", "scale": 5, "question": "Good?", "score": 4}),
                Content::Card {
                    kind: "content-survey",
                    lines: vec![
                        CardLine::Said("Good?".to_owned()),
                        CardLine::Labelled { label: "content-score", text: "4/5".to_owned() },
                    ],
                },
            ),
        ]);
    }

    #[test]
    fn calls_show_their_kind_their_outcome_and_their_recording() {
        let recording = Content::Media(LinkedFile {
            url: "https://x.example/a.ogg".to_owned(),
            mime: owned("audio/ogg"),
            ..LinkedFile::default()
        });
        let link = json!({"uri": "https://x.example/a.ogg", "type": "audio/ogg"});
        let told = |kind, outcome| Content::Card {
            kind,
            lines: vec![outcome, CardLine::Said("+55 11".to_owned())],
        };
        let answered = told("content-call-voice", CardLine::Notice("content-call-answered"));
        for media in
            [json!({"type": "application/vnd.lime.media-link+json", "content": link}), link]
        {
            let call = json!({"type": "Voice", "status": "ANSWER", "identification": "+55 11", "sessionId": "s", "media": media});
            check([(
                "iris.calls.media",
                call,
                Content::Several(vec![answered.clone(), recording.clone()]),
            )]);
        }
        check([
            (
                "iris.calls.media",
                json!({"type": "Video", "status": "NOANSWER", "identification": "+55 11"}),
                told("content-call-video", CardLine::Notice("content-call-unanswered")),
            ),
            (
                "iris.calls.media",
                json!({"status": "PARKED", "direction": "inbound"}),
                lines("content-call", &["PARKED", "direction: inbound"]),
            ),
            (
                "iris.calls.customer-permission",
                json!({"response": "accept"}),
                Content::Notice("content-call-allowed"),
            ),
            (
                "iris.calls.customer-permission",
                json!({"response": "reject"}),
                Content::Notice("content-call-refused"),
            ),
            (
                "iris.calls.customer-permission",
                json!({"response": "later"}),
                lines("content-call-permission", &["later"]),
            ),
        ]);
    }

    #[test]
    fn options_keep_their_place_where_only_some_have_a_number() {
        let menu = json!({"options": [{"text": "A"}, {"text": "B", "order": 1}, {"text": "C"}]});
        check([("lime.select", menu, ask("", &["A", "B", "C"]))]);
    }

    #[test]
    fn what_blip_says_of_itself_is_read() {
        let ticket = json!({"id": "t", "sequentialId": 7, "status": "Waiting"});
        check([
            ("iris.ticket", ticket.clone(), lines("content-ticket", &["#7", "Waiting"])),
            (
                "iris.resource",
                json!({"key": "welcome", "variables": {}}),
                lines("content-resource", &["welcome"]),
            ),
            (
                "iris.desk.thread-summary",
                json!({"summary": ["Wants a refund", {"text": "Angry"}]}),
                lines("content-summary", &["Wants a refund", "Angry"]),
            ),
            (
                "lime.redirect",
                json!({"address": "bot@msging.net", "context": {"type": "application/vnd.iris.ticket+json", "value": ticket}}),
                Content::Several(vec![
                    Content::Notice("content-redirected"),
                    lines("content-ticket", &["#7", "Waiting"]),
                ]),
            ),
            ("lime.redirect", json!({"address": "x"}), Content::Notice("content-redirected")),
            ("lime.contact", json!({}), Content::Notice("content-contact")),
            ("lime.contact", json!({"text": "Ana"}), lines("content-contact", &["text: Ana"])),
            ("lime.deleted-content", json!({}), Content::Notice("content-deleted")),
            ("lime.click-tracking", json!({"x": 1}), Content::Notice("content-link-clicked")),
            ("lime.chatstate", json!({"state": "composing"}), Content::Notice("content-typing")),
            (
                "application/vnd.iris.human-agent-request",
                json!("True"),
                Content::Notice("content-human-requested"),
            ),
            (
                "application/vnd.iris.content-unavailable",
                Value::Null,
                Content::Notice("content-unavailable"),
            ),
            ("iris.desk.internal-chat-notification", json!({}), Content::Notice("content-system")),
            ("iris.calls.ended", json!({}), Content::Notice("content-call")),
        ]);
    }

    #[test]
    fn nothing_of_sensitive_content_is_kept() {
        let secret = json!({"type": "application/vnd.lime.sensitive+json", "value": {"type": "text/plain", "value": "4111"}});
        for (kind, value) in [
            ("lime.sensitive", secret["value"].clone()),
            ("lime.sensitive", Value::Null),
            ("lime.container", secret.clone()),
            ("lime.reply", json!({"replied": secret, "inReplyTo": secret})),
            ("lime.document-select", json!({"header": secret, "options": [{"label": secret}]})),
            ("lime.collection", json!({"itemType": secret["type"], "items": ["4111"]})),
            ("lime.new", json!({"a": {"b": secret}})),
        ] {
            let content = read_content(&format!("application/vnd.{kind}+json"), &value);
            assert!(!format!("{content:?}").contains("4111"), "{content:?}");
            assert!(
                kind == "lime.new" || format!("{content:?}").contains("Sensitive"),
                "{content:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_shows_its_name_and_first_words() {
        check([
            (
                "lime.hologram",
                json!({"z": {"caption": "wow"}, "a": "?"}),
                strange("application/vnd.lime.hologram+json", Some("wow")),
            ),
            ("x/y\n", json!({"size": 1}), strange("x/y", None)),
            ("x/y", json!("just words"), strange("x/y", Some("just words"))),
            ("x/y", json!([[["deep"]]]), strange("x/y", Some("deep"))),
        ]);
        let Content::Unknown { kind, text } =
            read_content(&"k".repeat(999), &json!("t".repeat(9999)))
        else {
            panic!("known");
        };
        assert_eq!(kind.chars().count(), MAX_KIND_CHARS + 1);
        assert_eq!(text.unwrap().chars().count(), MAX_EXCERPT_CHARS + 1);
    }

    #[test]
    fn depth_ends_in_an_excerpt_and_length_in_a_mention() {
        let mut deep = json!({"type": "text/plain", "value": "core"});
        for _ in 0..40 {
            deep = json!({"type": "application/vnd.lime.container+json", "value": deep});
        }
        assert!(matches!(read_document(&deep), Some(Content::Unknown { .. })));

        let items: Vec<String> = (0..1000).map(|item| item.to_string()).collect();
        let long = json!({"itemType": "text/plain", "items": items});
        let Content::Several(parts) = read_content("application/vnd.lime.collection+json", &long)
        else {
            panic!("not several");
        };
        assert_eq!(parts.len(), MAX_PARTS);
        assert_eq!(parts.last(), Some(&Content::Notice("content-more")));

        let options: Vec<Value> = items.iter().map(|text| json!({"text": text})).collect();
        let long = json!({"text": "Which?", "options": options});
        let Content::Choice { options, .. } =
            read_content("application/vnd.lime.select+json", &long)
        else {
            panic!("no choice");
        };
        assert_eq!(options.len(), MAX_PARTS);
        assert_eq!(options.last().map(String::as_str), Some("…"));
    }

    #[test]
    fn fields_that_stand_where_the_value_should_be_are_read() {
        let media = LinkedFile {
            url: "https://x.example/a".to_owned(),
            caption: owned("look"),
            ..LinkedFile::default()
        };
        let place = Content::Place { latitude: 1.0, longitude: 2.0, label: owned("look") };
        for (document, expected) in [
            (
                json!({"type": "application/vnd.lime.media-link+json", "uri": "https://x.example/a", "text": "look"}),
                Content::Media(media),
            ),
            (
                json!({"type": "application/vnd.lime.location+json", "latitude": 1, "longitude": 2, "text": "look"}),
                place,
            ),
            (json!({"type": "application/vnd.lime.container+json", "text": "look"}), said("look")),
        ] {
            assert_eq!(read_document(&document), Some(expected));
        }
    }

    #[test]
    fn an_empty_document_is_none() {
        assert_eq!(read_document(&json!({})), None);
        assert_eq!(read_document(&Value::Null), None);
        assert_eq!(read_document(&json!({"value": "hi"})), Some(said("hi")));
        assert_eq!(
            read_document(&json!({"type": "text/plain"})),
            Some(Content::Notice("content-empty"))
        );
    }

    /// Counts the parts of some content and the depth in which they stand.
    fn measure(content: &Content) -> (usize, usize) {
        let inner: Vec<&Content> = match content {
            Content::Several(parts) => parts.iter().collect(),
            Content::Reply { quoted, answer } => {
                quoted.as_deref().into_iter().chain([answer.as_ref()]).collect()
            }
            Content::Reaction { on, .. } => on.as_deref().into_iter().collect(),
            _ => Vec::new(),
        };
        inner
            .into_iter()
            .map(measure)
            .fold((1, 1), |(parts, depth), (more, inner)| (parts + more, depth.max(inner + 1)))
    }

    /// Any JSON, made mostly of the words that documents are made of.
    fn any_json() -> impl Strategy<Value = Value> {
        const TYPES: [&str; 12] = [
            "lime.container",
            "lime.collection",
            "lime.list",
            "lime.reply",
            "lime.reaction",
            "lime.select",
            "lime.document-select",
            "lime.redirect",
            "lime.tuple",
            "lime.input",
            "lime.media-link",
            "lime.contact",
        ];
        const FIELDS: [&str; 24] = [
            "type",
            "value",
            "content",
            "items",
            "itemType",
            "header",
            "options",
            "label",
            "text",
            "replied",
            "inReplyTo",
            "emoji",
            "values",
            "context",
            "item1",
            "uri",
            "template",
            "components",
            "interactive",
            "action",
            "attachment",
            "attachments",
            "payload",
            "elements",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            proptest::sample::select(&TYPES[..])
                .prop_map(|t| json!(format!("application/vnd.{t}+json"))),
        ];
        leaf.prop_recursive(12, 200, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                proptest::collection::btree_map(proptest::sample::select(&FIELDS[..]), inner, 0..8)
                    .prop_map(|fields| json!(fields)),
            ]
        })
    }

    fn any_type() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            Just("application/json".to_owned()),
            "application/vnd\\.(lime|iris)\\.(container|collection|list|tuple|reply|reaction|select|document-select|redirect|input|contact|invoice|ticket)\\+json",
        ]
    }

    proptest! {
        #[test]
        fn any_document_gives_bounded_content(kind in any_type(), value in any_json()) {
            let (parts, depth) = measure(&read_content(&kind, &value));
            prop_assert!(parts <= 4 * MAX_PARTS, "{parts} parts");
            prop_assert!(depth <= 2 * MAX_DOCUMENT_DEPTH, "{depth} deep");
            read_document(&value);
        }
    }
}
