//! What Blip and Slack send: whole HTTP requests, ready to go.

use anyhow::{Context, Result};
use blip_slack::clock::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The token that Blip shows.
pub const WEBHOOK_TOKEN: &str = "token-of-the-bench";
/// The secret with which Slack signs.
pub const SIGNING_SECRET: &str = "secret-of-the-bench";
/// The channel of all tickets.
pub const CHANNEL: &str = "C0BENCH";
/// The agent who answers all tickets.
pub const AGENT: &str = "U0AGENT";

/// Tickets are numbered by the end of their ids.
const TICKET_PREFIX: &str = "00000000-0000-4000-8000-";

/// Blip opens a ticket.
pub fn ticket(number: usize) -> Vec<u8> {
    let id = ticket_id(number);
    from_blip(&json!({
        "id": format!("Ticket:{id}:Waiting"),
        "from": node(&id),
        "to": "loja@msging.net",
        "type": "application/vnd.iris.ticket+json",
        "content": {
            "id": id,
            "sequentialId": number,
            "ownerIdentity": "loja@msging.net",
            "customerIdentity": format!("55119{number:08}@wa.gw.msging.net"),
            "customerDomain": "wa.gw.msging.net",
            "provider": "Webhook",
            "status": "Waiting",
            "storageDate": "2026-01-05T12:00:00.000Z",
            "customerInput": {"type": "text/plain", "value": words(number)},
            "team": "Default",
            "closed": false,
        },
    }))
}

/// A customer writes.
pub fn customer_message(ticket: usize, number: usize) -> Vec<u8> {
    from_blip(&json!({
        "id": format!("fwd:fwd:{number:08x}-aaaa-4bbb-8ccc-dddddddddddd"),
        "from": node(&ticket_id(ticket)),
        "to": "loja@msging.net",
        "type": "text/plain",
        "content": words(number),
        "metadata": {"#uniqueId": format!("{number:08x}"), "date_created": "1767614400000"},
    }))
}

/// The agent puts 👀 on a card.
pub fn claim(card: &str) -> Result<Vec<u8>> {
    react(card, "eyes", &format!("{card}1"))
}

/// The agent puts ✅ on a card, later than all that was said: otherwise the bridge asks first.
pub fn close(card: &str) -> Result<Vec<u8>> {
    react(card, "white_check_mark", "1900000000.000001")
}

fn react(card: &str, reaction: &str, event_ts: &str) -> Result<Vec<u8>> {
    from_slack(&json!({
        "type": "reaction_added",
        "user": AGENT,
        "reaction": reaction,
        "item": {"type": "message", "channel": CHANNEL, "ts": card},
        "item_user": "U0BRIDGE",
        "event_ts": event_ts,
    }))
}

/// The agent answers in a card's thread.
pub fn agent_message(card: &str, number: usize) -> Result<Vec<u8>> {
    let words = words(number);
    let text = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let ts = format!("1800000000.{number:06}");
    let said = json!({"type": "rich_text_section", "elements": [{"type": "text", "text": words}]});
    from_slack(&json!({
        "type": "message",
        "user": AGENT,
        "team": "T0BENCH",
        "channel": CHANNEL,
        "channel_type": "channel",
        "ts": ts,
        "thread_ts": card,
        "client_msg_id": format!("{number:08x}-aaaa-4bbb-8ccc-dddddddddddd"),
        "text": text,
        "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [said]}],
        "event_ts": ts,
    }))
}

/// The numbers in a text of what [`words`] made.
pub fn numbers_in(text: &str) -> Vec<usize> {
    let rests = text.split("{n").skip(1);
    rests.filter_map(|rest| rest.split_once('}')?.0.parse().ok()).collect()
}

/// The number of a ticket.
pub fn ticket_number(id: &str) -> Option<usize> {
    id.strip_prefix(TICKET_PREFIX)?.parse().ok()
}

/// What anybody says here: with a number, and with everything that has to be escaped.
fn words(number: usize) -> String {
    format!("Olá! O pedido {{n{number}}} não chegou & o rastreio diz <em trânsito>. Podem ver?")
}

fn ticket_id(number: usize) -> String {
    format!("{TICKET_PREFIX}{number:012}")
}

fn node(ticket: &str) -> String {
    format!("{ticket}@desk.msging.net/Webhook")
}

fn from_blip(envelope: &Value) -> Vec<u8> {
    let headers = format!("authorization: Key {WEBHOOK_TOKEN}\r\n");
    http("/blip/webhook", &headers, &envelope.to_string())
}

fn from_slack(event: &Value) -> Result<Vec<u8>> {
    let event_ts = event.get("event_ts").and_then(Value::as_str).context("no event_ts")?;
    let kind = event.get("type").and_then(Value::as_str).context("no type")?;
    let body = json!({
        "type": "event_callback",
        "token": "old",
        "team_id": "T0BENCH",
        "api_app_id": "A0BENCH",
        "event_id": format!("Ev{kind}{event_ts}"),
        "event_time": 1_800_000_000,
        "authorizations": [{"team_id": "T0BENCH", "user_id": "U0BRIDGE", "is_bot": true}],
        "event": event,
    })
    .to_string();
    let now = Clock::system().now().as_second();
    let signature = hmac(SIGNING_SECRET.as_bytes(), format!("v0:{now}:{body}").as_bytes());
    let signature = signature.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let headers =
        format!("x-slack-request-timestamp: {now}\r\nx-slack-signature: v0={signature}\r\n");
    Ok(http("/slack/events", &headers, &body))
}

fn http(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "content-type: application/json\r\nhost: localhost\r\n";
    format!("POST {path} HTTP/1.1\r\n{head}{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// HMAC-SHA256 (RFC 2104) with a key that is not longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte = *key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}
