//! What the program tells of itself: its log, its metrics, its traces, its panics.
//!
//! The one place where metrics have names. Labels are constant words, never ids and never what
//! people wrote; the log carries ids, and the panic hook drops the message of a panic, because
//! it may quote what was being handled.

#[cfg(feature = "otlp")]
mod traces;

use std::fmt::Display;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::{Span, Subscriber, error_span, field};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

#[cfg(feature = "otlp")]
pub use traces::Traces;

const EVENTS_ACCEPTED: &str = "blip_slack_events_accepted_total";
const EVENTS_REPEATED: &str = "blip_slack_events_repeated_total";
const EVENTS_UNKNOWN: &str = "blip_slack_events_unknown_total";
const ITEM_OUTCOMES: &str = "blip_slack_events_handled_total";
const ACK_SECONDS: &str = "blip_slack_ack_seconds";
const PLATFORM_CALLS: &str = "blip_slack_calls_total";
const CALL_SECONDS: &str = "blip_slack_call_seconds";
const WAIT_SECONDS: &str = "blip_slack_wait_seconds";
const DELIVERY_SECONDS: &str = "blip_slack_delivery_seconds";
const WAITING_ITEMS: &str = "blip_slack_waiting_events";
const PARKED_ITEMS: &str = "blip_slack_parked_events";
const OLDEST_WAITING_SECONDS: &str = "blip_slack_oldest_waiting_seconds";
const PACE_WAIT_SECONDS: &str = "blip_slack_pace_wait_seconds";
const STORE_SECONDS: &str = "blip_slack_store_seconds";
const STORE_BATCH_WRITES: &str = "blip_slack_store_batch_writes";
const FILES: &str = "blip_slack_files_total";
const FILE_BYTES: &str = "blip_slack_file_bytes_total";
const FILE_SECONDS: &str = "blip_slack_file_seconds";
const FILES_UNDER_WAY: &str = "blip_slack_files_under_way";
const SLACK_SOCKETS: &str = "blip_slack_socket_connections";
const UNREADABLE_FRAMES: &str = "blip_slack_socket_frames_unreadable_total";
const CLOCK_AHEAD: &str = "blip_slack_clock_ahead_seconds";
const REQUESTS_REJECTED: &str = "blip_slack_requests_rejected_total";
const BRIDGE_READY: &str = "blip_slack_ready";

