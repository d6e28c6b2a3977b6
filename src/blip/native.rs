//! What is in an `application/json` document: the shapes of the channels themselves.
//!
//! Blip passes them through (`blip.md` §6): templates and interactive messages of WhatsApp,
//! attachments of Messenger, free objects. Knows the shapes that were seen; anything else is shown
//! by its first readable text, or as the JSON it is.

use std::collections::HashMap;

use serde_json::Value;

use super::lenient::{
    self, as_integer, as_text, get_float, get_list, get_text, join_present, truncate_text,
};
use super::object::TrackedObject;
use super::reader::{
    ContentReader, append_unread, build_choice, find_excerpt, is_empty, join_parts,
};
use super::sensitive;
use crate::bounded;
use crate::model::template::fill_known_variables;
use crate::model::{CardLine, Content, LinkedFile};

/// Most characters of JSON that are shown where there is nothing better.
const MAX_JSON_CHARS: usize = 500;

/// The fields in which WhatsApp's messages carry files.
const FILE_FIELDS: [&str; 6] = ["image", "video", "audio", "voice", "document", "sticker"];

/// What files and attachments hold that tells an agent nothing.
const FILE_INTERNALS: [&str; 12] = [
    "id",
    "mid",
    "sha256",
    "hash",
    "voice",
    "animated",
    "sticker_id",
    "attachment_id",
    "is_reusable",
    "template_type",
    "image_aspect_ratio",
    "sharable",
];

/// Most parameters or buttons of one component; WhatsApp allows far fewer.
const MAX_COMPONENT_PARTS: usize = 50;

/// What tells the answers of a form from any other JSON.
const FLOW_TOKEN: &str = "flow_token";

/// Reads a document; any JSON gives some content.
pub(super) fn read_json_content(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    if is_empty(value) {
        return Some(Content::Notice("content-empty"));
    }
    // The narrowest shapes first: nearly anything has a field called `text`.
    read_template(reader, value)
        .or_else(|| read_interactive(reader, value.get("interactive")?))
        .or_else(|| read_answer(value))
        .or_else(|| read_attachments(reader, value))
        .or_else(|| read_whatsapp_file(value))
        .or_else(|| read_contacts(reader, value))
        .or_else(|| read_quick_replies(reader, value))
        .or_else(|| as_text(value).map(Content::Text))
        .or_else(|| {
            Some(Content::Unknown {
                kind: "application/json".to_owned(),
                text: excerpt_or_json(value),
            })
        })
}

fn excerpt_or_json(value: &Value) -> Option<String> {
    find_excerpt(value).or_else(|| Some(truncate_text(&value.to_string(), MAX_JSON_CHARS)))
}

/// A template of WhatsApp: its name, the words that fill or make it, and the files in it.
fn read_template(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    let whole = TrackedObject::new(value);
    let made = TrackedObject::new(whole.take_value("templateContent").unwrap_or(&Value::Null));
    let template = whole.take_value("template").filter(|template| template.is_object());
    let given = TrackedObject::new(template.unwrap_or(&Value::Null));
    if template.is_none() && value.get("templateContent").is_none() {
        return None;
    }
    whole.ignore_fields(&["type"]);
    let name = made.take_text("name").or_else(|| given.take_text("name"));
    made.ignore_fields(&["name", "language", "namespace"]);
    given.ignore_fields(&["name", "language", "namespace"]);
    let (given_parts, made_parts) = (given.take_list("components"), made.take_list("components"));
    // The made form has the words that the customer saw; the given one only what fills its gaps.
    let parts = if made_parts.is_empty() { given_parts } else { made_parts };
    let words = reader.read_options(parts, |_, part| read_component(part, given_parts));
    let lines =
        name.into_iter().chain(words).chain(whole.unread_fields()).chain(given.unread_fields());
    let lines: Vec<CardLine> = lines.chain(made.unread_fields()).map(CardLine::Said).collect();
    let told = if lines.is_empty() {
        Content::Notice("content-template")
    } else {
        Content::Card { kind: "content-template", lines }
    };
    let parameters =
        given_parts.iter().take(MAX_COMPONENT_PARTS).flat_map(|part| get_list(part, "parameters"));
    let files = reader.read_several(parameters.take(MAX_COMPONENT_PARTS), |_, parameter| {
        read_whatsapp_file(parameter)
    });
    join_parts([told].into_iter().chain(files).collect())
}

