//! How urgent Blip says that a ticket is: on its card, and who is first wherever tickets wait.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::Message;

use crate::support::Bridge;
use crate::support::later::Later;

/// Blip's numbers of two levels, and one between them and the next.
const MEDIUM: i64 = 2000;
const HIGH: i64 = 3500;
const MAXIMUM: i64 = 4000;

async fn opens(bridge: &Bridge, name: &str, priority: i64) -> (String, Message) {
    let identity = format!("{}@wa.gw.msging.net", name.to_lowercase());
    let new = NewTicket { priority, ..NewTicket::saying(name, &identity, "Oi") };
    let opened = bridge.blip.opens_ticket(new).await;
    assert_eq!(opened.status, Some(200));
    let card = bridge.card_of(name).await;
    // A list has it once its thread is noted.
    bridge.idle().await;
    (opened.id, card)
}

fn card_words(bridge: &Bridge, card: &Message) -> String {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words()
}

/// Whether these stand in a text in this order.
fn is_in_order(text: &str, names: &[&str]) -> bool {
    let places: Option<Vec<usize>> = names.iter().map(|name| text.find(name)).collect();
    places.is_some_and(|places| places.is_sorted())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_most_urgent_is_first_wherever_tickets_wait_and_its_card_says_so() {
    let later = Later::start(&[("RECONCILE_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (plain, plain_card) = opens(bridge, "Maria", 7).await;
    let (_, _) = opens(bridge, "Tina", MEDIUM).await;
    let (urgent, urgent_card) = opens(bridge, "Rita", HIGH).await;
    assert!(!card_words(bridge, &plain_card).contains("priority"), "no rule has raised it");
    let card = bridge.slack.message(CHANNEL, &urgent_card.ts).unwrap();
    assert!(card.words().contains("🔺 high priority") && card.text.contains("high priority"));
    let waiting = async || {
        let answered = bridge.slack.commands(BIA, CHANNEL, "/blip", "waiting").await.unwrap();
        answered.body
    };
    let listed = waiting().await;
    assert!(is_in_order(&listed, &["Rita", "🔺", "Tina", "🔸", "Maria"]), "{listed}");
    // Who holds one still sees it; once it is over nobody has to hurry.
    bridge.slack.reacts(ANA, CHANNEL, &urgent_card.ts, "eyes").await.unwrap();
    let is_claimed = || bridge.blip.ticket(&urgent).unwrap().is_assigned();
    bridge.until("a claim", is_claimed).await;
    bridge.idle().await;
    assert!(card_words(bridge, &urgent_card).contains("🔺 high priority"));
    bridge.slack.reacts(ANA, CHANNEL, &urgent_card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&urgent).unwrap().is_closed()).await;
    bridge.idle().await;
    assert!(!card_words(bridge, &urgent_card).contains("priority"));
    // Blip tells of a change by no event, so that a comparison finds it.
    bridge.blip.prioritizes(&plain, MAXIMUM).unwrap();
    later.passes(Duration::from_secs(11)).await;
    let is_raised = || card_words(bridge, &plain_card).contains("🚨 top priority");
    bridge.until("a priority", is_raised).await;
    let listed = waiting().await;
    assert!(is_in_order(&listed, &["Maria", "🚨", "Tina"]), "{listed}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_most_urgent_is_given_to_who_is_free_first() {
    let bridge = Bridge::with(&[("ASSIGN", "round_robin"), ("AGENT_SLOTS", "1")]).await;
    let is_given = |ticket: &str| bridge.blip.ticket(ticket).unwrap().is_assigned();
    let (first, _) = opens(&bridge, "Maria", 0).await;
    let (second, _) = opens(&bridge, "Tina", 0).await;
    bridge.until("both agents to be busy", || is_given(&first) && is_given(&second)).await;
    let (plain, _) = opens(&bridge, "Vera", 0).await;
    let (urgent, _) = opens(&bridge, "Rita", HIGH).await;
    bridge.idle().await;
    assert!(!is_given(&plain) && !is_given(&urgent));
    assert_eq!(bridge.blip.closes(&first, "ClosedClient").await.unwrap(), Some(200));
    bridge.until("the urgent one to be given", || is_given(&urgent)).await;
    bridge.idle().await;
    assert!(!is_given(&plain));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_of_several_names_the_most_urgent_first() {
    let later = Later::start(&[("REMIND_UNCLAIMED_MINUTES", "10")]).await;
    let bridge = &later.bridge;
    opens(bridge, "Maria", 0).await;
    later.passes(Duration::from_mins(2)).await;
    opens(bridge, "Rita", HIGH).await;
    later.passes(Duration::from_mins(9)).await;
    let round = bridge
        .slack
        .wait_for("a reminder", |state| {
            state.cards(CHANNEL).find(|post| post.text.contains('⏰')).cloned()
        })
        .await;
    assert!(is_in_order(&round.words(), &["Rita", "Maria"]), "{}", round.words());
    later.bridge.finish().await;
}
