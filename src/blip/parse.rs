//! What Blip posts, as events; and what it answers about tickets and messages, as ours.
//!
//! One envelope is one event. The event is read twice, by the intake for its key and ticket and by
//! the pipe when its turn comes, and both times by the same code. Whatever is JSON gives an event:
//! what we cannot make sense of is [`BlipEvent::Unknown`], never an error.
//!
//! Knows nothing of which tickets exist or what their events lead to.
//!
//! Invariant: the key of an event does not depend on how it came here. However many hops put
//! `fwd:` before its id, in whatever case, it is the same event; and events of two tickets are
//! never the same (`a_message_is_itself_whatever_its_route`, `tickets_never_share_a_key`).

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::content::{self, content, is_chat_state, shown_kind};
use super::envelope::{self, Envelope, short_type, strip_forwards, ticket_node, ticket_of_node};
use super::lenient::{self, date, integer, is_true, list, text};
use super::sensitive;
use crate::model::{BlipEvent, BotName, Content, ReceiptKind, Snapshot, TicketId};

/// Longest key that is kept as it is, in bytes; longer ones are kept as their hash.
const MAX_KEY_BYTES: usize = 256;

/// An event with all that the inbox needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// The envelope as Blip wrote it, to be read again by [`event`]; rewritten only if it had
    /// sensitive content, which is taken out.
    pub raw: Vec<u8>,
    /// What makes it the same event as another one.
    pub key: String,
    /// The ticket that it is about.
    pub ticket: Option<TicketId>,
    /// What happened.
    pub event: BlipEvent,
}

/// The body is neither a JSON object nor a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is neither a JSON object nor a list")]
pub struct NotJson;

/// Reads the body of one request: an envelope, or a list of them.
pub fn parse(bot: &BotName, body: &[u8]) -> Result<Vec<Routed>, NotJson> {
    let json = lenient::decode(body);
    let root: &RawValue = serde_json::from_str(&json).ok().ok_or(NotJson)?;
    if root.get().starts_with('{') {
        return Ok(vec![route(bot, body)]);
    }
    let envelopes: Vec<&RawValue> = serde_json::from_str(root.get()).ok().ok_or(NotJson)?;
    Ok(envelopes.into_iter().map(|envelope| route(bot, envelope.get().as_bytes())).collect())
}

/// Reads one envelope, as kept in [`Routed::raw`].
pub fn event(bot: &BotName, raw: &[u8]) -> BlipEvent {
    route(bot, raw).event
}

fn route(bot: &BotName, raw: &[u8]) -> Routed {
    let mut document = lenient::document(&lenient::decode(raw)).unwrap_or_default();
    let had_secrets = sensitive::remove(&mut document);
    let raw = if had_secrets { document.to_string().into_bytes() } else { raw.to_vec() };
    match read(bot, &document) {
        Some(Reading { key, ticket, event }) => Routed { raw, key, ticket: Some(ticket), event },
        None => Routed {
            key: format!("u:{}", sha256(&raw)),
            raw,
            ticket: None,
            event: BlipEvent::Unknown { kind: kind_of(&document) },
        },
    }
}

/// An event that belongs to a ticket.
struct Reading {
    key: String,
    ticket: TicketId,
    event: BlipEvent,
}

fn read(bot: &BotName, document: &Value) -> Option<Reading> {
    let envelope = Envelope::read(document)?;
    if envelope.method.is_some() {
        return None;
    }
    if envelope.event.is_some() && envelope.content.is_none() {
        return receipt(bot, &envelope);
    }
    ticket(bot, &envelope, document).or_else(|| message(bot, &envelope))
}

fn kind_of(document: &Value) -> String {
    let name = ["type", "event", "method"].iter().find_map(|field| text(document, field));
    shown_kind(&name.unwrap_or_default())
}

fn receipt(bot: &BotName, envelope: &Envelope) -> Option<Reading> {
    let sender = envelope.from.as_deref().and_then(ticket_of_node).map(str::to_owned);
    let ticket =
        TicketId::new(bot.clone(), &sender.or_else(|| envelope.metadata("desk.ticketId"))?)?;
    let id = message_id(envelope)?;
    let event = envelope.event.as_deref()?.to_lowercase();
    let key = receipt_key(&ticket, &id, &event);
    let kind = match event.as_str() {
        "accepted" => ReceiptKind::Accepted,
        "received" => ReceiptKind::Received,
        "consumed" => ReceiptKind::Consumed,
        "failed" => ReceiptKind::Failed,
        _ => return Some(Reading { key, ticket, event: BlipEvent::Quiet }),
    };
    let reason = envelope.reason.clone().map(|reason| {
        (reason.code.unwrap_or(GENERAL_ERROR), reason.description.unwrap_or_default())
    });
    Some(Reading {
        key,
        event: BlipEvent::Receipt { ticket: ticket.clone(), id, kind, reason },
        ticket,
    })
}

