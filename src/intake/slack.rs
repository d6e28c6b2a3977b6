//! `POST /slack/events`: signature → lane and key → inbox → `200`; Socket Mode: the same without
//! the signature, as we opened the connection.
//!
//! Events, clicks and commands come to the same address and are told apart by their content. What
//! is certainly none of ours, such as the echo of our own posts, is answered and not stored.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::Value;
use url::form_urlencoded;

use super::{Error, Intake, header_names, media_type, read};
use crate::bounded;
use crate::model::{ChannelId, SlackEvent};
use crate::slack::Shown;
use crate::slack::parse::{self, Request, Routed};
use crate::slack::verify::{SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict};
use crate::store::{Lane, NewItem, Source};
use crate::telemetry;

/// Most fields of a command that are read; Slack sends about fifteen (`slack.md` B.2).
const COMMAND_FIELDS: usize = 100;

/// What Slack is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// That it was taken.
    Nothing,
    /// The proof that the address is ours.
    Challenge(String),
    /// What it asked for.
    Json(Shown),
}

/// Takes whatever Slack sends over HTTP.
pub(super) async fn accept(
    State(intake): State<Intake>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let verifier = intake.verifier.as_ref().ok_or(Error::SocketMode)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(signature), Some(timestamp)) = (header(SIGNATURE_HEADER), header(TIMESTAMP_HEADER))
    else {
        return Err(intake.turn_away(&headers));
    };
    let body = read(body).await?;
    match verifier.judge(signature, timestamp, &body, intake.clock.now()) {
        Verdict::Genuine => {}
        Verdict::Forged => return Err(intake.turn_away(&headers)),
        Verdict::Stale(age) => return Err(intake.doubt_the_clock(age)),
    }
    let Some(json) = json(&media_type(&headers), body) else {
        // Slack only wants to see whether we are there (`ssl_check`).
        return Ok(().into_response());
    };
    Ok(intake.take_from_slack(json).await?.into_response())
}

impl Intake {
    /// Takes what Slack sent, given as JSON, whichever way it came. What cannot be read is taken,
    /// too, and counted: Slack would only send it again.
    pub async fn take_from_slack(&self, json: Vec<u8>) -> Result<Answer, Error> {
        let json = self.under_first_ids(json);
        let Some(request) = parse::request(&json) else {
            tracing::warn!(bytes = json.len(), "slack sent what is no event in JSON");
            telemetry::unknown(Source::Slack.name());
            return Ok(Answer::Nothing);
        };
        match request {
            Request::Challenge(challenge) => Ok(Answer::Challenge(challenge)),
            Request::Event(routed) => {
                remember(self, routed, json).await?;
                Ok(Answer::Nothing)
            }
            Request::Dialog(asked) => {
                if !self.dialogs.open(&asked).await
                    && let Some(routed) = parse::without_dialog(&json)
                {
                    remember(self, routed, json).await?;
                }
                Ok(Answer::Nothing)
            }
            Request::Draft(drafted) => Ok(self.shown(&self.dialogs.second_page(&drafted).await)),
            Request::Options(search) => Ok(self.shown(&self.dialogs.options(&search).await)),
            Request::Command(command) => Ok(self.shown(&self.dialogs.answer(&command).await)),
            Request::Home(user) => {
                self.dialogs.open_home(&user);
                Ok(Answer::Nothing)
            }
            Request::Renamed { old, new } => {
                self.rename_channel(&old, new).await?;
                Ok(Answer::Nothing)
            }
            Request::Dropped => {
                tracing::warn!(
                    "slack drops events, because there are more than it sends in an hour; what \
                    people did in open tickets is looked for"
                );
                (self.note_dropped)();
                Ok(Answer::Nothing)
            }
            Request::Standing(event) => {
                tracing::warn!(event, "slack tells of a change of the app or of a channel");
                self.changed.notify_one();
                Ok(Answer::Nothing)
            }
        }
    }

    fn shown(&self, answer: &Value) -> Answer {
        Answer::Json(self.dialogs.slack.show(answer))
    }

