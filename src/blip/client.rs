//! The calls that we make to Blip, as operations of one bot.
//!
//! Commands are answered `200` even when they fail (`blip.md` §1.1), and an answer that cannot be
//! read is not a failure: the command may have taken effect. Knows nothing of Slack.

use std::collections::HashMap;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contact::{ContactDocument, read_comment, read_originator};
use super::desk::{
    Attendant, CannedReply, TagChoices, Team, make_ids_unique, read_forbidden_words,
    read_passed_limits,
};
use super::documents::{ReceiptDocument, TicketDocument};
use super::envelope::{self, MAX_PAGE_SIZE, list};
use super::error::Error;
use super::hours;
use super::key::key_name;
use super::lenient::{self, get_text};
use super::lime::strip_forwards;
use super::outgoing::OutgoingDocument;
use super::parse::{self, MissedMessage, ThreadMessage};
use super::template;
use super::transport::{BlipAccess, BlipTransport};
use crate::breaker::CircuitBreaker;
use crate::model::active::ActiveRoute;
use crate::model::forbidden::ForbiddenWords;
use crate::model::{
    BotName, ContactChange, ContactComment, DeskHours, FilledTemplate, MessageTemplate,
    PassedLimits, TicketId, TicketSnapshot, TransferTarget,
};

/// The queue of tickets that go to an agent and not to a team (`blip.md` §4.1).
pub(crate) const DIRECT_TRANSFER: &str = "DIRECT_TRANSFER";
/// The smallest page that may be full: what lists give that are not asked for more.
const MIN_PAGE_SIZE: usize = 20;
/// Most pages of a list that are read.
const MAX_LIST_PAGES: usize = 20;
/// Most schedules of a desk that are read.
const MAX_SCHEDULES: usize = 100;
/// What reading the hours of a desk is called in errors and metrics.
const READ_HOURS: &str = "read hours";
/// Most categories whose canned replies are read.
const MAX_CATEGORIES: usize = 50;
/// Most templates that are read: what other clients ask for (`blip.md`, additions §1.1).
const MAX_TEMPLATES: u32 = 200;
/// How many of them are read at once, of the 48 commands a second (`blip.md` §1.1).
const CATEGORIES_AT_ONCE: usize = 8;
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
    transport: BlipTransport,
}

impl BlipClient {
    /// Nothing is called yet.
    pub(crate) fn new(
        access: BlipAccess<'_>,
        http: reqwest::Client,
        breaker: CircuitBreaker,
    ) -> Self {
        Self { transport: BlipTransport::new(access, http, breaker) }
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

    /// Gives a ticket to an agent.
    pub(crate) async fn open_ticket(&self, ticket: &TicketId, identity: &str) -> Result<(), Error> {
        let command = envelope::change_status_open(&new_request_id(), ticket.blip_id(), identity);
        self.transport.send_command("open ticket", &command).await.map(drop)
    }

    /// Finishes a ticket as an agent.
    pub(crate) async fn close_ticket(
        &self,
        ticket: &TicketId,
        tags: &[String],
    ) -> Result<(), Error> {
        let command = envelope::change_status_closed(&new_request_id(), ticket.blip_id(), tags);
        self.transport.send_command("close ticket", &command).await.map(drop)
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
        let follower = self.transport.send_command("transfer ticket", &command).await?;
        // An answer without the new ticket is still a success: what follows is then found by its
        // parent's number (`a_transfer_of_which_blip_does_not_say_what_follows_is_told_in_words`).
        Ok(follower.map(TicketDocument::new).unwrap_or_default())
    }

    /// Replaces the tags of a ticket.
    pub(crate) async fn tag_ticket(&self, ticket: &TicketId, tags: &[String]) -> Result<(), Error> {
        let command = envelope::change_tags(&new_request_id(), ticket.blip_id(), tags);
        self.transport.send_command("change tags", &command).await.map(drop)
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
        let entries = self.fetch_entries("read notifications", &command).await?;
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
        self.transport.post_envelope(SEND_NOTIFICATION, "notifications", &receipt).await
    }

    /// What the contact book has on a customer.
    pub(crate) async fn fetch_contact(
        &self,
        identity: &str,
    ) -> Result<Option<ContactDocument>, Error> {
        let command = envelope::get_contact(&new_request_id(), identity);
        Ok(none_if_missing(self.transport.send_command("read contact", &command).await)?
            .map(ContactDocument::new))
    }

    /// Changes what the contact book has on a customer, and nothing else of it.
    pub(crate) async fn change_contact(
        &self,
        identity: &str,
        change: &ContactChange,
    ) -> Result<(), Error> {
        let known =
            // Read only where the team's own entries change, as these are written back as a whole.
            if change.extras.is_empty() { None } else { self.fetch_contact(identity).await? };
        let contact = known.unwrap_or_default().build_change(identity, change);
        let command = envelope::merge_contact(&new_request_id(), &contact);
        self.transport.send_command("change contact", &command).await.map(drop)
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
        self.transport.send_command("add comment", &command).await.map(drop)
    }

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
            // What the desk was given comes first: tags in use are whatever somebody has once
            // written.
            (Ok(settings), _) if !settings.tags.is_empty() => Ok(settings),
            (settings, Ok(tags)) => {
                // A desk that does not tell wants none: a ticket that cannot be closed is worse
                // than one without a tag.
                let is_one_wanted = settings.is_ok_and(|settings| settings.is_one_wanted);
                Ok(TagChoices { tags, is_one_wanted })
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// The tags that the desk was given, and whether it wants one; none where Blip does not tell.
    pub(crate) async fn fetch_tag_settings(&self) -> Result<TagChoices, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_tag_settings(&new_request_id(), bot.as_deref());
        match self.transport.send_command("read tag settings", &command).await {
            Ok(settings) => {
                Ok(settings.as_ref().map(TagChoices::from_settings).unwrap_or_default())
            }
            Err(error) if error.code().is_some() => Ok(TagChoices::default()),
            Err(error) => Err(error),
        }
    }

    /// The words that agents must not write; none where Blip keeps none.
    pub(crate) async fn fetch_forbidden_words(&self) -> Result<ForbiddenWords, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_forbidden_words(&new_request_id(), bot.as_deref());
        match self.transport.send_command("read forbidden words", &command).await {
            Ok(settings) => Ok(settings.as_ref().map(read_forbidden_words).unwrap_or_default()),
            Err(error) if error.code().is_some() => Ok(ForbiddenWords::default()),
            Err(error) => Err(error),
        }
    }