/// The key under which the inbox keeps that this became of a message of ours.
pub fn receipt_key(ticket: &TicketId, message: &str, event: &str) -> String {
    key('r', ticket, &format!("{}:{event}", message.to_lowercase()))
}

/// LIME's code for errors without a code of their own (`blip.md` §2.6).
const GENERAL_ERROR: i64 = 1;

fn ticket(bot: &BotName, envelope: &Envelope, document: &Value) -> Option<Reading> {
    let snapshot = snapshot_of(bot, carried_ticket(envelope, document)?, envelope)?;
    Some(Reading {
        key: key('t', &snapshot.id, &snapshot.status.to_lowercase()),
        ticket: snapshot.id.clone(),
        event: BlipEvent::Ticket(Box::new(snapshot)),
    })
}

/// The ticket in an envelope: as its content, as the context of a redirect, or in its place.
fn carried_ticket<'a>(envelope: &'a Envelope, document: &'a Value) -> Option<&'a Value> {
    let content = envelope.content.as_ref();
    match envelope.kind.as_deref().map(short_type).as_deref() {
        None => {
            [Some(document), content].into_iter().flatten().find(|ticket| is_bare_ticket(ticket))
        }
        Some("iris.ticket") => Some(content.unwrap_or(&Value::Null)),
        Some("lime.redirect") => inner_ticket(content?.get("context")?),
        Some("lime.container") => inner_ticket(content?),
        Some(_) => None,
    }
}

fn is_bare_ticket(document: &Value) -> bool {
    document.get("sequentialId").is_some() && document.get("status").is_some()
}

fn inner_ticket(document: &Value) -> Option<&Value> {
    let kind = text(document, "type")?;
    if short_type(&kind) == "iris.ticket" { document.get("value") } else { None }
}

/// Reads a ticket out of an answer of Blip's; `None` if it has no id.
pub fn snapshot(bot: &BotName, ticket_document: &Value) -> Option<Snapshot> {
    let mut document = ticket_document.clone();
    sensitive::remove(&mut document);
    snapshot_of(bot, &document, &Envelope::default())
}

/// Reads a ticket; what it does not say itself is taken from its envelope.
fn snapshot_of(bot: &BotName, ticket: &Value, envelope: &Envelope) -> Option<Snapshot> {
    let named = envelope.id.as_deref().and_then(named_ticket);
    let node = envelope.from.as_deref().and_then(ticket_of_node);
    let own_id = text(ticket, "id");
    let id = [own_id.as_deref(), named.map(|(id, _)| id), node]
        .into_iter()
        .flatten()
        .find_map(|id| TicketId::new(bot.clone(), id))?;
    let closed = is_true(ticket, "closed");
    let customer = text(ticket, "customerIdentity");
    Some(Snapshot {
        address: address(&id, envelope.from.as_deref()),
        id,
        status: text(ticket, "status")
            .or_else(|| named.map(|(_, status)| status.to_owned()))
            .unwrap_or_else(|| if closed { "Closed" } else { "" }.to_owned()),
        closed,
        number: integer(ticket, "sequentialId"),
        parent: integer(ticket, "parentSequentialId").filter(|number| *number > 0),
        domain: text(ticket, "customerDomain").or_else(|| domain(customer.as_deref()?)),
        customer,
        agent: text(ticket, "agentIdentity"),
        team: text(ticket, "team"),
        tags: list(ticket, "tags").iter().filter_map(lenient::as_text).collect(),
        opened: date(ticket, "storageDate"),
        ended: date(ticket, "closeDate"),
        first_words: ticket.get("customerInput").and_then(content::document),
    })
}

/// The ticket and status in the id of an envelope such as `Ticket:{id}:Waiting`.
fn named_ticket(envelope_id: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = strip_forwards(envelope_id).split_once(':')?;
    let (id, status) = rest.rsplit_once(':')?;
    prefix.eq_ignore_ascii_case("ticket").then_some((id, status))
}