    /// The same with the first ids of channels in the place of later ones.
    fn under_first_ids(&self, json: Vec<u8>) -> Vec<u8> {
        let renames = self.dialogs.slack.renames();
        if renames.is_empty() {
            return json;
        }
        let sent = std::str::from_utf8(&json).ok().and_then(bounded::tree);
        let Some(mut sent) = sent else { return json };
        let is_renamed = renames.bring_back(&mut sent);
        if is_renamed { sent.to_string().into_bytes() } else { json }
    }

    /// Notes that a channel has got another id. What came under that one before is looked for.
    async fn rename_channel(&self, old: &ChannelId, new: ChannelId) -> Result<(), Error> {
        let renames = self.dialogs.slack.renames();
        let first = renames.first(old);
        if let Err(error) = self.store.rename_channel(&new, &first).await {
            tracing::error!(%error, "a channel's new id could not be stored; slack has to tell again");
            return Err(Error::NotStored);
        }
        tracing::warn!(slack.channel = %old, new = %new,
            "a channel has got another id; its tickets go on there. Where a setting names it, the \
            old id works on");
        renames.add(new, first);
        (self.note_gap)();
        self.changed.notify_one();
        Ok(())
    }

    fn turn_away(&self, headers: &HeaderMap) -> Error {
        telemetry::turned_away(Source::Slack.name());
        if let Some(times) = self.nuisance.stranger.happened() {
            tracing::warn!(
                times,
                headers = header_names(headers),
                "a call to the Slack address had no signature that we accept; compare \
                SLACK_SIGNING_SECRET with the app's Basic Information"
            );
        }
        Error::Unauthorized
    }

    /// Turns a request away that Slack has signed at another time. If our clock is wrong, Slack's
    /// answers will tell.
    fn doubt_the_clock(&self, age: SignedDuration) -> Error {
        telemetry::turned_away(Source::Slack.name());
        if let Some(times) = self.nuisance.stale.happened() {
            tracing::warn!(
                times,
                age_seconds = age.as_secs(),
                "a request has Slack's signature but was signed at another time than this \
                machine's: set its clock; if that is right, somebody repeats what Slack once sent"
            );
            self.changed.notify_one();
        }
        Error::Unauthorized
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Nothing => ().into_response(),
            Self::Challenge(challenge) => challenge.into_response(),
            Self::Json(shown) => {
                let json = shown.into_json().to_string();
                ([(CONTENT_TYPE, "application/json")], json).into_response()
            }
        }
    }
}

/// The JSON in a body: all of it, or the field of a form that holds it. A command has none, so
/// its fields are made into an object. Slack sends these two kinds; another one is taken for JSON.
fn json(media_type: &str, body: Vec<u8>) -> Option<Vec<u8>> {
    if media_type != "application/x-www-form-urlencoded" {
        return Some(body);
    }
    let fields = || form_urlencoded::parse(&body);
    if let Some((_, payload)) = fields().find(|(name, _)| name == "payload") {
        return Some(payload.into_owned().into_bytes());
    }
    if fields().any(|(name, _)| name == "ssl_check") {
        return None;
    }
    let fields = fields().take(COMMAND_FIELDS);
    let fields = fields.map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    Some(Value::Object(fields.collect()).to_string().into_bytes())
}

async fn remember(intake: &Intake, routed: Routed, body: Vec<u8>) -> Result<(), Error> {
    match &routed.event {
        SlackEvent::NotOurs => return Ok(()),
        SlackEvent::Unknown { kind } => {
            tracing::info!(
                kind,
                bytes = body.len(),
                "slack sent an event of an unknown kind; it is stored"
            );
            telemetry::unknown(Source::Slack.name());
        }
        SlackEvent::Message { .. }
        | SlackEvent::Oversized { .. }
        | SlackEvent::Edited { .. }
        | SlackEvent::Deleted { .. }
        | SlackEvent::Reaction { .. }
        | SlackEvent::Click(_)
        | SlackEvent::Filled(_) => {}
    }
    let received = intake.clock.now();
    let lane = match (routed.ticket, routed.about) {
        (Some(ticket), _) => Lane::Ticket(ticket),
        (None, Some((channel, ts))) => Lane::Message(channel, ts),
        (None, None) => Lane::Own(format!("slack:{}", routed.key)),
    };
    let key = routed.key;
    intake.put(NewItem { source: Source::Slack, lane, key, body, received, due: received }).await
}
