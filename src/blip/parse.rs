//! What Blip posts, as events; and what it answers about tickets and messages, as ours.
//!
//! One envelope is one event. It is read twice: by the intake ([`parse_envelopes`]) for its key and
//! ticket, without what it carries, and by its handler ([`parse_event`]) when its turn comes; what it
//! is about is found by the same code both times. Whatever is JSON gives an event: what we cannot
//! make sense of is [`BlipEvent::Unknown`], and what is too large or too odd to be read is
//! [`Content::Unreadable`], never an error.
//!
//! Knows nothing of which tickets exist or what their events lead to.
//!
//! Invariant: the key of an event does not depend on how it came here. However many hops put
//! `fwd:` before its id, in whatever case, it is the same event; and events of two tickets are
//! never the same (`a_message_is_itself_whatever_its_route`, `tickets_never_share_a_key`).

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::carried_ticket::{TICKET_FIELDS, find_carried_ticket};
use super::content::{self, is_chat_state, shown_kind};
use super::envelope::{LimeReason, is_requested_receipt, parse_ticket_node, ticket_node};
use super::head::{self, EnvelopeHead};
use super::lenient::{self, get_date, get_integer, get_list, get_text, is_true};
use super::lime::{short_type, strip_forwards};
use super::sensitive;
use crate::bounded;
use crate::model::hex::to_hex;
use crate::model::{
    BlipEvent, BotName, Content, Priority, ReceiptKind, SaidMessage, Speaker, TicketId,
    TicketSnapshot,
};

/// Longest key that is kept as it is, in bytes; longer ones are kept as their hash.
const MAX_KEY_BYTES: usize = 256;

/// Most envelopes in one request that become events of their own. Blip was never seen to send more
/// than one (`blip.md` §1.2); a longer list is kept as a whole, as something unknown.
const MAX_ENVELOPES: usize = 100;

/// Most tags of a ticket that are read.
const MAX_TAGS: usize = 100;

/// An event with all that the inbox needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutedEnvelope {
    /// The envelope as Blip wrote it, to be read by [`parse_event`]; rewritten only if it had
    /// sensitive content, which is taken out.
    pub raw: Vec<u8>,
    /// What makes it the same event as another one.
    pub key: String,
    /// The ticket that it is about.
    pub ticket: Option<TicketId>,
    /// What it is said to be, if it is of no kind that we know.
    pub(crate) unknown: Option<String>,
}

/// The body is neither a JSON object nor a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is neither a JSON object nor a list")]
pub struct NotJson;

/// Reads the body of one request: an envelope, or a list of them.
pub fn parse_envelopes(bot: &BotName, body: &[u8]) -> Result<Vec<RoutedEnvelope>, NotJson> {
    let json = lenient::decode_text(body);
    let is_several = json.trim_start().starts_with('[');
    // The one thing that is refused at the door: it cannot be an envelope, and no later release
    // will read it either.
    if !(is_several || json.trim_start().starts_with('{')) || !bounded::is_json(&json) {
        return Err(NotJson);
    }
    let envelopes = if is_several { bounded::list_elements(&json, MAX_ENVELOPES) } else { None };
    Ok(match envelopes {
        Some(envelopes) => {
            envelopes.iter().map(|envelope| route_envelope(bot, envelope.as_bytes())).collect()
        }
        None => vec![route_envelope(bot, body)],
    })
}

fn route_envelope(bot: &BotName, raw: &[u8]) -> RoutedEnvelope {
    // Before anything is stored: what Blip calls sensitive is in no file of ours.
    let without_secrets = sensitive::strip_sensitive(&lenient::decode_text(raw));
    // Else byte for byte, so that a later release may read more of it than this one does.
    let raw = without_secrets.map_or_else(|| raw.to_vec(), String::into_bytes);
    let json = lenient::decode_text(&raw);
    let head = EnvelopeHead::from_envelope(&json);
    let found = head.as_ref().and_then(|head| Some((head, find_subject(bot, head)?)));
    let (key, ticket, unknown) = match found {
        Some((head, subject)) => (subject.dedup_key(head), Some(subject.ticket_id().clone()), None),
        None => (format!("u:{}", sha256_hex(&raw)), None, Some(describe_kind(head.as_ref()))),
    };
    RoutedEnvelope { raw, key, ticket, unknown }
}

/// Reads one envelope, as kept in [`RoutedEnvelope::raw`].
pub fn parse_event(bot: &BotName, raw: &[u8]) -> BlipEvent {
    let json = lenient::decode_text(raw);
    let head = EnvelopeHead::from_envelope(&json);
    let found = head.as_ref().and_then(|head| Some((head, find_subject(bot, head)?)));
    match found {
        Some((head, EnvelopeSubject::Receipt { ticket, id, event })) => {
            to_receipt_event(head, ticket, id, &event)
        }
        Some((head, EnvelopeSubject::Ticket { id, status, json })) => {
            BlipEvent::Ticket(Box::new(parse_carried_snapshot(id, status, head, json)))
        }
        Some((_, EnvelopeSubject::StandbyEnd { ticket })) => BlipEvent::StandbyEnd { ticket },
        Some((head, EnvelopeSubject::Message { .. }))
            if head.kind.as_deref().is_some_and(is_chat_state) =>
        {
            BlipEvent::Quiet
        }
        Some((head, EnvelopeSubject::Message { ticket, address, id })) => {
            let delivered_id = head.id.clone().filter(|id| !id.trim().is_empty());
            let is_after_gap = head.metadata(GAP_MARK).is_some();
            let content = read_head_content(head);
            BlipEvent::Message { ticket, address, id, delivered_id, content, is_after_gap }
        }
        None => BlipEvent::Unknown { kind: describe_kind(head.as_ref()) },
    }
}

