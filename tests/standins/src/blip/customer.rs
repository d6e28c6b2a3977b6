//! What customers do, and what happens at Blip without the bridge.
//!
//! Each deed returns once the bridge has answered, and says with which status.

use serde_json::{Value, json};
use uuid::Uuid;

use super::state::{NewTicket, State, ThreadMessage, Ticket, Tunnel, WHATSAPP};
use super::{Blip, last_status};
use crate::Impossible;

/// Something that the bridge was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The id of the ticket that was made, or of the message as the bridge sees it.
    pub id: String,
    /// The status that the bridge answered; none if it did not, was not asked, or all is held.
    pub status: Option<u16>,
}

/// A file that a customer sent.
#[derive(Clone, Debug)]
pub(super) struct Media {
    mime: String,
    bytes: Vec<u8>,
    /// Part of the link; another one after each refresh.
    signature: u32,
    expired: bool,
}

type Deed<T> = Result<T, Impossible>;

impl Blip {
    /// The bot hands a customer over: a ticket is made and sent to the bridge.
    pub async fn opens_ticket(&self, new: NewTicket) -> Sent {
        let (id, receipts) = self.core.act(|state| {
            let id = state.open_ticket(new, None);
            state.announce(&id);
            id
        });
        Sent { id, status: last_status(receipts).await }
    }

    /// The bot hands a customer over, but the bridge is not told.
    pub fn opens_ticket_silently(&self, new: NewTicket) -> String {
        self.core.act(|state| state.open_ticket(new, None)).0
    }

    /// What the contact book has on a customer from now on, as Blip writes it.
    pub fn keeps_contact(&self, contact: Value) {
        let identity = contact["identity"].as_str().unwrap_or_default().to_owned();
        self.core.act(|state| state.contacts.insert(identity, contact));
    }

    /// A router takes a customer on; returns the identity by which the bot knows them from then on.
    pub fn routes(&self, originator: &str, is_in_contact: bool) -> String {
        let id = Uuid::new_v4().to_string();
        self.core.act(|state| {
            let tunnel = Tunnel {
                owner: "lojarouter@msging.net".to_owned(),
                originator: originator.to_owned(),
                destination: state.setup.identity.clone(),
                is_in_contact,
            };
            state.tunnels.insert(id.clone(), tunnel);
        });
        format!("{id}@tunnel.msging.net")
    }

    /// The customer writes.
    pub async fn says(&self, ticket: &str, text: &str) -> Deed<Sent> {
        self.sends(ticket, "text/plain", json!(text)).await
    }

    /// The customer sends something of any type.
    pub async fn sends(&self, ticket: &str, kind: &str, content: Value) -> Deed<Sent> {
        self.sends_with(ticket, kind, content, &[]).await
    }

    /// The customer sends something with which the channel tells more, such as which earlier message
    /// it answers.
    pub async fn sends_with(
        &self,
        ticket: &str,
        kind: &str,
        content: Value,
        metadata: &[(&str, &str)],
    ) -> Deed<Sent> {
        let (id, receipts) =
            self.core.act(|state| state.customer_sends(ticket, kind, content, metadata));
        Ok(Sent { id: id?, status: last_status(receipts).await })
    }

    /// The customer sends a file; the stand-in serves its link until it expires.
    pub async fn sends_file(
        &self,
        ticket: &str,
        (name, mime): (&str, &str),
        bytes: &[u8],
        caption: Option<&str>,
    ) -> Deed<Sent> {
        let (uri, _) = self.core.act(|state| state.add_media(mime, bytes));
        let mut content = json!({ "type": mime, "uri": uri, "title": name, "size": bytes.len() });
        if let Some(caption) = caption {
            content["text"] = json!(caption);
        }
        self.sends(ticket, "application/vnd.lime.media-link+json", content).await
    }

    /// A link under which a file can be had, for content of any kind.
    pub fn hosts(&self, mime: &str, bytes: &[u8]) -> String {
        self.core.act(|state| state.add_media(mime, bytes)).0
    }

    /// A link under which a file comes a byte at a time, until [`Blip::lets_media_flow`].
    pub fn hosts_dripping(&self, mime: &str, bytes: &[u8]) -> String {
        format!("{}&drips=1", self.hosts(mime, bytes))
    }

