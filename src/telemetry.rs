//! What the program tells of itself: its log, its metrics, its panics.
//!
//! The one place where metrics have names. Labels are constant words, never ids and never what
//! people wrote; the log carries ids, and the panic hook drops the message of a panic, because
//! it may quote what was being handled.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::SignedDuration;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

const ACCEPTED: &str = "blip_slack_events_accepted_total";
const REPEATED: &str = "blip_slack_events_repeated_total";
const UNKNOWN: &str = "blip_slack_events_unknown_total";
const SETTLED: &str = "blip_slack_events_handled_total";
const ACK_SECONDS: &str = "blip_slack_ack_seconds";
const CALLS: &str = "blip_slack_calls_total";
const CALL_SECONDS: &str = "blip_slack_call_seconds";
const WAITING: &str = "blip_slack_waiting_events";
const PARKED: &str = "blip_slack_parked_events";
const OLDEST: &str = "blip_slack_oldest_waiting_seconds";
const SOCKETS: &str = "blip_slack_socket_connections";
const UNREADABLE: &str = "blip_slack_socket_frames_unreadable_total";
const CLOCK_AHEAD: &str = "blip_slack_clock_ahead_seconds";
const TURNED_AWAY: &str = "blip_slack_requests_rejected_total";
const READY: &str = "blip_slack_ready";

/// Upper bounds in seconds: fine below the 3 s that Slack waits for an answer, coarse up to the
/// 65 s that we wait for Blip's.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 65.0];

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts the log, the metrics and the panic hook.
///
/// `filter` is what `LOG` holds; one that cannot be read counts as `info`. Where a log is started
/// already, as in tests, that one stays.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        log.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    std::panic::set_hook(Box::new(log_panic));
    metrics();
}

/// The metrics in the text format of Prometheus.
pub fn render() -> String {
    metrics().render()
}

/// Folds what histograms have gathered since the last time; without it, and without anybody who
/// asks for [`render`], they would grow. To be called now and then.
pub fn tidy() {
    metrics().run_upkeep();
}

/// An event was stored. `source` is the name of a `store::Source`, here and below.
pub fn accepted(source: &'static str) {
    counter!(ACCEPTED, "source" => source).increment(1);
}

/// An event was stored before.
pub fn repeated(source: &'static str) {
    counter!(REPEATED, "source" => source).increment(1);
}

/// An event is well-formed and of no kind that we know.
pub fn unknown(source: &'static str) {
    counter!(UNKNOWN, "source" => source).increment(1);
}

/// Events got this verdict, the name of a `store::Verdict`.
pub fn settled(source: &'static str, verdict: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    counter!(SETTLED, "source" => source, "outcome" => verdict).increment(count);
}

/// A request of a platform was taken, so long after it arrived.
pub fn acknowledged(source: &'static str, after: Duration) {
    histogram!(ACK_SECONDS, "source" => source).record(after);
}

/// A platform was called, which took so long; `outcome` is `ok` or the name of a `Fault`.
pub fn called(platform: &'static str, outcome: &'static str, took: Duration) {
    counter!(CALLS, "platform" => platform, "outcome" => outcome).increment(1);
    histogram!(CALL_SECONDS, "platform" => platform).record(took);
}

/// So many events wait for their turn and so many for a person, and the oldest waits so long.
pub fn depth(waiting: u64, parked: u64, oldest: SignedDuration) {
    #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
    let [waiting, parked] = [waiting as f64, parked as f64];
    gauge!(WAITING).set(waiting);
    gauge!(PARKED).set(parked);
    gauge!(OLDEST).set(oldest.as_secs_f64().max(0.0));
}

/// So many connections of Socket Mode are open.
pub fn sockets(open: usize) {
    gauge!(SOCKETS).set(u32::try_from(open).unwrap_or(u32::MAX));
}

/// Something came over Socket Mode that cannot be read.
pub fn unreadable() {
    counter!(UNREADABLE).increment(1);
}

