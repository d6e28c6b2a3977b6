//! The calls that we make to Blip, as operations of one bot.
//!
//! Commands are answered `200` even when they fail (`blip.md` §1.1), and an answer that cannot be
//! read is not a failure: the command may have taken effect. Knows nothing of Slack.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use super::documents::{
    ContactDocument, OutgoingDocument, ReceiptDocument, TicketDocument, read_comment,
    read_originator,
};
use super::envelope::{self, CommandAnswer, MAX_PAGE_SIZE, list, strip_forwards};
use super::error::Error;
use super::lenient::{self, get_text};
use super::parse::{self, MissedMessage, ThreadMessage};
use super::template;
use crate::breaker::{CircuitBreaker, CircuitOpen, parse_retry_after};
use crate::model::active::ActiveRoute;
use crate::model::{
    Agent, BotName, ContactChange, ContactComment, Failure, Fault, FilledTemplate, MessageTemplate,
    TicketId, TicketSnapshot, TransferTarget,
};
use crate::telemetry;

/// The queue of tickets that go to an agent and not to a team (`blip.md` §4.1).
pub(crate) const DIRECT_TRANSFER: &str = "DIRECT_TRANSFER";
/// The smallest page that may be full: what lists give that are not asked for more.
const MIN_PAGE_SIZE: usize = 20;
/// Most pages of a list that are read.
const MAX_LIST_PAGES: usize = 20;
/// Most categories whose canned replies are read.
const MAX_CATEGORIES: usize = 50;
/// Most templates that are read: what other clients ask for (`blip.md`, additions §1.1).
const MAX_TEMPLATES: u32 = 200;
/// How many of them are read at once, of the 48 commands a second (`blip.md` §1.1).
const CATEGORIES_AT_ONCE: usize = 8;
/// The pause after a `429` that names none: Blip keeps a bot out for up to two minutes
/// (`blip.md` §1.1), and one call in this time is enough to see whether it is over.
const DEFAULT_BUSY_PAUSE: Duration = Duration::from_secs(15);

/// Calls Blip in the name of one bot.
#[derive(Debug)]
pub(crate) struct BlipClient {
    bot: BotName,
    http: reqwest::Client,
    base: String,
    key: SecretString,
    /// The end of the name of the setting that holds the key.
    key_setting: &'static str,
    breaker: CircuitBreaker,
    /// Why Blip has not answered us yet; none once it has.
    silence_reason: Mutex<Option<String>>,
}

/// An agent of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attendant {
    /// Blip's identity of them.
    pub(crate) identity: String,
    /// What people call them; several may have the same name.
    pub(crate) name: String,
    /// Their e-mail address.
    pub(crate) email: Option<String>,
    /// The teams that they are in.
    pub(crate) teams: Vec<String>,
    /// Whether they are at work, if Blip tells.
    pub(crate) presence: Option<Presence>,
}

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    /// They take tickets.
    Online,
    /// They are there, and take none.
    Paused,
    /// They are not there, or do not want to be seen.
    Offline,
}

/// A team of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Team {
    /// What it is called.
    pub(crate) name: String,
    /// How many of its agents are at work, if Blip tells.
    pub(crate) online: Option<u64>,
}

/// The tags from which people choose, and whether the desk wants one before a ticket is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagChoices {
    /// The tags.
    pub(crate) tags: Vec<String>,
    /// Whether the desk wants one.
    pub(crate) is_one_wanted: bool,
}

impl TagChoices {
    /// Reads what the portal has written (`blip.md`, additions §8).
    fn from_settings(settings: &Value) -> Self {
        // A bucket keeps text as well as documents.
        let parsed = settings.as_str().and_then(lenient::parse_json);
        let settings = parsed.as_ref().unwrap_or(settings);
        if !lenient::is_true(settings, "hasTags") {
            return Self::default();
        }
        let tag = |tag: &Value| {
            lenient::as_text(tag).or_else(|| get_text(tag, "name")).or_else(|| get_text(tag, "tag"))
        };
        Self {
            tags: lenient::get_list(settings, "tags").iter().filter_map(tag).collect(),
            is_one_wanted: lenient::is_true(settings, "isTagsRequired"),
        }
    }
}

