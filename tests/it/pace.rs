//! Posting at Slack's pace: bursts go out in as few posts as the limit forces, in order and fairly.

use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::model::TicketId;
use blip_slack::standin::faults::Fault;
use futures_util::future::join_all;

use crate::support::{Bridge, note};

const TICKETS: usize = 20;
const MESSAGES: usize = 30;

/// Ours is 50 posts a second, so that a minute of Slack's passes in about one second.
const RATE: (&str, &str) = ("SLACK_CHANNEL_RATE", "50");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_goes_out_in_about_as_few_posts_as_the_pace_allows() {
    let bridge = Bridge::with(&[RATE]).await;
    let names: Vec<String> = (0..TICKETS).map(|number| format!("t{number:02}")).collect();
    let mut tickets = Vec::new();
    for name in &names {
        tickets.push(bridge.ticket(name, "Oi").await);
    }
    bridge.idle().await;
    let before = bridge.slack.calls("chat.postMessage").len();
    // Slack holds the channel back, so that all of it waits.
    bridge.slack.faults().next("chat.postMessage", Fault::RateLimited { retry_after: 6 });
    join_all(tickets.iter().zip(&names).map(async |((ticket, _), name)| {
        for number in 0..MESSAGES {
            bridge.blip.says(ticket, &format!("{name}-{number:02}")).await.unwrap();
        }
    }))
    .await;
    let began = Instant::now();
    bridge.idle().await;
    let (took, posts) = (began.elapsed(), bridge.slack.calls("chat.postMessage").len() - before);
    note(&format!("{} messages in {posts} posts and {took:?}", TICKETS * MESSAGES));
    for ((ticket, card), name) in tickets.iter().zip(&names) {
        let said = bridge.said(card).join("\n");
        let places: Vec<_> =
            (0..MESSAGES).map(|number| said.find(&format!("{name}-{number:02}"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
        let id = TicketId::parse(&format!("default/{ticket}")).unwrap();
        let linked = bridge.app().unwrap().store().blip_ids_of(&id).await.unwrap();
        assert_eq!(linked.len(), MESSAGES, "each is linked to its Blip id");
    }
    assert!(posts <= TICKETS * MESSAGES / 5, "{posts} posts");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pressure_there_is_one_post_per_message() {
    let bridge = Bridge::with(&[RATE]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    for number in 0..5 {
        bridge.blip.says(&ticket, &format!("m-{number}")).await.unwrap();
    }
    bridge.idle().await;
    assert_eq!(bridge.replies(&card).len(), 5);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_ticket_does_not_hold_up_a_quiet_one() {
    let bridge = Bridge::with(&[("SLACK_CHANNEL_RATE", "20")]).await;
    let (busy, _) = bridge.ticket("Busy", "Oi").await;
    let (quiet, card) = bridge.ticket("Quiet", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    for number in 0..100 {
        bridge.blip.says(&busy, &format!("b-{number}")).await.unwrap();
    }
    let began = Instant::now();
    bridge.blip.says(&quiet, "hello").await.unwrap();
    bridge.until("the quiet one", || bridge.said(&card).join(" ").contains("hello")).await;
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    bridge.finish().await;
}