/// What an envelope is about, as far as its key and ticket depend on it.
enum EnvelopeSubject<'a> {
    /// What became of a message of ours.
    Receipt { ticket: TicketId, id: String, event: String },
    /// The state of a ticket, which stands in this JSON.
    Ticket { id: TicketId, status: String, json: &'a str },
    /// That a ticket is on standby no longer.
    StandbyEnd { ticket: TicketId },
    /// What a customer said.
    Message { ticket: TicketId, address: String, id: Option<String> },
}

impl EnvelopeSubject<'_> {
    fn ticket_id(&self) -> &TicketId {
        match self {
            Self::Receipt { ticket, .. }
            | Self::StandbyEnd { ticket }
            | Self::Message { ticket, .. } => ticket,
            Self::Ticket { id, .. } => id,
        }
    }

    fn dedup_key(&self, head: &EnvelopeHead<'_>) -> String {
        match self {
            Self::Receipt { ticket, id, event } => receipt_key(ticket, id, event),
            // By status and not by the envelope's id: a ticket is told by announcement, by answer
            // and by poll, and each status is news once (`blip.md` §8).
            Self::Ticket { id, status, .. } => build_key('t', id, &status.to_lowercase()),
            // It may happen again, with the same id; all else that Blip tells with it tells one from
            // the other.
            Self::StandbyEnd { ticket } => {
                let marks = [head.metadata("date_created"), head.metadata("#uniqueId")];
                let told = json!([head.event, head.content, marks]);
                build_key('s', ticket, &sha256_hex(told.to_string().as_bytes()))
            }
            Self::Message { ticket, id: Some(id), .. } => {
                build_key('m', ticket, &id.to_lowercase())
            }
            Self::Message { ticket, id: None, .. } => build_content_key(ticket, head),
        }
    }
}

fn find_subject<'a>(bot: &BotName, head: &EnvelopeHead<'a>) -> Option<EnvelopeSubject<'a>> {
    // A channel like ours gets no commands (`blip.md` §0); one that comes all the same is kept as
    // unknown.
    if head.method.is_some() {
        return None;
    }
    if let Some(ticket) = find_standby_end(bot, head) {
        return Some(EnvelopeSubject::StandbyEnd { ticket });
    }
    if let (Some(event), None) = (&head.event, head.content) {
        return find_receipt_subject(bot, head, event);
    }
    find_ticket_subject(bot, head).or_else(|| find_message_subject(bot, head))
}

/// The ticket whose standby somebody who leads the team has ended: only the notification's id tells, such
/// as `{ticket}:ManagerRemoveStandby` (`blip.md`, additions §10).
fn find_standby_end(bot: &BotName, head: &EnvelopeHead<'_>) -> Option<TicketId> {
    head.event.as_ref()?;
    let (ticket, what) = strip_forwards(head.id.as_deref()?).rsplit_once(':')?;
    let is_it = what.eq_ignore_ascii_case("ManagerRemoveStandby");
    TicketId::new(bot.clone(), ticket).filter(|_| is_it)
}

fn describe_kind(head: Option<&EnvelopeHead<'_>>) -> String {
    let name =
        head.and_then(|head| [&head.kind, &head.event, &head.method].into_iter().flatten().next());
    shown_kind(name.map_or("", String::as_str))
}

fn find_receipt_subject<'a>(
    bot: &BotName,
    head: &EnvelopeHead<'a>,
    event: &str,
) -> Option<EnvelopeSubject<'a>> {
    let sender = head.from.as_deref().and_then(parse_ticket_node).map(str::to_owned);
    // A receipt may come from the customer's node; then only its metadata names the ticket
    // (`blip.md` §5).
    let ticket = TicketId::new(bot.clone(), &sender.or_else(|| head.metadata("desk.ticketId"))?)?;
    let id = strip_id(head.id.as_deref())?;
    Some(EnvelopeSubject::Receipt { ticket, id, event: event.to_lowercase() })
}

fn to_receipt_event(
    head: &EnvelopeHead<'_>,
    ticket: TicketId,
    id: String,
    event: &str,
) -> BlipEvent {
    let kind = match event {
        "accepted" => ReceiptKind::Accepted,
        "received" => ReceiptKind::Received,
        "consumed" => ReceiptKind::Consumed,
        "failed" => ReceiptKind::Failed,
        // `dispatched`, obsolete and new events (`blip.md` §2.3) say nothing that an agent would
        // act on.
        _ => return BlipEvent::Quiet,
    };
    let reason =
        head.reason.and_then(lenient::parse_bounded_json).as_ref().and_then(LimeReason::from_value);
    let reason = reason.map(|reason| {
        (reason.code.unwrap_or(GENERAL_ERROR), reason.description.unwrap_or_default())
    });
    let is_requested = is_requested_receipt(head);
    BlipEvent::Receipt { ticket, id, kind, reason, is_requested }
}

/// The key under which the inbox keeps that this became of a message of ours.
pub(crate) fn receipt_key(ticket: &TicketId, message: &str, event: &str) -> String {
    build_key('r', ticket, &format!("{}:{event}", message.to_lowercase()))
}

/// LIME's code for errors without a code of their own (`blip.md` §2.6).
const GENERAL_ERROR: i64 = 1;

