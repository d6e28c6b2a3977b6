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
use super::health::ApiHealth;
use super::mask::{Mask, MaskedAnswer};
use super::members::MemberCache;
use super::renames::ChannelRenames;
use super::transport::Transport;
use crate::breaker::{CircuitBreaker, CircuitOpen};
use crate::clock::Clock;
use crate::model::{ChannelId, Failure, Fault, MessageTs, SlackUserId, Thread};
use crate::slack::text::mrkdwn::escape_mrkdwn;
use crate::telemetry;

/// Largest page of `conversations.replies` that Slack recommends (`slack.md` C.1).
pub(super) const HISTORY_PAGE_SIZE: &str = "200";
/// The name of our message metadata.
const METADATA_EVENT_TYPE: &str = "blip_slack_delivery";

/// Calls Slack.
#[derive(Debug)]
pub struct SlackClient {
    api: slack_morphism::SlackClient<Transport>,
    pub(super) http: reqwest::Client,
    token: SlackApiToken,
    mask: Mask,
    clock: Clock,
    breaker: CircuitBreaker,
    pub(super) health: ApiHealth,
    identity: OnceLock<Identity>,
    pub(super) directory: Directory,
    pub(super) members: MemberCache,
    plain_author: AtomicBool,
    renames: ChannelRenames,
}

/// Who we are in Slack.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Identity {
    /// Our bot's user.
    pub(crate) user_id: String,
    /// Our app as the author of messages, also of such as have another name.
    pub(crate) bot_id: Option<String>,
    /// The workspace.
    pub(crate) team_id: Option<String>,
    /// The organisation of an Enterprise Grid that it belongs to.
    pub(crate) enterprise_id: Option<String>,
    /// Whether we are installed for that whole organisation.
    #[serde(default)]
    pub(crate) is_enterprise_install: bool,
    /// Where the workspace is on the web.
    pub(crate) url: Option<String>,
}

/// A message to be posted.
#[derive(Clone, Debug)]
pub struct Post {
    /// In which channel, by id or as `#name`.
    pub(crate) channel: String,
    /// Under which root; `None` starts a thread.
    pub(crate) thread: Option<MessageTs>,
    /// What notifications and screen readers say.
    pub(crate) text: String,
    /// What is shown.
    pub(crate) blocks: Vec<Value>,
    /// The name to post under, where we may choose one.
    pub(crate) author: Option<String>,
    /// Whether an answer in a thread is shown in the channel, too.
    pub(crate) broadcast: bool,
    /// What the post can be found by if its answer is lost.
    pub(crate) delivery: String,
}

/// Where a message has been posted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Posted {
    /// The channel's id.
    pub(crate) channel: String,
    /// The message's time stamp.
    pub(crate) ts: String,
}

/// An answer whose content does not matter.
#[derive(Deserialize)]
pub(super) struct EmptyAnswer {}

#[derive(Deserialize)]
struct PostAnswer {
    channel: Option<String>,
    ts: String,
    message: Option<ThreadedMessage>,
}

#[derive(Deserialize)]
struct ThreadedMessage {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct OpenViewAnswer {
    view: OpenedView,
}

#[derive(Deserialize)]
struct OpenedView {
    id: String,
}

/// A page of messages or of channels.
#[derive(Deserialize)]
pub(super) struct ResultPage {
    #[serde(default)]
    pub(super) messages: Vec<Value>,
    #[serde(default)]
    pub(super) channels: Vec<Value>,
    response_metadata: Option<PageCursor>,
}

#[derive(Deserialize)]
struct PageCursor {
    next_cursor: Option<String>,
}

impl ResultPage {
    /// Where the next one begins.
    pub(super) fn next_cursor(&self) -> Option<String> {
        self.response_metadata.as_ref()?.next_cursor.clone().filter(|cursor| !cursor.is_empty())
    }
}

impl SlackClient {
    /// Calls go to `{base}/{method}` with this bot token.
    pub fn new(
        http: reqwest::Client,
        base: &str,
        token: &SecretString,
        clock: Clock,
        breaker: CircuitBreaker,
    ) -> Self {
        let value = SlackApiTokenValue(token.expose_secret().to_owned());
        let health = ApiHealth::new(clock.clone());
        let transport = Transport::new(http.clone(), base, health.clone());
        Self {
            api: slack_morphism::SlackClient::new(transport),
            health,
            http,
            token: SlackApiToken::new(value).with_token_type(SlackApiTokenType::Bot),
            mask: Mask::default(),
            breaker,
            clock,
            identity: OnceLock::new(),
            directory: Directory::default(),
            members: MemberCache::default(),
            plain_author: AtomicBool::new(false),
            renames: ChannelRenames::default(),
        }
    }