    /// The tags that a queue was given, by its name (`blip.md`, additions §8).
    pub(crate) async fn fetch_queue_tags(&self, queue: &str) -> Result<Vec<String>, Error> {
        let path = list::tags_of_queue(queue);
        let entries = self.fetch_desk_list("read queue tags", &path, None).await?;
        Ok(entries.iter().filter_map(|entry| get_text(entry, "tag")).collect())
    }

    /// The tags in use.
    pub(crate) async fn fetch_tags(&self) -> Result<Vec<String>, Error> {
        self.fetch_names("read tags", list::TAGS_PATH).await
    }

    pub(crate) async fn fetch_agents(&self) -> Result<Vec<Attendant>, Error> {
        let entries = self.fetch_desk_list("read agents", list::AGENTS_PATH, Some(0)).await?;
        Ok(entries.iter().filter_map(Attendant::from_entry).collect())
    }

    /// When the desk is attended; nothing where it has no hours.
    pub(crate) async fn fetch_desk_hours(&self) -> Result<DeskHours, Error> {
        let listed = self.fetch_desk_list(READ_HOURS, list::HOURS_PATH, Some(0)).await?;
        let mut schedules = Vec::new();
        // One after the other: few desks have more than a handful, and it is asked for rarely.
        for id in hours::list_ids(&listed).into_iter().take(MAX_SCHEDULES) {
            let command = envelope::get_schedule(&new_request_id(), &id);
            // One that was deleted meanwhile is none.
            schedules
                .extend(none_if_missing(self.transport.send_command(READ_HOURS, &command).await)?);
        }
        Ok(hours::collect_hours(&schedules))
    }

    /// The tickets that have passed limits of the desk's service levels, by Blip's ids.
    pub(crate) async fn fetch_passed_limits(&self) -> Result<Vec<(String, PassedLimits)>, Error> {
        let full = usize::try_from(MAX_PAGE_SIZE).unwrap_or(usize::MAX);
        let mut passed = Vec::new();
        for path in [list::WAITING_PATH, list::OPEN_PATH] {
            let page =
                |skip| envelope::get_passed_limits(&new_request_id(), path, skip, MAX_PAGE_SIZE);
            let entries = self.fetch_pages("read service levels", page, full, |_| false).await?;
            passed.extend(entries.iter().filter_map(read_passed_limits));
        }
        Ok(passed)
    }

