//! After WhatsApp's 24 hours: what is said before anything is written, and what can still be sent.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::later::Later;

const A_DAY: Duration = Duration::from_hours(25);

/// The text that anybody sees in a dialog.
fn shown(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

fn typed(block: &str, words: &str) -> Value {
    json!({block: {"words": {"type": "plain_text_input", "value": words}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_any_more_is_not_asked_for() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(A_DAY).await;
    bridge.idle().await;
    for dialog in ["reply", "compose"] {
        bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, dialog).await.unwrap();
        let view = bridge.dialog(ANA).view;
        let words = shown(&view);
        assert!(words.contains("24 hours have passed"), "{dialog}: {words}");
        assert!(view["submit"].is_null() && !view.to_string().contains("\"input\""), "{view}");
    }
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(shown(&dialog.view).contains("no farewell would arrive"));
    assert!(!dialog.view.to_string().contains("\"farewell\""), "{}", dialog.view);
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert!(bridge.blip.undelivered().is_empty());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_customer_who_writes_again_can_be_written_to() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(A_DAY).await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    assert!(bridge.dialog(ANA).view["submit"].is_object());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_that_is_too_late_is_shown_and_the_ticket_closed_without_it_if_so_wished() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.blip.configure(|setup| setup.tags = vec!["Venda".to_owned()]);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    later.passes(A_DAY).await;
    bridge.idle().await;
    let option = json!({"text": {"type": "plain_text", "text": "Venda"}, "value": "Venda"});
    let mut filled = typed("farewell", "Até logo, Maria!");
    filled["tags"] =
        json!({"tags": {"type": "multi_external_select", "selected_options": [option]}});
    bridge.slack.submits(ANA, &dialog.id, filled).await.unwrap();
    bridge.idle().await;
    let asked = bridge.dialog(ANA);
    let words = shown(&asked.view);
    assert!(words.contains("was not sent") && words.contains("Até logo, Maria!"), "{words}");
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed(), "not without being asked");
    let chosen = json!({"tags": {"tags": {"type": "multi_external_select",
        "selected_options": [option]}}});
    assert!(asked.view.to_string().contains("initial_options"), "the tags are still chosen");
    bridge.slack.submits(ANA, &asked.id, chosen).await.unwrap();
    bridge.idle().await;
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!(
        (closed.status.as_str(), closed.tags),
        ("ClosedAttendant", vec!["Venda".to_owned()])
    );
    assert!(bridge.received(&ticket).is_empty() && bridge.blip.undelivered().is_empty());
    later.bridge.finish().await;
}