/// Upper bounds in seconds: fine below the 3 s that Slack waits for an answer, coarse up to the
/// 65 s that we wait for Blip's.
const DURATION_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 65.0];
/// Upper bounds of how many writes share a commit; the largest is what SQLite's thread takes at once.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Upper bounds in seconds of what a file may take: most pictures are there within one, and a large file
/// may take an hour (`handlers::to_slack::transfers`).
const FILE_BUCKETS: &[f64] = &[0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

static METRICS_HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts the log, the metrics and the panic hook.
///
/// `filter` is what `LOG` holds; one that cannot be read counts as `info`. Where a log is started
/// already, as in tests, that one stays.
pub fn start_telemetry(filter: &str, json: bool) {
    start_with_log(registry().with(build_log(filter, json)));
}

/// The same, and sends traces besides.
#[cfg(feature = "otlp")]
pub fn start_telemetry_with_traces(filter: &str, json: bool, traces: &Traces) {
    start_with_log(registry().with(build_log(filter, json)).with(traces.layer()));
}

fn start_with_log(log: impl Subscriber + Send + Sync) {
    if log.try_init().is_err() {
        tracing::debug!("the log was started before");
    }
    std::panic::set_hook(Box::new(log_panic));
    metrics_handle();
}

fn build_log<S>(filter: &str, json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Standard output belongs to what commands print, such as an export.
    let log = fmt::layer().with_writer(std::io::stderr);
    if json {
        // The list of spans has the innermost one as well, which would be written twice.
        let log = log.json().flatten_event(true).with_current_span(false).with_span_list(true);
        log.with_filter(filter).boxed()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
    }
}

/// The span of work on a lane: each log line below it carries the lane and, if it is that of a
/// ticket, the ticket.
///
/// Spans are of the highest level, here and elsewhere: with `LOG=warn` a warning still says what it
/// is about.
pub(crate) fn lane_span(lane: &str) -> Span {
    let span = error_span!("lane", lane, ticket.id = field::Empty);
    if let Some(ticket) = lane.strip_prefix("ticket:").or_else(|| lane.strip_prefix("reply:")) {
        span.record("ticket.id", ticket);
    }
    span
}

/// The span of taking in one event. Its key is made of the ids that the platform gave it, and is the
/// same here and where it is handled ([`event_span`]), so it follows a message to the other side.
pub(crate) fn accept_span(source: &'static str, key: &str) -> Span {
    error_span!("accept", source, key)
}

/// The span of one event or job that is being handled.
pub(crate) fn event_span(source: &'static str, id: i64, key: &str, attempts: u32) -> Span {
    error_span!("event", source, id, key, attempt = attempts + 1, ticket.id = field::Empty)
}

/// Says which ticket the event or job of this span is about, where its lane does not tell. Lines below
/// it need not say so themselves.
pub(crate) fn record_ticket(ticket: &impl Display) {
    Span::current().record("ticket.id", field::display(ticket));
}

/// The metrics in the text format of Prometheus.
pub fn render_metrics() -> String {
    metrics_handle().render()
}

/// Folds what histograms have gathered since the last time; without it, and without anybody who
/// asks for [`render_metrics`], they would grow. To be called now and then.
pub(crate) fn compact_histograms() {
    metrics_handle().run_upkeep();
}

/// An event was stored. `source` is the name of a `store::Source`, here and below.
pub(crate) fn count_accepted(source: &'static str) {
    counter!(EVENTS_ACCEPTED, "source" => source).increment(1);
}

/// An event was stored before.
pub(crate) fn count_repeated(source: &'static str) {
    counter!(EVENTS_REPEATED, "source" => source).increment(1);
}

/// An event is well-formed and of no kind that we know.
pub(crate) fn count_unknown(source: &'static str) {
    counter!(EVENTS_UNKNOWN, "source" => source).increment(1);
}

/// An event or job of this kind ended like this, the name of a `store::StoredOutcome`.
pub(crate) fn count_outcome(source: &'static str, kind: &'static str, outcome: &'static str) {
    counter!(ITEM_OUTCOMES, "source" => source, "kind" => kind, "outcome" => outcome).increment(1);
}

/// A request of a platform was taken, so long after it arrived.
pub(crate) fn record_ack(source: &'static str, after: Duration) {
    histogram!(ACK_SECONDS, "source" => source).record(after);
}

/// An event is handled for the first time, so long after it arrived: its lane had others before it,
/// or no worker was free.
pub(crate) fn record_wait(source: &'static str, after: Duration) {
    histogram!(WAIT_SECONDS, "source" => source).record(after);
}

/// All that an event asks for is done, so long after it arrived.
pub(crate) fn record_delivery(source: &'static str, after: Duration) {
    histogram!(DELIVERY_SECONDS, "source" => source).record(after);
}

/// A method of a platform was called, which took so long; `outcome` is `ok` or the name of a `Fault`.
pub(crate) fn record_call(
    platform: &'static str,
    method: &'static str,
    outcome: &'static str,
    took: Duration,
) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(platform, outcome, took_ms, "a call was made");
    let calls =
        counter!(PLATFORM_CALLS, "platform" => platform, "method" => method, "outcome" => outcome);
    calls.increment(1);
    histogram!(CALL_SECONDS, "platform" => platform).record(took);
}

/// A call may have been made twice: this process was held up in the middle of an event for longer than its lease
/// lasts, and whoever took the event over may have made the same call.
pub(crate) fn count_doubled_call(platform: &'static str, call: &str) {
    let method = call.to_owned();
    counter!(PLATFORM_CALLS, "platform" => platform, "method" => method, "outcome" => "doubled")
        .increment(1);
}

/// So many events of a source wait for their turn, and the oldest waits so long.
pub(crate) fn record_queue(source: &'static str, waiting: u64, oldest: SignedDuration) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, more than any disk holds")]
    gauge!(WAITING_ITEMS, "source" => source).set(waiting as f64);
    // Below zero if the clock was set back, which no alert expects.
    gauge!(OLDEST_WAITING_SECONDS, "source" => source).set(oldest.as_secs_f64().max(0.0));
}

/// So many events wait for a person.
pub(crate) fn record_parked(parked: u64) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, more than any disk holds")]
    gauge!(PARKED_ITEMS).set(parked as f64);
}

/// A post has to wait so long for a slot of its channel.
pub(crate) fn record_pace_wait(wait: Duration) {
    histogram!(PACE_WAIT_SECONDS).record(wait);
}

/// The store was asked something and answered so long after.
pub(crate) fn record_store_time(took: Duration) {
    histogram!(STORE_SECONDS).record(took);
}

/// So many writes shared one commit.
pub(crate) fn record_store_batch(writes: usize) {
    histogram!(STORE_BATCH_WRITES).record(u32::try_from(writes).unwrap_or(u32::MAX));
}

/// A file on its way: one of a customer to Slack (`blip`), or one of an agent to a customer (`slack`).
/// How it ended is counted when this is dropped.
#[derive(Debug)]
pub(crate) struct FileOnItsWay {
    source: &'static str,
    began: Instant,
    bytes: u64,
    outcome: Option<&'static str>,
}

