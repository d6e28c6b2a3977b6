//! The calls that we make to Slack, as operations.
//!
//! Answers are read into the few fields that we check: the library's typed answers fail on
//! messages that Slack has accepted, and a failure after success would be posted twice
//! (`slack.md` A.3). Knows nothing of tickets.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::{SlackApiToken, SlackApiTokenType, SlackApiTokenValue};
use url::Url;

use super::directory::Directory;
use super::error::Error;
use super::files::is_slack_or_loopback;
use super::mask::{Mask, Shown};
use super::members::Members;
use super::mrkdwn::escape;
use super::renames::Renames;
use super::standing::Standing;
use super::transport::Transport;
use crate::clock::Clock;
use crate::gate::{Gate, Shut};
use crate::model::{ChannelId, Failure, Fault, MessageTs, SlackUserId, Thread};
use crate::telemetry;

/// Largest page of `conversations.replies` that Slack recommends (`slack.md` C.1).
pub(super) const PAGE: &str = "200";
/// The name of our message metadata.
const METADATA: &str = "blip_slack_delivery";

/// Calls Slack.
#[derive(Debug)]
pub struct Client {
    api: slack_morphism::SlackClient<Transport>,
    pub(super) http: reqwest::Client,
    token: SlackApiToken,
    mask: Mask,
    clock: Clock,
    gate: Gate,
    pub(super) standing: Standing,
    identity: OnceLock<Identity>,
    pub(super) directory: Directory,
    pub(super) members: Members,
    plain_author: AtomicBool,
    renames: Renames,
}

/// Who we are in Slack.
#[derive(Clone, Debug, Deserialize)]
pub struct Identity {
    /// Our bot's user.
    pub user_id: String,
    /// Our bot, as the author of messages.
    pub bot_id: Option<String>,
    /// The workspace.
    pub team_id: Option<String>,
    /// The organisation of an Enterprise Grid that it belongs to.
    pub enterprise_id: Option<String>,
    /// Whether we are installed for that whole organisation.
    #[serde(default)]
    pub is_enterprise_install: bool,
    /// Where the workspace is on the web.
    pub url: Option<String>,
}

/// A message to be posted.
#[derive(Clone, Debug)]
pub struct Post {
    /// In which channel, by id or as `#name`.
    pub channel: String,
    /// Under which root; `None` starts a thread.
    pub thread: Option<MessageTs>,
    /// What notifications and screen readers say.
    pub text: String,
    /// What is shown.
    pub blocks: Vec<Value>,
    /// The name to post under, where we may choose one.
    pub author: Option<String>,
    /// Whether an answer in a thread is shown in the channel, too.
    pub broadcast: bool,
    /// What the post can be found by if its answer is lost.
    pub delivery: String,
}

/// Where a message has been posted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Posted {
    /// The channel's id.
    pub channel: String,
    /// The message's time stamp.
    pub ts: String,
}

/// An answer whose content does not matter.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
struct PostAnswer {
    channel: Option<String>,
    ts: String,
    message: Option<Threaded>,
}

#[derive(Deserialize)]
struct Threaded {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct Opened {
    view: OpenView,
}

#[derive(Deserialize)]
struct OpenView {
    id: String,
}

/// A page of messages or of channels.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) messages: Vec<Value>,
    #[serde(default)]
    pub(super) channels: Vec<Value>,
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    next_cursor: Option<String>,
}

impl Page {
    /// Where the next one begins.
    pub(super) fn next(&self) -> Option<String> {
        self.response_metadata.as_ref()?.next_cursor.clone().filter(|cursor| !cursor.is_empty())
    }
}

impl Client {
    /// Calls go to `{base}/{method}` with this bot token.
    pub fn new(
        http: reqwest::Client,
        base: &str,
        token: &SecretString,
        clock: Clock,
        gate: Gate,
    ) -> Self {
        let value = SlackApiTokenValue(token.expose_secret().to_owned());
        let standing = Standing::new(clock.clone());
        let transport = Transport::new(http.clone(), base, standing.clone());
        Self {
            api: slack_morphism::SlackClient::new(transport),
            standing,
            http,
            token: SlackApiToken::new(value).with_token_type(SlackApiTokenType::Bot),
            mask: Mask::default(),
            gate,
            clock,
            identity: OnceLock::new(),
            directory: Directory::default(),
            members: Members::default(),
            plain_author: AtomicBool::new(false),
            renames: Renames::default(),
        }
    }

