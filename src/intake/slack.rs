//! `POST /slack/events`: signature → lane and key → inbox → `200`; Socket Mode: the same without
//! the signature, as we opened the connection.
//!
//! Events, clicks and commands come to the same address and are told apart by their content. Dialogs
//! that are to open, commands and lists are answered by [`crate::dialog`] within Slack's three seconds. What
//! is certainly none of ours, such as the echo of our own posts, is answered and not stored.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;
use url::form_urlencoded;

use super::body::{header_names, media_type, read_body};
use super::error::Error;
use super::events::EventDoor;
use super::rejected_requests::RejectedRequestLog;
use crate::bounded;
use crate::dialog::Dialogs;
use crate::dialog::commands::Commands;
use crate::dialog::drafts::Drafts;
use crate::dialog::home_tabs::HomeTabs;
use crate::inbox::{AssignmentJob, NoticeJob};
use crate::model::{ChannelId, RoutedSlackEvent, SlackEvent};
use crate::slack::command::{CommandAction, SlashCommand};
use crate::slack::parse::{self, SlackRequest};
use crate::slack::socket::{PayloadNotStored, PayloadResult, PayloadTaker};
use crate::slack::switches::SwitchRequest;
use crate::slack::verify::{SIGNATURE_HEADER, SignatureCheck, TIMESTAMP_HEADER, Verifier};
use crate::slack::{ChannelRenames, Mask, MaskedAnswer, OwnIdentity};
use crate::store::{Lane, NewItem, Source};
use crate::telemetry;

/// Most fields of a command that are read; Slack sends about fifteen (`slack.md` B.2).
const COMMAND_FIELDS: usize = 100;

/// What Slack is answered.
#[derive(Clone, Debug, PartialEq)]
enum SlackAnswer {
    /// That it was taken.
    Nothing,
    /// The proof that the address is ours.
    Challenge(String),
    /// What it asked for.
    Json(MaskedAnswer),
}

/// Answers what Slack wants answered on the spot.
pub(crate) struct ImmediateAnswers {
    pub(crate) dialogs: Arc<Dialogs>,
    pub(crate) drafts: Arc<Drafts>,
    pub(crate) commands: Arc<Commands>,
    pub(crate) homes: Arc<HomeTabs>,
}

/// Takes in what Slack sends.
pub(crate) struct SlackDoor {
    pub(crate) events: Arc<EventDoor>,
    /// Knows Slack's signature; none in Socket Mode, in which Slack sends no requests.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) answers: ImmediateAnswers,
    /// Which numbers are hidden in what Slack is answered.
    pub(crate) mask: Mask,
    /// The channels that have got another id.
    pub(crate) renames: ChannelRenames,
    /// Who we are there. Before Slack has said so we are nobody; what we do ourselves is stored then, and
    /// passed over when it is handled.
    pub(crate) us: OwnIdentity,
    /// Told when Slack says that how we stand there may have changed.
    pub(crate) changed: Arc<Notify>,
    /// What would fill the log if strangers had their way.
    pub(crate) rejected_log: RejectedRequestLog,
}

/// Takes whatever Slack sends over HTTP.
#[tracing::instrument(level = "error", name = "request", skip_all, fields(from = "slack"))]
pub(super) async fn accept_request(
    State(door): State<Arc<SlackDoor>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let verifier = door.verifier.as_ref().ok_or(Error::SocketMode)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Before the body is read: without these it would be for nothing.
    let (Some(signature), Some(timestamp)) = (header(SIGNATURE_HEADER), header(TIMESTAMP_HEADER))
    else {
        return Err(door.reject_unsigned(&headers));
    };
    let body = read_body(body).await?;
    match verifier.check_signature(signature, timestamp, &body, door.events.clock.now()) {
        SignatureCheck::Genuine => {}
        SignatureCheck::Forged => return Err(door.reject_unsigned(&headers)),
        SignatureCheck::Stale(age) => return Err(door.reject_stale(age)),
    }
    let Some(json) = extract_json(&media_type(&headers), body) else {
        // Slack only wants to see whether we are there (`ssl_check`).
        return Ok(().into_response());
    };
    Ok(door.take_from_slack(json).await?.into_response())
}