/// The node to answer to: the sender, if it is this ticket's node and not, say, the postmaster.
fn address(id: &TicketId, from: Option<&str>) -> String {
    let own = from.filter(|node| {
        ticket_of_node(node).is_some_and(|name| name.eq_ignore_ascii_case(id.blip()))
    });
    own.map_or_else(|| ticket_node(id.blip()), str::to_owned)
}

fn domain(identity: &str) -> Option<String> {
    let (_, domain) = identity.split_once('@')?;
    Some(domain.split('/').next().unwrap_or(domain).to_owned())
}

fn message(bot: &BotName, envelope: &Envelope) -> Option<Reading> {
    if envelope.kind.is_none() && envelope.content.is_none() {
        return None;
    }
    let address = envelope.from.clone()?;
    let ticket = TicketId::new(bot.clone(), ticket_of_node(&address)?)?;
    let id = message_id(envelope);
    let key = match &id {
        Some(id) => key('m', &ticket, &id.to_lowercase()),
        None => key_by_content(&ticket, envelope),
    };
    let event = if envelope.kind.as_deref().is_some_and(is_chat_state) {
        BlipEvent::Quiet
    } else {
        BlipEvent::Message { ticket: ticket.clone(), address, id, content: said(envelope) }
    };
    Some(Reading { key, ticket, event })
}

fn message_id(envelope: &Envelope) -> Option<String> {
    let id = strip_forwards(envelope.id.as_deref()?);
    (!id.is_empty()).then(|| id.to_owned())
}

/// What a message says.
///
/// Where a channel sends a code for what the customer saw and chose, Blip adds the words that were
/// seen. They stand for anything that is itself no more than words, but never for a file or a place.
fn said(envelope: &Envelope) -> Content {
    let value = envelope.content.as_ref().unwrap_or(&Value::Null);
    let kind = envelope.kind.as_deref().unwrap_or(match value {
        Value::Object(_) | Value::Array(_) => "application/json",
        _ => "text/plain",
    });
    let content = content(kind, value);
    let is_words = matches!(
        content,
        Content::Text(_)
            | Content::Unknown { .. }
            | Content::Card { .. }
            | Content::Notice("content-empty")
    );
    match envelope.metadata("#blip.payload.text") {
        Some(words) if is_words => Content::Text(words),
        _ => content,
    }
}

fn key(kind: char, ticket: &TicketId, rest: &str) -> String {
    // The colon ends the ticket, so there must be none in it.
    let ticket = ticket.to_string().replace('%', "%25").replace(':', "%3A");
    let key = format!("{kind}:{ticket}:{rest}");
    if key.len() > MAX_KEY_BYTES { format!("{kind}:{}", sha256(key.as_bytes())) } else { key }
}

/// The key of a message that has no id. The marks tell apart two messages that say the same.
fn key_by_content(ticket: &TicketId, envelope: &Envelope) -> String {
    let marks = sensitive::MARKS.map(|mark| envelope.metadata(mark));
    let kind = envelope.kind.as_deref().map(short_type);
    // Fields of objects are sorted by serde_json, so equal content is written equally.
    let canonical = json!([ticket.to_string(), kind, envelope.content, marks]).to_string();
    format!("h:{}", sha256(canonical.as_bytes()))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The id of a message exactly as it was delivered, as Blip wants it in receipts (`blip.md` §5).
pub fn delivered_id(raw: &[u8]) -> Option<String> {
    let document = lenient::document(&lenient::decode(raw))?;
    Envelope::read(&document)?.id.filter(|id| !id.trim().is_empty())
}

/// Which way a message of the history went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the customer, by a bot or an agent.
    Sent,
    /// From the customer.
    Received,
}

/// A message of the history of a ticket or customer.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadMessage {
    /// Blip's message id without any leading `fwd:`; ours, if we sent it.
    pub id: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// What was said.
    pub content: Content,
    /// When.
    pub date: Option<Timestamp>,
    /// How far it came, as an event of receipts (`blip.md` §5).
    pub status: Option<String>,
    /// Why it failed, as Blip writes it.
    pub reason: Option<Value>,
}

impl ThreadMessage {
    /// Whether it is the message with this id.
    pub fn is(&self, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| strip_forwards(own).eq_ignore_ascii_case(id))
    }

    /// How far it came, as a receipt; none where Blip does not say.
    pub fn receipt(&self, ticket: &TicketId) -> Option<Value> {
        let found = json!({"event": self.status.as_ref()?, "reason": self.reason});
        envelope::receipt(ticket.blip(), self.id.as_ref()?, &found)
    }
}

