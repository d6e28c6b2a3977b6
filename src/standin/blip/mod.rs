//! A stand-in for Blip: one bot with a desk whose tickets go to a custom channel, ours.
//!
//! Two sides: the bridge's (messages, notifications, commands; `blip.md` §1–§5) is served over
//! HTTP exactly as strictly as the real one; the customers' ([`Blip::opens_ticket`],
//! [`Blip::says`], [`Blip::closes`] …) is called by tests and by the demo. What reached a customer
//! can be looked at any time; a message that was sent twice reached them twice.
//!
//! Where Blip documents nothing (`blip.md` §10), the stand-in takes the harder way, or has a
//! switch in [`Setup`].

mod commands;
mod customer;
mod lime;
mod messages;
mod odata;
mod state;
mod tickets;
mod web;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use super::Call;
use super::courier::{Courier, Letter, Try};
pub use super::courier::{Delivery, Policy};
use super::faults::Faults;
use super::server::{self, Server};
use super::time::Time;
use super::watched::{Transcript, Watched};
pub use customer::Sent;
pub use state::{NewTicket, Notification, Setup, State, ThreadMessage, Throughput, Ticket};

/// The stand-in; clones are the same one, and it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Blip {
    core: Arc<Core>,
    server: Arc<Server>,
}

/// What the HTTP side and the customers' side share.
#[derive(Debug)]
struct Core {
    model: Arc<Watched<State>>,
    faults: Faults,
    courier: Courier,
    time: Arc<Time>,
}

type Receipts = Vec<oneshot::Receiver<Option<u16>>>;

impl Blip {
    /// Starts a desk without tickets.
    ///
    /// # Errors
    ///
    /// If no port of this machine can be taken.
    pub async fn start(setup: Setup) -> io::Result<Self> {
        let listener = server::bind().await?;
        let url = format!("http://{}", listener.local_addr()?);
        let time = Arc::new(Time::default());
        let model = Arc::new(Watched::new(State::new(setup, url, time.now())));
        let setups = Arc::clone(&model);
        let seal = Box::new(move |request: RequestBuilder, _: &str, _: Try| {
            setups.read(|state| sign(request, &state.setup))
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

    /// The base of the three endpoints, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.core.model.read(|state| state.url.clone())
    }

    /// Where tickets and messages are delivered.
    pub fn deliver_to(&self, url: &str) {
        self.core.courier.configure(|policy| policy.url = Some(url.to_owned()));
    }

    /// Changes how deliveries are made; without a change, each is tried once.
    pub fn configure_delivery(&self, change: impl FnOnce(&mut Policy)) {
        self.core.courier.configure(change);
    }

    /// Tries each delivery again until it is answered with 2xx, for about ten seconds.
    pub fn retries_until_taken(&self) {
        self.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(20); 500]);
    }

    /// Changes how the desk behaves.
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

    /// Keeps deliveries back until [`Blip::release`].
    pub fn hold(&self) {
        self.core.courier.hold();
    }

    /// Delivers what was kept back, in the order that `arrange` makes of the positions.
    pub async fn release(&self, arrange: impl FnOnce(&mut Vec<usize>)) {
        self.core.courier.release(arrange).await;
    }

    /// Waits until everything has been delivered or given up.
    pub async fn settled(&self) {
        self.core.courier.settled().await;
    }

    /// Every try to deliver something.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.courier.log()
    }
}

/// What can be seen.
impl Blip {
    /// Looks at everything at once.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.core.model.read(look)
    }

    /// Counts the changes; the receiver is told of each.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.core.model.subscribe()
    }

    /// Waits until the desk shows what is looked for.
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

    /// Every call of this kind: `/messages`, `/commands get /teams` …
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let asked = |call: &&Call| call.method == method;
        self.look(|state| state.calls.iter().filter(asked).cloned().collect())
    }

    /// What happened so far, as readable lines.
    pub fn transcript(&self) -> String {
        self.look(State::transcript)
    }

    /// One ticket.
    pub fn ticket(&self, id: &str) -> Option<Ticket> {
        self.look(|state| state.tickets.get(id).cloned())
    }

    /// What reached the customer of a ticket in it, in order.
    pub fn received(&self, ticket: &str) -> Vec<ThreadMessage> {
        self.look(|state| state.received(ticket).cloned().collect())
    }

    /// Messages of the bridge that no customer ever saw, and why.
    pub fn undelivered(&self) -> Vec<(Value, String)> {
        self.look(|state| state.undelivered.clone())
    }

    /// The bridge's receipts for customers' messages: message id and event.
    pub fn receipts(&self) -> Vec<(String, String)> {
        self.look(|state| {
            let by_bridge = state.notifications.iter().filter(|found| found.by_bridge);
            by_bridge.map(|found| (found.id.clone(), found.event.clone())).collect()
        })
    }
}

impl State {
    fn new(setup: Setup, url: String, now: jiff::Timestamp) -> Self {
        Self {
            setup,
            url,
            now,
            tickets: BTreeMap::new(),
            threads: BTreeMap::new(),
            contacts: BTreeMap::new(),
            media: BTreeMap::new(),
            notifications: Vec::new(),
            undelivered: Vec::new(),
            calls: Vec::new(),
            violations: Vec::new(),
            next_number: 1,
            outbox: Vec::new(),
            windows: BTreeMap::new(),
        }
    }
}

impl Core {
    /// Changes the model and queues what the bridge is told of it, in order.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> (T, Receipts) {
        self.model.change(|state| {
            state.now = self.time.now();
            let result = act(state);
            let envelopes = std::mem::take(&mut state.outbox);
            (result, envelopes.iter().map(|found| self.courier.send(letter(found))).collect())
        })
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
    let about = envelope["id"].as_str().unwrap_or_default().to_owned();
    Letter { about, body: envelope.to_string(), mime: "application/json" }
}

/// Blip's own deadline and retries are not documented (blip.md §10.2): one try, a short wait.
fn patience() -> Policy {
    Policy { url: None, timeout: Duration::from_secs(5), retries: Vec::new(), jitter: None }
}

fn sign(request: RequestBuilder, setup: &Setup) -> RequestBuilder {
    match setup.token.is_empty() {
        true => request,
        false => request.header(&setup.header, setup.format.replace("{}", &setup.token)),
    }
}
