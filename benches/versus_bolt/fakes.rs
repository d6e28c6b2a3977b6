//! Blip and Slack as far as this benchmark needs them: they answer at once, remember nothing and
//! note when what arrived. Whatever time a message takes beyond that is the bridge's own.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use url::form_urlencoded;

use crate::requests::{AGENT, numbers_in, ticket_number};

/// How long something may be on its way before it counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// Something that came out of a bridge.
pub struct Arrival {
    /// What it is.
    pub what: What,
    /// Which ticket, or which message.
    pub number: usize,
    /// When it was here.
    pub at: Instant,
}

/// What came out of a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A ticket's card, with this time stamp.
    Card(String),
    /// A customer's message, under this card.
    Post(String),
    /// A ticket was given to an agent.
    Claim,
    /// An agent's message.
    Reply,
}

/// Both platforms, on one port.
pub struct Fakes {
    /// Where they listen.
    pub address: SocketAddr,
    arrivals: UnboundedReceiver<Arrival>,
    desk: Arc<Desk>,
    _server: JoinSet<()>,
}

struct Desk {
    arrivals: UnboundedSender<Arrival>,
    posts: AtomicU32,
    calls: AtomicU64,
}

type Shared = State<Arc<Desk>>;

impl Fakes {
    /// Opens both; the first post to Slack has this number.
    pub async fn start(first_post: u32) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, arrivals) = unbounded_channel();
        let desk = Arc::new(Desk {
            arrivals: sender,
            posts: AtomicU32::new(first_post),
            calls: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/blip/messages", post(take_reply))
            .route("/blip/commands", post(do_command))
            .route("/slack/chat.postMessage", post(take_post))
            .route("/slack/auth.test", any(introduce))
            .route("/slack/users.info", any(describe_agent))
            .route("/slack/conversations.members", any(list_members))
            .route("/slack/{method}", any(|| async { json(r#"{"ok":true}"#) }))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&desk), count_call))
            .with_state(Arc::clone(&desk));
        let mut server = JoinSet::new();
        // It ends with the benchmark; a failure shows in what does not arrive.
        server.spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { address, arrivals, desk, _server: server })
    }

    /// How often either platform was called so far.
    pub fn calls(&self) -> u64 {
        self.desk.calls.load(Ordering::Relaxed)
    }

    /// Waits for what comes next.
    pub async fn next(&mut self) -> Result<Arrival> {
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await;
        arrival.context("something was lost on its way")?.context("the fakes are gone")
    }

    /// Makes sure that nothing came that nobody waited for.
    pub fn expect_silence(&mut self) -> Result<()> {
        match self.arrivals.try_recv() {
            Ok(Arrival { what, number, .. }) => bail!("unexpected: {what:?} of {number}"),
            Err(_) => Ok(()),
        }
    }
}

impl Desk {
    /// Notes what came, for each number in it: several messages may share a post. What has no number is
    /// none of the benchmark's.
    fn note(&self, what: &What, numbers: impl IntoIterator<Item = usize>) {
        let at = Instant::now();
        for number in numbers {
            self.arrivals.send(Arrival { what: what.clone(), number, at }).ok();
        }
    }
}

async fn count_call(
    State(desk): Shared,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    desk.calls.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

/// The parts of a post that matter here; the library sends a form, the bridge JSON.
#[derive(Default, Deserialize)]
struct Post<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    thread_ts: Option<Cow<'a, str>>,
}

impl<'a> Post<'a> {
    fn read(headers: &HeaderMap, body: &'a [u8]) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), |t| t.as_bytes());
        if content_type.starts_with(b"application/json") {
            return serde_json::from_slice(body).unwrap_or_default();
        }
        let mut post = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "text" => post.text = value,
                "thread_ts" => post.thread_ts = Some(value),
                _ => {}
            }
        }
        post
    }
}

async fn take_post(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let post = Post::read(&headers, &body);
    let ts = format!("1700000000.{:06}", desk.posts.fetch_add(1, Ordering::Relaxed));
    let (what, root) = match post.thread_ts {
        Some(root) => (What::Post(root.to_string()), root),
        None => (What::Card(ts.clone()), Cow::Borrowed(ts.as_str())),
    };
    desk.note(&what, numbers_in(&post.text));
    json(format!(
        r#"{{"ok":true,"channel":"C0BENCH","ts":"{ts}","message":{{"ts":"{ts}","thread_ts":"{root}"}}}}"#
    ))
}

async fn introduce() -> Response {
    json(r#"{"ok":true,"user_id":"U0BRIDGE","bot_id":"B0BRIDGE","team_id":"T0BENCH"}"#)
}

async fn describe_agent() -> Response {
    json(format!(
        r#"{{"ok":true,"user":{{"id":"{AGENT}","team_id":"T0BENCH","name":"ana","is_bot":false,"is_restricted":false,
        "deleted":false,"profile":{{"real_name":"Ana Lima","email":"ana@loja.example"}}}}}}"#
    ))
}

async fn list_members() -> Response {
    json(format!(
        r#"{{"ok":true,"members":["U0BRIDGE","{AGENT}"],"response_metadata":{{"next_cursor":""}}}}"#
    ))
}

#[derive(Default, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Cow<'a, str>,
}

async fn take_reply(State(desk): Shared, body: Bytes) -> axum::http::StatusCode {
    let message: Message<'_> = serde_json::from_slice(&body).unwrap_or_default();
    desk.note(&What::Reply, numbers_in(&message.content));
    axum::http::StatusCode::ACCEPTED
}

#[derive(Deserialize)]
struct Command<'a> {
    id: &'a str,
    method: &'a str,
    #[serde(borrow, default)]
    resource: Option<Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    id: &'a str,
}

/// The only thing that is read is a contact, the only one that is set a ticket's status.
async fn do_command(State(desk): Shared, body: Bytes) -> Response {
    let Ok(Command { id, method, resource }) = serde_json::from_slice(&body) else {
        return axum::http::StatusCode::BAD_REQUEST.into_response();
    };
    if method == "set" {
        desk.note(&What::Claim, resource.and_then(|ticket| ticket_number(ticket.id)));
    }
    json(format!(
        r#"{{"id":"{id}","method":"{method}","status":"success","type":"application/json",
        "resource":{{"name":"Maria Souza"}}}}"#
    ))
}

fn json(body: impl Into<String>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}
