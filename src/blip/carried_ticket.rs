//! A ticket that comes as the content of a message.

use super::head::{self, EnvelopeHead};
use super::lime::short_type;
use crate::bounded;

/// The fields of a ticket that are read, but for those that hold more than a word.
pub(super) const TICKET_FIELDS: [&str; 13] = [
    "id",
    "status",
    "closed",
    "sequentialId",
    "parentSequentialId",
    "customerIdentity",
    "customerDomain",
    "agentIdentity",
    "team",
    "storageDate",
    "closeDate",
    "rating",
    "priority",
];

/// The ticket in an envelope: as its content, as the context of a redirect, or in its place.
pub(super) fn find_carried_ticket<'a>(head: &EnvelopeHead<'a>) -> Option<&'a str> {
    match head.kind.as_deref().map(short_type).as_deref() {
        // Closed tickets were seen as bare objects, without an envelope (`blip.md` §1.3). Only a
        // ticket has both of these fields.
        None => [Some(head.whole), head.content].into_iter().flatten().find(|t| is_bare_ticket(t)),
        Some("iris.ticket") => Some(head.content.unwrap_or("null")),
        // So the end of an attendance is told to bots (`blip.md` §3.4); whether a custom channel
        // gets it is not documented.
        Some("lime.redirect") => {
            let [context] = bounded::pick_fields(head.content?, ["context"])?;
            find_inner_ticket(context?)
        }
        Some("lime.container") => find_inner_ticket(head.content?),
        Some(_) => None,
    }
}

fn is_bare_ticket(json: &str) -> bool {
    let fields = bounded::pick_fields(json, ["sequentialId", "status"]);
    fields.is_some_and(|fields| fields.iter().all(Option::is_some))
}

fn find_inner_ticket(json: &str) -> Option<&str> {
    let kind = head::find_text_field(json, "type")?;
    let [value] = bounded::pick_fields(json, ["value"])?;
    if short_type(&kind) == "iris.ticket" { value } else { None }
}
