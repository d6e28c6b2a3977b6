//! Tickets at Blip's desk: reading them, and the commands by which moves are made.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pages::{fetch_entries, new_request_id, none_if_missing};
use crate::blip::documents::TicketDocument;
use crate::blip::envelope::{DESK_NODE, MAX_PAGE_SIZE, build_get, build_set, encode_path_part};
use crate::blip::error::Error;
use crate::blip::parse;
use crate::blip::transport::BlipTransport;
use crate::model::{DIRECT_TRANSFER, TicketId, TicketSnapshot, TransferTarget};

/// Reads tickets of a bot and changes them.
#[derive(Debug)]
pub(crate) struct TicketClient {
    transport: Arc<BlipTransport>,
}

impl TicketClient {
    pub(super) fn new(transport: Arc<BlipTransport>) -> Self {
        Self { transport }
    }

    /// Gives a ticket to an agent.
    pub(crate) async fn open_ticket(&self, ticket: &TicketId, identity: &str) -> Result<(), Error> {
        let command = change_status_open(&new_request_id(), ticket.blip_id(), identity);
        self.transport.send_command("open ticket", &command).await.map(drop)
    }

    /// Finishes a ticket as an agent.
    pub(crate) async fn close_ticket(
        &self,
        ticket: &TicketId,
        tags: &[String],
    ) -> Result<(), Error> {
        let command = change_status_closed(&new_request_id(), ticket.blip_id(), tags);
        self.transport.send_command("close ticket", &command).await.map(drop)
    }

    /// Hands a ticket on; the answer is the ticket that follows it, as Blip writes it.
    pub(crate) async fn transfer_ticket(
        &self,
        ticket: &TicketId,
        to: &TransferTarget,
    ) -> Result<TicketDocument, Error> {
        let to = match to {
            TransferTarget::Team(team) => TransferResource { team, agent: None },
            TransferTarget::Agent { identity, .. } => {
                TransferResource { team: DIRECT_TRANSFER, agent: Some(identity) }
            }
        };
        let command = request_transfer(&new_request_id(), ticket.blip_id(), &to);
        let follower = self.transport.send_command("transfer ticket", &command).await?;
        // An answer without the new ticket is still a success: what follows is then found by its
        // parent's number (`a_transfer_of_which_blip_does_not_say_what_follows_is_told_in_words`).
        Ok(follower.map(TicketDocument::new).unwrap_or_default())
    }

    /// Replaces the tags of a ticket.
    pub(crate) async fn tag_ticket(&self, ticket: &TicketId, tags: &[String]) -> Result<(), Error> {
        let command = change_tags(&new_request_id(), ticket.blip_id(), tags);
        self.transport.send_command("change tags", &command).await.map(drop)
    }

    /// Puts a ticket on standby, or ends that.
    pub(crate) async fn change_standby(&self, ticket: &TicketId, is_on: bool) -> Result<(), Error> {
        let command = build_standby_change(&new_request_id(), ticket.blip_id(), is_on);
        self.transport.send_command("change standby", &command).await.map(drop)
    }

    /// The tickets of a customer that are not over, as Blip writes them.
    pub(crate) async fn fetch_open_tickets(
        &self,
        identity: &str,
    ) -> Result<Vec<TicketDocument>, Error> {
        let command = get_open_tickets(&new_request_id(), identity, MAX_PAGE_SIZE);
        let tickets = fetch_entries(&self.transport, "read tickets", &command).await?;
        Ok(tickets.into_iter().map(TicketDocument::new).collect())
    }

    /// Reads a ticket; `None` if Blip does not know it.
    pub(crate) async fn fetch_ticket(
        &self,
        ticket: &TicketId,
    ) -> Result<Option<TicketSnapshot>, Error> {
        const READ_TICKET: &str = "read ticket";
        let command = get_ticket(&new_request_id(), ticket.blip_id());
        let Some(resource) =
            none_if_missing(self.transport.send_command(READ_TICKET, &command).await)?
        else {
            return Ok(None);
        };
        let unreadable = || Error::OutcomeUnknown {
            operation: READ_TICKET,
            what: "unreadable ticket".to_owned(),
        };
        parse::parse_snapshot(&self.transport.bot, &resource).map(Some).ok_or_else(unreadable)
    }
}

/// To whom a ticket goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TransferResource<'a> {
    team: &'a str,
    /// Blip's identity of the agent; the queue is then `DIRECT_TRANSFER` (`blip.md` §4.1).
    agent: Option<&'a str>,
}

/// Gives a ticket to an agent.
fn change_status_open(request: &str, ticket: &str, agent_identity: &str) -> Value {
    // Straight from `Waiting`, as the article on custom channels does it (`blip.md` §3.3);
    // `Assigned` is for Blip's own desk.
    let resource = json!({"id": ticket, "status": "Open", "agentIdentity": agent_identity});
    build_set(request, "/tickets/change-status", &resource)
}

