//! Canned replies that are more than words, and their variables.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::CannedReply;
use blip_slack_standins::slack::{Message, View};
use serde_json::{Value, json};

use crate::support::Bridge;

const MENU: &str = "application/vnd.lime.select+json";
const MEDIA: &str = "application/vnd.lime.media-link+json";

fn reply(name: &str, kind: &str, document: &Value) -> CannedReply {
    let text = document.as_str().map_or_else(|| document.to_string(), str::to_owned);
    let (category, name, kind) = ("Geral".to_owned(), name.to_owned(), kind.to_owned());
    CannedReply { category, name, text, kind }
}

/// The text that anybody sees in a dialog.
fn shown(view: &Value) -> String {
    Message { blocks: view["blocks"].as_array().unwrap().clone(), ..Message::default() }.words()
}

/// Opens the list of canned replies; returns the dialog and what can be chosen.
async fn opens(bridge: &Bridge, card: &Message) -> (View, Vec<Value>) {
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "reply")).await.unwrap();
    let dialog = bridge.dialog(ANA);
    let all = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "").await.unwrap();
    (dialog, all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canned_menu_is_shown_and_sent_with_its_options() {
    let bridge = Bridge::start().await;
    let menu = json!({ "text": "Oi, ${contact.name}! O que deseja?", "scope": "immediate", "options": [
        { "order": 1, "text": "2ª via", "type": "text/plain", "value": "boleto" },
        { "order": 2, "text": "Falar com ${agent.firstName}" } ] });
    bridge.blip.configure(|setup| setup.replies = vec![reply("Menu", MENU, &menu)]);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let (dialog, all) = opens(&bridge, &card).await;
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &all[0]).await.unwrap();
    let preview = bridge.dialog(ANA);
    let words = shown(&preview.view);
    for part in ["Oi, Maria Silva! O que deseja?", "2ª via", "Falar com Ana"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(bridge.blip.received(&ticket).is_empty(), "only a preview so far");
    bridge.slack.submits(ANA, &preview.id, json!({})).await.unwrap();
    bridge.idle().await;
    let received = bridge.blip.received(&ticket);
    let sent = json!({ "text": "Oi, Maria Silva! O que deseja?", "scope": "immediate", "options": [
        { "order": 1, "text": "2ª via", "type": "text/plain", "value": "boleto" },
        { "order": 2, "text": "Falar com Ana" } ] });
    assert_eq!((received.len(), &received[0].content), (1, &sent));
    assert_eq!(received[0].kind, MENU);
    assert!(bridge.said(&card).iter().any(|line| line.contains("2ª via")), "it is in the thread");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_one_channel_understands_is_not_offered() {
    let bridge = Bridge::start().await;
    let template = json!({ "type": "template", "template": { "name": "boas_vindas" } });
    let file = json!({ "uri": "https://loja.example/tabela.pdf", "type": "application/pdf",
        "title": "Tabela de ${contact.name}" });
    bridge.blip.configure(|setup| {
        setup.replies = vec![
            reply("Modelo", "application/json", &template),
            reply("Tabela", MEDIA, &file),
            reply("Palavras", "text/plain", &json!("Bom dia!")),
        ];
    });
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let (dialog, all) = opens(&bridge, &card).await;
    let labels: Vec<_> = all.iter().filter_map(|option| option["text"]["text"].as_str()).collect();
    assert_eq!(labels, ["Tabela", "Palavras"]);
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &all[0]).await.unwrap();
    assert!(shown(&bridge.dialog(ANA).view).contains("Tabela de Maria Silva"));
    // Another one is chosen in its place, and the file after all.
    let again = bridge.slack.searches(ANA, &dialog.id, "canned_reply", "pala").await.unwrap();
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &again[0]).await.unwrap();
    assert!(bridge.dialog(ANA).view.to_string().contains("Bom dia!"));
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &all[0]).await.unwrap();
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    let received = bridge.blip.received(&ticket);
    assert_eq!((received.len(), received[0].kind.as_str()), (1, MEDIA));
    assert_eq!(received[0].content["uri"], "https://loja.example/tabela.pdf");
    assert_eq!(received[0].content["title"], "Tabela de Maria Silva");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_variable_has_its_value() {
    let bridge = Bridge::start().await;
    let text = "${contact.name}|${contact.extras.plano}|${contact.city}|${agent.fullName}|\
        ${agent.firstName}|${agent.email}|${agent.identity}|${ticket.sequentialId}|${ticket.team}|\
        ${calendar.date}|${contact.extras.none}|${agent.phoneNumber}";
    bridge.slack.change_user(ANA, |user| user.phone = Some("+55 31 3333-4444".to_owned()));
    bridge.blip.configure(|setup| setup.replies = vec![reply("Tudo", "", &json!(text))]);
    bridge.blip.keeps_contact(json!({ "identity": "maria.silva@wa.gw.msging.net",
        "name": "Maria Silva", "city": "Olinda", "extras": { "plano": "Ouro" } }));
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let (dialog, all) = opens(&bridge, &card).await;
    bridge.slack.chooses(ANA, &dialog.id, "canned_reply", &all[0]).await.unwrap();
    let view = bridge.dialog(ANA).view;
    let blocks = view["blocks"].as_array().unwrap();
    let words = blocks.iter().find_map(|block| block["element"]["initial_value"].as_str()).unwrap();
    let number = bridge.blip.ticket(&ticket).unwrap().number;
    let start = format!(
        "Maria Silva|Ouro|Olinda|Ana Lima|Ana|ana@loja.example|\
        ana%40loja.example@blip.ai|{number}|Default|"
    );
    assert!(words.starts_with(&start), "{words}");
    let parts: Vec<&str> = words.split('|').collect();
    assert!(parts[9].contains(", 20") && parts[10].is_empty(), "{words}");
    assert_eq!(parts[11], "+55 31 3333-4444");
    bridge.finish().await;
}
