//! What the Blip stand-in knows: tickets, customers, agents, and what was asked of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::campaigns::Campaign;
use super::customer::Media;
use super::templates::Template;
use crate::Call;

/// The domain of WhatsApp, whose limits are modelled.
pub(super) const WHATSAPP: &str = "wa.gw.msging.net";

/// Everything about one bot and its desk.
#[derive(Debug)]
pub struct State {
    /// The bot and how the desk behaves.
    pub setup: Setup,
    /// Where the stand-in can be reached, without a trailing slash.
    pub url: String,
    /// Tickets by id.
    pub tickets: BTreeMap<String, Ticket>,
    /// What each customer said and heard, by identity, oldest first.
    pub threads: BTreeMap<String, Vec<ThreadMessage>>,
    /// The tunnels between routers and this bot, by id.
    pub tunnels: BTreeMap<String, Tunnel>,
    /// Contacts by identity, as Blip writes them.
    pub contacts: BTreeMap<String, Value>,
    /// What was noted about customers, by identity, oldest first, as Blip writes it.
    pub comments: BTreeMap<String, Vec<Value>>,
    /// What became of each message, oldest first.
    pub notifications: Vec<Notification>,
    /// Messages of the bridge that no customer ever saw, and why.
    pub undelivered: Vec<(Value, String)>,
    /// Active messages, oldest first.
    pub campaigns: Vec<Campaign>,
    /// Every request of the bridge.
    pub calls: Vec<Call>,
    /// What the real platform would not have tolerated.
    pub violations: Vec<String>,
    pub(super) checks_in_vain: u32,
    pub(super) media: BTreeMap<String, Media>,
    /// Whether files that drip come at once.
    pub(super) media_flows: bool,
    pub(super) now: Timestamp,
    pub(super) next_number: i64,
    pub(super) outbox: Vec<Value>,
    pub(super) windows: BTreeMap<&'static str, Window>,
}

/// The bot and how the desk behaves; may be changed at any time.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "these are switches, each on its own")]
pub struct Setup {
    /// The bot.
    pub identity: String,
    /// The only `Authorization` that is accepted.
    pub key: String,
    /// What is sent as the channel's token; nothing if empty.
    pub token: String,
    /// The header in which the token is sent.
    pub header: String,
    /// How the token is written, with `{}` in its place.
    pub format: String,
    /// The queues.
    pub teams: Vec<String>,
    /// The agents, as identities such as `ana%40loja.example@blip.ai`.
    pub agents: Vec<String>,
    /// Canned replies.
    pub replies: Vec<CannedReply>,
    /// Tags in use.
    pub tags: Vec<String>,
    /// The tags that the portal has given the desk, and whether one must be chosen before a ticket is
    /// closed; Blip itself closes without one (blip.md, part 2 §8).
    pub desk_tags: Option<(Vec<String>, bool)>,
    /// The tags that the portal has given queues, by their names (blip.md, part 2 §8).
    pub queue_tags: BTreeMap<String, Vec<String>>,
    /// The words that the desk forbids, as its bucket keeps them; none if nobody has set any.
    pub forbidden_words: Option<Value>,
    /// The schedules of the desk, as its portal keeps them: the whole container of each (blip.md,
    /// part 2 §6).
    pub schedules: Vec<Value>,
    /// The limits of the desk's one policy of service levels, if it has one.
    pub service_limits: Option<ServiceLimits>,
    /// The key may not read how the desk is run: its schedules, its policies, what is watched.
    pub hides_rules: bool,
    /// With which code standby is refused where the desk has none or no agent has written: it is not
    /// documented.
    pub standby_refusal: Option<i64>,
    /// How the portal has set the desk up: names and values (blip.md §4.2).
    pub configuration: Vec<(String, String)>,
    /// The WhatsApp templates; none if there is no such channel.
    pub templates: Option<Vec<Template>>,
    /// The router in front of the bot, if there is one: it has the channel then.
    pub router: Option<Router>,
    /// Numbers such as `+5531988889999` that are not on WhatsApp.
    pub without_whatsapp: Vec<String>,
    /// Only agents of the desk can be given a ticket.
    pub knows_agents: bool,
    /// Customers' messages reach the bridge only after the ticket was assigned.
    pub waits_for_open: bool,
    /// The bridge is told of what it did itself, too.
    pub echoes_status: bool,
    /// The bridge is told when a message is received, read or lost.
    pub sends_receipts: bool,
    /// Why no message of the bridge reaches a customer at the moment, as a code and in words.
    pub cannot_deliver: Option<(i64, &'static str)>,
    /// Delivers everything twice.
    pub sends_twice: bool,
    /// An empty list is answered with failure 67, as often seen (blip.md §4.2).
    pub empty_is_missing: bool,
    /// A message can be read only so long after it was taken; nothing promises otherwise.
    pub shows_after: Duration,
    /// The history does not say what became of messages.
    pub omits_status: bool,
    /// The bot's own flow says much besides: the end of the log of receipts is full of that.
    pub has_busy_flow: bool,
    /// Writes the ticket's number as text, as the oldest documentation does.
    pub number_as_text: bool,
    /// Tells of a ticket that it has announced, and of what is said in it, with ids in capitals.
    pub goes_on_in_capitals: bool,
    /// Calls a second; `None` if not enforced.
    pub throughput: Option<Throughput>,
}

/// A router, which hands customers over to the bot.
#[derive(Clone, Debug)]
pub struct Router {
    /// The router.
    pub identity: String,
    /// Its own `Authorization`.
    pub key: String,
}

/// By whose key something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The bot that has the tickets.
    Bot,
    /// The router in front of it.
    Router,
}