/// What a ticket does not say of itself is taken from its envelope.
fn find_ticket_subject<'a>(bot: &BotName, head: &EnvelopeHead<'a>) -> Option<EnvelopeSubject<'a>> {
    let json = find_carried_ticket(head)?;
    // `Ticket:{id}:{status}` is the one documented form (`blip.md` §0); the content may lack
    // either.
    let named = head.id.as_deref().and_then(parse_envelope_id);
    let node = head.from.as_deref().and_then(parse_ticket_node);
    let own_id = head::find_text_field(json, "id");
    let id = [own_id.as_deref(), named.map(|(id, _)| id), node]
        .into_iter()
        .flatten()
        .find_map(|id| TicketId::new(bot.clone(), id))?;
    let is_closed = || head::find_scalars(json, ["closed"]);
    let status = head::find_text_field(json, "status")
        .or_else(|| named.map(|(_, status)| status.to_owned()))
        .unwrap_or_else(|| default_status(&is_closed().into()).to_owned());
    Some(EnvelopeSubject::Ticket { id, status, json })
}

/// The status of a ticket that tells none.
fn default_status(ticket: &Value) -> &'static str {
    if is_true(ticket, "closed") { "Closed" } else { "" }
}

/// Reads a ticket out of an answer of Blip's; `None` if it has no id.
pub(crate) fn parse_snapshot(bot: &BotName, ticket: &Value) -> Option<TicketSnapshot> {
    let id = TicketId::new(bot.clone(), &get_text(ticket, "id")?)?;
    let status = get_text(ticket, "status").unwrap_or_else(|| default_status(ticket).to_owned());
    let input = ticket.get("customerInput").and_then(content::read_document);
    Some(TicketSnapshot { first_words: input, ..build_snapshot(id, status, None, ticket) })
}

/// Reads a ticket in an envelope, field by field: one that cannot be read costs no other.
fn parse_carried_snapshot(
    id: TicketId,
    status: String,
    head: &EnvelopeHead<'_>,
    json: &str,
) -> TicketSnapshot {
    let mut ticket = head::find_scalars(json, TICKET_FIELDS);
    let [tags, input] = bounded::pick_fields(json, ["tags", "customerInput"]).unwrap_or_default();
    ticket
        .insert("tags".to_owned(), tags.and_then(lenient::parse_bounded_json).unwrap_or_default());
    let snapshot = build_snapshot(id, status, head.from.as_deref(), &ticket.into());
    TicketSnapshot { first_words: input.and_then(parse_document), ..snapshot }
}

fn build_snapshot(
    id: TicketId,
    status: String,
    from: Option<&str>,
    ticket: &Value,
) -> TicketSnapshot {
    let customer = get_text(ticket, "customerIdentity");
    let own_domain = get_text(ticket, "customerDomain");
    let tags = get_list(ticket, "tags").iter().take(MAX_TAGS);
    TicketSnapshot {
        address: reply_address(&id, from),
        id,
        status,
        closed: is_true(ticket, "closed"),
        number: get_integer(ticket, "sequentialId"),
        parent: get_integer(ticket, "parentSequentialId").filter(|number| *number > 0),
        // Behind a router the identity's domain is that of the tunnel; `customerDomain` tells the
        // channel (`blip.md` §3.1).
        domain: own_domain.or_else(|| identity_domain(customer.as_deref()?)),
        customer,
        agent: get_text(ticket, "agentIdentity"),
        team: get_text(ticket, "team"),
        tags: tags.filter_map(lenient::as_text).collect(),
        priority: get_integer(ticket, "priority").map(Priority::from_number),
        opened: get_date(ticket, "storageDate"),
        ended: get_date(ticket, "closeDate"),
        // 0 is that of a ticket that nobody rated (`blip.md` §3.1).
        rating: get_integer(ticket, "rating").filter(|rating| *rating > 0),
        first_words: None,
    }
}

/// A `{type, value}` document as it was written; `None` if there is nothing in it.
fn parse_document(json: &str) -> Option<Content> {
    if let Some(mut document) = lenient::parse_bounded_json(json) {
        sensitive::remove_sensitive(&mut document);
        return content::read_document(&document);
    }
    let kind = head::find_text_field(json, "type").unwrap_or_default();
    Some(Content::Unreadable { kind: shown_kind(&kind) })
}

/// The ticket and status in the id of an envelope such as `Ticket:{id}:Waiting`.
fn parse_envelope_id(envelope_id: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = strip_forwards(envelope_id).split_once(':')?;
    let (id, status) = rest.rsplit_once(':')?;
    prefix.eq_ignore_ascii_case("ticket").then_some((id, status))
}

/// The node to answer to: the sender, if it is this ticket's node and not, say, the postmaster.
fn reply_address(id: &TicketId, from: Option<&str>) -> String {
    let own = from.filter(|node| {
        // What is answered elsewhere would reach nobody, or somebody else.
        parse_ticket_node(node).is_some_and(|name| name.eq_ignore_ascii_case(id.blip_id()))
    });
    own.map_or_else(|| ticket_node(id.blip_id()), str::to_owned)
}

fn identity_domain(identity: &str) -> Option<String> {
    let (_, domain) = identity.split_once('@')?;
    Some(domain.split('/').next().unwrap_or(domain).to_owned())
}

fn find_message_subject<'a>(bot: &BotName, head: &EnvelopeHead<'a>) -> Option<EnvelopeSubject<'a>> {
    if head.kind.is_none() && head.content.is_none() {
        return None;
    }
    let address = head.from.clone()?;
    let ticket = TicketId::new(bot.clone(), parse_ticket_node(&address)?)?;
    Some(EnvelopeSubject::Message { ticket, address, id: strip_id(head.id.as_deref()) })
}

