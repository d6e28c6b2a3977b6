//! A stand-in for Slack: a workspace with people, channels and one app, ours.
//!
//! Two sides: the app's (Web API, events, clicks; `slack.md` §B–§D) is served over HTTP exactly as
//! strictly as the real one; the people's ([`Slack::says`], [`Slack::reacts`], [`Slack::clicks`] …)
//! is called by tests and by the demo. What people see can be looked at at any time. What every
//! stand-in can do besides is in [`Host`].

mod args;
mod blocks;
mod chat;
mod compose;
mod conversations;
mod events;
mod files;
mod interactions;
mod limits;
mod methods;
mod people;
mod reactions;
mod render;
mod response_url;
mod socket;
mod state;
mod users;
mod views;
mod web;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde_json::Value;
use sha2::Sha256;

use super::Call;
use super::courier::{Letter, Policy, Try};
use super::host::{self, Host, Model, last_status};
pub use interactions::Answered;
pub use people::Done;
pub use state::{Button, Channel, Ephemeral, File, Group, Message, Setup, State, Team, User, View};

/// The stand-in for Slack.
pub type Slack = Host<State>;

type Core = host::Core<State>;

impl Slack {
    /// Starts an empty workspace with the app in it.
    ///
    /// # Errors
    ///
    /// If no port of this machine can be taken.
    pub async fn start(setup: Setup) -> io::Result<Self> {
        Self::start_on(0, setup).await
    }

    /// Starts it on this port, so that its address is known beforehand; on any free one for 0.
    ///
    /// # Errors
    ///
    /// If the port cannot be taken.
    pub async fn start_on(port: u16, setup: Setup) -> io::Result<Self> {
        let plan = host::Plan {
            model: Box::new(|url, now| State::new(setup, url, now)),
            router: web::router,
            policy: patience(),
            seal: sign,
            carry: socket::carry,
        };
        Self::open(port, plan).await
    }

    /// The base of the Web API, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.look(|state| format!("{}/api", state.url))
    }
}

/// Holds the blocks of a message against what Slack allows.
///
/// # Errors
///
/// Which rule is broken where.
pub fn check_message(blocks: &[Value]) -> Result<(), String> {
    blocks::check(blocks, blocks::Surface::Message)
}

/// Holds a dialog or a home tab against what Slack allows.
///
/// # Errors
///
/// Which rule is broken where.
pub fn check_view(view: &Value) -> Result<(), String> {
    views::check(view, view["type"].as_str().unwrap_or_default())
}

/// What can be seen.
impl Slack {
    /// The root messages of our app in a channel, oldest first.
    pub fn cards(&self, channel: &str) -> Vec<Message> {
        self.look(|state| state.cards(channel).cloned().collect())
    }

    /// The first root message of our app that is looked for, with its channel.
    pub fn find_card(&self, look: impl FnMut(&Message) -> bool) -> Option<(String, Message)> {
        self.look(|state| state.find_card(look))
    }

    /// The answers in a thread, oldest first.
    pub fn thread(&self, channel: &str, root: &str) -> Vec<Message> {
        self.look(|state| state.thread(channel, root).cloned().collect())
    }

    /// One message.
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.look(|state| state.message(channel, ts).cloned())
    }

    /// The reactions on a message: names and who put them.
    pub fn reactions(&self, channel: &str, ts: &str) -> Vec<(String, Vec<String>)> {
        self.message(channel, ts).map(|message| message.reactions).unwrap_or_default()
    }

    /// What only this person sees, oldest first.
    pub fn ephemerals(&self, user: &str) -> Vec<Ephemeral> {
        self.look(|state| state.ephemerals_of(user).cloned().collect())
    }
}

impl State {
    fn new(setup: Setup, url: String, now: Timestamp) -> Self {
        let mut bot = User::member(&setup.bot_user, "bridge", "");
        bot.is_bot = true;
        Self {
            users: BTreeMap::from([(bot.id.clone(), bot)]),
            setup,
            url,
            now,
            channels: BTreeMap::new(),
            groups: Vec::new(),
            ephemerals: Vec::new(),
            views: BTreeMap::new(),
            files: BTreeMap::new(),
            calls: Vec::new(),
            violations: Vec::new(),
            last_us: 0,
            serial: 0,
            triggers: BTreeMap::new(),
            response_urls: BTreeMap::new(),
            meter: limits::Meter::default(),
            sockets: socket::Sockets::default(),
            outbox: Vec::new(),
            unshown: Vec::new(),
        }
    }

    /// The root messages of our app in a channel, oldest first.
    pub fn cards(&self, channel: &str) -> impl Iterator<Item = &Message> {
        let roots = self.channels.get(channel).into_iter().flat_map(Channel::roots);
        roots.filter(|message| message.ours && !message.is_tombstone())
    }

    /// The first root message of our app that is looked for, with its channel.
    pub fn find_card(&self, mut look: impl FnMut(&Message) -> bool) -> Option<(String, Message)> {
        self.channels.keys().find_map(|id| {
            let found = self.cards(id).find(|message| look(message))?;
            Some((id.clone(), found.clone()))
        })
    }

    /// The answers in a thread, oldest first.
    pub fn thread<'a>(&'a self, channel: &str, root: &'a str) -> impl Iterator<Item = &'a Message> {
        self.channels.get(channel).into_iter().flat_map(move |channel| channel.replies(root))
    }

    /// One message.
    pub fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.channels.get(channel)?.messages.get(ts)
    }

    /// What only this person sees, oldest first.
    pub fn ephemerals_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Ephemeral> {
        self.ephemerals.iter().filter(move |ephemeral| ephemeral.user == user)
    }
}

