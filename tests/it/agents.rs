//! Who is an agent: full members of the ticket's channel, or of the team's user group; and what
//! happens while Slack does not tell.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Message, User, View};
use serde_json::json;

use crate::support::Bridge;
use crate::support::later::Later;

/// A full member of the workspace who is not in the channel for tickets.
const OTTO: &str = "U0OTTO";
/// The method that tells who is in a channel.
const MEMBERS: &str = "conversations.members";

fn otto() -> User {
    User { locale: "en-US".to_owned(), ..User::member(OTTO, "Otto", "otto@loja.example") }
}

fn leaves(bridge: &Bridge, user: &str) {
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.remove(user);
    });
}

fn enters(bridge: &Bridge, user: &str) {
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.insert(user.to_owned());
    });
}

/// Somebody reacts to a message of a public channel at which they only look.
async fn reacts_from_outside(bridge: &Bridge, user: &str, card: &Message, name: &str) {
    let event = json!({ "type": "reaction_added", "user": user, "reaction": name,
        "item": { "type": "message", "channel": CHANNEL, "ts": card.ts },
        "event_ts": format!("{}.1", card.ts.replace('.', "")) });
    assert_eq!(bridge.slack.emits(event).await, Some(200));
    bridge.idle().await;
}

/// The home tab that somebody has open.
async fn home(bridge: &Bridge, user: &str, part: &str) -> View {
    let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME",
        "tab": "home", "event_ts": "1.1" });
    assert_eq!(bridge.slack.emits(event).await, Some(200));
    bridge
        .slack
        .wait_for("a home tab", |state| {
            let mut views = state.views.values();
            let home = views.find(|view| view.user == user && view.view["type"] == "home")?;
            home.view.to_string().contains(part).then(|| home.clone())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_of_whom_slack_says_nothing_is_no_agent() {
    for code in ["user_not_found", "user_not_visible"] {
        let bridge = Bridge::start().await;
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.slack.faults().from_now("users.info", Fault::Code(code.to_owned()));
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
        let said = bridge.slack.says(BIA, CHANNEL, Some(&card.ts), "who am I").await.unwrap();
        bridge.slack.reacts(BIA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
        bridge.idle().await;
        assert!(bridge.received(&ticket).is_empty() && bridge.blip.calls("/messages").is_empty());
        assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
        let note = bridge.slack.message(CHANNEL, &said.ts).unwrap();
        assert_eq!(note.reacted("lock").len(), 1, "{}", bridge.slack.transcript());
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_in_the_tickets_channel_moves_nothing_from_any_surface() {
    let mut bridge = Bridge::start().await;
    bridge.slack.add_user(otto());
    enters(&bridge, OTTO);
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    let tab = home(&bridge, OTTO, "Maria Silva").await;
    bridge.slack.clicks(OTTO, CHANNEL, &card.ts, "transfer").await.unwrap();
    let dialog = bridge.dialog(OTTO);
    leaves(&bridge, OTTO);
    // He is still on the list that was read a moment ago, and is believed to be for a while; a new
    // start of the bridge forgets it.
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    reacts_from_outside(&bridge, OTTO, &card, "eyes").await;
    reacts_from_outside(&bridge, OTTO, &card, "white_check_mark").await;
    let option = json!({ "text": { "type": "plain_text", "text": "Vendas" },
        "value": "team:Vendas" });
    let filled = json!({ "destination": { "destination": {
        "type": "external_select", "selected_option": option } } });
    bridge.slack.submits(OTTO, &dialog.id, filled).await.unwrap();
    bridge.idle().await;
    bridge.slack.picks_in_view(OTTO, &tab.id, "more", Some("claim")).await.unwrap();
    bridge.idle().await;
    assert!(bridge.dialog(OTTO).view.to_string().contains("join it"), "answered where he is");
    bridge.slack.picks_in_view(OTTO, &tab.id, "more", Some("close")).await.unwrap();
    assert!(bridge.dialog(OTTO).view.to_string().contains("join it"), "no dialog to close");
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Waiting");
    assert_eq!(bridge.blip.look(|state| state.tickets.len()), 1);
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_assigned());
    bridge.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_is_an_agent_at_once() {
    let bridge = Bridge::start().await;
    bridge.slack.add_user(otto());
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    reacts_from_outside(&bridge, OTTO, &card, "eyes").await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_assigned());
    bridge.slack.joins(OTTO, CHANNEL).await.unwrap();
    bridge.slack.says(OTTO, CHANNEL, Some(&card.ts), "Boa tarde!").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Boa tarde!"]);
    bridge.slack.picks(OTTO, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains("unclaimed"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_no_agent_after_a_while() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    leaves(bridge, BIA);
    later.passes(Duration::from_mins(11)).await;
    reacts_from_outside(bridge, BIA, &card, "white_check_mark").await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_read_to_its_last_page_and_seldom() {
    let bridge = Bridge::start().await;
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.extend((0..2500).map(|number| format!("U0000{number:04}")));
    });
    // Sorted by their ids the agents come last.
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for number in 0..5 {
        let text = format!("reply {number}");
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &text).await.unwrap();
    }
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.clicks(BIA, CHANNEL, &card.ts, "close").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket).len(), 5);
    assert!(bridge.slack.ephemerals(BIA)[0].words().contains("Ana Lima"));
    assert_eq!(bridge.slack.calls(MEMBERS).len(), 3, "three pages, once");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_slack_does_not_tell_nobody_slips_in_and_no_agent_is_lost() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    bridge.slack.add_user(otto());
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    // Never told before: it is asked again until Slack tells.
    for fault in [Fault::Status(503), Fault::Code("internal_error".to_owned()), Fault::Hang] {
        bridge.slack.faults().next(MEMBERS, fault);
    }
    later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    // Told before, a while ago: the last list goes on for agents, and for nobody else.
    later.passes(Duration::from_mins(20)).await;
    bridge.slack.faults().from_now(MEMBERS, Fault::Status(503));
    later.says(ANA, &card, "Ainda aqui").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!", "Ainda aqui"]);
    let event = json!({ "type": "reaction_added", "user": OTTO, "reaction": "white_check_mark",
        "item": { "type": "message", "channel": CHANNEL, "ts": card.ts }, "event_ts": "9.9" });
    assert_eq!(bridge.slack.emits(event).await, Some(200));
    let asked = bridge.slack.calls(MEMBERS).len();
    let asks = |state: &blip_slack_standins::slack::State| {
        let calls = state.calls.iter().filter(|call| call.method == MEMBERS);
        (calls.count() > asked + 2).then_some(())
    };
    bridge.slack.wait_for("it to be asked again", asks).await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.slack.faults().lift(MEMBERS);
    bridge.idle().await;
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_may_not_see_members_says_so_in_the_thread() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.faults().next(MEMBERS, Fault::Code("missing_scope".to_owned()));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    let parked = bridge
        .slack
        .wait_for("a line that says so", |state| {
            let mut lines = state.thread(CHANNEL, &card.ts);
            lines.find(|line| line.words().contains("lacks a permission")).cloned()
        })
        .await;
    assert!(parked.words().contains("A message was not sent"), "{}", parked.words());
    assert!(bridge.received(&ticket).is_empty());
    bridge.slack.clicks(ANA, CHANNEL, &parked.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    bridge.slack.faults().next("users.info", Fault::Code("no_such_reason".to_owned()));
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    let parked = bridge
        .slack
        .wait_for("another line", |state| {
            let mut lines = state.thread(CHANNEL, &card.ts);
            lines.find(|line| line.words().contains("An action was not completed")).cloned()
        })
        .await;
    bridge.slack.clicks(ANA, CHANNEL, &parked.ts, "skip").await.unwrap();
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_tell_who_is_in_a_channel_who_writes_there_is() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.faults().next(MEMBERS, Fault::Code("unknown_method".to_owned()));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    bridge.slack.faults().next(MEMBERS, Fault::Status(404));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Tudo bem?").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!", "Tudo bem?"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_do_not_claim_to_be_empty_when_slack_does_not_tell() {
    let bridge = Bridge::start().await;
    let (_, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    bridge.slack.faults().next(MEMBERS, Fault::Status(503));
    let answered = bridge.slack.commands(ANA, CHANNEL, "/blip", "waiting").await.unwrap();
    assert!(answered.body.contains("Please try again"), "{}", answered.body);
    bridge.slack.faults().next(MEMBERS, Fault::Status(503));
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "history")).await.unwrap();
    assert!(bridge.dialog(ANA).view.to_string().contains("Please try again"));
    // What changes something may be begun: it is looked at again before anything changes.
    bridge.slack.faults().next(MEMBERS, Fault::Status(503));
    bridge.slack.clicks(ANA, CHANNEL, &card.ts, "close").await.unwrap();
    assert_eq!(bridge.dialog(ANA).view["title"]["text"], "Close ticket");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_group_of_agents_is_asked_seldom_and_believed_soon() {
    let later = Later::start(&[("AGENTS", "S0AGENTS")]).await;
    let bridge = &later.bridge;
    bridge.slack.add_group("S0AGENTS", "agents", &[ANA]);
    // At the start it was asked whether there is such a group, and there was none yet.
    let before = bridge.slack.calls("usergroups.users.list").len();
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for number in 0..10 {
        later.says(BIA, &card, &format!("note {number}")).await;
    }
    later.says(ANA, &card, "Olá!").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    assert!(bridge.slack.ephemerals(BIA)[0].words().contains("only agents"));
    let asked = bridge.slack.calls("usergroups.users.list").len() - before;
    assert!(asked <= 2, "{asked}");
    bridge.slack.picks(ANA, CHANNEL, &card.ts, ("more", "release")).await.unwrap();
    bridge.idle().await;
    bridge.slack.add_to_group("S0AGENTS", BIA);
    later.passes(Duration::from_secs(31)).await;
    later.says(BIA, &card, "Agora eu").await;
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!", "Agora eu"]);
    later.bridge.finish().await;
}
