//! What is in an `application/json` document: the shapes of the channels themselves.
//!
//! Blip passes them through (`blip.md` §6): templates and interactive messages of WhatsApp,
//! attachments of Messenger, free objects. Knows the shapes that were seen; anything else is shown
//! by its first readable text, or as the JSON it is.

use serde_json::Value;

use super::card::card;
use super::content::{Reader, choice, excerpt, is_empty, together};
use super::lenient::{as_text, float, integer, joined, list, shorten, text};
use crate::model::{Content, Media};

/// Most characters of JSON that are shown where there is nothing better.
const MAX_JSON: usize = 500;

/// The fields in which WhatsApp's messages carry files.
const FILES: [&str; 6] = ["image", "video", "audio", "voice", "document", "sticker"];

/// Reads a document; any JSON gives some content.
pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Content> {
    if is_empty(value) {
        return Some(Content::Notice("content-empty"));
    }
    template(reader, value)
        .or_else(|| interactive(reader, value.get("interactive")?))
        .or_else(|| attachments(reader, value))
        .or_else(|| file(value))
        .or_else(|| with_quick_replies(reader, value))
        .or_else(|| as_text(value).map(Content::Text))
        .or_else(|| {
            Some(Content::Unknown { kind: "application/json".to_owned(), text: shown(value) })
        })
}

fn shown(value: &Value) -> Option<String> {
    excerpt(value).or_else(|| Some(shorten(&value.to_string(), MAX_JSON)))
}

/// A template of WhatsApp: its name, and the words that fill or make it.
fn template(reader: &mut Reader, value: &Value) -> Option<Content> {
    let made = value.get("templateContent");
    let template = value.get("template").filter(|template| template.is_object()).or(made)?;
    let components = made.map_or_else(|| list(template, "components"), |m| list(m, "components"));
    let name = text(template, "name").or_else(|| text(made?, "name"));
    let words = reader.options(components, |_, component| {
        let parameters = list(component, "parameters").iter();
        let buttons = list(component, "buttons").iter();
        let texts = [text(component, "text")].into_iter().flatten();
        let inner = parameters.chain(buttons).take(MAX_INNER).filter_map(|part| text(part, "text"));
        let lines: Vec<String> = texts.chain(inner).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    });
    card("content-template", value, [name].into_iter().chain(words.into_iter().map(Some)).collect())
}

/// Most parameters or buttons of one component; WhatsApp allows far fewer.
const MAX_INNER: usize = 50;

/// An interactive message of WhatsApp, or the answer to one.
fn interactive(reader: &mut Reader, value: &Value) -> Option<Content> {
    let answer = ["button_reply", "list_reply", "nfm_reply"].iter().find_map(|f| value.get(*f));
    if let Some(answer) = answer {
        return text(answer, "title").or_else(|| text(answer, "body")).map(Content::Text);
    }
    let part = |field: &str| value.get(field).and_then(|part| text(part, "text"));
    let words = joined("\n", [part("header"), part("body"), part("footer")]);
    let options = value.get("action").map_or_else(Vec::new, |action| actions(reader, action));
    let mut parts = Vec::from_iter(value.get("header").and_then(file));
    parts.extend(choice(words, options));
    together(parts)
}

fn actions(reader: &mut Reader, action: &Value) -> Vec<String> {
    let mut options = reader.options(list(action, "buttons"), |_, button| {
        text(button.get("reply").unwrap_or(button), "title").or_else(|| text(button, "text"))
    });
    for section in list(action, "sections").iter().take(MAX_INNER) {
        options.extend(reader.options(list(section, "rows"), |_, row| {
            joined(": ", [text(row, "title"), text(row, "description")])
        }));
    }
    let link = action.get("parameters").and_then(|parameters| {
        let label = text(parameters, "display_text").or_else(|| text(parameters, "flow_cta"));
        joined(": ", [label, text(parameters, "url")])
    });
    options.extend(link);
    options
}

