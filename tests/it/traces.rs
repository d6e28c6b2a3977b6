//! Traces for OpenTelemetry, and the one id that follows a message through the log.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use serde_json::Value;

use crate::support::{Bridge, Service};

/// What a customer and an agent write, which is to be in no log and no trace.
const WORDS: [&str; 2] = ["xyzzy-of-the-customer", "plugh-of-the-agent"];

/// One word each way, through the real program with these settings; its log once it has stopped.
async fn converse(settings: &[(&str, &str)]) -> String {
    let mut bridge = Bridge::with(settings).await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let (ticket, card) = bridge.ticket("Eva", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), WORDS[1]).await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket).contains(&WORDS[1].to_owned())).await;
    bridge.blip.says(&ticket, WORDS[0]).await.unwrap();
    let is_shown = || bridge.said(&card).iter().any(|said| said.contains(WORDS[0]));
    bridge.until("the customer's words", is_shown).await;
    service.idle(Duration::from_secs(20)).await;
    assert!(service.terminate().await.success(), "{}", service.log());
    let log = service.log();
    assert!(WORDS.iter().all(|words| !log.contains(words)), "{log}");
    log
}

/// The lines of a log that is written as JSON.
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A field of the span of this name in which a line was logged.
fn of_span<'a>(line: &'a Value, span: &str, field: &str) -> Option<&'a str> {
    let mut spans = line["spans"].as_array()?.iter();
    spans.find(|found| found["name"] == span)?[field].as_str()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_follows_a_message_from_one_platform_to_the_other() {
    let settings = [("LOG", "info,blip_slack=debug"), ("LOG_FORMAT", "json")];
    let lines = lines(&converse(&settings).await);
    for (from, prefix, to, field, call) in [
        ("blip", "m:", "slack", "method", "chat.postMessage"),
        ("slack", "m:", "blip", "operation", "send message"),
    ] {
        let is_taken = |line: &&Value| line["message"] == "an event was taken in";
        let taken = lines.iter().filter(is_taken);
        let of_source = taken.filter(|line| of_span(line, "accept", "source") == Some(from));
        let keys = of_source.filter_map(|line| of_span(line, "accept", "key"));
        let keys: Vec<&str> = keys.filter(|key| key.starts_with(prefix)).collect();
        let is_passed_on = |key: &&&str| {
            lines.iter().any(|line| {
                line["message"] == "a call was made"
                    && of_span(line, "event", "key") == Some(key)
                    && of_span(line, to, field) == Some(call)
            })
        };
        assert!(keys.iter().any(|key| is_passed_on(&key)), "{from}: {keys:?}\n{lines:#?}");
    }
}

#[cfg(not(feature = "otlp"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_traces_says_so_if_they_are_wanted() {
    let log = converse(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")]).await;
    let mut warnings = log.lines().filter(|line| line.contains("WARN"));
    let is_told = |line: &str| {
        line.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && line.contains("--features otlp")
    };
    assert!(warnings.any(is_told), "{log}");
}

#[cfg(feature = "otlp")]
mod collector {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use tokio::net::TcpListener;
    use tokio_util::task::TaskTracker;

    use super::*;

    type Requests = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

    /// A collector as far as the bridge can tell: takes traces, and refuses the first of them.
    async fn start_collector() -> (String, Requests) {
        let requests = Requests::default();
        let taken = Arc::clone(&requests);
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let mut taken = taken.lock().unwrap();
            taken.push((headers, body));
            if taken.len() == 1 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        TaskTracker::new().spawn(axum::serve(listener, router).into_future());
        (url, requests)
    }

    /// The fields of a message of Protocol Buffers that have a length: number and bytes.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            match tag & 7 {
                0 => drop(varint(&mut bytes)),
                1 => bytes = &bytes[8..],
                5 => bytes = &bytes[4..],
                2 => {
                    let length = usize::try_from(varint(&mut bytes)).unwrap();
                    let (field, rest) = bytes.split_at(length);
                    found.push((tag >> 3, field));
                    bytes = rest;
                }
                other => panic!("no wire type {other}"),
            }
        }
        found
    }

    fn varint(bytes: &mut &[u8]) -> u64 {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let (number, rest) = bytes.split_at(length);
        *bytes = rest;
        number.iter().rev().fold(0, |sum, byte| (sum << 7) | u64::from(byte & 0x7f))
    }

    /// All fields of this number.
    fn all(bytes: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
        fields(bytes).into_iter().filter(move |(found, _)| *found == number).map(|(_, field)| field)
    }

    /// Each span by its id: its name and the id of the one that it is in (`trace.proto`).
    fn spans(body: &[u8]) -> HashMap<Vec<u8>, (String, Vec<u8>)> {
        let scopes = all(body, 1).flat_map(|resource| all(resource, 2));
        let spans = scopes.flat_map(|scope| all(scope, 2));
        let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
        let read = |span: &[u8]| {
            let one = |number| all(span, number).next().unwrap_or_default();
            (one(2).to_vec(), (text(one(5)), one(4).to_vec()))
        };
        spans.map(read).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn traces_show_what_was_done_for_an_event_and_hold_no_words() {
        let (url, requests) = start_collector().await;
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s%3Dcret"),
            ("OTEL_SERVICE_NAME", "desk-of-a-test"),
            // What the log tells is another matter.
            ("LOG", "off"),
        ];
        let log = converse(&settings).await;
        assert_eq!(log, "");
        let requests = requests.lock().unwrap();
        let mut spans_seen = HashMap::new();
        for (headers, body) in requests.iter() {
            assert_eq!(headers["x-key"], "s=cret");
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let text = String::from_utf8_lossy(body);
            let secrets = ["xoxb-", "bG9qYWRlbW86c2VncmVkbw", "8f742231b10e", "s=cret", "Eva"];
            for hidden in WORDS.iter().chain(&secrets) {
                assert!(!text.contains(hidden), "{hidden} in {text}");
            }
            assert!(text.contains("desk-of-a-test"), "{text}");
            spans_seen.extend(spans(body));
        }
        let path = |name: &str| {
            let mut names = Vec::new();
            let mut span = spans_seen.values().find(|(found, _)| found == name);
            while let Some((name, parent)) = span {
                names.push(name.clone());
                span = spans_seen.get(parent);
            }
            names
        };
        assert_eq!(path("accept"), ["accept", "request"]);
        assert_eq!(path("recorded_call"), ["recorded_call", "event", "lane"]);
        for call in ["slack", "blip"] {
            assert!(spans_seen.values().any(|(name, _)| name == call), "{call}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_collector_that_is_down_is_told_of_once_and_stops_nothing() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let log = converse(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{free}"))]).await;
        assert_eq!(log.matches("takes no traces").count(), 1, "{log}");
    }
}
