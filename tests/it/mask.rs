//! Numbers of people and cards, which nobody reads in Slack and which reach Blip as they are.

use std::collections::BTreeSet;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::{CannedReply, NewTicket};
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::{Bridge, samples};

/// A valid CPF as a customer writes it.
const CPF: &str = "529.982.247-25";
const MASK: (&str, &str) = ("PRIVACY_MASK", "cpf,cnpj,card");
const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";

/// Where Slack was shown a text with the number, as `method` or `answer to …`.
type Places = BTreeSet<String>;

fn holds(shown: &str) -> bool {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    digits.contains("52998224725")
}

/// The places in what the bridge sends where people read the number.
fn note(place: &str, value: &Value, places: &mut Places) {
    match value {
        Value::String(text) if holds(text) => _ = places.insert(place.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| note(place, item, places)),
        Value::Object(fields) => {
            // What a button or an option carries comes back to the bridge, and nobody reads it.
            let fields = fields.iter().filter(|(key, _)| *key != "value");
            fields.for_each(|(key, field)| note(&format!("{place}/{key}"), field, places));
        }
        _ => {}
    }
}

fn words(what: &str) -> String {
    format!("{what} {CPF}")
}

/// A ticket that is claimed; the customer has said something before.
async fn begin(settings: &[(&str, &str)]) -> (Bridge, String, Message) {
    let settings = [settings, &[("CONTEXT_MESSAGES", "10")]].concat();
    let bridge = Bridge::with(&settings).await;
    bridge.blip.configure(|setup| {
        setup.teams = vec!["Vendas".to_owned(), words("Time")];
        setup.tags = vec![words("Etiqueta")];
        let [category, name, text] = ["Grupo", "Resposta", "Texto"].map(words);
        setup.replies = vec![CannedReply { category, name, text, ..CannedReply::default() }];
    });
    let first = NewTicket {
        team: words("Time"),
        ..NewTicket::saying(&words("Maria"), "5531999990000@wa.gw.msging.net", &words("Oi"))
    };
    // What was said before.
    let old = bridge.blip.opens_ticket_silently(first.clone());
    bridge.blip.hold();
    bridge.blip.says(&old, &words("antes")).await.unwrap();
    bridge.blip.closes_silently(&old, "ClosedAttendant").unwrap();
    bridge.blip.release(Vec::clear).await;
    let ticket = bridge.blip.opens_ticket(first).await.id;
    let card = bridge.card_of("Maria").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    (bridge, ticket, card)
}

/// An agent opens all that can be opened.
async fn open_everything(bridge: &Bridge, card: &Message, answers: &mut Places) {
    for dialog in ["history", "details", "tags", "reply", "compose"] {
        if matches!(dialog, "tags" | "reply") {
            bridge.slack.clicks(ANA, CHANNEL, &card.ts, dialog).await.unwrap();
        } else {
            bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", dialog)).await.unwrap();
        }
        bridge.idle().await;
        let open = bridge.dialog(ANA);
        for list in ["tags", "canned_reply", "destination"] {
            if let Ok(found) = bridge.slack.searches(ANA, &open.id, list, "").await {
                note(&format!("options of {list}"), &json!(found), answers);
            }
        }
    }
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "tags").await.unwrap();
    let tag = words("Etiqueta");
    let option = json!({"text": {"type": "plain_text", "text": tag}, "value": tag});
    let tags =
        json!({"tags": {"tags": {"type": "multi_external_select", "selected_options": [option]}}});
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, tags).await.unwrap();
    bridge.idle().await;
    for command in ["mine", "waiting", "find Maria"] {
        let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", command).await.unwrap();
        note("answer to /blip", &serde_json::from_str(&answered.body).unwrap(), answers);
    }
    let opened = json!({"type": "app_home_opened", "user": ANA, "channel": "D0HOME", "tab": "home", "event_ts": "1.1"});
    bridge.slack.emits(opened).await;
    bridge
        .slack
        .wait_for("a home tab", |state| {
            state.views.values().find(|v| v.view["type"] == "home").cloned()
        })
        .await;
}