/// Messenger's attachment, alone or in a list.
fn attachments(reader: &mut Reader, value: &Value) -> Option<Content> {
    match value.get("attachment") {
        Some(one) => attachment(reader, one),
        None => together(reader.several(list(value, "attachments"), |reader, item| {
            attachment(reader, item).or_else(|| shown(item).map(Content::Text))
        })),
    }
}

fn attachment(reader: &mut Reader, value: &Value) -> Option<Content> {
    let payload = value.get("payload").filter(|payload| !payload.is_null()).unwrap_or(value);
    let elements = reader.several(list(payload, "elements"), element);
    together(elements)
        .or_else(|| choice(text(payload, "text"), buttons(reader, payload)))
        .or_else(|| place(payload.get("coordinates")?))
        .or_else(|| linked_file(payload, text(value, "type")))
}

fn element(reader: &mut Reader, value: &Value) -> Option<Content> {
    let words = joined("\n", [text(value, "title"), text(value, "subtitle")]);
    let picture = text(value, "image_url").map(|url| {
        Content::Media(Media { url, mime: Some("image".to_owned()), ..Media::default() })
    });
    let mut parts = Vec::from_iter(picture);
    parts.extend(choice(words, buttons(reader, value)));
    together(parts)
}

fn buttons(reader: &mut Reader, value: &Value) -> Vec<String> {
    reader.options(list(value, "buttons"), |_, button| {
        joined(": ", [text(button, "title"), text(button, "url")])
    })
}

fn place(value: &Value) -> Option<Content> {
    Some(Content::Place {
        latitude: float(value, "lat")?,
        longitude: float(value, "long")?,
        label: None,
    })
}

/// A file as WhatsApp names it: `{"image": {"link": …, "caption": …}}`.
fn file(value: &Value) -> Option<Content> {
    let (kind, file) = FILES.iter().find_map(|kind| Some((*kind, value.get(*kind)?)))?;
    linked_file(file, Some(kind.to_owned()))
}

fn linked_file(value: &Value, kind: Option<String>) -> Option<Content> {
    Some(Content::Media(Media {
        url: text(value, "link").or_else(|| text(value, "url"))?,
        mime: text(value, "mime_type").or(kind),
        title: text(value, "filename").or_else(|| text(value, "title")),
        caption: text(value, "caption"),
        size: integer(value, "file_size").and_then(|size| u64::try_from(size).ok()),
        preview_url: None,
    }))
}

