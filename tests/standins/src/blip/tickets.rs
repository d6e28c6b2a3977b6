//! The tickets and their life: waiting, open, closed, transferred (blip.md §3.3, §4.1).

use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lime::{self, Command, Failure, Outcome, TICKET};
use super::odata;
use super::state::{NewTicket, State, ThreadMessage, Ticket, WHATSAPP};

/// The statuses that a command may ask for.
const ENDINGS: &[&str] = &["ClosedAttendant", "ClosedClient", "ClosedClientInactivity"];
/// How long after the customer's last words WhatsApp takes free text (blip.md §7).
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

impl State {
    /// Opens a ticket; nobody is told yet.
    pub(super) fn open_ticket(&mut self, new: NewTicket, parent: Option<i64>) -> String {
        let id = new.id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let number = self.next_number;
        self.next_number += 1;
        if let Some(name) = &new.name {
            let mut contact = json!({ "identity": new.identity, "name": name });
            if let Some(tunnel) = self.tunnel(&new.identity).filter(|it| it.is_in_contact) {
                contact["extras"] = json!({
                    "tunnel.owner": tunnel.owner, "tunnel.originator": tunnel.originator,
                    "tunnel.destination": tunnel.destination,
                });
            }
            self.contacts.entry(new.identity.clone()).or_insert(contact);
        }
        let ticket = Ticket {
            id: id.clone(),
            number,
            parent,
            customer: new.identity,
            domain: new.domain,
            team: new.team,
            status: "Waiting".to_owned(),
            agent: None,
            closed_by: None,
            rating: 0,
            tags: Vec::new(),
            is_on_standby: false,
            priority: new.priority,
            first: new.first,
            stored: self.now,
            opened: None,
            closed: None,
        };
        self.tickets.insert(id.clone(), ticket);
        id
    }

    /// Sends the bridge a ticket with its status, as the documented `Waiting` is sent.
    pub(super) fn announce(&mut self, id: &str) {
        let Some(ticket) = self.tickets.get(id) else { return };
        let envelope = json!({
            "id": format!("Ticket:{id}:{}", ticket.status), "from": ticket.address(),
            "to": self.setup.identity, "type": TICKET, "content": self.render(ticket),
            "metadata": { "#message.ticketId": id },
        });
        self.publish(envelope);
    }

    /// Queues an envelope for the bridge, twice if so wished.
    pub(super) fn publish(&mut self, envelope: Value) {
        if self.setup.sends_twice {
            self.outbox.push(envelope.clone());
        }
        self.outbox.push(envelope);
    }

    /// Ends a ticket that is not over yet.
    pub(super) fn end(
        &mut self,
        id: &str,
        status: &str,
        by: Option<String>,
    ) -> Result<(), Failure> {
        let now = self.now;
        let ticket = self.living(id)?;
        status.clone_into(&mut ticket.status);
        ticket.closed = Some(now);
        ticket.closed_by = by;
        ticket.is_on_standby = false;
        Ok(())
    }

    /// Ends a ticket and opens the one that goes on in another queue; returns its id.
    pub(super) fn hand_over(&mut self, id: &str, team: &str) -> Result<String, Failure> {
        if !self.setup.teams.iter().any(|known| known == team) && team != "DIRECT_TRANSFER" {
            return Err(Failure::world(67, format!("The team {team} was not found")));
        }
        let old = self.living(id)?.clone();
        self.end(id, "Transferred", old.agent.clone())?;
        let new = NewTicket {
            id: None,
            name: None,
            identity: old.customer,
            domain: old.domain,
            team: team.to_owned(),
            // What is handed on is judged anew (blip.md §3.3: it can differ).
            priority: 0,
            first: old.first,
        };
        Ok(self.open_ticket(new, Some(old.number)))
    }

    fn living(&mut self, id: &str) -> Result<&mut Ticket, Failure> {
        let ticket = self.tickets.get_mut(id).ok_or_else(|| not_found(id))?;
        if ticket.is_closed() {
            // Blip: which failure it is is not documented (blip.md §10.7).
            return Err(Failure::world(64, format!("The ticket is already {}", ticket.status)));
        }
        Ok(ticket)
    }

    /// Gives a ticket to an agent.
    pub(super) fn assign(&mut self, id: &str, agent: &str) -> Result<(), Failure> {
        if !is_agent(agent) {
            return Err(Failure::mistake(25, format!("{agent} is no identity of an agent")));
        }
        if self.setup.knows_agents && !self.setup.agents.iter().any(|known| known == agent) {
            return Err(Failure::world(67, format!("The agent {agent} was not found")));
        }
        let now = self.now;
        let ticket = self.living(id)?;
        "Open".clone_into(&mut ticket.status);
        ticket.agent = Some(agent.to_owned());
        ticket.opened.get_or_insert(now);
        Ok(())
    }

