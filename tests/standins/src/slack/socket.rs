//! Socket Mode: our app connects, and what would be requests comes over the connection (slack.md
//! §B.3).
//!
//! Any connection may be chosen for a delivery, also one that is about to be closed or is dead.
//! Deliveries are repeated like requests: until they are acknowledged, or given up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use url::form_urlencoded;

use super::args::{Answer, Args, Refusal};
use super::state::State;
use super::{Core, Slack};
use crate::courier::{Carried, Letter, Try};
use crate::faults::bare;

/// Connections that one app may have.
const MOST: usize = 10;
/// How long an address may be used; not documented, but a minute is more than anybody needs.
const TICKET_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// All connections of our app, and what was sent over them.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    tickets: BTreeMap<String, Timestamp>,
    lines: Vec<Line>,
    waiting: Vec<Waiting>,
    turn: usize,
}

#[derive(Debug)]
struct Line {
    id: String,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a connection is to do.
#[derive(Debug)]
enum Order {
    Say(Value),
    Close,
    /// Neither reads nor writes any more, but stays open.
    Freeze,
    Cut,
}

/// An envelope that is not acknowledged yet.
#[derive(Debug)]
struct Waiting {
    envelope: String,
    line: String,
    accepts_payload: bool,
    done: oneshot::Sender<String>,
}

/// The trouble that connections have.
impl Slack {
    /// Announces the end of every connection, for a reason such as `warning` or
    /// `refresh_requested`; they stay open until [`Slack::closes_sockets`].
    pub fn announces_disconnect(&self, reason: &str) {
        let debug = json!({ "host": "standin" });
        let words = json!({ "type": "disconnect", "reason": reason, "debug_info": debug });
        self.says_over_sockets(&words);
    }

    /// Closes the oldest connections, as many as this.
    pub fn closes_sockets(&self, count: usize) {
        self.orders(count, || Order::Close);
    }

    /// Breaks the oldest connections without a word.
    pub fn cuts_sockets(&self, count: usize) {
        self.orders(count, || Order::Cut);
    }

    /// The oldest connections stay open, but nothing passes any more.
    pub fn freezes_sockets(&self, count: usize) {
        self.orders(count, || Order::Freeze);
    }

    /// Sends these words over every connection.
    pub fn says_over_sockets(&self, words: &Value) {
        self.core.act(|state| state.say_to_all(words));
    }

    /// Switches Socket Mode off in the settings of the app.
    pub fn switches_socket_mode_off(&self) {
        self.configure(|setup| setup.socket_mode = false);
        self.announces_disconnect("link_disabled");
        self.closes_sockets(MOST);
    }

    fn orders(&self, count: usize, order: impl Fn() -> Order) {
        self.core.act(|state| {
            for line in state.sockets.lines.iter().take(count) {
                line.orders.send(order()).ok();
            }
        });
    }
}

impl State {
    /// The connections of our app, oldest first.
    pub fn sockets(&self) -> Vec<String> {
        self.sockets.lines.iter().map(|line| line.id.clone()).collect()
    }

    /// Breaks every connection.
    pub(super) fn cut_sockets(&mut self) {
        for line in &self.sockets.lines {
            line.orders.send(Order::Cut).ok();
        }
    }

    fn say_to_all(&self, words: &Value) {
        for line in &self.sockets.lines {
            line.orders.send(Order::Say(words.clone())).ok();
        }
    }

    fn use_ticket(&mut self, ticket: &str) -> bool {
        let now = self.now;
        let made = self.sockets.tickets.remove(ticket);
        let valid = made.is_some_and(|made| now.duration_since(made) <= TICKET_LIFETIME);
        if !valid {
            self.violations.push("a socket without a valid ticket".to_owned());
        }
        valid
    }

    fn add_line(&mut self) -> (String, mpsc::UnboundedReceiver<Order>) {
        let id = self.next_id("L");
        let (orders, to_do) = mpsc::unbounded_channel();
        if self.sockets.lines.len() >= MOST {
            self.violations.push(format!("more than {MOST} sockets"));
            let refusal = json!({ "type": "disconnect", "reason": "too_many_websockets" });
            orders.send(Order::Say(refusal)).ok();
            orders.send(Order::Close).ok();
            return (id, to_do);
        }
        let hello = json!({ "type": "hello", "num_connections": self.sockets.lines.len() + 1,
            "connection_info": { "app_id": self.setup.app_id },
            "debug_info": { "host": "standin", "approximate_connection_time": 18060 } });
        orders.send(Order::Say(hello)).ok();
        self.sockets.lines.push(Line { id: id.clone(), orders });
        (id, to_do)
    }

    /// Whoever waits for an acknowledgement over this connection waits no longer.
    fn remove_line(&mut self, id: &str) {
        self.sockets.lines.retain(|line| line.id != id);
        self.sockets.waiting.retain(|waiting| waiting.line != id);
    }

