//! The main path: a ticket arrives, is claimed, answered and closed.

use blip_slack::demo::{ANA, BIA, CHANNEL};

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
    for part in ["Ana Lima", "Oi, meu pedido não chegou"] {
        assert!(changed.contains(part), "{part} in {changed}");
    }
    let buttons: Vec<_> = card.buttons().into_iter().map(|button| button.action_id).collect();
    assert_eq!(buttons, ["claim", "close", "transfer"]);
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
