//! LIME envelopes: what Blip posts to us, what we post to Blip, and what it answers.
//!
//! Answers are read leniently: no field is required and one of a wrong type counts as missing.
//! Outgoing envelopes are built as plain JSON. Knows the shapes and addresses of Blip's
//! protocol (`blip.md` §2, §4, §5, appendix A); knows nothing of HTTP, nor of what an event means.

use super::outgoing::OutgoingDocument;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::head::EnvelopeHead;
use super::lenient;
use super::lime::TICKET_TYPE;
use crate::model::ticket::WHATSAPP_DOMAIN;

/// Where commands about tickets go.
pub(crate) const DESK_NODE: &str = "postmaster@desk.msging.net";

/// Where commands about contacts go.
pub(crate) const CRM_NODE: &str = "postmaster@crm.msging.net";
/// Who answers for the tunnels between routers and their bots.
pub(crate) const TUNNEL_NODE: &str = "postmaster@tunnel.msging.net";

/// Where commands about media go.
pub(crate) const MEDIA_NODE: &str = "postmaster@media.msging.net";

/// Who answers for WhatsApp.
fn whatsapp_node() -> String {
    format!("postmaster@{WHATSAPP_DOMAIN}")
}

/// The type of a contact.
const CONTACT_TYPE: &str = "application/vnd.lime.contact+json";

/// The type of what is noted about a contact.
const COMMENT_TYPE: &str = "application/vnd.iris.crm.comment+json";

/// Where commands about active messages go.
pub(crate) const CAMPAIGN_NODE: &str = "postmaster@activecampaign.msging.net";

/// The type of a file behind a link.
pub(crate) const MEDIA_LINK_TYPE: &str = "application/vnd.lime.media-link+json";

/// The domain of the nodes through which tickets are answered.
pub(crate) const DESK_DOMAIN: &str = "desk.msging.net";

/// Most entries that Blip puts on a page (`blip.md` §1.1).
pub(crate) const MAX_PAGE_SIZE: u32 = 100;

/// Why something failed. Gateways add numbers of their own, so the set of codes is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimeReason {
    /// A LIME reason code (`blip.md` §2.6); Blip leaves it out at times.
    pub(crate) code: Option<i64>,
    /// The reason in words.
    pub(crate) description: Option<String>,
}

impl LimeReason {
    /// Reads what gives a reason, in whatever form.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let reason = match value {
            Value::Object(_) => Self {
                code: lenient::get_integer(value, "code"),
                description: lenient::get_text(value, "description"),
            },
            Value::Number(_) => Self { code: lenient::as_integer(value), description: None },
            _ => Self { code: None, description: lenient::as_text(value) },
        };
        (reason != Self::default()).then_some(reason)
    }
}

/// What Blip answered to a command. Failures come with HTTP 200 too (`blip.md` §1.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CommandAnswer {
    /// The id of the command.
    pub(crate) id: Option<String>,
    /// `success`, `failure`, or something new.
    pub(crate) status: Option<String>,
    pub(crate) reason: Option<LimeReason>,
    /// What was asked for; a `set` usually has none.
    pub(crate) resource: Option<Value>,
}

impl CommandAnswer {
    /// Reads the body of an answer; `None` if it is not a JSON object.
    pub(crate) fn from_body(body: &[u8]) -> Option<Self> {
        let mut document = lenient::parse_json(&lenient::decode_text(body))?;
        let resource = document.as_object_mut()?.remove("resource");
        Some(Self {
            id: lenient::get_text(&document, "id"),
            status: lenient::get_text(&document, "status"),
            reason: document.get("reason").and_then(LimeReason::from_value),
            resource: resource.filter(|resource| !resource.is_null()),
        })
    }

    /// Whether Blip says that it did what it was asked.
    pub(crate) fn is_success(&self) -> bool {
        self.has_status("success")
    }

    /// Whether Blip says that it did not. An answer may say neither.
    pub(crate) fn is_failure(&self) -> bool {
        self.has_status("failure")
    }

    fn has_status(&self, status: &str) -> bool {
        self.status.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(status))
    }
}

/// Asks for the last `take` messages of a ticket's customer, at most 100 (`blip.md` §4.1), but for
/// the very last ones that are to be skipped.
pub(crate) fn get_ticket_messages(request: &str, ticket: &str, take: u32, skip: u32) -> Value {
    let ticket = encode_path_part(ticket);
    let skip = if skip > 0 { format!("&$skip={skip}") } else { String::new() };
    // Behind a router the conversation is the router's, and the flag asks for it there.
    let uri = format!("/tickets/{ticket}/messages?$take={take}{skip}&getFromOwnerIfTunnel=true");
    build_get(request, DESK_NODE, &uri)
}

