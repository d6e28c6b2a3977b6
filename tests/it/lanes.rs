//! A ticket has two lanes, and neither waits for the other: what happens at Blip is shown while what
//! was done in Slack waits, and the other way round.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::Call;
use blip_slack_standins::blip::{self, Blip, NewTicket};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::crossing::Crossing;
use crate::support::later::Later;
use crate::support::{Bridge, tuning};

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
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the question", || question(&bridge, &card).is_some()).await;
    bridge.idle().await;
    assert!(is_open(&bridge, &ticket));
    assert!(bridge.said(&card).contains(&"Mais uma coisa".to_owned()));
    let asked = question(&bridge, &card).unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &asked.ts, "keep_open").await.unwrap();
    bridge.idle().await;
    assert!(is_open(&bridge, &ticket));
    // By now it was seen.
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, serde_json::json!({})).await.unwrap();
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
    let is_told = || {
        let told = bridge.slack.ephemerals(ANA);
        has_line("was not sent to the customer")
            || told.iter().any(|told| told.words().contains("closed"))
    };
    // Blip still takes nothing: a try that has begun before the end was known would be taken, and lost,
    // if it did. What is parked is told by a job of its own.
    bridge.until("a word to the writer", is_told).await;
    bridge.blip.faults().clear();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
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
    let crossing = Crossing::new(&["begin_call", "commit"], 0);
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
    let crossing = Crossing::new(&["begin_call", "write", "commit"], 1);
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

/// Where in a thread a line with these words stands first.
fn place_of(said: &[String], words: &str) -> Option<usize> {
    said.iter().position(|line| line.contains(words))
}

const POST: &str = "chat.postMessage";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_slack_does_not_take_holds_up_no_reply_and_comes_once_in_its_place() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.faults().from_now(POST, Fault::RateLimited { retry_after: 1 });
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Um momento").await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["Um momento"]).await;
    assert_eq!(place_of(&bridge.said(&card), "claimed this ticket"), None);
    bridge.blip.says(&ticket, "Obrigada").await.unwrap();
    bridge.slack.faults().clear();
    bridge.idle().await;
    let said = bridge.said(&card);
    let claims = said.iter().filter(|line| line.contains("claimed this ticket")).count();
    assert_eq!(claims, 1, "{said:?}");
    assert!(place_of(&said, "claimed this ticket") < place_of(&said, "Obrigada"), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_handed_a_ticket_on_stands_above_the_one_that_follows_however_late_slack_takes_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(ANA);
    let found = bridge.slack.searches(ANA, &dialog.id, "destination", "Suporte").await.unwrap();
    // The first post there is, which is looked for before it is made again.
    bridge.slack.faults().next(POST, Fault::Status(503));
    let destination = json!({ "destination": { "destination": {
        "type": "external_select", "selected_option": found[0] } } });
    bridge.slack.submits(ANA, &dialog.id, destination).await.unwrap();
    let status = || bridge.blip.ticket(&ticket).unwrap().status;
    bridge.until("the transfer", || status() == "Transferred").await;
    bridge.idle().await;
    assert!(bridge.slack.faults().are_spent());
    let said = bridge.said(&card);
    let handed = place_of(&said, "transferred the ticket").unwrap();
    assert!(handed < place_of(&said, "continues here").unwrap(), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_waits_for_what_shows_the_words_and_for_no_other_lane() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| {
        setup.sends_receipts = true;
        setup.cannot_deliver = Some((86, "Timeout"));
    });
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "reply").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.slack.faults().from_now(POST, Fault::RateLimited { retry_after: 1 });
    let typed = json!({ "words:1": { "words": {
        "type": "plain_text_input", "value": "Segue o boleto" } } });
    bridge.slack.submits(ANA, &dialog.id, typed).await.unwrap();
    bridge.until("the failure", || bridge.blip.undelivered().len() == 1).await;
    bridge.slack.faults().clear();
    bridge.idle().await;
    let said = bridge.said(&card);
    let shown = place_of(&said, "Segue o boleto").unwrap();
    assert!(shown < place_of(&said, "Not delivered").unwrap(), "{said:?}");
    assert_eq!(said.iter().filter(|line| line.contains("Not delivered")).count(), 1, "{said:?}");
    bridge.finish().await;
}

/// More replies than there are places towards Blip.
const MANY: usize = 135;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_whose_blip_does_not_answer_leaves_half_of_the_places_to_others() {
    let setup =
        blip::Setup { key: "Key dmVuZGFzOnNlY3JldA==".to_owned(), ..blip::Setup::default() };
    let (key, token) = (setup.key.clone(), setup.token.clone());
    let other = Blip::start(setup).await.unwrap();
    let settings = [
        ("BLIP_BOTS", "vendas"),
        ("BLIP_VENDAS_KEY", key.as_str()),
        ("BLIP_VENDAS_API_URL", &other.api_url()),
        ("BLIP_VENDAS_WEBHOOK_TOKEN", &token),
        ("SLACK_VENDAS_CHANNEL", "C0VENDAS"),
    ];
    // Longer than a test waits: what gets through has not waited for this.
    let patient = Tuning { call_timeout: Duration::from_mins(5), ..tuning() };
    let bridge = Bridge::tuned(&settings, patient).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA]);
    let address = bridge.app().unwrap().address();
    other.deliver_to(&format!("http://{address}/blip/webhook/vendas"));
    join_all((0..MANY).map(async |number| {
        let (name, identity) = (format!("t{number:03}"), format!("t{number:03}@0mn.io"));
        bridge.blip.opens_ticket(NewTicket::saying(&name, &identity, "Oi")).await
    }))
    .await;
    let opened = other.opens_ticket(NewTicket::default()).await;
    bridge.idle().await;
    bridge.blip.faults().from_now(SEND, Fault::Hang);
    let cards = bridge.slack.cards(CHANNEL);
    assert_eq!(cards.len(), MANY);
    join_all(cards.iter().map(|card| bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "um"))).await;
    let hanging = || {
        let is_it = |call: &&Call| call.method.contains(SEND);
        bridge.blip.look(|state| state.calls.iter().filter(is_it).count())
    };
    bridge.until("half of the places", || hanging() >= 64).await;
    let card = bridge.slack.cards("C0VENDAS").remove(0);
    bridge.slack.says(ANA, "C0VENDAS", Some(&card.ts), "oi").await.unwrap();
    let is_there = || other.received(&opened.id).iter().any(|message| message.content == "oi");
    bridge.until("the reply of the other bot", is_there).await;
    assert_eq!(hanging(), 64);
    bridge.blip.faults().clear();
}