/// The words of one part of a template: as it was made, with what it is filled with in its places,
/// or only the latter.
fn read_component(value: &Value, given: &[Value]) -> Option<String> {
    let part = TrackedObject::new(value);
    let kind = part.take_text("type").unwrap_or_default();
    part.ignore_fields(&["format", "sub_type", "index"]);
    // In a header the example is the file itself, elsewhere words that nobody was sent.
    if !kind.eq_ignore_ascii_case("header") {
        part.ignore_fields(&["example"]);
    }
    let is_same = |given: &&Value| {
        get_text(given, "type").is_some_and(|other| other.eq_ignore_ascii_case(&kind))
    };
    let filled = given.iter().find(is_same).unwrap_or(value);
    let parameters = get_list(filled, "parameters").iter().take(MAX_COMPONENT_PARTS);
    part.ignore_fields(&["parameters"]);
    // Whoever writes a template by hand writes its line breaks as JSON would.
    let made = part.take_text("text").map(|text| text.replace("\\n", "\n"));
    let mut lines = match made {
        Some(made) if made.contains("{{") => vec![fill_placeholders(&made, parameters)],
        made => made.into_iter().chain(parameters.filter_map(read_parameter)).collect(),
    };
    let buttons = part.take_list("buttons").iter().take(MAX_COMPONENT_PARTS);
    lines.extend(buttons.filter_map(|button| {
        let target = get_text(button, "url").or_else(|| get_text(button, "phone_number"));
        join_present(": ", [get_text(button, "text"), target])
    }));
    lines.extend(part.unread_fields());
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A text with its variables filled in: `{{1}}` by place, `{{name}}` by name.
fn fill_placeholders<'v>(made: &str, parameters: impl Iterator<Item = &'v Value>) -> String {
    let named = parameters.enumerate().filter_map(|(place, value)| {
        let name = get_text(value, "parameter_name").unwrap_or_else(|| (place + 1).to_string());
        Some((name, read_parameter(value)?))
    });
    let named: HashMap<String, String> = named.collect();
    // In one go: a value may read like a variable, and is what it is.
    fill_known_variables(made, |name| named.get(name).map(String::as_str))
}

/// The words of a parameter; files are shown themselves.
fn read_parameter(value: &Value) -> Option<String> {
    let parameter = TrackedObject::new(value);
    parameter.ignore_fields(&["type", "parameter_name"]);
    parameter.ignore_fields(&FILE_FIELDS);
    let amount = ["currency", "date_time"]
        .map(|kind| parameter.take_object(kind).take_text("fallback_value"));
    let words = ["text", "payload", "coupon_code"].map(|field| parameter.take_text(field));
    join_present(
        "\n",
        [
            words.into_iter().chain(amount).flatten().next(),
            Some(parameter.unread_fields().join("\n")).filter(|left| !left.is_empty()),
        ],
    )
}

/// An interactive message of WhatsApp, or the answer to one.
fn read_interactive(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    if let Some(answer) = read_answer(value) {
        return Some(answer);
    }
    let whole = TrackedObject::new(value);
    whole.ignore_fields(&["type"]);
    let part = |field| whole.take_value(field).and_then(|part| get_text(part, "text"));
    let words = join_present("\n", [part("header"), part("body"), part("footer")]);
    let action = TrackedObject::new(whole.take_value("action").unwrap_or(&Value::Null));
    let options = read_action_options(reader, &action);
    let mut parts = Vec::from_iter(value.get("header").and_then(read_whatsapp_file));
    parts.extend(build_choice(words, options));
    Some(append_unread(append_unread(join_parts(parts)?, &action), &whole))
}

