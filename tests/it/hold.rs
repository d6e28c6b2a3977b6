//! Time: second thoughts before a reply is sent, and the end of WhatsApp's window.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Ephemeral;
use serde_json::json;

use crate::support::Bridge;
use crate::support::later::Later;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_reply_can_be_deleted_edited_or_made_a_note() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let gone = later.says(ANA, &card, "Apagada").await;
    let changed = later.says(ANA, &card, "Bom diaa").await;
    let locked = later.says(ANA, &card, "Cliente chato").await;
    let noted = later.says(ANA, &card, "Também não").await;
    later.says(ANA, &card, "Como posso ajudar?").await;
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned(), "claimed at once");
    bridge.slack.deletes(ANA, CHANNEL, &gone).await.unwrap();
    bridge.slack.edits(ANA, CHANNEL, &changed, "Bom dia!").await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &locked, "lock").await.unwrap();
    bridge.slack.uses_shortcut(ANA, CHANNEL, &noted, "note").await.unwrap();
    later.passes(Duration::from_secs(11)).await;
    later.reached(&ticket, &["Bom dia!", "Como posso ajudar?"]).await;
    bridge.idle().await;
    for note in [&locked, &noted] {
        assert!(bridge.slack.reactions(CHANNEL, note).iter().any(|(name, _)| name == "lock"));
    }
    bridge.slack.reacts(ANA, CHANNEL, &changed, "lock").await.unwrap();
    bridge.slack.uses_shortcut(ANA, CHANNEL, &changed, "note").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 2, "too late for second thoughts");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_was_held_when_the_ticket_closed_stays_a_note() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let late = later.says(ANA, &card, "Um momento").await;
    bridge.idle().await;
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    later.passes(Duration::from_secs(11)).await;
    bridge
        .slack
        .wait_for("the mark of a note", |state| {
            let message = state.message(CHANNEL, &late)?;
            message.reactions.iter().any(|(name, _)| name == "lock").then_some(())
        })
        .await;
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    assert!(bridge.slack.ephemerals(ANA)[0].words().contains("closed"));
    later.bridge.finish().await;
}

/// What was written before the press goes out before the close, without waiting for its time; what
/// was written after it stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_sends_what_is_held_first() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "30")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.says(ANA, &card, "Resolvido.").await;
    let gone = later.says(ANA, &card, "Apagada").await;
    later.says(ANA, &card, "Até logo!").await;
    bridge.idle().await;
    bridge.slack.deletes(ANA, CHANNEL, &gone).await.unwrap();
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty(), "all of it is held");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the close", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    assert_eq!(bridge.received(&ticket), ["Resolvido.", "Até logo!"]);
    later.passes(Duration::from_secs(31)).await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 2, "and once");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatsapps_window_is_shown_near_its_end_and_kept() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let shows = async |words: &str| {
        bridge
            .slack
            .wait_for(&format!("a card with {words}"), |state| {
                state.message(CHANNEL, &card.ts)?.words().contains(words).then_some(())
            })
            .await;
    };
    later.passes(Duration::from_hours(12)).await;
    bridge.blip.says(&ticket, "Ainda espero").await.unwrap();
    later.passes(Duration::from_hours(11)).await;
    bridge.idle().await;
    let words = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(!words.contains("WhatsApp until"), "the customer wrote since: {words}");
    later.passes(Duration::from_hours(11)).await;
    shows("window is open until").await;
    later.passes(Duration::from_hours(3)).await;
    shows("templates only").await;
    later.says(BIA, &card, "Bom dia!").await;
    bridge.idle().await;
    let refused = bridge.said(&card);
    assert!(
        refused.iter().any(|line| line.contains("was not sent") && line.contains("24 hours")),
        "{refused:?} {:?} {} {}",
        bridge.slack.ephemerals(BIA),
        bridge.slack.transcript(),
        bridge.blip.transcript()
    );
    assert!(bridge.received(&ticket).is_empty() && bridge.blip.undelivered().is_empty());
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    later.says(BIA, &card, "Agora sim").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Agora sim"]);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_reply_that_is_refused_is_shown_and_one_that_waits_can_be_edited() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.blip.faults().next("/messages", Fault::Status(400));
    later.says(ANA, &card, "Recusada").await;
    later.passes(Duration::from_secs(11)).await;
    let line = || {
        let mut lines = bridge.replies(&card).into_iter();
        lines.find(|line| line.words().contains("A message was not sent"))
    };
    bridge.until("a line that says so", || line().is_some()).await;
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &line().unwrap().ts, "retry").await.unwrap();
    later.reached(&ticket, &["Recusada"]).await;
    // Held long enough, but Blip does not take it yet.
    bridge.blip.faults().from_now("/messages", Fault::Status(429));
    let edited = later.says(ANA, &card, "Custa R$ 10").await;
    later.passes(Duration::from_secs(11)).await;
    bridge.until("a try", || bridge.blip.calls("/messages").len() > 2).await;
    bridge.slack.edits(ANA, CHANNEL, &edited, "Custa R$ 100").await.unwrap();
    bridge.blip.faults().clear();
    later.skips_pauses_until("the reply", || bridge.received(&ticket).len() == 2).await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Recusada", "Custa R$ 100"]);
    let told = bridge.slack.ephemerals(ANA);
    let is_of_correction = |told: &Ephemeral| told.words().contains("earlier text");
    assert!(!told.iter().any(is_of_correction), "the customer sees no earlier text");
    later.bridge.finish().await;
}