/// Who and what there is.
impl Slack {
    /// Adds a person.
    pub fn add_user(&self, user: User) {
        self.core.act(|state| state.users.insert(user.id.clone(), user));
    }

    /// Changes a person: they go away, or are not to be disturbed.
    pub fn change_user(&self, id: &str, change: impl FnOnce(&mut User)) {
        self.core.act(|state| state.users.get_mut(id).map(change));
    }

    /// Adds a user group.
    pub fn add_group(&self, id: &str, handle: &str, users: &[&str]) {
        let users = users.iter().map(ToString::to_string).collect();
        let group = Group { id: id.to_owned(), handle: handle.to_owned(), users };
        self.core.act(|state| state.groups.push(group));
    }

    /// Puts somebody into a user group.
    pub fn add_to_group(&self, id: &str, user: &str) {
        self.core.act(|state| {
            let groups = state.groups.iter_mut().filter(|group| group.id == id);
            groups.for_each(|group| group.users.push(user.to_owned()));
        });
    }

    /// Adds a public channel with our app and these people in it.
    pub fn add_channel(&self, id: &str, name: &str, members: &[&str]) {
        self.core.act(|state| {
            let ours = state.setup.bot_user.as_str();
            let members: BTreeSet<String> =
                members.iter().chain([&ours]).map(ToString::to_string).collect();
            let (id, name) = (id.to_owned(), name.to_owned());
            let channel = Channel { id: id.clone(), name, members, ..Channel::default() };
            state.channels.insert(id, channel);
        });
    }

    /// Slack itself tells our app something, such as `{"type": "app_rate_limited", …}`; returns the
    /// status with which it acknowledged.
    pub async fn sends(&self, envelope: Value) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| state.outbox.push(envelope));
        last_status(receipts).await
    }

    /// Our app has posted so much in a thread before, of which nobody is told.
    pub fn fills_thread(&self, channel: &str, root: &str, count: usize) {
        self.core.act(|state| {
            for number in 0..count {
                let (ts, user) = (state.next_ts(), state.setup.bot_user.clone());
                let (thread_ts, text) = (Some(root.to_owned()), format!("before-{number}"));
                let message = Message {
                    ts: ts.clone(),
                    thread_ts,
                    text,
                    user: Some(user),
                    ours: true,
                    ..Message::default()
                };
                let place = state.channels.get_mut(channel);
                place.map(|place| place.messages.insert(ts, message));
            }
        });
    }

    /// A channel gets another id, and the old one is nobody's; returns the status with which our app
    /// acknowledged.
    pub async fn changes_channel_id(&self, old: &str, new: &str) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| {
            if let Some(mut channel) = state.channels.remove(old) {
                new.clone_into(&mut channel.id);
                state.channels.insert(new.to_owned(), channel);
            }
            let now = state.next_ts();
            state.publish(&serde_json::json!({ "type": "channel_id_changed",
                "old_channel_id": old, "new_channel_id": new, "event_ts": now }));
        });
        last_status(receipts).await
    }

    /// Changes a channel without telling anybody: archives it, throws our app out …
    pub fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) {
        self.core.act(|state| state.channels.get_mut(id).map(change));
    }
}

/// What Slack tells of itself.
impl Slack {
    /// Something happens to the app or to a channel that our app is told of, such as
    /// `{"type": "tokens_revoked", …}`; returns the status with which it acknowledged.
    pub async fn announces(&self, event: Value) -> Option<u16> {
        let ((), receipts) = self.core.act(|state| state.publish(&event));
        last_status(receipts).await
    }
}

impl Core {
    /// Changes the model for a call of our app.
    async fn perform<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, receipts) = self.act(act);
        if self.model.read(|state| state.setup.events_first) {
            last_status(receipts).await;
        }
        result
    }
}

impl Model for State {
    type Setup = Setup;

    fn setup(&mut self) -> &mut Setup {
        &mut self.setup
    }

    fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn take_outbox(&mut self) -> Vec<Letter> {
        self.outbox.drain(..).map(|envelope| letter(&envelope)).collect()
    }

    fn cut_off(&mut self) {
        self.cut_sockets();
    }

    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn violations(&self) -> &[String] {
        &self.violations
    }

    fn transcript(&self) -> String {
        self.transcript_lines().join("\n")
    }
}

fn letter(envelope: &Value) -> Letter {
    let event = &envelope["event"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about = [text(&event["type"]), text(&event["subtype"]), text(&envelope["event_id"])];
    Letter { about: about.join(" "), body: envelope.to_string(), mime: "application/json" }
}

/// Slack's deadline (slack.md §B.1), but much shorter pauses.
fn patience() -> Policy {
    Policy {
        url: None,
        timeout: Duration::from_secs(3),
        retries: [5, 20, 80].map(Duration::from_millis).to_vec(),
        jitter: None,
    }
}

/// Signs a delivery (slack.md §B.2) and says which try it is (§B.1).
fn sign(
    request: RequestBuilder,
    state: &State,
    now: Timestamp,
    (body, which): (&str, Try),
) -> RequestBuilder {
    let now = now.as_second();
    let secret = state.setup.signing_secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key");
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let request = request
        .header("x-slack-request-timestamp", now)
        .header("x-slack-signature", format!("v0={hex}"));
    match which.number {
        0 => request,
        number => {
            request.header("x-slack-retry-num", number).header("x-slack-retry-reason", which.reason)
        }
    }
}
