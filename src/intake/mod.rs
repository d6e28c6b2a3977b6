//! The doors: everything that is sent to us, over HTTP or over the socket that Slack gave us.
//!
//! A door checks who knocks, finds lane and key of what was brought, puts it into the inbox and
//! answers. What an event means is found out later, by the handlers. What Slack wants to be answered on
//! the spot (a dialog, a command, a list) is handed to [`crate::dialog`].
//!
//! An event is kept byte for byte, but for the id of a channel that Slack has given another one.
//!
//! Invariant: a `200` for an event is sent only after the event is on the disk
//! (`a_full_disk_loses_nothing_and_the_bridge_goes_on_when_there_is_room_again`), and so is an
//! acknowledgement in Socket Mode
//! (`what_cannot_be_stored_is_not_acknowledged_and_comes_again`).

mod blip;
mod body;
mod downloads;
mod error;
mod events;
mod media;
mod ops;
mod rejected_requests;
pub mod server;
mod slack;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

pub(crate) use blip::{BlipDoor, WebhookAuth};
use body::BODY_LIMIT;
pub(crate) use downloads::Downloads;
use error::Error;
pub(crate) use events::EventDoor;
pub(crate) use media::{FileProvider, MediaDoor};
pub(crate) use ops::OperatorDoor;
pub(crate) use rejected_requests::RejectedRequestLog;
pub(crate) use slack::{ImmediateAnswers, SlackDoor};

use crate::store::Source;
use crate::telemetry;

/// How long an answer may take from the end of a request's head. Slack gives up on us after 3 s, but
/// a slow disk must not make the bridge write the same event again and again.
const REQUEST_DEADLINE: Duration = Duration::from_secs(20);

/// What each group of routes needs.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) blip: Arc<BlipDoor>,
    pub(crate) slack: Arc<SlackDoor>,
    pub(crate) media: Arc<MediaDoor>,
    pub(crate) operators: Arc<OperatorDoor>,
}

pub(crate) fn build_router(doors: Doors) -> Router {
    let timed = |source| from_fn_with_state(source, measure_answer);
    let blip = Router::new()
        .route("/blip/webhook", post(blip::accept_from_only_bot))
        .route("/blip/webhook/{bot}", post(blip::accept_from_bot))
        .route_layer(timed(Source::Blip))
        .with_state(doors.blip);
    let slack = Router::new()
        .route("/slack/events", post(slack::accept_request))
        .route_layer(timed(Source::Slack))
        .with_state(doors.slack);
    let media =
        Router::new().route("/media/{token}", get(media::serve_file)).with_state(doors.media);
    let operators = Router::new()
        .route("/healthz", get(ops::serve_health))
        .route("/readyz", get(ops::serve_readiness))
        .route("/metrics", get(ops::serve_metrics))
        .with_state(doors.operators);
    blip.merge(slack)
        .merge(media)
        .merge(operators)
        // In front of all doors, as a declared length that is too large is then refused unread.
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(from_fn(enforce_deadline))
        // The last resort: a panic becomes a 500, where the connection would end without an answer.
        .layer(CatchPanicLayer::new())
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