/// Finishes a ticket. Without tags it keeps those it has, as far as we know.
fn change_status_closed(request: &str, ticket: &str, tags: &[String]) -> Value {
    let mut resource = json!({"id": ticket, "status": "ClosedAttendant"});
    // Tags go along with the close (`blip.md` §4.1), as a ticket that is closed takes no change any
    // more. An empty list is left out, because it might take away those that it has.
    if let (Some(fields), false) = (resource.as_object_mut(), tags.is_empty()) {
        fields.insert("tags".to_owned(), json!(tags));
    }
    build_set(request, "/tickets/change-status", &resource)
}

/// Sends a ticket on to another team or agent; the answer is the ticket that follows it.
fn request_transfer(request: &str, ticket: &str, to: &TransferResource<'_>) -> Value {
    let resource = match to.agent {
        Some(agent) => json!({"team": to.team, "agentIdentity": agent}),
        None => json!({"team": to.team}),
    };
    build_set(request, &format!("/tickets/{}/transfer", encode_path_part(ticket)), &resource)
}

/// Replaces the tags of a ticket.
fn change_tags(request: &str, ticket: &str, tags: &[String]) -> Value {
    let resource = json!({"id": ticket, "tags": tags});
    build_set(request, &format!("/tickets/{}/change-tags", encode_path_part(ticket)), &resource)
}

/// Stops the clock after which a ticket is closed for inactivity, or lets it go on (`blip.md`, additions
/// §10).
fn build_standby_change(request: &str, ticket: &str, is_on: bool) -> Value {
    let change = if is_on { "pause" } else { "resume" };
    let uri = format!("/tickets/{}/{change}-inactivity", encode_path_part(ticket));
    build_set(request, &uri, &json!({"id": ticket}))
}

/// Asks for a ticket.
fn get_ticket(request: &str, ticket: &str) -> Value {
    build_get(request, DESK_NODE, &format!("/ticket/{}", encode_path_part(ticket)))
}

/// Asks for the tickets of a customer that are not over, at most 100.
fn get_open_tickets(request: &str, identity: &str, take: u32) -> Value {
    // OData's way of quoting: an identity with an apostrophe would end the filter.
    let identity = identity.replace('\'', "''");
    let filter = format!(
        "customerIdentity eq '{identity}' and \
        (status eq 'Open' or status eq 'Waiting' or status eq 'Assigned')"
    );
    build_get(
        request,
        DESK_NODE,
        &format!("/tickets?$filter={}&$skip=0&$take={take}", encode_path_part(&filter)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_look_like_blips_own_examples() {
        let tags = ["Venda".to_owned(), "Pix".to_owned()];
        let team = TransferResource { team: "Financeiro", agent: None };
        let agent = TransferResource { team: "DIRECT_TRANSFER", agent: Some("ana%40x.io@blip.ai") };
        let desk = |uri: &str, resource: Value| {
            json!({
                "id": "r", "to": "postmaster@desk.msging.net", "method": "set", "uri": uri,
                "type": "application/vnd.iris.ticket+json", "resource": resource,
            })
        };
        for (command, expected) in [
            (
                change_status_open("r", "t1", "maria%40empresa.example@blip.ai"),
                desk(
                    "/tickets/change-status",
                    json!({"id": "t1", "status": "Open", "agentIdentity": "maria%40empresa.example@blip.ai"}),
                ),
            ),
            (
                change_status_closed("r", "t1", &tags),
                desk(
                    "/tickets/change-status",
                    json!({"id": "t1", "status": "ClosedAttendant", "tags": ["Venda", "Pix"]}),
                ),
            ),
            (
                change_status_closed("r", "t1", &[]),
                desk("/tickets/change-status", json!({"id": "t1", "status": "ClosedAttendant"})),
            ),
            (
                change_tags("r", "t1", &tags),
                desk("/tickets/t1/change-tags", json!({"id": "t1", "tags": ["Venda", "Pix"]})),
            ),
            (
                request_transfer("r", "t1", &team),
                desk("/tickets/t1/transfer", json!({"team": "Financeiro"})),
            ),
            (
                request_transfer("r", "t1", &agent),
                desk(
                    "/tickets/t1/transfer",
                    json!({"team": "DIRECT_TRANSFER", "agentIdentity": "ana%40x.io@blip.ai"}),
                ),
            ),
        ] {
            assert_eq!(command, expected);
        }
    }

    #[test]
    fn a_ticket_is_asked_for_by_its_encoded_id() {
        let command = get_ticket("r", "a/b?c d");
        assert_eq!(command.get("uri"), Some(&json!("/ticket/a%2Fb%3Fc%20d")));
        assert_eq!(command.get("to"), Some(&json!(DESK_NODE)));
        assert_eq!(command.get("method"), Some(&json!("get")));
    }
}
