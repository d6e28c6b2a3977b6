//! What an agent changes after it was sent: the truth, and a way to send it anew.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Ephemeral;

use crate::support::Bridge;

/// A reply that the customer has; returns ticket, card and the reply's time stamp.
async fn sent(bridge: &Bridge) -> (String, String, String) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Custa R$ 10").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10"]);
    (ticket, card.ts, reply.ts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_reaches_the_customer_only_as_a_correction_and_only_once() {
    let bridge = Bridge::start().await;
    let (ticket, _, reply) = sent(&bridge).await;
    bridge.slack.edits(ANA, CHANNEL, &reply, "Custa R$ 100").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 1);
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(told.words().contains("earlier text"), "{}", told.words());
    bridge.blip.faults().next("/messages", Fault::LostAnswer);
    bridge.slack.clicks(ANA, CHANNEL, &told.ts, "correct").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10", "Custa R$ 100"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_edit_can_be_sent() {
    let bridge = Bridge::start().await;
    let (ticket, _, reply) = sent(&bridge).await;
    for text in ["Custa R$ 100", "Custa R$ 1000"] {
        bridge.slack.edits(ANA, CHANNEL, &reply, text).await.unwrap();
        bridge.idle().await;
        let told = bridge.slack.ephemerals(ANA).pop().unwrap();
        bridge.slack.clicks(ANA, CHANNEL, &told.ts, "correct").await.unwrap();
        bridge.idle().await;
        assert_eq!(bridge.received(&ticket).last().unwrap(), text);
    }
    assert_eq!(bridge.received(&ticket).len(), 3);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_previews_are_no_edits_and_deleting_tells_the_truth() {
    let bridge = Bridge::start().await;
    let (ticket, _, reply) = sent(&bridge).await;
    bridge.slack.unfurls(CHANNEL, &reply, "https://loja.example").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.ephemerals(ANA).is_empty());
    bridge.slack.deletes(ANA, CHANNEL, &reply).await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(told.words().contains("does not delete it there") && told.buttons().is_empty());
    assert_eq!(bridge.received(&ticket).len(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_on_what_was_sent_is_answered_with_the_truth() {
    let bridge = Bridge::start().await;
    let (_, _, reply) = sent(&bridge).await;
    bridge.slack.reacts(ANA, CHANNEL, &reply, "lock").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(told.words().contains("already been sent"), "{}", told.words());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_is_a_note_is_kept_as_one_and_said_to_be() {
    let bridge = Bridge::start().await;
    let (ticket, _, reply) = sent(&bridge).await;
    bridge.slack.edits(ANA, CHANNEL, &reply, "// Custa R$ 100").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    bridge.slack.clicks(ANA, CHANNEL, &told.ts, "correct").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 1);
    let told = bridge.slack.ephemerals(ANA);
    assert!(told.iter().any(|told| told.words().contains("Kept as a note")), "{told:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_corrected_after_the_end() {
    let bridge = Bridge::start().await;
    let (ticket, card, reply) = sent(&bridge).await;
    bridge.slack.edits(ANA, CHANNEL, &reply, "Custa R$ 100").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).pop().unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card, "white_check_mark").await.unwrap();
    bridge.idle().await;
    bridge.slack.clicks(ANA, CHANNEL, &told.ts, "correct").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10"]);
    bridge.finish().await;
}

/// Slack tells again of what nobody took, and of what came after it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_before_its_turn_is_sent_changed_or_not_at_all() {
    for overtakes in [true, false] {
        let bridge = Bridge::start().await;
        let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.idle().await;
        if overtakes {
            bridge.slack.hold();
        } else {
            bridge.blip.faults().from_now("/messages", Fault::Status(429));
        }
        let says = async |words: &str| {
            bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap().ts
        };
        let (gone, edited) = (says("Apagada").await, says("Custa R$ 10").await);
        let noted = says("Cliente chato").await;
        says("Até logo").await;
        bridge.slack.deletes(ANA, CHANNEL, &gone).await.unwrap();
        bridge.slack.edits(ANA, CHANNEL, &edited, "Custa R$ 100").await.unwrap();
        bridge.slack.edits(ANA, CHANNEL, &edited, "Custa R$ 1000").await.unwrap();
        bridge.slack.edits(ANA, CHANNEL, &noted, "// Cliente chato").await.unwrap();
        if overtakes {
            bridge.slack.release(|letters| letters.reverse()).await;
        } else {
            bridge.blip.faults().clear();
        }
        bridge.idle().await;
        let expected = ["Custa R$ 1000", "Até logo"];
        let mut received = bridge.received(&ticket);
        if overtakes {
            // As Slack has told of them, or by their time as far as they waited together.
            received.sort_by(|one, other| other.cmp(one));
        }
        assert_eq!(received, expected, "{overtakes} {}", bridge.slack.transcript());
        let told = bridge.slack.ephemerals(ANA);
        let is_of_blip = |told: &Ephemeral| told.words().contains("Blip is not answering");
        assert!(told.iter().all(is_of_blip), "nobody sees anything earlier: {told:?}");
        // What is changed after that, is told.
        bridge.slack.edits(ANA, CHANNEL, &edited, "Custa R$ 2").await.unwrap();
        bridge.idle().await;
        assert!(bridge.slack.ephemerals(ANA).pop().unwrap().words().contains("earlier text"));
        bridge.finish().await;
    }
}