/// The outcome of a file that came over whole.
const FILE_OK: &str = "ok";

impl FileOnItsWay {
    /// It begins. Unless told otherwise, it was broken off in the end.
    pub(crate) fn begin(source: &'static str) -> Self {
        gauge!(FILES_UNDER_WAY, "source" => source).increment(1.0);
        Self { source, began: Instant::now(), bytes: 0, outcome: Some("broken_off") }
    }

    /// So many bytes of it went through.
    pub(crate) fn pass_bytes(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// How many bytes of it went through.
    pub(crate) fn passed_bytes(&self) -> u64 {
        self.bytes
    }

    /// It came over whole.
    pub(crate) fn end_whole(&mut self) {
        self.outcome = Some(FILE_OK);
    }

    /// It ended otherwise, by this constant word.
    pub(crate) fn end_as(&mut self, outcome: &'static str) {
        self.outcome = Some(outcome);
    }

    /// It was no file: nothing is counted.
    pub(crate) fn forget(mut self) {
        self.outcome = None;
    }
}

impl Drop for FileOnItsWay {
    fn drop(&mut self) {
        let source = self.source;
        gauge!(FILES_UNDER_WAY, "source" => source).decrement(1.0);
        let Some(outcome) = self.outcome else { return };
        counter!(FILES, "source" => source, "outcome" => outcome).increment(1);
        counter!(FILE_BYTES, "source" => source).increment(self.bytes);
        if outcome == FILE_OK {
            histogram!(FILE_SECONDS, "source" => source).record(self.began.elapsed());
        }
    }
}

/// So many connections of Socket Mode are open.
pub(crate) fn record_sockets(open: usize) {
    gauge!(SLACK_SOCKETS).set(u32::try_from(open).unwrap_or(u32::MAX));
}

/// Something came over Socket Mode that cannot be read.
pub(crate) fn count_unreadable() {
    counter!(UNREADABLE_FRAMES).increment(1);
}

/// Slack's clock is so far ahead of ours, or behind if negative.
pub(crate) fn record_clock_ahead(ahead: SignedDuration) {
    gauge!(CLOCK_AHEAD).set(ahead.as_secs_f64());
}

/// Somebody came to a platform's door who is not that platform.
pub(crate) fn count_rejected(source: &'static str) {
    counter!(REQUESTS_REJECTED, "source" => source).increment(1);
}

/// Whether the bridge can do its work now.
pub(crate) fn record_readiness(ready: bool) {
    gauge!(BRIDGE_READY).set(if ready { 1.0 } else { 0.0 });
}

fn metrics_handle() -> &'static PrometheusHandle {
    METRICS_HANDLE.get_or_init(|| {
        let batches = Matcher::Full(STORE_BATCH_WRITES.to_owned());
        let files = Matcher::Full(FILE_SECONDS.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets(DURATION_BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(batches, BATCH_BUCKETS))
            .and_then(|builder| builder.set_buckets_for_metric(files, FILE_BUCKETS));
        let recorder = builder.expect("there are buckets").build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("metrics go to another recorder and will not be shown");
        }
        describe_metrics();
        handle
    })
}

fn describe_metrics() {
    describe_counter!(EVENTS_ACCEPTED, "Events that were stored");
    describe_counter!(
        EVENTS_REPEATED,
        "Events that had been stored before and were not stored again"
    );
    describe_counter!(EVENTS_UNKNOWN, "Well-formed events of a kind that the bridge does not know");
    describe_counter!(
        ITEM_OUTCOMES,
        "What became of events and jobs of each kind; parked ones wait for a person"
    );
    describe_histogram!(
        ACK_SECONDS,
        Unit::Seconds,
        "Time from a request that was taken to its answer"
    );
    describe_counter!(PLATFORM_CALLS, "Calls to Blip and Slack by method and by how they ended");
    describe_histogram!(CALL_SECONDS, Unit::Seconds, "Time that calls to Blip and Slack took");
    describe_histogram!(
        WAIT_SECONDS,
        Unit::Seconds,
        "Time from the arrival of an event to the first try to handle it"
    );
    describe_histogram!(
        DELIVERY_SECONDS,
        Unit::Seconds,
        "Time from the arrival of an event until all that it asks for is done"
    );
    describe_gauge!(WAITING_ITEMS, "Events that wait for their turn");
    describe_histogram!(
        PACE_WAIT_SECONDS,
        Unit::Seconds,
        "Time that posts waited for the turn of their channel; those that need not are not counted"
    );
    describe_histogram!(
        STORE_SECONDS,
        Unit::Seconds,
        "Time from a question to the store, or a write, to its answer"
    );
    describe_histogram!(STORE_BATCH_WRITES, "Writes that shared a commit");
    describe_files();
    describe_gauge!(PARKED_ITEMS, "Events that wait for a person");
    describe_gauge!(
        OLDEST_WAITING_SECONDS,
        Unit::Seconds,
        "Age of the oldest event that waits for its turn"
    );
    describe_gauge!(
        SLACK_SOCKETS,
        "Open connections of Socket Mode; not shown without Socket Mode"
    );
    describe_counter!(UNREADABLE_FRAMES, "Frames of Socket Mode that could not be read");
    describe_gauge!(
        CLOCK_AHEAD,
        Unit::Seconds,
        "How far the clock of Slack is ahead of ours; beyond 300, its requests are refused"
    );
    describe_counter!(REQUESTS_REJECTED, "Requests without a token or signature that we accept");
    describe_gauge!(BRIDGE_READY, "1 if the bridge can do its work now, else 0");
}

