//! Delivery is visible: ticks, failures with a way out, and word to Blip of what agents saw.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::standin::faults::Fault;
use blip_slack::standin::slack::Message;

use crate::support::Bridge;
use crate::support::later::Later;

/// Waits until a message has this mark.
async fn marked(bridge: &Bridge, ts: &str, mark: &str) {
    bridge
        .slack
        .wait_for(&format!("{mark} on {ts}"), |state| {
            let marks = &state.message(CHANNEL, ts)?.reactions;
            marks.iter().any(|(name, _)| name == mark).then_some(())
        })
        .await;
}

/// Waits for a line in a thread.
async fn line(bridge: &Bridge, card: &Message, part: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a line with {part}"), |state| {
            state.thread(CHANNEL, &card.ts).find(|line| line.words().contains(part)).cloned()
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_tell_how_far_a_reply_has_come_and_blip_what_was_seen() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap().ts;
    for mark in ["envelope_with_arrow", "mailbox_with_mail"] {
        marked(&bridge, &reply, mark).await;
    }
    bridge.blip.reads(&ticket).await;
    marked(&bridge, &reply, "eyeglasses").await;
    let said = bridge.blip.says(&ticket, "Obrigada").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.receipts(), [(said.id, "consumed".to_owned())]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_blip_does_not_want_to_hear_delays_nothing() {
    let bridge = Bridge::start().await;
    bridge.blip.faults().from_now("/notifications", Fault::Status(500));
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.said(&card), ["Alguém?"]);
    bridge.finish().await;
    let bridge = Bridge::with(&[("SEND_READ_RECEIPTS", "false")]).await;
    let (ticket, _) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.receipts().is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_did_not_arrive_can_be_sent_again_once() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    // For Blip a day has passed that the bridge knows nothing of.
    bridge.blip.advance(Duration::from_hours(25));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá, *Maria*!").await.unwrap();
    let failed = line(&bridge, &card, "Not delivered").await;
    assert!(failed.words().contains("24 hours") && bridge.received(&ticket).is_empty());
    bridge.blip.says(&ticket, "Voltei").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(BIA, CHANNEL, &failed.ts, "resend").await.unwrap();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty(), "only its holder may");
    // Two clicks before the button is gone.
    let (one, two) = tokio::join!(
        bridge.slack.clicks(ANA, CHANNEL, &failed.ts, "resend"),
        bridge.slack.clicks(ANA, CHANNEL, &failed.ts, "resend"),
    );
    one.unwrap();
    two.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá, *Maria*!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blip_is_asked_what_became_of_a_reply_if_it_does_not_tell() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let arrives = later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    bridge.blip.advance(Duration::from_hours(25));
    later.says(ANA, &card, "Ainda aí?").await;
    bridge.idle().await;
    assert!(!bridge.said(&card).iter().any(|line| line.contains("Not delivered")));
    later.passes(Duration::from_secs(31)).await;
    marked(bridge, &arrives, "mailbox_with_mail").await;
    line(bridge, &card, "Not delivered").await;
    bridge.blip.reads(&ticket).await;
    later.passes(Duration::from_mins(6)).await;
    marked(bridge, &arrives, "eyeglasses").await;
    later.passes(Duration::from_hours(2)).await;
    bridge.idle().await;
    let lines = bridge.said(&card);
    assert_eq!(lines.iter().filter(|line| line.contains("Not delivered")).count(), 1, "{lines:?}");
    let asked = bridge.blip.look(|state| {
        state
            .calls
            .iter()
            .filter(|call| {
                call.method.contains("/notifications?")
                    || call.method.contains("get /notifications")
            })
            .count()
    });
    assert_eq!(
        asked, 9,
        "three forms of the id: twice for one that was slow, once for one that failed"
    );
    later.bridge.finish().await;
}
