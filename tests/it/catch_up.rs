//! What happened while nobody told the bridge is found, shown once, in order and with a mark.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;

use crate::support::later::Later;

/// A bridge that was away for a while; meanwhile `happens`. It catches up although open tickets are
/// not compared from time to time (`RECONCILE_SECONDS=0`).
async fn away(later: &mut Later, happens: impl AsyncFnOnce(&Later)) {
    later.bridge.idle().await;
    later.bridge.stop_bridge().await;
    happens(later).await;
    later.bridge.start_bridge().await.unwrap();
}

/// What is younger than this is taken to be on its way still.
async fn grow_old(later: &Later) {
    later.passes(Duration::from_millis(2100)).await;
}

fn position(said: &str, word: &str) -> usize {
    assert_eq!(said.matches(word).count(), 1, "{word} in {said}");
    said.find(word).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_words_that_never_came_are_fetched_and_marked() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    later.bridge.blip.says(&ticket, "before").await.unwrap();
    away(&mut later, async |later| {
        later.bridge.blip.says(&ticket, "missed-1").await.unwrap();
        later.bridge.blip.says(&ticket, "missed-2").await.unwrap();
        grow_old(later).await;
    })
    .await;
    later
        .bridge
        .until("what was missed", || later.bridge.said(&card).join(" ").contains("missed-2"))
        .await;
    later.bridge.blip.says(&ticket, "after").await.unwrap();
    // A second look finds nothing more.
    away(&mut later, async |_| {}).await;
    later.bridge.idle().await;
    let said = later.bridge.said(&card).join("\n");
    let order = ["before", "while the integration was down", "missed-1", "missed-2", "after"];
    assert!(order.map(|word| position(&said, word)).is_sorted(), "{said}");
    later.bridge.finish().await;
}

/// More than fits on a page of Blip's, whose last ones are not the ones that were missed first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_much_was_missed_it_is_fetched_and_a_reply_behind_it_is_found() {
    let mut later = Later::start(&[("SLACK_CHANNEL_RATE", "0")]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.bridge.idle().await;
    later.bridge.blip.faults().from_now("/commands get *", Fault::Status(503));
    later.bridge.blip.faults().next("/messages", Fault::LostAnswer);
    later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    later.bridge.until("the reply", || later.bridge.received(&ticket) == ["reply"]).await;
    later.bridge.stop_bridge().await;
    let words: Vec<String> = (0..230).map(|number| format!("missed-{number}.")).collect();
    for words in &words {
        later.bridge.blip.says(&ticket, words).await.unwrap();
    }
    grow_old(&later).await;
    later.bridge.blip.faults().clear();
    later.bridge.set_setting("RECONCILE_SECONDS", "10");
    later.bridge.start_bridge().await.unwrap();
    later
        .bridge
        .until("the last word", || later.bridge.said(&card).join(" ").contains("missed-229."))
        .await;
    later.bridge.idle().await;
    let said = later.bridge.said(&card).join("\n");
    assert!(words.iter().map(|words| position(&said, words)).is_sorted(), "{said}");
    assert_eq!(later.bridge.received(&ticket), ["reply"]);
    later.bridge.finish().await;
}