/// A canned reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CannedReply {
    /// Blip's id of it.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// The category that it is in.
    pub(crate) category: String,
    /// What it says, with its variables.
    pub(crate) body: CannedBody,
}

/// What a canned reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CannedBody {
    /// Words, which may be changed before they go out.
    Words(String),
    /// A document of this type, as JSON.
    Document {
        /// Its type.
        kind: String,
        /// The document, as JSON.
        content: String,
    },
}

/// The types of documents that a customer can be sent as they are (`blip.md` §6).
const SENDABLE_TYPES: [&str; 9] = [
    "collection",
    "container",
    "document-select",
    "list",
    "location",
    "media-link",
    "select",
    "tuple",
    "web-link",
];

impl CannedReply {
    /// `None` if it can be neither shown nor sent, as what only one channel understands: most of that
    /// are templates, which do not go by a ticket.
    fn from_entry(entry: &Value) -> Option<Self> {
        let body = CannedBody::from_entry(entry)?;
        let name = get_text(entry, "name").unwrap_or_else(|| match &body {
            CannedBody::Words(words) => words.clone(),
            CannedBody::Document { kind, .. } => kind.clone(),
        });
        let category = get_text(entry, "category").unwrap_or_default();
        Some(Self { id: get_text(entry, "id")?, name, category, body })
    }
}

impl CannedBody {
    fn from_entry(entry: &Value) -> Option<Self> {
        let document = entry.get("document")?;
        let kind = get_text(entry, "type").unwrap_or_default().to_ascii_lowercase();
        // A document stands there as text, too (`blip.md`, additions §7).
        let parsed = document.as_str().and_then(lenient::parse_json);
        let content = parsed.as_ref().unwrap_or(document);
        if kind.is_empty() || kind.starts_with("text/") || !content.is_object() {
            let words = document.as_str().map(str::to_owned);
            return words.or_else(|| get_text(document, "text")).map(Self::Words);
        }
        let name = kind.strip_prefix("application/vnd.lime.")?.trim_end_matches("+json");
        let content = content.to_string();
        SENDABLE_TYPES.contains(&name).then_some(Self::Document { kind, content })
    }
}

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
                .is_some_and(|found| strip_forwards(&found).eq_ignore_ascii_case(id))
        };
        let about = self.entries.iter().filter(is_it);
        let receipts =
            about.filter_map(|entry| envelope::build_receipt(ticket.blip_id(), id, entry));
        receipts.map(ReceiptDocument::new).collect()
    }
}

impl BlipClient {
    /// Calls go to `{base}/messages` and `{base}/commands`. The key may begin with `Key ` or not.
    pub(crate) fn new(
        bot: BotName,
        http: reqwest::Client,
        base: &str,
        key: &SecretString,
        breaker: CircuitBreaker,
    ) -> Self {
        let key = key.expose_secret().trim();
        let key = key.strip_prefix("Key ").unwrap_or(key);
        Self {
            bot,
            http,
            base: base.trim_end_matches('/').to_owned(),
            key: format!("Key {key}").into(),
            key_setting: "KEY",
            breaker,
            silence_reason: Mutex::new(Some("it was not asked".to_owned())),
        }
    }

    /// The same client, of which the log says that its key stands in the setting with this end.
    pub(crate) fn with_key_setting(self, key_setting: &'static str) -> Self {
        Self { key_setting, ..self }
    }

    /// The setting that holds the key.
    pub(crate) fn key_variable(&self) -> String {
        self.bot.setting_variable(self.key_setting)
    }

    /// Which bot this is.
    pub(crate) fn bot_name(&self) -> &BotName {
        &self.bot
    }

    /// Whether Blip's last word was that it does not accept our key.
    pub(crate) fn has_refused_key(&self) -> bool {
        self.breaker.has_refused_credentials()
    }