impl PayloadTaker for SlackDoor {
    fn take_payload(&self, payload: Vec<u8>) -> BoxFuture<'_, PayloadResult> {
        Box::pin(async move {
            match self.take_from_slack(payload).await {
                Ok(SlackAnswer::Json(shown)) => Ok(Some(shown.into_json())),
                Ok(SlackAnswer::Nothing | SlackAnswer::Challenge(_)) => Ok(None),
                Err(error) => {
                    tracing::error!(%error, "slack has to send an event again");
                    Err(PayloadNotStored)
                }
            }
        })
    }
}

impl SlackDoor {
    /// Takes what Slack sent, given as JSON, whichever way it came. What cannot be read is taken,
    /// too, and counted: Slack would only send it again.
    async fn take_from_slack(&self, json: Vec<u8>) -> Result<SlackAnswer, Error> {
        let json = self.restore_channel_ids(json);
        let Some(request) = parse::parse_request(&json) else {
            tracing::warn!(bytes = json.len(), "slack sent what is no event in JSON");
            // Answered with 200 all the same: refusals count towards the share of failures at which
            // Slack switches the subscription off (`slack.md` B.1).
            telemetry::count_unknown(Source::Slack.name());
            return Ok(SlackAnswer::Nothing);
        };
        match request {
            SlackRequest::Challenge(challenge) => Ok(SlackAnswer::Challenge(challenge)),
            SlackRequest::Event(routed) => {
                self.store_routed(routed, json).await?;
                Ok(SlackAnswer::Nothing)
            }
            SlackRequest::Dialog(asked) => {
                // Where Slack opens no dialogs, *Close* works all the same; what was asked for is
                // then stored as a press.
                if !self.answers.dialogs.open_dialog(&asked).await
                    && let Some(routed) = parse::parse_without_dialog(&json)
                {
                    self.store_routed(routed, json).await?;
                }
                Ok(SlackAnswer::Nothing)
            }
            SlackRequest::Draft(drafted) => {
                Ok(self.to_json_answer(&self.answers.drafts.build_second_page(&drafted).await))
            }
            SlackRequest::TemplateDraft(drafted) => {
                Ok(self.to_json_answer(&self.answers.drafts.preview_template(&drafted).await))
            }
            SlackRequest::Close(close, routed) => {
                match self.answers.drafts.ask_before_close(&close).await {
                    Some(asked) => Ok(self.to_json_answer(&asked)),
                    None => self.store_routed(routed, json).await.map(|()| SlackAnswer::Nothing),
                }
            }
            SlackRequest::Options(search) => {
                Ok(self.to_json_answer(&self.answers.drafts.search_options(&search).await))
            }
            SlackRequest::Command(command) => self.answer_command(&command).await,
            SlackRequest::Switches(asked) => self.set_switches(&asked).await,
            SlackRequest::Home(user) => {
                self.answers.homes.open_home_tab(&user);
                Ok(SlackAnswer::Nothing)
            }
            SlackRequest::Renamed { old, new } => {
                self.record_channel_rename(&old, new).await?;
                Ok(SlackAnswer::Nothing)
            }
            SlackRequest::Dropped => {
                self.record_dropped_events();
                Ok(SlackAnswer::Nothing)
            }
            SlackRequest::HealthEvent(event) => {
                tracing::warn!(event, "slack tells of a change of the app or of a channel");
                self.changed.notify_one();
                Ok(SlackAnswer::Nothing)
            }
        }
    }

    async fn answer_command(&self, command: &SlashCommand) -> Result<SlackAnswer, Error> {
        let answer = self.answers.commands.answer_command(command).await;
        if command.wanted == CommandAction::Resume {
            self.note_free_agent().await?;
        }
        Ok(self.to_json_answer(&answer))
    }

    /// Keeps what somebody has ticked for themselves before Slack is answered.
    async fn set_switches(&self, asked: &SwitchRequest) -> Result<SlackAnswer, Error> {
        if let Err(error) = self.answers.homes.set_switches(asked).await {
            tracing::error!(%error, "what somebody has set for themselves is not stored");
            return Err(Error::NotStored);
        }
        self.note_free_agent().await?;
        Ok(SlackAnswer::Nothing)
    }

    /// Somebody may be back from a break, and tickets wait.
    async fn note_free_agent(&self) -> Result<(), Error> {
        let job = AssignmentJob::distribute_tickets(self.events.clock.now());
        self.events.store_event(job).await
    }

