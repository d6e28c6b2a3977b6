//! Templates of WhatsApp: Meta's list of them as Blip passes it on, and the message that is made of
//! one (`blip.md`, additions §1.1, §1.2).

use serde_json::{Map, Value, json};

use super::lenient::{get_integer, get_list, get_text};
use super::outgoing::OutgoingDocument;
use crate::model::active::ActiveRoute;
use crate::model::{
    FilledTemplate, HeaderFile, MessageTemplate, TemplateButton, TemplateField, TemplateHeader,
};

/// Most variables of a template that can be filled in by hand; a dialog has room for 100 blocks.
const MAX_FIELDS: usize = 30;

/// The entries of the list: clients of Blip found it in `data`, and other lists of Blip's are in
/// `items` or `documents`.
pub(super) fn list_entries(resource: &Value) -> &[Value] {
    let mut lists = ["data", "items", "documents"].iter().map(|field| get_list(resource, field));
    resource
        .as_array()
        .map_or_else(|| lists.find(|list| !list.is_empty()).unwrap_or_default(), Vec::as_slice)
}

/// A template that can be sent from a dialog; none if Meta has not approved it, or if it has what
/// nobody can fill in there.
pub(super) fn parse_template(entry: &Value) -> Option<MessageTemplate> {
    if !get_text(entry, "status")?.eq_ignore_ascii_case("approved") {
        return None;
    }
    // One-time codes are for programs: they are never written by hand.
    if get_text(entry, "category").is_some_and(|it| it.eq_ignore_ascii_case("authentication")) {
        return None;
    }
    let (name, language) = (get_text(entry, "name")?, get_text(entry, "language")?);
    let (mut header, mut body, mut footer, mut buttons) = (None, None, None, Vec::new());
    for part in get_list(entry, "components") {
        match get_text(part, "type")?.to_ascii_lowercase().as_str() {
            "header" => header = Some(parse_header(part)?),
            "body" => body = get_text(part, "text"),
            "footer" => footer = get_text(part, "text"),
            "buttons" => {
                for button in get_list(part, "buttons") {
                    buttons.push(parse_button(button)?);
                }
            }
            _ => return None,
        }
    }
    let id = get_text(entry, "id").unwrap_or_else(|| format!("{language}/{name}"));
    let body = body.filter(|body| !body.trim().is_empty())?;
    let template = MessageTemplate { id, name, language, header, body, footer, buttons };
    (template.fields().len() <= MAX_FIELDS).then_some(template)
}

fn parse_header(part: &Value) -> Option<TemplateHeader> {
    let format = get_text(part, "format").unwrap_or_else(|| "TEXT".to_owned());
    if format.eq_ignore_ascii_case("text") {
        return get_text(part, "text").map(TemplateHeader::Text);
    }
    HeaderFile::parse(&format).map(TemplateHeader::File)
}

/// A button that needs nothing, or the end of an address.
fn parse_button(button: &Value) -> Option<TemplateButton> {
    let label = get_text(button, "text")?;
    match get_text(button, "type")?.to_ascii_uppercase().as_str() {
        "URL" => Some(TemplateButton { label, url: get_text(button, "url") }),
        "QUICK_REPLY" | "PHONE_NUMBER" => Some(TemplateButton { label, url: None }),
        _ => None,
    }
}

/// The document that sends it.
pub(crate) fn to_lime_document(filled: &FilledTemplate) -> OutgoingDocument {
    let mut components = Vec::new();
    let (mut title, mut body, mut buttons) = (Vec::new(), Vec::new(), Vec::new());
    for (field, value) in &filled.values {
        match field {
            TemplateField::File(file) => {
                let kind = file.name();
                title.push(json!({"type": kind, kind: {"link": value}}));
            }
            TemplateField::Title(name) => title.push(write_parameter(name, value)),
            TemplateField::Body(name) => body.push(write_parameter(name, value)),
            TemplateField::Button(place) => buttons.push(json!({
                "type": "button", "sub_type": "url", "index": place,
                "parameters": [{"type": "text", "text": value}],
            })),
        }
    }
    for (kind, parameters) in [("header", title), ("body", body)] {
        if !parameters.is_empty() {
            components.push(json!({"type": kind, "parameters": parameters}));
        }
    }
    components.append(&mut buttons);
    // The only policy that Meta takes; `namespace` is left out, as newer texts do without it
    // (`blip.md`, additions §0).
    let language = json!({"code": filled.language, "policy": "deterministic"});
    let content = json!({"type": "template", "template": {
        "name": filled.name, "language": language, "components": components,
    }});
    OutgoingDocument { kind: "application/json".into(), content }
}