/// Slack's clock is so far ahead of ours, or behind if negative.
pub fn slack_clock_ahead(ahead: SignedDuration) {
    gauge!(CLOCK_AHEAD).set(ahead.as_secs_f64());
}

/// Somebody came to a platform's door who is not that platform.
pub fn turned_away(source: &'static str) {
    counter!(TURNED_AWAY, "source" => source).increment(1);
}

/// Whether the bridge can do its work now.
pub fn ready(ready: bool) {
    gauge!(READY).set(if ready { 1.0 } else { 0.0 });
}

fn metrics() -> &'static PrometheusHandle {
    METRICS.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
        let recorder = builder.expect("there are buckets").build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("metrics go to another recorder and will not be shown");
        }
        describe();
        handle
    })
}

fn describe() {
    describe_counter!(ACCEPTED, "Events that were stored");
    describe_counter!(REPEATED, "Events that had been stored before and were not stored again");
    describe_counter!(UNKNOWN, "Well-formed events of a kind that the bridge does not know");
    describe_counter!(SETTLED, "What became of events; parked ones wait for a person");
    describe_histogram!(
        ACK_SECONDS,
        Unit::Seconds,
        "Time from a request that was taken to its answer"
    );
    describe_counter!(CALLS, "Calls to Blip and Slack by how they ended");
    describe_histogram!(CALL_SECONDS, Unit::Seconds, "Time that calls to Blip and Slack took");
    describe_gauge!(WAITING, "Events that wait for their turn");
    describe_gauge!(PARKED, "Events that wait for a person");
    describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest event that waits for its turn");
    describe_gauge!(SOCKETS, "Open connections of Socket Mode; not shown without Socket Mode");
    describe_counter!(UNREADABLE, "Frames of Socket Mode that could not be read");
    describe_gauge!(
        CLOCK_AHEAD,
        Unit::Seconds,
        "How far the clock of Slack is ahead of ours; beyond 300, its requests are refused"
    );
    describe_counter!(TURNED_AWAY, "Requests without a token or signature that we accept");
    describe_gauge!(READY, "1 if the bridge can do its work now, else 0");
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name(), "the program has a bug: a task panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_shown_with_its_help() {
        metrics();
        accepted("blip");
        repeated("blip");
        unknown("slack");
        settled("slack", "done", 3);
        acknowledged("blip", Duration::from_millis(7));
        called("slack", "ok", Duration::from_secs(2));
        depth(5, 1, SignedDuration::from_secs(-3));
        sockets(2);
        unreadable();
        slack_clock_ahead(SignedDuration::from_secs(-2));
        turned_away("slack");
        ready(true);
        let text = render();
        let names =
            [ACCEPTED, REPEATED, UNKNOWN, SETTLED, ACK_SECONDS, CALLS, CALL_SECONDS, WAITING]
                .into_iter()
                .chain([PARKED, OLDEST, SOCKETS, UNREADABLE, CLOCK_AHEAD, TURNED_AWAY, READY]);
        for name in names {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} in\n{text}");
        }
        for line in [
            r#"blip_slack_events_handled_total{source="slack",outcome="done"} 3"#,
            r#"blip_slack_ack_seconds_bucket{source="blip",le="0.01"} 1"#,
            r#"blip_slack_call_seconds_bucket{platform="slack",le="1"} 0"#,
            r#"blip_slack_call_seconds_bucket{platform="slack",le="2.5"} 1"#,
            "blip_slack_oldest_waiting_seconds 0",
            "blip_slack_socket_connections 2",
            "blip_slack_clock_ahead_seconds -2",
            "blip_slack_ready 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        tidy();
    }

    #[test]
    fn starting_twice_does_no_harm() {
        let hook = std::panic::take_hook();
        start("off", false);
        start("not=a=filter", true);
        std::panic::set_hook(hook);
    }
}
