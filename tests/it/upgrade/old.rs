//! What version 0.1.0 left behind: its tables, and what it had done at the platforms, which in these
//! tests is done by hand, in the way of that time.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::Message;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::support::Bridge;

/// The tables.
const TABLES: &str = include_str!("0.1.0.sql");
/// What ids are derived in.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_7a42_4d53_9f0b_b1a6_51ac_4e07);
/// Ana, as Blip knows her.
pub const ANA_AT_BLIP: &str = "ana%40loja.example@blip.ai";
/// Bia, as Blip knows her.
pub const BIA_AT_BLIP: &str = "bia%40loja.example@blip.ai";

/// How a call ended that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It had no effect, and nobody knows.
    Lost,
    /// It took effect, and nobody knows.
    Made,
    /// It took effect, and that was noted.
    Noted,
}

impl Fate {
    pub const ALL: [Self; 3] = [Self::Lost, Self::Made, Self::Noted];

    /// Whether it took effect.
    pub fn took_effect(self) -> bool {
        self != Self::Lost
    }
}

/// An id as that version derived it.
pub fn derive_id(name: &str) -> String {
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// An id of Blip's without what forwarding put before it.
pub fn bare_id(id: &str) -> &str {
    id.trim_start_matches("fwd:")
}

/// A ticket of that time.
#[derive(Clone, Debug)]
pub struct OldTicket {
    pub id: String,
    pub name: String,
    /// The node that its messages come from.
    pub address: String,
    /// What Blip sent of it.
    pub body: String,
    /// The time stamp of its card; empty if it has none.
    pub card: String,
    number: i64,
    customer: String,
}

impl OldTicket {
    /// Its id with its bot.
    pub fn full_id(&self) -> String {
        format!("default/{}", self.id)
    }

    /// The one lane that it had.
    pub fn lane(&self) -> String {
        format!("ticket:default/{}", self.id)
    }

    /// The card as it looked.
    pub fn card_blocks(&self, is_held: bool) -> Value {
        let plain = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
        let markdown = |text: &str| json!({"type": "mrkdwn", "text": text, "verbatim": true});
        let first = if is_held { ("release", "Release") } else { ("claim", "Claim") };
        let buttons = [first, ("close", "Close"), ("transfer", "Transfer")].map(|(id, label)| {
            json!({"type": "button", "action_id": id, "text": plain(label), "value": self.full_id()})
        });
        let options = [
            ("tags", "🏷️ Tags"),
            ("reply", "💬 Canned reply"),
            ("compose", "✨ Buttons, menu, place, link"),
            ("history", "🕑 History"),
            ("details", "🔎 Ticket details"),
        ];
        let options = options.map(|(value, label)| json!({"text": plain(label), "value": value}));
        let mut elements = buttons.to_vec();
        elements.push(json!({"type": "overflow", "action_id": "more", "options": options}));
        let state = if is_held { "*💬 In progress*" } else { "*⏳ Waiting, unclaimed*" };
        json!([
            {"type": "header", "text": plain(&format!("{} #{}", self.name, self.number))},
            {"type": "rich_text", "elements": [{"type": "rich_text_section",
                "elements": [{"type": "text", "text": self.name}]}]},
            {"type": "section", "text": markdown(state)},
            {"type": "context", "elements": [markdown("Channel: WhatsApp · Team: Suporte")]},
            {"type": "actions", "elements": elements},
        ])
    }
}

/// A bridge of version 0.1.0 that has stopped, between platforms that go on.
pub struct OldBridge {
    pub bridge: Bridge,
    /// When it stopped, in milliseconds since 1970.
    pub now: i64,
    database: Option<Connection>,
    heard: Arc<Mutex<Vec<String>>>,
    _ear: AbortOnDropHandle<()>,
}

impl OldBridge {
    /// One that has seen nothing yet. If it is not the same boot of the machine that it stopped in,
    /// everything that is not finished is in doubt.
    #[expect(clippy::disallowed_methods, reason = "the server ends with its handle")]
    pub async fn begin(settings: &[(&str, &str)], is_same_boot: bool) -> Self {
        let mut bridge = Bridge::with(settings).await;
        bridge.stop_bridge().await;
        for name in ["bridge.db", "bridge.db-wal", "bridge.db-shm"] {
            std::fs::remove_file(bridge.folder().join(name)).ok();
        }
        let database = Connection::open(bridge.folder().join("bridge.db")).unwrap();
        database.execute_batch(TABLES).unwrap();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let boot = if is_same_boot { boot.trim() } else { "another boot" };
        database.execute("INSERT INTO meta VALUES ('boot', ?1)", [boot]).unwrap();
        let heard = Arc::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(note_delivery).with_state(Arc::clone(&heard));
        let ear = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        bridge.slack.deliver_to(&url);
        bridge.blip.deliver_to(&url);
        let now = Clock::system().now().as_millisecond();
        let ear = AbortOnDropHandle::new(ear);
        Self { bridge, now, database: Some(database), heard, _ear: ear }
    }

    /// This version takes over, and does what there is to do.
    pub async fn upgrade(&mut self) {
        self.take_over().await;
        self.bridge.idle().await;
    }

    /// This version takes over.
    pub async fn take_over(&mut self) {
        self.bridge.slack.settled().await;
        self.bridge.blip.settled().await;
        self.database = None;
        self.bridge.start_bridge().await.unwrap();
    }

    /// Nothing is left over, nothing is parked, nobody did what a platform refuses.
    pub async fn finish(self) {
        self.bridge.finish().await;
    }

    fn database(&self) -> &Connection {
        self.database.as_ref().unwrap()
    }

    /// What a platform delivered last that has all of this in it. What the bridge itself does is
    /// delivered as well, at any time.
    pub fn find_heard(&self, parts: &[&str]) -> String {
        let heard = self.heard.lock().unwrap();
        let is_it = |body: &&String| parts.iter().all(|part| body.contains(part));
        heard.iter().rev().find(is_it).unwrap().clone()
    }

    /// A customer opens a ticket, of which the bridge has heard.
    pub async fn customer_opens(&mut self, name: &str) -> OldTicket {
        let customer = format!("{}@wa.gw.msging.net", name.to_lowercase());
        let new = NewTicket::saying(name, &customer, name);
        let opened = self.bridge.blip.opens_ticket(new).await;
        assert_eq!(opened.status, Some(200), "{name}");
        let body = self.find_heard(&[&opened.id]);
        let envelope: Value = serde_json::from_str(&body).unwrap();
        OldTicket {
            number: self.bridge.blip.ticket(&opened.id).unwrap().number,
            id: opened.id,
            name: name.to_owned(),
            address: envelope["from"].as_str().unwrap().to_owned(),
            body,
            card: String::new(),
            customer,
        }
    }

    /// A ticket with a card that nobody has claimed.
    pub async fn waiting_ticket(&mut self, name: &str) -> OldTicket {
        self.ticket_with_card(name, false).await
    }

    /// A ticket that Ana holds.
    pub async fn held_ticket(&mut self, name: &str) -> OldTicket {
        self.ticket_with_card(name, true).await
    }

    async fn ticket_with_card(&mut self, name: &str, is_held: bool) -> OldTicket {
        let mut ticket = self.customer_opens(name).await;
        let key = format!("t:{}:waiting", ticket.full_id());
        let delivery = derive_id(&format!("blip:{key}:card"));
        let post = (None, name, ticket.card_blocks(is_held));
        ticket.card = self.post(&delivery, post).await;
        if is_held {
            let open = json!({"id": ticket.id, "status": "Open", "agentIdentity": ANA_AT_BLIP});
            self.command_blip("/tickets/change-status", &open).await;
        }
        let agent = is_held.then_some((ANA, "Ana Lima", ANA_AT_BLIP));
        let database = self.database();
        database
            .execute(
                "INSERT INTO ticket (id, bot, address, number, customer, customer_name, domain, team,
                    tags, opened, state, changed, agent, agent_name, agent_identity, channel, root,
                    heard, revision)
                VALUES (?1, 'default', ?2, ?3, ?4, ?5, 'wa.gw.msging.net', 'Suporte', '[]', ?6, ?7,
                    ?8, ?9, ?10, ?11, ?12, ?13, ?6, ?14)",
                params![
                    ticket.full_id(),
                    ticket.address,
                    ticket.number,
                    ticket.customer,
                    name,
                    self.now,
                    if is_held { "claimed" } else { "unclaimed" },
                    is_held.then_some(self.now),
                    agent.map(|agent| agent.0),
                    agent.map(|agent| agent.1),
                    agent.map(|agent| agent.2),
                    CHANNEL,
                    ticket.card,
                    if is_held { 2 } else { 1 },
                ],
            )
            .unwrap();
        let words = "INSERT INTO first_words VALUES (?1, ?2)";
        database.execute(words, params![ticket.full_id(), name]).unwrap();
        let seen = "INSERT INTO item (source, lane, key, received, state, finished)
            VALUES ('blip', ?1, ?2, ?3, 'done', ?3)";
        database.execute(seen, params![ticket.lane(), key, self.now]).unwrap();
        self.keep_link(&ticket.card, &ticket, ("card", None), None);
        ticket
    }

    /// Something that waits to be handled.
    pub fn keep_item(&mut self, source: &str, lane: &str, key: &str, body: &str) -> i64 {
        let database = self.database();
        let item =
            "INSERT INTO item (source, lane, key, received, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        database.execute(item, params![source, lane, key, self.now, body.as_bytes()]).unwrap();
        let item = database.last_insert_rowid();
        let waits = "INSERT INTO lane (name, due) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        database.execute(waits, params![lane, self.now]).unwrap();
        item
    }

    /// Something that the bridge had set itself to do.
    pub fn keep_job(&mut self, lane: &str, key: &str, job: &Value) {
        self.keep_item("desk", lane, key, &job.to_string());
    }

    /// What an agent did and nobody took, which waits for a person.
    pub fn keep_parked(&mut self, lane: &str, key: &str, body: &str) -> i64 {
        let item = "INSERT INTO item (source, lane, key, received, state, attempts, reason, body)
            VALUES ('slack', ?1, ?2, ?3, 'parked', 1, 'refused: 400', ?4)";
        self.database().execute(item, params![lane, key, self.now, body.as_bytes()]).unwrap();
        self.database().last_insert_rowid()
    }

    /// An agent's message of which all is done that there was to do.
    pub fn keep_handled(&mut self, ticket: &OldTicket, ts: &str) {
        let item = "INSERT INTO item (source, lane, key, received, state, finished)
            VALUES ('slack', ?1, ?2, ?3, 'done', ?3)";
        let key = format!("m:{CHANNEL}:{ts}");
        self.database().execute(item, params![ticket.lane(), key, self.now]).unwrap();
    }

    /// A dialog that somebody sent off.
    pub fn keep_submission(&mut self, ticket: &OldTicket, body: &str) -> i64 {
        let sent: Value = serde_json::from_str(body).unwrap();
        let text = |pointer| sent.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = format!("s:{}:{}:{ANA}", text("/view/id"), text("/view/hash"));
        self.keep_item("slack", &ticket.lane(), &key, body)
    }

    /// A call that was begun for an item.
    pub fn keep_call(
        &mut self,
        item: i64,
        fate: Fate,
        name: &str,
        channel: Option<&str>,
        result: &Value,
    ) {
        let call = "INSERT INTO step (item, name, channel, begun, tried, result)
            VALUES (?1, ?2, ?3, ?4, ?4, ?5)";
        let result = (fate == Fate::Noted).then(|| result.to_string());
        self.database().execute(call, params![item, name, channel, self.now, result]).unwrap();
    }

    /// A message in Slack that belongs to a ticket.
    pub fn keep_link(
        &mut self,
        ts: &str,
        ticket: &OldTicket,
        (role, user): (&str, Option<&str>),
        blip_id: Option<&str>,
    ) {
        let database = self.database();
        let link = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5)";
        database.execute(link, params![CHANNEL, ts, ticket.full_id(), role, user]).unwrap();
        if let Some(id) = blip_id {
            let twin = "INSERT INTO twin VALUES (?1, ?2, ?3, ?4)";
            database.execute(twin, params![CHANNEL, ts, ticket.full_id(), id]).unwrap();
        }
    }

    /// A customer writes; with the message's id and what Blip sent.
    pub async fn customer_says(&mut self, ticket: &OldTicket, words: &str) -> (String, String) {
        let said = self.bridge.blip.says(&ticket.id, words).await.unwrap();
        assert_eq!(said.status, Some(200), "{words}");
        (bare_id(&said.id).to_owned(), self.find_heard(&[&said.id]))
    }

    /// Ana writes in a ticket's thread; with the message's time stamp and what Slack sent.
    pub async fn agent_says(&mut self, ticket: &OldTicket, words: &str) -> (String, String) {
        let said = self.bridge.slack.says(ANA, CHANNEL, Some(&ticket.card), words).await.unwrap();
        assert_eq!(said.status, Some(200), "{words}");
        let body = self.find_heard(&["event_callback", ANA, &said.ts]);
        (said.ts, body)
    }

    /// Ana writes a note, which was handled but for its mark.
    pub async fn agent_notes(&mut self, ticket: &OldTicket) -> String {
        let (ts, _) = self.agent_says(ticket, "// note").await;
        self.keep_handled(ticket, &ts);
        self.keep_link(&ts, ticket, ("note", Some(ANA)), None);
        ts
    }

    /// Ana reacts to a card; with what Slack sent.
    pub async fn agent_reacts(&mut self, ticket: &OldTicket, reaction: &str) -> String {
        let done = self.bridge.slack.reacts(ANA, CHANNEL, &ticket.card, reaction).await.unwrap();
        assert_eq!(done.status, Some(200), "{reaction}");
        self.find_heard(&["reaction_added", &ticket.card])
    }

    /// Ana opens a dialog from the menu of a card, fills in its one field and sends it off; with what
    /// Slack sent.
    pub async fn agent_submits(
        &mut self,
        ticket: &OldTicket,
        (dialog, block): (&str, &str),
        (element, values): (Value, Value),
    ) -> String {
        let slack = &self.bridge.slack;
        slack.clicks(ANA, CHANNEL, &ticket.card, "transfer").await.unwrap();
        let click: Value =
            serde_json::from_str(&self.find_heard(&["block_actions", &ticket.card])).unwrap();
        let plain = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
        let view = json!({
            "type": "modal", "callback_id": dialog, "private_metadata": ticket.full_id(),
            "title": plain("Ticket"), "submit": plain("Save"), "close": plain("Cancel"),
            "blocks": [{"type": "input", "block_id": block, "label": plain("What"),
                "element": element}],
        });
        let open = json!({"trigger_id": click["trigger_id"], "view": view});
        let opened = self.ask_slack("views.open", &open).await;
        let id = opened["view"]["id"].as_str().unwrap();
        slack.submits(ANA, id, values).await.unwrap();
        self.find_heard(&["view_submission", id])
    }

    /// A post as it was made for a step of an item: not at all if it had no effect. Returns what was
    /// noted of it.
    pub async fn post_as_it_was(
        &mut self,
        fate: Fate,
        (source, key, step): (&str, &str, &str),
        post: (Option<&str>, &str, Value),
    ) -> Value {
        if !fate.took_effect() {
            return Value::Null;
        }
        let ts = self.post(&derive_id(&format!("{source}:{key}:{step}")), post).await;
        json!({"channel": CHANNEL, "ts": ts})
    }

    async fn post(
        &self,
        delivery: &str,
        (thread, text, mut blocks): (Option<&str>, &str, Value),
    ) -> String {
        blocks[0]["block_id"] = delivery.into();
        let mut post = json!({
            "channel": CHANNEL, "text": text, "blocks": blocks,
            "unfurl_links": false, "unfurl_media": false,
            "metadata": {"event_type": "blip_slack_delivery",
                "event_payload": {"delivery_id": delivery}},
        });
        if let Some(thread) = thread {
            post["thread_ts"] = thread.into();
        }
        let posted = self.ask_slack("chat.postMessage", &post).await;
        posted["ts"].as_str().unwrap().to_owned()
    }

    /// A line with buttons, each with its name and what it carries: in a ticket's thread or, for a
    /// person, seen by them only.
    pub async fn post_buttons(
        &self,
        ticket: &OldTicket,
        text: &str,
        buttons: &[(&str, String)],
        only: Option<&str>,
    ) -> String {
        let plain = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
        let buttons: Vec<Value> = { buttons.iter() }
            .map(|(id, value)| {
                json!({"type": "button", "action_id": id, "text": plain(id), "value": value})
            })
            .collect();
        let blocks = json!([
            {"type": "rich_text", "elements": [{"type": "rich_text_section",
                "elements": [{"type": "text", "text": text}]}]},
            {"type": "actions", "elements": buttons},
        ]);
        let Some(user) = only else {
            let delivery = derive_id(&format!("line:{}:{text}", ticket.id));
            return self.post(&delivery, (Some(&ticket.card), text, blocks)).await;
        };
        let mut whisper = json!({"channel": CHANNEL, "user": user, "text": text, "blocks": blocks});
        // Slack shows it to nobody in a thread without replies.
        if !self.thread_of(ticket).is_empty() {
            whisper["thread_ts"] = ticket.card.as_str().into();
        }
        let posted = self.ask_slack("chat.postEphemeral", &whisper).await;
        posted["message_ts"].as_str().unwrap().to_owned()
    }

    /// Hands Slack a file, which it shows nobody yet; returns its id.
    pub async fn upload_file(&self, name: &str, bytes: &[u8]) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/files.getUploadURLExternal", self.bridge.slack.api_url());
        let length = bytes.len().to_string();
        let request = client.post(url).bearer_auth(&self.bridge.settings()["SLACK_BOT_TOKEN"]);
        let answer = request.form(&[("filename", name), ("length", length.as_str())]).send().await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        let url = answer["upload_url"].as_str().unwrap();
        let uploaded = client.post(url).body(bytes.to_vec()).send().await.unwrap();
        assert!(uploaded.status().is_success(), "{uploaded:?}");
        answer["file_id"].as_str().unwrap().to_owned()
    }

    /// Shows a file that Slack has in a ticket's thread; returns what was noted of it.
    pub async fn show_file(&self, ticket: &OldTicket, file: &str) -> Value {
        let show = json!({"files": [{"id": file, "title": "a.png"}], "channel_id": CHANNEL,
            "thread_ts": ticket.card});
        self.ask_slack("files.completeUploadExternal", &show).await;
        let find = || {
            let thread = self.bridge.slack.thread(CHANNEL, &ticket.card);
            thread.into_iter().find(|message| !message.files.is_empty())
        };
        self.bridge.until("the file", || find().is_some()).await;
        json!({"channel": CHANNEL, "ts": find().unwrap().ts})
    }

    /// What stands in a ticket's thread.
    pub fn thread_of(&self, ticket: &OldTicket) -> Vec<String> {
        let thread = self.bridge.slack.thread(CHANNEL, &ticket.card);
        let replies = thread.iter().filter(|message| message.ts != ticket.card);
        replies.map(Message::words).collect()
    }

    async fn ask_slack(&self, method: &str, body: &Value) -> Value {
        let url = format!("{}/{method}", self.bridge.slack.api_url());
        let token = &self.bridge.settings()["SLACK_BOT_TOKEN"];
        let answer = self.ask(&url, &format!("Bearer {token}"), body).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer
    }

    /// Sends Blip a command; returns the resource of its answer.
    pub async fn command_blip(&self, uri: &str, resource: &Value) -> Value {
        let command = json!({"id": Uuid::new_v4().to_string(), "to": "postmaster@desk.msging.net",
            "method": "set", "uri": uri, "type": "application/vnd.iris.ticket+json",
            "resource": resource});
        let mut answer = self.ask_blip("commands", &command).await;
        assert_eq!(answer["status"], "success", "{uri}: {answer}");
        answer["resource"].take()
    }

    /// Posts to Blip.
    pub async fn ask_blip(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.bridge.blip.api_url());
        let key = &self.bridge.settings()["BLIP_KEY"];
        let key = key.strip_prefix("Key ").unwrap_or(key);
        self.ask(&url, &format!("Key {key}"), body).await
    }

    async fn ask(&self, url: &str, authorization: &str, body: &Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(url).header("authorization", authorization);
        let request = request.header("content-type", "application/json; charset=utf-8");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {answer:?}");
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// Takes what a platform delivers, as the bridge of that time stored it: an interaction without the
/// form around it.
async fn note_delivery(State(heard): State<Arc<Mutex<Vec<String>>>>, body: Bytes) {
    let form = url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload");
    let text = match form {
        Some((_, payload)) => payload.into_owned(),
        None => String::from_utf8(body.to_vec()).unwrap(),
    };
    heard.lock().unwrap().push(text);
}
