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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_in_a_dialog_with_a_forbidden_word_is_given_back_once() {
    let bridge = Bridge::with(&[ON]).await;
    let kept = json!({ "hasForbiddenWords": true, "forbiddenWords": ["grátis"] });
    bridge.blip.configure(|setup| setup.forbidden_words = Some(kept));
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let typed = |block: &str, words: &str| json!({ block: { "words": { "type": "plain_text_input", "value": words } } });
    for (dialog, filled) in [
        ("close", typed("farewell", "Tudo grátis, tchau")),
        ("reply", typed("words:1", "Hoje é grátis")),
    ] {
        bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, dialog).await.unwrap();
        let view = bridge.dialog(ANA);
        bridge.slack.submits(ANA, &view.id, filled).await.unwrap();
        bridge.idle().await;
    }
    bridge.slack.uses_shortcut(ANA, CHANNEL, &card.ts, "compose").await.unwrap();
    let page = bridge.dialog(ANA);
    let kind = json!({ "text": { "type": "plain_text", "text": "quick" }, "value": "quick" });
    let text = |words: &str| json!({ "type": "plain_text_input", "value": words });
    let filled = json!({
        "kind": { "compose_kind": { "type": "static_select", "selected_option": kind } },
        "question": { "question": text("Quer grátis?") }, "options": { "options": text("Sim") } });
    bridge.slack.submits(ANA, &page.id, filled).await.unwrap();
    bridge.slack.submits(ANA, &bridge.dialog(ANA).id, json!({})).await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA).into_iter().map(|it| it.words()).collect::<Vec<_>>();
    let told = told.join("\n");
    for words in ["Tudo grátis, tchau", "Hoje é grátis", "Quer grátis?"] {
        assert_eq!(told.matches(words).count(), 1, "{words}: {told}");
    }
    assert!(bridge.received(&ticket).is_empty());
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}
