//! How an envelope gets to Blip and what its answer means.
//!
//! Commands are answered `200` even when they fail (`blip.md` §1.1), and an answer that cannot be
//! read is not a failure: the command may have taken effect.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::envelope::CommandAnswer;
use super::error::Error;
use crate::breaker::{CircuitBreaker, CircuitOpen, parse_retry_after};
use crate::model::{BotName, Failure, Fault};
use crate::telemetry;

/// The pause after a `429` that names none: Blip keeps a bot out for up to two minutes
/// (`blip.md` §1.1), and one call in this time is enough to see whether it is over.
const DEFAULT_BUSY_PAUSE: Duration = Duration::from_secs(15);

/// In whose name Blip is called, and where.
#[derive(Debug)]
pub(crate) struct BlipAccess<'a> {
    pub(crate) bot: BotName,
    /// Calls go to `{address}/messages` and `{address}/commands`.
    pub(crate) address: &'a str,
    /// The header's value; it may begin with `Key ` or not.
    pub(crate) key: &'a SecretString,
    /// The end of the name of the setting that holds the key, for the log.
    pub(crate) key_setting: &'static str,
}

/// Carries envelopes in the name of one bot.
#[derive(Debug)]
pub(super) struct BlipTransport {
    pub(super) bot: BotName,
    http: reqwest::Client,
    base: String,
    pub(super) key: SecretString,
    key_setting: &'static str,
    pub(super) breaker: CircuitBreaker,
    /// Why Blip has not answered us yet; none once it has.
    silence_reason: Mutex<Option<String>>,
}

impl BlipTransport {
    pub(super) fn new(
        access: BlipAccess<'_>,
        http: reqwest::Client,
        breaker: CircuitBreaker,
    ) -> Self {
        let BlipAccess { bot, address, key, key_setting } = access;
        let key = key.expose_secret().trim();
        // The portal shows the finished header, other places only its value (`blip.md` §1.1).
        let key = key.strip_prefix("Key ").unwrap_or(key);
        Self {
            bot,
            http,
            base: address.trim_end_matches('/').to_owned(),
            key: format!("Key {key}").into(),
            key_setting,
            breaker,
            silence_reason: Mutex::new(Some("it was not asked".to_owned())),
        }
    }

    /// The setting that holds the key.
    pub(super) fn key_variable(&self) -> String {
        self.bot.setting_variable(self.key_setting)
    }

