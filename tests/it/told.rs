//! People are told in time: in Slack only who wrote in a thread or was mentioned in it hears of it.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use std::time::Duration;

use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::Bridge;
use crate::support::later::Later;

/// Whether a post calls somebody: in its block, and in the text that notifications show.
fn calls(message: &Message, user: &str) -> bool {
    fn is_within(value: &Value, element: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| is_within(item, element)),
            Value::Object(fields) => {
                value == element || fields.values().any(|item| is_within(item, element))
            }
            _ => false,
        }
    }
    let element = json!({ "type": "user", "user_id": user });
    let is_shown = message.blocks.iter().any(|block| is_within(block, &element));
    assert_eq!(is_shown, message.text.contains(&format!("<@{user}>")), "{message:?}");
    is_shown
}

/// The lines of a thread that call somebody.
fn calls_to(bridge: &Bridge, card: &Message, user: &str) -> Vec<String> {
    let lines = bridge.replies(card).into_iter();
    lines.filter(|line| calls(line, user)).map(|line| line.words()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_claims_without_writing_is_mentioned_in_the_thread_once() {
    let bridge = Bridge::start().await;
    let (_, by_reaction) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &by_reaction.ts, "eyes").await.unwrap();
    let (_, by_button) = bridge.ticket("João", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &by_button.ts, "claim").await.unwrap();
    let (rita, by_command) = bridge.ticket("Rita", "Oi").await;
    let (_, by_reply) = bridge.ticket("Davi", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&by_reply.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    bridge.slack.commands(ANA, CHANNEL, "/blip", "waiting").await.unwrap();
    let list = bridge.slack.ephemerals(ANA).pop().unwrap().ts;
    let menu = format!("more@ticket:default/{rita}");
    bridge.slack.picks(ANA, CHANNEL, &list, (&menu, "claim")).await.unwrap();
    let (_, by_shortcut) = bridge.ticket("Tina", "Oi").await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &by_shortcut.ts, "claim").await.unwrap();
    let (_, by_canned_reply) = bridge.ticket("Vera", "Oi").await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &by_canned_reply.ts, "reply").await.unwrap();
    let words = json!({ "words:1": { "words": { "type": "plain_text_input", "value": "Olá!" } } });
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, words).await.unwrap();
    bridge.idle().await;
    let (_, in_home) = bridge.ticket("Zoe", "Oi").await;
    bridge.opens_home(BIA).await;
    let home = bridge.home_with(BIA, "Zoe").await;
    bridge.slack.picks_in_view(BIA, &home.id, "more", Some("claim")).await.unwrap();
    bridge.idle().await;
    for (user, card, lines) in [
        (ANA, by_reaction, 1),
        (ANA, by_button, 1),
        (ANA, by_command, 1),
        (ANA, by_shortcut, 1),
        (ANA, by_canned_reply, 2),
        (BIA, in_home, 1),
    ] {
        let told = calls_to(&bridge, &card, user);
        assert!(told.len() == 1 && told[0].contains("claimed this ticket"), "{told:?}");
        assert_eq!(bridge.replies(&card).len(), lines);
    }
    // Whoever writes follows the thread already.
    assert_eq!(bridge.said(&by_reply), ["Olá!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_does_with_a_ticket_mentions_who_held_it() {
    let bridge = Bridge::start().await;
    let mut cards = Vec::new();
    for name in ["Maria", "João", "Rita", "Davi"] {
        let (ticket, card) = bridge.ticket(name, "Oi").await;
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
        cards.push((ticket, card));
    }
    bridge.idle().await;
    let [(_, taken), (_, closed), (ticket, ended), (_, transferred)] = &cards[..] else { panic!() };
    bridge.slack.reacts(BIA, CHANNEL, &taken.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let asked = bridge.slack.ephemerals(BIA).pop().unwrap();
    bridge.slack.clicks(BIA, CHANNEL, &asked.ts, "take_over").await.unwrap();
    bridge.slack.reacts(BIA, CHANNEL, &closed.ts, "white_check_mark").await.unwrap();
    bridge.blip.closes(ticket, "ClosedClient").await.unwrap();
    bridge.slack.clicks(BIA, CHANNEL, &transferred.ts, "transfer").await.unwrap();
    let option = json!({
        "text": { "type": "plain_text", "text": "Suporte" }, "value": "team:Suporte" });
    let to = json!({ "destination": { "destination": {
        "type": "external_select", "selected_option": option } } });
    bridge.slack.submits(BIA, &bridge.dialog(BIA).id, to).await.unwrap();
    bridge.idle().await;
    for (card, what) in [
        (taken, "took this ticket over"),
        (closed, "Bia Souza closed the ticket"),
        (ended, "Closed by the customer"),
        (transferred, "Bia Souza transferred the ticket to Suporte"),
    ] {
        let told = calls_to(&bridge, card, ANA);
        assert!(told.len() == 1 && told[0].contains(what), "{what}: {told:?}");
    }
    assert_eq!(calls_to(&bridge, taken, BIA).len(), 1, "the new holder hears of it as well");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_does_oneself_calls_nobody() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.said(&card), ["Olá!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_seen_in_the_thread() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let said = bridge.said(&card);
    assert!(said.last().unwrap().contains("Ana Lima released this ticket"), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_outside_of_the_threads_is_told_once_a_day_that_no_customer_reads_it() {
    let bridge = Bridge::start().await;
    bridge.slack.add_channel("C0LUNCH", "lunch", &[ANA, BIA]);
    bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(BIA, "C0LUNCH", None, "Almoço?").await.unwrap();
    for words in ["Olá, Maria!", "Tudo bem?"] {
        bridge.slack.says(ANA, CHANNEL, None, words).await.unwrap();
        bridge.idle().await;
    }
    let told = bridge.slack.ephemerals(ANA);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].words().contains("No customer reads"), "{told:?}");
    assert_eq!((told[0].channel.as_str(), &told[0].thread_ts), (CHANNEL, &None));
    assert!(bridge.slack.ephemerals(BIA).is_empty(), "no channel of tickets");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_blip_does_not_take_is_marked_until_it_goes_out() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    let (other, other_card) = bridge.ticket("João", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &other_card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().from_now("*", Fault::Reset);
    let first = later.says(ANA, &card, "um").await;
    let second = later.says(ANA, &card, "dois").await;
    later.says(ANA, &other_card, "três").await;
    let tried = bridge.blip.look(|state| state.calls.len());
    bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried + 4).await;
    let waits = |ts: &str| {
        !bridge.slack.message(CHANNEL, ts).unwrap().reacted("hourglass_flowing_sand").is_empty()
    };
    assert!(!waits(&first), "not for a moment of it");
    later.all_clocks_run(Duration::from_secs(11));
    bridge.until("the mark of waiting", || waits(&first)).await;
    bridge.until("word of it", || !bridge.slack.ephemerals(ANA).is_empty()).await;
    later.all_clocks_run(Duration::from_secs(5));
    assert!(!waits(&second), "the first of a thread only");
    bridge.blip.faults().clear();
    later.reached(&ticket, &["um", "dois"]).await;
    later.reached(&other, &["três"]).await;
    later.all_clocks_run(Duration::from_secs(5));
    bridge.until("no mark of waiting", || !waits(&first)).await;
    let told = bridge.slack.ephemerals(ANA);
    assert!(told.len() == 1 && told[0].words().contains("Blip is not answering"), "{told:?}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_blip_does_not_take_is_shown_on_the_card_until_it_is_made() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    bridge.blip.faults().from_now("*", Fault::Reset);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap();
    let waits = || {
        let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
        !card.reacted("hourglass_flowing_sand").is_empty()
    };
    let tried = bridge.blip.look(|state| state.calls.len());
    bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried + 2).await;
    assert!(!waits(), "not for a moment of it");
    later.all_clocks_run(Duration::from_secs(11));
    bridge.until("the mark of waiting", waits).await;
    bridge.until("word of it", || !bridge.slack.ephemerals(ANA).is_empty()).await;
    bridge.blip.faults().clear();
    bridge.until("the claim", || bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
    bridge.until("no mark of waiting", || !waits()).await;
    let told = bridge.slack.ephemerals(ANA);
    assert!(told.len() == 1 && told[0].words().contains("What you asked for"), "{told:?}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_told_that_a_move_waits_is_told_in_the_next_outage_too() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    let waits = || {
        let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
        !card.reacted("hourglass_flowing_sand").is_empty()
    };
    let is_assigned = || bridge.blip.ticket(&ticket).unwrap().is_assigned();
    for (outage, button) in ["claim", "close"].into_iter().enumerate() {
        bridge.blip.faults().from_now("*", Fault::Reset);
        if button == "claim" {
            bridge.slack.clicks(ANA, CHANNEL, &card.ts, button).await.unwrap();
        } else {
            bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
        }
        let tried = bridge.blip.look(|state| state.calls.len());
        bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried + 2).await;
        later.all_clocks_run(Duration::from_secs(11));
        bridge.until("the mark of waiting", waits).await;
        let told = || bridge.slack.ephemerals(ANA).len();
        bridge.until("word of it", || told() == outage + 1).await;
        bridge.blip.faults().clear();
        let is_made = || is_assigned() != (button == "close");
        later.skips_pauses_until("the move", || is_made() && !waits()).await;
        later.all_clocks_run(Duration::from_secs(5));
        bridge.idle().await;
        assert_eq!(told(), outage + 1, "once for each");
    }
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_reply_that_blip_does_not_take_is_marked_until_it_goes_out() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "5")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().from_now("*", Fault::Reset);
    let reply = later.says(ANA, &card, "um").await;
    bridge.idle().await;
    later.all_clocks_run(Duration::from_secs(6));
    let tried = bridge.blip.look(|state| state.calls.len());
    bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried + 2).await;
    let waits = || {
        let reply = bridge.slack.message(CHANNEL, &reply).unwrap();
        !reply.reacted("hourglass_flowing_sand").is_empty()
    };
    later.all_clocks_run(Duration::from_secs(11));
    bridge.until("the mark of waiting", waits).await;
    bridge.blip.faults().clear();
    later.reached(&ticket, &["um"]).await;
    later.all_clocks_run(Duration::from_secs(5));
    bridge.until("no mark of waiting", || !waits()).await;
    later.bridge.finish().await;
}