    /// Since when Blip has answered nothing, if that is for long.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        self.breaker.failing_since()
    }

    /// Whether somebody should ask Blip whether it works.
    pub(crate) fn needs_probe(&self) -> bool {
        self.breaker.needs_probe()
    }

    /// Why Blip has not answered us once since the start; none if it has.
    pub(crate) fn silence_reason(&self) -> Option<String> {
        self.silence_reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes whether something that speaks LIME has answered: a wrong address may be one of
    /// another service, which answers with a page or a status.
    fn note_answer<T>(&self, result: &Result<T, Error>) {
        let mut silence = self.silence_reason.lock().unwrap_or_else(PoisonError::into_inner);
        let has_answered = match result {
            Ok(_) => true,
            Err(Error::Refused { code, .. }) => !code.starts_with("http-"),
            Err(_) => false,
        };
        if has_answered {
            if silence.take().is_some() {
                tracing::info!(bot = %self.bot, "blip accepts the key of a bot");
            }
        } else if let (Err(error), Some(reason)) = (result, silence.as_mut()) {
            *reason = error.to_string();
        }
    }

    /// Asks Blip whether it is there and accepts our key.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.send_command("ping", &envelope::get_ping(&new_request_id())).await.map(drop)
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
        self.post_envelope(SEND_MESSAGE, "messages", message).await
    }

    /// A new link to a customer's file whose link has run out; `None` if Blip has none.
    pub(crate) async fn refresh_media_link(&self, uri: &str) -> Result<Option<String>, Error> {
        let command = envelope::refresh_media_uri(&new_request_id(), uri);
        let answer = self.send_command("refresh a link", &command).await;
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
        let answer = self.send_command("read messages", &command).await;
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
        let read = |said: &[Value]| parse::parse_missed_messages(&self.bot, address, &json!(said));
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
        let answer = self.send_command("read history", &command).await;
        Ok(none_if_missing(answer)?.map(parse::parse_thread_messages).unwrap_or_default())
    }

    /// Gives a ticket to an agent.
    pub(crate) async fn open_ticket(&self, ticket: &TicketId, identity: &str) -> Result<(), Error> {
        let command = envelope::change_status_open(&new_request_id(), ticket.blip_id(), identity);
        self.send_command("open ticket", &command).await.map(drop)
    }

    /// Finishes a ticket as an agent.
    pub(crate) async fn close_ticket(
        &self,
        ticket: &TicketId,
        tags: &[String],
    ) -> Result<(), Error> {
        let command = envelope::change_status_closed(&new_request_id(), ticket.blip_id(), tags);
        self.send_command("close ticket", &command).await.map(drop)
    }

    /// Hands a ticket on; the answer is the ticket that follows it, as Blip writes it.
    pub(crate) async fn transfer_ticket(
        &self,
        ticket: &TicketId,
        to: &TransferTarget,
    ) -> Result<TicketDocument, Error> {
        let to = match to {
            TransferTarget::Team(team) => envelope::TransferResource { team, agent: None },
            TransferTarget::Agent { identity, .. } => {
                envelope::TransferResource { team: DIRECT_TRANSFER, agent: Some(identity) }
            }
        };
        let command = envelope::request_transfer(&new_request_id(), ticket.blip_id(), &to);
        let follower = self.send_command("transfer ticket", &command).await?;
        Ok(follower.map(TicketDocument::new).unwrap_or_default())
    }

    /// Replaces the tags of a ticket.
    pub(crate) async fn tag_ticket(&self, ticket: &TicketId, tags: &[String]) -> Result<(), Error> {
        let command = envelope::change_tags(&new_request_id(), ticket.blip_id(), tags);
        self.send_command("change tags", &command).await.map(drop)
    }

    /// The tickets of a customer that are not over, as Blip writes them.
    pub(crate) async fn fetch_open_tickets(
        &self,
        identity: &str,
    ) -> Result<Vec<TicketDocument>, Error> {
        let command = envelope::get_open_tickets(&new_request_id(), identity, MAX_PAGE_SIZE);
        let tickets = self.fetch_entries("read tickets", &command).await?;
        Ok(tickets.into_iter().map(TicketDocument::new).collect())
    }

    /// Reads a ticket; `None` if Blip does not know it.
    pub(crate) async fn fetch_ticket(
        &self,
        ticket: &TicketId,
    ) -> Result<Option<TicketSnapshot>, Error> {
        const READ_TICKET: &str = "read ticket";
        let command = envelope::get_ticket(&new_request_id(), ticket.blip_id());
        let Some(resource) = none_if_missing(self.send_command(READ_TICKET, &command).await)?
        else {
            return Ok(None);
        };
        let unreadable = || Error::OutcomeUnknown {
            operation: READ_TICKET,
            what: "unreadable ticket".to_owned(),
        };
        parse::parse_snapshot(&self.bot, &resource).map(Some).ok_or_else(unreadable)
    }

    /// Who is at the far end of a router's tunnel, on their own channel; the customer's identity
    /// names the tunnel.
    pub(crate) async fn fetch_originator(&self, identity: &str) -> Result<Option<String>, Error> {
        let id = identity.split('@').next().unwrap_or_default();
        let command = envelope::get_tunnel(&new_request_id(), id);
        let tunnel = none_if_missing(self.send_command("read tunnel", &command).await)?;
        Ok(tunnel.as_ref().and_then(|tunnel| read_originator(tunnel.get("originator")?)))
    }

    /// The last receipts that Blip has for messages of this bot (`blip.md` §5).
    pub(crate) async fn fetch_receipt_log(&self) -> Result<ReceiptLog, Error> {
        let command = envelope::get_notifications(&new_request_id(), None);
        let entries = self.fetch_entries("read notifications", &command).await?;
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
        for prefix in ["fwd:fwd:", "fwd:", ""] {
            let command =
                envelope::get_notifications(&new_request_id(), Some(&format!("{prefix}{id}")));
            let found = self.fetch_entries("read notifications", &command).await?;
            let receipt = |found: &Value| envelope::build_receipt(ticket.blip_id(), id, found);
            receipts.extend(found.iter().filter_map(receipt).map(ReceiptDocument::new));
        }
        Ok(receipts)
    }

    /// Tells that a message, named exactly as it was delivered, was shown to an agent.
    pub(crate) async fn send_consumed(&self, id: &str, address: &str) -> Result<(), Error> {
        const SEND_NOTIFICATION: &str = "send notification";
        let receipt = envelope::build_consumed(id, address);
        self.post_envelope(SEND_NOTIFICATION, "notifications", &receipt).await
    }

    /// What the contact book has on a customer.
    pub(crate) async fn fetch_contact(
        &self,
        identity: &str,
    ) -> Result<Option<ContactDocument>, Error> {
        let command = envelope::get_contact(&new_request_id(), identity);
        Ok(none_if_missing(self.send_command("read contact", &command).await)?
            .map(ContactDocument::new))
    }

    /// Changes what the contact book has on a customer, and nothing else of it.
    pub(crate) async fn change_contact(
        &self,
        identity: &str,
        change: &ContactChange,
    ) -> Result<(), Error> {
        let known =
            if change.extras.is_empty() { None } else { self.fetch_contact(identity).await? };
        let contact = known.unwrap_or_default().build_change(identity, change);
        let command = envelope::merge_contact(&new_request_id(), &contact);
        self.send_command("change contact", &command).await.map(drop)
    }

    /// What was noted about a customer, newest first as Blip tells it.
    pub(crate) async fn fetch_comments(
        &self,
        identity: &str,
    ) -> Result<Vec<ContactComment>, Error> {
        let command = envelope::get_comments(&new_request_id(), identity, MAX_PAGE_SIZE);
        let entries = self.fetch_entries("read comments", &command).await?;
        Ok(entries.iter().filter_map(read_comment).collect())
    }

    /// Notes something about a customer in the contact book.
    pub(crate) async fn add_comment(
        &self,
        identity: &str,
        text: &str,
        author: Option<&str>,
    ) -> Result<(), Error> {
        let command = envelope::set_comment(&new_request_id(), identity, (text, author));
        self.send_command("add comment", &command).await.map(drop)
    }

    /// The teams.
    pub(crate) async fn fetch_teams(&self) -> Result<Vec<Team>, Error> {
        let entries = self.fetch_desk_list("read teams", list::TEAMS_PATH, None).await?;
        let team = |entry: &Value| {
            let name = get_text(entry, "name")?;
            let online = entry.get("agentsOnline").and_then(lenient::as_text);
            Some(Team { name, online: online.and_then(|online| online.parse().ok()) })
        };
        Ok(entries.iter().filter_map(team).collect())
    }

    /// The tags to choose from: those of the desk or, where it has none, those in use.
    pub(crate) async fn fetch_tag_choices(&self) -> Result<TagChoices, Error> {
        match tokio::join!(self.fetch_tag_settings(), self.fetch_tags()) {
            (Ok(settings), _) if !settings.tags.is_empty() => Ok(settings),
            (settings, Ok(tags)) => {
                let is_one_wanted = settings.is_ok_and(|settings| settings.is_one_wanted);
                Ok(TagChoices { tags, is_one_wanted })
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// The tags that the desk was given, and whether it wants one; none where Blip does not tell.
    pub(crate) async fn fetch_tag_settings(&self) -> Result<TagChoices, Error> {
        let bot = key_name(&self.key);
        let command = envelope::get_tag_settings(&new_request_id(), bot.as_deref());
        match self.send_command("read tag settings", &command).await {
            Ok(settings) => {
                Ok(settings.as_ref().map(TagChoices::from_settings).unwrap_or_default())
            }
            Err(error) if error.code().is_some() => Ok(TagChoices::default()),
            Err(error) => Err(error),
        }
    }

    /// The tags in use.
    pub(crate) async fn fetch_tags(&self) -> Result<Vec<String>, Error> {
        self.fetch_names("read tags", list::TAGS_PATH).await
    }

    /// The agents.
    pub(crate) async fn fetch_agents(&self) -> Result<Vec<Attendant>, Error> {
        let entries = self.fetch_desk_list("read agents", list::AGENTS_PATH, Some(0)).await?;
        Ok(entries.iter().filter_map(Attendant::from_entry).collect())
    }

    /// How the bot's desk is set up: values by name, all of them text (`blip.md` §4.2).
    pub(crate) async fn fetch_desk_configuration(&self) -> Result<HashMap<String, String>, Error> {
        let bot = key_name(&self.key);
        let command = envelope::get_desk_configuration(&new_request_id(), bot.as_deref());
        let entries = self.fetch_entries("read configuration", &command).await?;
        let pair = |entry: &Value| Some((get_text(entry, "name")?, get_text(entry, "value")?));
        Ok(entries.iter().filter_map(pair).collect())
    }

    /// The templates that can be sent. Blip has the list from Meta, in Meta's own form, and documents
    /// no pages of it.
    pub(crate) async fn fetch_templates(&self) -> Result<Vec<MessageTemplate>, Error> {
        let command = envelope::get_templates(&new_request_id(), MAX_TEMPLATES);
        let resource = self.send_command("list templates", &command).await?.unwrap_or_default();
        Ok(template::list_entries(&resource).iter().filter_map(template::parse_template).collect())
    }

    /// Whether the key may list the WhatsApp templates; no error means that it may.
    pub(crate) async fn check_template_access(&self) -> Result<(), Error> {
        let command = envelope::get_templates(&new_request_id(), 1);
        self.send_command("list templates", &command).await.map(drop)
    }

    /// Who a number is on WhatsApp: an account is not always made of its number. None if nobody is.
    pub(crate) async fn fetch_whatsapp_account(
        &self,
        number: &str,
    ) -> Result<Option<String>, Error> {
        let command = envelope::get_whatsapp_account(&new_request_id(), number);
        match self.send_command("check a number", &command).await {
            Ok(account) => Ok(account.and_then(|it| get_text(&it, "alternativeAccount"))),
            Err(error) if error.code().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends an active message under a name of its own; returns its id.
    pub(crate) async fn start_campaign(
        &self,
        name: &str,
        route: &ActiveRoute,
        number: &str,
        filled: &FilledTemplate,
    ) -> Result<String, Error> {
        const START_CAMPAIGN: &str = "send an active message";
        let campaign = template::to_campaign(name, route, number, filled);
        let command = envelope::start_campaign(&new_request_id(), &campaign);
        let answer = self.send_command(START_CAMPAIGN, &command).await?;
        answer.and_then(|campaign| get_text(&campaign, "id")).ok_or_else(|| Error::OutcomeUnknown {
            operation: START_CAMPAIGN,
            what: "no campaign".to_owned(),
        })
    }

    /// The id of the active message with this name, if it is among the newest ones.
    pub(crate) async fn find_campaign(&self, name: &str) -> Result<Option<String>, Error> {
        let command = envelope::get_campaigns(&new_request_id(), MAX_PAGE_SIZE);
        let found = self.send_command("read active messages", &command).await?.unwrap_or_default();
        let is_it = |campaign: &&Value| get_text(campaign, "name").is_some_and(|it| it == name);
        let found = lenient::get_list(&found, "items").iter().find(is_it);
        Ok(found.and_then(|campaign| get_text(campaign, "id")))
    }

    /// Why an active message has failed, as a receipt, if it has.
    pub(crate) async fn fetch_campaign_receipts(
        &self,
        ticket: &TicketId,
        campaign: &str,
    ) -> Result<Vec<ReceiptDocument>, Error> {
        let command = envelope::get_campaign_summary(&new_request_id(), campaign);
        let summaries = self.fetch_entries("read an active message", &command).await?;
        let failure = summaries.iter().find_map(template::parse_campaign_failure);
        let failed = failure.and_then(|(code, description)| {
            let told = json!({"event": "failed",
                "reason": {"code": code, "description": description}});
            envelope::build_receipt(ticket.blip_id(), campaign, &told)
        });
        Ok(failed.map(ReceiptDocument::new).into_iter().collect())
    }

    /// Whether a message of ours is among the last ones between a customer and this bot. That there is
    /// no such conversation is an error: who asks wants to know for sure.
    pub(crate) async fn has_sent(&self, identity: &str, id: &str) -> Result<bool, Error> {
        let command = envelope::get_history(&new_request_id(), identity, MAX_PAGE_SIZE);
        let said = self.send_command("read history", &command).await?.unwrap_or_default();
        Ok(parse::parse_thread_messages(said).iter().any(|message| message.has_id(id)))
    }

    /// The canned replies that can be sent. Blip lists only their categories, and the replies of each
    /// by the category's id.
    pub(crate) async fn fetch_canned_replies(&self) -> Result<Vec<CannedReply>, Error> {
        const READ_REPLIES: &str = "read replies";
        let entries = self.fetch_desk_list(READ_REPLIES, list::REPLIES_PATH, Some(0)).await?;
        let mut replies: Vec<CannedReply> =
            entries.iter().filter_map(CannedReply::from_entry).collect();
        let categories = entries.iter().filter(|entry| entry.get("document").is_none());
        let categories = categories.filter_map(|entry| get_text(entry, "id")).take(MAX_CATEGORIES);
        let lists: Vec<String> = categories.map(|id| list::replies_in_category(&id)).collect();
        for lists in lists.chunks(CATEGORIES_AT_ONCE) {
            for entries in
                join_all(lists.iter().map(|list| self.fetch_desk_list(READ_REPLIES, list, None)))
                    .await
            {
                replies.extend(entries?.iter().filter_map(CannedReply::from_entry));
            }
        }
        make_ids_unique(&mut replies);
        Ok(replies)
    }

    async fn fetch_names(&self, operation: &'static str, list: &str) -> Result<Vec<String>, Error> {
        let entries = self.fetch_desk_list(operation, list, None).await?;
        Ok(entries.iter().filter_map(|entry| get_text(entry, "name")).collect())
    }

    /// The entries of a list of the desk.
    async fn fetch_desk_list(
        &self,
        operation: &'static str,
        list: &str,
        first: Option<u32>,
    ) -> Result<Vec<Value>, Error> {
        let page = |skip| {
            let skip = Some(skip).filter(|skip| *skip > 0).or(first);
            envelope::get_desk_list(&new_request_id(), list, skip)
        };
        self.fetch_pages(operation, page, MIN_PAGE_SIZE, |_| false).await
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
        self.fetch_pages("read messages", page, full, enough).await
    }

    /// The entries of a list, page by page, until it is `enough`. Which lists have pages, and how
    /// large, is documented for few of them: a page that may be full is followed by the next, until
    /// nothing is new.
    async fn fetch_pages(
        &self,
        operation: &'static str,
        page: impl Fn(u32) -> Value,
        full: usize,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>, Error> {
        let mut all = self.fetch_entries(operation, &page(0)).await?;
        let mut last = all.len();
        for _ in 1..MAX_LIST_PAGES {
            if last < full || enough(&all) {
                break;
            }
            let skip = u32::try_from(all.len()).unwrap_or(u32::MAX);
            match self.fetch_entries(operation, &page(skip)).await {
                Ok(mut next) => {
                    // A list that has grown meanwhile repeats some entries on its next page.
                    last = next.len();
                    next.retain(|entry| !all.contains(entry));
                    if next.is_empty() {
                        break;
                    }
                    all.append(&mut next);
                }
                Err(error) if error.code().is_some() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// The entries of a list; an empty one is often said not to exist (`blip.md` §4.2).
    async fn fetch_entries(
        &self,
        operation: &'static str,
        command: &Value,
    ) -> Result<Vec<Value>, Error> {
        let resource =
            none_if_missing(self.send_command(operation, command).await)?.unwrap_or_default();
        Ok(resource
            .as_array()
            .map_or_else(|| lenient::get_list(&resource, "items"), Vec::as_slice)
            .to_vec())
    }

    #[tracing::instrument(level = "error", name = "blip", skip_all, fields(operation = operation))]
    async fn send_command(
        &self,
        operation: &'static str,
        command: &Value,
    ) -> Result<Option<Value>, Error> {
        self.check_call_allowed(operation, "commands")?;
        let began = Instant::now();
        let answer = self.post_for_body(operation, "commands", command).await.and_then(|body| {
            let unreadable =
                || Error::OutcomeUnknown { operation, what: "unreadable answer".to_owned() };
            let answer = CommandAnswer::from_body(&body).ok_or_else(unreadable)?;
            if answer.is_success() {
                Ok(answer.resource)
            } else if answer.is_failure() {
                let reason = answer.reason;
                let (code, said) = reason.map_or((None, None), |it| (it.code, it.description));
                Err(Error::from_reason(operation, code, said))
            } else {
                Err(unreadable())
            }
        });
        self.note_outcome(operation, ("commands", began), answer)
    }

    /// Posts an envelope to which there is no other answer than that it was taken.
    #[tracing::instrument(level = "error", name = "blip", skip_all, fields(operation = operation))]
    async fn post_envelope(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<(), Error> {
        self.check_call_allowed(operation, path)?;
        let began = Instant::now();
        let answer = self.post_for_body(operation, path, envelope).await.map(drop);
        self.note_outcome(operation, (path, began), answer)
    }

    /// Keeps a call back that cannot succeed now; nothing is learnt from that.
    fn check_call_allowed(&self, operation: &'static str, path: &str) -> Result<(), Error> {
        self.breaker.check_call(path).map_err(|shut| match shut {
            CircuitOpen::Paused(rest) => Error::Busy { operation, after: Some(rest) },
            CircuitOpen::CredentialsRefused => Error::Credentials { operation },
        })
    }

    /// Posts an envelope and returns the body of an answer that is a success by its status.
    async fn post_for_body(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<Vec<u8>, Error> {
        let lost = |error: reqwest::Error| Error::from_request(operation, &error);
        let request = self.http.post(format!("{}/{path}", self.base)).json(envelope);
        let response = request
            .header(AUTHORIZATION, self.authorization_header())
            .send()
            .await
            .map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            let after = read_retry_after(&response);
            return Err(Error::from_status(operation, status.as_u16(), after));
        }
        let media_type = response.headers().get(CONTENT_TYPE).cloned();
        let is_of =
            |kind: &[u8]| media_type.as_ref().is_some_and(|it| it.as_bytes().starts_with(kind));
        // A page for people where an envelope should be: a proxy answered, not Blip.
        if is_of(b"text/html") {
            return Err(Error::OutcomeUnknown { operation, what: "a web page".to_owned() });
        }
        let body: Vec<u8> = response.bytes().await.map_err(lost)?.into();
        let is_json = body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        if is_of(b"application/json") && !is_json {
            return Err(Error::OutcomeUnknown { operation, what: "unreadable answer".to_owned() });
        }
        Ok(body)
    }

    fn authorization_header(&self) -> HeaderValue {
        let value = HeaderValue::from_str(self.key.expose_secret());
        let mut value = value.unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    fn note_outcome<T>(
        &self,
        operation: &'static str,
        (path, began): (&str, Instant),
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::to_fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::record_call("blip", operation, outcome, began.elapsed());
        self.note_answer(&result);
        match fault {
            Some(Fault::Busy { after }) => {
                self.breaker.pause_calls(path, after.unwrap_or(DEFAULT_BUSY_PAUSE));
                self.breaker.note_failure();
            }
            Some(Fault::Credentials) => {
                let variable = self.key_variable();
                tracing::error!(bot = %self.bot, operation, "blip does not accept our key; mend \
                    {variable} with the value of the bot's Authorization header, the queue is \
                    kept meanwhile");
                self.breaker.note_credentials_refused();
            }
            None | Some(Fault::Refused { .. }) => self.breaker.note_credentials_accepted(),
            Some(Fault::Down | Fault::OutcomeUnknown | Fault::Broken) => {
                self.breaker.note_failure();
            }
        }
        result
    }
}

/// The bot that a key is of. A key of another form than usual stands for itself, in a form from
/// which it cannot be told.
pub(crate) fn key_owner(key: &SecretString) -> String {
    let bare = bare_key(key).as_bytes();
    key_name(key).unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, bare).to_string())
}

/// The identity of the bot that a key names.
pub(crate) fn key_identity(key: &SecretString) -> Option<String> {
    key_name(key).map(|name| format!("{name}@msging.net"))
}

/// The bot that a key names: what is before its access key (`blip.md` §1.1).
fn key_name(key: &SecretString) -> Option<String> {
    let pair = String::from_utf8(STANDARD.decode(bare_key(key)).ok()?).ok()?;
    let (name, _) = pair.split_once(':')?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn bare_key(key: &SecretString) -> &str {
    let key = key.expose_secret().trim();
    key.strip_prefix("Key ").unwrap_or(key)
}

/// The contract in the address of Blip (`blip.md` §1.1), if it is of that form.
pub(crate) fn address_contract(api_url: &str) -> Option<String> {
    let host = api_url.split("://").nth(1)?.split(['/', ':']).next()?.to_ascii_lowercase();
    host.strip_suffix(".http.msging.net").map(str::to_owned)
}

/// Blip says that something is not there with a failure (`blip.md` §2.6).
fn none_if_missing(answer: Result<Option<Value>, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Err(error) if matches!(error.code(), Some("64" | "67")) => Ok(None),
        answer => answer,
    }
}

impl Attendant {
    fn from_entry(entry: &Value) -> Option<Self> {
        let identity = get_text(entry, "identity")?;
        let email = get_text(entry, "email").or_else(|| Agent::email_from_identity(&identity));
        let local = identity.split('@').next().unwrap_or_default().to_owned();
        let name = get_text(entry, "fullName").or_else(|| email.clone()).unwrap_or(local);
        let teams = lenient::get_list(entry, "teams").iter().filter_map(lenient::as_text).collect();
        let presence = entry.get("status").and_then(lenient::as_text);
        let presence = presence.as_deref().and_then(Presence::parse);
        Some(Self { identity, name, email, teams, presence })
    }
}

impl Presence {
    /// Reads a status, which Blip writes as a name or as a number (`blip.md` additions 6).
    fn parse(status: &str) -> Option<Self> {
        match status.trim().to_ascii_lowercase().as_str() {
            "online" | "2" => Some(Self::Online),
            "pause" | "paused" | "1" => Some(Self::Paused),
            "offline" | "0" | "invisible" | "3" => Some(Self::Offline),
            _ => None,
        }
    }
}

/// Gives replies of the same id ids of their own: nothing makes a team choose different ones.
fn make_ids_unique(replies: &mut [CannedReply]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for reply in replies {
        let count = seen.entry(reply.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            reply.id = format!("{}#{count}", reply.id);
        }
    }
}

fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

fn read_retry_after(response: &reqwest::Response) -> Option<Duration> {
    parse_retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?)
}