fn strip_id(id: Option<&str>) -> Option<String> {
    let id = strip_forwards(id?);
    (!id.is_empty()).then(|| id.to_owned())
}

/// What tells with a message which earlier one it answers: Blip's id of it or, as a channel passes
/// it on, WhatsApp's (`blip.md` §7).
const ANSWERED_ID_KEYS: [&str; 2] = ["#inReplyToId", "#wa.context.id"];

/// WhatsApp's id of a message.
const WAMID_KEY: &str = "#wa.message.id";

/// What a message says, whose content may be too much to be read.
fn read_head_content(head: &EnvelopeHead<'_>) -> Content {
    let content = read_own_content(head);
    let answered = ANSWERED_ID_KEYS.into_iter().find_map(|key| head.metadata(key));
    match (content, answered) {
        // These say themselves what they are about.
        (content @ (Content::Reply { .. } | Content::Reaction { .. }), _) | (content, None) => {
            content
        }
        (answer, Some(id)) => Content::Reply {
            quoted: Some(Box::new(content::earlier_message(&id))),
            answer: Box::new(answer),
        },
    }
}

fn read_own_content(head: &EnvelopeHead<'_>) -> Content {
    let words = head.metadata("#blip.payload.text");
    if let Some(mut value) = head.content.map_or(Some(Value::Null), lenient::parse_bounded_json) {
        sensitive::remove_sensitive(&mut value);
        return read_said_content(head.kind.as_deref(), &value, words);
    }
    let kind = shown_kind(head.kind.as_deref().unwrap_or_default());
    words.map_or(Content::Unreadable { kind }, Content::Text)
}

/// What a message says.
///
/// Where a channel sends a code for what the customer saw and chose, Blip adds the words that were
/// seen. They stand for anything that is itself no more than words, but never for a file or a
/// place.
fn read_said_content(kind: Option<&str>, value: &Value, seen: Option<String>) -> Content {
    let kind = kind.unwrap_or(match value {
        Value::Object(_) | Value::Array(_) => "application/json",
        _ => "text/plain",
    });
    let content = content::read_stripped_content(kind, value);
    let is_words = matches!(
        content,
        Content::Text(_) | Content::Unknown { .. } | Content::Notice("content-empty")
    );
    match (seen, content) {
        (Some(words), _) if is_words => Content::Text(words),
        // What was filled in or shared is more than the words that stand for it.
        (Some(words), card @ Content::Card { .. }) => {
            Content::Several(vec![Content::Text(words), card])
        }
        (_, content) => content,
    }
}

/// What the keys of what customers say begin with ([`build_key`]).
pub(crate) const MESSAGE_KEY_PREFIX: &str = "m:";

fn build_key(kind: char, ticket: &TicketId, rest: &str) -> String {
    // The colon ends the ticket, so there must be none in it.
    let ticket = ticket.to_string().replace('%', "%25").replace(':', "%3A");
    let key = format!("{kind}:{ticket}:{rest}");
    // The key is a part of an index, and an id may be as long as its sender likes.
    if key.len() > MAX_KEY_BYTES { format!("{kind}:{}", sha256_hex(key.as_bytes())) } else { key }
}

/// The key of a message that has no id. The marks tell apart two messages that say the same.
fn build_content_key(ticket: &TicketId, head: &EnvelopeHead<'_>) -> String {
    let marks = sensitive::IDENTIFYING_METADATA.map(|mark| head.metadata(mark));
    let kind = head.kind.as_deref().map(short_type);
    // Fields of objects are sorted by serde_json, so equal content is written equally.
    let content = head.content.map(|json| match lenient::parse_bounded_json(json) {
        Some(content) => Cow::Owned(content.to_string()),
        None => Cow::Borrowed(json),
    });
    let (ticket, content) = (json!(ticket.to_string()), content.as_deref().unwrap_or("null"));
    let canonical = format!("[{ticket},{},{content},{}]", json!(kind), json!(marks));
    format!("h:{}", sha256_hex(canonical.as_bytes()))
}

fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Which way a message of the history went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the customer, by a bot or an agent.
    Sent,
    Received,
}

/// A message of the history of a ticket or customer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ThreadMessage {
    /// Blip's message id without any leading `fwd:`; ours, if we sent it.
    pub(crate) id: Option<String>,
    /// WhatsApp's id of it.
    pub(crate) wamid: Option<String>,
    /// Which way it went.
    pub(crate) direction: Direction,
    pub(crate) speaker: Speaker,
    pub(crate) content: Content,
    pub(crate) date: Option<Timestamp>,
    /// How far it came, as an event of receipts (`blip.md` §5).
    pub(crate) status: Option<String>,
    /// Why it failed, as Blip writes it.
    pub(crate) reason: Option<Value>,
}

impl ThreadMessage {
    /// Whether it is the message with this id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| strip_forwards(own).eq_ignore_ascii_case(id))
    }

    /// Whether whoever answers it may call it by this id.
    pub(crate) fn is_called(&self, id: &str) -> bool {
        self.has_id(id) || self.wamid.as_deref() == Some(id)
    }

    /// What people are shown of it.
    pub(crate) fn into_said(self) -> SaidMessage {
        SaidMessage { by: self.speaker, at: self.date, content: self.content }
    }
}

/// Reads an answer to `/tickets/{id}/messages` or `/threads/{identity}`, in the order given.
///
/// What says only that somebody was typing is left out.
pub(crate) fn parse_thread_messages(mut resource: Value) -> Vec<ThreadMessage> {
    sensitive::remove_sensitive(&mut resource);
    let items = resource.as_array().map_or_else(|| get_list(&resource, "items"), Vec::as_slice);
    items.iter().filter_map(parse_thread_message).collect()
}

