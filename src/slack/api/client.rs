//! The calls that we make to Slack, as operations.
//!
//! Answers are read into the few fields that we check: the library's typed answers fail on
//! messages that Slack has accepted, and a failure after success would be posted twice
//! (`slack.md` A.3). Knows nothing of tickets.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::{SlackApiToken, SlackApiTokenType, SlackApiTokenValue};

use super::caches::Caches;
use super::error::Error;
use super::health::ApiHealth;
use super::identity::{Identity, OwnIdentity};
use super::mask::Mask;
use super::renames::ChannelRenames;
use super::transport::Transport;
use crate::breaker::{CircuitBreaker, CircuitOpen};
use crate::clock::Clock;
use crate::model::{Failure, Fault, MessageTs, SlackUserId, Thread};
use crate::telemetry;

/// Largest page of `conversations.replies` that Slack recommends (`slack.md` C.1).
pub(super) const HISTORY_PAGE_SIZE: &str = "200";
/// Calls the Web API of Slack in the name of the app.
#[derive(Debug)]
pub struct SlackClient {
    api: slack_morphism::SlackClient<Transport>,
    pub(super) http: reqwest::Client,
    token: SecretString,
    pub(super) mask: Mask,
    clock: Clock,
    breaker: CircuitBreaker,
    health: ApiHealth,
    identity: OwnIdentity,
    pub(super) caches: Caches,
    pub(super) plain_author: AtomicBool,
    renames: ChannelRenames,
}