/// The message with which Blip announces a ticket (`blip.md` §0), for a ticket that it has told
/// of otherwise; `None` if it has no id.
pub(crate) fn build_ticket_message(ticket: &Value) -> Option<Value> {
    let id = lenient::get_text(ticket, "id")?;
    // What follows a transfer begins as waiting (`blip.md` §3.3).
    let status = lenient::get_text(ticket, "status").unwrap_or_else(|| "Waiting".to_owned());
    Some(json!({
        "id": format!("Ticket:{id}:{status}"), "from": ticket_node(&id),
        "type": TICKET_TYPE, "content": ticket,
    }))
}

/// Asks for what is known of a customer.
pub(crate) fn get_contact(request: &str, identity: &str) -> Value {
    build_get(request, CRM_NODE, &format!("/contacts/{}", encode_path_part(identity)))
}

/// Changes what is named of a contact and nothing else (`blip.md`, additions §3).
pub(crate) fn merge_contact(request: &str, contact: &Value) -> Value {
    json!({
        "id": request, "to": CRM_NODE, "method": "merge", "uri": "/contacts",
        "type": CONTACT_TYPE, "resource": contact,
    })
}

/// Asks for what was noted about a customer: the last `take`, at most 100.
pub(crate) fn get_comments(request: &str, identity: &str, take: u32) -> Value {
    let uri = format!("/contacts/{}/comments?$skip=0&$take={take}", encode_path_part(identity));
    build_get(request, CRM_NODE, &uri)
}

/// Notes something about a customer.
pub(crate) fn set_comment(
    request: &str,
    identity: &str,
    (content, author): (&str, Option<&str>),
) -> Value {
    let resource = match author {
        Some(author) => json!({"content": content, "authorIdentity": author}),
        None => json!({"content": content}),
    };
    json!({
        "id": request, "to": CRM_NODE, "method": "set",
        "uri": format!("/contacts/{}/comments", encode_path_part(identity)),
        "type": COMMENT_TYPE, "resource": resource,
    })
}

/// Asks who is behind a tunnel between a router and the bot; its id is the name of the customer's
/// identity (`blip.md` §5).
pub(crate) fn get_tunnel(request: &str, id: &str) -> Value {
    build_get(request, TUNNEL_NODE, &format!("/tunnels/{}", encode_path_part(id)))
}

/// Asks for the last `take` messages between a customer and the bot, at most 100.
pub(crate) fn get_history(request: &str, identity: &str, take: u32) -> Value {
    let uri =
        // Links to files run out within the hour (`blip.md` §5), and what is read here is older
        // than that.
        format!("/threads/{}?$take={take}&refreshExpiredMedia=true", encode_path_part(identity));
    json!({"id": request, "method": "get", "uri": uri})
}

/// Asks for a sign of life.
pub(crate) fn get_ping(request: &str) -> Value {
    json!({"id": request, "method": "get", "uri": "/ping"})
}

/// Asks how the desk of a bot is set up, which its portal writes (`blip.md` §4.2). Without a name the
/// bot is the one that asks.
pub(crate) fn get_desk_configuration(request: &str, bot: Option<&str>) -> Value {
    let bot = bot.map(|bot| format!("lime://{}@msging.net", encode_path_part(bot)));
    let uri = format!("{}/configuration/caller?owner={DESK_NODE}", bot.unwrap_or_default());
    json!({"id": request, "method": "get", "uri": uri})
}

/// Asks for the tags of a bot's desk, which its portal writes (`blip.md`, additions §8). Without a name
/// the bot is the one that asks.
pub(crate) fn get_tag_settings(request: &str, bot: Option<&str>) -> Value {
    let bot = bot.map(|bot| format!("lime://{}@msging.net", encode_path_part(bot)));
    let uri = format!("{}/buckets/blip:desk:tags", bot.unwrap_or_default());
    json!({"id": request, "method": "get", "uri": uri})
}

/// Asks for the words that agents of a bot's desk must not write (`blip.md`, additions §8).
pub(crate) fn get_forbidden_words(request: &str, bot: Option<&str>) -> Value {
    let bot = bot.map(|bot| format!("lime://{}@msging.net", encode_path_part(bot)));
    let uri = format!("{}/buckets/blip:desk:forbidden-words", bot.unwrap_or_default());
    json!({"id": request, "method": "get", "uri": uri})
}

