//! What people see and do at the stand-ins, over HTTP: for a page on which they do it by hand, or for
//! tests in any language.
//!
//! `GET view` tells everything that is to be seen, and waits for something new if it is told what the
//! page has seen; `GET transcript` is what people said, for reading; `POST deed` does one thing that people do, or makes trouble; `GET file` is a file as
//! Slack shows it. Nothing of it is on the ports of the platforms themselves, where only an
//! application calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::blip::{self, Blip, NewTicket};
use crate::faults::{Fault, Faults};
use crate::server::ranged;
use crate::slack::{self, File, Slack};
use crate::{Exchange, Host, Impossible, Model};

/// How long a page waits for news.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest deed, with a file in it.
const MAX_DEED: usize = 24 << 20;

/// The trouble that can be made by hand, by name.
const TROUBLE: [(&str, Platform, &str, Fault); 2] = [
    ("slack-busy", Platform::Slack, "chat.*", Fault::RateLimited { retry_after: 3 }),
    ("blip-down", Platform::Blip, "*", Fault::Status(503)),
];

/// Whose trouble it is.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Platform {
    Slack,
    Blip,
}

/// The stand-ins that run, as people use them.
struct People {
    slack: Option<Slack>,
    blip: Option<Blip>,
}

/// One thing that somebody does.
#[derive(Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case", deny_unknown_fields)]
enum Deed {
    /// A customer writes; without an open ticket the bot hands over.
    CustomerSays { customer: String, name: String, text: String },
    /// A customer sends something of any type.
    CustomerSends { customer: String, kind: String, content: Value },
    /// A customer sends a file, in Base64.
    CustomerSendsFile { customer: String, file: String, mime: String, bytes: String },
    /// A customer reads what arrived in a ticket, which may have ended meanwhile.
    CustomerReads { ticket: String },
    /// A customer ends the conversation.
    CustomerLeaves { customer: String },
    /// Somebody writes in Slack.
    Says { user: String, channel: String, root: Option<String>, text: String, broadcast: bool },
    /// Somebody shares a file, in Base64.
    Shares {
        user: String,
        channel: String,
        root: Option<String>,
        file: String,
        bytes: String,
        text: String,
    },
    /// The writer changes a message.
    Edits { user: String, channel: String, ts: String, text: String },
    /// The writer deletes a message.
    Deletes { user: String, channel: String, ts: String },
    /// Somebody puts an emoji on a message, or takes it off.
    Reacts { user: String, channel: String, ts: String, name: String },
    /// Somebody presses a button or picks an option of a message.
    Clicks { user: String, channel: String, ts: String, action: String, value: Option<String> },
    /// Somebody does so in a dialog or on their home tab.
    ClicksInView { user: String, view: String, action: String, value: Option<String> },
    /// Somebody uses a shortcut on a message.
    UsesShortcut { user: String, channel: String, ts: String, callback: String },
    /// Somebody types a command.
    Commands { user: String, channel: String, command: String, text: String },
    /// Somebody opens their home tab.
    OpensHome { user: String },
    /// Somebody looks for options.
    Searches { user: String, view: String, action: String, query: String },
    /// Somebody chooses an option that the application is told of at once.
    Chooses { user: String, view: String, action: String, option: Value },
    /// Somebody submits a dialog.
    Submits { user: String, view: String, values: Value },
    /// Somebody closes a dialog.
    Dismisses { user: String, view: String },
    /// Trouble begins or ends.
    Trouble { name: String, on: bool },
    /// The next answer of each platform to a message is lost, after it took effect.
    LosesAnswer,
    /// Calls of an application fail: so many of the next ones, or all until further notice.
    Fails { platform: Platform, call: String, how: Fault, times: Option<u8> },
    /// No more trouble of any kind.
    Mends,
}

/// The routes of the stand-ins that run, to be put below a path of their own.
pub fn router(slack: Option<Slack>, blip: Option<Blip>) -> Router {
    Router::new()
        .route("/view", get(view))
        .route("/transcript", get(transcript))
        .route("/deed", post(deed))
        .route("/file/{id}", get(file))
        .layer(DefaultBodyLimit::max(MAX_DEED))
        .with_state(Arc::new(People { slack, blip }))
}

