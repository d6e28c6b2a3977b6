//! Words that the desk at Blip forbids: they go back to their writer.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::faults::Fault;
use serde_json::json;

use crate::support::Bridge;

const ON: (&str, &str) = ("FORBIDDEN_WORDS", "blip");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_with_a_forbidden_word_goes_back_to_its_writer_and_claims_nothing() {
    let bridge = Bridge::with(&[ON]).await;
    let kept = json!({ "hasForbiddenWords": true, "exactMatch": true, "considerDiacritics": false,
        "forbiddenWords": ["grátis"] });
    bridge.blip.configure(|setup| setup.forbidden_words = Some(kept));
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let says = async |words: &str| {
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap().ts
    };
    let ts = says("É GRATIS, viu?").await;
    let told = || bridge.slack.ephemerals(ANA).iter().any(|it| it.text.contains("“grátis”"));
    bridge.until("word to the writer", told).await;
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_assigned(), "nothing is claimed");
    let is_note = || {
        let message = bridge.slack.message(CHANNEL, &ts);
        message.is_some_and(|message| message.reacted("lock").len() == 1)
    };
    bridge.until("the mark of a note", is_note).await;
    // While Blip does not tell, the last list goes on.
    bridge.blip.faults().from_now("/commands get /buckets", Fault::Status(503));
    says("Gratisaria é outra palavra").await;
    bridge.until("a reply", || bridge.received(&ticket).len() == 1).await;
    assert_eq!(bridge.received(&ticket), ["Gratisaria é outra palavra"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_that_forbids_nothing_and_a_setting_that_is_off_change_nothing() {
    for (setting, has_list) in [("blip", false), ("off", true)] {
        let bridge = Bridge::with(&[("FORBIDDEN_WORDS", setting)]).await;
        let kept = json!({ "hasForbiddenWords": true, "forbiddenWords": ["grátis"] });
        bridge.blip.configure(|setup| setup.forbidden_words = has_list.then_some(kept));
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "grátis").await.unwrap();
        bridge.until("a reply", || bridge.received(&ticket) == ["grátis"]).await;
        bridge.finish().await;
    }
}