    /// Puts an event into its lane.
    async fn store_routed(&self, routed: RoutedSlackEvent, body: Vec<u8>) -> Result<(), Error> {
        match &routed.event {
            // Each post of ours comes back as an event (`slack.md` D.3); stored, they would be most
            // of the inbox.
            SlackEvent::NotOurs => return Ok(()),
            // So does each mark of ours, which by itself nothing tells from a person's.
            SlackEvent::Reaction { user, .. } if self.us.is_us(user) => return Ok(()),
            // Of these words nothing is kept but that there were some.
            SlackEvent::Outside { channel, user, ts } => {
                let job = NoticeJob::warn_outside(channel, user, ts, self.events.clock.now());
                return self.events.store_event(job).await;
            }
            SlackEvent::Unknown { kind } => {
                tracing::info!(
                    kind,
                    bytes = body.len(),
                    "slack sent an event of an unknown kind; it is stored"
                );
                telemetry::count_unknown(Source::Slack.name());
            }
            SlackEvent::Message { .. }
            | SlackEvent::Oversized { .. }
            | SlackEvent::Edited { .. }
            | SlackEvent::Deleted { .. }
            | SlackEvent::Reaction { .. }
            | SlackEvent::Click(_)
            | SlackEvent::Submitted(_) => {}
        }
        let received = self.events.clock.now();
        let lane = match (routed.ticket, routed.about) {
            (Some(ticket), _) => Lane::Replies(ticket),
            // Which ticket a message belongs to may not be known yet, as Slack's answer to our post
            // may come after it. Its lane is then moved to the ticket's
            // (`an_event_on_an_unknown_message_moves_to_the_tickets_lane_when_it_is_linked`).
            (None, Some((channel, ts))) => Lane::Message(channel, ts),
            (None, None) => Lane::Own(format!("slack:{}", routed.key)),
        };
        let key = routed.key;
        self.events
            .store_event(NewItem {
                source: Source::Slack,
                lane,
                key,
                body,
                received,
                due: received,
            })
            .await
    }

    /// Slack leaves events out. What people did meanwhile is looked for.
    fn record_dropped_events(&self) {
        tracing::warn!(
            "slack drops events, because there are more than it sends in an hour; what people did \
            in open tickets is looked for"
        );
        self.events.gaps.note_dropped_events();
    }

    fn to_json_answer(&self, answer: &impl Serialize) -> SlackAnswer {
        SlackAnswer::Json(self.mask.mask_answer(answer))
    }

    /// The same with the first ids of channels in the place of later ones.
    fn restore_channel_ids(&self, json: Vec<u8>) -> Vec<u8> {
        let renames = &self.renames;
        if renames.is_empty() {
            return json;
        }
        let sent = std::str::from_utf8(&json).ok();
        let sent =
            sent.and_then(|sent| bounded::parse_tree(sent).or_else(|| parse::parse_outline(sent)));
        let Some(mut sent) = sent else { return json };
        let is_renamed = renames.restore_first_ids(&mut sent);
        if is_renamed { sent.to_string().into_bytes() } else { json }
    }

    /// Notes that a channel has got another id. What came under that one before is looked for.
    async fn record_channel_rename(&self, old: &ChannelId, new: ChannelId) -> Result<(), Error> {
        let renames = &self.renames;
        let first = renames.first_id(old);
        // Stored before Slack is answered, as it tells of this once.
        if let Err(error) = self.events.store.rename_channel(&new, &first).await {
            tracing::error!(%error, "a channel's new id could not be stored; slack has to tell again");
            return Err(Error::NotStored);
        }
        tracing::warn!(slack.channel = %old, new = %new,
            "a channel has got another id; its tickets go on there. Where a setting names it, the \
            old id works on");
        renames.add_rename(new, first);
        self.events.gaps.note_gap();
        self.changed.notify_one();
        Ok(())
    }

    fn reject_unsigned(&self, headers: &HeaderMap) -> Error {
        telemetry::count_rejected(Source::Slack.name());
        if let Some(times) = self.rejected_log.unauthorized.note_occurrence() {
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
    fn reject_stale(&self, age: SignedDuration) -> Error {
        telemetry::count_rejected(Source::Slack.name());
        if let Some(times) = self.rejected_log.stale_signature.note_occurrence() {
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

impl IntoResponse for SlackAnswer {
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
fn extract_json(media_type: &str, body: Vec<u8>) -> Option<Vec<u8>> {
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
