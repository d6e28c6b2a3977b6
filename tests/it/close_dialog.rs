//! A close that is pressed in Slack while something that the customer said is not shown yet: its dialog
//! says so and asks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::store::SharedStore;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, View};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::later::Later;
use crate::support::watched::{Use, Watched, Witness};
use crate::support::{Bridge, tuning};

const POST: &str = "chat.postMessage";

/// The text that anybody sees in a dialog.
fn shown(dialog: &View) -> String {
    let blocks = dialog.view["blocks"].as_array().unwrap().clone();
    Message { blocks, ..Message::default() }.words()
}

/// What is written on the buttons of a dialog.
fn buttons(dialog: &View) -> [&str; 2] {
    ["submit", "close"].map(|button| dialog.view[button]["text"].as_str().unwrap())
}

fn is_open(bridge: &Bridge, ticket: &str) -> bool {
    !bridge.blip.ticket(ticket).unwrap().is_closed()
}

/// Whether the thread asks whether to close all the same.
fn is_asked_in_thread(bridge: &Bridge, card: &Message) -> bool {
    bridge.said(card).iter().any(|line| line.contains("stays open"))
}

/// A ticket that Ana holds.
async fn held(bridge: &Bridge) -> (String, Message) {
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    (ticket, card)
}

/// The customer says something that Slack does not take for now.
async fn says_unshown(bridge: &Bridge, ticket: &str, words: &str) {
    bridge.slack.faults().from_now(POST, Fault::Status(503));
    bridge.blip.says(ticket, words).await.unwrap();
}

