//! Keeps one connection open, and a second one before the first is closed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use slack_morphism::{SlackApiToken, SlackApiTokenValue};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, StopConditions};
use super::frame;
use super::frame::{ConnectionEnd, Frame};
use super::handshake::{self, OPEN_CONNECTION_METHOD, SlackWebSocket};
use super::health::SocketHealth;
use super::payload::PayloadTaker;
use super::timing::SocketTiming;
use crate::clock::Clock;
use crate::model::{Failure, Fault};
use crate::slack::api::error::Error;
use crate::slack::api::health::ApiHealth;
use crate::slack::api::transport::Transport;
use crate::telemetry;

const TOKEN_REFUSED: &str = "slack does not accept SLACK_APP_TOKEN or its scopes for Socket Mode";
const SOCKET_MODE_OFF: &str = "slack: Socket Mode is switched off in the settings of the app";

/// Keeps a connection open.
pub struct Socket {
    /// What connections are asked for with (`apps.connections.open`).
    pub http: reqwest::Client,
    /// The base of the Web API.
    pub api_url: String,
    /// The app-level token, `xapp-…`, with the scope `connections:write`.
    pub token: SecretString,
    /// What tells how long a connection has lasted.
    pub clock: Clock,
    /// How patient it is.
    pub timing: SocketTiming,
    /// Stores a payload; only then is it acknowledged.
    pub taker: Arc<dyn PayloadTaker>,
    /// Is told whether there is a connection.
    pub health: SocketHealth,
}

#[derive(Deserialize)]
struct OpenConnectionAnswer {
    url: String,
}

/// Asks where to connect to (`apps.connections.open`); nothing is connected by that.
#[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = OPEN_CONNECTION_METHOD))]
pub(crate) async fn request_connection_url(
    http: &reqwest::Client,
    api_url: &str,
    token: &SecretString,
    clock: &Clock,
) -> Result<String, Error> {
    let transport = Transport::new(http.clone(), api_url, ApiHealth::new(clock.clone()));
    let api = slack_morphism::SlackClient::new(transport);
    let value = SlackApiTokenValue(token.expose_secret().to_owned());
    let token = SlackApiToken::new(value);
    let session = api.open_session(&token);
    let began = Instant::now();
    let asked = session.http_session_api.http_post(OPEN_CONNECTION_METHOD, &json!({}), None).await;
    let opened: Result<OpenConnectionAnswer, _> =
        asked.map_err(|error| Error::from_library(OPEN_CONNECTION_METHOD, error));
    let fault = opened.as_ref().err().map(Error::to_fault);
    let outcome = fault.as_ref().map_or("ok", Fault::name);
    telemetry::record_call("slack", OPEN_CONNECTION_METHOD, outcome, began.elapsed());
    opened.map(|opened| opened.url)
}

impl Socket {
    /// Runs until stopped; then what is being kept is still acknowledged.
    pub async fn run(self, stop: CancellationToken, tasks: TaskTracker) {
        let mut current = None;
        let mut failures = 0_u32;
        let mut early_drops = 0_u32;
        telemetry::record_sockets(0);
        while let Some(opened) = stop.run_until_cancelled(self.open_connection(&tasks)).await {
            let since = self.clock.now();
            let pause = match opened {
                Ok(connection) => {
                    failures = 0;
                    let replaced = CancellationToken::new();
                    // Dropping the guard tells the connection before this one that it is replaced.
                    // Only now, with a new one open, may it stop reading
                    // (`a_refresh_in_the_middle_of_a_burst_loses_nothing_and_says_nothing_twice`).
                    drop(current.replace(replaced.clone().drop_guard()));
                    let (tell, told) = oneshot::channel();
                    let until = StopConditions { stop: stop.clone(), replaced };
                    tasks.spawn(connection.serve_until_end(until, tell));
                    let end = told.await.unwrap_or(ConnectionEnd::Lost);
                    if stop.is_cancelled() {
                        return;
                    }
                    let lasted = self.clock.now().duration_since(since).unsigned_abs();
                    // Slack closes connections every few hours (`slack.md` B.3), so one that lasted
                    // was no failure.
                    early_drops = if lasted > self.timing.longest { 0 } else { early_drops + 1 };
                    self.pause_after_end(end, early_drops)
                }
                Err(error) => {
                    failures += 1;
                    self.pause_after_failure(&error, failures)
                }
            };
            let rest = self.clock.sleep_until(self.clock.now() + pause);
            if stop.run_until_cancelled(rest).await.is_none() {
                return;
            }
        }
    }

    async fn open_connection(&self, tasks: &TaskTracker) -> Result<Connection, Error> {
        let mut wire = handshake::connect_websocket(&self.http, &self.request_url().await?).await?;
        let hello = tokio::time::timeout(self.timing.answer, receive_hello(&mut wire)).await;
        if !hello.unwrap_or(false) {
            return Err(Error::OutcomeUnknown {
                method: OPEN_CONNECTION_METHOD,
                what: "no hello".to_owned(),
            });
        }
        tracing::info!("slack is connected over Socket Mode");
        Ok(Connection {
            wire,
            taker: Arc::clone(&self.taker),
            timing: self.timing,
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            heard: self.clock.now(),
            probed: false,
            _open: self.health.add_connection(),
        })
    }

    async fn request_url(&self) -> Result<String, Error> {
        request_connection_url(&self.http, &self.api_url, &self.token, &self.clock).await
    }

    /// The pause after a connection that has ended, one of so many in a row that ended early.
    fn pause_after_end(&self, end: ConnectionEnd, early_drops: u32) -> Duration {
        if end == ConnectionEnd::SwitchedOff {
            tracing::error!(
                "Socket Mode is switched off in the settings of the Slack app: no event arrives \
                until it is on again, or until SLACK_APP_TOKEN is taken away and requests are used"
            );
            self.health.note_refusal(SOCKET_MODE_OFF);
            return self.timing.longest;
        }
        tracing::info!(?end, "a connection to slack ends; opening another one");
        // One may end for any reason, and each second without one is missed; only what ends early
        // again and again is left alone for a while.
        match early_drops {
            0 | 1 => Duration::ZERO,
            again => self.timing.backoff_pause(again - 1),
        }
    }

    fn pause_after_failure(&self, error: &Error, failures: u32) -> Duration {
        match error.to_fault() {
            // Asked again all the same, once a minute: whoever mends the token or the app's
            // settings should not have to restart the bridge.
            Fault::Credentials | Fault::Refused { .. } | Fault::Broken => {
                tracing::error!(%error, "slack does not let us connect: SLACK_APP_TOKEN must be an \
                    app-level token with connections:write, and Socket Mode must be on");
                self.health.note_refusal(TOKEN_REFUSED);
                self.timing.longest
            }
            fault @ (Fault::Busy { .. } | Fault::Down | Fault::OutcomeUnknown) => {
                tracing::warn!(%error, "slack cannot be connected to; trying again");
                let least = match fault {
                    Fault::Busy { after } => after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                self.timing.backoff_pause(failures).max(least)
            }
        }
    }
}

/// Whether the first thing that Slack says is that the connection is ready.
async fn receive_hello(wire: &mut SlackWebSocket) -> bool {
    while let Some(Ok(message)) = wire.next().await {
        if let Message::Text(text) = message {
            // A connection counts only once Slack has said that it is ready: one that is accepted
            // and then silent would hide that no event arrives.
            return frame::parse_frame(&text) == Some(Frame::Hello);
        }
    }
    false
}
