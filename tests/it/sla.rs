//! The service levels of the desk at Blip: who has passed a limit shows it, and somebody is called.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::ServiceLimits;
use blip_slack_standins::slack::Message;

use crate::support::Bridge;
use crate::support::later::Later;

const GROUP: &str = "<!subteam^S0BOSSES>";

/// A desk with limits of five, two and sixty minutes, and a bridge whose own reminders are far away.
async fn start(watches: &str) -> Later {
    start_with_reminders(watches, ("600", "600")).await
}

/// The same with reminders of its own after so many minutes: unclaimed, and unanswered.
async fn start_with_reminders(watches: &str, (unclaimed, unanswered): (&str, &str)) -> Later {
    let settings = [
        ("SLA", watches),
        ("ESCALATE_TO", "S0BOSSES"),
        ("REMIND_UNCLAIMED_MINUTES", unclaimed),
        ("REMIND_UNANSWERED_MINUTES", unanswered),
    ];
    let later = Later::start(&settings).await;
    later.bridge.blip.configure(|setup| {
        setup.sends_receipts = true;
        setup.service_limits = Some(ServiceLimits {
            waiting: Duration::from_mins(5),
            first_answer: Duration::from_mins(2),
            attendance: Duration::from_hours(1),
        });
    });
    later
}

fn shows(bridge: &Bridge, card: &Message, words: &str) -> bool {
    bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains(words)
}

/// How often those were called who look after the team.
fn calls(bridge: &Bridge) -> usize {
    let posts = bridge.slack.calls("chat.postMessage");
    posts.iter().filter(|post| post.body.to_string().contains(GROUP)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_passes_a_limit_of_the_desk_shows_it_and_those_are_called_who_look_after_the_team() {
    let later = start("blip").await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(Duration::from_mins(4)).await;
    bridge.idle().await;
    assert!(!shows(bridge, &card, "SLA") && calls(bridge) == 0);
    later.passes(Duration::from_mins(2)).await;
    bridge.until("the card", || shows(bridge, &card, "waiting SLA missed")).await;
    bridge.until("a call", || calls(bridge) == 1).await;
    later.is_through().await;
    let listed = bridge.slack.commands(ANA, CHANNEL, "/blip", "waiting").await.unwrap().body;
    assert!(listed.contains("waiting SLA missed"), "{listed}");
    // Who holds it has another limit.
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a claim", || bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
    bridge.until("the card", || !shows(bridge, &card, "SLA")).await;
    later.passes(Duration::from_mins(3)).await;
    bridge.until("the card", || shows(bridge, &card, "first-reply SLA missed")).await;
    bridge.until("a second call", || calls(bridge) == 2).await;
    later.is_through().await;
    // It is shown until there is something that nobody can mend any more.
    later.says(ANA, &card, "Olá!").await;
    later.reached(&ticket, &["Olá!"]).await;
    bridge.until("the card", || !shows(bridge, &card, "SLA")).await;
    later.passes(Duration::from_mins(61)).await;
    bridge.until("the card", || shows(bridge, &card, "handling SLA missed")).await;
    later.is_through().await;
    assert_eq!(calls(bridge), 2, "nobody is called for that");
    later.bridge.finish().await;
}

/// What was said of a ticket that waits.
fn reminders(bridge: &Bridge, card: &Message) -> Vec<String> {
    let lines = bridge.replies(card).into_iter().map(|line| line.text);
    lines.filter(|text| text.contains('⏰')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_ends_with_the_patience_of_the_team_is_told_once() {
    // Both in the same minute, as Blip's limits are.
    let later = start_with_reminders("blip", ("5", "2")).await;
    let bridge = &later.bridge;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for step in [300, 30, 45] {
        later.passes(Duration::from_secs(step)).await;
        bridge.idle().await;
    }
    bridge.until("a call", || calls(bridge) == 1).await;
    later.is_through().await;
    assert_eq!(reminders(bridge, &card).len(), 1, "{:?}", reminders(bridge, &card));
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("a claim", || bridge.blip.ticket(&ticket).unwrap().is_assigned()).await;
    for step in [120, 30, 45] {
        later.passes(Duration::from_secs(step)).await;
        bridge.idle().await;
    }
    bridge.until("a second call", || calls(bridge) == 2).await;
    later.is_through().await;
    let told = reminders(bridge, &card);
    assert!(told.len() == 2 && told[1].contains(&format!("<@{ANA}>")), "{told:?}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_unless_it_is_wanted_and_a_silent_blip_holds_up_nothing() {
    for watches in ["off", "blip"] {
        let later = start(watches).await;
        let bridge = &later.bridge;
        bridge.blip.configure(|setup| setup.hides_rules = true);
        let (_, card) = bridge.ticket("Maria", "Oi").await;
        later.passes(Duration::from_mins(6)).await;
        let asked = || bridge.blip.calls("/commands get /monitoring/waiting-tickets").len();
        if watches == "blip" {
            bridge.until("a question", || asked() > 0).await;
        }
        bridge.idle().await;
        assert_eq!(asked() > 0, watches == "blip");
        assert!(!shows(bridge, &card, "SLA") && calls(bridge) == 0);
        later.bridge.finish().await;
    }
}