/// Asks for so many of the WhatsApp templates (`blip.md`, additions §1.1).
pub(crate) fn get_templates(request: &str, take: u32) -> Value {
    build_get(request, &whatsapp_node(), &format!("/message-templates?$take={take}"))
}

/// Asks who a number, written with its `+`, is on WhatsApp (`blip.md`, additions §2).
pub(crate) fn get_whatsapp_account(request: &str, number: &str) -> Value {
    // With its `+`: without it every number seems to have an account (`blip.md`, additions §2).
    build_get(request, &whatsapp_node(), &format!("lime://{WHATSAPP_DOMAIN}/accounts/{number}"))
}

/// Sends a template to somebody with whom there may be no conversation.
pub(crate) fn start_campaign(request: &str, campaign: &Value) -> Value {
    json!({
        "id": request, "to": CAMPAIGN_NODE, "method": "set", "uri": "/campaign/full",
        "type": "application/vnd.iris.activecampaign.full-campaign+json", "resource": campaign,
    })
}

/// Asks for the newest active messages.
pub(crate) fn get_campaigns(request: &str, take: u32) -> Value {
    build_get(request, CAMPAIGN_NODE, &format!("/campaigns?$skip=0&$take={take}"))
}

/// Asks what became of an active message.
pub(crate) fn get_campaign_summary(request: &str, campaign: &str) -> Value {
    let uri = format!("/campaigns/{}/summaries", encode_path_part(campaign));
    build_get(request, CAMPAIGN_NODE, &uri)
}

/// Lists of the desk.
pub(crate) mod list {
    pub(crate) const AGENTS_PATH: &str = "/attendants";
    pub(crate) const TEAMS_PATH: &str = "/teams";
    /// The tags in use.
    pub(crate) const TAGS_PATH: &str = "/tags/active";
    /// The categories of canned replies.
    pub(crate) const REPLIES_PATH: &str = "/replies";

    /// The tickets that wait, as the desk is watched.
    pub(crate) const WAITING_PATH: &str = "/monitoring/waiting-tickets";
    /// The tickets that are open, as the desk is watched.
    pub(crate) const OPEN_PATH: &str = "/monitoring/open-tickets";
    /// The tags of a queue, by its name.
    pub(crate) fn tags_of_queue(queue: &str) -> String {
        format!("/attendance-queues/name/{}/tags", super::encode_path_part(queue))
    }

    /// The policies of service levels.
    pub(crate) const POLICIES_PATH: &str = "/sla-policy";
    /// The schedules of the desk, without their hours.
    pub(crate) const HOURS_PATH: &str = "/attendance-hour";

    /// The canned replies of a category, by its id.
    pub(crate) fn replies_in_category(category: &str) -> String {
        format!("{REPLIES_PATH}/{}", super::encode_path_part(category))
    }
}

/// Asks for the tickets of the desk that wait, or that are open, with the limits of its service levels
/// that each has passed, which Blip finds (`blip.md`, additions §8, §9).
pub(crate) fn get_passed_limits(request: &str, list: &str, skip: u32, take: u32) -> Value {
    let page = format!("$skip={skip}&$take={take}");
    build_get(request, DESK_NODE, &format!("{list}?version=2&calculateSla=true&{page}"))
}

/// Asks for a schedule of the desk with its hours, by its id (`blip.md`, additions §6).
pub(crate) fn get_schedule(request: &str, id: &str) -> Value {
    build_get(request, DESK_NODE, &format!("/attendance-hour-container/{}", encode_path_part(id)))
}

/// Asks for a list of the desk; for what comes after so many entries, if a number is given.
///
/// Pages are documented for agents and replies only, so the other lists are asked for without one
/// to begin with.
pub(crate) fn get_desk_list(request: &str, list: &str, skip: Option<u32>) -> Value {
    match skip {
        None => build_get(request, DESK_NODE, list),
        Some(skip) => {
            build_get(request, DESK_NODE, &format!("{list}?$skip={skip}&$take={MAX_PAGE_SIZE}"))
        }
    }
}

/// Asks what became of a message, or of the last ones; several forms of the id are in use
/// (`blip.md` §5).
pub(crate) fn get_notifications(request: &str, id: Option<&str>) -> Value {
    let about = id.map(|id| format!("?id={}", encode_path_part(id))).unwrap_or_default();
    json!({"id": request, "method": "get", "uri": format!("/notifications{about}")})
}