/// What hides a customer's channel from the bot (blip.md §5).
#[derive(Clone, Debug, Serialize)]
pub struct Tunnel {
    /// The router.
    pub owner: String,
    /// The customer on their own channel.
    pub originator: String,
    /// The bot.
    pub destination: String,
    /// Whether the contact that the bot has of the customer tells of the tunnel, too.
    #[serde(skip)]
    pub is_in_contact: bool,
}

/// The limits of a policy of service levels (blip.md, part 2 §8).
#[derive(Clone, Copy, Debug)]
pub struct ServiceLimits {
    /// How long a ticket may wait.
    pub waiting: Duration,
    /// How long a customer may wait for the first answer.
    pub first_answer: Duration,
    /// How long a ticket may be open.
    pub attendance: Duration,
}

/// A canned reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CannedReply {
    /// The name of its category.
    pub category: String,
    /// What people call it.
    pub name: String,
    /// What it says: words or, for any other type than these, JSON.
    pub text: String,
    /// The type of what it says; words if it is empty.
    pub kind: String,
}

/// Calls a second that are allowed (blip.md §1.1).
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    /// Messages.
    pub messages: u32,
    /// Notifications.
    pub notifications: u32,
    /// Commands.
    pub commands: u32,
    /// How long everything is refused after one call too many, in seconds.
    pub penalty_seconds: i64,
}

/// Calls in the second that began at `since_ms`.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) since_ms: i64,
    pub(super) count: u32,
    pub(super) closed_until_ms: i64,
}

/// What a customer brings along to open a ticket.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Its id; one of Blip's own if none is wished.
    pub id: Option<String>,
    /// The name in the contact book; none, no contact.
    pub name: Option<String>,
    /// The customer's identity.
    pub identity: String,
    /// The domain of the channel.
    pub domain: String,
    /// The queue.
    pub team: String,
    /// How urgent the rules say that it is: 0, or from 1000 on (blip.md, additions 0).
    pub priority: i64,
    /// Type and content of what opened the ticket.
    pub first: (String, Value),
}

/// A ticket.
#[derive(Clone, Debug, Serialize)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: i64,
    /// The number of the ticket it came from.
    pub parent: Option<i64>,
    /// The customer's identity.
    pub customer: String,
    /// The domain of the channel.
    pub domain: String,
    /// The queue.
    pub team: String,
    /// Its status, in Blip's words.
    pub status: String,
    /// Who has it.
    pub agent: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What the customer thought of it; 0 if they have not said.
    pub rating: i64,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether the clock is stopped after which it is closed for inactivity.
    pub is_on_standby: bool,
    /// How urgent the rules say that it is: 0, or from 1000 on (blip.md, additions 0).
    pub priority: i64,
    /// What opened it.
    pub first: (String, Value),
    /// When it was made.
    pub stored: Timestamp,
    /// When it was first given to somebody.
    pub opened: Option<Timestamp>,
    /// When it ended.
    pub closed: Option<Timestamp>,
}

/// One message between a customer and the desk.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadMessage {
    /// The id under which the thread keeps it.
    pub id: String,
    /// In which ticket it was said.
    pub ticket: String,
    /// Said by the customer, not by the desk.
    pub from_customer: bool,
    /// Its type.
    pub kind: String,
    /// Its content.
    pub content: Value,
    /// When.
    pub at: Timestamp,
    /// The last that was heard of it, as an event of notifications.
    pub status: String,
    /// Why it failed, as in [`Notification::reason`].
    pub reason: Option<(i64, String)>,
    /// What the channel and Blip tell with it.
    pub metadata: Value,
}

