//! What the bridge sends to customers: taken with 202, and then delivered or not (blip.md §2, §7).

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::lime::text;
use super::state::{Caller, Notification, State, ThreadMessage, Ticket, WHATSAPP};
use super::templates;

/// Longest text that WhatsApp takes, in characters.
const MAX_TEXT: usize = 4_096;
const CHAT_STATE: &str = "application/vnd.lime.chatstate+json";
const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";
const EVENTS: &[&str] = &["accepted", "dispatched", "received", "consumed", "failed"];

type Envelope = Map<String, Value>;

/// Takes a message; the error is what makes the envelope a bad one.
pub(super) fn take_message(
    state: &mut State,
    envelope: &Envelope,
    caller: Caller,
) -> Result<(), String> {
    let kind = text(envelope, "type")?.ok_or("no type")?;
    if !kind.contains('/') {
        return Err(format!("{kind} is no MIME type"));
    }
    let content = envelope.get("content").ok_or("no content")?;
    if kind.starts_with("text/") && !content.is_string() {
        return Err(format!("the content of {kind} is not a string"));
    }
    check_metadata(envelope)?;
    let id = text(envelope, "id")?;
    let to = node(envelope)?;
    let is_known = caller == Caller::Bot && state.last_ticket_of(&to).is_some();
    if templates::is_channel_identity(&to) || caller == Caller::Router || is_known {
        templates::deliver(state, caller, id, (&to, &kind, content));
    } else {
        deliver(state, id, &to, &kind, content);
    }
    Ok(())
}

/// Takes a notification of the bridge; the error is what makes the envelope a bad one.
pub(super) fn take_notification(
    state: &mut State,
    envelope: &Envelope,
    _caller: Caller,
) -> Result<(), String> {
    let id = text(envelope, "id")?.ok_or("no id")?;
    let event = text(envelope, "event")?.ok_or("no event")?;
    if !EVENTS.contains(&event.as_str()) {
        return Err(format!("unknown event {event}"));
    }
    let to = node(envelope)?;
    let mut messages = state.threads.values().flatten();
    let about =
        messages.find(|message| message.from_customer && message.id.eq_ignore_ascii_case(&id));
    let ticket = about.and_then(|message| state.tickets.get(&message.ticket));
    if ticket.is_none_or(|ticket| !ticket.address().eq_ignore_ascii_case(&to)) {
        state.violations.push(format!("/notifications: {id} was not sent from {to}"));
    }
    state.notifications.push(Notification {
        id,
        event,
        reason: None,
        by_bridge: true,
        by_router: false,
    });
    Ok(())
}

fn check_metadata(envelope: &Envelope) -> Result<(), String> {
    match envelope.get("metadata") {
        None => Ok(()),
        Some(Value::Object(fields)) if fields.values().all(Value::is_string) => Ok(()),
        Some(other) => Err(format!("metadata is not all strings: {other}")),
    }
}

/// The addressee, which must be a node `name@domain/instance`.
fn node(envelope: &Envelope) -> Result<String, String> {
    let to = text(envelope, "to")?.ok_or("no to")?;
    match to.split_once('@') {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() => Ok(to),
        _ => Err(format!("{to} is no node")),
    }
}

/// Delivers a message that was taken, or loses it: the sender has its 202 either way.
fn deliver(state: &mut State, id: Option<String>, to: &str, kind: &str, content: &Value) {
    let ticket = to.strip_suffix("@desk.msging.net/Webhook");
    let ticket = ticket.and_then(|id| state.tickets.get(id)).cloned();
    let why = match &ticket {
        None => Some(("no ticket has this address", true)),
        Some(ticket) if ticket.is_closed() => Some(("the ticket is closed", false)),
        Some(ticket) if !ticket.is_assigned() => Some(("the ticket is not assigned", true)),
        Some(_) => None,
    };
    if let Some((why, mistake)) = why {
        if mistake {
            state.violations.push(format!("/messages: {why}: {to}"));
        }
        let lost = json!({ "id": id, "to": to, "type": kind, "content": content });
        state.undelivered.push((lost, why.to_owned()));
        return;
    }
    let Some(ticket) = ticket else { return };
    if kind == CHAT_STATE {
        return;
    }
    let failure = obstacle(kind, content, state.channel(&ticket) == WHATSAPP)
        .or(state.setup.cannot_deliver)
        .or_else(|| (!state.is_window_open(&ticket)).then_some((131_047, "Re-engagement message")));
    let has_id = id.is_some();
    let plain = id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let message = ThreadMessage {
        // blip.md §5: the desk and the bot each put a prefix on it.
        id: format!("fwd:fwd:{plain}"),
        ticket: ticket.id.clone(),
        from_customer: false,
        kind: kind.to_owned(),
        content: content.clone(),
        at: state.now,
        status: "accepted".to_owned(),
        reason: None,
        metadata: json!({ "#message.ticketId": ticket.id }),
    };
    let far = message.id.clone();
    // blip.md §5: the history keeps what has failed, too, and says why.
    state.threads.entry(ticket.customer.clone()).or_default().push(message);
    if let Some((_, why)) = failure {
        let lost = json!({ "id": plain, "to": to, "type": kind, "content": content });
        state.undelivered.push((lost, why.to_owned()));
    }
    // blip.md §2.2: a message without id is never told of again.
    if has_id {
        state.notify(&ticket.id, &plain, "accepted", None);
        let event = if failure.is_some() { "failed" } else { "received" };
        state.notify(&ticket.id, &far, event, failure);
    }
}