/// Puts what earlier messages said in the place of their ids, where they are among these.
pub(crate) fn fill_in_quotes(messages: &mut [ThreadMessage]) {
    let known = messages.to_vec();
    let find = |id: &str| known.iter().find(|message| message.is_called(id));
    for message in messages {
        message.content.visit_earlier(&mut |earlier| {
            if let Content::Earlier(id) = earlier
                && let Some(found) = find(id)
            {
                *earlier = found.content.answer().clone();
            }
        });
    }
}

fn parse_thread_message(item: &Value) -> Option<ThreadMessage> {
    let kind = item.as_object().map(|_| get_text(item, "type"))?;
    if kind.as_deref().is_some_and(is_chat_state) {
        return None;
    }
    let metadata = item.get("metadata").unwrap_or(&Value::Null);
    let is = |word: Option<String>, expected: &str| {
        word.is_some_and(|word| word.eq_ignore_ascii_case(expected))
    };
    let is_sent = is(get_text(item, "direction"), "sent");
    let value = item.get("content").unwrap_or(&Value::Null);
    Some(ThreadMessage {
        id: strip_id(get_text(item, "id").as_deref()),
        wamid: get_text(metadata, WAMID_KEY),
        // What has no direction counts as the customer's: better shown once too often than not at
        // all.
        direction: if is_sent { Direction::Sent } else { Direction::Received },
        speaker: if is_sent { find_sender(item, metadata) } else { Speaker::Customer },
        content: read_said_content(
            kind.as_deref(),
            value,
            get_text(metadata, "#blip.payload.text"),
        ),
        date: get_date(item, "date"),
        status: get_text(item, "status"),
        reason: item.get("reason").filter(|reason| reason.is_object()).cloned(),
    })
}

/// Who wrote what was sent to a customer: Blip says of an agent's words that a person wrote them or
/// who it was, or shows it by the id only (`blip.md` additions 4).
fn find_sender(item: &Value, metadata: &Value) -> Speaker {
    let agent = get_text(metadata, "#message.agentIdentity").filter(|agent| !agent.is_empty());
    let is_human = get_text(metadata, "#messageEmitter")
        .is_some_and(|emitter| emitter.eq_ignore_ascii_case("human"));
    let id = get_text(item, "id").unwrap_or_default().to_ascii_lowercase();
    if agent.is_some() || is_human || id.starts_with("fwd:fwd:") {
        Speaker::Agent(agent)
    } else {
        Speaker::Bot
    }
}

/// A customer's message of the history, as the event that it should have come as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MissedMessage {
    /// Blip's message id without any leading `fwd:`.
    pub(crate) id: String,
    /// When it was said.
    pub(crate) date: Timestamp,
    pub(crate) routed: RoutedEnvelope,
}

/// The mark of a message that is the first one after a gap.
const GAP_MARK: &str = "#bridge.gap";

impl MissedMessage {
    /// The event as it is to be kept, marked as the first one after a gap.
    pub(crate) fn to_marked_body(&self) -> Vec<u8> {
        let mut document =
            lenient::parse_json(&lenient::decode_text(&self.routed.raw)).unwrap_or_default();
        if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert(GAP_MARK.to_owned(), "true".into());
        }
        document.to_string().into_bytes()
    }
}

/// Reads what a customer said out of an answer to `/tickets/{id}/messages`, oldest first.
pub(crate) fn parse_missed_messages(
    bot: &BotName,
    address: &str,
    resource: &Value,
) -> Vec<MissedMessage> {
    let items = resource.as_array().map_or_else(|| get_list(resource, "items"), Vec::as_slice);
    let mut missed: Vec<MissedMessage> =
        items.iter().filter_map(|item| parse_missed_message(bot, address, item)).collect();
    // Blip lists the newest first, and several may be of the same millisecond.
    missed.reverse();
    missed.sort_by_key(|message| message.date);
    missed
}

