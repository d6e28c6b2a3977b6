//! Ids of Blip's in another case are the same ids.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use serde_json::json;

use crate::support::later::Later;
use crate::support::{Bridge, tuning};

#[tokio::test]
async fn a_ticket_id_in_capitals_is_the_same_ticket() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "help").await;
    let said = json!({"id": "FWD:FWD:1", "type": "text/plain", "content": "oi",
        "from": format!("{}@DESK.MSGING.NET/webhook", ticket.to_uppercase())});
    for (id, words) in [("FWD:FWD:A1", "oi"), ("fwd:fwd:a1", "oi"), ("FWD:fwd:A2", "ainda")] {
        let mut said = said.clone();
        (said["id"], said["content"]) = (json!(id), json!(words));
        assert_eq!(bridge.blip.emits(said).await, Some(200));
        bridge.idle().await;
    }
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{}", bridge.slack.transcript());
    let shown = bridge.said(&card).join("\n");
    assert_eq!(shown.matches("oi").count(), 1, "{shown}");
    assert_eq!(shown.matches("ainda").count(), 1, "{shown}");
}

/// The whole life of a ticket whose id Blip writes in two ways, whichever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_goes_on_in_capitals() {
    let mark_delay = Duration::from_secs(1);
    let bridge = Bridge::tuned(&[], Tuning { mark_delay, ..tuning() }).await;
    bridge.blip.configure(|setup| {
        (setup.goes_on_in_capitals, setup.sends_receipts, setup.sends_twice) = (true, true, true);
    });
    let new = NewTicket::saying("Maria", "maria@0mn.io", "help");
    let ticket = bridge.blip.opens_ticket(new).await.id;
    let card = bridge.card_of("Maria").await;
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["reply"]).await;
    bridge.blip.reads(&ticket).await;
    bridge.idle().await;
    let reply = bridge.replies(&card).into_iter().find(|it| it.words() == "reply").unwrap();
    let is_read = || {
        let reply = bridge.slack.message(CHANNEL, &reply.ts).unwrap();
        reply.reactions.iter().any(|(name, _)| name == "eyeglasses")
    };
    bridge.until("the mark of a reply that was read", is_read).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{}", bridge.slack.transcript());
    let said = bridge.said(&card);
    assert_eq!(said.iter().filter(|words| words.contains("one")).count(), 1, "{said:?}");
    bridge.finish().await;
}

/// What was missed is told from what was shown without case, and Blip is asked for a ticket as it
/// writes the ticket's id: the stand-in knows it in no other way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_in_capitals_is_compared_and_answered_as_blip_writes_it() {
    let mut later = Later::start(&[]).await;
    let new = NewTicket { id: Some("9B2E-1F".to_owned()), ..NewTicket::default() };
    let ticket = later.bridge.blip.opens_ticket(new).await.id;
    let card = later.bridge.card_of("Maria").await;
    later.bridge.blip.says(&ticket, "one").await.unwrap();
    later.bridge.idle().await;
    later.bridge.stop_bridge().await;
    later.bridge.blip.says(&ticket, "missed").await.unwrap();
    // What is younger is taken to be on its way still.
    later.passes(Duration::from_millis(2100)).await;
    later.bridge.start_bridge().await.unwrap();
    later
        .bridge
        .until("what was missed", || later.bridge.said(&card).join("").contains("missed"))
        .await;
    later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    later.bridge.until("the reply", || later.bridge.received(&ticket) == ["reply"]).await;
    later.bridge.idle().await;
    let said = later.bridge.said(&card);
    assert_eq!(said.iter().filter(|words| words.contains("one")).count(), 1, "{said:?}");
    let asked = later.bridge.blip.calls("/commands get /ticket/9B2E-1F");
    assert!(!asked.is_empty(), "{}", later.bridge.blip.transcript());
    later.bridge.finish().await;
}
