//! Answers and reactions of customers of which Blip tells only the id of the message that they are
//! about.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::Bridge;

const REPLY: &str = "application/vnd.lime.reply+json";
const REACTION: &str = "application/vnd.lime.reaction+json";
/// What is asked of Blip to learn the words.
const HISTORY: &str = "/commands get /tickets/*/messages";

/// A ticket in which an agent and the customer have said something; the id of what the agent said
/// and that of what the customer said.
async fn conversation(bridge: &Bridge) -> (String, Message, String, String) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Qual *cor* você quer?").await.unwrap();
    bridge.idle().await;
    let asked = bridge.blip.received(&ticket).last().unwrap().id.clone();
    let said = bridge.blip.says(&ticket, "Moro no Recife").await.unwrap().id;
    bridge.idle().await;
    (ticket, card, asked, said)
}

/// WhatsApp's id of the last thing that the customer said.
fn last_wamid(bridge: &Bridge) -> String {
    bridge.blip.look(|state| {
        let mut said = state.threads.values().flatten().filter(|message| message.from_customer);
        said.next_back().unwrap().metadata["#wa.message.id"].as_str().unwrap().to_owned()
    })
}

fn answer(words: &str, id: &str) -> Value {
    json!({ "replied": { "type": "text/plain", "value": words }, "inReplyTo": { "id": id } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_named_only_by_its_id_is_quoted() {
    let bridge = Bridge::start().await;
    let (ticket, card, asked, said) = conversation(&bridge).await;
    let wamid = last_wamid(&bridge);
    let thumb = json!({ "emoji": { "values": [128_077] }, "inReactionTo": { "id": asked } });
    let words = |words: &str| json!(words);
    for (kind, content, metadata, shown) in [
        (REPLY, answer("Azul", &asked), None, "In reply to: Qual *cor* você quer?\nAzul"),
        (
            REPLY,
            answer("Centro", &said.to_uppercase()),
            None,
            "In reply to: Moro no Recife\nCentro",
        ),
        (REACTION, thumb, None, "Reacted with 👍 to: Qual *cor* você quer?"),
        (
            "text/plain",
            words("Sul"),
            Some(("#inReplyToId", said.as_str())),
            "In reply to: Moro no Recife\nSul",
        ),
        (
            "text/plain",
            words("Boa"),
            Some(("#wa.context.id", wamid.as_str())),
            "In reply to: Moro no Recife\nBoa",
        ),
        (REPLY, answer("Sim", "wamid.unknown"), None, "In reply to: an earlier message\nSim"),
        (
            "text/plain",
            words("SIM"),
            Some(("#wa.context.id", "wamid.template")),
            "In reply to: an earlier message\nSIM",
        ),
    ] {
        bridge.blip.sends_with(&ticket, kind, content, metadata.as_slice()).await.unwrap();
        bridge.idle().await;
        assert_eq!(bridge.said(&card).last().unwrap(), shown);
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_blip_does_not_tell_become_a_link_and_hold_nothing_up() {
    let bridge = Bridge::start().await;
    let (ticket, card, asked, _) = conversation(&bridge).await;
    let question = bridge.replies(&card).first().unwrap().ts.replace('.', "");
    for fault in [Fault::Status(503), Fault::Hang] {
        bridge.blip.faults().from_now(HISTORY, fault);
        bridge.blip.sends(&ticket, REPLY, answer("Azul", &asked)).await.unwrap();
        bridge.idle().await;
        let shown = bridge.said(&card).last().unwrap().clone();
        let (quote, said) = shown.split_once('\n').unwrap();
        assert!(quote.starts_with("In reply to: an earlier message:"), "{quote}");
        assert!(quote.contains(&format!("/archives/{CHANNEL}/p{question}?thread_ts={}", card.ts)));
        assert_eq!(said, "Azul");
        bridge.blip.faults().clear();
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_of_something_sensitive_shows_nothing_of_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let secret = json!({ "type": "text/plain", "value": "senha 1234" });
    let sent = bridge.blip.sends(&ticket, "application/vnd.lime.sensitive+json", secret).await;
    bridge.blip.sends(&ticket, REPLY, answer("Essa", &sent.unwrap().id)).await.unwrap();
    bridge.idle().await;
    let shown = bridge.said(&card).join("\n");
    assert!(shown.contains("In reply to:") && shown.contains("Essa"), "{shown}");
    assert!(!shown.contains("1234"), "{shown}");
    bridge.finish().await;
}
