//! What an operator and a load balancer ask.

use axum::extract::State;
use axum::http::StatusCode;

use super::Intake;
use crate::telemetry;

/// `GET /healthz`: the process is alive.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: events can be stored, and both platforms accept our credentials.
pub(super) async fn ready(State(intake): State<Intake>) -> (StatusCode, String) {
    let troubles = troubles(&intake).await;
    if troubles.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n")
    }
}

/// What keeps the bridge from working, the store included; the metrics tell whether there is anything.
async fn troubles(intake: &Intake) -> Vec<&'static str> {
    let mut troubles = (intake.troubles)();
    if let Err(error) = intake.store.check().await {
        tracing::error!(%error, "the store cannot be written to");
        troubles.push("the store cannot be written to");
    }
    telemetry::ready(troubles.is_empty());
    troubles
}

/// `GET /metrics`: the metrics in the text format of Prometheus.
pub(super) async fn metrics(State(intake): State<Intake>) -> String {
    troubles(&intake).await;
    if let Ok(depth) = intake.store.depth().await {
        let age = depth.oldest.map(|oldest| intake.clock.now().duration_since(oldest));
        telemetry::depth(depth.waiting, depth.parked, age.unwrap_or_default());
    }
    telemetry::render()
}