    /// The same client, with some numbers hidden in everything that it shows.
    #[must_use]
    pub(crate) fn with_mask(self, mask: Mask) -> Self {
        Self { mask, ..self }
    }

    /// The answer to a request of Slack's as people may see it.
    pub(crate) fn mask_answer(&self, answer: &Value) -> MaskedAnswer {
        self.mask.mask_answer(answer)
    }

    /// The channels that have got another id.
    pub(crate) fn renames(&self) -> &ChannelRenames {
        &self.renames
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether Slack's last word was that it does not accept our token.
    pub(crate) fn has_refused_credentials(&self) -> bool {
        self.breaker.has_refused_credentials()
    }

    /// Since when Slack has answered nothing, if that is for long.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        self.breaker.failing_since()
    }

    /// Whether somebody should ask Slack whether it works.
    pub(crate) fn needs_probe(&self) -> bool {
        self.breaker.needs_probe()
    }

    /// Whether Slack has said who we are.
    pub(crate) fn has_identity(&self) -> bool {
        self.identity.get().is_some()
    }

    /// Our workspace, or the organisation that we are installed for; none before Slack has said so.
    pub(crate) fn workspace_id(&self) -> Option<&str> {
        let us = self.identity.get()?;
        let organisation = us.enterprise_id.as_deref().filter(|_| us.is_enterprise_install);
        organisation.or(us.team_id.as_deref())
    }

    /// Whether Slack has said who we are, but not of which workspace.
    pub(crate) fn lacks_workspace(&self) -> bool {
        self.identity.get().is_some_and(|us| us.team_id.is_none() && us.enterprise_id.is_none())
    }

    /// Asks Slack who we are (`auth.test`).
    pub(crate) async fn fetch_identity(&self) -> Result<(), Error> {
        let identity: Identity = self.call_with_body("auth.test", &json!({})).await?;
        // A second answer says the same.
        drop(self.identity.set(identity));
        Ok(())
    }

    /// Who we are; Slack is asked if it has not said so yet.
    pub(super) async fn ensure_identity(&self) -> Result<&Identity, Error> {
        if self.identity.get().is_none() {
            self.fetch_identity().await?;
        }
        let unknown =
            || Error::OutcomeUnknown { method: "auth.test", what: "no identity".to_owned() };
        self.identity.get().ok_or_else(unknown)
    }

    /// Whether this is our own bot user.
    pub(crate) fn is_us(&self, user: &SlackUserId) -> bool {
        self.identity.get().is_some_and(|us| us.user_id == user.as_str())
    }

    /// Posts a message (`chat.postMessage`).
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if the thread is gone: Slack then posts at the root of the channel
    /// without a word, and we have taken that post back.
    pub(crate) async fn post_message(&self, post: &Post) -> Result<Posted, Error> {
        let author = post.author.as_deref().filter(|_| !self.plain_author.load(Ordering::Relaxed));
        let sent = self.call_with_body("chat.postMessage", &build_post_body(post, author)).await;
        let answer: PostAnswer = match sent {
            Err(error) if author.is_some() && error.code() == Some("missing_scope") => {
                self.plain_author.store(true, Ordering::Relaxed);
                self.call_with_body(
                    "chat.postMessage",
                    &build_post_body(&add_author_label(post), None),
                )
                .await?
            }
            Err(error) if error.is_invalid_blocks() => {
                tracing::error!(%error, "slack refused the blocks of a post; it goes as plain text");
                let plain = Post { blocks: Vec::new(), ..post.clone() };
                self.call_with_body("chat.postMessage", &build_post_body(&plain, author)).await?
            }
            sent => sent?,
        };
        let channel = answer.channel.unwrap_or_else(|| post.channel.clone());
        let channel = match ChannelId::parse(&channel) {
            Some(id) => self.renames.first_id(&id).to_string(),
            None => channel,
        };
        let posted = Posted { channel, ts: answer.ts };
        let (Some(root), Some(message)) = (&post.thread, answer.message) else { return Ok(posted) };
        if message.thread_ts.as_deref() != Some(root.as_str()) {
            self.ensure_in_thread("chat.postMessage", &posted, root, author.is_some()).await?;
        }
        Ok(posted)
    }

    /// Whether posts carry the customer's name as their author.
    pub(crate) fn has_author_names(&self) -> bool {
        !self.plain_author.load(Ordering::Relaxed)
    }

