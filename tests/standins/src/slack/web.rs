//! The HTTP surface: the Web API, uploads, downloads and response URLs.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{HeaderMap, Method as Verb, header, request::Parts};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Map, Value, json};
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use super::args::{Answer, Args, Refusal};
use super::limits::Rate;
use super::methods::Method;
use super::state::State;
use super::{Core, methods, response_url, socket};
use crate::Call;
use crate::faults::{bare, rate_limited};
use crate::server::ranged;

/// Largest body that is read.
const MAX_BODY: usize = 128 << 20;

/// One call as it came in.
struct Incoming {
    verb: Verb,
    token: Option<String>,
    is_json: bool,
    values: Result<Map<String, Value>, Refusal>,
}

/// The routes of the stand-in.
pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/{file}", post(upload))
        .route("/files-pri/{file}/{name}", get(download))
        .route("/response/{key}", post(respond))
        .route("/link/", get(socket::link))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(core)
}

async fn call(
    Shared(core): Shared<Arc<Core>>,
    Path(method): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body).await else { return bare(400) };
    let incoming = incoming(&parts, &body);
    let seen = incoming.values.as_ref().map_or(Value::Null, |values| json!(values));
    core.record(&method, seen);
    let refuse = |code: &str| answer(&core, Err(Refusal::world(code)));
    let effect = async {
        let result = core.perform(|state| state.run(&method, incoming)).await;
        if method == "files.completeUploadExternal" {
            core.show_uploads_later();
        }
        answer(&core, result)
    };
    core.strike(&method, refuse, effect).await
}

impl Core {
    /// Has uploads that are to appear yet do so when it is time.
    fn show_uploads_later(self: &Arc<Self>) {
        let (late, count) =
            self.model.read(|state| (state.setup.shares_after, state.unshown.len()));
        let Some(late) = late.filter(|_| count > 0) else { return };
        let core = Arc::clone(self);
        TaskTracker::new().spawn(async move {
            tokio::time::sleep(late).await;
            core.act(State::show_upload);
        });
    }

    /// Records a request.
    fn record(&self, method: &str, body: Value) {
        self.act(|state| {
            let at_ms = state.now.as_millisecond();
            state.calls.push(Call { method: method.to_owned(), at_ms, body });
        });
    }
}

impl State {
    /// Runs a method, if everything about the call is in order.
    fn run(&mut self, name: &str, incoming: Incoming) -> Answer {
        let result = self.admit_and_run(name, incoming);
        if let Err(Refusal { code, mistake: Some(why), .. }) = &result {
            self.violations.push(format!("{name}: {code}: {why}"));
        }
        result
    }

    fn admit_and_run(&mut self, name: &str, incoming: Incoming) -> Answer {
        let method = methods::find(name);
        let method = method.ok_or_else(|| Refusal::mistake("unknown_method", name))?;
        let values = incoming.values?;
        let scopes = self.check_token(method, incoming.token.as_deref())?;
        if !method.scopes.is_empty() && !method.scopes.iter().any(|scope| scopes.contains(*scope)) {
            return Err(self.missing_scope(method.scopes));
        }
        if incoming.is_json && !method.takes_json {
            let why = "this method takes no JSON: its arguments are ignored";
            return Err(Refusal::mistake("invalid_arguments", why));
        }
        if incoming.verb == Verb::GET && !method.reads {
            return Err(Refusal::mistake("invalid_arguments", "writes are sent by POST"));
        }
        if self.setup.limits && method.per_minute > 0 {
            let now = self.now.as_millisecond();
            let rate = Rate::per_minute(method.per_minute);
            self.meter.count(name, rate, now).map_err(Refusal::rate_limited)?;
        }
        let args = Args::new(values);
        let known: Vec<&str> = method.args.split_whitespace().collect();
        for unknown in args.names().filter(|arg| !known.contains(arg)) {
            // Slack ignores what it does not know, so that the caller never learns of it.
            self.violations.push(format!("{name}: unknown argument {unknown}"));
        }
        (method.run)(self, &args)
    }

    /// What the token may do, if it is the one that the method takes.
    fn check_token(
        &self,
        method: &Method,
        token: Option<&str>,
    ) -> Result<&BTreeSet<String>, Refusal> {
        let setup = &self.setup;
        let mut tokens = [(&setup.token, &setup.scopes), (&setup.app_token, &setup.app_scopes)];
        if method.takes_app_token {
            tokens.reverse();
        }
        let [(right, scopes), (wrong, _)] = tokens;
        match token {
            None => Err(Refusal::mistake("not_authed", "no bearer token")),
            Some(token) if token == right => Ok(scopes),
            Some(token) if token == wrong => {
                Err(Refusal::mistake("not_allowed_token_type", "a token of the other kind"))
            }
            Some(_) => Err(Refusal::mistake("invalid_auth", "another token")),
        }
    }
}

