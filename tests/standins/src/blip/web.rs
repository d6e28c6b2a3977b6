//! The three HTTP endpoints, and the media that customers sent (blip.md §1.1).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::lime::{self, Command, Failure};
use super::state::{Caller, State};
use super::{Core, commands, messages};
use crate::Call;
use crate::faults::bare;
use crate::server::ranged;

/// How often a byte comes of a file that drips.
const DRIP_INTERVAL: Duration = Duration::from_millis(50);

type Envelope = Map<String, Value>;
type Take = fn(&mut State, &Envelope, Caller) -> Result<(), String>;

/// The routes of the stand-in.
pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/messages", post(message))
        .route("/notifications", post(notification))
        .route("/commands", post(command))
        .route("/media/{id}", get(media))
        .route("/away", get(away))
        .with_state(core)
}

async fn message(core: Shared<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    take(&core.0, "/messages", (&headers, &body), messages::take_message).await
}

async fn notification(core: Shared<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    take(&core.0, "/notifications", (&headers, &body), messages::take_notification).await
}

/// Takes an envelope that is answered with 202, whatever becomes of it.
async fn take(
    core: &Core,
    path: &'static str,
    (headers, body): (&HeaderMap, &[u8]),
    take: Take,
) -> Response {
    let envelope = core.receive(path, path, headers, body);
    let effect = async {
        let (envelope, caller) = match envelope {
            Ok(received) => received,
            Err(status) => return bare(status),
        };
        core.act(|state| match take(state, &envelope, caller) {
            Ok(()) => bare(202),
            Err(why) => {
                state.violations.push(format!("{path}: {why}"));
                bare(400)
            }
        })
        .0
    };
    core.strike(path, |_| bare(400), effect).await
}

async fn command(Shared(core): Shared<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    let read = serde_json::from_slice::<Envelope>(&body).map_err(|error| error.to_string());
    let command = read.and_then(|envelope| Command::parse(&envelope));
    let name = command.as_ref().map_or_else(|_| "/commands".to_owned(), Command::name);
    let received = core.receive("/commands", &name, &headers, &body);
    let refuse = |code: &str| match &command {
        Ok(command) => failed(&core, command, code),
        Err(_) => bare(400),
    };
    let effect = async {
        match (received, &command) {
            (Err(status), _) => bare(status),
            (Ok(_), Err(why)) => {
                core.act(|state| state.violations.push(format!("/commands: {why}")));
                bare(400)
            }
            (Ok((_, caller)), Ok(command)) => run(&core, command, caller),
        }
    };
    core.strike(&name, refuse, effect).await
}

fn run(core: &Core, command: &Command, caller: Caller) -> Response {
    let body = core.act(|state| {
        let outcome = commands::run(state, command, caller);
        if let Err(Failure { mistake: true, description, .. }) = &outcome {
            let name = command.name();
            state.violations.push(format!("{name} to {}: {description}", command.to));
        }
        let router = state.setup.router.as_ref().filter(|_| caller == Caller::Router);
        let asker = router.map_or(&state.setup.identity, |router| &router.identity);
        lime::answer(command, asker, &outcome)
    });
    answered(&body.0)
}

/// A failure on demand: a reason code, or words without one.
fn failed(core: &Core, command: &Command, reason: &str) -> Response {
    let description = format!("On demand: {reason}");
    let failure = Failure { code: reason.parse().ok(), description, mistake: false };
    let bot = core.model.read(|state| state.setup.identity.clone());
    answered(&lime::answer(command, &bot, &Err(failure)))
}

async fn media(
    Shared(core): Shared<Arc<Core>>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let value = |wanted: &str| query.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
    core.record("/media", json!({ "id": id }));
    core.refuse_token(&headers);
    let effect = async {
        let found = core.model.read(|state| state.media(&id, value("sig").map(String::as_str)));
        match found {
            Some((mime, bytes)) if value("unsized").is_some() => {
                let chunks =
                    bytes.chunks(64 << 10).map(|chunk| Ok::<_, Infallible>(chunk.to_vec()));
                let body = Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()));
                ([(header::CONTENT_TYPE, mime)], body).into_response()
            }
            Some((mime, bytes)) if value("drips").is_some() => dripping(&core, &mime, bytes),
            Some((mime, bytes)) => ranged(&headers, &mime, bytes),
            None => StatusCode::FORBIDDEN.into_response(),
        }
    };
    core.strike("/media", |_| bare(403), effect).await
}