fn with_quick_replies(reader: &mut Reader, value: &Value) -> Option<Content> {
    let words = text(value, "text")?;
    let options = reader.options(list(value, "quick_replies"), |_, reply| text(reply, "title"));
    choice(Some(words), options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::content::content;
    use super::*;

    fn check<const N: usize>(table: [(Value, Content); N]) {
        for (value, expected) in table {
            assert_eq!(content("application/json", &value), expected, "{value}");
        }
    }

    fn ask(text: &str, options: &[&str]) -> Content {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Content::Choice { text: text.to_owned(), options }
    }

    fn file(url: &str, mime: &str) -> Media {
        Media { url: url.to_owned(), mime: Some(mime.to_owned()), ..Media::default() }
    }

    fn made_of(lines: &[&str]) -> Content {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Content::Card { kind: "content-template", lines }
    }

    #[test]
    fn templates_show_their_name_and_words() {
        let language = json!({"code": "pt_BR", "policy": "deterministic"});
        check([
            (
                json!({"type": "template", "template": {"namespace": "n", "name": "welcome", "language": language,
                    "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "42"}]}]}}),
                made_of(&["welcome", "Ana\n42"]),
            ),
            (
                json!({"type": "template-content", "template": {"name": "welcome"}, "templateContent": {"name": "welcome", "language": "pt_BR",
                    "components": [{"type": "HEADER", "format": "TEXT", "text": "Hi"}, {"type": "BODY", "text": "Order {{1}}"},
                        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}, {"type": "QUICK_REPLY", "text": "No"}]}]}}),
                made_of(&["welcome", "Hi", "Order {{1}}", "Yes\nNo"]),
            ),
        ]);
    }

    #[test]
    fn interactive_messages_are_menus_and_their_answers_words() {
        let image = Content::Media(file("https://x.example/a", "image"));
        check([
            (
                json!({"type": "interactive", "interactive": {"type": "button", "body": {"text": "Sure?"}, "footer": {"text": "Shop"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}, {"type": "reply", "reply": {"id": "2", "title": "No"}}]}}}),
                ask("Sure?\nShop", &["Yes", "No"]),
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "list", "header": {"type": "text", "text": "Menu"}, "body": {"text": "Pick"},
                    "action": {"button": "Open", "sections": [{"title": "S", "rows": [{"id": "1", "title": "A", "description": "first"}, {"id": "2", "title": "B"}]}]}}}),
                ask("Menu\nPick", &["A: first", "B"]),
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "cta_url", "header": {"type": "image", "image": {"link": "https://x.example/a"}},
                    "body": {"text": "Go"}, "action": {"name": "cta_url", "parameters": {"display_text": "Here", "url": "https://x.example"}}}}),
                Content::Several(vec![image, ask("Go", &["Here: https://x.example"])]),
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "A"}}}),
                Content::Text("A".to_owned()),
            ),
            (
                json!({"interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}}}),
                Content::Text("Sent".to_owned()),
            ),
        ]);
    }

    #[test]
    fn attachments_are_files_places_and_menus() {
        let buttons = json!([{"type": "postback", "title": "Yes", "payload": "y"}]);
        let picture = Content::Media(file("https://x.example/a", "image"));
        check([
            (
                json!({"attachment": {"type": "image", "payload": {"url": "https://x.example/a"}}}),
                picture.clone(),
            ),
            (
                json!({"attachment": {"type": "template", "payload": {"template_type": "button", "text": "Sure?", "buttons": buttons}}}),
                ask("Sure?", &["Yes"]),
            ),
            (
                json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [
                    {"title": "T", "subtitle": "S", "image_url": "https://x.example/a", "buttons": buttons}]}}}),
                Content::Several(vec![picture.clone(), ask("T\nS", &["Yes"])]),
            ),
            (
                json!({"attachments": [{"type": "location", "payload": {"coordinates": {"lat": 1.5, "long": 2}}}]}),
                Content::Place { latitude: 1.5, longitude: 2.0, label: None },
            ),
            (
                json!({"attachments": [{"type": "image", "payload": {"url": "https://x.example/a"}}, {"type": "new", "name": "n"}]}),
                Content::Several(vec![picture, Content::Text("n".to_owned())]),
            ),
            (
                json!({"type": "document", "document": {"link": "https://x.example/b", "filename": "b.pdf", "caption": "c"}}),
                Content::Media(Media {
                    title: Some("b.pdf".to_owned()),
                    caption: Some("c".to_owned()),
                    ..file("https://x.example/b", "document")
                }),
            ),
        ]);
    }

    #[test]
    fn free_objects_show_their_words_or_themselves() {
        let unknown = |text: &str| Content::Unknown {
            kind: "application/json".to_owned(),
            text: Some(text.to_owned()),
        };
        check([
            (json!({"text": "hi"}), Content::Text("hi".to_owned())),
            (json!({"text": "hi", "quick_replies": [{"title": "A"}]}), ask("hi", &["A"])),
            (json!("hi"), Content::Text("hi".to_owned())),
            (json!({"data": {"title": "hi"}}), unknown("hi")),
            (json!({"amount": 5}), unknown(r#"{"amount":5}"#)),
            (json!({}), Content::Notice("content-empty")),
            (json!({"template": "x", "amount": 5}), unknown(r#"{"amount":5,"template":"x"}"#)),
        ]);
    }
}