fn parse_missed_message(bot: &BotName, address: &str, item: &Value) -> Option<MissedMessage> {
    let is_sent = get_text(item, "direction").is_some_and(|way| way.eq_ignore_ascii_case("sent"));
    let (id, date) = (strip_id(get_text(item, "id").as_deref())?, get_date(item, "date")?);
    if is_sent {
        return None;
    }
    let metadata = item.get("metadata").filter(|metadata| metadata.is_object());
    let envelope = json!({
        // So it would have come (`blip.md` §0). The key leaves the prefixes out, so one that did
        // come is known again.
        "id": format!("fwd:fwd:{id}"), "from": address, "type": item.get("type"),
        "content": item.get("content"), "metadata": metadata.unwrap_or(&json!({})),
    });
    let routed = route_envelope(bot, envelope.to_string().as_bytes());
    // The list has tickets among its messages, as dividers (`blip.md`, additions §4), and signs of
    // typing; both are told elsewhere.
    let is_message = matches!(parse_event(bot, &routed.raw), BlipEvent::Message { .. });
    is_message.then_some(MissedMessage { id, date, routed })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::CardLine;

    #[test]
    fn who_said_something_is_told_by_the_first_sign_that_blip_gives() {
        let said = |item: Value| {
            let mut item = item;
            (item["type"], item["content"]) = (json!("text/plain"), json!("Hi"));
            parse_thread_messages(json!([item])).pop().unwrap().speaker
        };
        let by = |agent: &str| Speaker::Agent(Some(agent.to_owned()));
        for (item, speaker) in [
            (json!({"direction": "received"}), Speaker::Customer),
            (json!({"direction": "sent", "id": "x"}), Speaker::Bot),
            (json!({"direction": "sent", "id": "FWD:fwd:x"}), Speaker::Agent(None)),
            (
                json!({"direction": "sent", "metadata": {"#messageEmitter": "human"}}),
                Speaker::Agent(None),
            ),
            (
                json!({"direction": "sent", "metadata": {"#messageEmitter": "Human",
                    "#message.agentIdentity": "ana%40x.com@blip.ai"}}),
                by("ana%40x.com@blip.ai"),
            ),
        ] {
            assert_eq!(said(item.clone()), speaker, "{item}");
        }
    }

    #[test]
    fn missed_messages_are_in_the_order_in_which_they_were_said() {
        let said = |id: &str, date: &str| {
            json!({"id": id, "direction": "received", "type": "text/plain", "content": id,
                "date": date})
        };
        let (first, later) = ("2026-03-01T12:00:00.123Z", "2026-03-01T12:00:00.124Z");
        let newest_first = [said("3", later), said("2", first), said("1", first)];
        let missed = parse_missed_messages(&bot(), NODE, &json!({"items": newest_first}));
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

    /// An event as the door sees it, and as it reads when its turn has come.
    struct Taken {
        raw: Vec<u8>,
        key: String,
        ticket: Option<TicketId>,
        event: BlipEvent,
    }

    fn one(envelope: &Value) -> Taken {
        let body = envelope.to_string();
        let mut events = parse_envelopes(&bot(), body.as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        let RoutedEnvelope { raw, key, ticket, unknown } = events.remove(0);
        let event = parse_event(&bot(), &raw);
        let kind = match &event {
            BlipEvent::Unknown { kind } => Some(kind.clone()),
            _ => None,
        };
        assert_eq!((unknown.is_some(), unknown), (ticket.is_none(), kind));
        Taken { raw, key, ticket, event }
    }

    fn words(id: &str, text: &str) -> Value {
        json!({"id": id, "from": NODE, "to": "shop@msging.net", "type": "text/plain", "content": text})
    }

    fn seen(envelope: &Value) -> TicketSnapshot {
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
            delivered_id: Some("fwd:fwd:A1".to_owned()),
            content: Content::Text("Olá".to_owned()),
            is_after_gap: false,
        };
        assert_eq!(routed.event, expected);
        assert_eq!(routed.ticket, Some(id("9b2e-1")));
        assert_eq!(routed.key, "m:default/9b2e-1:a1");
        assert_eq!(routed.raw, envelope.to_string().into_bytes());
        assert_eq!(parse_event(&bot(), &routed.raw), expected);
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
                "parentSequentialId": 36, "priority": 3000, "tags": ["Pix", 7], "somethingNew": {"a": 1},
                "customerInput": {"type": "text/plain", "value": "help"},
            },
        }));
        let expected = TicketSnapshot {
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
            priority: Some(Priority::High),
            opened: "2026-03-04T05:06:07Z".parse().ok(),
            ended: None,
            rating: None,
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
        assert_eq!((own.id.blip_id(), own.status.as_str()), ("c", "Open"));
        assert_eq!(own.address, "c@desk.msging.net/Webhook");
        let named =
            envelope("Ticket:a:b:Waiting", "b@desk.msging.net/Webhook", json!({"id": "\n"}));
        assert_eq!((named.id.blip_id(), named.status.as_str()), ("a:b", "Waiting"));
        assert_eq!(named.address, "a%3Ab@desk.msging.net/Webhook");
        let sender = envelope("x", "B@desk.msging.net", json!({"closed": "true"}));
        assert_eq!((sender.id.blip_id(), sender.status.as_str()), ("B", "Closed"));
        assert_eq!(sender.address, "B@desk.msging.net");
    }

    #[test]
    fn answers_about_tickets_are_read() {
        let document = json!({
            "id": "t2", "status": "Waiting", "sequentialId": 2, "parentSequentialId": 0,
            "customerIdentity": "55@wa.gw.msging.net", "customerInput": {},
        });
        let snapshot = parse_snapshot(&bot(), &document).unwrap();
        assert_eq!(snapshot.address, "t2@desk.msging.net/Webhook");
        assert_eq!(snapshot.domain.as_deref(), Some("wa.gw.msging.net"));
        assert_eq!((snapshot.parent, snapshot.first_words), (None, None));
        assert_eq!(parse_snapshot(&bot(), &json!({"status": "Open"})), None);
        assert_eq!(parse_snapshot(&bot(), &json!("t2")), None);
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
            let is_requested = false;
            let expected = BlipEvent::Receipt { ticket, id, kind, reason, is_requested };
            assert_eq!(routed.event, expected);
        }
        assert_eq!(one(&told("dispatched")).event, BlipEvent::Quiet);

        let relayed = json!({"id": "M1", "from": "55@wa.gw.msging.net", "event": "failed", "metadata": {"desk.ticketId": "9b2e-1"}});
        let expected = BlipEvent::Receipt {
            ticket: id("9b2e-1"),
            id: "M1".to_owned(),
            kind: ReceiptKind::Failed,
            reason: None,
            is_requested: false,
        };
        assert_eq!(one(&relayed).event, expected);
        assert!(matches!(
            one(&json!({"event": "failed", "from": NODE})).event,
            BlipEvent::Unknown { .. }
        ));
    }

    #[test]
    fn a_manager_who_ends_standby_is_read_as_often_as_that_happens() {
        let told = |id: &str, mark: &str| json!({"id": id, "from": "postmaster@desk.msging.net", "event": "received", "metadata": {"#uniqueId": mark}});
        let first = one(&told("9b2e-1:ManagerRemoveStandby", "a"));
        assert_eq!(first.event, BlipEvent::StandbyEnd { ticket: id("9b2e-1") });
        assert_eq!(one(&told("fwd:FWD:9B2E-1:managerRemoveStandby", "a")).key, first.key);
        assert_ne!(one(&told("9b2e-1:ManagerRemoveStandby", "b")).key, first.key);
        assert_ne!(one(&told("9b2e-2:ManagerRemoveStandby", "a")).key, first.key);
        for id in [":ManagerRemoveStandby", "ManagerRemoveStandby", "9b2e-1:Other"] {
            assert!(matches!(one(&told(id, "a")).event, BlipEvent::Unknown { .. }), "{id}");
        }
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
        let events = parse_envelopes(&bot(), body.as_bytes()).unwrap();
        let raw: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(&event.raw)).collect();
        let first =
            r#"{"id":"1", "from":"a@desk.msging.net/Webhook","type":"text/plain","content":"x"}"#;
        assert_eq!(raw, [first, "7", "[]", r#"{"x":1e999}"#]);
        assert_eq!(events[0].ticket, Some(id("a")));
        assert!(events[1..].iter().all(|event| event.unknown.is_some()));
        assert_eq!(parse_envelopes(&bot(), b"[]"), Ok(Vec::new()));
    }

    #[test]
    fn only_what_is_no_json_at_all_is_refused() {
        for body in [&b""[..], b"hello", b"12", b"\"text\"", b"null", b"{", b"{} {}", b"[1,]"] {
            assert_eq!(
                parse_envelopes(&bot(), body),
                Err(NotJson),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let deep = format!("{}{}", "{\"a\":".repeat(5000), "1".to_owned() + &"}".repeat(5000));
        assert_eq!(parse_envelopes(&bot(), deep.as_bytes()).map(|events| events.len()), Ok(1));
        for odd in [
            &b"\xEF\xBB\xBF{\"from\":\"a@desk.msging.net\",\"content\":\"x\"}"[..],
            b"{\"from\":\"a@desk.msging.net\",\"content\":\"\xFF\"}",
            br#"{"from":"a@desk.msging.net","content":"\ud83d"}"#,
        ] {
            let events = parse_envelopes(&bot(), odd).unwrap();
            assert!(matches!(parse_event(&bot(), odd), BlipEvent::Message { .. }));
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
            assert!(!format!("{:?} {}", routed.event, routed.key).contains("4111"));
            assert!(!String::from_utf8(routed.raw).unwrap().contains("4111"));
        }
    }

    /// Content that is JSON, and no tree: it is too deep, too large, or has a number beyond all
    /// bounds.
    fn too_much() -> [String; 3] {
        let deep = "[".repeat(500) + &"]".repeat(500);
        [deep, format!("[{}]", vec!["{\"\":0}"; 20_000].join(",")), "[1e999]".to_owned()]
    }

    #[test]
    fn what_cannot_be_read_keeps_its_ticket_its_key_and_what_stands_beside_it() {
        for content in too_much() {
            let json = format!(
                r#"{{"id":"fwd:fwd:M1","from":"{NODE}","type":"a/b","content":{content}}}"#
            );
            let routed = parse_envelopes(&bot(), json.as_bytes()).unwrap().remove(0);
            assert_eq!(
                (routed.key.as_str(), routed.ticket),
                ("m:default/9b2e-1:m1", Some(id("9b2e-1")))
            );
            assert_eq!(routed.raw, json.as_bytes());
            let BlipEvent::Message { content, .. } = parse_event(&bot(), &routed.raw) else {
                panic!()
            };
            assert_eq!(content, Content::Unreadable { kind: "a/b".to_owned() });
        }
        for input in too_much() {
            let json = format!(
                r#"{{"type":"{TICKET}","content":{{"id":"9b2e-1","status":"Waiting","sequentialId":7,"team":"T",
                "tags":["a"],"customerInput":{{"type":"x/y","value":{input}}},"new":{input}}}}}"#
            );
            let BlipEvent::Ticket(seen) = parse_event(&bot(), json.as_bytes()) else { panic!() };
            assert_eq!(
                (seen.number, seen.team.as_deref(), seen.tags.len()),
                (Some(7), Some("T"), 1)
            );
            assert_eq!(seen.first_words, Some(Content::Unreadable { kind: "x/y".to_owned() }));
        }
    }

    #[test]
    fn words_that_were_seen_stand_for_what_cannot_be_read() {
        let json = format!(
            r##"{{"from":"{NODE}","type":"a/b","content":1e999,"metadata":{{"#blip.payload.text":"Yes"}}}}"##
        );
        let BlipEvent::Message { content, .. } = parse_event(&bot(), json.as_bytes()) else {
            panic!()
        };
        assert_eq!(content, Content::Text("Yes".to_owned()));
    }

    #[test]
    fn sensitive_content_that_cannot_be_read_is_not_kept() {
        let kind = r#""application/vnd.lime.sensitive+json""#;
        let escaped = r#""application/vnd.lime.sen\u0073itive+json""#;
        for (kind, content) in [kind, escaped].into_iter().flat_map(|kind| {
            too_much().into_iter().flat_map(move |much| {
                let inner = format!(r#"{{"type":{kind},"value":[4111,{much}]}}"#);
                [(kind, format!("[4111,{much}]")), ("\"a/b\"", inner)]
            })
        }) {
            let json = format!(
                r##"{{"id":"1","from":"{NODE}","type":{kind},"content":{content},"metadata":{{"x":"4111","#uniqueId":"u"}}}}"##
            );
            let routed = parse_envelopes(&bot(), json.as_bytes()).unwrap().remove(0);
            let kept = String::from_utf8(routed.raw.clone()).unwrap();
            assert!(!kept.contains("4111") && kept.contains("uniqueId"), "{kept}");
            assert_eq!(routed.key, "m:default/9b2e-1:1");
            let BlipEvent::Message { content, .. } = parse_event(&bot(), &routed.raw) else {
                panic!()
            };
            assert_eq!(content, Content::Sensitive);
        }
        let input = format!(r#"{{"type":{kind},"value":[4111,1e999]}}"#);
        let json = format!(
            r#"{{"type":"{TICKET}","content":{{"id":"9b2e-1","status":"Waiting","team":"T","customerInput":{input}}}}}"#
        );
        let routed = parse_envelopes(&bot(), json.as_bytes()).unwrap().remove(0);
        assert!(!String::from_utf8(routed.raw.clone()).unwrap().contains("4111"));
        let BlipEvent::Ticket(seen) = parse_event(&bot(), &routed.raw) else { panic!() };
        assert_eq!((seen.id.blip_id(), seen.team.as_deref()), ("9b2e-1", Some("T")));
    }

    #[test]
    fn a_list_of_many_is_kept_as_one() {
        let body = format!("[{}]", vec!["0"; MAX_ENVELOPES + 1].join(","));
        let events = parse_envelopes(&bot(), body.as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].raw.as_slice(), events[0].ticket.as_ref()), (body.as_bytes(), None));
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

        let object = |json: &str| parse_envelopes(&bot(), json.as_bytes()).unwrap().remove(0).key;
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
                wamid: None,
                direction: Direction::Sent,
                speaker: Speaker::Agent(None),
                content: Content::Text("Hi".to_owned()),
                date: "2026-03-04T05:06:07Z".parse().ok(),
                status: Some("consumed".to_owned()),
                reason: None,
            },
            ThreadMessage {
                id: None,
                wamid: None,
                direction: Direction::Received,
                speaker: Speaker::Customer,
                content: Content::Sensitive,
                date: Timestamp::from_second(7).ok(),
                status: None,
                reason: None,
            },
        ];
        assert_eq!(parse_thread_messages(resource["items"].clone()), expected);
        assert_eq!(parse_thread_messages(resource), expected);
        assert_eq!(parse_thread_messages(Value::Null), []);
    }

    #[test]
    fn the_answers_of_a_form_are_read_wherever_they_stand() {
        let form = json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply":
            {"name": "flow", "body": "Sent", "response_json": "{\"nome\":\"Ana\",\"flow_token\":\"t\"}"}}});
        let lines = vec![CardLine::Said("nome: Ana".to_owned())];
        let read = Content::Card { kind: "content-form", lines };
        let message = json!({"from": NODE, "type": "application/json", "content": form});
        assert_eq!(heard(&message), read);
        let input = json!({"type": "application/json", "value": form});
        let ticket = json!({"id": "9b2e-1", "status": "Waiting", "customerInput": input});
        let opened = seen(&json!({"from": NODE, "type": TICKET, "content": ticket}));
        assert_eq!(opened.first_words.as_ref(), Some(&read));
        assert_eq!(parse_thread_messages(json!([message])).remove(0).content, read);
    }

    #[test]
    fn the_words_that_stand_for_a_card_stand_beside_it() {
        let contact = json!({"from": NODE, "type": "application/vnd.lime.contact+json", "content": {"name": "Ana"},
            "metadata": {"#blip.payload.text": "My card"}});
        let lines = vec![CardLine::Said("Ana".to_owned())];
        let card = Content::Card { kind: "content-contact", lines };
        assert_eq!(
            heard(&contact),
            Content::Several(vec![Content::Text("My card".to_owned()), card])
        );
    }

    /// Texts as ids may be, including such that look like parts of our keys.
    fn any_id() -> impl Strategy<Value = String> {
        prop_oneof!["[a-zA-Z0-9:%/.-]{1,40}", "[a-z:]{1,4}", "[a-z]{200,1024}"]
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_refused(bytes in any::<Vec<u8>>(), json in "[\\[\\]{}\",:\\\\u0-9a-f ]{0,64}") {
            for body in [&bytes, json.as_bytes()] {
                let events = parse_envelopes(&bot(), body).unwrap_or_default();
                for routed in events {
                    let event = parse_event(&bot(), &routed.raw);
                    let is_unknown = matches!(event, BlipEvent::Unknown { .. });
                    prop_assert_eq!(is_unknown, routed.ticket.is_none());
                }
                parse_event(&bot(), body);
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
            let body = json!(vec![envelope; copies]).to_string();
            let keys = parse_envelopes(&bot(), body.as_bytes()).unwrap().into_iter().map(|event| event.key);
            prop_assert_eq!(keys.collect::<Vec<_>>(), vec![single.key; copies]);
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
                ['m', 't', 'r', 's'].map(|kind| build_key(kind, &ticket, id))
            };
            let same = tickets[0] == tickets[1] && ids[0] == ids[1];
            prop_assert_eq!(keys(&tickets[0], &ids[0]) == keys(&tickets[1], &ids[1]), same);
            let other = keys(&tickets[1], &ids[1]);
            prop_assert!(same || keys(&tickets[0], &ids[0]).iter().all(|key| !other.contains(key)));
        }
    }
}