    /// Whether WhatsApp would still take free text to the customer of a ticket.
    pub(super) fn is_window_open(&self, ticket: &Ticket) -> bool {
        let thread = self.threads.get(&ticket.customer).into_iter().flatten();
        let last = thread.filter(|message| message.from_customer).map(|message| message.at).max();
        let last = last.unwrap_or(ticket.stored).max(ticket.stored);
        self.channel(ticket) != WHATSAPP || self.now.duration_since(last) < WINDOW
    }
}

/// `set /tickets/change-status`.
pub(super) fn change_status(state: &mut State, command: &Command) -> Outcome {
    let resource = command.resource(TICKET)?;
    let id = field(resource, "id")?;
    let status = field(resource, "status")?;
    if status == "Open" {
        let agent = resource["agentIdentity"].as_str();
        let agent = agent.ok_or_else(|| Failure::mistake(25, "agentIdentity is missing"))?;
        state.assign(id, agent)?;
    } else if ENDINGS.contains(&status) {
        let tags = tags(resource)?;
        let by = resource["closedBy"].as_str().map(str::to_owned);
        let by = by.or_else(|| state.tickets.get(id).and_then(|ticket| ticket.agent.clone()));
        state.end(id, status, by)?;
        if let (Some(tags), Some(ticket)) = (tags, state.tickets.get_mut(id)) {
            ticket.tags = tags;
        }
    } else {
        return Err(Failure::mistake(24, format!("The status {status} cannot be asked for")));
    }
    if state.setup.echoes_status {
        state.announce(id);
    }
    Ok(None)
}

/// `set /tickets/{id}/change-tags`: the list replaces the one before.
pub(super) fn change_tags(state: &mut State, command: &Command, id: &str) -> Outcome {
    let resource = command.resource(TICKET)?;
    if field(resource, "id")? != id {
        return Err(Failure::mistake(23, "The resource is another ticket than the uri"));
    }
    let tags = tags(resource)?.ok_or_else(|| Failure::mistake(23, "tags is missing"))?;
    state.living(id)?.tags = tags;
    Ok(None)
}

/// `set /tickets/{id}/pause-inactivity` and `/resume-inactivity` (blip.md, part 2 §10).
pub(super) fn change_standby(
    state: &mut State,
    command: &Command,
    id: &str,
    is_on: bool,
) -> Outcome {
    let resource = command.resource(TICKET)?;
    if field(resource, "id")? != id {
        return Err(Failure::mistake(23, "The resource is another ticket than the uri"));
    }
    let code = state.setup.standby_refusal;
    let refused = |why: &str| Err(Failure { code, ..Failure::world(64, why) });
    let is_enabled = state.setup.configuration.iter().any(|(name, value)| {
        name == "TicketStandbyModeEnabled" && value.eq_ignore_ascii_case("true")
    });
    let ticket = state.living(id)?.clone();
    let thread = state.threads.get(&ticket.customer).into_iter().flatten();
    let is_answered = { thread }.any(|said| said.ticket == id && !said.from_customer);
    if !is_enabled {
        return refused("The standby mode is not enabled");
    }
    if is_on && !is_answered {
        return refused("The agent has sent no message yet");
    }
    if ticket.is_on_standby == is_on {
        return Err(Failure::world(21, "The ticket is so already"));
    }
    state.living(id)?.is_on_standby = is_on;
    Ok(None)
}

/// `set /tickets/{id}/close`: archives a ticket that the customer has closed.
pub(super) fn archive(state: &mut State, command: &Command, id: &str) -> Outcome {
    let resource = command.resource(TICKET)?;
    let tags = tags(resource)?;
    let owner = state.setup.identity.clone();
    let ticket = state.tickets.get_mut(id).ok_or_else(|| not_found(id))?;
    if !ticket.status.starts_with("ClosedClient") {
        return Err(Failure::world(21, format!("The ticket is {}", ticket.status)));
    }
    ticket.closed_by = Some(resource["closedBy"].as_str().map_or(owner, str::to_owned));
    ticket.tags = tags.unwrap_or_default();
    Ok(None)
}