/// Blip lists what a customer said in all tickets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_after_the_end_of_a_ticket_is_not_shown_in_it() {
    let mut later = Later::start(&[]).await;
    let (old, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    let mut next = String::new();
    away(&mut later, async |later| {
        later.bridge.blip.says(&old, "in-the-old-one").await.unwrap();
        next = later.bridge.blip.transfers(&old, "Vendas").await.unwrap().id;
        later.passes(Duration::from_millis(50)).await;
        later.bridge.blip.says(&next, "in-the-new-one").await.unwrap();
        grow_old(later).await;
    })
    .await;
    let message = |words: &str| later.bridge.said(&card).join("\n").matches(words).count();
    later
        .bridge
        .until("the end", || message("Transferred") > 0 || message("transferred") > 0)
        .await;
    later.bridge.idle().await;
    assert_eq!((message("in-the-old-one"), message("in-the-new-one")), (1, 0));
    let new = later.bridge.blip.ticket(&next).unwrap();
    let announced = serde_json::json!({ "id": format!("Ticket:{next}:Waiting"),
        "from": format!("{next}@desk.msging.net/Webhook"),
        "type": "application/vnd.iris.ticket+json", "content": { "id": next, "status": "Waiting",
        "sequentialId": new.number, "parentSequentialId": new.parent, "team": "Vendas",
        "customerIdentity": new.customer, "customerDomain": new.domain } });
    assert_eq!(later.bridge.blip.emits(announced).await, Some(200));
    later.bridge.until("what follows", || message("continues here") == 1).await;
    later.bridge.blip.says(&next, "and-more").await.unwrap();
    later.bridge.until("what was said then", || message("and-more") == 1).await;
    later.bridge.idle().await;
    assert_eq!(message("in-the-old-one"), 1);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_words_and_gestures_that_never_came_are_taken_up_once() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    let (other, done) = later.bridge.ticket("Jo Souza", "Oi").await;
    let (_, released) = later.bridge.ticket("Rui Costa", "Oi").await;
    later.bridge.slack.reacts(BIA, CHANNEL, &released.ts, "eyes").await.unwrap();
    later.bridge.idle().await;
    later.bridge.slack.picks(BIA, CHANNEL, &released.ts, ("more", "release")).await.unwrap();
    later.bridge.slack.configure_delivery(|policy| policy.retries = Vec::new());
    away(&mut later, async |later| {
        later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
        later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "// secret").await.unwrap();
        later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-2").await.unwrap();
        later.bridge.slack.reacts(BIA, CHANNEL, &done.ts, "white_check_mark").await.unwrap();
    })
    .await;
    later.bridge.until("the replies", || later.bridge.received(&ticket).len() >= 2).await;
    later.bridge.until("the end", || later.bridge.blip.ticket(&other).unwrap().is_closed()).await;
    later.bridge.idle().await;
    assert_eq!(later.bridge.received(&ticket), ["reply-1", "reply-2"]);
    let card = later.bridge.slack.message(CHANNEL, &released.ts).unwrap().words();
    assert!(!card.contains("Bia Souza"), "an old claim does not come back: {card}");
    later.bridge.finish().await;
}

/// Slack delivers them again at some time, but that they are over by then must not be true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_words_are_said_before_the_end_that_came_after_them() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    away(&mut later, async |later| {
        later.bridge.slack.hold();
        later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "goodbye").await.unwrap();
        later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    })
    .await;
    later.bridge.until("the end", || later.bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    later.bridge.slack.release(|_| {}).await;
    later.bridge.idle().await;
    assert_eq!(later.bridge.received(&ticket), ["goodbye"]);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_that_fails_holds_up_no_message() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    later.bridge.blip.faults().from_now("/commands get /ticket*", Fault::Hang);
    away(&mut later, async |_| {}).await;
    later.bridge.blip.says(&ticket, "hello").await.unwrap();
    later
        .bridge
        .until("the message", || later.bridge.said(&card).join(" ").contains("hello"))
        .await;
    later.bridge.blip.faults().clear();
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_that_finds_nothing_new_changes_no_card() {
    let later = Later::start(&[("RECONCILE_SECONDS", "10")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.passes(Duration::from_secs(11)).await;
    let look = format!("/commands get /ticket/{ticket}");
    let looks = || bridge.blip.calls(&look).len();
    let compared = async |times: usize| {
        for _ in 0..times {
            let before = looks();
            later.passes(Duration::from_secs(11)).await;
            bridge.until("a comparison", || looks() > before).await;
            bridge.idle().await;
        }
    };
    compared(1).await;
    let changes = bridge.slack.calls("chat.update").len();
    compared(2).await;
    assert_eq!(bridge.slack.calls("chat.update").len(), changes, "nothing has changed");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_of_ours_during_a_comparison_is_told_as_ours_and_once() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = later.bridge.ticket("Maria Silva", "Oi").await;
    later.bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.bridge.idle().await;
    let look = format!("/commands get /ticket/{ticket}");
    let before = later.bridge.blip.calls(&look).len();
    away(&mut later, async |later| {
        // Blip says how the ticket stands once it is closed, to who asked before.
        later.bridge.blip.faults().next(&look, Fault::Late(Duration::from_millis(500)));
    })
    .await;
    let bridge = &later.bridge;
    bridge.until("a comparison", || bridge.blip.calls(&look).len() > before).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    let is_closed = || bridge.blip.ticket(&ticket).unwrap().is_closed();
    bridge.until("a close", is_closed).await;
    bridge.idle().await;
    let said = bridge.said(&card).join("\n");
    assert_eq!(said.to_lowercase().matches("closed").count(), 1, "{said}");
    later.bridge.finish().await;
}