    /// The same client, with some numbers hidden in everything that it shows.
    #[must_use]
    pub fn hiding(self, mask: Mask) -> Self {
        Self { mask, ..self }
    }

    /// The answer to a request of Slack's as people may see it.
    pub fn show(&self, answer: &Value) -> Shown {
        self.mask.show(answer)
    }

    /// The channels that have got another id.
    pub fn renames(&self) -> &Renames {
        &self.renames
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether Slack's last word was that it does not accept our token.
    pub fn is_locked_out(&self) -> bool {
        self.gate.is_locked()
    }

    /// Whether Slack has said who we are.
    pub fn is_introduced(&self) -> bool {
        self.identity.get().is_some()
    }

    /// Our workspace, or the organisation that we are installed for; none before Slack has said so.
    pub fn workspace(&self) -> Option<&str> {
        let us = self.identity.get()?;
        let organisation = us.enterprise_id.as_deref().filter(|_| us.is_enterprise_install);
        organisation.or(us.team_id.as_deref())
    }

    /// Whether Slack has said who we are, but not of which workspace.
    pub fn lacks_workspace(&self) -> bool {
        self.identity.get().is_some_and(|us| us.team_id.is_none() && us.enterprise_id.is_none())
    }

    /// Asks Slack who we are (`auth.test`).
    pub async fn introduce(&self) -> Result<(), Error> {
        let identity: Identity = self.write("auth.test", &json!({})).await?;
        // A second answer says the same.
        drop(self.identity.set(identity));
        Ok(())
    }

    /// Who we are; Slack is asked if it has not said so yet.
    pub(super) async fn identity(&self) -> Result<&Identity, Error> {
        if self.identity.get().is_none() {
            self.introduce().await?;
        }
        let unknown = || Error::Unclear { method: "auth.test", what: "no identity".to_owned() };
        self.identity.get().ok_or_else(unknown)
    }

    /// Whether this is our own bot user.
    pub fn is_us(&self, user: &SlackUserId) -> bool {
        self.identity.get().is_some_and(|us| us.user_id == user.as_str())
    }

    /// Posts a message (`chat.postMessage`).
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if the thread is gone: Slack then posts at the root of the channel
    /// without a word, and we have taken that post back.
    pub async fn post(&self, post: &Post) -> Result<Posted, Error> {
        let author = post.author.as_deref().filter(|_| !self.plain_author.load(Ordering::Relaxed));
        let sent = self.write("chat.postMessage", &message(post, author)).await;
        let answer: PostAnswer = match sent {
            Err(error) if author.is_some() && error.code() == Some("missing_scope") => {
                self.plain_author.store(true, Ordering::Relaxed);
                self.write("chat.postMessage", &message(&labelled(post), None)).await?
            }
            Err(error) if error.is_about_blocks() => {
                tracing::error!(%error, "slack refused the blocks of a post; it goes as plain text");
                let plain = Post { blocks: Vec::new(), ..post.clone() };
                self.write("chat.postMessage", &message(&plain, author)).await?
            }
            sent => sent?,
        };
        let channel = answer.channel.unwrap_or_else(|| post.channel.clone());
        let channel = match ChannelId::parse(&channel) {
            Some(id) => self.renames.first(&id).to_string(),
            None => channel,
        };
        let posted = Posted { channel, ts: answer.ts };
        let (Some(root), Some(message)) = (&post.thread, answer.message) else { return Ok(posted) };
        if message.thread_ts.as_deref() != Some(root.as_str()) {
            self.keep_in_thread("chat.postMessage", &posted, root, author.is_some()).await?;
        }
        Ok(posted)
    }

    /// Whether posts carry the customer's name as their author.
    pub fn has_author_names(&self) -> bool {
        !self.plain_author.load(Ordering::Relaxed)
    }

    /// Replaces a message of ours (`chat.update`).
    pub async fn update(
        &self,
        channel: &ChannelId,
        ts: &MessageTs,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        let body =
            json!({"channel": channel.as_str(), "ts": ts.as_str(), "text": text, "blocks": blocks});
        self.write::<Nothing>("chat.update", &body).await.map(drop)
    }

    /// Shows something to one person only (`chat.postEphemeral`). Not guaranteed to be seen.
    pub async fn whisper(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageTs>,
        user: &SlackUserId,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        let mut body = json!({"channel": channel.as_str(), "user": user.as_str(), "text": text});
        if let Some(thread) = thread {
            set(&mut body, "thread_ts", thread.as_str().into());
        }
        if !blocks.is_empty() {
            set(&mut body, "blocks", blocks.into());
        }
        self.write::<Nothing>("chat.postEphemeral", &body).await.map(drop)
    }

    /// Puts a reaction of ours on a message (`reactions.add`) or takes it off
    /// (`reactions.remove`); that it is so already is success.
    pub async fn react(
        &self,
        (channel, ts): (&ChannelId, &MessageTs),
        name: &str,
        on: bool,
    ) -> Result<(), Error> {
        let (method, already) = if on {
            ("reactions.add", "already_reacted")
        } else {
            ("reactions.remove", "no_reaction")
        };
        let body = json!({"channel": channel.as_str(), "timestamp": ts.as_str(), "name": name});
        match self.write::<Nothing>(method, &body).await {
            Err(error) if error.code() == Some(already) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Replaces the message whose button was pressed, or says something below it to the one who
    /// pressed it, by the address that came with the click.
    ///
    /// # Errors
    ///
    /// Also if the address is not one of Slack's: then nothing is sent.
    pub async fn respond(
        &self,
        response_url: &str,
        replace: bool,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        const METHOD: &str = "response_url";
        let url = Url::parse(response_url).ok().filter(is_slack_or_loopback).ok_or_else(|| {
            Error::Api { method: METHOD, code: "not_an_address_of_slack".to_owned() }
        })?;
        let mut body = json!({"replace_original": replace, "text": text});
        if !blocks.is_empty() {
            set(&mut body, "blocks", blocks.into());
        }
        let body = self.mask.apply(&body);
        let sent = self.http.post(url).json(&body).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unclear { method: METHOD, what: "not taken".to_owned() }),
        }
    }

    /// Opens a dialog by a trigger (`views.open`) and returns its id.
    pub async fn open_view(&self, trigger: &str, view: &Value) -> Result<String, Error> {
        let body = json!({"trigger_id": trigger, "view": view});
        let opened: Opened = self.write("views.open", &body).await?;
        Ok(opened.view.id)
    }

    /// Shows something else in an open dialog (`views.update`).
    pub async fn update_view(&self, id: &str, view: &Value) -> Result<(), Error> {
        let body = json!({"view_id": id, "view": view});
        self.write::<Nothing>("views.update", &body).await.map(drop)
    }

    /// The address of a message on the web; none before Slack has said who we are.
    pub fn address(&self, thread: &Thread) -> Option<String> {
        let base = self.identity.get()?.url.as_deref()?.trim_end_matches('/');
        let ts: String = thread.root.as_str().chars().filter(char::is_ascii_digit).collect();
        let channel = self.renames.now(thread.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&thread.channel);
        Some(format!("{base}/archives/{channel}/p{ts}"))
    }

    /// Shows somebody their home tab (`views.publish`).
    pub async fn publish_home(&self, user: &SlackUserId, view: &Value) -> Result<(), Error> {
        let body = json!({"user_id": user.as_str(), "view": view});
        self.write::<Nothing>("views.publish", &body).await.map(drop)
    }

    pub(super) async fn write<RS>(&self, method: &'static str, body: &Value) -> Result<RS, Error>
    where
        RS: DeserializeOwned + Send,
    {
        self.pass(method, &pause_key(method, body))?;
        let began = Instant::now();
        let masked = self.mask.apply(body);
        let session = self.api.open_session(&self.token);
        let sent = self.with_current_channel(&masked);
        let sent = sent.as_ref().unwrap_or(&masked);
        let result = session.http_session_api.http_post::<_, RS>(method, sent, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.learn(method, (&pause_key(method, body), began), result)
    }

    pub(super) async fn read<RS>(
        &self,
        method: &'static str,
        params: &[(&str, Option<&str>)],
    ) -> Result<RS, Error>
    where
        RS: DeserializeOwned + Send,
    {
        self.pass(method, method)?;
        let began = Instant::now();
        let session = self.api.open_session(&self.token);
        let masked: Vec<(&str, Option<Cow<'_, str>>)> = params
            .iter()
            .map(|(name, value)| (*name, value.map(|v| self.param(name, v))))
            .collect();
        let params: Vec<(&str, Option<&str>)> =
            masked.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        let result = session.http_session_api.http_get::<RS, _, _>(method, &params, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.learn(method, (method, began), result)
    }

    /// A parameter as it is sent: a channel by the id that it has now.
    fn param<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        match self.renames.now(value).filter(|_| name == "channel") {
            Some(channel) => Cow::Owned(channel.to_string()),
            None => self.mask.param(name, value),
        }
    }

    /// What is sent, if it names a channel that has another id now.
    fn with_current_channel(&self, body: &Value) -> Option<Value> {
        ["channel", "channel_id"].into_iter().find_map(|field| {
            let channel = self.renames.now(body.get(field)?.as_str()?)?;
            let mut sent = body.clone();
            set(&mut sent, field, channel.as_str().into());
            Some(sent)
        })
    }

    fn pass(&self, method: &'static str, kind: &str) -> Result<(), Error> {
        self.gate.pass(kind).map_err(|shut| match shut {
            Shut::Paused(rest) => Error::Busy { method, after: Some(rest) },
            Shut::Locked => Error::Api { method, code: "invalid_auth".to_owned() },
        })
    }

    fn learn<T>(
        &self,
        method: &'static str,
        (kind, began): (&str, Instant),
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::called("slack", outcome, began.elapsed());
        match &fault {
            Some(Fault::Busy { after }) => {
                self.gate.pause(kind, after.unwrap_or(Duration::from_secs(5)));
            }
            Some(Fault::Credentials) => {
                if let Err(error) = &result {
                    tracing::error!(%error, "slack does not accept our token or its scopes; \
                        reinstall the app or mend SLACK_BOT_TOKEN, the queue is kept meanwhile");
                    // A scope that is missing for one method says nothing of the others.
                    match error.code() {
                        Some("missing_scope") => self.standing.note_scope(method, true),
                        _ => self.gate.lock(),
                    }
                }
            }
            None | Some(Fault::Refused { .. }) => {
                self.gate.unlock();
                self.standing.note_scope(method, false);
            }
            Some(_) => {}
        }
        result
    }
}

/// Slack limits posts per channel, everything else per method (`slack.md` C.1).
fn pause_key(method: &'static str, body: &Value) -> String {
    match body.get("channel").and_then(Value::as_str) {
        Some(channel) if method == "chat.postMessage" => format!("{method}:{channel}"),
        _ => method.to_owned(),
    }
}

/// A post that says itself whose words it shows.
fn labelled(post: &Post) -> Post {
    let Some(author) = &post.author else { return post.clone() };
    let label = json!({"type": "plain_text", "text": author, "emoji": false});
    let label = json!({"type": "context", "elements": [label]});
    let blocks = std::iter::once(label).chain(post.blocks.iter().cloned()).collect();
    Post { text: format!("{}: {}", escape(author), post.text), blocks, ..post.clone() }
}

fn message(post: &Post, author: Option<&str>) -> Value {
    let mut body = json!({
        "channel": post.channel,
        "text": post.text,
        "unfurl_links": false,
        "unfurl_media": false,
        "metadata": {"event_type": METADATA, "event_payload": {"delivery_id": post.delivery}},
    });
    let mut blocks = post.blocks.clone();
    if let Some(first) = blocks.first_mut() {
        set(first, "block_id", post.delivery.as_str().into());
        set(&mut body, "blocks", blocks.into());
    }
    if let Some(thread) = &post.thread {
        set(&mut body, "thread_ts", thread.as_str().into());
        if post.broadcast {
            set(&mut body, "reply_broadcast", true.into());
        }
    }
    if let Some(author) = author {
        set(&mut body, "username", author.into());
    }
    body
}

pub(super) fn set(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}