/// `set /tickets/{id}/transfer`: the answer is the new ticket.
pub(super) fn transfer(state: &mut State, command: &Command, id: &str) -> Outcome {
    let resource = command.resource(TICKET)?;
    let team = resource["team"].as_str();
    let agent = resource["agentIdentity"].as_str();
    if agent.is_some_and(|agent| !is_agent(agent)) {
        return Err(Failure::mistake(25, "agentIdentity is no identity of an agent"));
    }
    let team = team.or(agent.map(|_| "DIRECT_TRANSFER"));
    let team = team.ok_or_else(|| Failure::mistake(23, "neither team nor agentIdentity"))?;
    let new = state.hand_over(id, team)?;
    if state.setup.echoes_status {
        state.announce(id);
    }
    state.announce(&new);
    let ticket = state.tickets.get(&new);
    Ok(ticket.map(|ticket| (TICKET, state.render(ticket))))
}

/// `get /ticket/{id}`.
pub(super) fn read(state: &State, id: &str) -> Outcome {
    let ticket = state.tickets.get(id).ok_or_else(|| not_found(id))?;
    Ok(Some((TICKET, state.render(ticket))))
}

/// `get /tickets?…`: open ones unless `$closed=true`.
pub(super) fn list(state: &State, command: &Command) -> Outcome {
    let closed = command.param("$closed") == Some("true");
    let filter = command.param("$filter");
    if filter.is_some_and(|filter| filter.to_ascii_lowercase().contains("eq 'closed'")) {
        return Err(Failure { code: None, ..Failure::mistake(61, "Unable to perform operation") });
    }
    let mut found = Vec::new();
    for ticket in state.tickets.values().filter(|ticket| ticket.is_closed() == closed) {
        let rendered = state.render(ticket);
        let fits = filter.map_or(Ok(true), |filter| odata::fits(filter, &rendered));
        let fits = fits.map_err(|why| Failure::mistake(64, why))?;
        if fits {
            found.push(rendered);
        }
    }
    found.sort_by_key(|ticket| ticket["storageDate"].to_string());
    page(command, found, TICKET)
}

/// `get /tickets/{id}/messages`: all that its customer ever said and heard.
pub(super) fn messages(state: &State, command: &Command, id: &str) -> Outcome {
    let ticket = state.tickets.get(id).ok_or_else(|| not_found(id))?;
    thread(state, command, &ticket.customer)
}

/// `get /threads/{identity}`.
pub(super) fn thread(state: &State, command: &Command, identity: &str) -> Outcome {
    let messages = state.threads.get(identity).map_or(&[][..], Vec::as_slice);
    let is_shown = |message: &&ThreadMessage| state.now >= message.at + state.setup.shows_after;
    let mut found: Vec<&ThreadMessage> = messages.iter().filter(is_shown).collect();
    let oldest_first = command.param("$ascending") == Some("true")
        || command.param("direction").is_some_and(|way| way.eq_ignore_ascii_case("asc"));
    if !oldest_first {
        found.reverse();
    }
    let found = found.into_iter().map(|message| state.render_message(message)).collect();
    page(command, found, "application/vnd.iris.thread-message+json")
}

/// Cuts out the page that was asked for.
pub(super) fn page(command: &Command, found: Vec<Value>, item_type: &str) -> Outcome {
    let number = |key: &str, usual: usize| match command.param(key) {
        None => Ok(usual),
        Some(text) => {
            text.parse().map_err(|error| Failure::mistake(64, format!("{key} is {text}: {error}")))
        }
    };
    let (skip, take) = (number("$skip", 0)?, number("$take", 20)?);
    if take > 100 {
        let why = "The take parameter can not be greater than 100";
        return Err(Failure { code: None, ..Failure::mistake(64, why) });
    }
    let items: Vec<Value> = found.into_iter().skip(skip).take(take).collect();
    Ok(Some(lime::collection(item_type, &items)))
}

/// `local%40domain@blip.ai` (blip.md §2.5).
fn is_agent(identity: &str) -> bool {
    let local = identity.strip_suffix("@blip.ai");
    local.is_some_and(|local| {
        let sound = |c: char| c.is_ascii_graphic() && !"\"&':/<>@".contains(c);
        local.contains("%40") && !local.starts_with("%40") && local.chars().all(sound)
    })
}

fn not_found(id: &str) -> Failure {
    Failure::world(64, format!("Ticket not found for specified id {id}"))
}

fn field<'a>(resource: &'a Value, key: &str) -> Result<&'a str, Failure> {
    resource[key].as_str().ok_or_else(|| Failure::mistake(23, format!("{key} is missing")))
}

fn tags(resource: &Value) -> Result<Option<Vec<String>>, Failure> {
    let tags = resource.get("tags").cloned();
    let tags = tags.map(serde_json::from_value).transpose();
    tags.map_err(|error| Failure::mistake(23, format!("tags: {error}")))
}
