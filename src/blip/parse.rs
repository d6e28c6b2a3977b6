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
use super::envelope::{Envelope, short_type, strip_forwards, ticket_node, ticket_of_node};
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
    let key = key('r', &ticket, &format!("{}:{event}", id.to_lowercase()));
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

/// LIME's code for errors without a code of their own (`blip.md` §2.6).
const GENERAL_ERROR: i64 = 1;

fn ticket(bot: &BotName, envelope: &Envelope, document: &Value) -> Option<Reading> {
    let snapshot = snapshot_of(bot, carried_ticket(envelope, document)?, envelope)?;
    Some(Reading {
        key: key('t', &snapshot.id, &snapshot.status.to_lowercase()),
        ticket: snapshot.id.clone(),
        event: BlipEvent::Ticket(snapshot),
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
    /// Whether an agent, not a bot, wrote it; Blip does not always say.
    pub by_agent: bool,
    /// What was said.
    pub content: Content,
    /// When.
    pub date: Option<Timestamp>,
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
        by_agent: is(envelope.metadata("#messageEmitter"), "human"),
        content: said(&envelope),
        date: date(item, "date"),
    })
}
