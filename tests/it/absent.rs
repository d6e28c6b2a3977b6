//! Direct messages to agents who are away, for those who have asked for them.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, View};
use serde_json::json;

use crate::support::Bridge;
use crate::support::later::Later;

async fn home(bridge: &Bridge, user: &str) -> View {
    let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME", "tab": "home",
        "event_ts": "1.1" });
    assert_eq!(bridge.slack.emits(event).await, Some(200));
    bridge
        .slack
        .wait_for("a home tab", |state| {
            let mut views = state.views.values();
            views.find(|view| view.user == user && view.view["type"] == "home").cloned()
        })
        .await
}

/// She asks on her home tab to be told by direct message.
async fn asks_for_messages(bridge: &Bridge) {
    let view = home(bridge, ANA).await;
    let tick = Some("direct_messages");
    let answered = bridge.slack.picks_in_view(ANA, &view.id, "switches", tick).await.unwrap();
    assert_eq!(answered.status, Some(200));
}

/// What stands in her direct messages.
fn told(bridge: &Bridge) -> Vec<Message> {
    bridge.slack.look(|state| {
        let direct = state.channels.values().filter(|channel| channel.id.starts_with('D'));
        direct.flat_map(|channel| channel.messages.values()).cloned().collect()
    })
}

async fn claims(bridge: &Bridge, name: &str) -> (String, Message) {
    let (ticket, card) = bridge.ticket(name, "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    (ticket, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_is_told_once_for_each_ticket_until_they_answer() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    asks_for_messages(bridge).await;
    let (maria, card) = claims(bridge, "Maria").await;
    let (joao, _) = claims(bridge, "João").await;
    bridge.blip.says(&maria, "Alô?").await.unwrap();
    bridge.idle().await;
    assert!(told(bridge).is_empty(), "she is there");
    bridge.slack.change_user(ANA, |user| user.is_away = true);
    later.passes(Duration::from_secs(61)).await;
    for words in ["Tem alguém?", "Alô?", "Oi?"] {
        bridge.blip.says(&maria, words).await.unwrap();
        bridge.idle().await;
    }
    bridge.blip.says(&joao, "E o pedido?").await.unwrap();
    bridge.until("two messages", || told(bridge).len() == 2).await;
    bridge.idle().await;
    let messages = told(bridge);
    assert_eq!(messages.len(), 2, "{messages:?}");
    let link = format!("/archives/{CHANNEL}/p{}", card.ts.replace('.', ""));
    assert!(messages[0].words().contains(&link), "{messages:?}");
    assert!(messages[0].text.contains("Maria") && !messages[0].words().contains("Alô"));
    // She comes back, answers, and is away again.
    later.says(ANA, &card, "Um momento").await;
    later.reached(&maria, &["Olá!", "Um momento"]).await;
    bridge.idle().await;
    bridge.blip.says(&maria, "Certo").await.unwrap();
    bridge.until("another message", || told(bridge).len() == 3).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_who_has_not_asked_for_it() {
    let bridge = Bridge::start().await;
    bridge.slack.change_user(ANA, |user| user.is_away = true);
    let (ticket, _) = claims(&bridge, "Maria").await;
    bridge.blip.says(&ticket, "Alô?").await.unwrap();
    bridge.idle().await;
    assert!(told(&bridge).is_empty());
    assert!(bridge.slack.calls("users.getPresence").is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_and_hours_of_peace_are_absences() {
    for is_pause in [true, false] {
        let bridge = Bridge::start().await;
        asks_for_messages(&bridge).await;
        let (ticket, _) = claims(&bridge, "Maria").await;
        if is_pause {
            bridge.slack.commands(ANA, CHANNEL, "/blip", "pausa").await.unwrap();
        } else {
            bridge.slack.change_user(ANA, |user| user.undisturbed = Some((1, i64::MAX)));
        }
        bridge.blip.says(&ticket, "Alô?").await.unwrap();
        bridge.until("a message", || told(&bridge).len() == 1).await;
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_scopes_the_thread_has_everything_and_nothing_is_parked() {
    let bridge = Bridge::start().await;
    bridge.slack.configure(|setup| {
        for scope in ["im:write", "im:history", "dnd:read"] {
            setup.scopes.remove(scope);
        }
    });
    asks_for_messages(&bridge).await;
    bridge.slack.change_user(ANA, |user| user.is_away = true);
    let (ticket, card) = claims(&bridge, "Maria").await;
    bridge.blip.says(&ticket, "Alô?").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card).iter().any(|line| line.contains("Alô?")));
    assert!(told(&bridge).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_dialog_does_not_open_from_the_home_tab_is_told_to_try_again() {
    let bridge = Bridge::start().await;
    let (ticket, card) = claims(&bridge, "Maria").await;
    home(&bridge, ANA).await;
    let view = bridge.home_with(ANA, "Maria").await;
    let late = || Fault::Code("expired_trigger_id".to_owned());
    bridge.slack.faults().next("views.open", late());
    bridge.slack.picks_in_view(ANA, &view.id, "more", Some("close")).await.unwrap();
    bridge.until("a message", || told(&bridge).len() == 1).await;
    let message = told(&bridge).remove(0);
    assert!(message.text.contains("Maria") && message.text.contains("try again"), "{message:?}");
    let link = format!("/archives/{CHANNEL}/p{}", card.ts.replace('.', ""));
    assert!(message.words().contains(&link), "{message:?}");
    // Where the app may not write to people, in the ticket's channel.
    bridge.slack.faults().next("views.open", late());
    let refused = Fault::Code("missing_scope".to_owned());
    bridge.slack.faults().from_now("conversations.open", refused);
    bridge.slack.picks_in_view(ANA, &view.id, "more", Some("close")).await.unwrap();
    bridge.until("a word", || !bridge.slack.ephemerals(ANA).is_empty()).await;
    assert!(bridge.slack.ephemerals(ANA)[0].words().contains("try again"));
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert_eq!(told(&bridge).len(), 1);
    bridge.finish().await;
}
