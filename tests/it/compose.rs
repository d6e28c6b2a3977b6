//! What is more than words: composed in a dialog, seen before it is sent, received as LIME's own
//! types.

use std::fmt::Write as _;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::Bridge;

/// What is filled into the first page.
fn filled(kind: &str, fields: &[(&str, &str)]) -> Value {
    let option = json!({"text": {"type": "plain_text", "text": kind}, "value": kind});
    let kind = json!({"type": "static_select", "selected_option": option});
    let mut values = json!({"kind": {"compose_kind": kind}});
    for (field, value) in fields {
        values[*field] = json!({*field: {"type": "plain_text_input", "value": value}});
    }
    values
}

fn words(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_is_seen_before_it_is_sent_and_reaches_the_customer() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let mut table = String::new();
    let mut sent = serde_json::Map::new();
    for (kind, fields) in [
        ("quick", vec![("question", "Confirma *hoje*?"), ("options", "Sim\nNão\n")]),
        ("menu", vec![("question", "Qual?"), ("options", "Azul\nVerde\nPreto\nBranco")]),
        (
            "place",
            vec![("where", "https://maps.google.com/?q=-22.9519%2C-43.2105"), ("label", "Loja")],
        ),
        (
            "link",
            vec![("address", "https://loja.example/p/1"), ("title", "Tênis"), ("text", "Olha")],
        ),
    ] {
        bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "compose")).await.unwrap();
        let page = bridge.dialog(ANA);
        let option = json!({"text": {"type": "plain_text", "text": kind}, "value": kind});
        bridge.slack.chooses(ANA, &page.id, "compose_kind", &option).await.unwrap();
        sent.insert(format!("{kind}: form"), bridge.dialog(ANA).view);
        bridge.slack.submits(ANA, &page.id, filled(kind, &fields)).await.unwrap();
        let preview = bridge.dialog(ANA);
        assert_eq!(preview.view["callback_id"], "compose_send");
        sent.insert(format!("{kind}: preview"), preview.view.clone());
        writeln!(table, "--- {kind}: preview\n{}", words(&preview.view)).unwrap();
        let before = bridge.blip.received(&ticket).len();
        assert_eq!(before, bridge.blip.received(&ticket).len(), "nothing is sent so far");
        bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
        bridge.idle().await;
        assert!(!bridge.has_dialog(ANA));
        for sent in &bridge.blip.received(&ticket)[before..] {
            writeln!(table, "--- received\n{} {}", sent.kind, sent.content).unwrap();
        }
        writeln!(table, "--- in the thread\n{}", bridge.said(&card).pop().unwrap()).unwrap();
    }
    insta::assert_snapshot!(table);
    let sent = serde_json::to_string_pretty(&sent).unwrap();
    insta::assert_snapshot!("what_slack_gets", sent.replace(ticket.as_str(), "a ticket"));
    let holder = bridge.blip.ticket(&ticket).unwrap().agent;
    assert_eq!(holder.as_deref(), Some("ana%40loja.example@blip.ai"), "sending claims");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shortcut_opens_it_and_what_is_wrong_is_said_at_its_field() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    let page = bridge.dialog(ANA);
    let wrong = filled("quick", &[("question", "Qual?"), ("options", "a\nb\nc\nd")]);
    let answered = bridge.slack.submits(ANA, &page.id, wrong).await.unwrap();
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(answer["response_action"], "errors");
    assert!(answer["errors"]["options"].as_str().unwrap().contains("1 to 3"), "{answer}");
    assert!(bridge.blip.received(&ticket).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_sent_once_and_only_by_who_may() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let fields = [("address", "https://loja.example")];
    for user in [ANA, BIA] {
        bridge.slack.uses_shortcut(user, CHANNEL, &card.ts, "compose").await.unwrap();
        let page = bridge.dialog(user);
        bridge.slack.submits(user, &page.id, filled("link", &fields)).await.unwrap();
        bridge.blip.faults().next("/messages", Fault::LostAnswer);
        let preview = bridge.dialog(user);
        bridge.slack.submits(user, &preview.id, json!({})).await.unwrap();
        bridge.idle().await;
        assert_eq!(bridge.blip.received(&ticket).len(), 1, "{user}");
    }
    let told = bridge.slack.ephemerals(BIA).into_iter().map(|it| it.words()).collect::<Vec<_>>();
    let told = told.join("\n");
    assert!(told.contains("Ana Lima"), "{told}");
    assert_eq!(told.matches("https://loja.example").count(), 1, "and what she typed: {told}");
    bridge.blip.faults().clear();
    bridge.finish().await;
}
