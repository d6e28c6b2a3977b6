//! The calls that we make to Blip, as operations of one bot: here messages and what became of them, in
//! `client/` all else.
//!
//! Commands are answered `200` even when they fail (`blip.md` §1.1), and an answer that cannot be
//! read is not a failure: the command may have taken effect. Knows nothing of Slack.

mod contacts;
mod desk;
mod pages;
mod templates;
mod tickets;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::contacts::ContactClient;
use self::desk::DeskClient;
pub(crate) use self::desk::STANDBY_SETTING;
use self::pages::{fetch_entries, fetch_pages, new_request_id, none_if_missing};
use self::templates::TemplateClient;
use self::tickets::TicketClient;
use super::contact::read_originator;
use super::documents::ReceiptDocument;
use super::envelope::{self, MAX_PAGE_SIZE};
use super::error::Error;
use super::lenient::get_text;
use super::lime::strip_forwards;
use super::outgoing::OutgoingDocument;
use super::parse::{self, MissedMessage, ThreadMessage};
use super::transport::{BlipAccess, BlipTransport};
use crate::breaker::CircuitBreaker;
use crate::model::{BotName, TicketId};

/// The end of Blip's log of receipts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceiptLog {
    entries: Vec<Value>,
    /// Whether it is all that Blip has.
    pub(crate) is_whole: bool,
}

impl ReceiptLog {
    /// What it says of a message of ours.
    pub(crate) fn receipts_for(&self, ticket: &TicketId, id: &str) -> Vec<ReceiptDocument> {
        let is_it = |entry: &&Value| {
            get_text(entry, "id")
                // Blip puts `fwd:` before an id at each hop, and how many hops there are differs
                // (`blip.md` §5).
                .is_some_and(|found| strip_forwards(&found).eq_ignore_ascii_case(id))
        };
        let about = self.entries.iter().filter(is_it);
        let receipts =
            about.filter_map(|entry| envelope::build_receipt(ticket.blip_id(), id, entry));
        receipts.map(ReceiptDocument::new).collect()
    }
}

/// Calls Blip in the name of one bot.
#[derive(Debug)]
pub(crate) struct BlipClient {
    transport: Arc<BlipTransport>,
    pub(crate) tickets: TicketClient,
    pub(crate) desk: DeskClient,
    pub(crate) contacts: ContactClient,
    pub(crate) templates: TemplateClient,
}

impl BlipClient {
    /// Nothing is called yet.
    pub(crate) fn new(
        access: BlipAccess<'_>,
        http: reqwest::Client,
        breaker: CircuitBreaker,
    ) -> Self {
        let transport = Arc::new(BlipTransport::new(access, http, breaker));
        let shared = || Arc::clone(&transport);
        Self {
            tickets: TicketClient::new(shared()),
            desk: DeskClient::new(shared()),
            contacts: ContactClient::new(shared()),
            templates: TemplateClient::new(shared()),
            transport,
        }
    }

    /// The setting that holds the key.
    pub(crate) fn key_variable(&self) -> String {
        self.transport.key_variable()
    }

    /// Why Blip has not answered us once since the start; none if it has.
    pub(crate) fn silence_reason(&self) -> Option<String> {
        self.transport.silence_reason()
    }

    /// Which bot this is.
    pub(crate) fn bot_name(&self) -> &BotName {
        &self.transport.bot
    }

    /// Whether Blip's last word was that it does not accept our key.
    pub(crate) fn has_refused_key(&self) -> bool {
        self.transport.breaker.has_refused_credentials()
    }