/// Reads an answer to `/tickets/{id}/messages` or `/threads/{identity}`, in the order given.
///
/// What says only that somebody was typing is left out.
pub fn thread_messages(resource: &Value) -> Vec<ThreadMessage> {
    let mut resource = resource.clone();
    sensitive::remove(&mut resource);
    let items = resource.as_array().map_or_else(|| list(&resource, "items"), Vec::as_slice);
    items.iter().filter_map(thread_message).collect()
}

fn thread_message(item: &Value) -> Option<ThreadMessage> {
    let envelope = Envelope::read(item)?;
    if envelope.kind.as_deref().is_some_and(is_chat_state) {
        return None;
    }
    let is = |word: Option<String>, expected: &str| {
        word.is_some_and(|word| word.eq_ignore_ascii_case(expected))
    };
    Some(ThreadMessage {
        id: message_id(&envelope),
        direction: if is(text(item, "direction"), "sent") {
            Direction::Sent
        } else {
            Direction::Received
        },
        content: said(&envelope),
        date: date(item, "date"),
        status: text(item, "status"),
        reason: item.get("reason").filter(|reason| reason.is_object()).cloned(),
    })
}

/// A customer's message of the history, as the event that it should have come as.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// Blip's message id without any leading `fwd:`.
    pub id: String,
    /// When it was said.
    pub date: Timestamp,
    /// The event.
    pub routed: Routed,
}

/// The mark of a message that is the first one after a gap.
const GAP: &str = "#bridge.gap";

impl Missed {
    /// The event as it is to be kept, marked as the first one after a gap.
    pub fn marked(&self) -> Vec<u8> {
        let mut document =
            lenient::document(&lenient::decode(&self.routed.raw)).unwrap_or_default();
        if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert(GAP.to_owned(), "true".into());
        }
        document.to_string().into_bytes()
    }
}

/// Whether an event, as kept in [`Routed::raw`], is marked as the first one after a gap.
pub fn is_after_gap(raw: &[u8]) -> bool {
    let document = lenient::document(&lenient::decode(raw)).unwrap_or_default();
    Envelope::read(&document).is_some_and(|envelope| envelope.metadata(GAP).is_some())
}

/// Reads what a customer said out of an answer to `/tickets/{id}/messages`, oldest first.
pub fn missed(bot: &BotName, address: &str, resource: &Value) -> Vec<Missed> {
    let items = resource.as_array().map_or_else(|| list(resource, "items"), Vec::as_slice);
    let mut missed: Vec<Missed> =
        items.iter().filter_map(|item| missed_message(bot, address, item)).collect();
    // Blip lists the newest first, and several may be of the same millisecond.
    missed.reverse();
    missed.sort_by_key(|message| message.date);
    missed
}