/// What is known is that the ticket was handed over now, and not what Blip's dates are worth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_date_in_a_new_ticket_keeps_nobody_from_answering() {
    let bridge = Bridge::start().await;
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "help");
    let id = bridge.blip.opens_ticket_silently(new);
    let ticket = bridge.blip.ticket(&id).unwrap();
    let announced = json!({ "id": "b8ea3b94", "from": "postmaster@desk.msging.net",
        "type": "application/vnd.iris.ticket+json", "content": { "id": id, "status": "Waiting",
        "sequentialId": ticket.number, "customerIdentity": ticket.customer,
        "customerDomain": ticket.domain, "storageDate": "2019-11-08T20:15:59.415Z" } });
    assert_eq!(bridge.blip.emits(announced).await, Some(200));
    let card = || bridge.slack.cards(CHANNEL).pop();
    bridge.until("the card", || card().is_some()).await;
    bridge.slack.says(ANA, CHANNEL, Some(&card().unwrap().ts), "reply").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&id), ["reply"], "{}", bridge.slack.transcript());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_closes_while_the_card_is_being_shown_is_shown() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    let shows =
        |words: &str| bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains(words);
    later.passes(Duration::from_secs(24 * 3600 - 10)).await;
    bridge.until("the warning", || shows("window is open until")).await;
    bridge.idle().await;
    bridge.slack.faults().next("chat.update", Fault::Slow(Duration::from_millis(500)));
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("the claim", || shows("<@U0ANA>")).await;
    later.clock_jumps(Duration::from_secs(20));
    bridge.until("the end", || shows("templates only")).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_card_tells_how_long_the_customer_has_waited_for_an_answer() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let shown = async |is_shown: bool| {
        bridge
            .slack
            .wait_for(&format!("a card with a clock: {is_shown}"), |state| {
                let words = state.message(CHANNEL, &card.ts)?.words();
                (words.contains("⏰") == is_shown).then_some(())
            })
            .await;
    };
    later.passes(Duration::from_mins(3)).await;
    bridge.idle().await;
    shown(false).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    shown(true).await;
    later.says(ANA, &card, "Olá!").await;
    shown(false).await;
    bridge.idle().await;
    let updates = bridge.slack.calls("chat.update").len();
    bridge.blip.says(&ticket, "Pedido 7").await.unwrap();
    bridge.idle().await;
    later.says(ANA, &card, "Um momento").await;
    bridge.idle().await;
    assert_eq!(bridge.slack.calls("chat.update").len(), updates, "a quick answer changes nothing");
    bridge.blip.says(&ticket, "E agora?").await.unwrap();
    later.passes(Duration::from_mins(3)).await;
    shown(true).await;
    later.bridge.finish().await;
}
