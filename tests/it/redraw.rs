//! Cards after a start: one that is as it should be is left alone, and a start changes few at once.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use futures_util::future::join_all;

use crate::support::Bridge;

/// More than are drawn again at a start.
const MANY: usize = 35;

/// Opens tickets of these numbers and waits for their cards; returns Blip's ids.
async fn opens(bridge: &Bridge, numbers: std::ops::Range<usize>) -> Vec<String> {
    let open = async |number: usize| {
        let new = NewTicket::saying(&format!("T{number}."), &format!("t{number}@0mn.io"), "Oi");
        bridge.blip.opens_ticket(new).await.id
    };
    let count = numbers.end;
    let opened = join_all(numbers.map(open)).await;
    bridge.until("all cards", || bridge.slack.cards(CHANNEL).len() == count).await;
    bridge.idle().await;
    opened
}

fn updates(bridge: &Bridge) -> usize {
    bridge.slack.calls("chat.update").len()
}

/// Starts the bridge again and waits until it has compared these tickets with Blip's.
async fn restarts(bridge: &mut Bridge, tickets: &[String]) {
    bridge.stage.stop_bridge().await;
    let looks = |bridge: &Bridge, ticket: &String| {
        bridge.blip.calls(&format!("/commands get /ticket/{ticket}")).len()
    };
    let before: Vec<usize> = tickets.iter().map(|ticket| looks(bridge, ticket)).collect();
    bridge.stage.start_bridge().await.unwrap();
    let have_been_compared = || {
        let mut compared = tickets.iter().zip(&before);
        compared.all(|(ticket, before)| looks(bridge, ticket) > *before)
    };
    bridge.until("the comparison after the start", have_been_compared).await;
    bridge.idle().await;
}

fn is_portuguese(bridge: &Bridge, ts: &str) -> bool {
    let card = bridge.slack.message(CHANNEL, ts).unwrap();
    let words = card.blocks.iter().map(ToString::to_string).collect::<String>();
    words.contains("Assumir") || words.contains("Encerrar")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_nothing_changed_draws_no_card() {
    let mut bridge = Bridge::start().await;
    // One that was only posted, one that was changed, and one that has followed another.
    let mut tickets = opens(&bridge, 0..3).await;
    let cards = bridge.slack.cards(CHANNEL);
    for card in &cards[1..] {
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    }
    bridge.idle().await;
    let followed = tickets.pop().unwrap();
    let next = bridge.blip.transfers(&followed, "Default").await.unwrap().id;
    bridge.until("the next ticket", || bridge.blip.ticket(&followed).unwrap().is_closed()).await;
    tickets.push(next);
    bridge.idle().await;
    let before = updates(&bridge);
    for _ in 0..2 {
        restarts(&mut bridge, &tickets).await;
        assert_eq!(updates(&bridge), before, "{}", bridge.slack.transcript());
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_another_language_few_cards_are_drawn_at_the_start_and_many_as_they_change() {
    let mut bridge = Bridge::start().await;
    let few = opens(&bridge, 0..3).await;
    bridge.stage.set_setting("LOCALE", "pt-BR");
    let before = updates(&bridge);
    restarts(&mut bridge, &few).await;
    let cards = bridge.slack.cards(CHANNEL);
    bridge.until("all three", || cards.iter().all(|card| is_portuguese(&bridge, &card.ts))).await;
    assert_eq!(updates(&bridge), before + 3);
    let many = [few, opens(&bridge, 3..MANY).await].concat();
    bridge.stage.set_setting("LOCALE", "en");
    let before = updates(&bridge);
    restarts(&mut bridge, &many).await;
    assert_eq!(updates(&bridge), before, "none of so many");
    let (card, others) = cards.split_first().unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("the one that changes", || !is_portuguese(&bridge, &card.ts)).await;
    assert!(others.iter().all(|card| is_portuguese(&bridge, &card.ts)));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_card_did_not_show_before_the_end_it_shows_after_the_start() {
    let mut bridge = Bridge::start().await;
    let many = opens(&bridge, 0..MANY).await;
    let card = bridge.slack.cards(CHANNEL).remove(0);
    bridge.slack.faults().from_now("chat.update", Fault::Status(500));
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a try", || updates(&bridge) > 0).await;
    bridge.stage.stop_bridge().await;
    bridge.slack.faults().lift("chat.update");
    restarts(&mut bridge, &many).await;
    let shows = |part: &str| {
        let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
        card.words().contains(part)
    };
    bridge.until("the claim on the card", || shows("<@U0ANA>")).await;
    bridge.finish().await;
}