    /// What drips comes at once from now on, also what is on its way.
    pub fn lets_media_flow(&self) {
        self.core.act(|state| state.media_flows = true);
    }

    /// A link that leads to another one.
    pub fn leads_to(&self, url: &str) -> String {
        let to: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
        format!("{}/away?to={to}", self.api_url())
    }

    /// All links to customers' files stop working until they are refreshed.
    pub fn expires_media(&self) {
        let expire = |media: &mut Media| media.expired = true;
        self.core.act(|state| state.media.values_mut().for_each(expire));
    }

    /// The ticket ends with this status, such as `ClosedClient`, and the bridge is told.
    pub async fn closes(&self, ticket: &str, status: &str) -> Deed<Option<u16>> {
        let (done, receipts) = self.core.act(|state| {
            let done = state.end(ticket, status, None);
            state.announce(ticket);
            done
        });
        done.map_err(|failure| Impossible::new(failure.description))?;
        Ok(last_status(receipts).await)
    }

    /// The customer rates a ticket that is over, and the bridge is told of the ticket once more.
    pub async fn rates(&self, ticket: &str, rating: i64) -> Deed<Option<u16>> {
        let (done, receipts) = self.core.act(|state| {
            let rated = state.tickets.get_mut(ticket).filter(|rated| rated.is_closed());
            let rated = rated.map(|rated| rated.rating = rating);
            if rated.is_some() {
                state.announce(ticket);
            }
            rated
        });
        done.ok_or_else(|| Impossible::new("only a ticket that is over is rated"))?;
        Ok(last_status(receipts).await)
    }

    /// The desk's rules give a ticket another priority, of which the bridge is told nothing.
    pub fn prioritizes(&self, ticket: &str, priority: i64) -> Deed<()> {
        let (done, _) = self
            .core
            .act(|state| state.tickets.get_mut(ticket).map(|ticket| ticket.priority = priority));
        done.ok_or_else(|| Impossible::new("there is no such ticket"))
    }

    /// Somebody puts a ticket on standby in Blip Desk, of which the bridge is told nothing.
    pub fn puts_on_standby(&self, ticket: &str) -> Deed<()> {
        let (done, _) = self
            .core
            .act(|state| state.tickets.get_mut(ticket).map(|ticket| ticket.is_on_standby = true));
        done.ok_or_else(|| Impossible::new("there is no such ticket"))
    }

    /// A manager ends the standby of a ticket, and the bridge is told by a notification.
    pub async fn ends_standby(&self, ticket: &str) -> Deed<Option<u16>> {
        let (done, receipts) = self.core.act(|state| {
            let found = state.tickets.get_mut(ticket).filter(|found| found.is_on_standby)?;
            found.is_on_standby = false;
            // What else stands in it is not documented: only the id names the ticket.
            let id = state.told_again(&format!("{ticket}:ManagerRemoveStandby"));
            let envelope = json!({ "id": id, "from": "postmaster@desk.msging.net/#az-iris2",
                "to": state.setup.identity, "event": "received",
                "metadata": { "#uniqueId": Uuid::new_v4().to_string() } });
            state.publish(envelope);
            Some(())
        });
        done.ok_or_else(|| Impossible::new("the ticket is not on standby"))?;
        Ok(last_status(receipts).await)
    }

    /// The ticket ends with this status, and the bridge is told nothing.
    pub fn closes_silently(&self, ticket: &str, status: &str) -> Deed<()> {
        let (done, _) = self.core.act(|state| state.end(ticket, status, None));
        done.map_err(|failure| Impossible::new(failure.description))
    }

    /// A manager moves the ticket to another queue; returns the ticket that goes on.
    pub async fn transfers(&self, ticket: &str, team: &str) -> Deed<Sent> {
        let (id, receipts) = self.core.act(|state| {
            let id = state.hand_over(ticket, team)?;
            state.announce(ticket);
            state.announce(&id);
            Ok(id)
        });
        let id =
            id.map_err(|failure: super::lime::Failure| Impossible::new(failure.description))?;
        Ok(Sent { id, status: last_status(receipts).await })
    }

