//! People of other companies in our channels (Slack Connect) are no agents, whatever they touch;
//! colleagues of our own organisation (Enterprise Grid) are.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{Answered, Message, Team, User, View};
use serde_json::{Value, json};

use crate::support::Bridge;

/// Somebody of another company, as Slack tells of them: no guest, no bot, and no stranger.
const EVA: &str = "U0EXTERN01";
/// The workspace of the other company.
const OTHER: &str = "T0OTHERCO1";
/// Our workspace.
const OURS: &str = "T0001";
/// Another workspace of our organisation.
const SECOND: &str = "T0SECOND01";
/// What somebody reads who is no agent.
const REFUSAL: &str = "Only agents can do that";

fn eva(team: Team) -> User {
    let user = User::of_company(OTHER, EVA, "Eva Vendor", "eva@othercompany.example");
    User { locale: "en-US".to_owned(), team, ..user }
}

/// Eva is in the channel for tickets, from this workspace.
async fn enters(bridge: &Bridge, user: User) {
    let id = user.id.clone();
    bridge.slack.add_user(user);
    bridge.slack.joins(&id, CHANNEL).await.unwrap();
}

fn other() -> Team {
    Team::Other(OTHER.to_owned())
}

/// The home tab of somebody, once it shows this.
async fn home(bridge: &Bridge, user: &str, part: &str) -> View {
    let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME",
        "tab": "home", "event_ts": "1.1" });
    assert_eq!(bridge.slack.emits(event).await, Some(200));
    let shows = |view: &View| view.view["type"] == "home" && view.view.to_string().contains(part);
    bridge
        .slack
        .wait_for(part, |state| {
            let mut views = state.views.values();
            views.find(|view| view.user == user && shows(view)).cloned()
        })
        .await
}

async fn asks(bridge: &Bridge, user: &str, text: &str) -> String {
    bridge.slack.commands(user, CHANNEL, "/blip", text).await.unwrap().body
}

/// The dialog that a press has just opened for Eva; `known` is the one before it.
fn opened(bridge: &Bridge, known: &mut String) -> String {
    let dialog = bridge.dialog(EVA);
    assert_ne!(dialog.id, *known, "nothing opened");
    *known = dialog.id;
    dialog.view.to_string()
}

fn chosen(option: &Value) -> Value {
    json!({ "destination": { "destination": { "type": "external_select",
        "selected_option": option } } })
}