/// What became of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// The message's id, as the sender gave it.
    pub id: String,
    /// `accepted`, `received`, `consumed` or `failed`.
    pub event: String,
    /// Why it failed.
    pub reason: Option<(i64, String)>,
    /// Sent by the bridge, about a customer's message.
    pub by_bridge: bool,
    /// About a message of the router, which alone is told.
    pub by_router: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            identity: "lojademo@msging.net".to_owned(),
            key: "Key bG9qYWRlbW86c2VncmVkbw==".to_owned(),
            token: "00D21000000767i".to_owned(),
            header: "Authorization".to_owned(),
            format: "{}".to_owned(),
            teams: ["Default", "Vendas", "Suporte"].map(str::to_owned).to_vec(),
            agents: ["ana", "bia"].map(|name| format!("{name}%40loja.example@blip.ai")).to_vec(),
            replies: Vec::new(),
            tags: Vec::new(),
            desk_tags: None,
            queue_tags: BTreeMap::new(),
            forbidden_words: None,
            schedules: Vec::new(),
            service_limits: None,
            standby_refusal: None,
            hides_rules: false,
            configuration: [("DefaultProvider", "Webhook"), ("Lime.IsActive", "False")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            templates: Some(vec![Template::new("boas_vindas", "Olá {{1}}, tudo bem?")]),
            router: None,
            without_whatsapp: Vec::new(),
            knows_agents: false,
            waits_for_open: false,
            echoes_status: false,
            sends_receipts: false,
            cannot_deliver: None,
            sends_twice: false,
            empty_is_missing: true,
            shows_after: Duration::ZERO,
            omits_status: false,
            has_busy_flow: false,
            number_as_text: false,
            goes_on_in_capitals: false,
            throughput: None,
        }
    }
}

impl Default for Router {
    fn default() -> Self {
        Self {
            identity: "lojarouter@msging.net".to_owned(),
            key: "Key bG9qYXJvdXRlcjpzZWdyZWRv".to_owned(),
        }
    }
}

impl Default for NewTicket {
    fn default() -> Self {
        Self {
            id: None,
            name: Some("Maria".to_owned()),
            identity: format!("5531999990000@{WHATSAPP}"),
            domain: WHATSAPP.to_owned(),
            team: "Default".to_owned(),
            priority: 0,
            first: ("text/plain".to_owned(), json!("Olá")),
        }
    }
}

impl NewTicket {
    /// A ticket of this customer, opened with these words.
    pub fn saying(name: &str, identity: &str, text: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            identity: identity.to_owned(),
            domain: identity.rsplit('@').next().unwrap_or_default().to_owned(),
            first: ("text/plain".to_owned(), json!(text)),
            ..Self::default()
        }
    }
}

impl Ticket {
    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.status.starts_with("Closed") || self.status == "Transferred"
    }

    /// Whether an agent may write in it.
    pub fn is_assigned(&self) -> bool {
        matches!(self.status.as_str(), "Open" | "Assigned")
    }

    /// The node that messages to its customer go to.
    pub fn address(&self) -> String {
        format!("{}@desk.msging.net/Webhook", self.id)
    }
}

impl State {
    /// The tickets that wait, or that are open, as somebody who watches the desk sees them; with the
    /// limits that they have passed only if these were asked for (blip.md, part 2 §9).
    pub(super) fn watch(&self, is_waiting: bool, with_limits: bool) -> Vec<Value> {
        let limits = self.setup.service_limits.filter(|_| with_limits);
        let wanted = |ticket: &&Ticket| {
            if is_waiting { ticket.status == "Waiting" } else { ticket.is_assigned() }
        };
        let entry = |ticket: &Ticket| {
            let opened = ticket.opened.unwrap_or(self.now);
            let thread = self.threads.get(&ticket.customer).into_iter().flatten();
            let mut answers = thread.filter(|it| it.ticket == ticket.id && !it.from_customer);
            let answered = answers.next().map_or(self.now, |answer| answer.at);
            let is_over = |since: Timestamp, until: Timestamp, limit: Duration| {
                until.duration_since(since).unsigned_abs() > limit
            };
            let mut out = json!({ "id": ticket.id, "sequentialId": ticket.number,
                "customerIdentity": ticket.customer, "team": ticket.team,
                "priority": ticket.priority });
            if let Some(limits) = limits {
                out["hasQueueTimeExceeded"] = json!(is_over(ticket.stored, opened, limits.waiting));
                if !is_waiting {
                    out["hasFirstResponseTimeExceeded"] =
                        json!(is_over(opened, answered, limits.first_answer));
                    out["hasAttendanceTimeExceeded"] =
                        json!(is_over(opened, self.now, limits.attendance));
                }
            }
            out
        };
        self.tickets.values().filter(wanted).map(entry).collect()
    }

