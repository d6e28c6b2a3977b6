//! What an operator and a load balancer ask.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::model::{Readiness, ReadinessSource};
use crate::store::{InboxDepth, SharedStore, Source};
use crate::telemetry;

pub(crate) struct OperatorDoor {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    /// How the bridge is at the moment, but for the store.
    pub(crate) readiness: Arc<dyn ReadinessSource>,
}

/// `GET /healthz`: the process is alive.
pub(super) async fn serve_health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: events can be stored and read, and both platforms answer and accept our
/// credentials. What is to be mended, but keeps nobody from working, is told besides.
pub(super) async fn serve_readiness(State(door): State<Arc<OperatorDoor>>) -> (StatusCode, String) {
    let Readiness { troubles, warnings, outages } = check_readiness(&door).await;
    // Warnings do not change the status: a load balancer that takes the bridge out for them would
    // turn a nuisance into an outage.
    let (status, first) = if troubles.is_empty() {
        (StatusCode::OK, vec!["ready".to_owned()])
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, troubles)
    };
    let outages = outages.iter().map(ToString::to_string);
    let warnings = warnings.into_iter().chain(outages).map(|warning| format!("warning: {warning}"));
    let lines: Vec<String> = first.into_iter().chain(warnings).collect();
    (status, lines.join("\n") + "\n")
}

/// How the bridge is, the store included; the metrics tell whether anything keeps it from working.
async fn check_readiness(door: &OperatorDoor) -> Readiness {
    let mut readiness = door.readiness.read_readiness();
    if let Err(error) = door.store.check_health().await {
        let trouble = format!("the store does not work (DATABASE_URL): {error}");
        tracing::error!("{trouble}");
        readiness.troubles.push(trouble);
    }
    telemetry::record_readiness(readiness.troubles.is_empty());
    readiness
}

/// `GET /metrics`: the metrics in the text format of Prometheus.
pub(super) async fn serve_metrics(State(door): State<Arc<OperatorDoor>>) -> String {
    check_readiness(&door).await;
    // Read when somebody asks, so that metrics that nobody reads cost nothing.
    if let Ok(depth) = door.store.inbox_depth().await {
        record_depth(&depth, door.clock.now());
    }
    telemetry::render_metrics()
}

/// Tells how much waits, also of sources of which nothing does.
fn record_depth(depth: &InboxDepth, now: Timestamp) {
    for source in Source::ALL {
        let queue = depth.queue_of(source);
        let age = queue.map(|queue| now.duration_since(queue.oldest));
        let waiting = queue.map_or(0, |queue| queue.waiting);
        telemetry::record_queue(source.name(), waiting, age.unwrap_or_default());
    }
    telemetry::record_parked(depth.parked);
}