/// What a customer chose or filled in.
fn read_answer(value: &Value) -> Option<Content> {
    let chosen = ["button_reply", "list_reply"].iter().find_map(|field| value.get(*field));
    if let Some(chosen) = chosen {
        let chosen = TrackedObject::new(chosen);
        // The id is the bot's own, by which its flow goes on.
        chosen.ignore_fields(&["id"]);
        let words =
            join_present(": ", [chosen.take_text("title"), chosen.take_text("description")])?;
        // A customer who presses a button has said what stands on it.
        return Some(append_unread(Content::Text(words), &chosen));
    }
    let form = TrackedObject::new(value.get("nfm_reply")?);
    form.ignore_fields(&["name", "body"]);
    let answers = form.take_value("response_json").and_then(read_form_answers);
    let filled =
        answers.or_else(|| get_text(value.get("nfm_reply")?, "body").map(Content::Text))?;
    Some(append_unread(filled, &form))
}

/// The answers of a form that came as text.
pub(super) fn read_form_text(text: &str) -> Option<Content> {
    let may_be_one = text.trim_start().starts_with('{') && text.contains(FLOW_TOKEN);
    let answers = bounded::list_entries(text, MAX_COMPONENT_PARTS).filter(|_| may_be_one)?;
    let is_form = answers.iter().any(|(name, _)| name == FLOW_TOKEN);
    if is_form { build_form_card(parse_answers(&answers)) } else { None }
}

/// The answers of a form (`blip.md`, additions §10), a line each; what cannot be read as such, as it
/// was sent.
fn read_form_answers(response: &Value) -> Option<Content> {
    let Some(text) = response.as_str() else {
        let fields = response.as_object()?.iter().take(MAX_COMPONENT_PARTS);
        return build_form_card(fields.map(|(name, value)| (name.clone(), value.clone())));
    };
    if let Some(answers) = bounded::list_entries(text, MAX_COMPONENT_PARTS) {
        return build_form_card(parse_answers(&answers));
    }
    let lines = vec![CardLine::Said(truncate_text(as_text(response)?.as_str(), MAX_JSON_CHARS))];
    Some(Content::Card { kind: "content-form", lines })
}

/// Answers as values; one that is too much to be read is shown as it was written.
fn parse_answers(answers: &[(String, &str)]) -> impl Iterator<Item = (String, Value)> {
    answers.iter().map(|(name, json)| {
        let value = lenient::parse_bounded_json(json).map(|mut value| {
            // The answers came as text, in which nothing was looked for when the envelope came.
            sensitive::remove_sensitive(&mut value);
            value
        });
        (name.clone(), value.unwrap_or_else(|| Value::from(*json)))
    })
}

fn build_form_card(answers: impl Iterator<Item = (String, Value)>) -> Option<Content> {
    // The token ties the answers to a form that was sent, and tells an agent nothing.
    let answers = answers.filter(|(name, _)| name != FLOW_TOKEN);
    let lines =
        answers.filter_map(|(name, value)| Some((field_question(&name), format_answer(&value)?)));
    let lines: Vec<CardLine> =
        lines.map(|(question, given)| CardLine::Said(format!("{question}: {given}"))).collect();
    (!lines.is_empty()).then_some(Content::Card { kind: "content-form", lines })
}

/// What a field of a form asks for. WhatsApp's editor names them `screen_0_Nome_1`.
fn field_question(name: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let inner = name.strip_prefix("screen_").and_then(|rest| rest.split_once('_'));
    let inner =
        inner.filter(|(screen, _)| is_number(screen)).and_then(|(_, rest)| rest.rsplit_once('_'));
    let words = inner.filter(|(_, number)| is_number(number)).map_or(name, |(words, _)| words);
    words.replace('_', " ")
}