    fn hear(&mut self, line: &str, words: &str) {
        if let Err(why) = self.acknowledge(line, words) {
            self.violations.push(format!("socket: {why}"));
        }
    }

    fn acknowledge(&mut self, line: &str, words: &str) -> Result<(), String> {
        let words: Value = serde_json::from_str(words).map_err(|error| error.to_string())?;
        let id = words["envelope_id"].as_str().ok_or("no envelope_id")?;
        let waiting = &mut self.sockets.waiting;
        let at = waiting.iter().position(|waiting| waiting.envelope == id && waiting.line == line);
        let waiting = waiting.swap_remove(at.ok_or("acknowledges what was not sent there")?);
        let payload = words.get("payload");
        if payload.is_some() && !waiting.accepts_payload {
            return Err("a payload with an acknowledgement that takes none".to_owned());
        }
        // Too late is as good as never; that is nobody's fault.
        waiting.done.send(payload.map(Value::to_string).unwrap_or_default()).ok();
        Ok(())
    }
}

/// `apps.connections.open`: a new address, for one connection.
pub(super) fn open(state: &mut State, _: &Args) -> Answer {
    if !state.setup.socket_mode {
        // Which code Slack has for this is not documented.
        return Err(Refusal::world("access_denied"));
    }
    let ticket = state.next_id("ticket");
    state.sockets.tickets.insert(ticket.clone(), state.now);
    let base = state.url.replacen("http", "ws", 1);
    let app = &state.setup.app_id;
    Ok(json!({ "url": format!("{base}/link/?ticket={ticket}&app_id={app}") }))
}

/// Carries a delivery over a connection, if the app uses Socket Mode.
pub(super) fn carry(state: &mut State, letter: &Letter, which: Try) -> Option<Carried> {
    if !state.setup.socket_mode {
        return None;
    }
    let envelope = state.next_id("envelope");
    let (kind, payload) = unpack(letter);
    let sockets = &mut state.sockets;
    sockets.turn += 1;
    let at = sockets.turn.checked_rem(sockets.lines.len());
    let Some(line) = at.and_then(|at| sockets.lines.get(at)) else {
        return Some(Box::pin(async { Err("connection_failed") }));
    };
    let accepts_payload = kind != "events_api";
    let mut words = json!({ "envelope_id": envelope, "type": kind, "payload": payload,
        "accepts_response_payload": accepts_payload });
    if kind == "events_api" {
        words["retry_attempt"] = json!(which.number);
        words["retry_reason"] = json!(which.reason);
    }
    line.orders.send(Order::Say(words)).ok();
    let (done, acknowledged) = oneshot::channel();
    sockets.waiting.push(Waiting { envelope, line: line.id.clone(), accepts_payload, done });
    Some(Box::pin(async { acknowledged.await.or(Err("connection_failed")) }))
}

/// The kind of an envelope and what it holds, from the request that would be sent otherwise.
fn unpack(letter: &Letter) -> (&'static str, Value) {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    if letter.mime == "application/json" {
        return ("events_api", json(&letter.body));
    }
    let fields: Map<String, Value> = form_urlencoded::parse(letter.body.as_bytes())
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect();
    match fields.get("payload").and_then(Value::as_str) {
        Some(payload) => ("interactive", json(payload)),
        None => ("slash_commands", Value::Object(fields)),
    }
}

/// The far end of an address that was given out.
pub(super) async fn link(
    Shared(core): Shared<Arc<Core>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").cloned().unwrap_or_default();
    let (admitted, _) = core.act(|state| state.use_ticket(&ticket));
    if !admitted {
        return bare(408);
    }
    upgrade.on_upgrade(|socket| serve(core, socket)).into_response()
}

async fn serve(core: Arc<Core>, mut socket: WebSocket) {
    let ((line, mut orders), _) = core.act(State::add_line);
    loop {
        let goes_on = tokio::select! {
            order = orders.recv() => obey(&mut socket, order, &mut orders).await,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(words))) => {
                    core.act(|state| state.hear(&line, &words));
                    true
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => true,
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
            },
        };
        if !goes_on {
            break;
        }
    }
    core.act(|state| state.remove_line(&line));
}

/// Whether the connection goes on.
async fn obey(
    socket: &mut WebSocket,
    order: Option<Order>,
    orders: &mut mpsc::UnboundedReceiver<Order>,
) -> bool {
    match order {
        Some(Order::Say(words)) => socket.send(Message::text(words.to_string())).await.is_ok(),
        Some(Order::Close) => socket.send(Message::Close(None)).await.is_ok(),
        Some(Order::Freeze) => {
            while !matches!(orders.recv().await, Some(Order::Cut) | None) {}
            false
        }
        Some(Order::Cut) | None => false,
    }
}