    /// A manager moves the ticket to another queue, and the bridge is told only of the one that goes
    /// on.
    pub async fn transfers_unended(&self, ticket: &str, team: &str) -> Deed<Sent> {
        let (id, receipts) = self.core.act(|state| {
            let id = state.hand_over(ticket, team)?;
            state.announce(&id);
            Ok(id)
        });
        let id =
            id.map_err(|failure: super::lime::Failure| Impossible::new(failure.description))?;
        Ok(Sent { id, status: last_status(receipts).await })
    }

    /// A manager gives the ticket to an agent, and the bridge is told nothing.
    pub fn assigns(&self, ticket: &str, agent: &str) -> Deed<()> {
        let (done, _) = self.core.act(|state| state.assign(ticket, agent));
        done.map_err(|failure| Impossible::new(failure.description))
    }

    /// The customer reads all that reached them in this ticket.
    pub async fn reads(&self, ticket: &str) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| {
            let unread = state.received(ticket).filter(|message| message.status != "consumed");
            let ids: Vec<String> = unread.map(|message| message.id.clone()).collect();
            for id in ids {
                state.notify(ticket, &id, "consumed", None);
            }
        });
        last_status(receipts).await
    }

    /// Blip sends the bridge some other envelope; returns the status.
    pub async fn emits(&self, envelope: Value) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| state.publish(envelope));
        last_status(receipts).await
    }
}

impl State {
    fn customer_sends(
        &mut self,
        ticket: &str,
        kind: &str,
        content: Value,
        more: &[(&str, &str)],
    ) -> Deed<String> {
        let found = self.tickets.get(ticket).filter(|ticket| !ticket.is_closed());
        let found = found.ok_or_else(|| Impossible::new(format!("{ticket} is not open")))?;
        let (customer, address) = (found.customer.clone(), found.address());
        let is_told = found.is_assigned() || !self.setup.waits_for_open;
        let id = format!("fwd:fwd:{}", Uuid::new_v4());
        let mut metadata = self.metadata(found);
        for (key, value) in more {
            metadata[*key] = json!(value);
        }
        let envelope = json!({
            "id": self.told_again(&id), "from": self.told_again(&address), "to": self.setup.identity, "type": kind,
            "content": content, "metadata": metadata,
        });
        let message = ThreadMessage {
            id: id.clone(),
            ticket: ticket.to_owned(),
            from_customer: true,
            kind: kind.to_owned(),
            content,
            at: self.now,
            status: "consumed".to_owned(),
            reason: None,
            metadata,
        };
        self.threads.entry(customer).or_default().push(message);
        if is_told {
            self.publish(envelope);
        }
        Ok(id)
    }

    fn metadata(&self, ticket: &Ticket) -> Value {
        let mut metadata = json!({
            "#uniqueId": Uuid::new_v4().to_string(), "#message.ticketId": ticket.id,
            "date_created": self.now.as_millisecond().to_string(),
            "#wa.timestamp": self.now.as_second().to_string(),
        });
        if self.channel(ticket) == WHATSAPP {
            metadata["#wa.message.id"] = json!(format!("wamid.{}", Uuid::new_v4().simple()));
        }
        metadata
    }

    fn add_media(&mut self, mime: &str, bytes: &[u8]) -> String {
        let id = Uuid::new_v4().to_string();
        let (mime, bytes) = (mime.to_owned(), bytes.to_vec());
        self.media.insert(id.clone(), Media { mime, bytes, signature: 0, expired: false });
        self.media_link(&id, 0)
    }

    fn media_link(&self, id: &str, signature: u32) -> String {
        format!("{}/media/{id}?sig={signature}", self.url)
    }

    /// A link that works again.
    pub(super) fn refresh_media(&mut self, uri: &str) -> Option<String> {
        let id = uri.strip_prefix(&format!("{}/media/", self.url))?.split('?').next()?.to_owned();
        let media = self.media.get_mut(&id)?;
        media.expired = false;
        media.signature += 1;
        let signature = media.signature;
        Some(self.media_link(&id, signature))
    }

    /// Type and bytes of a file, if the link still works.
    pub(super) fn media(&self, id: &str, signature: Option<&str>) -> Option<(String, Vec<u8>)> {
        let media = self.media.get(id).filter(|media| !media.expired)?;
        let current = media.signature.to_string();
        (signature == Some(&current)).then(|| (media.mime.clone(), media.bytes.clone()))
    }
}