fn describe_files() {
    describe_counter!(
        FILES,
        "Tries to bring a customer's file to Slack (source blip) or an agent's to a customer (slack), by outcome"
    );
    describe_counter!(FILE_BYTES, Unit::Bytes, "Bytes of files that went through");
    describe_histogram!(FILE_SECONDS, Unit::Seconds, "Time that files took that came over whole");
    describe_gauge!(FILES_UNDER_WAY, "Files that are on their way");
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name(), "the program has a bug: a task panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_everything() {
        metrics_handle();
        count_accepted("blip");
        count_repeated("blip");
        count_unknown("slack");
        count_outcome("slack", "message", "done");
        record_ack("blip", Duration::from_millis(7));
        record_wait("blip", Duration::from_millis(3));
        record_delivery("blip", Duration::from_secs(1));
        record_call("slack", "auth.test", "ok", Duration::from_secs(2));
        record_queue("blip", 5, SignedDuration::from_secs(-3));
        record_parked(1);
        record_pace_wait(Duration::from_secs(1));
        record_store_time(Duration::from_millis(1));
        record_store_batch(3);
        let mut file = FileOnItsWay::begin("blip");
        file.pass_bytes(300);
        file.end_whole();
        drop(file);
        FileOnItsWay::begin("slack").forget();
        record_sockets(2);
        count_unreadable();
        record_clock_ahead(SignedDuration::from_secs(-2));
        count_rejected("slack");
        record_readiness(true);
    }

    #[test]
    fn every_metric_is_shown_with_its_help() {
        record_everything();
        let text = render_metrics();
        let names = [
            EVENTS_ACCEPTED,
            EVENTS_REPEATED,
            EVENTS_UNKNOWN,
            ITEM_OUTCOMES,
            ACK_SECONDS,
            PLATFORM_CALLS,
            CALL_SECONDS,
            WAIT_SECONDS,
            DELIVERY_SECONDS,
            WAITING_ITEMS,
        ]
        .into_iter()
        .chain([
            PARKED_ITEMS,
            OLDEST_WAITING_SECONDS,
            SLACK_SOCKETS,
            UNREADABLE_FRAMES,
            CLOCK_AHEAD,
            REQUESTS_REJECTED,
            BRIDGE_READY,
            PACE_WAIT_SECONDS,
            STORE_SECONDS,
            STORE_BATCH_WRITES,
            FILES,
            FILE_BYTES,
            FILE_SECONDS,
            FILES_UNDER_WAY,
        ]);
        for name in names {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} in\n{text}");
        }
        for line in [
            r#"blip_slack_events_handled_total{source="slack",kind="message",outcome="done"} 1"#,
            r#"blip_slack_ack_seconds_bucket{source="blip",le="0.01"} 1"#,
            r#"blip_slack_call_seconds_bucket{platform="slack",le="1"} 0"#,
            r#"blip_slack_call_seconds_bucket{platform="slack",le="2.5"} 1"#,
            r#"blip_slack_oldest_waiting_seconds{source="blip"} 0"#,
            r#"blip_slack_store_batch_writes_bucket{le="4"} 1"#,
            r#"blip_slack_files_total{source="blip",outcome="ok"} 1"#,
            r#"blip_slack_file_bytes_total{source="blip"} 300"#,
            r#"blip_slack_file_seconds_bucket{source="blip",le="3600"} 1"#,
            r#"blip_slack_files_under_way{source="blip"} 0"#,
            r#"blip_slack_files_under_way{source="slack"} 0"#,
            "blip_slack_socket_connections 2",
            "blip_slack_clock_ahead_seconds -2",
            "blip_slack_ready 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        compact_histograms();
    }

    #[test]
    fn starting_twice_does_no_harm() {
        let hook = std::panic::take_hook();
        start_telemetry("off", false);
        start_telemetry("not=a=filter", true);
        std::panic::set_hook(hook);
    }
}