/// Everything that is to be seen, as soon as it is not what has been seen.
async fn view(
    Shared(people): Shared<Arc<People>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let seen = query.into_iter().find(|(key, _)| key == "seen").map(|(_, value)| value);
    let mut news = people.news();
    let is_news = async {
        while seen.as_ref() == Some(&people.version()) {
            news.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, is_news).await.ok();
    answer(&people.view())
}

/// What people see, as lines of text: in Slack each with its `ts`.
async fn transcript(Shared(people): Shared<Arc<People>>) -> String {
    let slack = people.slack.as_ref().map(Host::transcript);
    let blip = people.blip.as_ref().map(Host::transcript);
    let lines: Vec<String> = slack.into_iter().chain(blip).collect();
    lines.join("\n") + "\n"
}

async fn deed(Shared(people): Shared<Arc<People>>, headers: HeaderMap, body: Bytes) -> Response {
    // What another site's page may send without being asked is never of this type.
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|it| it == "application/json");
    if !is_json {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let done = match serde_json::from_slice(&body) {
        Ok(deed) => people.perform(deed).await,
        Err(error) => Err(Impossible::new(error.to_string())),
    };
    match done {
        Ok(done) => answer(&done),
        Err(why) => (StatusCode::CONFLICT, why.to_string()).into_response(),
    }
}

async fn file(
    Shared(people): Shared<Arc<People>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = people.slack.as_ref().and_then(|slack| {
        slack.look(|state| {
            let file = state.files.get(&id)?;
            Some((file.mime.clone(), file.bytes.clone()?))
        })
    });
    match found {
        Some((mime, bytes)) => {
            // Whatever it is, it does nothing in the page's name.
            let sandbox = [(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")];
            (sandbox, ranged(&headers, &mime, bytes)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(value: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, value.to_string()).into_response()
}

/// Told of each change of either stand-in.
struct News(Vec<tokio::sync::watch::Receiver<u64>>);

impl News {
    async fn changed(&mut self) {
        let changes = self.0.iter_mut().map(|news| Box::pin(news.changed()));
        futures_util::future::select_all(changes).await.0.ok();
    }
}

/// What one stand-in shows: its changes so far, its calls, and whether trouble is queued.
struct Glance {
    changes: u64,
    calls: Vec<Exchange>,
    is_spent: bool,
}

impl Glance {
    fn take<S: Model>(host: Option<&Host<S>>) -> Self {
        Self {
            changes: host.map_or(0, |host| *host.subscribe().borrow()),
            calls: host.map(Host::exchanges).unwrap_or_default(),
            is_spent: host.is_none_or(|host| host.faults().are_spent()),
        }
    }

    /// Another one for each change; ends of calls are no number of their own, but count too.
    fn version(&self) -> String {
        let last = self.calls.last().map_or(0, |call| call.number);
        let open = self.calls.iter().filter(|call| call.took_ms.is_none()).count();
        format!("{}.{last}.{open}", self.changes)
    }
}

impl People {
    fn slack(&self) -> Result<&Slack, Impossible> {
        self.slack.as_ref().ok_or_else(|| Impossible::new("no Slack is here"))
    }

    fn blip(&self) -> Result<&Blip, Impossible> {
        self.blip.as_ref().ok_or_else(|| Impossible::new("no Blip is here"))
    }

    fn faults(&self, platform: Platform) -> Result<&Faults, Impossible> {
        Ok(match platform {
            Platform::Slack => self.slack()?.faults(),
            Platform::Blip => self.blip()?.faults(),
        })
    }

    fn news(&self) -> News {
        let slack = self.slack.iter().flat_map(|it| [it.subscribe(), it.watch_exchanges()]);
        let blip = self.blip.iter().flat_map(|it| [it.subscribe(), it.watch_exchanges()]);
        News(slack.chain(blip).collect())
    }

    fn version(&self) -> String {
        let (slack, blip) = (Glance::take(self.slack.as_ref()), Glance::take(self.blip.as_ref()));
        format!("{} {} {:?}", slack.version(), blip.version(), self.trouble())
    }

    fn trouble(&self) -> Vec<&'static str> {
        let is_on = |(_, platform, pattern, _): &&(_, Platform, &str, _)| {
            self.faults(*platform).is_ok_and(|faults| faults.are_standing(pattern))
        };
        TROUBLE.iter().filter(is_on).map(|(name, ..)| *name).collect()
    }

    fn view(&self) -> Value {
        let version = self.version();
        let of_slack = |state: &slack::State| {
            let files: Vec<&File> = state.files.values().filter(|file| file.shared).collect();
            json!({
                "bot": state.setup.bot_user, "users": state.users, "groups": state.groups,
                "channels": state.channels, "ephemerals": state.ephemerals, "views": state.views,
                "files": files, "broken": state.violations,
            })
        };
        let of_blip = |state: &blip::State| {
            json!({
                "tickets": state.tickets, "threads": state.threads, "contacts": state.contacts,
                "undelivered": state.undelivered, "broken": state.violations,
            })
        };
        let (slack, blip) = (Glance::take(self.slack.as_ref()), Glance::take(self.blip.as_ref()));
        json!({
            "version": version,
            "slack": self.slack.as_ref().map(|it| it.look(of_slack)),
            "blip": self.blip.as_ref().map(|it| it.look(of_blip)),
            "loses_answer": !slack.is_spent || !blip.is_spent,
            "calls": { "slack": slack.calls, "blip": blip.calls },
            "trouble": self.trouble(),
        })
    }

    async fn perform(&self, deed: Deed) -> Result<Value, Impossible> {
        match deed {
            Deed::Trouble { name, on } => self.make_trouble(&name, on),
            Deed::LosesAnswer => {
                self.slack()?.faults().next("chat.postMessage", Fault::LostAnswer);
                self.blip()?.faults().next("/messages", Fault::LostAnswer);
                self.touch();
                Ok(Value::Null)
            }
            Deed::Fails { platform, call, how, times } => {
                let faults = self.faults(platform)?;
                match times {
                    Some(times) => (0..times).for_each(|_| faults.next(&call, how.clone())),
                    None => faults.from_now(&call, how),
                }
                self.touch();
                Ok(Value::Null)
            }
            Deed::Mends => {
                self.slack.iter().for_each(|slack| slack.faults().clear());
                self.blip.iter().for_each(|blip| blip.faults().clear());
                self.touch();
                Ok(Value::Null)
            }
            Deed::CustomerSays { .. }
            | Deed::CustomerSends { .. }
            | Deed::CustomerSendsFile { .. }
            | Deed::CustomerReads { .. }
            | Deed::CustomerLeaves { .. } => self.at_customer(deed).await,
            Deed::Says { .. }
            | Deed::Shares { .. }
            | Deed::Edits { .. }
            | Deed::Deletes { .. }
            | Deed::Reacts { .. } => self.at_message(deed).await,
            _ => self.at_app(deed).await,
        }
    }

    fn make_trouble(&self, name: &str, on: bool) -> Result<Value, Impossible> {
        let found = TROUBLE.iter().find(|(known, ..)| *known == name);
        let (_, platform, pattern, fault) =
            found.ok_or_else(|| Impossible::new(format!("no trouble {name}")))?;
        let faults = self.faults(*platform)?;
        faults.lift(pattern);
        if on {
            faults.from_now(pattern, fault.clone());
        }
        self.touch();
        Ok(Value::Null)
    }

    /// Tells whoever waits that something is to be seen.
    fn touch(&self) {
        self.slack.iter().for_each(|slack| slack.configure(|_| ()));
        self.blip.iter().for_each(|blip| blip.configure(|_| ()));
    }

    /// The ticket that a customer's words belong to.
    fn open_ticket(&self, customer: &str) -> Option<String> {
        self.blip.as_ref()?.look(|state| {
            let mut tickets = state.tickets.values();
            let open = tickets.find(|it| it.customer == customer && !it.is_closed());
            open.map(|ticket| ticket.id.clone())
        })
    }

    fn ticket(&self, customer: &str) -> Result<String, Impossible> {
        let open = self.open_ticket(customer);
        open.ok_or_else(|| Impossible::new(format!("{customer} has no open ticket")))
    }

    async fn at_customer(&self, deed: Deed) -> Result<Value, Impossible> {
        let blip = self.blip()?;
        let sent = match deed {
            Deed::CustomerSays { customer, name, text } => {
                if let Some(ticket) = self.open_ticket(&customer) {
                    blip.says(&ticket, &text).await?
                } else {
                    let new = NewTicket::saying(&name, &customer, &text);
                    blip.opens_ticket(new).await
                }
            }
            Deed::CustomerSends { customer, kind, content } => {
                blip.sends(&self.ticket(&customer)?, &kind, content).await?
            }
            Deed::CustomerSendsFile { customer, file, mime, bytes } => {
                let (ticket, bytes) = (self.ticket(&customer)?, decode(&bytes)?);
                blip.sends_file(&ticket, (&file, &mime), &bytes, None).await?
            }
            Deed::CustomerReads { ticket } => {
                return Ok(json!({ "status": blip.reads(&ticket).await }));
            }
            Deed::CustomerLeaves { customer } => {
                let ticket = self.ticket(&customer)?;
                return Ok(json!({ "status": blip.closes(&ticket, "ClosedClient").await? }));
            }
            _ => return Ok(Value::Null),
        };
        Ok(json!({ "id": sent.id, "status": sent.status }))
    }

    async fn at_message(&self, deed: Deed) -> Result<Value, Impossible> {
        let slack = self.slack()?;
        let done = match deed {
            Deed::Says { user, channel, root: Some(root), text, broadcast: true } => {
                slack.broadcasts(&user, &channel, &root, &text).await?
            }
            Deed::Says { user, channel, root, text, .. } => {
                slack.says(&user, &channel, root.as_deref(), &text).await?
            }
            Deed::Shares { user, channel, root, file, bytes, text } => {
                let bytes = decode(&bytes)?;
                let file = (file.as_str(), bytes.as_slice());
                slack.shares(&user, &channel, root.as_deref(), file, &text).await?
            }
            Deed::Edits { user, channel, ts, text } => {
                slack.edits(&user, &channel, &ts, &text).await?
            }
            Deed::Deletes { user, channel, ts } => slack.deletes(&user, &channel, &ts).await?,
            Deed::Reacts { user, channel, ts, name } => {
                let on = slack.message(&channel, &ts);
                if on.is_some_and(|message| message.reacted(&name).contains(&user)) {
                    slack.unreacts(&user, &channel, &ts, &name).await?
                } else {
                    slack.reacts(&user, &channel, &ts, &name).await?
                }
            }
            _ => return Ok(Value::Null),
        };
        Ok(json!({ "ts": done.ts, "status": done.status }))
    }

    async fn at_app(&self, deed: Deed) -> Result<Value, Impossible> {
        let slack = self.slack()?;
        let answered: slack::Answered = match deed {
            Deed::Clicks { user, channel, ts, action, value: Some(value) } => {
                slack.picks(&user, &channel, &ts, (&action, &value)).await?
            }
            Deed::Clicks { user, channel, ts, action, value: None } => {
                slack.clicks(&user, &channel, &ts, &action).await?
            }
            Deed::ClicksInView { user, view, action, value } => {
                slack.picks_in_view(&user, &view, &action, value.as_deref()).await?
            }
            Deed::UsesShortcut { user, channel, ts, callback } => {
                slack.uses_shortcut(&user, &channel, &ts, &callback).await?
            }
            Deed::Commands { user, channel, command, text } => {
                slack.commands(&user, &channel, &command, &text).await?
            }
            Deed::OpensHome { user } => {
                let event = json!({ "type": "app_home_opened", "user": user, "tab": "home",
                    "channel": "D0HOME", "event_ts": "1.1" });
                return Ok(json!({ "status": slack.emits(event).await }));
            }
            Deed::Searches { user, view, action, query } => {
                return Ok(Value::Array(slack.searches(&user, &view, &action, &query).await?));
            }
            Deed::Chooses { user, view, action, option } => {
                slack.chooses(&user, &view, &action, &option).await?
            }
            Deed::Submits { user, view, values } => slack.submits(&user, &view, values).await?,
            Deed::Dismisses { user, view } => {
                slack.dismisses(&user, &view);
                return Ok(Value::Null);
            }
            _ => return Ok(Value::Null),
        };
        let body: Value = serde_json::from_str(&answered.body).unwrap_or_default();
        Ok(json!({ "status": answered.status, "body": body }))
    }
}

fn decode(base64: &str) -> Result<Vec<u8>, Impossible> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(base64);
    decoded.map_err(|error| Impossible::new(error.to_string()))
}