/// An active message with it: who answers is led into that block of the bot. A file above the words
/// takes the first place, and moves all others by one (`blip.md`, additions §1.3).
pub(super) fn to_campaign(
    name: &str,
    route: &ActiveRoute,
    number: &str,
    filled: &FilledTemplate,
) -> Value {
    let mut values = Map::new();
    let mut keys = Vec::new();
    for (place, (_, value)) in filled.values.iter().enumerate() {
        let key = (place + 1).to_string();
        keys.push(key.clone());
        values.insert(key, value.as_str().into());
    }
    let mut campaign = json!({
        "name": name, "campaignType": "Individual", "channelType": "WhatsApp",
        "flowId": route.flow, "stateId": route.block,
    });
    if let (Some(campaign), Some(bot)) = (campaign.as_object_mut(), &route.master_state) {
        // Only where there is a router: it names the bot behind it that gets the answer.
        campaign.insert("masterstate".to_owned(), bot.as_str().into());
    }
    json!({
        "campaign": campaign,
        "audience": {"recipient": number, "messageParams": values},
        "message": {
            "messageTemplate": filled.name, "messageTemplateLanguage": filled.language,
            "messageParams": keys, "channelType": "WhatsApp",
        },
    })
}

/// Why an active message has failed, if its summary says so: mind the capitals.
pub(super) fn parse_campaign_failure(summary: &Value) -> Option<(i64, String)> {
    let told = get_list(summary, "statusAudience").iter();
    let failed = told.filter(|told| {
        get_text(told, "Status").is_some_and(|status| status.eq_ignore_ascii_case("failed"))
    });
    failed.into_iter().next().map(|told| {
        let code = get_integer(told, "ReasonCode").unwrap_or_default();
        (code, get_text(told, "ReasonDescription").unwrap_or_default())
    })
}

/// A variable is filled in by its place if it is a number, else by its name.
fn write_parameter(name: &str, value: &str) -> Value {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        json!({"type": "text", "text": value})
    } else {
        json!({"type": "text", "parameter_name": name, "text": value})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(status: &str, components: &Value) -> Value {
        json!({"id": "7", "name": "aviso", "language": "pt_BR", "category": "UTILITY",
            "status": status, "components": components})
    }

    #[test]
    fn a_template_is_sent_as_whatsapp_wants_it() {
        let components = json!([
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://x"]}},
            {"type": "BODY", "text": "Pedido {{2}} de {{1}}. {{1}}?"},
            {"type": "FOOTER", "text": "Loja"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Sim"},
                {"type": "URL", "text": "Ver", "url": "https://x/{{1}}"},
            ]},
        ]);
        let template = parse_template(&entry("APPROVED", &components)).unwrap();
        let values = ["https://x/a.png", "Ana", "12", "abc"].map(str::to_owned);
        let filled = template.fill(template.fields().into_iter().zip(values).collect());
        assert_eq!(filled.text, "https://x/a.png\nPedido 12 de Ana. Ana?\nLoja\n[Sim]\n[Ver]");
        assert_eq!(
            to_lime_document(&filled).content,
            json!({"type": "template", "template": {"name": "aviso",
            "language": {"code": "pt_BR", "policy": "deterministic"}, "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x/a.png"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "12"}]},
                {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "abc"}]},
            ]}})
        );
    }

    #[test]
    fn what_cannot_be_sent_by_hand_is_not_offered() {
        let body = || json!({"type": "BODY", "text": "Oi"});
        for (entry, why) in [
            (entry("PENDING", &json!([body()])), "not approved"),
            (entry("APPROVED", &json!([])), "no words"),
            (entry("APPROVED", &json!([body(), {"type": "CAROUSEL"}])), "an unknown part"),
            (
                entry("APPROVED", &json!([body(), {"type": "HEADER", "format": "LOCATION"}])),
                "a place",
            ),
            (
                entry(
                    "APPROVED",
                    &json!([body(), {"type": "BUTTONS", "buttons": [{"type": "FLOW", "text": "Ir"}]}]),
                ),
                "a form",
            ),
        ] {
            assert_eq!(parse_template(&entry), None, "{why}");
        }
        assert!(parse_template(&entry("APPROVED", &json!([body()]))).is_some());
    }
}
