//! What is in an `application/json` document: the shapes of the channels themselves.
//!
//! Blip passes them through (`blip.md` §6): templates and interactive messages of WhatsApp,
//! attachments of Messenger, free objects. Knows the shapes that were seen; anything else is shown
//! by its first readable text, or as the JSON it is.

use serde_json::Value;

use super::content::{Reader, and_left, choice, excerpt, is_empty, together};
use super::lenient::{self, as_text, float, integer, joined, list, shorten, text};
use super::object::Object;
use super::sensitive;
use crate::bounded;
use crate::model::{Content, Line, Media};

/// Most characters of JSON that are shown where there is nothing better.
const MAX_JSON: usize = 500;

/// The fields in which WhatsApp's messages carry files.
const FILES: [&str; 6] = ["image", "video", "audio", "voice", "document", "sticker"];

/// Most parameters or buttons of one component; WhatsApp allows far fewer.
const MAX_INNER: usize = 50;

/// What tells the answers of a form from any other JSON.
const FLOW_TOKEN: &str = "flow_token";

/// Reads a document; any JSON gives some content.
pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Content> {
    if is_empty(value) {
        return Some(Content::Notice("content-empty"));
    }
    template(reader, value)
        .or_else(|| interactive(reader, value.get("interactive")?))
        .or_else(|| answer(value))
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

/// A template of WhatsApp: its name, the words that fill or make it, and the files in it.
fn template(reader: &mut Reader, value: &Value) -> Option<Content> {
    let whole = Object::new(value);
    let made = Object::new(whole.get("templateContent").unwrap_or(&Value::Null));
    let template = whole.get("template").filter(|template| template.is_object());
    let given = Object::new(template.unwrap_or(&Value::Null));
    if template.is_none() && value.get("templateContent").is_none() {
        return None;
    }
    whole.skip(&["type"]);
    let name = made.text("name").or_else(|| given.text("name"));
    made.skip(&["name", "language", "namespace"]);
    given.skip(&["name", "language", "namespace"]);
    let (given_parts, made_parts) = (given.list("components"), made.list("components"));
    let parts = if made_parts.is_empty() { given_parts } else { made_parts };
    let words = reader.options(parts, |_, part| component(part, given_parts));
    let lines = name.into_iter().chain(words).chain(whole.left()).chain(given.left());
    let lines: Vec<Line> = lines.chain(made.left()).map(Line::Said).collect();
    let told = if lines.is_empty() {
        Content::Notice("content-template")
    } else {
        Content::Card { kind: "content-template", lines }
    };
    let parameters = given_parts.iter().take(MAX_INNER).flat_map(|part| list(part, "parameters"));
    let files = reader.several(parameters.take(MAX_INNER), |_, parameter| file(parameter));
    together([told].into_iter().chain(files).collect())
}

/// The words of one part of a template: as it was made, with what it is filled with in its places,
/// or only the latter.
fn component(value: &Value, given: &[Value]) -> Option<String> {
    let part = Object::new(value);
    let kind = part.text("type").unwrap_or_default();
    part.skip(&["format", "sub_type", "index"]);
    if !kind.eq_ignore_ascii_case("header") {
        part.skip(&["example"]);
    }
    let is_same =
        |given: &&Value| text(given, "type").is_some_and(|other| other.eq_ignore_ascii_case(&kind));
    let filled = given.iter().find(is_same).unwrap_or(value);
    let parameters = list(filled, "parameters").iter().take(MAX_INNER);
    part.skip(&["parameters"]);
    // Whoever writes a template by hand writes its line breaks as JSON would.
    let made = part.text("text").map(|text| text.replace("\\n", "\n"));
    let mut lines = match made {
        Some(made) if made.contains("{{") => vec![fill(made, parameters)],
        made => made.into_iter().chain(parameters.filter_map(parameter)).collect(),
    };
    let buttons = part.list("buttons").iter().take(MAX_INNER);
    lines.extend(buttons.filter_map(|button| {
        let target = text(button, "url").or_else(|| text(button, "phone_number"));
        joined(": ", [text(button, "text"), target])
    }));
    lines.extend(part.left());
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A text with its variables filled in: `{{1}}` by place, `{{name}}` by name.
fn fill<'v>(made: String, parameters: impl Iterator<Item = &'v Value>) -> String {
    let named = parameters.enumerate().filter_map(|(place, value)| {
        let name = text(value, "parameter_name").unwrap_or_else(|| (place + 1).to_string());
        Some((format!("{{{{{name}}}}}"), parameter(value)?))
    });
    named.fold(made, |made, (variable, words)| made.replace(&variable, &words))
}

/// The words of a parameter; files are shown themselves.
fn parameter(value: &Value) -> Option<String> {
    let parameter = Object::new(value);
    parameter.skip(&["type", "parameter_name"]);
    parameter.skip(&FILES);
    let amount =
        ["currency", "date_time"].map(|kind| parameter.object(kind).text("fallback_value"));
    let words = ["text", "payload", "coupon_code"].map(|field| parameter.text(field));
    joined(
        "\n",
        [
            words.into_iter().chain(amount).flatten().next(),
            Some(parameter.left().join("\n")).filter(|left| !left.is_empty()),
        ],
    )
}

/// An interactive message of WhatsApp, or the answer to one.
fn interactive(reader: &mut Reader, value: &Value) -> Option<Content> {
    if let Some(answer) = answer(value) {
        return Some(answer);
    }
    let whole = Object::new(value);
    whole.skip(&["type"]);
    let part = |field| whole.get(field).and_then(|part| text(part, "text"));
    let words = joined("\n", [part("header"), part("body"), part("footer")]);
    let action = Object::new(whole.get("action").unwrap_or(&Value::Null));
    let options = actions(reader, &action);
    let mut parts = Vec::from_iter(value.get("header").and_then(file));
    parts.extend(choice(words, options));
    Some(and_left(and_left(together(parts)?, &action), &whole))
}

/// What a customer chose or filled in.
fn answer(value: &Value) -> Option<Content> {
    let chosen = ["button_reply", "list_reply"].iter().find_map(|field| value.get(*field));
    if let Some(chosen) = chosen {
        let chosen = Object::new(chosen);
        chosen.skip(&["id"]);
        let words = joined(": ", [chosen.text("title"), chosen.text("description")])?;
        return Some(and_left(Content::Text(words), &chosen));
    }
    let form = Object::new(value.get("nfm_reply")?);
    form.skip(&["name", "body"]);
    let answers = form.get("response_json").and_then(answers);
    let filled = answers.or_else(|| text(value.get("nfm_reply")?, "body").map(Content::Text))?;
    Some(and_left(filled, &form))
}

/// The answers of a form that came as text.
pub(super) fn form(text: &str) -> Option<Content> {
    let may_be_one = text.trim_start().starts_with('{') && text.contains(FLOW_TOKEN);
    let answers = bounded::entries(text, MAX_INNER).filter(|_| may_be_one)?;
    let is_form = answers.iter().any(|(name, _)| name == FLOW_TOKEN);
    if is_form { filled_in(read_each(&answers)) } else { None }
}

/// The answers of a form (`blip.md`, additions §10), a line each; what cannot be read as such, as it
/// was sent.
fn answers(response: &Value) -> Option<Content> {
    let Some(text) = response.as_str() else {
        let fields = response.as_object()?.iter().take(MAX_INNER);
        return filled_in(fields.map(|(name, value)| (name.clone(), value.clone())));
    };
    if let Some(answers) = bounded::entries(text, MAX_INNER) {
        return filled_in(read_each(&answers));
    }
    let lines = vec![Line::Said(shorten(as_text(response)?.as_str(), MAX_JSON))];
    Some(Content::Card { kind: "content-form", lines })
}

/// Answers as values; one that is too much to be read is shown as it was written.
fn read_each(answers: &[(String, &str)]) -> impl Iterator<Item = (String, Value)> {
    answers.iter().map(|(name, json)| {
        let value = lenient::tree(json).map(|mut value| {
            sensitive::remove(&mut value);
            value
        });
        (name.clone(), value.unwrap_or_else(|| Value::from(*json)))
    })
}

fn filled_in(answers: impl Iterator<Item = (String, Value)>) -> Option<Content> {
    let answers = answers.filter(|(name, _)| name != FLOW_TOKEN);
    let lines = answers.filter_map(|(name, value)| Some((question(&name), given(&value)?)));
    let lines: Vec<Line> =
        lines.map(|(question, given)| Line::Said(format!("{question}: {given}"))).collect();
    (!lines.is_empty()).then_some(Content::Card { kind: "content-form", lines })
}

/// What a field of a form asks for. WhatsApp's editor names them `screen_0_Nome_1`.
fn question(name: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let inner = name.strip_prefix("screen_").and_then(|rest| rest.split_once('_'));
    let inner =
        inner.filter(|(screen, _)| is_number(screen)).and_then(|(_, rest)| rest.rsplit_once('_'));
    let words = inner.filter(|(_, number)| is_number(number)).map_or(name, |(words, _)| words);
    words.replace('_', " ")
}

/// What was answered; nothing if it was left empty.
fn given(value: &Value) -> Option<String> {
    match value {
        Value::Array(several) => {
            let several: Vec<String> = several.iter().take(MAX_INNER).filter_map(given).collect();
            (!several.is_empty()).then(|| several.join(", "))
        }
        Value::Object(_) => Some(shorten(&value.to_string(), MAX_JSON)),
        _ => as_text(value).map(|text| shorten(&text, MAX_JSON)),
    }
}

fn actions(reader: &mut Reader, action: &Object<'_>) -> Vec<String> {
    action.skip(&["name", "button"]);
    let mut options = reader.options(action.list("buttons"), |_, button| {
        text(button.get("reply").unwrap_or(button), "title").or_else(|| text(button, "text"))
    });
    for section in action.list("sections").iter().take(MAX_INNER) {
        let section = Object::new(section);
        section.skip(&["title"]);
        options.extend(reader.options(section.list("rows"), |_, row| {
            joined(": ", [text(row, "title"), text(row, "description")])
        }));
        options.extend(section.left());
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

    fn said(lines: &[&str]) -> Vec<Line> {
        lines.iter().map(|line| Line::Said((*line).to_owned())).collect()
    }

    fn form_with(lines: &[&str]) -> Content {
        Content::Card { kind: "content-form", lines: said(lines) }
    }

    fn made_of(lines: &[&str]) -> Content {
        Content::Card { kind: "content-template", lines: said(lines) }
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
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "A", "description": "first"}}}),
                Content::Text("A: first".to_owned()),
            ),
        ]);
    }

    #[test]
    fn the_answers_of_a_form_are_a_line_each() {
        let flow = |response: Value| {
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply":
                {"name": "flow", "body": "Sent", "response_json": response}}})
        };
        let made = r#"{"flow_token": "unused", "screen_0_Nome_0": "Maria", "screen_1_Data_de_nascimento_12": "2026-12-01"}"#;
        let long = "x".repeat(9000);
        check([
            (flow(json!(made)), form_with(&["Nome: Maria", "Data de nascimento: 2026-12-01"])),
            (
                flow(
                    json!({"flow_token": "t", "screen_x": ["a", 2], "ok": true, "empty": "", "deep": {"a": 1}}),
                ),
                form_with(&["deep: {\"a\":1}", "ok: true", "screen x: a, 2"]),
            ),
            (flow(json!("{broken")), form_with(&["{broken"])),
            (flow(json!(long)), form_with(&[&shorten(&long, MAX_JSON)])),
            (flow(json!("{\"flow_token\":\"t\"}")), Content::Text("Sent".to_owned())),
            (json!({"nfm_reply": {"response_json": {"a": 1}}}), form_with(&["a: 1"])),
        ]);
        let text = content("text/plain", &json!(r#" {"flow_token":"t","nome":"Ana"}"#));
        assert_eq!(text, form_with(&["nome: Ana"]));
        let other = r#"{"a":"flow_token"}"#;
        assert_eq!(content("text/plain", &json!(other)), Content::Text(other.to_owned()));
        let odd = flow(json!(r#"{"z":1e999,"a":"x"}"#));
        assert_eq!(content("application/json", &odd), form_with(&["z: 1e999", "a: x"]));
    }

    #[test]
    fn a_template_shows_its_file_and_is_filled_in() {
        let given = json!([
            {"type": "header", "parameters": [{"type": "document", "document": {"filename": "take.pdf", "link": "https://x.example/take.pdf"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "BLiP"}, {"type": "currency", "currency": {"fallback_value": "R$ 5", "code": "BRL"}}]},
            {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [{"type": "payload", "payload": "Sim"}]}]);
        let pdf = Content::Media(Media {
            title: Some("take.pdf".to_owned()),
            ..file("https://x.example/take.pdf", "document")
        });
        let made = json!([
            {"type": "HEADER", "format": "DOCUMENT", "example": {"header_handle": ["https://x.example/sample"]}},
            {"type": "BODY", "text": "Oi {{1}},\\nsão {{2}}", "example": {"body_text": [["Ana"]]}},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Ver", "url": "https://x.example"}]}]);
        check([
            (
                json!({"type": "template", "template": {"name": "aviso", "language": {"code": "pt_BR"}, "components": given}}),
                Content::Several(vec![made_of(&["aviso", "BLiP\nR$ 5", "Sim"]), pdf.clone()]),
            ),
            (
                json!({"type": "template-content", "template": {"name": "aviso", "components": given},
                    "templateContent": {"name": "aviso", "components": made}}),
                Content::Several(vec![
                    made_of(&[
                        "aviso",
                        "example.header_handle: https://x.example/sample",
                        "Oi BLiP,\nsão R$ 5",
                        "Ver: https://x.example",
                    ]),
                    pdf,
                ]),
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
