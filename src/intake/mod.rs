//! The doors: everything that is sent to us, over HTTP or over the socket that Slack gave us.
//!
//! A door checks who knocks, finds lane and key of what was brought, puts it into the inbox byte
//! for byte and answers. It calls nobody and decides nothing: what an event means is found out
//! later, by the pipes.
//!
//! Invariant: a `200` for an event is sent only after the event is on the disk
//! (`a_full_disk_loses_nothing_and_the_bridge_goes_on_when_there_is_room_again`), and so is an
//! acknowledgement in Socket Mode
//! (`what_cannot_be_stored_is_not_acknowledged_and_comes_again`).

mod blip;
mod downloads;
mod error;
mod media;
mod ops;
mod rejected_requests;
pub mod server;
mod slack;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::Notify;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::Instrument;

pub(crate) use downloads::Downloads;
pub(crate) use error::Error;
pub(crate) use rejected_requests::RejectedRequestLog;
pub(crate) use slack::SlackAnswer;

use self::server::BodyError;
use crate::clock::Clock;
use crate::dialog::Dialogs;
use crate::media::{FileRequest, FileUnavailable, ServedFile};
use crate::model::{BotName, Readiness};
use crate::slack::verify::Verifier;
use crate::store::{Accepted, NewItem, SharedStore, Source};
use crate::telemetry;

/// The largest body that is taken, in bytes. Neither platform documents a limit; what they send
/// is far smaller, as files come as links.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
/// How long an answer may take from the end of a request's head. Slack gives up on us after 3 s, but
/// a slow disk must not make the bridge write the same event again and again.
const REQUEST_DEADLINE: Duration = Duration::from_secs(20);

/// What the doors need.
#[derive(Clone)]
pub(crate) struct Intake {
    /// Where events go.
    pub(crate) store: SharedStore,
    /// The time.
    pub(crate) clock: Clock,
    /// The Blip bots that may knock, by name.
    pub(crate) bots: Arc<HashMap<BotName, WebhookAuth>>,
    /// The former names of bots: open tickets of theirs keep them.
    pub(crate) former: Arc<HashMap<BotName, Vec<BotName>>>,
    /// Knows Slack's signature; none in Socket Mode, in which Slack sends no requests.
    pub(crate) verifier: Option<Verifier>,
    /// Finds the file behind an address of ours: the one thing here that is answered by asking
    /// somebody else.
    pub(crate) files: FileProvider,
    /// How many files are handed out at once.
    pub(crate) downloads: Downloads,
    /// Told when Slack says that how we stand there may have changed.
    pub(crate) changed: Arc<Notify>,
    /// Told when there may be something in Slack that we were not told of.
    pub(crate) note_gap: Arc<dyn Fn() + Send + Sync>,
    /// Told when Slack says that it drops events.
    pub(crate) note_dropped: Arc<dyn Fn() + Send + Sync>,
    /// What would fill the log if strangers had their way.
    pub(crate) rejected_log: RejectedRequestLog,
    /// Answers what Slack wants answered on the spot.
    pub(crate) dialogs: Dialogs,
    /// How the bridge is at the moment, but for the store.
    pub(crate) readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
}

/// Finds the file behind an address of ours.
pub(crate) type FileProvider = Arc<
    dyn Fn(FileRequest) -> BoxFuture<'static, Result<ServedFile, FileUnavailable>> + Send + Sync,
>;

/// How a Blip bot proves that it is one.
#[derive(Clone)]
pub(crate) struct WebhookAuth {
    /// The tokens that are accepted; none means that anybody may knock.
    pub(crate) tokens: Vec<SecretString>,
    /// The header that carries the token.
    pub(crate) header: String,
}

/// All routes.
pub(crate) fn build_router(intake: Intake) -> Router {
    let timed = |source| from_fn_with_state(source, measure_answer);
    Router::new()
        .route("/blip/webhook", post(blip::accept_from_only_bot).layer(timed(Source::Blip)))
        .route("/blip/webhook/{bot}", post(blip::accept_from_bot).layer(timed(Source::Blip)))
        .route("/slack/events", post(slack::accept_request).layer(timed(Source::Slack)))
        .route("/media/{token}", get(media::serve_file))
        .route("/healthz", get(ops::serve_health))
        .route("/readyz", get(ops::serve_readiness))
        .route("/metrics", get(ops::serve_metrics))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(from_fn(enforce_deadline))
        .layer(CatchPanicLayer::new())
        .with_state(intake)
}

impl Intake {
    /// Puts an event into the inbox.
    async fn store_event(&self, item: NewItem) -> Result<(), Error> {
        let span = telemetry::accept_span(item.source.name(), &item.key);
        self.store_in_span(item).instrument(span).await
    }

    async fn store_in_span(&self, item: NewItem) -> Result<(), Error> {
        let (source, is_slack) = (item.source.name(), item.source == Source::Slack);
        match self.store.accept(item).await {
            Ok(Accepted::New) => {
                tracing::debug!("an event was taken in");
                telemetry::count_accepted(source);
            }
            Ok(Accepted::Repeat) => {
                tracing::debug!("an event came again");
                telemetry::count_repeated(source);
            }
            Err(error) => {
                tracing::error!(%error, source, "an event could not be stored; the sender is asked to repeat it");
                if is_slack {
                    // It repeats for some minutes only; what is lost by then is looked for as soon
                    // as the store works.
                    (self.note_gap)();
                }
                return Err(Error::NotStored);
            }
        }
        Ok(())
    }
}

/// Measures how long a platform waits until its request is taken.
async fn measure_answer(State(source): State<Source>, request: Request, next: Next) -> Response {
    let arrived = Instant::now();
    let answer = next.run(request).await;
    if answer.status().is_success() {
        telemetry::record_ack(source.name(), arrived.elapsed());
    }
    answer
}

/// Lets nobody wait for ever. What was handed to the store by then may still be kept; its repeat is
/// recognised.
async fn enforce_deadline(request: Request, next: Next) -> Result<Response, Error> {
    tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await.map_err(|_late| {
        tracing::error!(
            "a request could not be answered in time; its sender is asked to repeat it"
        );
        Error::NotStored
    })
}

/// Reads a body that is not larger than [`BODY_LIMIT`].
async fn read_body(body: Body) -> Result<Vec<u8>, Error> {
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(to_body_error(&error)),
    }
}

/// Why a body could not be read.
fn to_body_error(error: &axum::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<BodyError>() {
            Some(BodyError::TooSlow) => return Error::TooSlow,
            Some(BodyError::TooMuch) => return Error::TooMuch,
            None if error.is::<http_body_util::LengthLimitError>() => return Error::TooLarge,
            None => cause = error.source(),
        }
    }
    Error::Unreadable
}

/// The media type of a request without its parameters, in lower case; empty if it has none.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(axum::http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.and_then(|v| v.split(';').next()).unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Names of the headers of a request that was turned away, for the operator's log: a token may be
/// in another one than expected. Never their values, and no more of them than a platform sends.
fn header_names(headers: &HeaderMap) -> String {
    let names = headers.keys().map(axum::http::HeaderName::as_str);
    names.filter(|name| name.len() <= 40).take(30).collect::<Vec<_>>().join(" ")
}