async fn upload(
    Shared(core): Shared<Arc<Core>>,
    Path(file): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body).await else { return bare(413) };
    core.record("upload", json!({ "file": file, "bytes": body.len() }));
    let effect = async {
        let taken = core.perform(|state| state.take_upload(&file, &parts.headers, body)).await;
        match taken {
            Ok(length) => format!("OK - {length}").into_response(),
            Err(why) => {
                core.model.change(|state| state.violations.push(format!("upload: {why}")));
                bare(400)
            }
        }
    };
    core.strike("upload", |_| bare(500), effect).await
}

impl State {
    fn take_upload(
        &mut self,
        id: &str,
        headers: &HeaderMap,
        body: Vec<u8>,
    ) -> Result<usize, &'static str> {
        let mime = headers.get(header::CONTENT_TYPE).and_then(|mime| mime.to_str().ok());
        if mime.is_some_and(|mime| mime.starts_with("multipart/")) {
            return Err("send the raw bytes");
        }
        let file = self.files.get_mut(id).ok_or("no such upload")?;
        if file.bytes.is_some() {
            return Err("uploaded before");
        }
        if file.length != body.len() {
            return Err("not the length that was announced");
        }
        let length = body.len();
        file.bytes = Some(body);
        Ok(length)
    }
}

async fn download(
    Shared(core): Shared<Arc<Core>>,
    Path((id, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let token = bearer(&parts.headers);
    core.record("download", json!({ "file": id }));
    let effect = async {
        let found = core.model.change(|state| {
            let may = token.as_deref() == Some(state.setup.token.as_str())
                && state.setup.scopes.contains("files:read");
            if !may {
                state.violations.push("download without the right to it".to_owned());
            }
            let file = state.files.get(&id);
            may.then(|| file.and_then(|file| Some((file.mime.clone(), file.bytes.clone()?))))
        });
        match found {
            // slack.md §C.3: no 401, but a page that asks to sign in.
            None => {
                Html("<!DOCTYPE html><html><title>Sign in | Slack</title></html>").into_response()
            }
            Some(None) => bare(404),
            Some(Some((mime, bytes))) => ranged(&parts.headers, &mime, bytes),
        }
    };
    core.strike("download", |_| bare(500), effect).await
}

async fn respond(
    Shared(core): Shared<Arc<Core>>,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body).await else { return bare(400) };
    let values = incoming(&parts, &body).values;
    core.record("response_url", values.as_ref().map_or(Value::Null, |values| json!(values)));
    let effect = async {
        let result = core.perform(|state| match values {
            Ok(values) => response_url::answer(state, &key, &Args::new(values)),
            Err(refusal) => Err(refusal),
        });
        match result.await {
            Ok(_) => "ok".into_response(),
            Err(refusal) => {
                (axum::http::StatusCode::NOT_FOUND, json(&refusal.into_body())).into_response()
            }
        }
    };
    core.strike("response_url", |_| bare(404), effect).await
}

async fn read(body: Body) -> Option<Vec<u8>> {
    to_bytes(body, MAX_BODY).await.ok().map(Vec::from)
}

fn incoming(parts: &Parts, body: &[u8]) -> Incoming {
    let mime = parts.headers.get(header::CONTENT_TYPE);
    let mime = mime.and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    let is_json = mime.starts_with("application/json");
    let query = form(parts.uri.query().unwrap_or_default().as_bytes());
    let values = match () {
        () if body.is_empty() => Ok(query),
        () if is_json => serde_json::from_slice(body)
            .map_err(|error| Refusal::mistake("invalid_json", error.to_string())),
        () if mime.starts_with("application/x-www-form-urlencoded") => {
            Ok(query.into_iter().chain(form(body)).collect())
        }
        () => Err(Refusal::mistake("invalid_form_data", format!("content type {mime:?}"))),
    };
    let is_json = is_json && !body.is_empty();
    Incoming { verb: parts.method.clone(), token: bearer(&parts.headers), is_json, values }
}

fn form(pairs: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(pairs).map(|(key, value)| (key.into_owned(), json!(value))).collect()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

fn json(body: &Value) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string())
}

fn answer(core: &Core, result: Answer) -> Response {
    let (scopes, now) = core.model.read(|state| {
        let scopes: Vec<&str> = state.setup.scopes.iter().map(String::as_str).collect();
        (scopes.join(","), state.now)
    });
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
    let response = match result {
        Ok(Value::Object(mut fields)) => {
            fields.insert("ok".to_owned(), json!(true));
            json(&Value::Object(fields)).into_response()
        }
        Ok(_) => json(&json!({ "ok": true })).into_response(),
        Err(Refusal { retry_after: Some(seconds), .. }) => rate_limited(seconds),
        Err(refusal) => json(&refusal.into_body()).into_response(),
    };
    ([("x-oauth-scopes", scopes), (header::DATE.as_str(), date)], response).into_response()
}