    /// Since when Blip has answered nothing, if that is for long.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        self.transport.breaker.failing_since()
    }

    /// Whether somebody should ask Blip whether it works.
    pub(crate) fn needs_probe(&self) -> bool {
        self.transport.breaker.needs_probe()
    }

    /// Asks Blip whether it is there and accepts our key.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.transport.send_command("ping", &envelope::get_ping(&new_request_id())).await.map(drop)
    }

    /// Sends words to the customer of a ticket; success means that Blip has taken them.
    pub(crate) async fn send_text(&self, id: &str, address: &str, text: &str) -> Result<(), Error> {
        self.send_message(&envelope::build_text_message(id, address, text)).await
    }

    /// Sends a document to the customer of a ticket; success means that Blip has taken it.
    pub(crate) async fn send_document(
        &self,
        id: &str,
        address: &str,
        document: &OutgoingDocument,
    ) -> Result<(), Error> {
        let OutgoingDocument { kind, content } = document;
        self.send_message(&envelope::build_message(id, address, kind, content)).await
    }

    async fn send_message(&self, message: &Value) -> Result<(), Error> {
        const SEND_MESSAGE: &str = "send message";
        self.transport.post_envelope(SEND_MESSAGE, "messages", message).await
    }

    /// A new link to a customer's file whose link has run out; `None` if Blip has none.
    pub(crate) async fn refresh_media_link(&self, uri: &str) -> Result<Option<String>, Error> {
        let command = envelope::refresh_media_uri(&new_request_id(), uri);
        let answer = self.transport.send_command("refresh a link", &command).await;
        let fresh = none_if_missing(answer)?;
        Ok(fresh.as_ref().and_then(Value::as_str).map(str::to_owned))
    }

    /// Whether a message of ours is among those of a ticket since then (`blip.md` §5).
    pub(crate) async fn has_message(
        &self,
        ticket: &TicketId,
        id: &str,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let read = |said: &[Value]| parse::parse_thread_messages(json!(said));
        let is_it = |message: &ThreadMessage| message.has_id(id);
        let is_before = |message: &ThreadMessage| message.date.is_some_and(|date| date < since);
        let enough = |said: &[Value]| {
            let said = read(said);
            // What is older than the event cannot be our reply to it, so nothing before that is
            // read: one list holds all that the customer ever said (`blip.md` §4.1).
            said.iter().any(is_it) || said.iter().any(is_before)
        };
        Ok(read(&self.fetch_messages_until(ticket, enough).await?).iter().any(is_it))
    }

    /// The latest messages of a ticket's customer, not only those of the ticket.
    pub(crate) async fn fetch_messages(
        &self,
        ticket: &TicketId,
    ) -> Result<Vec<ThreadMessage>, Error> {
        let command =
            envelope::get_ticket_messages(&new_request_id(), ticket.blip_id(), MAX_PAGE_SIZE, 0);
        let answer = self.transport.send_command("read messages", &command).await;
        Ok(none_if_missing(answer)?.map(parse::parse_thread_messages).unwrap_or_default())
    }

    /// The latest messages of a ticket's customer as the events that they should have come as,
    /// oldest first, at least as far back as one that `is_known`; not only those of the ticket.
    /// `address` is the ticket's node.
    pub(crate) async fn fetch_missed_messages(
        &self,
        ticket: &TicketId,
        address: &str,
        is_known: impl Fn(&MissedMessage) -> bool,
    ) -> Result<Vec<MissedMessage>, Error> {
        let read = |said: &[Value]| {
            parse::parse_missed_messages(&self.transport.bot, address, &json!(said))
        };
        // `first` is the oldest one of what has been read so far.
        let enough = |said: &[Value]| read(said).first().is_some_and(&is_known);
        Ok(read(&self.fetch_messages_until(ticket, enough).await?))
    }

    /// What was said between a customer and the bot lately.
    pub(crate) async fn fetch_history(
        &self,
        identity: &str,
        take: u32,
    ) -> Result<Vec<ThreadMessage>, Error> {
        let command =
            envelope::get_history(&new_request_id(), identity, take.clamp(1, MAX_PAGE_SIZE));
        let answer = self.transport.send_command("read history", &command).await;
        Ok(none_if_missing(answer)?.map(parse::parse_thread_messages).unwrap_or_default())
    }

    /// Who is at the far end of a router's tunnel, on their own channel; the customer's identity
    /// names the tunnel.
    pub(crate) async fn fetch_originator(&self, identity: &str) -> Result<Option<String>, Error> {
        let id = identity.split('@').next().unwrap_or_default();
        let command = envelope::get_tunnel(&new_request_id(), id);
        let tunnel = none_if_missing(self.transport.send_command("read tunnel", &command).await)?;
        Ok(tunnel.as_ref().and_then(|tunnel| read_originator(tunnel.get("originator")?)))
    }

    /// The last receipts that Blip has for messages of this bot (`blip.md` §5).
    pub(crate) async fn fetch_receipt_log(&self) -> Result<ReceiptLog, Error> {
        let command = envelope::get_notifications(&new_request_id(), None);
        let entries = fetch_entries(&self.transport, "read notifications", &command).await?;
        // Blip keeps the last hundred (`blip.md` §5): what a full page does not tell may have been
        // in it.
        let is_whole = entries.len() < usize::try_from(MAX_PAGE_SIZE).unwrap_or(usize::MAX);
        Ok(ReceiptLog { entries, is_whole })
    }

    /// What is known of the fate of a message of ours, as receipts (`blip.md` §5).
    pub(crate) async fn fetch_receipts(
        &self,
        ticket: &TicketId,
        id: &str,
    ) -> Result<Vec<ReceiptDocument>, Error> {
        let mut receipts = Vec::new();
        // Under which form of the id Blip keeps what became of it is not documented (`blip.md` §5),
        // and it may tell by more than one.
        for prefix in ["fwd:fwd:", "fwd:", ""] {
            let command =
                envelope::get_notifications(&new_request_id(), Some(&format!("{prefix}{id}")));
            let found = fetch_entries(&self.transport, "read notifications", &command).await?;
            let receipt = |found: &Value| envelope::build_receipt(ticket.blip_id(), id, found);
            receipts.extend(found.iter().filter_map(receipt).map(ReceiptDocument::new));
        }
        Ok(receipts)
    }

    /// Tells that a message, named exactly as it was delivered, was shown to an agent.
    pub(crate) async fn send_consumed(&self, id: &str, address: &str) -> Result<(), Error> {
        const SEND_NOTIFICATION: &str = "send notification";
        let receipt = envelope::build_consumed(id, address);
        self.transport.post_envelope(SEND_NOTIFICATION, "notifications", &receipt).await
    }

    /// Whether a message of ours is among the last ones between a customer and this bot. That there is
    /// no such conversation is an error: who asks wants to know for sure.
    pub(crate) async fn has_sent(&self, identity: &str, id: &str) -> Result<bool, Error> {
        let command = envelope::get_history(&new_request_id(), identity, MAX_PAGE_SIZE);
        let said = self.transport.send_command("read history", &command).await?.unwrap_or_default();
        Ok(parse::parse_thread_messages(said).iter().any(|message| message.has_id(id)))
    }

    /// The latest messages of a ticket's customer, newest first, until it is `enough`.
    async fn fetch_messages_until(
        &self,
        ticket: &TicketId,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>, Error> {
        let page = |skip| {
            envelope::get_ticket_messages(&new_request_id(), ticket.blip_id(), MAX_PAGE_SIZE, skip)
        };
        let full = usize::try_from(MAX_PAGE_SIZE).unwrap_or(usize::MAX);
        fetch_pages(&self.transport, "read messages", page, full, enough).await
    }
}
