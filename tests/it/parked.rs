//! What is told of an event that was parked: which one it is, and why.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;

use crate::support::Bridge;

/// The line that tells of what was parked.
async fn parked_line(bridge: &Bridge, card: &Message, words: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a line with {words}"), |state| {
            let mut lines = state.thread(CHANNEL, &card.ts);
            lines.find(|line| line.words().contains(words)).cloned()
        })
        .await
}

fn buttons(line: &Message) -> Vec<String> {
    line.buttons().into_iter().map(|button| button.action_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_reply_is_told_with_its_writer_its_first_words_and_the_reason_in_words() {
    for delay in ["0", "1"] {
        let bridge = Bridge::with(&[("SEND_DELAY_SECONDS", delay)]).await;
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.blip.faults().next("/messages", Fault::Status(400));
        let reply = "Seu pedido saiu hoje de manhã e chega até sexta-feira, no fim da tarde.";
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), reply).await.unwrap();
        let line = parked_line(&bridge, &card, "A message was not sent").await;
        let words = line.words();
        assert!(words.contains("<@U0ANA>"), "{words}");
        assert!(words.contains("“Seu pedido saiu hoje de manhã"), "{words}");
        assert!(!words.contains("no fim da tarde"), "only its first words: {words}");
        assert!(words.contains("Blip did not accept it") && !words.contains("http"), "{words}");
        assert_eq!(buttons(&line), ["retry", "skip"]);
        bridge.slack.clicks(ANA, CHANNEL, &line.ts, "retry").await.unwrap();
        bridge.until("the reply", || bridge.received(&ticket) == [reply]).await;
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_message_that_slack_does_not_take_is_told_with_its_first_words() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    let refuse = || bridge.slack.faults().next("chat.postMessage", Fault::Code("odd".to_owned()));
    refuse();
    bridge.blip.says(&ticket, "Cadê o meu *pedido*?").await.unwrap();
    let line = parked_line(&bridge, &card, "could not be shown").await;
    let words = line.words();
    assert!(words.contains("“Cadê o meu *pedido*?”"), "{words}");
    assert!(words.contains("Slack did not accept it (code odd)"), "{words}");
    bridge.slack.clicks(BIA, CHANNEL, &line.ts, "retry").await.unwrap();
    let is_shown = || bridge.said(&card).iter().any(|said| said == "Cadê o meu *pedido*?");
    bridge.until("the message", is_shown).await;
    refuse();
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    let line = parked_line(&bridge, &card, "News from Blip").await;
    bridge.slack.clicks(BIA, CHANNEL, &line.ts, "retry").await.unwrap();
    let is_over = || bridge.said(&card).iter().any(|said| said.contains("Closed by the customer"));
    bridge.until("the end", is_over).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_that_was_parked_is_told_by_its_name_to_who_wanted_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let refuse = || bridge.slack.faults().next("users.info", Fault::Code("odd".to_owned()));
    refuse();
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    let line = parked_line(&bridge, &card, "An action was not completed: 👀.").await;
    assert!(line.words().contains("<@U0BIA>"), "{}", line.words());
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "skip").await.unwrap();
    bridge.idle().await;
    refuse();
    bridge.slack.clicks(BIA, CHANNEL, &card.ts, "claim").await.unwrap();
    let line = parked_line(&bridge, &card, "An action was not completed: Claim.").await;
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    bridge.finish().await;
}
