//! WhatsApp's templates: their list, and the messages that are made of them (blip.md, additions §1).
//!
//! They belong to the bot that has the channel, which is the router where there is one. Its key is
//! no good for the desk, and the other bots' keys are none for templates.

use serde_json::{Value, json};
use uuid::Uuid;

use super::lime::{Command, Failure, Outcome};
use super::state::{Caller, Notification, State, ThreadMessage, WHATSAPP};

/// A template as Meta keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its name; it occurs once per language.
    pub name: String,
    /// Its language.
    pub language: String,
    /// `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
    /// `APPROVED`, or what keeps it from being sent.
    pub status: String,
    /// Header, body, footer, buttons.
    pub components: Vec<Value>,
}

impl Template {
    /// An approved one with these words.
    pub fn new(name: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: "pt_BR".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components: vec![json!({ "type": "BODY", "text": body })],
        }
    }

    fn render(&self) -> Value {
        let named = format!("{}/{}", self.name, self.language);
        json!({ "id": Uuid::new_v5(&Uuid::NAMESPACE_OID, named.as_bytes()).to_string(),
            "name": self.name, "language": self.language, "category": self.category,
            "status": self.status, "components": self.components })
    }
}

impl State {
    /// Who has the channel.
    pub(super) fn channel_owner(&self) -> Caller {
        if self.setup.router.is_some() { Caller::Router } else { Caller::Bot }
    }

    /// The templates that reached somebody, in order: each was paid for.
    pub(super) fn templates_for<'a>(
        &'a self,
        identity: &str,
    ) -> impl Iterator<Item = &'a ThreadMessage> + use<'a> {
        let thread = self.threads.get(identity).into_iter().flatten();
        thread.filter(|message| is_template(&message.content) && message.reason.is_none())
    }
}

/// Meta's own list, which is no collection of LIME's. What another bot than the one with the channel
/// is answered is not documented; nor are further pages, so there are none.
pub(super) fn list(state: &State, command: &Command, caller: Caller) -> Outcome {
    let missing = || Failure::world(67, "The requested resource was not found");
    let templates = state.setup.templates.as_ref().ok_or_else(missing)?;
    if caller != state.channel_owner() {
        return Err(missing());
    }
    let take = match command.param("$take") {
        None => 20,
        Some(text) => {
            text.parse().map_err(|error| Failure::mistake(64, format!("$take: {error}")))?
        }
    };
    let name = command.param("templateName");
    let named = templates.iter().filter(|it| name.is_none_or(|name| it.name == name));
    let data: Vec<Value> = named.take(take).map(Template::render).collect();
    Ok(Some(("application/json", json!({ "data": data }))))
}

/// Whether this is the address of somebody on WhatsApp, without a ticket between.
pub(super) fn is_channel_identity(to: &str) -> bool {
    to.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(WHATSAPP))
}

/// Sends a message that went to somebody's own address.
pub(super) fn deliver(
    state: &mut State,
    caller: Caller,
    id: Option<String>,
    (to, kind, content): (&str, &str, &Value),
) {
    // The bot talks with whom it has a conversation, as it does in its flow; within the window.
    if caller == Caller::Bot && kind == "text/plain" && state.last_ticket_of(to).is_some() {
        return super::messages::say_as_bot(state, id, to, content);
    }
    let mistake = if caller != state.channel_owner() {
        Some("another bot has the channel")
    } else if kind != "application/json" || !is_template(content) {
        Some("only a template goes out without a ticket")
    } else if id.is_none() {
        Some("a template is paid for, so its id must be known")
    } else {
        None
    };
    let lost = json!({ "id": id, "to": to, "type": kind, "content": content });
    let (None, Some(id)) = (mistake, id) else {
        let why = mistake.unwrap_or_default();
        state.violations.push(format!("/messages: {why}: {to}"));
        state.undelivered.push((lost, why.to_owned()));
        return;
    };
    let failure = send(state, caller, &id, (to, content));
    if let Some((_, why)) = failure {
        state.undelivered.push((lost, why.to_owned()));
    }
}

/// Sends a template to somebody's own address; returns why it fails, if it does.
pub(super) fn send(
    state: &mut State,
    caller: Caller,
    id: &str,
    (to, content): (&str, &Value),
) -> Option<(i64, &'static str)> {
    let failure = state.setup.cannot_deliver.or_else(|| obstacle(state, &content["template"]));
    let event = if failure.is_some() { "failed" } else { "received" };
    let reason = failure.map(|(code, why)| (code, why.to_owned()));
    let message = ThreadMessage {
        id: id.to_owned(),
        ticket: String::new(),
        from_customer: false,
        kind: "application/json".to_owned(),
        content: content.clone(),
        at: state.now,
        status: event.to_owned(),
        reason: reason.clone(),
        metadata: json!({ "#messageKind": "Active" }),
    };
    state.threads.entry(to.to_owned()).or_default().push(message);
    let by_router = caller == Caller::Router;
    for (event, reason) in [("accepted", None), (event, reason)] {
        let (id, event) = (id.to_owned(), event.to_owned());
        state.notifications.push(Notification { id, event, reason, by_bridge: false, by_router });
    }
    failure
}

