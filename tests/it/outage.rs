//! A platform that fails for a minute is told of, and since when, until it answers again.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use serde_json::{Value, json};

use crate::support::Bridge;
use crate::support::later::Later;

/// Longer than a platform must fail to be told of, and than nobody asks an idle one.
const A_MINUTE: Duration = Duration::from_secs(61);

/// Waits until a call has been tried once more.
async fn is_tried(bridge: &Bridge, platform: impl Fn(&Bridge) -> usize) {
    let before = platform(bridge);
    bridge.until("another call", || platform(bridge) > before).await;
}

fn calls_to_slack(bridge: &Bridge) -> usize {
    bridge.slack.look(|state| state.calls.len())
}

fn calls_to_blip(bridge: &Bridge) -> usize {
    bridge.blip.look(|state| state.calls.len())
}

/// What somebody reads as the answer to `/blip status`.
async fn asks_status(bridge: &Bridge) -> String {
    let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", "status").await.unwrap();
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    answer["text"].as_str().unwrap().to_owned()
}

async fn home_shows(bridge: &Bridge, part: &str) {
    let is_shown = |state: &blip_slack_standins::slack::State| {
        let mut views = state.views.values();
        let home = views.find(|view| view.user == ANA && view.view["type"] == "home")?;
        home.view.to_string().contains(part).then_some(())
    };
    bridge.slack.wait_for(&format!("a home tab with {part}"), is_shown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slack_that_fails_for_a_minute_is_a_warning_that_says_since_when() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.slack.faults().from_now("*", Fault::Status(503));
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "Oi");
    assert_eq!(bridge.blip.opens_ticket(new).await.status, Some(200));
    is_tried(bridge, calls_to_slack).await;
    let began = later.now();
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()), "not for a moment of it");
    later.all_clocks_run(A_MINUTE);
    bridge.becomes(true, "warning: Slack fails or cannot be reached since 20").await;
    let (_, words) = bridge.readiness().await;
    let since = words.split_once("since ").unwrap().1.split_once(':').unwrap().0;
    assert!(began.to_string().starts_with(since), "{began}: {words}");
    bridge.slack.faults().lift("*");
    bridge.until_ready_alone().await;
    bridge.card_of("Maria").await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blip_that_fails_for_a_minute_is_told_to_agents_until_it_answers() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let opened = json!({ "type": "app_home_opened", "user": ANA, "channel": "D0HOME",
        "tab": "home", "event_ts": "1.1" });
    bridge.slack.emits(opened).await;
    home_shows(bridge, "working").await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().from_now("*", Fault::Reset);
    later.says(ANA, &card, "Olá!").await;
    is_tried(bridge, calls_to_blip).await;
    assert!(!asks_status(bridge).await.contains("Blip"), "not for a moment of it");
    later.all_clocks_run(A_MINUTE);
    bridge.becomes(true, "warning: Blip fails or cannot be reached since 20").await;
    let status = asks_status(bridge).await;
    assert!(status.contains("🟠 Blip has not been answering since"), "{status}");
    home_shows(bridge, "🟠 Blip has not been answering since").await;
    // What the customer says is told of all the same.
    bridge.blip.faults().lift("*");
    later.reached(&ticket, &["Olá!"]).await;
    bridge.until_ready_alone().await;
    assert!(!asks_status(bridge).await.contains("🟠"));
    later.all_clocks_run(Duration::from_secs(5));
    home_shows(bridge, "🟢").await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_idle_bridge_it_is_found_out_too_and_that_it_is_over() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.slack.go_down().await;
    bridge.blip.go_down().await;
    let began = later.now();
    let is_told = |words: &str| {
        let both = ["Slack fails or", "Blip fails or"];
        both.iter().all(|part| words.contains(part))
    };
    while !is_told(&bridge.readiness().await.1) {
        // First nobody has heard of them for a while, then they have failed for a minute.
        assert!(later.now() < began + 10 * A_MINUTE, "{:?}", bridge.readiness().await);
        later.all_clocks_run(Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bridge.slack.come_back().await.unwrap();
    bridge.blip.come_back().await.unwrap();
    bridge.until_ready_alone().await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_answers() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.faults().from_now("/commands set *", Fault::Code("42".to_owned()));
    for _ in 0..3 {
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.idle().await;
        bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.idle().await;
        later.all_clocks_run(A_MINUTE);
    }
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    later.bridge.finish().await;
}
