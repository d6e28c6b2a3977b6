//! The calls that we make to Slack, as operations.
//!
//! Answers are read into the few fields that we check: the library's typed answers fail on
//! messages that Slack has accepted, and a failure after success would be posted twice
//! (`slack.md` A.3). Knows nothing of tickets.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::{SlackApiToken, SlackApiTokenType, SlackApiTokenValue};
use url::Url;

use super::error::Error;
use super::files::is_slack_or_loopback;
use super::members::Members;
use super::standing::Standing;
use super::transport::Transport;
use crate::clock::Clock;
use crate::gate::{Gate, Shut};
use crate::model::{ChannelId, Failure, Fault, MessageTs, SlackUserId, Thread};
use crate::telemetry;

/// How long what we know of a person, or of the name of a channel or group, is believed.
const CACHE: Duration = Duration::from_mins(10);
/// Largest page of `conversations.replies` that Slack recommends (`slack.md` C.1).
const PAGE: &str = "200";
/// Most pages that are read in search of one message.
const MAX_PAGES: usize = 10;
/// What is left of a post that missed its thread and cannot be deleted.
const EMPTIED: &str = "↪️";
/// The name of our message metadata.
const METADATA: &str = "blip_slack_delivery";

/// Calls Slack.
#[derive(Debug)]
pub struct Client {
    api: slack_morphism::SlackClient<Transport>,
    pub(super) http: reqwest::Client,
    token: SlackApiToken,
    clock: Clock,
    gate: Gate,
    pub(super) standing: Standing,
    identity: OnceLock<Identity>,
    profiles: DashMap<SlackUserId, (Timestamp, Profile)>,
    names: DashMap<String, (Timestamp, String)>,
    pub(super) members: Members,
    plain_author: AtomicBool,
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
    /// Where the workspace is on the web.
    pub url: Option<String>,
}

/// What we need to know of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name to show.
    pub name: String,
    /// The e-mail address, if we may see it.
    pub email: Option<String>,
    /// A full member of this workspace: no bot, no guest, no stranger, not deactivated.
    pub is_member: bool,
    /// The language that they use Slack in, such as `pt-BR`.
    pub locale: Option<String>,
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
struct Nothing {}

#[derive(Deserialize)]
struct PostAnswer {
    channel: String,
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

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    channels: Vec<Value>,
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    next_cursor: Option<String>,
}

impl Page {
    fn next(&self) -> Option<String> {
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
            gate,
            clock,
            identity: OnceLock::new(),
            profiles: DashMap::new(),
            names: DashMap::new(),
            members: Members::default(),
            plain_author: AtomicBool::new(false),
        }
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