    /// Replaces a message of ours (`chat.update`).
    pub(crate) async fn update_message(
        &self,
        channel: &ChannelId,
        ts: &MessageTs,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        let body =
            json!({"channel": channel.as_str(), "ts": ts.as_str(), "text": text, "blocks": blocks});
        self.call_with_body::<EmptyAnswer>("chat.update", &body).await.map(drop)
    }

    /// Shows something to one person only (`chat.postEphemeral`). Not guaranteed to be seen.
    pub(crate) async fn post_ephemeral(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageTs>,
        user: &SlackUserId,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        let mut body = json!({"channel": channel.as_str(), "user": user.as_str(), "text": text});
        if let Some(thread) = thread {
            set_field(&mut body, "thread_ts", thread.as_str().into());
        }
        if !blocks.is_empty() {
            set_field(&mut body, "blocks", blocks.into());
        }
        self.call_with_body::<EmptyAnswer>("chat.postEphemeral", &body).await.map(drop)
    }

    /// Puts a reaction of ours on a message (`reactions.add`) or takes it off
    /// (`reactions.remove`); that it is so already is success.
    pub(crate) async fn set_reaction(
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
        match self.call_with_body::<EmptyAnswer>(method, &body).await {
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
    pub(crate) async fn respond_to_action(
        &self,
        response_url: &str,
        replace: bool,
        text: &str,
        blocks: &[Value],
    ) -> Result<(), Error> {
        const RESPOND_METHOD: &str = "response_url";
        let url = Url::parse(response_url).ok().filter(is_slack_or_loopback).ok_or_else(|| {
            Error::Api { method: RESPOND_METHOD, code: "not_an_address_of_slack".to_owned() }
        })?;
        let mut body = json!({"replace_original": replace, "text": text});
        if !blocks.is_empty() {
            set_field(&mut body, "blocks", blocks.into());
        }
        let body = self.mask.mask_body(&body);
        let sent = self.http.post(url).json(&body).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(Error::OutcomeUnknown { method: RESPOND_METHOD, what: "not taken".to_owned() })
            }
        }
    }

    /// Opens a dialog by a trigger (`views.open`) and returns its id.
    pub(crate) async fn open_view(&self, trigger: &str, view: &Value) -> Result<String, Error> {
        let body = json!({"trigger_id": trigger, "view": view});
        let opened: OpenViewAnswer = self.call_with_body("views.open", &body).await?;
        Ok(opened.view.id)
    }

    /// Shows something else in an open dialog (`views.update`).
    pub(crate) async fn update_view(&self, id: &str, view: &Value) -> Result<(), Error> {
        let body = json!({"view_id": id, "view": view});
        self.call_with_body::<EmptyAnswer>("views.update", &body).await.map(drop)
    }

    /// The address of a message on the web; none before Slack has said who we are.
    pub(crate) fn thread_url(&self, thread: &Thread) -> Option<String> {
        let base = self.identity.get()?.url.as_deref()?.trim_end_matches('/');
        let ts: String = thread.root.as_str().chars().filter(char::is_ascii_digit).collect();
        let channel = self.renames.current_id(thread.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&thread.channel);
        Some(format!("{base}/archives/{channel}/p{ts}"))
    }

    /// The address of an answer in a thread with this root.
    pub(crate) fn reply_url(&self, message: &Thread, root: &MessageTs) -> Option<String> {
        let address = self.thread_url(message)?;
        let channel = self.renames.current_id(message.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&message.channel);
        Some(format!("{address}?thread_ts={root}&cid={channel}"))
    }

    /// Shows somebody their home tab (`views.publish`).
    pub(crate) async fn publish_home(&self, user: &SlackUserId, view: &Value) -> Result<(), Error> {
        let body = json!({"user_id": user.as_str(), "view": view});
        self.call_with_body::<EmptyAnswer>("views.publish", &body).await.map(drop)
    }

