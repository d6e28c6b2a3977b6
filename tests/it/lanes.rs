//! A ticket has two lanes, and neither waits for the other: what happens at Blip is shown while what
//! was done in Slack waits, and the other way round.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use futures_util::future::join;

use crate::support::Bridge;
use crate::support::crossing::Crossing;
use crate::support::later::Later;

const SEND: &str = "/messages";

/// The line that asks whether to close all the same, if there is one.
fn question(bridge: &Bridge, card: &Message) -> Option<Message> {
    let is_it = |line: &Message| line.ours && line.words().contains("stays open");
    bridge.replies(card).into_iter().find(is_it)
}

fn is_open(bridge: &Bridge, ticket: &str) -> bool {
    bridge.blip.look(|state| state.tickets[ticket].status.eq_ignore_ascii_case("open"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_blip_does_not_take_hides_no_words_and_closes_nothing_unread() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().from_now(SEND, Fault::Status(503));
    let tried = bridge.blip.look(|state| state.calls.len());
    later.says(ANA, &card, "um").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried).await;
    bridge.blip.says(&ticket, "URGENTE: cancela").await.unwrap();
    let is_shown = || bridge.said(&card).iter().any(|line| line.contains("URGENTE"));
    bridge.until("the customer's words", is_shown).await;
    later.all_clocks_run(Duration::from_secs(45));
    assert!(is_open(bridge, &ticket));
    bridge.blip.faults().clear();
    later.reached(&ticket, &["um"]).await;
    bridge.until("the question", || question(bridge, &card).is_some()).await;
    assert!(is_open(bridge, &ticket), "nobody has read it");
    let asked = question(bridge, &card).unwrap();
    assert!(asked.text.contains(&format!("<@{ANA}>")), "{asked:?}");
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "close_anyway").await.unwrap();
    bridge.until("the end", || !is_open(bridge, &ticket)).await;
    bridge.idle().await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_races_the_customers_words_asks_and_can_be_left() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá").await.unwrap();
    bridge.idle().await;
    // The words are accepted, and not shown yet.
    bridge.slack.faults().next("chat.postMessage", Fault::RateLimited { retry_after: 1 });
    bridge.blip.says(&ticket, "Mais uma coisa").await.unwrap();
    bridge.until("a try", || bridge.slack.faults().are_spent()).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.submits(ANA, &dialog.id, serde_json::json!({})).await.unwrap();
    bridge.until("the question", || question(&bridge, &card).is_some()).await;
    bridge.idle().await;
    assert!(is_open(&bridge, &ticket));
    assert!(bridge.said(&card).contains(&"Mais uma coisa".to_owned()));
    let asked = question(&bridge, &card).unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "keep_open").await.unwrap();
    bridge.idle().await;
    assert!(is_open(&bridge, &ticket));
    // By now it was seen.
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(!is_open(&bridge, &ticket));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_at_blip_is_shown_while_a_reply_waits_and_the_reply_comes_back() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().from_now(SEND, Fault::Status(503));
    let tried = bridge.blip.look(|state| state.calls.len());
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Um momento").await.unwrap();
    bridge.until("a try", || bridge.blip.look(|state| state.calls.len()) > tried + 1).await;
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    let has_line = |what: &str| bridge.said(&card).iter().any(|line| line.contains(what));
    bridge.until("the end", || has_line("Closed by the customer")).await;
    let card_of = || bridge.slack.message(CHANNEL, &card.ts).unwrap();
    bridge.until("the last state of the card", || card_of().buttons().is_empty()).await;
    bridge.blip.faults().clear();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    let is_told = || {
        let told = bridge.slack.ephemerals(ANA);
        has_line("was not sent to the customer")
            || told.iter().any(|told| told.words().contains("closed"))
    };
    // What is parked is told by a job of its own.
    bridge.until("a word to the writer", is_told).await;
    let ends = bridge.said(&card).iter().filter(|line| line.contains("Closed by")).count();
    assert_eq!(ends, 1, "told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_at_the_same_time_one_holds_the_ticket() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let (one, other, said) = futures_util::join!(
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes"),
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes"),
        bridge.blip.says(&ticket, "Alguém aí?"),
    );
    one.unwrap();
    other.unwrap();
    said.unwrap();
    bridge.idle().await;
    let said = bridge.said(&card);
    let claims = said.iter().filter(|line| line.contains("claimed this ticket")).count();
    assert_eq!(claims, 1, "{said:?}");
    assert!(said.contains(&"Alguém aí?".to_owned()));
    let told = [ANA, BIA].map(|user| bridge.slack.ephemerals(user).len());
    assert_eq!(told.iter().sum::<usize>(), 1, "the other one hears who has it");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_of_ours_is_told_as_ours_and_once() {
    let bridge = Bridge::start().await;
    // Blip tells of the end before it answers.
    bridge.blip.configure(|setup| setup.echoes_status = true);
    for round in 0..5 {
        let (ticket, card) = bridge.ticket(&format!("Maria {round}"), "Oi").await;
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.idle().await;
        bridge
            .blip
            .faults()
            .next("/commands set /tickets/change-status", Fault::Slow(Duration::from_millis(300)));
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
        bridge.until("the end", || !is_open(&bridge, &ticket)).await;
        bridge.idle().await;
        let said = bridge.said(&card);
        let ends: Vec<_> =
            said.iter().filter(|line| line.to_lowercase().contains("closed")).collect();
        assert!(ends.len() == 1 && ends[0].contains("Bia Souza closed"), "{said:?}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_ours_that_is_written_between_two_looks_is_told_once() {
    let crossing = Crossing::new(&["record_call_result"], 0);
    let bridge = Bridge::tuned(&[], crossing.tuning()).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    crossing.begin();
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    crossing.is_held().await;
    // Blip tells of the ticket: whoever handles that finds it open, and no move under way a moment
    // later.
    bridge.blip.rates(&ticket, 5).await.unwrap();
    crossing.is_over().await;
    bridge.idle().await;
    let said = bridge.said(&card);
    let ends: Vec<_> = said.iter().filter(|line| line.to_lowercase().contains("closed")).collect();
    assert!(ends.len() == 1 && ends[0].contains("Bia Souza closed"), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_on_a_card_whose_ticket_is_written_between_two_looks_is_acted_upon() {
    // The card is posted, and then linked.
    let crossing = Crossing::new(&["record_call_result", "write"], 1);
    let bridge = Bridge::tuned(&[], crossing.tuning()).await;
    crossing.begin();
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    crossing.is_held().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap();
    crossing.is_over().await;
    let is_claimed = || bridge.said(&card).iter().any(|line| line.contains("claimed this ticket"));
    bridge.until("the claim", is_claimed).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_write_at_the_same_time_and_nothing_is_lost_or_repeated() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let numbers: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    let customer = async {
        for number in &numbers {
            bridge.blip.says(&ticket, &format!("c{number}")).await.unwrap();
        }
    };
    let agent = async {
        for number in &numbers {
            let words = format!("a{number}");
            bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words).await.unwrap();
        }
    };
    join(customer, agent).await;
    bridge.idle().await;
    let said: Vec<String> = bridge
        .said(&card)
        .join("\n")
        .split_whitespace()
        .filter(|word| word.starts_with('c') && word.len() == 3)
        .map(str::to_owned)
        .collect();
    assert_eq!(said, numbers.iter().map(|number| format!("c{number}")).collect::<Vec<_>>());
    let received = bridge.received(&ticket);
    assert_eq!(received, numbers.iter().map(|number| format!("a{number}")).collect::<Vec<_>>());
    bridge.finish().await;
}
