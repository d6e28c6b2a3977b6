//! A note that is sent to the customer after all, with one press.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, User};
use serde_json::json;

use crate::support::Bridge;
use crate::support::later::Later;

async fn says(bridge: &Bridge, user: &str, card: &Message, text: &str) -> String {
    bridge.slack.says(user, CHANNEL, Some(&card.ts), text).await.unwrap().ts
}

async fn sends_note(bridge: &Bridge, user: &str, ts: &str) {
    bridge.slack.uses_shortcut(user, CHANNEL, ts, "send_note").await.unwrap();
    bridge.idle().await;
}

fn marks(bridge: &Bridge, ts: &str) -> Vec<String> {
    bridge.slack.reactions(CHANNEL, ts).into_iter().map(|(name, _)| name).collect()
}

/// What somebody was told last, for their eyes only.
fn told(bridge: &Bridge, user: &str) -> String {
    bridge.slack.ephemerals(user).pop().map(|told| told.words()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_of_each_form_goes_out_with_one_press_and_once() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let mut expected = Vec::new();
    for (note, reply) in [
        ("// Custa R$ 10", "Custa R$ 10"),
        ("Custa R$ 20 :lock:", "Custa R$ 20"),
        ("<@U0BIA> vai ligar para você", "@Bia Souza vai ligar para você"),
    ] {
        let ts = says(&bridge, ANA, &card, note).await;
        bridge.idle().await;
        assert_eq!(
            (bridge.received(&ticket), marks(&bridge, &ts)),
            (expected.clone(), vec!["lock".to_owned()])
        );
        bridge.blip.faults().next("/messages", Fault::LostAnswer);
        sends_note(&bridge, ANA, &ts).await;
        expected.push(reply.to_owned());
        assert_eq!(bridge.received(&ticket), expected);
        assert_eq!(marks(&bridge, &ts), ["envelope_with_arrow"], "it is no note any more");
        assert!(told(&bridge, ANA).contains("Sent to the customer"), "{}", told(&bridge, ANA));
        sends_note(&bridge, ANA, &ts).await;
        assert!(told(&bridge, ANA).contains("already been sent"), "{}", told(&bridge, ANA));
    }
    assert_eq!(bridge.received(&ticket), expected, "and once");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_agent_sends_a_note_and_claims_or_is_asked() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let first = says(&bridge, ANA, &card, "// Custa R$ 10").await;
    let second = says(&bridge, BIA, &card, "// E o frete é grátis").await;
    bridge.idle().await;
    sends_note(&bridge, BIA, &first).await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10"]);
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent.unwrap(), "bia%40loja.example@blip.ai");
    sends_note(&bridge, ANA, &second).await;
    assert_eq!(bridge.received(&ticket).len(), 1, "not without being asked");
    let question = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(question.words().contains("Bia Souza has this ticket"), "{}", question.words());
    bridge.slack.clicks(ANA, CHANNEL, &question.ts, "send").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Custa R$ 10", "E o frete é grátis"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_note_or_may_not_go_out_stays() {
    let bridge = Bridge::with(&[("FORBIDDEN_WORDS", "blip")]).await;
    let kept = json!({ "hasForbiddenWords": true, "forbiddenWords": ["grátis"] });
    bridge.blip.configure(|setup| setup.forbidden_words = Some(kept));
    bridge.slack.add_user(User {
        is_restricted: true,
        locale: "en-US".to_owned(),
        ..User::member("U0GUEST", "Guest", "guest@x.example")
    });
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert("U0GUEST".to_owned());
    });
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Alguém?").await.unwrap();
    bridge.idle().await;
    let theirs = bridge.replies(&card).remove(0).ts;
    let empty = says(&bridge, ANA, &card, "//").await;
    let forbidden = says(&bridge, ANA, &card, "// É grátis").await;
    let note = says(&bridge, ANA, &card, "// Custa R$ 10").await;
    bridge.idle().await;
    for (user, ts, answer) in [
        (ANA, &card.ts, "Only a note"),
        (ANA, &theirs, "Only a note"),
        (ANA, &empty, "can get nothing"),
        ("U0GUEST", &note, "Only agents"),
    ] {
        sends_note(&bridge, user, ts).await;
        assert!(told(&bridge, user).contains(answer), "{answer}: {}", told(&bridge, user));
    }
    sends_note(&bridge, ANA, &forbidden).await;
    assert!(bridge.slack.ephemerals(ANA).iter().any(|told| told.words().contains("“grátis”")));
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_assigned(), "nothing is claimed");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    sends_note(&bridge, ANA, &note).await;
    assert!(told(&bridge, ANA).contains("The ticket is closed"), "{}", told(&bridge, ANA));
    assert!(bridge.received(&ticket).is_empty());
    for ts in [&empty, &forbidden, &note] {
        assert_eq!(marks(&bridge, ts), ["lock"]);
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_not_sent_after_the_24_hours_and_a_held_reply_goes_out_at_once() {
    let later = Later::start(&[("SEND_DELAY_SECONDS", "30")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let held = later.says(ANA, &card, "Um momento").await;
    bridge.idle().await;
    sends_note(bridge, ANA, &held).await;
    assert_eq!(bridge.received(&ticket), ["Um momento"]);
    later.passes(Duration::from_hours(25)).await;
    let late = later.says(ANA, &card, "// Custa R$ 10").await;
    bridge.idle().await;
    sends_note(bridge, ANA, &late).await;
    assert!(bridge.said(&card).iter().any(|line| line.contains("24 hours")));
    assert_eq!(
        (bridge.received(&ticket).len(), marks(bridge, &late)),
        (1, vec!["lock".to_owned()])
    );
    later.bridge.finish().await;
}