/// A template filled in by the order of its parameters: the header's file first, then the body's.
pub(super) fn fill_by_order(
    state: &State,
    (name, language): (&str, &str),
    values: &[String],
) -> Value {
    let is_it = |it: &&Template| it.name == name && it.language == language;
    let template = state.setup.templates.iter().flatten().find(is_it);
    let header = template.and_then(|it| it.components.iter().find(|it| it["type"] == "HEADER"));
    let file = header.and_then(|it| it["format"].as_str()).filter(|format| *format != "TEXT");
    let mut values = values.iter();
    let mut components = Vec::new();
    if let (Some(file), Some(link)) = (file, values.clone().next()) {
        values.next();
        let kind = file.to_ascii_lowercase();
        let parameter = json!({ "type": kind, kind.as_str(): { "link": link } });
        components.push(json!({ "type": "header", "parameters": [parameter] }));
    }
    let body: Vec<Value> = values.map(|text| json!({ "type": "text", "text": text })).collect();
    if !body.is_empty() {
        components.push(json!({ "type": "body", "parameters": body }));
    }
    json!({ "type": "template", "template": { "name": name, "language": { "code": language },
        "components": components } })
}

fn is_template(content: &Value) -> bool {
    content["type"] == "template" && content["template"].is_object()
}

const MISMATCH: (i64, &str) =
    (132_000, "Number of parameters does not match the expected number of params");
const FORMAT: (i64, &str) = (132_012, "Parameter format does not match");

/// Why Meta would refuse a template as it was filled in, with Meta's code.
fn obstacle(state: &State, given: &Value) -> Option<(i64, &'static str)> {
    let (name, language) = (given["name"].as_str(), given["language"]["code"].as_str());
    let is_it =
        |it: &&Template| Some(it.name.as_str()) == name && Some(it.language.as_str()) == language;
    let unknown = (132_001, "Template name does not exist in the translation");
    let Some(template) = state.setup.templates.iter().flatten().find(is_it) else {
        return Some(unknown);
    };
    match template.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Some((132_015, "Template is paused")),
        "DISABLED" => return Some((132_016, "Template is disabled")),
        _ => return Some(unknown),
    }
    let mut given: Vec<&Value> = given["components"].as_array().into_iter().flatten().collect();
    let faults = template.components.iter().map(|part| {
        let words = part["text"].as_str().unwrap_or_default();
        match part["type"].as_str().unwrap_or_default() {
            "HEADER" => find_header_fault(part, &take_parameters(&mut given, "header", None)),
            "BODY" => find_body_fault(words, &take_parameters(&mut given, "body", None)),
            "BUTTONS" => find_button_fault(part, &mut given),
            _ => None,
        }
    });
    let fault = faults.collect::<Vec<_>>().into_iter().flatten().next();
    fault.or_else(|| (!given.is_empty()).then_some(MISMATCH))
}

/// Takes the parameters of one part out of what was given.
fn take_parameters(given: &mut Vec<&Value>, kind: &str, index: Option<usize>) -> Vec<Value> {
    let is_place = |part: &Value, index: usize| {
        part["index"] == json!(index) || part["index"] == json!(index.to_string())
    };
    let is_it = |part: &&Value| {
        let is_kind = part["type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(kind));
        is_kind && index.is_none_or(|index| is_place(part, index))
    };
    let found = given.iter().position(is_it).map(|at| given.remove(at));
    found.and_then(|part| part["parameters"].as_array()).cloned().unwrap_or_default()
}

fn find_header_fault(part: &Value, given: &[Value]) -> Option<(i64, &'static str)> {
    let format = part["format"].as_str().unwrap_or("TEXT");
    if format == "TEXT" {
        let words = part["text"].as_str().unwrap_or_default();
        return (!fits(words, given)).then_some(MISMATCH);
    }
    let kind = format.to_ascii_lowercase();
    let link = given.first().and_then(|it| it[&kind]["link"].as_str());
    let is_link = link.is_some_and(|link| link.starts_with("http"));
    (given.len() != 1 || !is_link).then_some(FORMAT)
}

fn find_body_fault(words: &str, given: &[Value]) -> Option<(i64, &'static str)> {
    if !fits(words, given) {
        return Some(MISMATCH);
    }
    given.iter().any(|it| !is_sound(it)).then_some(FORMAT)
}

fn find_button_fault(part: &Value, given: &mut Vec<&Value>) -> Option<(i64, &'static str)> {
    let mut fault = None;
    for (index, button) in part["buttons"].as_array().into_iter().flatten().enumerate() {
        let url = button["url"].as_str().unwrap_or_default();
        let has_variable = !variables(url).is_empty();
        if has_variable && take_parameters(given, "button", Some(index)).len() != 1 {
            fault = Some((131_008, "Required parameter is missing"));
        }
    }
    fault
}

/// Whether these parameters fill the variables of a text: by place, or by name where they have names.
fn fits(words: &str, given: &[Value]) -> bool {
    let wanted = variables(words);
    let is_named = wanted.iter().any(|name| name.parse::<u32>().is_err());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(name, given)| {
            given["type"] == "text" && (!is_named || given["parameter_name"] == json!(name))
        })
}

/// No line breaks, tabs or more than four blanks in a row, and not nothing.
fn is_sound(parameter: &Value) -> bool {
    let text = parameter["text"].as_str().unwrap_or_default();
    !text.trim().is_empty() && !text.contains(['\n', '\t']) && !text.contains("     ")
}

/// The variables of a text, each once, in order.
fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        if !found.contains(&name) {
            found.push(name);
        }
        rest = after;
    }
    found
}
