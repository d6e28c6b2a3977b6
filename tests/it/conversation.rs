//! The main path: a ticket arrives, is claimed, answered and closed.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;

use crate::support::Bridge;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_becomes_a_card_with_the_customers_first_words() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria Silva", "Oi, meu pedido não chegou").await;
    let words = card.words();
    for part in ["Maria Silva", "Oi, meu pedido não chegou", "WhatsApp", "Waiting"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(card.text.contains("Maria Silva") && card.text.contains("pedido"), "{}", card.text);
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let changed = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    for part in ["<@U0ANA>", "Oi, meu pedido não chegou"] {
        assert!(changed.contains(part), "{part} in {changed}");
    }
    let buttons: Vec<_> = card.buttons().into_iter().map(|button| button.action_id).collect();
    assert_eq!(buttons, ["claim", "transfer", "close"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_reaches_both_sides_in_order() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge
        .blip
        .wait_for("the ticket to be open", |state| {
            state.tickets.get(&ticket)?.is_assigned().then_some(())
        })
        .await;
    bridge.blip.says(&ticket, "Tem alguém?").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá, Maria! :wave:").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "// cliente antiga").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Já *vi* aqui").await.unwrap();
    bridge.blip.says(&ticket, "Obrigada <!channel> *oi*").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá, Maria! 👋", "Já *vi* aqui"]);
    let said = bridge.said(&card);
    assert_eq!(said.iter().filter(|words| words.contains("Tem alguém?")).count(), 1, "{said:?}");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge
        .blip
        .wait_for("the ticket to be closed", |state| {
            state.tickets.get(&ticket)?.is_closed().then_some(())
        })
        .await;
    bridge.idle().await;
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    assert!(card.buttons().is_empty() && card.words().contains("Ana Lima"), "{}", card.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_claim_is_told_who_holds_the_ticket() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(BIA);
    assert!(told[0].words().contains("Ana Lima"), "{told:?}");
    bridge.slack.clicks(BIA, CHANNEL, &told[0].ts, "take_over").await.unwrap();
    bridge.idle().await;
    assert_eq!(
        bridge.blip.ticket(&ticket).unwrap().agent.as_deref(),
        Some("bia%40loja.example@blip.ai")
    );
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_keeps_the_first_words_when_its_ticket_is_handed_on() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Meu pedido").await;
    let first = bridge.blip.transfers(&ticket, "Vendas").await.unwrap().id;
    bridge.idle().await;
    bridge.blip.transfers(&first, "Suporte").await.unwrap();
    bridge.idle().await;
    let words = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(words.contains("Suporte") && words.contains("Meu pedido"), "{words}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_shows_the_ticket_that_went_on_in_its_thread_while_it_was_drawn() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Meu pedido").await;
    bridge.idle().await;
    let updates = || bridge.slack.calls("chat.update").len();
    let before = updates();
    bridge.slack.faults().next("chat.update", Fault::Late(Duration::from_millis(500)));
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a card under way", || updates() > before).await;
    // What both tickets have to show waits for it.
    bridge.blip.transfers(&ticket, "Vendas").await.unwrap();
    bridge.idle().await;
    let words = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(words.contains("continued from ticket"), "{words}");
    assert!(words.contains("Meu pedido"), "{words}");
    bridge.finish().await;
}

/// A card is drawn anew under the hand that presses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_press_in_the_same_place_never_undoes_the_first() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    let buttons = || -> Vec<String> {
        let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
        card.buttons().into_iter().map(|button| button.action_id).collect()
    };
    let place = buttons().iter().position(|name| name == "claim").unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap();
    bridge.idle().await;
    let now = buttons();
    assert_eq!(now, ["reply", "tags", "transfer", "close", "take_over"]);
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, &now[place]).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned());
    assert_eq!(bridge.dialog(ANA).view["title"]["text"], "Canned reply");
    // What is frequent is one press away; letting go is in the menu.
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "tags").await.unwrap();
    assert_eq!(bridge.dialog(ANA).view["title"]["text"], "Ticket tags");
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    assert_eq!(buttons(), ["claim", "transfer", "close"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_hold_a_ticket_takes_it_over_from_the_card() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "take_over").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(told.words().contains("You already have this ticket"), "{told:?}");
    bridge.slack.clicks(BIA, CHANNEL, &card.ts, "take_over").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    let shown = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    assert!(shown.words().contains("<@U0BIA>") && shown.words().contains("Oi"), "{shown:?}");
    assert!(!shown.text.contains("<@"), "notifications repeat no mention: {}", shown.text);
    // Nobody is left with a plain no: who cannot let go of it may take it over.
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert_eq!(told.buttons()[0].action_id, "take_over", "{told:?}");
    bridge.finish().await;
}