    /// How many policies of service levels the desk has.
    pub(crate) async fn count_service_policies(&self) -> Result<usize, Error> {
        let listed = self.fetch_desk_list("read policies", list::POLICIES_PATH, Some(0)).await?;
        Ok(listed.len())
    }

    /// How the bot's desk is set up: values by name, all of them text (`blip.md` §4.2).
    pub(crate) async fn fetch_desk_configuration(&self) -> Result<HashMap<String, String>, Error> {
        let bot = key_name(&self.transport.key);
        let command = envelope::get_desk_configuration(&new_request_id(), bot.as_deref());
        let entries = self.fetch_entries("read configuration", &command).await?;
        let pair = |entry: &Value| Some((get_text(entry, "name")?, get_text(entry, "value")?));
        Ok(entries.iter().filter_map(pair).collect())
    }

    /// The templates that can be sent. Blip has the list from Meta, in Meta's own form, and documents
    /// no pages of it.
    pub(crate) async fn fetch_templates(&self) -> Result<Vec<MessageTemplate>, Error> {
        let command = envelope::get_templates(&new_request_id(), MAX_TEMPLATES);
        let resource =
            self.transport.send_command("list templates", &command).await?.unwrap_or_default();
        Ok(template::list_entries(&resource).iter().filter_map(template::parse_template).collect())
    }

    /// Whether the key may list the WhatsApp templates; no error means that it may.
    pub(crate) async fn check_template_access(&self) -> Result<(), Error> {
        let command = envelope::get_templates(&new_request_id(), 1);
        self.transport.send_command("list templates", &command).await.map(drop)
    }

    /// Who a number is on WhatsApp: an account is not always made of its number. None if nobody is.
    pub(crate) async fn fetch_whatsapp_account(
        &self,
        number: &str,
    ) -> Result<Option<String>, Error> {
        let command = envelope::get_whatsapp_account(&new_request_id(), number);
        match self.transport.send_command("check a number", &command).await {
            // Never made of the number: the account may lack Brazil's ninth digit (`blip.md`,
            // additions §2).
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
        let answer = self.transport.send_command(START_CAMPAIGN, &command).await?;
        // Without an id nobody can ask what became of it, and it may have been sent and paid for:
        // so it is looked up by its name, and not sent again (`a_template_is_paid_for_once`).
        answer.and_then(|campaign| get_text(&campaign, "id")).ok_or_else(|| Error::OutcomeUnknown {
            operation: START_CAMPAIGN,
            what: "no campaign".to_owned(),
        })
    }

    /// The id of the active message with this name, if it is among the newest ones.
    pub(crate) async fn find_campaign(&self, name: &str) -> Result<Option<String>, Error> {
        let command = envelope::get_campaigns(&new_request_id(), MAX_PAGE_SIZE);
        let found = self
            .transport
            .send_command("read active messages", &command)
            .await?
            .unwrap_or_default();
        // By the name, which is derived from the event and so the same at each try.
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
        let said = self.transport.send_command("read history", &command).await?.unwrap_or_default();
        Ok(parse::parse_thread_messages(said).iter().any(|message| message.has_id(id)))
    }

    /// The canned replies that can be sent. Blip lists only their categories, and the replies of each
    /// by the category's id.
    pub(crate) async fn fetch_canned_replies(&self) -> Result<Vec<CannedReply>, Error> {
        const READ_REPLIES: &str = "read replies";
        let entries = self.fetch_desk_list(READ_REPLIES, list::REPLIES_PATH, Some(0)).await?;
        let mut replies: Vec<CannedReply> =
            entries.iter().filter_map(CannedReply::from_entry).collect();
        // Documentation and samples disagree on whether this list holds replies or only their
        // categories (`blip.md`, additions §0): each entry tells by what it has.
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
                // A list without pages may refuse the second one; what the first one gave is all
                // there is.
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
        let resource = none_if_missing(self.transport.send_command(operation, command).await)?
            .unwrap_or_default();
        Ok(resource
            .as_array()
            .map_or_else(|| lenient::get_list(&resource, "items"), Vec::as_slice)
            .to_vec())
    }
}

/// Blip says that something is not there with a failure (`blip.md` §2.6).
fn none_if_missing(answer: Result<Option<Value>, Error>) -> Result<Option<Value>, Error> {
    match answer {
        // An unknown ticket is 64 and an unknown contact 67; lists that are empty often say 67,
        // too.
        Err(error) if matches!(error.code(), Some("64" | "67")) => Ok(None),
        answer => answer,
    }
}

fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}
