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

use super::envelope::{self, CommandAnswer, PAGE, list, strip_forwards};
use super::error::Error;
use super::lenient::{self, text};
use super::parse::{self, Missed, ThreadMessage};
use crate::gate::{Gate, Shut};
use crate::model::ids::MAX_ID_BYTES;
use crate::model::{BotName, Destination, Failure, Fault, Snapshot, TicketId, is_tunnel};
use crate::telemetry;

/// The queue of tickets that go to an agent and not to a team (`blip.md` §4.1).
pub const DIRECT_TRANSFER: &str = "DIRECT_TRANSFER";
/// The smallest page that may be full: what lists give that are not asked for more.
const SMALLEST_PAGE: usize = 20;
/// Most pages of a list that are read.
const MOST_PAGES: usize = 20;
/// Most categories whose canned replies are read.
const MOST_CATEGORIES: usize = 50;
/// How many of them are read at once, of the 48 commands a second (`blip.md` §1.1).
const AT_ONCE: usize = 8;
/// The pause after a `429` that names none: Blip keeps a bot out for up to two minutes
/// (`blip.md` §1.1), and one call in this time is enough to see whether it is over.
const PAUSE: Duration = Duration::from_secs(15);

/// Calls Blip in the name of one bot.
#[derive(Debug)]
pub struct Client {
    bot: BotName,
    http: reqwest::Client,
    base: String,
    key: SecretString,
    gate: Gate,
    /// Why Blip has not answered us yet; none once it has.
    silence: Mutex<Option<String>>,
}

/// A canned reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Blip's id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The category that it is in.
    pub category: String,
    /// What it says, with its variables.
    pub text: String,
}

impl Reply {
    /// `None` if it is not text: an agent could not see it before it is sent.
    fn read(entry: &Value) -> Option<Self> {
        let document = entry.get("document")?;
        let text_of = |value: &Value| value.as_str().map(str::to_owned);
        let words = text_of(document).or_else(|| text(document, "text"))?;
        let name = text(entry, "name").unwrap_or_else(|| words.clone());
        let category = text(entry, "category").unwrap_or_default();
        Some(Self { id: text(entry, "id")?, name, category, text: words })
    }
}

/// The end of Blip's log of receipts.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    entries: Vec<Value>,
    /// Whether it is all that Blip has.
    pub is_whole: bool,
}

impl Receipts {
    /// What it says of a message of ours.
    pub fn of(&self, ticket: &TicketId, id: &str) -> Vec<Value> {
        let is_it = |entry: &&Value| {
            text(entry, "id").is_some_and(|found| strip_forwards(&found).eq_ignore_ascii_case(id))
        };
        let about = self.entries.iter().filter(is_it);
        about.filter_map(|entry| envelope::receipt(ticket.blip(), id, entry)).collect()
    }
}

impl Client {
    /// Calls go to `{base}/messages` and `{base}/commands`. The key may begin with `Key ` or not.
    pub fn new(
        bot: BotName,
        http: reqwest::Client,
        base: &str,
        key: &SecretString,
        gate: Gate,
    ) -> Self {
        let key = key.expose_secret().trim();
        let key = key.strip_prefix("Key ").unwrap_or(key);
        Self {
            bot,
            http,
            base: base.trim_end_matches('/').to_owned(),
            key: format!("Key {key}").into(),
            gate,
            silence: Mutex::new(Some("it was not asked".to_owned())),
        }
    }

    /// Which bot this is.
    pub fn name(&self) -> &BotName {
        &self.bot
    }

    /// Whether Blip's last word was that it does not accept our key.
    pub fn is_locked_out(&self) -> bool {
        self.gate.is_locked()
    }