/// The mark of what Blip did not tell by itself.
const REQUESTED_MARK: &str = "#bridge.asked";

/// What Blip answers of a message, as if it had told by itself (`blip.md` §2.3).
pub(crate) fn build_receipt(ticket: &str, message: &str, found: &Value) -> Option<Value> {
    let mut receipt = json!({
        "id": message, "from": ticket_node(ticket), "event": lenient::get_text(found, "event")?,
        // Marked, as what was asked for proves nothing about whether Blip tells by itself.
        "metadata": {REQUESTED_MARK: "true"},
    });
    let reason = found.get("reason").filter(|reason| !reason.is_null());
    if let (Some(receipt), Some(reason)) = (receipt.as_object_mut(), reason) {
        receipt.insert("reason".to_owned(), reason.clone());
    }
    Some(receipt)
}

/// Whether a receipt was asked for: made by [`build_receipt`], not sent by Blip.
pub(super) fn is_requested_receipt(head: &EnvelopeHead<'_>) -> bool {
    head.metadata(REQUESTED_MARK).is_some()
}

/// Tells that a message was shown to an agent (`blip.md` §5).
pub(crate) fn build_consumed(id: &str, to: &str) -> Value {
    json!({"id": id, "to": to, "event": "consumed"})
}

/// A message with words for a customer. The id is what recognises a second sending.
pub(crate) fn build_text_message(id: &str, to: &str, text: &str) -> Value {
    json!({"id": id, "to": to, "type": "text/plain", "content": text})
}

/// A file behind a link, on its way to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaLink<'a> {
    pub(crate) uri: &'a str,
    pub(crate) mime: &'a str,
    pub(crate) title: &'a str,
    /// Its size in bytes.
    pub(crate) size: Option<u64>,
}

/// The document of a file behind a link (`blip.md` §6).
pub(crate) fn build_media_link(file: &MediaLink<'_>) -> OutgoingDocument {
    let MediaLink { uri, mime, title, size } = file;
    let content = match size {
        Some(size) => json!({"uri": uri, "type": mime, "title": title, "size": size}),
        None => json!({"uri": uri, "type": mime, "title": title}),
    };
    OutgoingDocument { kind: MEDIA_LINK_TYPE.into(), content }
}

/// A message of any type for a customer. The id is what recognises a second sending.
pub(crate) fn build_message(id: &str, to: &str, kind: &str, content: &Value) -> Value {
    json!({"id": id, "to": to, "type": kind, "content": content})
}

/// Asks for a new link to a customer's file whose link has run out (`blip.md` §5).
pub(crate) fn refresh_media_uri(request: &str, uri: &str) -> Value {
    json!({
        "id": request, "to": MEDIA_NODE, "method": "set", "uri": "/refresh-media-uri",
        "type": "text/plain", "resource": uri,
    })
}

pub(super) fn build_get(request: &str, to: &str, uri: &str) -> Value {
    json!({"id": request, "to": to, "method": "get", "uri": uri})
}

pub(super) fn build_set(request: &str, uri: &str, ticket: &Value) -> Value {
    json!({
        "id": request, "to": DESK_NODE, "method": "set", "uri": uri,
        "type": TICKET_TYPE, "resource": ticket,
    })
}

/// Encodes a ticket id or identity as one part of a path, once.
///
/// An identity holds percent signs of its own, which are encoded like anything else; `@` stays, as
/// in Blip's examples: `/attendants/john%2540company.com@blip.ai` (`blip.md` §2.5).
pub(super) fn encode_path_part(part: &str) -> String {
    const PATH_ESCAPES: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    utf8_percent_encode(part, PATH_ESCAPES).to_string()
}

/// The node through which a ticket is answered, for when Blip has not told it (`blip.md` §2.5).
pub(super) fn ticket_node(ticket: &str) -> String {
    /// What LIME does not allow in the name of a node, and blanks.
    const NODE_ESCAPES: &AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'&')
        .add(b'\'')
        .add(b'/')
        .add(b':')
        .add(b'<')
        .add(b'>')
        .add(b'@');
    format!("{}@{DESK_DOMAIN}/Webhook", utf8_percent_encode(ticket, NODE_ESCAPES))
}

