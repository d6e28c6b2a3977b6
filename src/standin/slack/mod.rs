//! A stand-in for Slack: a workspace with people, channels and one app, ours.
//!
//! Two sides: the app's (Web API, events, clicks; `slack.md` §B–§D) is served over HTTP exactly as
//! strictly as the real one; the people's ([`Slack::says`], [`Slack::reacts`], [`Slack::clicks`] …)
//! is called by tests and by the demo. What people see can be looked at at any time.
//!
//! Invariant: every change of the model goes through [`Core::act`], so an event that a change
//! causes is queued in the order of the changes.

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
mod state;
mod users;
mod views;
mod web;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::RequestBuilder;
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::{oneshot, watch};

use super::Call;
use super::courier::{Courier, Letter, Try};
pub use super::courier::{Delivery, Policy};
use super::faults::Faults;
use super::server::{self, Server};
use super::time::Time;
use super::watched::{Transcript, Watched};
pub use interactions::Answered;
pub use people::Done;
pub use state::{Button, Channel, Ephemeral, File, Group, Message, Setup, State, User, View};

/// The stand-in; clones are the same one, and it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Slack {
    core: Arc<Core>,
    server: Arc<Server>,
}

/// What the HTTP side and the people's side share.
#[derive(Debug)]
struct Core {
    model: Arc<Watched<State>>,
    faults: Faults,
    courier: Courier,
    time: Arc<Time>,
}

type Receipts = Vec<oneshot::Receiver<Option<u16>>>;

impl Slack {
    /// Starts an empty workspace with the app in it.
    ///
    /// # Errors
    ///
    /// If no port of this machine can be taken.
    pub async fn start(setup: Setup) -> io::Result<Self> {
        let listener = server::bind().await?;
        let url = format!("http://{}", listener.local_addr()?);
        let time = Arc::new(Time::default());
        let model = Arc::new(Watched::new(State::new(setup, url, time.now())));
        let (setups, clock) = (Arc::clone(&model), Arc::clone(&time));
        let seal = Box::new(move |request: RequestBuilder, body: &str, which: Try| {
            let secret = setups.read(|state| state.setup.signing_secret.clone());
            sign(request, &secret, clock.now().as_second(), body, which)
        });
        let core = Arc::new(Core {
            model,
            faults: Faults::default(),
            courier: Courier::start(patience(), seal),
            time,
        });
        let server = Arc::new(Server::start(listener, web::router(Arc::clone(&core)))?);
        Ok(Self { core, server })
    }

    /// The base of the Web API, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.core.model.read(|state| format!("{}/api", state.url))
    }

    /// Where events, clicks and commands are delivered.
    pub fn deliver_to(&self, url: &str) {
        self.core.courier.configure(|policy| policy.url = Some(url.to_owned()));
    }

    /// Changes how events are delivered.
    pub fn configure_delivery(&self, change: impl FnOnce(&mut Policy)) {
        self.core.courier.configure(change);
    }

    /// Changes how the workspace behaves.
    pub fn configure(&self, change: impl FnOnce(&mut Setup)) {
        self.core.act(|state| change(&mut state.setup));
    }

    /// The trouble it makes.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// Moves its time forward.
    pub fn advance(&self, by: Duration) {
        self.core.time.advance(by);
    }

    /// Closes its port: nobody can connect any more.
    pub async fn go_down(&self) {
        self.server.go_down().await;
    }

    /// Opens the same port again.
    ///
    /// # Errors
    ///
    /// If the port has been taken by somebody else.
    pub async fn come_back(&self) -> io::Result<()> {
        self.server.come_back().await
    }

    /// Keeps events back until [`Slack::release`].
    pub fn hold(&self) {
        self.core.courier.hold();
    }

    /// Delivers what was kept back, in the order that `arrange` makes of the positions.
    pub async fn release(&self, arrange: impl FnOnce(&mut Vec<usize>)) {
        self.core.courier.release(arrange).await;
    }

    /// Waits until every event has been delivered or given up.
    pub async fn settled(&self) {
        self.core.courier.settled().await;
    }

    /// Every try to deliver something.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.courier.log()
    }
}

/// What can be seen.
impl Slack {
    /// Looks at everything at once.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.core.model.read(look)
    }

    /// Counts the changes; the receiver is told of each.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.core.model.subscribe()
    }

    /// Waits until the workspace shows what is looked for.
    ///
    /// # Panics
    ///
    /// After ten seconds, with `what` and a transcript.
    pub async fn wait_for<T>(&self, what: &str, look: impl FnMut(&State) -> Option<T>) -> T {
        self.core.model.wait_for(what, look).await
    }

    /// What the real platform would not have tolerated.
    pub fn violations(&self) -> Vec<String> {
        self.look(|state| state.violations.clone())
    }

    /// Every call of a method.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let asked = |call: &&Call| call.method == method;
        self.look(|state| state.calls.iter().filter(asked).cloned().collect())
    }

    /// What happened so far, as readable lines.
    pub fn transcript(&self) -> String {
        self.look(State::transcript)
    }

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
    fn new(setup: Setup, url: String, now: jiff::Timestamp) -> Self {
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
            outbox: Vec::new(),
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

    /// Adds a user group.
    pub fn add_group(&self, id: &str, handle: &str, users: &[&str]) {
        let users = users.iter().map(ToString::to_string).collect();
        let group = Group { id: id.to_owned(), handle: handle.to_owned(), users };
        self.core.act(|state| state.groups.push(group));
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

    /// Changes a channel without telling anybody: archives it, throws our app out …
    pub fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) {
        self.core.act(|state| state.channels.get_mut(id).map(change));
    }
}

impl Core {
    /// Changes the model and queues the events that this causes, in order.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> (T, Receipts) {
        self.model.change(|state| {
            state.now = self.time.now();
            let result = act(state);
            let events = std::mem::take(&mut state.outbox);
            (result, events.iter().map(|event| self.courier.send(letter(event))).collect())
        })
    }

    /// Changes the model for a call of our app.
    async fn perform<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, receipts) = self.act(act);
        if self.model.read(|state| state.setup.events_first) {
            last_status(receipts).await;
        }
        result
    }
}

impl Transcript for State {
    fn transcript(&self) -> String {
        Self::transcript(self)
    }
}

/// The last status that came back, once all deliveries are made.
async fn last_status(receipts: Receipts) -> Option<u16> {
    let mut last = None;
    for receipt in receipts {
        last = receipt.await.ok().flatten().or(last);
    }
    last
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
fn sign(request: RequestBuilder, secret: &str, now: i64, body: &str, which: Try) -> RequestBuilder {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
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