/// What was answered; nothing if it was left empty.
fn format_answer(value: &Value) -> Option<String> {
    match value {
        Value::Array(several) => {
            let several: Vec<String> =
                several.iter().take(MAX_COMPONENT_PARTS).filter_map(format_answer).collect();
            (!several.is_empty()).then(|| several.join(", "))
        }
        Value::Object(_) => Some(truncate_text(&value.to_string(), MAX_JSON_CHARS)),
        _ => as_text(value).map(|text| truncate_text(&text, MAX_JSON_CHARS)),
    }
}

fn read_action_options(reader: &mut ContentReader, action: &TrackedObject<'_>) -> Vec<String> {
    action.ignore_fields(&["name", "button"]);
    let mut options = reader.read_options(action.take_list("buttons"), |_, button| {
        get_text(button.get("reply").unwrap_or(button), "title")
            .or_else(|| get_text(button, "text"))
    });
    for section in action.take_list("sections").iter().take(MAX_COMPONENT_PARTS) {
        let section = TrackedObject::new(section);
        section.ignore_fields(&["title"]);
        options.extend(reader.read_options(section.take_list("rows"), |_, row| {
            join_present(": ", [get_text(row, "title"), get_text(row, "description")])
        }));
        options.extend(section.unread_fields());
    }
    let link = action.take_value("parameters").and_then(|parameters| {
        let label =
            get_text(parameters, "display_text").or_else(|| get_text(parameters, "flow_cta"));
        join_present(": ", [label, get_text(parameters, "url")])
    });
    options.extend(link);
    options
}

/// Messenger's attachment, alone or in a list.
fn read_attachments(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    match value.get("attachment") {
        Some(one) => {
            let whole = TrackedObject::new(value);
            whole.ignore_fields(&["type", "mid", "attachment"]);
            read_attachment(reader, one).map(|content| append_unread(content, &whole))
        }
        None => join_parts(reader.read_several(get_list(value, "attachments"), |reader, item| {
            read_attachment(reader, item).or_else(|| excerpt_or_json(item).map(Content::Text))
        })),
    }
}

fn read_attachment(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    let whole = TrackedObject::new(value);
    let kind = whole.take_text("type");
    let payload = value.get("payload").filter(|payload| payload.is_object());
    let payload = TrackedObject::new(payload.unwrap_or(&Value::Null));
    whole.ignore_fields(&["payload"]);
    let inner = if value.get("payload").is_some_and(Value::is_object) { &payload } else { &whole };
    inner.ignore_fields(&FILE_INTERNALS);
    let elements = reader.read_several(inner.take_list("elements"), read_element);
    let content = join_parts(elements)
        .or_else(|| build_choice(inner.take_text("text"), read_buttons(reader, inner)))
        .or_else(|| read_coordinates(inner.take_value("coordinates")?))
        .or_else(|| read_attached_file(inner, kind))?;
    Some(append_unread(append_unread(content, &whole), &payload))
}

fn read_element(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    let element = TrackedObject::new(value);
    let words = join_present("\n", [element.take_text("title"), element.take_text("subtitle")]);
    let picture = element.take_text("image_url").map(|url| {
        Content::Media(LinkedFile { url, mime: Some("image".to_owned()), ..LinkedFile::default() })
    });
    let mut parts = Vec::from_iter(picture);
    parts.extend(build_choice(words, read_buttons(reader, &element)));
    join_parts(parts).map(|content| append_unread(content, &element))
}

fn read_buttons(reader: &mut ContentReader, object: &TrackedObject<'_>) -> Vec<String> {
    reader.read_options(object.take_list("buttons"), |_, button| {
        join_present(": ", [get_text(button, "title"), get_text(button, "url")])
    })
}

