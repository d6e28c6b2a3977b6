//! The buttons of 0.1.0 live in Slack for weeks: each does what it says, or its presser is told why not.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::View;
use serde_json::json;

use super::old::{self, OldBridge, OldTicket};
use crate::support::Bridge;

/// The dialog that a press of Ana's opens. Where the machine has much to do, it may not open within the
/// 3 s that Slack gives; then she is told to press again, and does.
async fn open_dialog(bridge: &Bridge, press: impl AsyncFn() -> Option<u16>) -> View {
    loop {
        let told = bridge.slack.ephemerals(ANA).len();
        assert_eq!(press().await, Some(200));
        if bridge.has_dialog(ANA) {
            return bridge.dialog(ANA);
        }
        let is_told = || bridge.slack.ephemerals(ANA).len() > told;
        bridge.until("a word that she may press again", is_told).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_of_cards_still_move_their_tickets() {
    let mut old = OldBridge::begin(&[], true).await;
    let waiting = old.waiting_ticket("Rosa").await;
    let [held, released, closed] = [
        old.held_ticket("Maria").await,
        old.held_ticket("Rui").await,
        old.held_ticket("Lia").await,
    ];
    let take_over = [("take_over", held.full_id())];
    let offered = old.post_buttons(&held, "Ana Lima has it", &take_over, Some(BIA)).await;
    // The cards are pressed as they were: this version would show them anew.
    old.bridge.slack.faults().from_now("chat.update", Fault::Status(503));
    old.take_over().await;
    let (slack, blip) = (&old.bridge.slack, &old.bridge.blip);
    // The menu of a card names a dialog each.
    for entry in ["tags", "reply", "compose", "history", "details"] {
        let pick =
            async || slack.picks(ANA, CHANNEL, &closed.card, ("more", entry)).await.unwrap().status;
        let view = open_dialog(&old.bridge, pick).await;
        slack.dismisses(ANA, &view.id);
    }
    for (user, ts, name) in [
        (ANA, &waiting.card, "claim"),
        (BIA, &offered, "take_over"),
        (ANA, &released.card, "release"),
    ] {
        let pressed = slack.clicks(user, CHANNEL, ts, name).await.unwrap();
        assert_eq!(pressed.status, Some(200), "{name}");
    }
    let click =
        async |name: &str| slack.clicks(ANA, CHANNEL, &closed.card, name).await.unwrap().status;
    let view = open_dialog(&old.bridge, async || click("transfer").await).await;
    assert_eq!(view.view["callback_id"], "transfer");
    slack.dismisses(ANA, &view.id);
    let view = open_dialog(&old.bridge, async || click("close").await).await;
    slack.submits(ANA, &view.id, json!({})).await.unwrap();
    slack.faults().clear();
    old.bridge.idle().await;
    let holder = |ticket: &OldTicket| blip.ticket(&ticket.id).unwrap().agent;
    assert_eq!(holder(&waiting).as_deref(), Some(old::ANA_AT_BLIP));
    assert_eq!(holder(&held).as_deref(), Some(old::BIA_AT_BLIP));
    let said = old.thread_of(&released);
    assert!(said.iter().any(|words| words.contains("released this ticket")), "{said:#?}");
    assert!(blip.ticket(&closed.id).unwrap().is_closed());
    // And they look as this version has them look.
    let card = slack.message(CHANNEL, &waiting.card).unwrap();
    assert!(card.buttons().iter().any(|button| button.action_id == "take_over"), "{card:?}");
    old.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_of_questions_and_of_failures_still_answer() {
    let mut old = OldBridge::begin(&[], true).await;
    let mut questions = Vec::new();
    for name in ["send", "take_over_and_send", "keep"] {
        let ticket = old.held_ticket(&format!("{name}.")).await;
        // Bia wrote in a ticket of Ana's, and was asked what to do with it.
        let words = format!("words-{name}");
        let said = old.bridge.slack.says(BIA, CHANNEL, Some(&ticket.card), &words).await.unwrap();
        old.keep_handled(&ticket, &said.ts);
        old.keep_link(&said.ts, &ticket, ("note", Some(BIA)), None);
        let buttons = ["send", "take_over_and_send", "keep"]
            .map(|name| (name, format!("{} {}", said.ts, ticket.full_id())));
        let asked = old.post_buttons(&ticket, "Ana Lima has it", &buttons, Some(BIA)).await;
        questions.push((name, ticket, asked, words));
    }
    let sent = old.held_ticket("sent.").await;
    let (ts, _) = old.agent_says(&sent, "hallo").await;
    let id = old::derive_id(&format!("{CHANNEL}:{ts}:0"));
    let message = json!({"id": id, "to": sent.address, "type": "text/plain", "content": "hallo"});
    old.ask_blip("messages", &message).await;
    old.keep_handled(&sent, &ts);
    old.keep_link(&ts, &sent, ("reply", Some(ANA)), Some(&id));
    old.bridge.slack.edits(ANA, CHANNEL, &ts, "hello").await.unwrap();
    let correct = [("correct", format!("{ts} {}", sent.full_id()))];
    let correct = old.post_buttons(&sent, "It was edited", &correct, Some(ANA)).await;
    let resend = [("resend", format!("{id} {}", sent.full_id()))];
    let resend = old.post_buttons(&sent, "Not delivered", &resend, None).await;
    // Two that Blip had refused.
    let mut parked = Vec::new();
    for words in ["again", "never"] {
        let (ts, body) = old.agent_says(&sent, words).await;
        let item = old.keep_parked(&sent.lane(), &format!("m:{CHANNEL}:{ts}"), &body);
        let buttons = ["retry", "skip"].map(|name| (name, format!("{item} {}", sent.full_id())));
        parked.push(old.post_buttons(&sent, words, &buttons, None).await);
    }
    old.upgrade().await;
    let slack = &old.bridge.slack;
    let press = async |user: &str, ts: &str, name: &str| {
        let pressed = slack.clicks(user, CHANNEL, ts, name).await.unwrap();
        assert_eq!(pressed.status, Some(200), "{name}");
        old.bridge.idle().await;
    };
    for (name, ticket, asked, words) in &questions {
        press(BIA, asked, name).await;
        let received = old.bridge.received(&ticket.id);
        let expected = if *name == "keep" { vec![] } else { vec![words.clone()] };
        assert_eq!(received, expected, "{name}\n{}", slack.transcript());
        let holder = old.bridge.blip.ticket(&ticket.id).unwrap().agent.unwrap();
        assert_eq!(holder.starts_with("bia"), *name == "take_over_and_send", "{name}: {holder}");
    }
    press(ANA, &correct, "correct").await;
    press(ANA, &resend, "resend").await;
    press(ANA, &parked[0], "retry").await;
    press(ANA, &parked[1], "skip").await;
    let received = old.bridge.received(&sent.id);
    let told = || format!("{received:?}\n{}", slack.transcript());
    assert_eq!(received.iter().filter(|it| it.contains("hello")).count(), 2, "{}", told());
    assert_eq!(received.iter().filter(|it| *it == "again").count(), 1, "{}", told());
    assert!(!received.contains(&"never".to_owned()), "{}", told());
    old.finish().await;
}