    /// Why Blip has not answered us once since the start; none if it has.
    pub(super) fn silence_reason(&self) -> Option<String> {
        self.silence_reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes whether something that speaks LIME has answered: a wrong address may be one of
    /// another service, which answers with a page or a status.
    fn note_answer<T>(&self, result: &Result<T, Error>) {
        let mut silence = self.silence_reason.lock().unwrap_or_else(PoisonError::into_inner);
        let has_answered = match result {
            Ok(_) => true,
            // A code of LIME's comes only from Blip; any web server answers 404.
            Err(Error::Refused { code, .. }) => !code.starts_with("http-"),
            Err(_) => false,
        };
        if has_answered {
            if silence.take().is_some() {
                tracing::info!(bot = %self.bot, "blip accepts the key of a bot");
            }
        } else if let (Err(error), Some(reason)) = (result, silence.as_mut()) {
            *reason = error.to_string();
        }
    }

    #[tracing::instrument(level = "error", name = "blip", skip_all, fields(operation = operation))]
    pub(super) async fn send_command(
        &self,
        operation: &'static str,
        command: &Value,
    ) -> Result<Option<Value>, Error> {
        self.check_call_allowed(operation, "commands")?;
        let began = Instant::now();
        let answer = self.post_for_body(operation, "commands", command).await.and_then(|body| {
            let unreadable =
                || Error::OutcomeUnknown { operation, what: "unreadable answer".to_owned() };
            let answer = CommandAnswer::from_body(&body).ok_or_else(unreadable)?;
            if answer.is_success() {
                Ok(answer.resource)
            } else if answer.is_failure() {
                let reason = answer.reason;
                let (code, said) = reason.map_or((None, None), |it| (it.code, it.description));
                Err(Error::from_reason(operation, code, said))
            } else {
                Err(unreadable())
            }
        });
        self.note_outcome(operation, ("commands", began), answer)
    }

    /// Posts an envelope to which there is no other answer than that it was taken.
    #[tracing::instrument(level = "error", name = "blip", skip_all, fields(operation = operation))]
    pub(super) async fn post_envelope(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<(), Error> {
        self.check_call_allowed(operation, path)?;
        let began = Instant::now();
        let answer = self.post_for_body(operation, path, envelope).await.map(drop);
        self.note_outcome(operation, (path, began), answer)
    }

    /// Keeps a call back that cannot succeed now; nothing is learnt from that.
    fn check_call_allowed(&self, operation: &'static str, path: &str) -> Result<(), Error> {
        // Messages and commands have limits of their own (`blip.md` §1.1), so one that is paused
        // does not stop the other.
        self.breaker.check_call(path).map_err(|shut| match shut {
            CircuitOpen::Paused(rest) => Error::Busy { operation, after: Some(rest) },
            CircuitOpen::CredentialsRefused => Error::Credentials { operation },
        })
    }

    /// Posts an envelope and returns the body of an answer that is a success by its status.
    async fn post_for_body(
        &self,
        operation: &'static str,
        path: &str,
        envelope: &Value,
    ) -> Result<Vec<u8>, Error> {
        let lost = |error: reqwest::Error| Error::from_request(operation, &error);
        let request = self.http.post(format!("{}/{path}", self.base)).json(envelope);
        let response = request
            .header(AUTHORIZATION, self.authorization_header())
            .send()
            .await
            .map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            // Blip documents none; it is honoured where a proxy or a later Blip sends one
            // (`blip.md` §1.1).
            let after = read_retry_after(&response);
            return Err(Error::from_status(operation, status.as_u16(), after));
        }
        let media_type = response.headers().get(CONTENT_TYPE).cloned();
        let is_of =
            |kind: &[u8]| media_type.as_ref().is_some_and(|it| it.as_bytes().starts_with(kind));
        // A page for people where an envelope should be: a proxy answered, not Blip.
        if is_of(b"text/html") {
            return Err(Error::OutcomeUnknown { operation, what: "a web page".to_owned() });
        }
        let body: Vec<u8> = response.bytes().await.map_err(lost)?.into();
        let is_json = body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        if is_of(b"application/json") && !is_json {
            return Err(Error::OutcomeUnknown { operation, what: "unreadable answer".to_owned() });
        }
        Ok(body)
    }

    fn authorization_header(&self) -> HeaderValue {
        let value = HeaderValue::from_str(self.key.expose_secret());
        // A key that is no header cannot be right: Blip refuses the empty one, and the operator
        // reads which setting to mend.
        let mut value = value.unwrap_or(HeaderValue::from_static(""));
        // So the header is left out wherever the client's requests are printed.
        value.set_sensitive(true);
        value
    }

    fn note_outcome<T>(
        &self,
        operation: &'static str,
        (path, began): (&str, Instant),
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let fault = result.as_ref().err().map(Error::to_fault);
        let outcome = fault.as_ref().map_or("ok", Fault::name);
        telemetry::record_call("blip", operation, outcome, began.elapsed());
        self.note_answer(&result);
        match fault {
            Some(Fault::Busy { after }) => {
                self.breaker.pause_calls(path, after.unwrap_or(DEFAULT_BUSY_PAUSE));
                self.breaker.note_failure();
            }
            Some(Fault::Credentials) => {
                let variable = self.key_variable();
                tracing::error!(bot = %self.bot, operation, "blip does not accept our key; mend \
                    {variable} with the value of the bot's Authorization header, the queue is \
                    kept meanwhile");
                self.breaker.note_credentials_refused();
            }
            // Who refuses one command for a reason of its own has accepted the key.
            None | Some(Fault::Refused { .. }) => self.breaker.note_credentials_accepted(),
            Some(Fault::Down | Fault::OutcomeUnknown | Fault::Broken) => {
                self.breaker.note_failure();
            }
        }
        result
    }
}

fn read_retry_after(response: &reqwest::Response) -> Option<Duration> {
    parse_retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?)
}