/// What was filled in: a tag and a farewell.
fn filled(tag: &str, farewell: &str) -> Value {
    let option = json!({"text": {"type": "plain_text", "text": tag}, "value": tag});
    json!({
        "tags": {"tags": {"type": "multi_external_select", "selected_options": [option]}},
        "farewell": {"words": {"type": "plain_text_input", "value": farewell}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_is_pressed_while_words_wait_is_asked_in_its_dialog() {
    let bridge = Bridge::start().await;
    let (ticket, card) = held(&bridge).await;
    says_unshown(&bridge, &ticket, "Mais uma coisa").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(shown(&dialog).contains("sent 1 message that is not in Slack yet"), "{dialog:?}");
    assert_eq!(buttons(&dialog), ["Close anyway", "Keep open"]);
    assert!(!dialog.view.to_string().contains("Mais uma coisa"));
    // Whoever leaves it leaves the ticket as it is, and nothing is told.
    bridge.blip.says(&ticket, "E outra").await.unwrap();
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert!(shown(&dialog).contains("sent 2 messages that are not in Slack yet"), "{dialog:?}");
    assert!(is_open(&bridge, &ticket));
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.until("the close", || !is_open(&bridge, &ticket)).await;
    bridge.slack.faults().lift(POST);
    bridge.idle().await;
    assert!(!is_asked_in_thread(&bridge, &card), "{:?}", bridge.said(&card));
    assert!(!bridge.has_dialog(ANA));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_come_while_the_dialog_is_open_are_asked_about_in_it_and_nothing_typed_is_lost()
{
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.tags = vec!["Venda".to_owned()]);
    let (ticket, card) = held(&bridge).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let first = bridge.dialog(ANA);
    assert_eq!(buttons(&first), ["Close", "Cancel"]);
    says_unshown(&bridge, &ticket, "Mais uma coisa").await;
    bridge.slack.submits(ANA, &first.id, filled("Venda", "Até logo")).await.unwrap();
    let asked = bridge.dialog(ANA);
    assert_eq!((&asked.id, buttons(&asked)), (&first.id, ["Close anyway", "Keep open"]));
    assert!(shown(&asked).contains("The customer sent 1 message"), "{asked:?}");
    let fields = asked.view.to_string();
    assert!(fields.contains("Até logo") && fields.contains("Venda"), "{fields}");
    assert!(is_open(&bridge, &ticket) && bridge.received(&ticket).is_empty());
    let farewell = asked.view["blocks"].as_array().unwrap().iter();
    let mut farewell = farewell.filter(|block| block["block_id"] == "farewell");
    assert_eq!(farewell.next().unwrap()["optional"], true, "it may be taken away again");
    bridge.slack.submits(ANA, &asked.id, filled("Venda", "Até logo")).await.unwrap();
    bridge.slack.faults().lift(POST);
    bridge.until("the close", || !is_open(&bridge, &ticket)).await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Até logo"]);
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().tags, ["Venda"]);
    assert!(!is_asked_in_thread(&bridge, &card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_before_the_dialog_was_handed_in_is_not_asked_about() {
    let bridge = Bridge::start().await;
    let (ticket, card) = held(&bridge).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.blip.says(&ticket, "Mais uma coisa").await.unwrap();
    bridge.idle().await;
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.idle().await;
    assert!(!is_open(&bridge, &ticket));
    assert!(!is_asked_in_thread(&bridge, &card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_that_came_too_late_and_words_that_wait_are_told_in_one_dialog() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = held(bridge).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    later.passes(Duration::from_hours(25)).await;
    bridge.idle().await;
    says_unshown(bridge, &ticket, "Alguém?").await;
    bridge.slack.submits(ANA, &dialog.id, filled("Venda", "Até logo")).await.unwrap();
    let asked = bridge.dialog(ANA);
    assert_eq!(buttons(&asked), ["Close anyway", "Keep open"]);
    let words = shown(&asked);
    assert!(words.contains("The customer sent 1 message"), "{words}");
    bridge.slack.submits(ANA, &asked.id, json!({})).await.unwrap();
    bridge.until("the close", || !is_open(bridge, &ticket)).await;
    bridge.slack.faults().lift(POST);
    bridge.idle().await;
    assert!(!is_asked_in_thread(bridge, &card));
    later.bridge.finish().await;
}

/// A store that does not tell how much waits before a test says so.
struct SlowCount(watch::Receiver<bool>);

#[async_trait]
impl Witness for SlowCount {
    async fn used(&self, method: &'static str, _kind: Use) {
        if method == "count_waiting" {
            self.0.clone().wait_for(|is_slow| !is_slow).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_store_takes_its_time_the_thread_asks() {
    let (slow, is_slow) = watch::channel(true);
    let wrap = move |store: SharedStore| -> SharedStore {
        Arc::new(Watched { store, witness: SlowCount(is_slow.clone()) })
    };
    let bridge = Bridge::tuned(&[], Tuning { wrap: Some(Arc::new(wrap)), ..tuning() }).await;
    let (ticket, card) = held(&bridge).await;
    says_unshown(&bridge, &ticket, "Mais uma coisa").await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    assert_eq!(buttons(&dialog), ["Close", "Cancel"], "it opens within Slack's 3 s");
    bridge.slack.submits(ANA, &dialog.id, json!({})).await.unwrap();
    bridge.slack.faults().lift(POST);
    bridge.until("the question", || is_asked_in_thread(&bridge, &card)).await;
    assert!(is_open(&bridge, &ticket));
    slow.send_replace(false);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farewell_to_a_customer_who_has_ended_the_ticket_meanwhile_is_given_back() {
    let bridge = Bridge::start().await;
    let (ticket, card) = held(&bridge).await;
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    let dialog = bridge.dialog(ANA);
    bridge.blip.closes(&ticket, "ClosedClient").await.unwrap();
    bridge.idle().await;
    bridge.slack.submits(ANA, &dialog.id, filled("Venda", "Até logo, Maria")).await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).into_iter().map(|it| it.words()).collect::<Vec<_>>();
    let told = told.join("\n");
    assert!(told.contains("already closed"), "{told}");
    assert_eq!(told.matches("Até logo, Maria").count(), 1, "{told}");
    assert!(bridge.received(&ticket).is_empty());
    bridge.finish().await;
}