    /// The ticket as Blip writes it: what is not set is left out (blip.md §3.1).
    pub(super) fn render(&self, ticket: &Ticket) -> Value {
        let number = if self.setup.number_as_text {
            json!(ticket.number.to_string())
        } else {
            json!(ticket.number)
        };
        let mut out = json!({
            "id": ticket.id, "sequentialId": number, "ownerIdentity": self.setup.identity,
            "customerIdentity": ticket.customer, "customerDomain": ticket.domain,
            "provider": "Webhook", "status": ticket.status, "team": ticket.team,
            "storageDate": date(ticket.stored), "externalId": ticket.id, "rating": ticket.rating,
            "unreadMessages": 0, "closed": ticket.is_closed(), "priority": ticket.priority,
            "customerInput": { "type": ticket.first.0, "value": ticket.first.1 },
        });
        for (key, value) in [
            ("agentIdentity", ticket.agent.as_ref().map(|agent| json!(agent))),
            ("closedBy", ticket.closed_by.as_ref().map(|who| json!(who))),
            ("parentSequentialId", ticket.parent.map(|number| json!(number))),
            ("openDate", ticket.opened.map(|at| json!(date(at)))),
            ("closeDate", ticket.closed.map(|at| json!(date(at)))),
            ("tags", (!ticket.tags.is_empty()).then(|| json!(ticket.tags))),
        ] {
            if let Some(value) = value {
                out[key] = value;
            }
        }
        out
    }

    /// One message as Blip's history writes it.
    pub(super) fn render_message(&self, message: &ThreadMessage) -> Value {
        let direction = if message.from_customer { "received" } else { "sent" };
        let mut out = json!({
            "id": message.id, "direction": direction, "type": message.kind,
            "content": message.content, "date": date(message.at), "status": message.status,
            "metadata": message.metadata,
        });
        if self.setup.omits_status {
            out["status"].take();
        } else if let Some((code, description)) = &message.reason {
            out["reason"] = json!({ "code": code, "description": description });
        }
        out
    }

    /// The domain of the channel that a customer is really on.
    pub(super) fn channel<'a>(&'a self, ticket: &'a Ticket) -> &'a str {
        let tunnel = self.tunnel(&ticket.customer);
        let originator = tunnel.map(|tunnel| tunnel.originator.as_str());
        originator.and_then(|it| it.rsplit('@').next()).unwrap_or(&ticket.domain)
    }

    /// The tunnel that an identity names.
    pub(super) fn tunnel(&self, identity: &str) -> Option<&Tunnel> {
        self.tunnels.get(identity.strip_suffix("@tunnel.msging.net")?)
    }

    /// An id or node as it is told again.
    pub(super) fn told_again(&self, id: &str) -> String {
        if self.setup.goes_on_in_capitals { id.to_ascii_uppercase() } else { id.to_owned() }
    }

    /// What reached the customer of a ticket in it, in order.
    pub fn received<'a>(&'a self, ticket: &'a str) -> impl Iterator<Item = &'a ThreadMessage> {
        let thread = self.tickets.get(ticket).and_then(|found| self.threads.get(&found.customer));
        let all = thread.into_iter().flatten();
        let is_theirs = move |message: &&ThreadMessage| message.ticket == ticket;
        all.filter(is_theirs).filter(|message| !message.from_customer && message.reason.is_none())
    }

    /// What customers and the desk said, as readable lines.
    pub(super) fn transcript_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for ticket in self.tickets.values() {
            let Ticket { id, number, status, agent, customer, .. } = ticket;
            let agent = agent.as_deref().unwrap_or("nobody");
            lines.push(format!("#{number} {id} {status}, {agent}, {customer}"));
            let thread = self.threads.get(customer).into_iter().flatten();
            let is_told_below = |message: &ThreadMessage| message.reason.is_some();
            for message in thread.filter(|it| it.ticket == *id && !is_told_below(it)) {
                let who = if message.from_customer { "customer" } else { "desk" };
                lines.push(format!("  {who}: {} ({})", message.content, message.id));
            }
        }
        lines.extend(self.undelivered.iter().map(|(what, why)| format!("LOST {why}: {what}")));
        lines
    }
}

/// A time as Blip writes it: milliseconds and `Z`.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