/// The ticket's name in a node such as `{ticket}@desk.msging.net/Webhook`; `None` for other nodes.
///
/// The name is taken verbatim, not decoded: ids that were seen are made of letters, digits and
/// dashes, which encoding does not change, and verbatim no two tickets can become one.
pub(super) fn parse_ticket_node(node: &str) -> Option<&str> {
    let (name, rest) = node.trim().split_once('@')?;
    let domain = rest.split_once('/').map_or(rest, |(domain, _)| domain);
    let is_ticket = !name.is_empty() && !name.eq_ignore_ascii_case("postmaster");
    (domain.eq_ignore_ascii_case(DESK_DOMAIN) && is_ticket).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_go_to_the_right_address() {
        for (command, to, uri) in [
            (
                get_ticket_messages("r", "t1", 100, 0),
                Some(DESK_NODE),
                "/tickets/t1/messages?$take=100&getFromOwnerIfTunnel=true",
            ),
            (
                get_contact("r", "1654%40x.gw.msging.net@desk.msging.net"),
                Some(CRM_NODE),
                "/contacts/1654%2540x.gw.msging.net@desk.msging.net",
            ),
            (
                get_history("r", "5531@wa.gw.msging.net", 10),
                None,
                "/threads/5531@wa.gw.msging.net?$take=10&refreshExpiredMedia=true",
            ),
            (get_desk_list("r", list::TEAMS_PATH, None), Some(DESK_NODE), "/teams"),
            (
                get_desk_list("r", &list::replies_in_category("a b"), Some(20)),
                Some(DESK_NODE),
                "/replies/a%20b?$skip=20&$take=100",
            ),
        ] {
            assert_eq!(command.get("uri"), Some(&json!(uri)));
            assert_eq!(command.get("to").and_then(Value::as_str), to, "{uri}");
            assert_eq!(command.get("method"), Some(&json!("get")), "{uri}");
        }
    }

    #[test]
    fn a_text_message_carries_its_own_id() {
        assert_eq!(
            build_text_message("m1", "t1@desk.msging.net/Webhook", "Olá"),
            json!({"id": "m1", "to": "t1@desk.msging.net/Webhook", "type": "text/plain", "content": "Olá"})
        );
    }

    #[test]
    fn answers_are_read_whether_they_succeed_or_fail() {
        let done =
            CommandAnswer::from_body(br#"{"method":"set","status":"success","id":"r"}"#).unwrap();
        assert!(done.is_success() && !done.is_failure());
        let failed = CommandAnswer::from_body(
            br#"{"status":"failure","reason":{"code":"62","description":"The resource is not supported"},"id":"r"}"#,
        )
        .unwrap();
        assert!(failed.is_failure());
        let reason = failed.reason.unwrap();
        assert_eq!(reason.code, Some(62));
        assert_eq!(reason.description.as_deref(), Some("The resource is not supported"));

        let bare =
            CommandAnswer::from_body(br#"{"status":"failure","reason":{"description":"x"}}"#);
        assert_eq!(bare.unwrap().reason.unwrap().code, None);
        assert_eq!(CommandAnswer::from_body(b"<html>"), None);
        assert_eq!(CommandAnswer::from_body(b"[]"), None);
        assert!(!CommandAnswer::from_body(b"{}").unwrap().is_success());
    }

    #[test]
    fn the_ticket_is_the_name_of_a_node_at_the_desk() {
        for (node, ticket) in [
            ("9b2e-1@desk.msging.net/Webhook", Some("9b2e-1")),
            ("9b2e-1@DESK.msging.NET/webhook", Some("9b2e-1")),
            ("9b2e-1@desk.msging.net", Some("9b2e-1")),
            ("1654%40x.gw.msging.net@desk.msging.net", Some("1654%40x.gw.msging.net")),
            ("AbC@desk.msging.net/Webhook", Some("AbC")),
            ("postmaster@desk.msging.net/#az-iris7", None),
            ("@desk.msging.net/Webhook", None),
            ("9b2e-1@wa.gw.msging.net", None),
            ("9b2e-1@desk.msging.net.evil.example/Webhook", None),
            ("9b2e-1@evil.example/x@desk.msging.net/Webhook", None),
            ("9b2e-1", None),
        ] {
            assert_eq!(parse_ticket_node(node), ticket, "{node}");
        }
    }

    #[test]
    fn a_node_made_by_us_is_at_the_desk_whatever_the_id() {
        assert_eq!(ticket_node("9b2e-1"), "9b2e-1@desk.msging.net/Webhook");
        for id in ["x@evil.example/y", "a:b", "é \n"] {
            assert!(parse_ticket_node(&ticket_node(id)).is_some(), "{id}");
        }
    }
}
