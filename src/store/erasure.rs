//! What is left of what was erased, and how a customer is found: the same in every database.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Lane;
use crate::model::{CustomerKey, TicketId};

const TICKET_KIND: &str = "ticket";
const EVENT_KIND: &str = "event";

/// The hashes of a ticket, either of which may be left of it. Before ids were kept in lower case,
/// they were of what Blip wrote.
pub(super) fn hash_ticket(salt: &str, ticket: &TicketId) -> [Vec<u8>; 2] {
    [ticket.to_string(), format!("{}/{}", ticket.bot(), ticket.blip_id())]
        .map(|id| hash_id(salt, TICKET_KIND, &id))
}

/// The hash of an event.
pub(super) fn hash_event(salt: &str, source: &str, key: &str) -> Vec<u8> {
    hash_id(salt, EVENT_KIND, &format!("{source}:{key}"))
}

fn hash_id(salt: &str, kind: &str, id: &str) -> Vec<u8> {
    // With a salt of this database, so that nobody finds by trying phone numbers whose ids were
    // erased.
    Sha256::digest(format!("{salt}:{kind}:{id}")).to_vec()
}

/// The ticket that a job is about, if it is about one: it names the ticket, or a lane of it.
pub(super) fn ticket_of_job(body: &[u8]) -> Option<TicketId> {
    #[derive(Deserialize)]
    struct TicketJob {
        ticket: Option<String>,
        lane: Option<String>,
    }
    let job: TicketJob = serde_json::from_slice(body).ok()?;
    let ticket = job.ticket.and_then(|ticket| TicketId::parse(&ticket));
    ticket.or_else(|| Lane::ticket_of(&job.lane?))
}

/// Whether a ticket is a customer's, by its own identity or the one behind a router's tunnel.
pub(super) fn is_ticket_of(key: &CustomerKey, customer: &str, originator: Option<&str>) -> bool {
    key.is_customer(customer) || originator.is_some_and(|originator| key.is_customer(originator))
}

/// Whether a string of this JSON, as a whole, is an identity of the customer. What only mentions or
/// contains one is somebody else's.
pub(super) fn has_identity_of(key: &CustomerKey, body: &[u8]) -> bool {
    // Cut at quotes and not parsed: what a body is does not matter here, and one that cannot be
    // parsed must be found, too.
    let is_identity = |text: &str| text.contains('@') && !text.contains(char::is_whitespace);
    String::from_utf8_lossy(body).split('"').any(|text| is_identity(text) && key.is_customer(text))
}

/// A text as it stands in JSON that is ASCII only.
pub(super) fn escape_as_json(text: &str) -> String {
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
            _ => escaped.extend(format!("\\u{unit:04x}").chars()),
        }
    }
    escaped
}
