//! What `/metrics` shows: each value moves by what is played, and there is none that nothing moves.
//!
//! The real program shows it, because in one process the metrics of all tests are the same.

use std::collections::BTreeMap;
use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use futures_util::future::join_all;
use serde_json::json;

use crate::intake::Door;
use crate::support::{Bridge, Service, samples};

/// Where customers find files; here the program is asked for them where it is.
const PUBLIC_URL: &str = "https://bridge.example";

/// What is shown, in order.
pub const SHOWN: [&str; 22] = [
    "blip_slack_ack_seconds",
    "blip_slack_call_seconds",
    "blip_slack_calls_total",
    "blip_slack_clock_ahead_seconds",
    "blip_slack_delivery_seconds",
    "blip_slack_events_accepted_total",
    "blip_slack_events_handled_total",
    "blip_slack_events_repeated_total",
    "blip_slack_events_unknown_total",
    "blip_slack_file_bytes_total",
    "blip_slack_file_seconds",
    "blip_slack_files_total",
    "blip_slack_files_under_way",
    "blip_slack_oldest_waiting_seconds",
    "blip_slack_pace_wait_seconds",
    "blip_slack_parked_events",
    "blip_slack_ready",
    "blip_slack_requests_rejected_total",
    "blip_slack_store_batch_writes",
    "blip_slack_store_seconds",
    "blip_slack_wait_seconds",
    "blip_slack_waiting_events",
];

/// What is shown besides with Socket Mode, in order.
pub const SHOWN_WITH_SOCKET_MODE: [&str; 2] =
    ["blip_slack_socket_connections", "blip_slack_socket_frames_unreadable_total"];

/// How long the program may take for what it was given.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each sample of `/metrics` with its labels.
type Samples = BTreeMap<String, f64>;

async fn scrape(service: &Service) -> Samples {
    let (_, text) = service.get("/metrics").await.unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.filter_map(|line| line.rsplit_once(' '));
    samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The names of the metrics, without labels and without the parts of a histogram.
fn names(samples: &Samples) -> Vec<&str> {
    let is_part = |sample: &str| sample.ends_with("_bucket") || sample.ends_with("_sum");
    let bare = samples.keys().map(|sample| sample.split('{').next().unwrap());
    let mut names: Vec<&str> =
        bare.filter(|name| !is_part(name)).map(|name| name.trim_end_matches("_count")).collect();
    names.dedup();
    names
}

/// Waits until something is so.
async fn becomes(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let became = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, became).await.is_ok(), "waited in vain for {what}");
}