/// A file of which a byte comes now and then, until the rest may come too.
fn dripping(core: &Arc<Core>, mime: &str, bytes: Vec<u8>) -> Response {
    let length = bytes.len();
    let core = Arc::clone(core);
    let drops = stream::unfold((bytes, core), |(mut rest, core)| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(DRIP_INTERVAL).await;
        let flows = core.model.read(|state| state.media_flows);
        let drop: Vec<u8> = rest.drain(..if flows { rest.len() } else { 1 }).collect();
        Some((Ok::<_, Infallible>(drop), (rest, core)))
    });
    let headers =
        [(header::CONTENT_TYPE, mime.to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    (headers, Body::from_stream(drops)).into_response()
}

/// A link that leads to another one.
async fn away(
    Shared(core): Shared<Arc<Core>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    core.refuse_token(&headers);
    let to = query.into_iter().find(|(key, _)| key == "to").map(|(_, value)| value);
    (StatusCode::FOUND, [(header::LOCATION, to.unwrap_or_default())]).into_response()
}

impl Core {
    /// Records a request that is no envelope.
    fn record(&self, method: &str, body: Value) {
        self.act(|state| {
            let at_ms = state.now.as_millisecond();
            state.calls.push(Call { method: method.to_owned(), at_ms, body });
        });
    }

    /// Customers' files are anywhere, so no token of the bridge may come along.
    fn refuse_token(&self, headers: &HeaderMap) {
        if headers.contains_key(header::AUTHORIZATION) {
            self.act(|state| state.violations.push("a download with a token".to_owned()));
        }
    }

    /// Records a request and checks what all have in common; the error is a status.
    fn receive(
        &self,
        path: &'static str,
        name: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Envelope, Caller), u16> {
        let parsed: Result<Value, _> = serde_json::from_slice(body);
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (result, _) = self.act(|state| {
            let body = parsed.as_ref().cloned().unwrap_or_default();
            let at_ms = state.now.as_millisecond();
            state.calls.push(Call { method: name.to_owned(), at_ms, body });
            let router = state.setup.router.as_ref().map(|router| router.key.as_str());
            let caller = match header(header::AUTHORIZATION) {
                Some(key) if key == state.setup.key => Caller::Bot,
                key if key.is_some() && key == router => Caller::Router,
                _ => return Err((401, "wrong Authorization".to_owned())),
            };
            if state.is_over_limit(path) {
                return Err((429, String::new()));
            }
            if !header(header::CONTENT_TYPE).is_some_and(|t| t.starts_with("application/json")) {
                return Err((400, "not application/json".to_owned()));
            }
            match parsed {
                Ok(Value::Object(envelope)) => Ok((envelope, caller)),
                Ok(other) => Err((400, format!("not an envelope: {other}"))),
                Err(error) => Err((400, error.to_string())),
            }
        });
        result.map_err(|(status, why)| {
            if !why.is_empty() {
                self.act(|state| state.violations.push(format!("{name}: {status}: {why}")));
            }
            status
        })
    }
}

impl State {
    /// Counts a call; one too many closes the endpoint for a while (blip.md §1.1).
    fn is_over_limit(&mut self, path: &'static str) -> bool {
        let Some(allowed) = self.setup.throughput else { return false };
        let most = match path {
            "/messages" => allowed.messages,
            "/notifications" => allowed.notifications,
            _ => allowed.commands,
        };
        let now = self.now.as_millisecond();
        let window = self.windows.entry(path).or_default();
        if now < window.closed_until_ms {
            return true;
        }
        if now - window.since_ms >= 1_000 {
            window.since_ms = now;
            window.count = 0;
        }
        window.count += 1;
        if window.count > most {
            window.closed_until_ms = now + allowed.penalty_seconds * 1_000;
        }
        window.count > most
    }
}

fn answered(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
