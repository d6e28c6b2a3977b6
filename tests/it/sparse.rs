//! Platforms that say little: a proxy in between, or another one that speaks their language, may
//! leave out what the bridge can do without.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;

use crate::support::Bridge;

/// A conversation while posts are answered without these fields and nobody tells what a thread
/// holds.
async fn converses(lacks: &[&'static str], replies: Fault) {
    let bridge = Bridge::start().await;
    bridge.slack.configure(|setup| setup.post_lacks = lacks.to_vec());
    bridge.slack.faults().from_now("conversations.replies", replies);
    let (ticket, card) = bridge.ticket("Maria", "help").await;
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.idle().await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    bridge.idle().await;
    bridge.blip.says(&ticket, "two").await.unwrap();
    bridge.idle().await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["reply"], "{lacks:?}");
    let said = bridge.said(&card);
    assert_eq!(said.len(), 4, "{lacks:?} {said:?}");
    assert!(said.iter().any(|line| line.contains("claimed this ticket")), "{lacks:?} {said:?}");
    assert!(said[0].contains("one") && said[3].contains("two"), "{lacks:?} {said:?}");
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{lacks:?}");
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed(), "{lacks:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_whose_answer_says_little_is_taken_to_be_where_it_should() {
    let unknown = || Fault::Code("unknown_method".to_owned());
    for lacks in [&["message"][..], &["message", "channel"], &["thread_ts"], &["channel"]] {
        for replies in [unknown(), Fault::Status(404), Fault::Bare] {
            converses(lacks, replies).await;
        }
    }
}

/// Better said twice than never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_looked_up_is_said_again() {
    let bridge = Bridge::start().await;
    bridge.slack.faults().from_now("conversations.*", Fault::Code("unknown_method".to_owned()));
    bridge.blip.faults().from_now("/commands get *", Fault::Code("62".to_owned()));
    bridge.slack.faults().next("chat.postMessage", Fault::LostAnswer);
    let opened = bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "help"));
    let ticket = opened.await.id;
    bridge.idle().await;
    let card = bridge.slack.cards(CHANNEL).pop().unwrap();
    for method in ["/commands set /tickets/change-status", "/messages"] {
        bridge.blip.faults().next(method, Fault::LostAnswer);
    }
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.faults().are_spent() && bridge.slack.faults().are_spent());
    // The second one is refused, because the first one was taken.
    bridge.blip.faults().next("/commands set /tickets/change-status", Fault::LostAnswer);
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(card.contains("closed by Ana"), "{card}");
    assert!(bridge.received(&ticket).iter().all(|words| words == "reply"));
    assert!(!bridge.received(&ticket).is_empty());
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_before_their_ticket_are_shown_whatever_blip_says_of_it() {
    for refusal in [Fault::Code("62".to_owned()), Fault::Status(404), Fault::Status(400)] {
        let bridge = Bridge::start().await;
        bridge.blip.faults().from_now("/commands get *", refusal.clone());
        let new = NewTicket::saying("Maria", "maria@0mn.io", "help");
        let ticket = bridge.blip.opens_ticket_silently(new);
        bridge.blip.says(&ticket, "first-word").await.unwrap();
        bridge.idle().await;
        let card = bridge.slack.cards(CHANNEL).pop();
        let said = card.map(|card| bridge.said(&card).join(" ")).unwrap_or_default();
        assert!(said.contains("first-word"), "{refusal:?} {}", bridge.slack.transcript());
        bridge.finish().await;
    }
}