/// That nothing was moved and nothing was sent.
fn is_untouched(bridge: &Bridge, ticket: &str) {
    let told = bridge.slack.transcript();
    assert!(bridge.received(ticket).is_empty() && bridge.blip.calls("/messages").is_empty());
    assert_eq!(bridge.blip.ticket(ticket).unwrap().status, "Waiting", "{told}");
    assert_eq!(bridge.blip.look(|state| state.tickets.len()), 1, "{told}");
    assert!(bridge.blip.calls("change-status").is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_of_another_company_is_no_agent_on_any_surface() {
    let bridge = Bridge::start().await;
    enters(&bridge, eva(other())).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let at = card.ts.as_str();
    bridge.slack.reacts(EVA, CHANNEL, at, "eyes").await.unwrap();
    let said = bridge.slack.says(EVA, CHANNEL, Some(at), "I answer").await.unwrap();
    bridge.slack.reacts(EVA, CHANNEL, at, "white_check_mark").await.unwrap();
    bridge.slack.clicks(EVA, CHANNEL, at, "claim").await.unwrap();
    bridge.slack.uses_shortcut(EVA, CHANNEL, at, "claim").await.unwrap();
    bridge.idle().await;
    let note = bridge.slack.message(CHANNEL, &said.ts).unwrap();
    assert_eq!(note.reacted("lock").len(), 1, "{}", bridge.slack.transcript());
    let told = bridge.slack.ephemerals(EVA);
    assert!(told[0].words().contains("only agents talk to the customer"), "{told:?}");
    assert!(told.iter().filter(|told| told.words().contains(REFUSAL)).count() >= 2, "{told:?}");
    let mut known = String::new();
    for button in ["close", "transfer"] {
        bridge.slack.clicks(EVA, CHANNEL, at, button).await.unwrap();
        assert!(opened(&bridge, &mut known).contains(REFUSAL), "{button}");
    }
    for entry in ["tags", "reply", "compose", "history", "details"] {
        bridge.slack.picks(EVA, CHANNEL, at, ("more", entry)).await.unwrap();
        let view = opened(&bridge, &mut known);
        assert!(view.contains(REFUSAL) && !view.contains("Maria"), "{entry}: {view}");
    }
    for text in ["mine", "waiting", "find Maria", "status"] {
        let answer = asks(&bridge, EVA, text).await;
        assert!(answer.contains(REFUSAL) && !answer.contains("Maria"), "{text}: {answer}");
    }
    let home = home(&bridge, EVA, "agents").await;
    assert!(!home.view.to_string().contains("Maria"), "{}", home.view);
    is_untouched(&bridge, &ticket);
    bridge.slack.says(ANA, CHANNEL, Some(at), "Olá!").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"], "an agent's own channel is not closed to her");
    bridge.finish().await;
}

/// What she had opened when she was still a colleague does not serve her either: each event and
/// each press names her workspace, so that nothing depends on what was known before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_says_with_an_event_counts_more_than_what_was_known_before() {
    let bridge = Bridge::start().await;
    enters(&bridge, eva(Team::Ours)).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    let at = card.ts.as_str();
    let tab = home(&bridge, EVA, "Maria Silva").await;
    bridge.slack.clicks(EVA, CHANNEL, at, "transfer").await.unwrap();
    let dialog = bridge.dialog(EVA);
    let options = bridge.slack.searches(EVA, &dialog.id, "destination", "").await.unwrap();
    assert!(!options.is_empty());
    bridge.slack.add_user(eva(other()));
    let found = bridge.slack.searches(EVA, &dialog.id, "destination", "").await.unwrap();
    assert_eq!(found, Vec::<Value>::new());
    bridge.slack.submits(EVA, &dialog.id, chosen(&options[0])).await.unwrap();

    bridge.slack.add_user(eva(Team::Ours));
    bridge.slack.picks(EVA, CHANNEL, at, ("more", "compose")).await.unwrap();
    let mut known = dialog.id;
    opened(&bridge, &mut known);
    bridge.slack.add_user(eva(other()));
    let offer = json!({ "kind": { "compose_kind": { "selected_option": { "value": "link" } } },
        "address": { "address": { "value": "https://loja.example/" } } });
    let Answered { body, .. } = bridge.slack.submits(EVA, &known, offer).await.unwrap();
    assert!(body.contains(REFUSAL), "{body}");

    bridge.slack.picks_in_view(EVA, &tab.id, "more", Some("claim")).await.unwrap();
    bridge.slack.clicks(EVA, CHANNEL, at, "claim").await.unwrap();
    bridge.slack.uses_shortcut(EVA, CHANNEL, at, "claim").await.unwrap();
    let said = bridge.slack.says(EVA, CHANNEL, Some(at), "I answer").await.unwrap();
    assert!(asks(&bridge, EVA, "waiting").await.contains(REFUSAL));
    bridge.slack.clicks(EVA, CHANNEL, at, "close").await.unwrap();
    assert!(opened(&bridge, &mut known).contains(REFUSAL));
    bridge.idle().await;
    let note = bridge.slack.message(CHANNEL, &said.ts).unwrap();
    assert_eq!(note.reacted("lock").len(), 1, "{}", bridge.slack.transcript());
    is_untouched(&bridge, &ticket);
    bridge.finish().await;
}

/// A reaction and then words of somebody; returns what reached the customer.
async fn answers(bridge: &Bridge, name: &str) -> (Vec<String>, Message) {
    let (ticket, card) = bridge.ticket(name, "Oi").await;
    bridge.slack.reacts(EVA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(EVA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    let is_claimed = bridge.blip.ticket(&ticket).unwrap().is_assigned();
    let received = bridge.received(&ticket);
    assert_eq!(is_claimed, !received.is_empty());
    (received, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_of_our_organisation_is_an_agent_and_nobody_else_is() {
    let grid = |id: &str, teams: &[&str]| {
        Some((id.to_owned(), teams.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    let second = || Team::Other(SECOND.to_owned());
    let here = |team, enterprise| User { enterprise, ..eva(team) };
    let cases = [
        ("of another workspace, and in ours", here(second(), grid("E1", &[SECOND, OURS])), true),
        ("of an organisation, and in ours", here(Team::Untold, grid("E1", &[OURS])), true),
        ("of another workspace only", here(second(), grid("E1", &[SECOND])), false),
        ("of the grid of another company", here(other(), grid("E2", &[OTHER])), false),
        ("of no workspace that is told", here(Team::Untold, None), false),
        ("a guest", User { is_restricted: true, ..eva(Team::Ours) }, false),
        ("a guest of one channel", User { is_ultra_restricted: true, ..eva(Team::Ours) }, false),
        ("gone", User { deleted: true, ..eva(Team::Ours) }, false),
    ];
    for (what, user, is_agent) in cases {
        let bridge = Bridge::start().await;
        enters(&bridge, user).await;
        let (received, _) = answers(&bridge, "Maria").await;
        assert_eq!(!received.is_empty(), is_agent, "{what}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installed_for_an_organisation_all_of_it_are_agents_and_nobody_else_is() {
    let grid = |id: &str, team: &str| Some((id.to_owned(), vec![team.to_owned()]));
    let of = |team: &str, enterprise| User { enterprise, ..eva(Team::Other(team.to_owned())) };
    for (what, user, is_agent) in [
        ("a colleague", of(SECOND, grid("E1", SECOND)), true),
        ("of the organisation itself", of("E1", None), true),
        ("of the grid of another company", of(OTHER, grid("E2", OTHER)), false),
        ("of another company", of(OTHER, None), false),
    ] {
        let mut bridge = Bridge::start().await;
        bridge.stop_bridge().await;
        bridge.slack.configure(|setup| {
            setup.enterprise_id = Some("E1".to_owned());
            setup.is_enterprise_install = true;
        });
        bridge.start_bridge().await.unwrap();
        enters(&bridge, user).await;
        let (received, _) = answers(&bridge, "Maria").await;
        assert_eq!(!received.is_empty(), is_agent, "{what}");
        bridge.finish().await;
    }
}

/// Who we are is learned before anybody is judged: nobody slips in meanwhile, and nobody is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_acts_before_slack_has_said_who_we_are_waits_until_it_does() {
    let mut bridge = Bridge::start().await;
    enters(&bridge, eva(other())).await;
    bridge.stop_bridge().await;
    bridge.slack.faults().from_now("auth.test", Fault::Status(503));
    bridge.start_bridge().await.unwrap();
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(EVA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.slack.faults().lift("auth.test");
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_closed());
    bridge.finish().await;
}

/// How often the channel for tickets was told that it is shared.
fn tellings(bridge: &Bridge) -> usize {
    let cards = bridge.slack.cards(CHANNEL);
    cards.iter().filter(|card| card.words().contains("shared with another company")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_shared_outside_is_told_once_and_warned_about_for_as_long() {
    let mut bridge = Bridge::start().await;
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    enters(&bridge, eva(other())).await;
    let shared = json!({ "type": "channel_shared", "channel": CHANNEL,
        "connected_team_id": OTHER, "event_ts": "1.1" });
    assert_eq!(bridge.slack.announces(shared).await, Some(200));
    bridge.becomes(true, "warning: channel C0ATENDIMENTO is shared").await;
    bridge.until("the channel to be told", || tellings(&bridge) == 1).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    bridge.becomes(true, "warning: channel").await;
    bridge.idle().await;
    assert_eq!(tellings(&bridge), 1, "{}", bridge.slack.transcript());
    bridge.slack.change_channel(CHANNEL, |channel| {
        channel.members.remove(EVA);
    });
    let alone = json!({ "type": "channel_unshared", "channel": CHANNEL,
        "previously_connected_team_id": OTHER, "is_ext_shared": false, "event_ts": "1.2" });
    assert_eq!(bridge.slack.announces(alone).await, Some(200));
    bridge.until_ready_alone().await;
    // The next company is news.
    bridge.stop_bridge().await;
    bridge.slack.change_channel(CHANNEL, |channel| channel.pending_share = true);
    bridge.start_bridge().await.unwrap();
    bridge.becomes(true, "warning: channel").await;
    bridge.until("the channel to be told again", || tellings(&bridge) == 2).await;
    bridge.finish().await;
}