    #[tracing::instrument(level = "error", name = "slack", skip_all, fields(method))]
    pub(super) async fn call_with_body<RS>(
        &self,
        method: &'static str,
        body: &Value,
    ) -> Result<RS, Error>
    where
        RS: DeserializeOwned + Send,
    {
        self.check_call(method, &pause_key(method, body))?;
        let began = Instant::now();
        let masked = self.mask.mask_body(body);
        let session = self.api.open_session(&self.token);
        let sent = self.with_current_channel(&masked);
        let sent = sent.as_ref().unwrap_or(&masked);
        let result = session.http_session_api.http_post::<_, RS>(method, sent, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.record_outcome(method, (&pause_key(method, body), began), result)
    }

    #[tracing::instrument(level = "error", name = "slack", skip_all, fields(method))]
    pub(super) async fn call_with_params<RS>(
        &self,
        method: &'static str,
        params: &[(&str, Option<&str>)],
    ) -> Result<RS, Error>
    where
        RS: DeserializeOwned + Send,
    {
        self.check_call(method, method)?;
        let began = Instant::now();
        let session = self.api.open_session(&self.token);
        let masked: Vec<(&str, Option<Cow<'_, str>>)> = params
            .iter()
            .map(|(name, value)| (*name, value.map(|v| self.prepare_param(name, v))))
            .collect();
        let params: Vec<(&str, Option<&str>)> =
            masked.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        let result = session.http_session_api.http_get::<RS, _, _>(method, &params, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.record_outcome(method, (method, began), result)
    }

    /// A parameter as it is sent: a channel by the id that it has now.
    fn prepare_param<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        match self.renames.current_id(value).filter(|_| name == "channel") {
            Some(channel) => Cow::Owned(channel.to_string()),
            None => self.mask.mask_param(name, value),
        }
    }

    /// What is sent, if it names a channel that has another id now.
    fn with_current_channel(&self, body: &Value) -> Option<Value> {
        ["channel", "channel_id"].into_iter().find_map(|field| {
            let channel = self.renames.current_id(body.get(field)?.as_str()?)?;
            let mut sent = body.clone();
            set_field(&mut sent, field, channel.as_str().into());
            Some(sent)
        })
    }

    fn check_call(&self, method: &'static str, kind: &str) -> Result<(), Error> {
        self.breaker.check_call(kind).map_err(|shut| match shut {
            CircuitOpen::Paused(rest) => Error::Busy { method, after: Some(rest) },
            CircuitOpen::CredentialsRefused => {
                Error::Api { method, code: "invalid_auth".to_owned() }
            }
        })
    }

    fn record_outcome<T>(
        &self,
        method: &'static str,
        (kind, began): (&str, Instant),
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::to_fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::record_call("slack", outcome, began.elapsed());
        match &fault {
            Some(Fault::Busy { after }) => {
                self.breaker.pause_calls(kind, after.unwrap_or(Duration::from_secs(5)));
                self.breaker.note_failure();
            }
            Some(Fault::Credentials) => {
                if let Err(error) = &result {
                    tracing::error!(%error, "slack does not accept our token or its scopes; \
                        reinstall the app or mend SLACK_BOT_TOKEN, the queue is kept meanwhile");
                    // A scope that is missing for one method says nothing of the others.
                    match error.code() {
                        Some("missing_scope") => {
                            self.health.note_scope(method, true);
                            self.breaker.note_answer();
                        }
                        _ => self.breaker.note_credentials_refused(),
                    }
                }
            }
            None | Some(Fault::Refused { .. }) => {
                self.breaker.note_credentials_accepted();
                self.health.note_scope(method, false);
            }
            Some(Fault::Down | Fault::OutcomeUnknown | Fault::Broken) => {
                self.breaker.note_failure();
            }
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
fn add_author_label(post: &Post) -> Post {
    let Some(author) = &post.author else { return post.clone() };
    let label = json!({"type": "plain_text", "text": author, "emoji": false});
    let label = json!({"type": "context", "elements": [label]});
    let blocks = std::iter::once(label).chain(post.blocks.iter().cloned()).collect();
    Post { text: format!("{}: {}", escape_mrkdwn(author), post.text), blocks, ..post.clone() }
}

fn build_post_body(post: &Post, author: Option<&str>) -> Value {
    let mut body = json!({
        "channel": post.channel,
        "text": post.text,
        "unfurl_links": false,
        "unfurl_media": false,
        "metadata": {"event_type": METADATA_EVENT_TYPE, "event_payload": {"delivery_id": post.delivery}},
    });
    let mut blocks = post.blocks.clone();
    if let Some(first) = blocks.first_mut() {
        set_field(first, "block_id", post.delivery.as_str().into());
        set_field(&mut body, "blocks", blocks.into());
    }
    if let Some(thread) = &post.thread {
        set_field(&mut body, "thread_ts", thread.as_str().into());
        if post.broadcast {
            set_field(&mut body, "reply_broadcast", true.into());
        }
    }
    if let Some(author) = author {
        set_field(&mut body, "username", author.into());
    }
    body
}

pub(super) fn set_field(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}