/// An answer whose content does not matter.
#[derive(Deserialize)]
pub(super) struct EmptyAnswer {}

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
        // The last page has an empty cursor, not none; asked for that, Slack begins anew.
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
        let health = ApiHealth::new(clock.clone());
        let transport = Transport::new(http.clone(), base, health.clone());
        Self {
            api: slack_morphism::SlackClient::new(transport),
            health,
            http,
            token: token.clone(),
            mask: Mask::default(),
            breaker,
            caches: Caches::new(&clock),
            clock,
            identity: OwnIdentity::default(),
            // Posting under a customer's name needs `chat:write.customize` (`slack.md` E.2).
            // Without that scope the first post is refused, and from then on the name stands in the
            // words.
            plain_author: AtomicBool::new(false),
            renames: ChannelRenames::default(),
        }
    }

    /// The same client, with some numbers hidden in everything that it shows.
    #[must_use]
    pub(crate) fn with_mask(self, mask: Mask) -> Self {
        Self { mask, ..self }
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

    /// What Slack's answers tell of us besides what was asked for.
    pub(crate) fn health(&self) -> &ApiHealth {
        &self.health
    }

    /// The token in the form that the library takes, for one call: that form is printed and copied freely,
    /// so it is not kept.
    fn api_token(&self) -> SlackApiToken {
        let value = SlackApiTokenValue(self.token.expose_secret().to_owned());
        SlackApiToken::new(value).with_token_type(SlackApiTokenType::Bot)
    }

    /// Whether Slack has said who we are.
    pub(crate) fn has_identity(&self) -> bool {
        self.identity.get().is_some()
    }

    /// Our workspace, or the organisation that we are installed for; none before Slack has said so.
    pub(crate) fn workspace_id(&self) -> Option<&str> {
        let us = self.identity.get()?;
        // Installed for a whole organisation, one token serves all its workspaces and `team_id` may
        // be null (`slack.md`, additions §8).
        let organisation = us.enterprise_id.as_deref().filter(|_| us.is_enterprise_install);
        organisation.or(us.team_id.as_deref())
    }

    /// Where our workspace is on the web; none before Slack has said who we are.
    pub(crate) fn workspace_url(&self) -> Option<&str> {
        self.identity.get()?.url.as_deref()
    }

    /// Whether Slack has said who we are, but not of which workspace.
    pub(crate) fn lacks_workspace(&self) -> bool {
        self.identity.get().is_some_and(|us| us.team_id.is_none() && us.enterprise_id.is_none())
    }

    /// Asks Slack who we are (`auth.test`).
    pub(crate) async fn fetch_identity(&self) -> Result<(), Error> {
        let identity: Identity = self.call_with_body("auth.test", &json!({})).await?;
        // Two callers may ask at once; the second answer says the same.
        if self.identity.set(identity) {
            tracing::info!("slack accepts SLACK_BOT_TOKEN");
        }
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

    /// Who we are, for those who call nothing here.
    pub(crate) fn own_identity(&self) -> &OwnIdentity {
        &self.identity
    }

    /// Whether this is our own bot user.
    pub(crate) fn is_us(&self, user: &SlackUserId) -> bool {
        self.identity.is_us(user)
    }

    /// The address of a message on the web; none before Slack has said who we are.
    pub(crate) fn thread_url(&self, thread: &Thread) -> Option<String> {
        let base = self.identity.get()?.url.as_deref()?.trim_end_matches('/');
        // An address of a message on the web has its time stamp without the dot. It is made here
        // and not asked for with `chat.getPermalink`, as each line of a list would cost a call.
        let ts: String = thread.root.as_str().chars().filter(char::is_ascii_digit).collect();
        let channel = self.renames.current_id(thread.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&thread.channel);
        Some(format!("{base}/archives/{channel}/p{ts}"))
    }

    /// The address of a message in a thread on the web; none before Slack has said who we are.
    pub(crate) fn message_url(&self, thread: &Thread, ts: &MessageTs) -> Option<String> {
        let message = Thread { channel: thread.channel.clone(), root: ts.clone() };
        if *ts == thread.root {
            return self.thread_url(&message);
        }
        self.reply_url(&message, &thread.root)
    }

    /// The address of an answer in a thread with this root.
    pub(crate) fn reply_url(&self, message: &Thread, root: &MessageTs) -> Option<String> {
        let address = self.thread_url(message)?;
        let channel = self.renames.current_id(message.channel.as_str());
        let channel = channel.as_ref().unwrap_or(&message.channel);
        Some(format!("{address}?thread_ts={root}&cid={channel}"))
    }

    #[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = method))]
    pub(super) async fn call_with_body<RS>(
        &self,
        method: &'static str,
        body: &Value,
    ) -> Result<RS, Error>
    where
        RS: DeserializeOwned + Send,
    {
        // Asked before each call and not only at the start of a try: another lane may have been
        // told to wait meanwhile, and who goes on during a pause only prolongs it.
        self.check_call(method, &pause_key(method, body))?;
        let began = Instant::now();
        // Masked here, below all callers, so that no view has to think of it.
        let masked = self.mask.mask_body(body);
        let token = self.api_token();
        let session = self.api.open_session(&token);
        let sent = self.with_current_channel(&masked);
        let sent = sent.as_ref().unwrap_or(&masked);
        // Raw and not `chat_post_message`: the library's typed answers fail on what Slack has taken
        // (`slack.md` A.3), and its rate control is one post a second for all channels, in no
        // order.
        let result = session.http_session_api.http_post::<_, RS>(method, sent, None).await;
        let result = result.map_err(|error| Error::from_library(method, error));
        self.record_outcome(method, (&pause_key(method, body), began), result)
    }

    #[tracing::instrument(level = "error", name = "slack", skip_all, fields(method = method))]
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
        let token = self.api_token();
        let session = self.api.open_session(&token);
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
            // Stored threads keep the id under which the channel was first known; Slack takes only
            // the new one (`a_channel_that_gets_another_id_keeps_its_threads_and_settings`).
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
        telemetry::record_call("slack", method, outcome, began.elapsed());
        match &fault {
            Some(Fault::Busy { after }) => {
                // Slack sends `Retry-After` with each 429, but not with `ratelimited` in a 200
                // (`slack.md` A.3); five seconds are a guess that gives every tier some calls back.
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
            // Whoever is refused something particular was let in: the token is good, and so are its
            // scopes for this method.
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
        // So a channel that is held back for its posts does not stop the posts of the others.
        Some(channel) if method == "chat.postMessage" => format!("{method}:{channel}"),
        _ => method.to_owned(),
    }
}

pub(super) fn set_field(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}