/// A customer whose every word, name, tag and file holds the number, and an agent who opens all
/// there is to open.
async fn play(settings: &[(&str, &str)]) -> Places {
    let (bridge, ticket, card) = begin(settings).await;
    let mut answers = Places::new();
    for (kind, content) in contents() {
        bridge.blip.sends(&ticket, kind, content).await.unwrap();
    }
    let (name, png) = (words("nota") + ".png", samples::png());
    let caption = words("legenda");
    let file = (name.as_str(), "image/png");
    bridge.blip.sends_file(&ticket, file, &png, Some(&caption)).await.unwrap();
    bridge.idle().await;
    open_everything(&bridge, &card, &mut answers).await;
    // Somebody who does not hold the ticket writes, and is asked.
    bridge.slack.says(BIA, CHANNEL, Some(&card.ts), &words("Olá")).await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words("Seu CPF é")).await.unwrap();
    // A farewell, which is shown in the thread as it went out.
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let farewell =
        json!({"farewell": {"words": {"type": "plain_text_input", "value": words("Tchau")}}});
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, farewell).await.unwrap();
    bridge.idle().await;
    // What goes to the customer and to Blip is as it was written.
    assert_eq!(bridge.received(&ticket), [words("Seu CPF é"), words("Tchau")]);
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().tags, [words("Etiqueta")]);
    let mut places = answers;
    for call in bridge.slack.look(|state| state.calls.clone()) {
        note(&call.method, &call.body, &mut places);
    }
    bridge.finish().await;
    places
}

/// One of each kind that customers send, with the number in whatever people write.
fn contents() -> Vec<(&'static str, Value)> {
    let text = |words: &str| json!({"type": "text/plain", "value": format!("{words} {CPF}")});
    let gone = "https://gone.invalid/52998224725.pdf";
    vec![
        ("text/plain", json!(format!("Meu CPF é {CPF}"))),
        ("text/plain", json!(format!("{} {CPF}", "linha\n".repeat(600)))),
        ("text/plain", json!("veja https://loja.example/?doc=52998224725")),
        (
            "application/vnd.lime.location+json",
            json!({"latitude": -23.5, "longitude": -46.6, "text": CPF}),
        ),
        (
            "application/vnd.lime.web-link+json",
            json!({"uri": "https://a.example", "title": CPF, "text": CPF}),
        ),
        (
            "application/vnd.lime.contact+json",
            json!({"name": CPF, "phoneNumber": "11", "taxDocument": CPF}),
        ),
        (
            "application/vnd.lime.reply+json",
            json!({"inReplyTo": {"id": "1", "type": "text/plain", "value": CPF}, "replied": text("sim")}),
        ),
        (
            "application/vnd.lime.reaction+json",
            json!({"emoji": {"values": [128_077]}, "inReactionTo": {"id": "1", "type": "text/plain", "value": CPF}}),
        ),
        (MEDIA_LINK, json!({"type": "application/pdf", "uri": gone, "title": CPF, "text": CPF})),
        ("application/x.new+json", json!({"text": CPF})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_hidden_is_nowhere_in_what_slack_is_shown() {
    let (open, masked) = tokio::join!(play(&[]), play(&[MASK]));
    assert_eq!(masked, Places::new());
    // The same without the setting, so that what is walked here is what shows it.
    let all = open.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_hidden_in_the_look_of_a_thread_and_the_rest_stays() {
    let bridge = Bridge::with(&[MASK]).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Pedido 12345678901, CPF 52998224725").await;
    assert!(card.words().contains("Pedido 12345678901, CPF •••••••••••"), "{}", card.words());
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    // The number stands where a long text is parted.
    let long = format!("{}4111 1111 1111 1111 fim", "a ".repeat(1490));
    bridge.blip.says(&ticket, &long).await.unwrap();
    bridge.idle().await;
    let said: Vec<String> = bridge.replies(&card).iter().map(Message::words).collect();
    assert!(said.iter().any(|words| words.contains("•••• •••• •••• 1111")), "{said:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_hidden_from_slack_is_not_sent_again_from_there() {
    let bridge = Bridge::with(&[MASK]).await;
    bridge.blip.configure(|setup| setup.sends_receipts = false);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "reply").await.unwrap();
    let words = json!({"words:1": {"words": {"type": "plain_text_input", "value": CPF}}});
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, words).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), [CPF]);
    let id = bridge.blip.received(&ticket)[0].id.clone();
    let from = bridge.blip.ticket(&ticket).unwrap().address();
    let failed = json!({"id": id, "from": from, "event": "failed", "reason": {"code": 61, "description": "x"}});
    bridge.blip.emits(failed).await;
    bridge.idle().await;
    let line = bridge.replies(&card).into_iter().find(|line| !line.buttons().is_empty()).unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &line.ts, "resend").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), [CPF], "not with the number hidden");
    let told: Vec<String> = bridge.slack.ephemerals(ANA).iter().map(|it| it.text.clone()).collect();
    let line = bridge.slack.message(CHANNEL, &line.ts).unwrap().words();
    assert!(
        told.iter().chain([&line]).any(|text| text.contains("write it again")),
        "{told:?} {line}"
    );
    bridge.finish().await;
}