/// By how much a sample has grown.
fn growth(before: &Samples, after: &Samples, sample: &str) -> f64 {
    let value = |samples: &Samples| samples.get(sample).copied().unwrap_or_default();
    value(after) - value(before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_moves_by_what_is_played() {
    // A pace, so that posts wait for it.
    let settings = [("SLACK_CHANNEL_RATE", "5"), ("PUBLIC_URL", PUBLIC_URL)];
    let door = Door::open_with(&settings).await;
    let service = &door.service;
    let before = scrape(service).await;
    assert!(before["blip_slack_ready"] > 0.0);
    let ticket = play(&door).await;
    play_files(&door).await;
    all_moved(&before, &scrape(service).await);
    let_grow_old(&door, &ticket).await;

    assert_eq!(names(&scrape(service).await), SHOWN, "each metric is moved by this test");
    moves_over_a_socket().await;
}

/// Plays a ticket, faults included, and what strangers send.
async fn play(door: &Door) -> String {
    let (bridge, service) = (&door.bridge, &door.service);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    service.idle(PATIENCE).await;
    // Blip is down once, and refuses for good once; Slack once does not say how a post ended.
    bridge.blip.faults().next("/messages", Fault::Status(503));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    service.idle(PATIENCE).await;
    bridge.blip.faults().next("/messages", Fault::Status(400));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Tudo bem?").await.unwrap();
    service.idle(PATIENCE).await;
    bridge.slack.faults().next("chat.postMessage", Fault::LostAnswer500);
    bridge.blip.says(&ticket, "Tudo.").await.unwrap();
    service.idle(PATIENCE).await;

    // More than may be posted at once: on a machine that is slower than the pace, none waits for it
    // unless many come together.
    let mut number = 0;
    becomes("a post that waits for its turn", async || {
        let customers = (number..number + 8).map(|number| (format!("Cliente {number}"), number));
        number += 8;
        join_all(customers.map(async |(name, number)| {
            let identity = format!("c{number}@wa.gw.msging.net");
            bridge.blip.opens_ticket(NewTicket::saying(&name, &identity, "Oi")).await;
        }))
        .await;
        service.idle(PATIENCE).await;
        scrape(service).await.contains_key("blip_slack_pace_wait_seconds_count")
    })
    .await;

    // What a stranger sends, what comes twice, and what is of no kind that we know.
    let odd = json!({"id": "odd-1", "from": "x@desk.msging.net/Webhook", "odd": true}).to_string();
    for expected in [200, 200] {
        assert_eq!(door.blip(odd.clone()).send().await.unwrap().status(), expected);
    }
    let event = json!({"type": "event_callback", "event_id": "Ev1", "team_id": "T0",
        "event": {"type": "odd", "event_ts": "1.1"}});
    let event = event.to_string();
    assert_eq!(door.slack(event.as_bytes(), 0).send().await.unwrap().status(), 200);
    for path in ["/blip/webhook", "/slack/events"] {
        assert_eq!(door.post(path, "{}").send().await.unwrap().status(), 401);
    }
    service.idle(PATIENCE).await;
    ticket
}

/// A customer's file comes, one is gone, and one drips; an agent's is read whole, read in part, and asked
/// for under an address that nobody was sent.
async fn play_files(door: &Door) {
    let (bridge, service) = (&door.bridge, &door.service);
    let (ticket, card) = bridge.ticket("Rosa Prado", "Oi").await;
    let sent = bridge.blip.sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None).await;
    assert_eq!(sent.unwrap().status, Some(200));
    let gone = bridge.blip.leads_to("https://192.168.0.1/a");
    for uri in [gone, bridge.blip.hosts_dripping("image/png", &samples::png())] {
        let content = json!({"type": "image/png", "uri": uri});
        bridge.blip.sends(&ticket, "application/vnd.lime.media-link+json", content).await.unwrap();
    }
    becomes("a file on its way", async || {
        scrape(service).await.get(r#"blip_slack_files_under_way{source="blip"}"#) == Some(&1.0)
    })
    .await;
    bridge.blip.lets_media_flow();
    service.idle(PATIENCE).await;

    // Too large for one read of a socket, so that it can be left half way.
    let bytes = samples::bytes(16 << 20);
    let read = bridge.slack.shares(ANA, CHANNEL, Some(&card.ts), ("b.zip", &bytes), "").await;
    assert_eq!(read.unwrap().status, Some(200));
    service.idle(PATIENCE).await;
    let received = bridge.blip.received(&ticket);
    let uri = received.last().unwrap().content["uri"].as_str().unwrap();
    let path = uri.strip_prefix(PUBLIC_URL).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{path}", service.url());
    let whole = client.get(&url).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap().len(), bytes.len());
    drop(client.get(&url).send().await.unwrap());
    assert_eq!(client.head(&url).send().await.unwrap().status(), 200);
    assert_eq!(client.get(format!("{url}x")).send().await.unwrap().status(), 404);
    becomes("files that have ended", async || {
        let now = scrape(service).await;
        now[r#"blip_slack_files_under_way{source="slack"}"#] < 1.0
            && now.contains_key(r#"blip_slack_files_total{source="slack",outcome="broken_off"}"#)
    })
    .await;
    let now = scrape(service).await;
    for (sample, value) in [
        (r#"blip_slack_files_total{source="blip",outcome="ok"}"#, 2.0),
        (r#"blip_slack_files_total{source="blip",outcome="address"}"#, 1.0),
        (r#"blip_slack_files_total{source="slack",outcome="ok"}"#, 1.0),
        (r#"blip_slack_files_total{source="slack",outcome="broken_off"}"#, 1.0),
        (r#"blip_slack_file_seconds_count{source="blip"}"#, 2.0),
        (r#"blip_slack_file_seconds_count{source="slack"}"#, 1.0),
    ] {
        assert_eq!(now.get(sample), Some(&value), "{sample} in {now:#?}");
    }
    let passed = now[r#"blip_slack_file_bytes_total{source="slack"}"#];
    assert!((16_777_216.0..33_554_432.0).contains(&passed), "{passed}");
}

/// Each counter has grown by what was played, and each call was timed.
fn all_moved(before: &Samples, after: &Samples) {
    for (sample, least) in [
        (r#"blip_slack_events_accepted_total{source="blip"}"#, 2.0),
        (r#"blip_slack_events_accepted_total{source="slack"}"#, 3.0),
        (r#"blip_slack_events_repeated_total{source="blip"}"#, 1.0),
        (r#"blip_slack_events_unknown_total{source="blip"}"#, 1.0),
        (r#"blip_slack_events_unknown_total{source="slack"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="blip",kind="ticket",outcome="done"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="blip",kind="message",outcome="done"}"#, 2.0),
        (r#"blip_slack_events_handled_total{source="blip",kind="other",outcome="done"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="slack",kind="reaction",outcome="done"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="slack",kind="message",outcome="done"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="slack",kind="message",outcome="parked"}"#, 1.0),
        (r#"blip_slack_events_handled_total{source="desk",kind="card",outcome="forgotten"}"#, 1.0),
        (r#"blip_slack_ack_seconds_count{source="blip"}"#, 4.0),
        (r#"blip_slack_ack_seconds_count{source="slack"}"#, 4.0),
        (r#"blip_slack_wait_seconds_count{source="blip"}"#, 2.0),
        (r#"blip_slack_wait_seconds_count{source="slack"}"#, 3.0),
        (r#"blip_slack_delivery_seconds_count{source="blip"}"#, 2.0),
        (r#"blip_slack_delivery_seconds_count{source="slack"}"#, 2.0),
        (r#"blip_slack_calls_total{platform="blip",method="send message",outcome="ok"}"#, 1.0),
        (r#"blip_slack_calls_total{platform="blip",method="send message",outcome="refused"}"#, 1.0),
        (r#"blip_slack_calls_total{platform="slack",method="chat.postMessage",outcome="ok"}"#, 1.0),
        (r#"blip_slack_call_seconds_count{platform="blip"}"#, 4.0),
        (r#"blip_slack_call_seconds_count{platform="slack"}"#, 5.0),
        (r#"blip_slack_requests_rejected_total{source="blip"}"#, 1.0),
        (r#"blip_slack_requests_rejected_total{source="slack"}"#, 1.0),
        ("blip_slack_parked_events", 1.0),
        ("blip_slack_store_seconds_count", 20.0),
        ("blip_slack_store_batch_writes_count", 10.0),
    ] {
        let grown = growth(before, after, sample);
        assert!(grown >= least, "{sample} has grown by {grown}, not by {least}\n{after:#?}");
    }
    for platform in ["blip", "slack"] {
        let calls: f64 = after
            .iter()
            .filter(|(sample, _)| sample.starts_with("blip_slack_calls_total"))
            .filter(|(sample, _)| sample.contains(&format!("platform=\"{platform}\"")))
            .map(|(_, calls)| calls)
            .sum();
        let timed = after[&format!("blip_slack_call_seconds_count{{platform=\"{platform}\"}}")];
        assert!((calls - timed).abs() < 0.5, "each call of {platform} is timed: {calls} {timed}");
    }
}

/// Moves what tells of trouble: the clock, what waits, and whether the bridge is ready.
async fn let_grow_old(door: &Door, ticket: &str) {
    let (bridge, service) = (&door.bridge, &door.service);
    bridge.slack.advance(Duration::from_secs(40));
    bridge.blip.says(ticket, "Alô?").await.unwrap();
    service.idle(PATIENCE).await;
    let ahead = scrape(service).await["blip_slack_clock_ahead_seconds"];
    assert!((30.0..50.0).contains(&ahead), "{ahead}");

    // Slack takes no posts for a while: what came waits, and grows old.
    bridge.slack.faults().from_now("chat.postMessage", Fault::RateLimited { retry_after: 1 });
    bridge.blip.says(ticket, "Alô?!").await.unwrap();
    becomes("an old event", async || {
        let now = scrape(service).await;
        now[r#"blip_slack_waiting_events{source="blip"}"#] >= 1.0
            && now[r#"blip_slack_oldest_waiting_seconds{source="blip"}"#] > 0.0
    })
    .await;
    bridge.slack.faults().clear();
    bridge.slack.faults().from_now("auth.test", Fault::Code("invalid_auth".to_owned()));
    bridge.slack.faults().from_now("chat.postMessage", Fault::Code("invalid_auth".to_owned()));
    becomes("not ready", async || scrape(service).await["blip_slack_ready"] < 1.0).await;
}

/// The metrics that Socket Mode has beside the others.
async fn moves_over_a_socket() {
    let token = ("SLACK_APP_TOKEN", "xapp-1-A0001-standin");
    let mut bridge = Bridge::with(&[token, ("SLACK_SIGNING_SECRET", "")]).await;
    let folder = bridge.folder().to_owned();
    let service = Service::replace(&mut bridge, &folder).await;
    let before = scrape(&service).await;
    assert!(before["blip_slack_socket_connections"] > 0.0);
    let (_, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.says_over_sockets(&json!([]));
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    service.idle(PATIENCE).await;
    let after = scrape(&service).await;
    for sample in [
        "blip_slack_socket_frames_unreadable_total",
        r#"blip_slack_ack_seconds_count{source="slack"}"#,
        r#"blip_slack_events_accepted_total{source="slack"}"#,
    ] {
        assert!(growth(&before, &after, sample) >= 1.0, "{sample} in {after:#?}");
    }
    let new = names(&after).into_iter().filter(|name| name.starts_with("blip_slack_socket_"));
    assert_eq!(new.collect::<Vec<_>>(), SHOWN_WITH_SOCKET_MODE);
}