/// The bot itself says something to a customer, outside of any ticket.
pub(super) fn say_as_bot(state: &mut State, id: Option<String>, to: &str, content: &Value) {
    let is_open = state.last_ticket_of(to).is_some_and(|ticket| state.is_window_open(ticket));
    let failure = obstacle("text/plain", content, to.ends_with(WHATSAPP))
        .or(state.setup.cannot_deliver)
        .or_else(|| (!is_open).then_some((131_047, "Re-engagement message")));
    let event = if failure.is_some() { "failed" } else { "received" };
    let reason = failure.map(|(code, why)| (code, why.to_owned()));
    let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let message = ThreadMessage {
        id: id.clone(),
        ticket: String::new(),
        from_customer: false,
        kind: "text/plain".to_owned(),
        content: content.clone(),
        at: state.now,
        status: event.to_owned(),
        reason: reason.clone(),
        metadata: json!({ "#messageEmitter": "Bot" }),
    };
    state.threads.entry(to.to_owned()).or_default().push(message);
    let notice = |event: &str, reason| Notification {
        id: id.clone(),
        event: event.to_owned(),
        reason,
        by_bridge: false,
        by_router: false,
    };
    state.notifications.extend([notice("accepted", None), notice(event, reason)]);
}

impl State {
    /// The newest ticket of a customer: the bot has a conversation with them.
    pub(super) fn last_ticket_of(&self, customer: &str) -> Option<&Ticket> {
        let tickets = self.tickets.values().filter(|ticket| ticket.customer == customer);
        tickets.max_by_key(|ticket| ticket.stored)
    }

    /// Notes what became of a message of the bridge, and tells it if so wished.
    pub(super) fn notify(
        &mut self,
        ticket: &str,
        id: &str,
        event: &str,
        reason: Option<(i64, &str)>,
    ) {
        let reason = reason.map(|(code, why)| (code, why.to_owned()));
        let (id, event) = (id.to_owned(), event.to_owned());
        let notification = Notification { id, event, reason, by_bridge: false, by_router: false };
        if self.setup.sends_receipts {
            let mut envelope = super::commands::render_notification(&notification);
            envelope["id"] = json!(self.told_again(&notification.id));
            envelope["from"] = json!(self.told_again(&format!("{ticket}@desk.msging.net/Webhook")));
            envelope["to"] = json!(self.setup.identity);
            envelope["metadata"] = json!({ "desk.ticketId": self.told_again(ticket) });
            self.publish(envelope);
        }
        let mut messages = self.threads.values_mut().flatten();
        if let Some(message) = messages.find(|message| message.id == notification.id) {
            message.status.clone_from(&notification.event);
            message.reason.clone_from(&notification.reason);
        }
        self.notifications.push(notification);
        if self.setup.has_busy_flow {
            let received = |id: Uuid| Notification {
                id: id.to_string(),
                event: "received".to_owned(),
                reason: None,
                by_bridge: false,
                by_router: false,
            };
            self.notifications.extend(std::iter::repeat_with(Uuid::new_v4).take(100).map(received));
        }
    }
}

/// Why the channel would refuse a message, with the channel's own code.
fn obstacle(kind: &str, content: &Value, whatsapp: bool) -> Option<(i64, &'static str)> {
    let text = content.as_str().map(|text| text.chars().count());
    match (kind, text) {
        (_, Some(0)) => Some((131_009, "Parameter value is not valid")),
        (_, Some(length)) if whatsapp && length > MAX_TEXT => {
            Some((131_009, "Parameter value is not valid"))
        }
        (MEDIA_LINK, _) if !is_media(content) => Some((131_053, "Media upload error")),
        _ => None,
    }
}

fn is_media(content: &Value) -> bool {
    let uri = content["uri"].as_str().unwrap_or_default();
    let web = uri.starts_with("https://") || uri.starts_with("http://");
    web && content["type"].as_str().is_some_and(|kind| kind.contains('/'))
}
