//! A stand-in for Blip: one bot with a desk whose tickets go to a custom channel, ours.
//!
//! Two sides: the bridge's (messages, notifications, commands; `blip.md` §1–§5) is served over
//! HTTP exactly as strictly as the real one; the customers' ([`Blip::opens_ticket`],
//! [`Blip::says`], [`Blip::closes`] …) is called by tests and by the demo. What reached a customer
//! can be looked at any time; a message that was sent twice reached them twice. What every
//! stand-in can do besides is in [`Host`].
//!
//! Where Blip documents nothing (`blip.md` §10), the stand-in takes the harder way, or has a
//! switch in [`Setup`].

mod campaigns;
mod commands;
mod customer;
mod lime;
mod messages;
mod odata;
mod state;
mod templates;
mod tickets;
mod web;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde_json::Value;

use super::Call;
use super::courier::{Letter, Policy, Try};
use super::host::{self, Host, Model, last_status};
pub use campaigns::Campaign;
pub use customer::Sent;
pub use state::{
    CannedReply, NewTicket, Notification, Router, ServiceLimits, Setup, State, ThreadMessage,
    Throughput, Ticket, Tunnel,
};
pub use templates::Template;

/// The stand-in for Blip.
pub type Blip = Host<State>;

type Core = host::Core<State>;

impl Blip {
    /// Starts a desk without tickets.
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
            carry: |_, _, _| None,
        };
        Self::open(port, plan).await
    }

    /// The base of the three endpoints, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.look(|state| state.url.clone())
    }

    /// Tries each delivery again until it is answered with 2xx, for about ten seconds.
    pub fn retries_until_taken(&self) {
        self.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(20); 500]);
    }
}

/// What can be seen.
impl Blip {
    /// One ticket.
    pub fn ticket(&self, id: &str) -> Option<Ticket> {
        self.look(|state| state.tickets.get(id).cloned())
    }

    /// What reached the customer of a ticket in it, in order.
    pub fn received(&self, ticket: &str) -> Vec<ThreadMessage> {
        self.look(|state| state.received(ticket).cloned().collect())
    }

    /// What the bot itself has said to somebody by the bridge, outside of tickets, in order.
    pub fn bot_said(&self, identity: &str) -> Vec<String> {
        self.look(|state| {
            let said = state.threads.get(identity).into_iter().flatten();
            let said = said.filter(|it| !it.from_customer && it.ticket.is_empty());
            said.filter_map(|it| it.content.as_str().map(str::to_owned)).collect()
        })
    }

    /// The templates that reached somebody on WhatsApp, by their own identity, in order.
    pub fn templates(&self, identity: &str) -> Vec<Value> {
        self.look(|state| state.templates_for(identity).map(|it| it.content.clone()).collect())
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
    fn new(setup: Setup, url: String, now: Timestamp) -> Self {
        Self {
            setup,
            url,
            now,
            tickets: BTreeMap::new(),
            threads: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            contacts: BTreeMap::new(),
            comments: BTreeMap::new(),
            media: BTreeMap::new(),
            media_flows: false,
            notifications: Vec::new(),
            undelivered: Vec::new(),
            campaigns: Vec::new(),
            checks_in_vain: 0,
            calls: Vec::new(),
            violations: Vec::new(),
            next_number: 1,
            outbox: Vec::new(),
            windows: BTreeMap::new(),
        }
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
    let about = envelope["id"].as_str().unwrap_or_default().to_owned();
    Letter { about, body: envelope.to_string(), mime: "application/json" }
}

/// Blip's own deadline and retries are not documented (blip.md §10.2): one try, a short wait.
fn patience() -> Policy {
    Policy { url: None, timeout: Duration::from_secs(5), retries: Vec::new(), jitter: None }
}

/// Puts the channel's token on a delivery (blip.md §1.2).
fn sign(request: RequestBuilder, state: &State, _: Timestamp, _: (&str, Try)) -> RequestBuilder {
    let Setup { token, header, format, .. } = &state.setup;
    if token.is_empty() {
        return request;
    }
    request.header(header, format.replace("{}", token))
}