fn read_coordinates(value: &Value) -> Option<Content> {
    Some(Content::Place {
        latitude: get_float(value, "lat")?,
        longitude: get_float(value, "long")?,
        label: None,
    })
}

/// A file as WhatsApp names it: `{"image": {"link": …, "caption": …}}`.
fn read_whatsapp_file(value: &Value) -> Option<Content> {
    let (kind, file) = FILE_FIELDS.iter().find_map(|kind| Some((*kind, value.get(*kind)?)))?;
    let file = TrackedObject::new(file);
    file.ignore_fields(&FILE_INTERNALS);
    read_attached_file(&file, Some(kind.to_owned())).map(|content| append_unread(content, &file))
}

fn read_attached_file(file: &TrackedObject<'_>, kind: Option<String>) -> Option<Content> {
    let size = || file.take_value("file_size").and_then(as_integer);
    Some(Content::Media(LinkedFile {
        url: file.take_text("link").or_else(|| file.take_text("url"))?,
        mime: file.take_text("mime_type").or(kind),
        title: file.take_text("filename").or_else(|| file.take_text("title")),
        caption: file.take_text("caption"),
        size: size().and_then(|size| u64::try_from(size).ok()),
        preview_url: None,
    }))
}

/// Contacts as WhatsApp writes them.
fn read_contacts(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    join_parts(reader.read_several(get_list(value, "contacts"), |_, contact| read_contact(contact)))
}

fn read_contact(value: &Value) -> Option<Content> {
    let contact = TrackedObject::new(value);
    let name = contact.take_text("name").or_else(|| {
        let name = contact.take_object("name");
        let parts = ["first_name", "last_name"].map(|part| name.take_text(part));
        name.take_text("formatted_name").or_else(|| join_present(" ", parts))
    });
    let mut lines = Vec::from_iter(name);
    for (list, field) in [("phones", "phone"), ("emails", "email"), ("urls", "url")] {
        let entries = contact.take_list(list).iter().take(MAX_COMPONENT_PARTS);
        let entry = |entry| get_text(entry, field).or_else(|| get_text(entry, "wa_id"));
        lines.extend(entries.filter_map(entry));
    }
    let company = contact.take_object("org");
    let company = ["company", "department", "title"].map(|field| company.take_text(field));
    lines.extend(join_present(", ", company));
    let addresses = contact.take_list("addresses").iter().take(MAX_COMPONENT_PARTS);
    lines.extend(addresses.filter_map(|address| {
        let parts = ["street", "city", "state", "zip", "country"];
        join_present(", ", parts.map(|part| get_text(address, part)))
    }));
    lines.extend(contact.unread_fields());
    let lines: Vec<CardLine> = lines.into_iter().map(CardLine::Said).collect();
    let is_any = !lines.is_empty();
    is_any.then_some(Content::Card { kind: "content-contact", lines })
}