    /// Why Blip has not answered us once since the start; none if it has.
    pub fn silence(&self) -> Option<String> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes whether something that speaks LIME has answered: a wrong address may be one of
    /// another service, which answers with a page or a status.
    fn note_silence<T>(&self, result: &Result<T, Error>) {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => *silence = None,
            Err(Error::Refused { code, .. }) if !code.starts_with("http-") => *silence = None,
            Err(error) if silence.is_some() => *silence = Some(error.to_string()),
            Err(_) => {}
        }
    }

    /// Asks Blip whether it is there and accepts our key.
    pub async fn ping(&self) -> Result<(), Error> {
        self.command("ping", &envelope::ping(&request())).await.map(drop)
    }

    /// Sends words to the customer of a ticket; success means that Blip has taken them.
    pub async fn send_text(&self, id: &str, address: &str, text: &str) -> Result<(), Error> {
        self.send(&envelope::text_message(id, address, text)).await
    }

    /// Sends a document to the customer of a ticket; success means that Blip has taken it.
    pub async fn send_document(
        &self,
        id: &str,
        address: &str,
        kind: &str,
        content: &Value,
    ) -> Result<(), Error> {
        self.send(&envelope::message(id, address, kind, content)).await
    }

    async fn send(&self, message: &Value) -> Result<(), Error> {
        const OPERATION: &str = "send message";
        self.post(OPERATION, "messages", message).await
    }

    /// A new link to a customer's file whose link has run out; `None` if Blip has none.
    pub async fn refresh_media(&self, uri: &str) -> Result<Option<String>, Error> {
        let command = envelope::refresh_media(&request(), uri);
        let answer = self.command("refresh a link", &command).await;
        let fresh = found(answer)?;
        Ok(fresh.as_ref().and_then(Value::as_str).map(str::to_owned))
    }

    /// Whether a message of ours is among those of a ticket since then (`blip.md` §5).
    pub async fn has_message(
        &self,
        ticket: &TicketId,
        id: &str,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let read = |said: &[Value]| parse::thread_messages(json!(said));
        let is_it = |message: &ThreadMessage| message.is(id);
        let is_before = |message: &ThreadMessage| message.date.is_some_and(|date| date < since);
        let enough = |said: &[Value]| {
            let said = read(said);
            said.iter().any(is_it) || said.iter().any(is_before)
        };
        Ok(read(&self.messages_until(ticket, enough).await?).iter().any(is_it))
    }

    /// The latest messages of a ticket's customer, not only those of the ticket.
    pub async fn messages(&self, ticket: &TicketId) -> Result<Vec<ThreadMessage>, Error> {
        let command = envelope::ticket_messages(&request(), ticket.blip(), PAGE, 0);
        let answer = self.command("read messages", &command).await;
        Ok(found(answer)?.map(parse::thread_messages).unwrap_or_default())
    }

    /// The latest messages of a ticket's customer as the events that they should have come as,
    /// oldest first, at least as far back as one that `is_known`; not only those of the ticket.
    /// `address` is the ticket's node.
    pub async fn missed(
        &self,
        ticket: &TicketId,
        address: &str,
        is_known: impl Fn(&Missed) -> bool,
    ) -> Result<Vec<Missed>, Error> {
        let read = |said: &[Value]| parse::missed(&self.bot, address, &json!(said));
        let enough = |said: &[Value]| read(said).first().is_some_and(&is_known);
        Ok(read(&self.messages_until(ticket, enough).await?))
    }

    /// What was said between a customer and the bot lately.
    pub async fn history(&self, identity: &str, take: u32) -> Result<Vec<ThreadMessage>, Error> {
        let command = envelope::threads(&request(), identity, take.clamp(1, PAGE));
        let answer = self.command("read history", &command).await;
        Ok(found(answer)?.map(parse::thread_messages).unwrap_or_default())
    }

    /// Gives a ticket to an agent.
    pub async fn open_ticket(&self, ticket: &TicketId, identity: &str) -> Result<(), Error> {
        let command = envelope::change_status_open(&request(), ticket.blip(), identity);
        self.command("open ticket", &command).await.map(drop)
    }

    /// Finishes a ticket as an agent.
    pub async fn close_ticket(&self, ticket: &TicketId, tags: &[String]) -> Result<(), Error> {
        let command = envelope::change_status_closed(&request(), ticket.blip(), tags);
        self.command("close ticket", &command).await.map(drop)
    }

    /// Hands a ticket on; the answer is the ticket that follows it, as Blip writes it.
    pub async fn transfer_ticket(
        &self,
        ticket: &TicketId,
        to: &Destination,
    ) -> Result<Option<Value>, Error> {
        let to = match to {
            Destination::Team(team) => envelope::Destination { team, agent: None },
            Destination::Agent { identity, .. } => {
                envelope::Destination { team: DIRECT_TRANSFER, agent: Some(identity) }
            }
        };
        let command = envelope::transfer(&request(), ticket.blip(), &to);
        self.command("transfer ticket", &command).await
    }

    /// Replaces the tags of a ticket.
    pub async fn tag_ticket(&self, ticket: &TicketId, tags: &[String]) -> Result<(), Error> {
        let command = envelope::change_tags(&request(), ticket.blip(), tags);
        self.command("change tags", &command).await.map(drop)
    }

    /// The tickets of a customer that are not over, as Blip writes them.
    pub async fn open_tickets_of(&self, identity: &str) -> Result<Vec<Value>, Error> {
        let command = envelope::open_tickets_of(&request(), identity, PAGE);
        self.entries("read tickets", &command).await
    }

    /// Reads a ticket; `None` if Blip does not know it.
    pub async fn ticket(&self, ticket: &TicketId) -> Result<Option<Snapshot>, Error> {
        const OPERATION: &str = "read ticket";
        let command = envelope::get_ticket(&request(), ticket.blip());
        let Some(resource) = found(self.command(OPERATION, &command).await)? else {
            return Ok(None);
        };
        let unreadable =
            || Error::Unclear { operation: OPERATION, what: "unreadable ticket".to_owned() };
        parse::snapshot(&self.bot, &resource).map(Some).ok_or_else(unreadable)
    }

    /// Who is at the far end of a router's tunnel, on their own channel; the customer's identity
    /// names the tunnel.
    pub async fn originator(&self, identity: &str) -> Result<Option<String>, Error> {
        let id = identity.split('@').next().unwrap_or_default();
        let command = envelope::get_tunnel(&request(), id);
        let tunnel = found(self.command("read tunnel", &command).await)?;
        Ok(tunnel.as_ref().and_then(|tunnel| originator(tunnel.get("originator")?)))
    }

    /// The last receipts that Blip has for messages of this bot (`blip.md` §5).
    pub async fn receipt_log(&self) -> Result<Receipts, Error> {
        let command = envelope::notifications(&request(), None);
        let entries = self.entries("read notifications", &command).await?;
        let is_whole = entries.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        Ok(Receipts { entries, is_whole })
    }

    /// What is known of the fate of a message of ours, as receipts (`blip.md` §5).
    pub async fn receipts(&self, ticket: &TicketId, id: &str) -> Result<Vec<Value>, Error> {
        let mut receipts = Vec::new();
        for prefix in ["fwd:fwd:", "fwd:", ""] {
            let command = envelope::notifications(&request(), Some(&format!("{prefix}{id}")));
            let found = self.entries("read notifications", &command).await?;
            let receipt = |found: &Value| envelope::receipt(ticket.blip(), id, found);
            receipts.extend(found.iter().filter_map(receipt));
        }
        Ok(receipts)
    }

    /// Tells that a message, named exactly as it was delivered, was shown to an agent.
    pub async fn consumed(&self, id: &str, address: &str) -> Result<(), Error> {
        const OPERATION: &str = "send notification";
        let receipt = envelope::consumed(id, address);
        self.post(OPERATION, "notifications", &receipt).await
    }

    /// What the contact book has on a customer.
    pub async fn contact(&self, identity: &str) -> Result<Option<Value>, Error> {
        let command = envelope::get_contact(&request(), identity);
        found(self.command("read contact", &command).await)
    }

    /// The names of the teams.
    pub async fn teams(&self) -> Result<Vec<String>, Error> {
        self.names("read teams", list::TEAMS).await
    }

    /// The tags in use.
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        self.names("read tags", list::TAGS).await
    }

    /// The agents: Blip's identity and the name to show.
    pub async fn agents(&self) -> Result<Vec<(String, String)>, Error> {
        let entries = self.all("read agents", list::AGENTS, Some(0)).await?;
        Ok(entries.iter().filter_map(agent).collect())
    }

    /// The canned replies that are text. Blip lists only their categories, and the replies of each
    /// by the category's id.
    pub async fn replies(&self) -> Result<Vec<Reply>, Error> {
        const OPERATION: &str = "read replies";
        let entries = self.all(OPERATION, list::REPLIES, Some(0)).await?;
        let mut replies: Vec<Reply> = entries.iter().filter_map(Reply::read).collect();
        let categories = entries.iter().filter(|entry| entry.get("document").is_none());
        let categories = categories.filter_map(|entry| text(entry, "id")).take(MOST_CATEGORIES);
        let lists: Vec<String> = categories.map(|id| list::replies_of(&id)).collect();
        for lists in lists.chunks(AT_ONCE) {
            for entries in join_all(lists.iter().map(|list| self.all(OPERATION, list, None))).await
            {
                replies.extend(entries?.iter().filter_map(Reply::read));
            }
        }
        tell_apart(&mut replies);
        Ok(replies)
    }

    async fn names(&self, operation: &'static str, list: &str) -> Result<Vec<String>, Error> {
        let entries = self.all(operation, list, None).await?;
        Ok(entries.iter().filter_map(|entry| text(entry, "name")).collect())
    }

    /// The entries of a list of the desk.
    async fn all(
        &self,
        operation: &'static str,
        list: &str,
        first: Option<u32>,
    ) -> Result<Vec<Value>, Error> {
        let page = |skip| {
            let skip = Some(skip).filter(|skip| *skip > 0).or(first);
            envelope::desk_list(&request(), list, skip)
        };
        self.pages(operation, page, SMALLEST_PAGE, |_| false).await
    }

    /// The latest messages of a ticket's customer, newest first, until it is `enough`.
    async fn messages_until(
        &self,
        ticket: &TicketId,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>, Error> {
        let page = |skip| envelope::ticket_messages(&request(), ticket.blip(), PAGE, skip);
        let full = usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.pages("read messages", page, full, enough).await
    }

    /// The entries of a list, page by page, until it is `enough`. Which lists have pages, and how
    /// large, is documented for few of them: a page that may be full is followed by the next, until
    /// nothing is new.
    async fn pages(
        &self,
        operation: &'static str,
        page: impl Fn(u32) -> Value,
        full: usize,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>, Error> {
        let mut all = self.entries(operation, &page(0)).await?;
        let mut last = all.len();
        for _ in 1..MOST_PAGES {
            if last < full || enough(&all) {
                break;
            }
            let skip = u32::try_from(all.len()).unwrap_or(u32::MAX);
            match self.entries(operation, &page(skip)).await {
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
    async fn entries(&self, operation: &'static str, command: &Value) -> Result<Vec<Value>, Error> {
        let resource = found(self.command(operation, command).await)?.unwrap_or_default();
        Ok(resource
            .as_array()
            .map_or_else(|| lenient::list(&resource, "items"), Vec::as_slice)
            .to_vec())
    }

    async fn command(
        &self,
        operation: &'static str,
        command: &Value,
    ) -> Result<Option<Value>, Error> {
        self.pass(operation, "commands")?;
        let began = Instant::now();
        let answer = self.call(operation, "commands", command).await.and_then(|body| {
            let unreadable = || Error::Unclear { operation, what: "unreadable answer".to_owned() };
            let answer = CommandAnswer::read(&body).ok_or_else(unreadable)?;
            if answer.is_success() {
                Ok(answer.resource)
            } else if answer.is_failure() {
                Err(Error::from_reason(operation, answer.reason.and_then(|reason| reason.code)))
            } else {
                Err(unreadable())
            }
        });
        self.learn(operation, ("commands", began), answer)
    }

    /// Posts an envelope to which there is no other answer than that it was taken.
    async fn post(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<(), Error> {
        self.pass(operation, path)?;
        let began = Instant::now();
        let answer = self.call(operation, path, envelope).await.map(drop);
        self.learn(operation, (path, began), answer)
    }

    /// Keeps a call back that cannot succeed now; nothing is learnt from that.
    fn pass(&self, operation: &'static str, path: &str) -> Result<(), Error> {
        self.gate.pass(path).map_err(|shut| match shut {
            Shut::Paused(rest) => Error::Busy { operation, after: Some(rest) },
            Shut::Locked => Error::Credentials { operation },
        })
    }

    /// Posts an envelope and returns the body of an answer that is a success by its status.
    async fn call(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<Vec<u8>, Error> {
        let lost = |error: reqwest::Error| Error::from_request(operation, &error);
        let request = self.http.post(format!("{}/{path}", self.base)).json(envelope);
        let response =
            request.header(AUTHORIZATION, self.authorization()).send().await.map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            let after = response.headers().get(RETRY_AFTER).and_then(seconds);
            return Err(Error::from_status(operation, status.as_u16(), after));
        }
        let media_type = response.headers().get(CONTENT_TYPE).cloned();
        let is_of =
            |kind: &[u8]| media_type.as_ref().is_some_and(|it| it.as_bytes().starts_with(kind));
        // A page for people where an envelope should be: a proxy answered, not Blip.
        if is_of(b"text/html") {
            return Err(Error::Unclear { operation, what: "a web page".to_owned() });
        }
        let body: Vec<u8> = response.bytes().await.map_err(lost)?.into();
        let is_json = body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        if is_of(b"application/json") && !is_json {
            return Err(Error::Unclear { operation, what: "unreadable answer".to_owned() });
        }
        Ok(body)
    }

    fn authorization(&self) -> HeaderValue {
        let value = HeaderValue::from_str(self.key.expose_secret());
        let mut value = value.unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    fn learn<T>(
        &self,
        operation: &'static str,
        (path, began): (&str, Instant),
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::called("blip", outcome, began.elapsed());
        self.note_silence(&result);
        match fault {
            Some(Fault::Busy { after }) => self.gate.pause(path, after.unwrap_or(PAUSE)),
            Some(Fault::Credentials) => {
                let variable = self.bot.variable("KEY");
                tracing::error!(bot = %self.bot, operation, "blip does not accept our key; mend \
                    {variable} with the value of the bot's Authorization header, the queue is \
                    kept meanwhile");
                self.gate.lock();
            }
            None | Some(Fault::Refused { .. }) => self.gate.unlock(),
            Some(Fault::Down | Fault::Unsure | Fault::Broken) => {}
        }
        result
    }
}

/// The bot that a key is of: what is before its access key (`blip.md` §1.1). A key of another form
/// stands for itself, in a form from which it cannot be told.
pub fn owner_of(key: &SecretString) -> String {
    let key = key.expose_secret().trim();
    let key = key.strip_prefix("Key ").unwrap_or(key);
    let pair = STANDARD.decode(key).ok().and_then(|pair| String::from_utf8(pair).ok());
    match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((owner, _)) if !owner.is_empty() => owner.to_owned(),
        _ => Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).to_string(),
    }
}

/// What a contact is called (`blip.md` §5).
pub fn contact_name(contact: &Value) -> Option<String> {
    let name = contact.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Who a contact behind a router's tunnel is on their own channel, if the contact tells
/// (`blip.md` §5).
pub fn contact_originator(contact: &Value) -> Option<String> {
    originator(contact.get("extras")?.get("tunnel.originator")?)
}

/// The identity of a customer on a channel: no node, and not another tunnel. The bot's own flow may
/// write anything where it stands.
fn originator(value: &Value) -> Option<String> {
    let identity = value.as_str()?.trim().split('/').next()?;
    let (name, domain) = identity.rsplit_once('@')?;
    let is_sound = identity.len() <= MAX_ID_BYTES
        && !name.is_empty()
        && domain.contains('.')
        && !identity.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_sound && !is_tunnel(domain)).then(|| identity.to_owned())
}

/// Blip says that something is not there with a failure (`blip.md` §2.6).
fn found(answer: Result<Option<Value>, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Err(error) if matches!(error.code(), Some("64" | "67")) => Ok(None),
        answer => answer,
    }
}

fn agent(entry: &Value) -> Option<(String, String)> {
    let identity = text(entry, "identity")?;
    let local = identity.split('@').next().unwrap_or_default().replace("%40", "@");
    let name = text(entry, "fullName").or_else(|| text(entry, "email")).unwrap_or(local);
    Some((identity, name))
}

/// Gives replies of the same id ids of their own: nothing makes a team choose different ones.
fn tell_apart(replies: &mut [Reply]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for reply in replies {
        let count = seen.entry(reply.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            reply.id = format!("{}#{count}", reply.id);
        }
    }
}

fn request() -> String {
    Uuid::new_v4().to_string()
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