fn missed_message(bot: &BotName, address: &str, item: &Value) -> Option<Missed> {
    let is_sent = text(item, "direction").is_some_and(|way| way.eq_ignore_ascii_case("sent"));
    let (id, date) = (message_id(&Envelope::read(item)?)?, date(item, "date")?);
    if is_sent {
        return None;
    }
    let metadata = item.get("metadata").filter(|metadata| metadata.is_object());
    let envelope = json!({
        "id": format!("fwd:fwd:{id}"), "from": address, "type": item.get("type"),
        "content": item.get("content"), "metadata": metadata.unwrap_or(&json!({})),
    });
    let routed = route(bot, envelope.to_string().as_bytes());
    matches!(routed.event, BlipEvent::Message { .. }).then_some(Missed { id, date, routed })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn missed_messages_are_in_the_order_in_which_they_were_said() {
        let said = |id: &str, date: &str| {
            json!({"id": id, "direction": "received", "type": "text/plain", "content": id,
                "date": date})
        };
        let (first, later) = ("2026-03-01T12:00:00.123Z", "2026-03-01T12:00:00.124Z");
        let newest_first = [said("3", later), said("2", first), said("1", first)];
        let missed = missed(&bot(), NODE, &json!({"items": newest_first}));
        assert_eq!(missed.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    const NODE: &str = "9b2e-1@desk.msging.net/Webhook";
    const TICKET: &str = "application/vnd.iris.ticket+json";

    fn bot() -> BotName {
        BotName::default()
    }

    fn id(ticket: &str) -> TicketId {
        TicketId::new(bot(), ticket).unwrap()
    }

    fn one(envelope: &Value) -> Routed {
        let body = envelope.to_string();
        let mut events = parse(&bot(), body.as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn words(id: &str, text: &str) -> Value {
        json!({"id": id, "from": NODE, "to": "shop@msging.net", "type": "text/plain", "content": text})
    }

    fn seen(envelope: &Value) -> Snapshot {
        match one(envelope).event {
            BlipEvent::Ticket(snapshot) => *snapshot,
            other => panic!("{other:?}"),
        }
    }

    fn heard(envelope: &Value) -> Content {
        match one(envelope).event {
            BlipEvent::Message { content, .. } => content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_customers_message_is_read() {
        let envelope = words("fwd:fwd:A1", "Olá");
        let routed = one(&envelope);
        let expected = BlipEvent::Message {
            ticket: id("9b2e-1"),
            address: NODE.to_owned(),
            id: Some("A1".to_owned()),
            content: Content::Text("Olá".to_owned()),
        };
        assert_eq!(routed.event, expected);
        assert_eq!(routed.ticket, Some(id("9b2e-1")));
        assert_eq!(routed.key, "m:default/9b2e-1:a1");
        assert_eq!(routed.raw, envelope.to_string().into_bytes());
        assert_eq!(event(&bot(), &routed.raw), expected);
    }

    #[test]
    fn a_new_ticket_is_read() {
        let routed = one(&json!({
            "id": "Ticket:9b2e-1:Waiting", "from": NODE, "to": "shop@msging.net", "type": TICKET,
            "content": {
                "id": "9b2e-1", "sequentialId": "37", "ownerIdentity": "shop@msging.net",
                "customerIdentity": "u1@tunnel.msging.net", "customerDomain": "wa.gw.msging.net",
                "provider": "Webhook", "status": "Waiting", "rating": 0, "team": "Default",
                "storageDate": "2026-03-04T05:06:07.000Z", "unreadMessages": 0, "closed": false,
                "parentSequentialId": 36, "tags": ["Pix", 7], "somethingNew": {"a": 1},
                "customerInput": {"type": "text/plain", "value": "help"},
            },
        }));
        let expected = Snapshot {
            id: id("9b2e-1"),
            address: NODE.to_owned(),
            status: "Waiting".to_owned(),
            closed: false,
            number: Some(37),
            parent: Some(36),
            customer: Some("u1@tunnel.msging.net".to_owned()),
            domain: Some("wa.gw.msging.net".to_owned()),
            agent: None,
            team: Some("Default".to_owned()),
            tags: vec!["Pix".to_owned(), "7".to_owned()],
            opened: "2026-03-04T05:06:07Z".parse().ok(),
            ended: None,
            first_words: Some(Content::Text("help".to_owned())),
        };
        assert_eq!(routed.event, BlipEvent::Ticket(Box::new(expected)));
        assert_eq!(routed.key, "t:default/9b2e-1:waiting");
    }

    #[test]
    fn tickets_are_found_wherever_they_stand() {
        let ticket = json!({"id": "9b2e-1", "sequentialId": 1, "status": "ClosedClient"});
        let typed = json!({"type": TICKET, "value": ticket});
        for envelope in [
            ticket.clone(),
            json!({"id": "x", "from": NODE, "content": ticket}),
            json!({"id": "x", "from": NODE, "type": TICKET, "content": ticket}),
            json!({"id": "fwd:Ticket:9b2e-1:ClosedClient", "type": TICKET}),
            json!({"id": "ticket:9b2e-1:ClosedClient", "type": TICKET, "content": "?"}),
            json!({"from": NODE, "type": "application/vnd.lime.redirect+json", "content": {"context": typed}}),
            json!({"from": NODE, "type": "application/vnd.lime.container+json", "content": typed}),
        ] {
            let snapshot = seen(&envelope);
            assert_eq!(
                (snapshot.id, snapshot.status.as_str()),
                (id("9b2e-1"), "ClosedClient"),
                "{envelope}"
            );
            assert_eq!(snapshot.address, NODE);
            assert_eq!(one(&envelope).key, "t:default/9b2e-1:closedclient");
        }
    }

    #[test]
    fn a_ticket_says_of_itself_what_its_envelope_says_otherwise() {
        let envelope = |id: &str, from: &str, content: Value| {
            seen(&json!({"id": id, "from": from, "type": TICKET, "content": content}))
        };
        let own = envelope(
            "Ticket:a:Waiting",
            "b@desk.msging.net/Webhook",
            json!({"id": "c", "status": "Open"}),
        );
        assert_eq!((own.id.blip(), own.status.as_str()), ("c", "Open"));
        assert_eq!(own.address, "c@desk.msging.net/Webhook");
        let named =
            envelope("Ticket:a:b:Waiting", "b@desk.msging.net/Webhook", json!({"id": "\n"}));
        assert_eq!((named.id.blip(), named.status.as_str()), ("a:b", "Waiting"));
        assert_eq!(named.address, "a%3Ab@desk.msging.net/Webhook");
        let sender = envelope("x", "B@desk.msging.net", json!({"closed": "true"}));
        assert_eq!((sender.id.blip(), sender.status.as_str()), ("B", "Closed"));
        assert_eq!(sender.address, "B@desk.msging.net");
    }

    #[test]
    fn answers_about_tickets_are_read() {
        let document = json!({
            "id": "t2", "status": "Waiting", "sequentialId": 2, "parentSequentialId": 0,
            "customerIdentity": "55@wa.gw.msging.net", "customerInput": {},
        });
        let snapshot = snapshot(&bot(), &document).unwrap();
        assert_eq!(snapshot.address, "t2@desk.msging.net/Webhook");
        assert_eq!(snapshot.domain.as_deref(), Some("wa.gw.msging.net"));
        assert_eq!((snapshot.parent, snapshot.first_words), (None, None));
        assert_eq!(super::snapshot(&bot(), &json!({"status": "Open"})), None);
        assert_eq!(super::snapshot(&bot(), &json!("t2")), None);
    }

    #[test]
    fn receipts_are_read() {
        let told = |event: &str| json!({"id": "fwd:M1", "from": NODE, "event": event, "reason": {"code": "131047", "description": "late"}});
        for (name, kind) in [
            ("accepted", ReceiptKind::Accepted),
            ("received", ReceiptKind::Received),
            ("consumed", ReceiptKind::Consumed),
            ("Failed", ReceiptKind::Failed),
        ] {
            let routed = one(&told(name));
            assert_eq!(routed.key, format!("r:default/9b2e-1:m1:{}", name.to_lowercase()));
            let reason = Some((131_047, "late".to_owned()));
            let (ticket, id) = (id("9b2e-1"), "M1".to_owned());
            assert_eq!(routed.event, BlipEvent::Receipt { ticket, id, kind, reason });
        }
        assert_eq!(one(&told("dispatched")).event, BlipEvent::Quiet);

        let relayed = json!({"id": "M1", "from": "55@wa.gw.msging.net", "event": "failed", "metadata": {"desk.ticketId": "9b2e-1"}});
        let expected = BlipEvent::Receipt {
            ticket: id("9b2e-1"),
            id: "M1".to_owned(),
            kind: ReceiptKind::Failed,
            reason: None,
        };
        assert_eq!(one(&relayed).event, expected);
        assert!(matches!(
            one(&json!({"event": "failed", "from": NODE})).event,
            BlipEvent::Unknown { .. }
        ));
    }

    #[test]
    fn what_belongs_to_no_ticket_is_unknown() {
        for (envelope, kind) in [
            (json!({}), ""),
            (json!({"id": "x", "from": NODE}), ""),
            (
                json!({"from": "55@wa.gw.msging.net", "type": "text/plain", "content": "hi"}),
                "text/plain",
            ),
            (json!({"type": "text/plain", "content": "hi"}), "text/plain"),
            (json!({"from": NODE, "method": "get", "uri": "/ping", "type": "a/b"}), "a/b"),
            (json!({"method": "get", "uri": "/ping"}), "get"),
            (json!({"type": TICKET, "content": {}}), TICKET),
        ] {
            let routed = one(&envelope);
            assert_eq!(routed.event, BlipEvent::Unknown { kind: kind.to_owned() }, "{envelope}");
            assert_eq!(routed.ticket, None);
            assert!(routed.key.starts_with("u:"));
        }
    }

    #[test]
    fn typing_is_quiet_and_nothing_said_is_still_a_message() {
        let mut envelope = words("1", "");
        assert_eq!(heard(&envelope), Content::Notice("content-empty"));
        envelope["content"] = Value::Null;
        assert_eq!(heard(&envelope), Content::Notice("content-empty"));
        envelope["type"] = json!("application/vnd.lime.chatstate+json");
        let routed = one(&envelope);
        assert_eq!((routed.event, routed.ticket), (BlipEvent::Quiet, Some(id("9b2e-1"))));
    }

    #[test]
    fn words_that_the_customer_saw_stand_for_the_code_behind_them() {
        let seen = |kind: &str, content: Value| {
            heard(
                &json!({"from": NODE, "type": kind, "content": content, "metadata": {"#blip.payload.text": "Yes"}}),
            )
        };
        let yes = Content::Text("Yes".to_owned());
        assert_eq!(seen("text/plain", json!("opt_1")), yes);
        assert_eq!(seen("text/plain", json!("")), yes);
        assert_eq!(seen("application/x-new", json!({"code": 1})), yes);
        let file =
            seen("application/vnd.lime.media-link+json", json!({"uri": "https://x.example/a"}));
        assert!(matches!(file, Content::Media(_)));
    }

    #[test]
    fn untyped_content_is_read_by_its_shape() {
        assert_eq!(heard(&json!({"from": NODE, "content": "hi"})), Content::Text("hi".to_owned()));
        assert_eq!(
            heard(&json!({"from": NODE, "content": {"text": "hi"}})),
            Content::Text("hi".to_owned())
        );
    }

    #[test]
    fn a_list_of_envelopes_gives_an_event_each() {
        let body = r#" [ {"id":"1", "from":"a@desk.msging.net/Webhook","type":"text/plain","content":"x"}, 7, [], {"x":1e999} ]"#;
        let events = parse(&bot(), body.as_bytes()).unwrap();
        let raw: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(&event.raw)).collect();
        let first =
            r#"{"id":"1", "from":"a@desk.msging.net/Webhook","type":"text/plain","content":"x"}"#;
        assert_eq!(raw, [first, "7", "[]", r#"{"x":1e999}"#]);
        assert!(matches!(events[0].event, BlipEvent::Message { .. }));
        assert!(events[1..].iter().all(|event| matches!(event.event, BlipEvent::Unknown { .. })));
        assert_eq!(parse(&bot(), b"[]"), Ok(Vec::new()));
    }

    #[test]
    fn only_what_is_no_json_at_all_is_refused() {
        for body in [&b""[..], b"hello", b"12", b"\"text\"", b"null", b"{", b"{} {}", b"[1,]"] {
            assert_eq!(parse(&bot(), body), Err(NotJson), "{}", String::from_utf8_lossy(body));
        }
        let deep = format!("{}{}", "{\"a\":".repeat(5000), "1".to_owned() + &"}".repeat(5000));
        assert_eq!(parse(&bot(), deep.as_bytes()).map(|events| events.len()), Ok(1));
        for odd in [
            &b"\xEF\xBB\xBF{\"from\":\"a@desk.msging.net\",\"content\":\"x\"}"[..],
            b"{\"from\":\"a@desk.msging.net\",\"content\":\"\xFF\"}",
            br#"{"from":"a@desk.msging.net","content":"\ud83d"}"#,
        ] {
            let events = parse(&bot(), odd).unwrap();
            assert!(matches!(events[0].event, BlipEvent::Message { .. }));
            assert_eq!(events[0].raw, odd);
        }
    }

    #[test]
    fn sensitive_content_is_not_kept() {
        let kind = "application/vnd.lime.sensitive+json";
        let secret = json!({"type": "text/plain", "value": "4111"});
        let inner = json!({"type": kind, "value": secret});
        for envelope in [
            json!({"id": "1", "from": NODE, "type": kind, "content": secret, "metadata": {"#blip.payload.text": "4111"}}),
            json!({"id": "1", "from": NODE, "type": "application/vnd.lime.container+json", "content": inner}),
            json!({"id": "Ticket:9b2e-1:Waiting", "type": TICKET, "content": {"customerInput": inner}}),
            json!({"from": "elsewhere@msging.net", "type": kind, "content": secret}),
        ] {
            let routed = one(&envelope);
            assert!(!format!("{routed:?}").contains("4111"));
            assert!(!String::from_utf8(routed.raw.clone()).unwrap().contains("4111"));
            assert_eq!(event(&bot(), &routed.raw), routed.event);
        }
    }

    #[test]
    fn messages_without_an_id_are_told_apart_by_what_they_say_and_when() {
        let bare = |content: Value, metadata: Value| {
            one(&json!({"from": NODE, "type": "text/plain", "content": content, "metadata": metadata})).key
        };
        let key = bare(json!("ok"), json!({"#uniqueId": "1", "traceparent": "a"}));
        assert!(key.starts_with("h:"));
        assert_eq!(key, bare(json!("ok"), json!({"traceparent": "b", "#uniqueId": "1"})));
        assert_ne!(key, bare(json!("ok"), json!({"#uniqueId": "2"})));
        assert_ne!(key, bare(json!("no"), json!({"#uniqueId": "1"})));
        assert_ne!(
            bare(json!("ok"), json!({"date_created": "1"})),
            bare(json!("ok"), json!({"#wa.timestamp": "1"}))
        );

        let object = |json: &str| parse(&bot(), json.as_bytes()).unwrap().remove(0).key;
        assert_eq!(
            object(r#"{"from":"a@desk.msging.net","type":"a/b","content":{"x":1,"y":2}}"#),
            object(r#"{"type":"a/b","content":{"y":2,"x":1},"from":"a@desk.msging.net"}"#)
        );
    }

    #[test]
    fn history_is_read_in_the_order_given() {
        let resource = json!({
            "total": 3, "itemType": "application/vnd.iris.thread-message+json",
            "items": [
                {"id": "fwd:fwd:M1", "direction": "sent", "type": "text/plain", "content": "Hi",
                    "date": "2026-03-04T05:06:07.000Z", "status": "consumed", "metadata": {"#messageEmitter": "Human"}},
                {"id": "2", "direction": "received", "type": "application/vnd.lime.chatstate+json", "content": {"state": "composing"}},
                {"direction": "received", "type": "application/vnd.lime.sensitive+json", "content": "4111", "date": 7},
                "garbage",
            ],
        });
        let expected = [
            ThreadMessage {
                id: Some("M1".to_owned()),
                direction: Direction::Sent,
                content: Content::Text("Hi".to_owned()),
                date: "2026-03-04T05:06:07Z".parse().ok(),
                status: Some("consumed".to_owned()),
                reason: None,
            },
            ThreadMessage {
                id: None,
                direction: Direction::Received,
                content: Content::Sensitive,
                date: Timestamp::from_second(7).ok(),
                status: None,
                reason: None,
            },
        ];
        assert_eq!(thread_messages(&resource), expected);
        assert_eq!(thread_messages(&resource["items"]), expected);
        assert_eq!(thread_messages(&Value::Null), []);
    }

    /// Texts as ids may be, including such that look like parts of our keys.
    fn any_id() -> impl Strategy<Value = String> {
        prop_oneof!["[a-zA-Z0-9:%/.-]{1,40}", "[a-z:]{1,4}", "[a-z]{200,1024}"]
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_refused(bytes in any::<Vec<u8>>(), json in "[\\[\\]{}\",:\\\\u0-9a-f ]{0,64}") {
            for body in [&bytes, json.as_bytes()] {
                let events = parse(&bot(), body).unwrap_or_default();
                for routed in events {
                    prop_assert_eq!(event(&bot(), &routed.raw), routed.event);
                }
                event(&bot(), body);
            }
        }

        #[test]
        fn every_envelope_is_one_event(
            fields in proptest::collection::btree_map(
                proptest::sample::select(&["id", "from", "type", "content", "event", "status", "sequentialId", "metadata", "method"][..]),
                prop_oneof![any::<String>(), Just(NODE.to_owned()), Just(TICKET.to_owned())],
                0..8,
            ),
            copies in 1_usize..4,
        ) {
            let envelope = json!(fields);
            let single = one(&envelope);
            prop_assert!(single.key.len() <= MAX_KEY_BYTES);
            prop_assert_eq!(&event(&bot(), &single.raw), &single.event);
            let body = json!(vec![envelope; copies]).to_string();
            prop_assert_eq!(parse(&bot(), body.as_bytes()), Ok(vec![single; copies]));
        }

        #[test]
        fn a_message_is_itself_whatever_its_route(id in any_id(), hops in 0_usize..4, text in any::<String>()) {
            let key = one(&words(&id, &text)).key;
            prop_assert_eq!(&one(&words(&("fwd:".repeat(hops) + &id), &text)).key, &key);
            prop_assert_eq!(&one(&words(&("FWD:".to_owned() + &id.to_uppercase()), "other")).key, &key);
            prop_assert!(key.len() <= MAX_KEY_BYTES);
        }

        #[test]
        fn tickets_never_share_a_key(tickets in [any_id(), any_id()], ids in [any_id(), any_id()]) {
            let keys = |ticket: &str, id: &str| {
                let ticket = TicketId::new(bot(), ticket).unwrap();
                ['m', 't', 'r'].map(|kind| key(kind, &ticket, id))
            };
            let same = tickets[0] == tickets[1] && ids[0] == ids[1];
            prop_assert_eq!(keys(&tickets[0], &ids[0]) == keys(&tickets[1], &ids[1]), same);
            let other = keys(&tickets[1], &ids[1]);
            prop_assert!(same || keys(&tickets[0], &ids[0]).iter().all(|key| !other.contains(key)));
        }
    }
}