fn read_quick_replies(reader: &mut ContentReader, value: &Value) -> Option<Content> {
    let words = get_text(value, "text")?;
    let options =
        reader.read_options(get_list(value, "quick_replies"), |_, reply| get_text(reply, "title"));
    build_choice(Some(words), options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::content::read_content;
    use super::*;

    fn check<const N: usize>(table: [(Value, Content); N]) {
        for (value, expected) in table {
            assert_eq!(read_content("application/json", &value), expected, "{value}");
        }
    }

    fn ask(text: &str, options: &[&str]) -> Content {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Content::Choice { text: text.to_owned(), options }
    }

    fn file(url: &str, mime: &str) -> LinkedFile {
        LinkedFile { url: url.to_owned(), mime: Some(mime.to_owned()), ..LinkedFile::default() }
    }

    fn said(lines: &[&str]) -> Vec<CardLine> {
        lines.iter().map(|line| CardLine::Said((*line).to_owned())).collect()
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
            (flow(json!(long)), form_with(&[&truncate_text(&long, MAX_JSON_CHARS)])),
            (flow(json!("{\"flow_token\":\"t\"}")), Content::Text("Sent".to_owned())),
            (json!({"nfm_reply": {"response_json": {"a": 1}}}), form_with(&["a: 1"])),
        ]);
        let text = read_content("text/plain", &json!(r#" {"flow_token":"t","nome":"Ana"}"#));
        assert_eq!(text, form_with(&["nome: Ana"]));
        let other = r#"{"a":"flow_token"}"#;
        assert_eq!(read_content("text/plain", &json!(other)), Content::Text(other.to_owned()));
        let odd = flow(json!(r#"{"z":1e999,"a":"x"}"#));
        assert_eq!(read_content("application/json", &odd), form_with(&["z: 1e999", "a: x"]));
    }

    #[test]
    fn a_template_shows_its_file_and_is_filled_in() {
        let given = json!([
            {"type": "header", "parameters": [{"type": "document", "document": {"filename": "take.pdf", "link": "https://x.example/take.pdf"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "BLiP"}, {"type": "currency", "currency": {"fallback_value": "R$ 5", "code": "BRL"}}]},
            {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [{"type": "payload", "payload": "Sim"}]}]);
        let pdf = Content::Media(LinkedFile {
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
    fn a_value_that_reads_like_a_variable_stays_what_it_is() {
        let given = [json!({"text": "{{2}} {{nome}}"}), json!({"text": "dois"})];
        let filled = fill_placeholders("{{1}}, {{2}}, {{3}}", given.iter());
        assert_eq!(filled, "{{2}} {{nome}}, dois, {{3}}");
    }

    #[test]
    fn what_an_attachment_holds_besides_is_named() {
        let picture = Content::Media(file("https://x.example/a", "image"));
        let place = Content::Place { latitude: 1.5, longitude: 2.0, label: None };
        let also = |lines: &[&str]| Content::Card { kind: "content-also", lines: said(lines) };
        check([
            (
                json!({"attachment": {"type": "image", "title": "Foto", "payload": {"url": "https://x.example/a", "sticker_id": 3, "is_reusable": true}}, "text": "Olha"}),
                Content::Several(vec![
                    Content::Several(vec![picture.clone(), also(&["title: Foto"])]),
                    also(&["text: Olha"]),
                ]),
            ),
            (
                json!({"attachments": [{"type": "location", "payload": {"coordinates": {"lat": 1.5, "long": 2}, "note": "portão"}}]}),
                Content::Several(vec![place, also(&["note: portão"])]),
            ),
            (
                json!({"attachment": {"payload": {"elements": [{"image_url": "https://x.example/a", "price": 5}]}}}),
                Content::Several(vec![picture, also(&["price: 5"])]),
            ),
        ]);
    }

    #[test]
    fn contacts_of_whatsapp_are_read_with_their_company() {
        let contact = json!({"name": {"formatted_name": "João Silva", "first_name": "João"},
            "phones": [{"phone": "+55 31 99999-0000", "wa_id": "5531999990000", "type": "CELL"}],
            "emails": [{"email": "joao@x.example", "type": "WORK"}],
            "org": {"company": "Loja", "department": "Vendas", "title": "Gerente"},
            "addresses": [{"street": "Rua 1", "city": "Recife", "country_code": "br"}],
            "birthday": "1990-01-02"});
        let lines = said(&[
            "João Silva",
            "+55 31 99999-0000",
            "joao@x.example",
            "Loja, Vendas, Gerente",
            "Rua 1, Recife",
            "birthday: 1990-01-02",
        ]);
        let card = Content::Card { kind: "content-contact", lines };
        check([
            (json!({"type": "contacts", "contacts": [contact]}), card.clone()),
            (json!({"contacts": [contact, contact]}), Content::Several(vec![card.clone(), card])),
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
                Content::Media(LinkedFile {
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