    /// Asks Slack who we are (`auth.test`).
    pub async fn introduce(&self) -> Result<(), Error> {
        let identity: Identity = self.write("auth.test", &json!({})).await?;
        // A second answer says the same.
        drop(self.identity.set(identity));
        Ok(())
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
                self.write("chat.postMessage", &message(post, None)).await?
            }
            Err(error) if error.is_about_blocks() => {
                tracing::error!(%error, "slack refused the blocks of a post; it goes as plain text");
                let plain = Post { blocks: Vec::new(), ..post.clone() };
                self.write("chat.postMessage", &message(&plain, author)).await?
            }
            sent => sent?,
        };
        let posted = Posted { channel: answer.channel, ts: answer.ts };
        let Some(root) = &post.thread else { return Ok(posted) };
        let told = answer.message.and_then(|message| message.thread_ts);
        if told.as_deref() != Some(root.as_str()) {
            self.keep_in_thread("chat.postMessage", &posted, root, author.is_some()).await?;
        }
        Ok(posted)
    }

    /// Makes sure that a post stands in its thread, of which its answer said nothing; takes it back
    /// if it does not.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] once it is taken back. If it cannot be told for now where the post is,
    /// the outcome is unknown: nothing that fails here undoes the post.
    pub(super) async fn keep_in_thread(
        &self,
        method: &'static str,
        posted: &Posted,
        root: &MessageTs,
        is_named: bool,
    ) -> Result<(), Error> {
        let unsettled =
            |_failed| Error::Unclear { method, what: "not seen in its thread".to_owned() };
        if self.is_in_thread(posted, root).await.map_err(unsettled)? {
            return Ok(());
        }
        self.take_back(posted, is_named).await.map_err(unsettled)?;
        Err(Error::Orphaned { method })
    }

    async fn is_in_thread(&self, posted: &Posted, root: &MessageTs) -> Result<bool, Error> {
        let place = ChannelId::parse(&posted.channel).zip(MessageTs::parse(&posted.ts));
        let Some((channel, ts)) = place else { return Ok(false) };
        match self.message(&channel, root, &ts).await {
            Err(error) if error.is_message_gone() => Ok(false),
            found => Ok(found?.is_some()),
        }
    }

    /// Whether posts carry the customer's name as their author.
    pub fn has_author_names(&self) -> bool {
        !self.plain_author.load(Ordering::Relaxed)
    }

    /// Takes a post back that went where it was not meant to. What goes by a customer's name cannot
    /// be deleted (`slack.md` C.1), but emptied, and of what it could be found by, too.
    async fn take_back(&self, posted: &Posted, is_named: bool) -> Result<(), Error> {
        let mut body = json!({"channel": posted.channel, "ts": posted.ts});
        let method = if is_named { "chat.update" } else { "chat.delete" };
        if is_named {
            set(&mut body, "text", EMPTIED.into());
            set(&mut body, "blocks", json!([]));
            set(&mut body, "metadata", json!({}));
        }
        match self.write::<Nothing>(method, &body).await {
            Err(error) if matches!(error.fault(), Fault::Refused { .. }) => {
                tracing::warn!(slack.channel = posted.channel, slack.ts = posted.ts, %error,
                    "a post that missed its thread could not be taken back");
                Ok(())
            }
            result => result.map(drop),
        }
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
        let sent = self.http.post(url).json(&body).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unclear { method: METHOD, what: "not taken".to_owned() }),
        }
    }

    /// Looks a person up (`users.info`), from memory if it was done lately.
    pub async fn profile(&self, user: &SlackUserId) -> Result<Profile, Error> {
        let now = self.clock.now();
        let known = self.profiles.get(user).map(|entry| entry.clone());
        if let Some((at, profile)) = known
            && now < at + CACHE
        {
            return Ok(profile);
        }
        let params = [("user", Some(user.as_str())), ("include_locale", Some("true"))];
        let answer: Value = self.read("users.info", &params).await?;
        let profile = Profile::read(answer.get("user").unwrap_or(&Value::Null), user);
        self.profiles.insert(user.clone(), (now, profile.clone()));
        Ok(profile)
    }

    /// The person with this e-mail address (`users.lookupByEmail`); `None` if there is none.
    pub async fn user_of_email(&self, email: &str) -> Result<Option<SlackUserId>, Error> {
        let answer = self.read::<Value>("users.lookupByEmail", &[("email", Some(email))]).await;
        match answer {
            Err(error) if error.code() == Some("users_not_found") => Ok(None),
            answer => {
                let answer = answer?;
                Ok(answer.pointer("/user/id").and_then(Value::as_str).and_then(SlackUserId::parse))
            }
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
        Some(format!("{base}/archives/{}/p{ts}", thread.channel))
    }

    /// A channel's name (`conversations.info`), from memory if it was asked lately.
    pub async fn channel_name(&self, channel: &ChannelId) -> Result<String, Error> {
        let now = self.clock.now();
        let known = self.names.get(channel.as_str()).map(|entry| entry.clone());
        if let Some((at, name)) = known
            && now < at + CACHE
        {
            return Ok(name);
        }
        let params = [("channel", Some(channel.as_str()))];
        let answer: Value = self.read("conversations.info", &params).await?;
        let name = answer.pointer("/channel/name").and_then(Value::as_str).unwrap_or_default();
        self.names.insert(channel.as_str().to_owned(), (now, name.to_owned()));
        Ok(name.to_owned())
    }

    /// The handle of a user group (`usergroups.list`), from memory if it was asked lately.
    pub async fn group_handle(&self, group: &str) -> Result<Option<String>, Error> {
        let now = self.clock.now();
        let key = format!("handle:{group}");
        let known = self.names.get(&key).map(|entry| entry.clone());
        if let Some((at, handle)) = known
            && now < at + CACHE
        {
            return Ok(Some(handle).filter(|handle| !handle.is_empty()));
        }
        let answer: Value = self.read("usergroups.list", &[]).await?;
        let groups = answer.get("usergroups").and_then(Value::as_array);
        let mut groups = groups.into_iter().flatten();
        let found = groups.find(|known| known.get("id").and_then(Value::as_str) == Some(group));
        let handle = found.and_then(|group| group.get("handle")?.as_str()).unwrap_or_default();
        self.names.insert(key, (now, handle.to_owned()));
        Ok(Some(handle.to_owned()).filter(|handle| !handle.is_empty()))
    }

    /// The id of a channel that was configured by name (`conversations.list`).
    pub async fn channel_named(&self, name: &str) -> Result<ChannelId, Error> {
        const METHOD: &str = "conversations.list";
        let mut cursor: Option<String> = None;
        loop {
            let params = [
                ("types", Some("public_channel,private_channel")),
                ("exclude_archived", Some("true")),
                ("limit", Some(PAGE)),
                ("cursor", cursor.as_deref()),
            ];
            let page: Page = self.read(METHOD, &params).await?;
            let found =
                page.channels.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(name));
            if let Some(id) = found.and_then(|c| ChannelId::parse(c.get("id")?.as_str()?)) {
                return Ok(id);
            }
            cursor = page.next();
            if cursor.is_none() {
                return Err(Error::Api { method: METHOD, code: "channel_not_found".to_owned() });
            }
        }
    }

    /// Looks for a post of ours that was made since `since`: by its metadata, or by the block id
    /// that repeats it, should Slack have dropped metadata that is not registered.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
    pub async fn find_post(
        &self,
        channel: &str,
        thread: Option<&MessageTs>,
        delivery: &str,
        since: Timestamp,
    ) -> Result<Option<Posted>, Error> {
        let is_it = |message: &Value| delivered(message, delivery);
        if let Some(root) = thread {
            return self.find_in_thread(channel, root, since, is_it).await;
        }
        let found = self.find(channel, None, since, is_it).await?;
        Ok(found.and_then(|message| posted(channel, &message)))
    }

    /// Looks for something of ours in a thread and, as Slack puts there what misses its thread, at
    /// the root of the channel.
    ///
    /// # Errors
    ///
    /// [`Error::Orphaned`] if it missed its thread, and has been taken back now.
    pub(super) async fn find_in_thread(
        &self,
        channel: &str,
        root: &MessageTs,
        since: Timestamp,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<Posted>, Error> {
        let found = match self.find(channel, Some(root), since, &is_it).await {
            Err(error) if error.is_message_gone() => None,
            found => found?,
        };
        if let Some(found) = found {
            return Ok(posted(channel, &found));
        }
        let strayed = |message: &Value| message.get("thread_ts").is_none() && is_it(message);
        let Some(stray) = self.find(channel, None, since, strayed).await? else {
            return Ok(None);
        };
        if let Some(posted) = posted(channel, &stray) {
            self.take_back(&posted, stray.get("username").is_some()).await?;
        }
        Err(Error::Orphaned { method: "conversations.history" })
    }

    /// Everything that was said in a thread, its root first, as far as a few pages hold it
    /// (`conversations.replies`).
    pub async fn replies(
        &self,
        channel: &ChannelId,
        root: &MessageTs,
    ) -> Result<Vec<Value>, Error> {
        let mut cursor: Option<String> = None;
        let mut said = Vec::new();
        for _ in 0..MAX_PAGES {
            let params = [
                ("channel", Some(channel.as_str())),
                ("ts", Some(root.as_str())),
                ("limit", Some(PAGE)),
                ("cursor", cursor.as_deref()),
            ];
            let page: Page = self.read("conversations.replies", &params).await?;
            cursor = page.next();
            // The root comes with each page.
            let is_root = |m: &Value| m.get("ts").and_then(Value::as_str) == Some(root.as_str());
            let skip = usize::from(!said.is_empty() && page.messages.first().is_some_and(is_root));
            said.extend(page.messages.into_iter().skip(skip));
            if cursor.is_none() {
                break;
            }
        }
        Ok(said)
    }

    /// Looks through what was said since `since` for a message that `is_it`.
    async fn find(
        &self,
        channel: &str,
        thread: Option<&MessageTs>,
        since: Timestamp,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, Error> {
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut params = vec![
                ("channel", Some(channel)),
                ("include_all_metadata", Some("true")),
                ("limit", Some(PAGE)),
                ("cursor", cursor.as_deref()),
            ];
            let page: Page = match thread {
                Some(root) => {
                    params.push(("ts", Some(root.as_str())));
                    self.read("conversations.replies", &params).await?
                }
                None => self.read("conversations.history", &params).await?,
            };
            if let Some(found) = page.messages.iter().find(|message| is_it(message)) {
                return Ok(Some(found.clone()));
            }
            // A channel is read from its newest message on, a thread from its oldest.
            let is_older = thread.is_none() && page.messages.iter().any(|m| is_before(m, since));
            cursor = page.next();
            if cursor.is_none() || is_older {
                return Ok(None);
            }
        }
        // Too much has been said since to be sure that it is not there.
        Err(Error::Unclear {
            method: "conversations.replies",
            what: "too many messages".to_owned(),
        })
    }

    /// Reads one message of a thread as it is now (`conversations.replies`).
    pub async fn message(
        &self,
        channel: &ChannelId,
        root: &MessageTs,
        ts: &MessageTs,
    ) -> Result<Option<Value>, Error> {
        let params = [
            ("channel", Some(channel.as_str())),
            ("ts", Some(root.as_str())),
            ("oldest", Some(ts.as_str())),
            ("latest", Some(ts.as_str())),
            ("inclusive", Some("true")),
            ("limit", Some("10")),
        ];
        let page: Page = self.read("conversations.replies", &params).await?;
        let is_it = |m: &Value| m.get("ts").and_then(Value::as_str) == Some(ts.as_str());
        Ok(page.messages.into_iter().find(is_it))
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
        let session = self.api.open_session(&self.token);
        let result = session.http_session_api.http_post::<_, RS>(method, body, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.learn(method, &pause_key(method, body), result)
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
        let session = self.api.open_session(&self.token);
        let params = params.to_vec();
        let result = session.http_session_api.http_get::<RS, _, _>(method, &params, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.learn(method, method, result)
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
        kind: &str,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::called("slack", outcome);
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

fn set(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}

fn delivered(message: &Value, delivery: &str) -> bool {
    let id = message.pointer("/metadata/event_payload/delivery_id").and_then(Value::as_str);
    let blocks =
        message.get("blocks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let in_block = |block: &Value| block.get("block_id").and_then(Value::as_str) == Some(delivery);
    id == Some(delivery) || blocks.iter().any(in_block)
}

fn posted(channel: &str, message: &Value) -> Option<Posted> {
    let ts = message.get("ts")?.as_str()?;
    Some(Posted { channel: channel.to_owned(), ts: ts.to_owned() })
}

/// Whether a message was posted before the given time.
fn is_before(message: &Value, time: Timestamp) -> bool {
    let ts = message.get("ts").and_then(Value::as_str).unwrap_or_default();
    let second = ts.split('.').next().and_then(|second| second.parse::<i64>().ok());
    second.is_some_and(|second| second < time.as_second())
}

impl Profile {
    fn read(user: &Value, id: &SlackUserId) -> Self {
        let text = |pointer: &str| {
            user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
        };
        let is = |flag: &str| user.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let outside =
            ["is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "deleted"].map(is);
        // The full name, because customers read it too; the display name may be a joke of the team.
        let name = text("/profile/real_name")
            .or_else(|| text("/real_name"))
            .or_else(|| text("/profile/display_name"))
            .or_else(|| text("/name"))
            .unwrap_or(id.as_str());
        Self {
            name: name.to_owned(),
            email: text("/profile/email").map(str::to_owned),
            is_member: user.is_object() && !outside.contains(&true),
            locale: text("/locale").map(str::to_owned),
        }
    }
}
