//! Reminders: to the channel or to who must act, then to a user group; in working time only.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::slack::Message;
use jiff::civil::{Weekday, time};
use serde_json::json;

use crate::support::later::Later;

/// The reminders in a thread: whether the whole channel sees each, and what it says.
fn reminders(later: &Later, card: &Message) -> Vec<(bool, String)> {
    let lines = later.bridge.replies(card).into_iter();
    let lines = lines.filter(|line| line.text.contains('⏰'));
    lines.map(|line| (line.broadcast, line.text)).collect()
}

/// Waits until there are so many of them.
async fn reminded(later: &Later, card: &Message, times: usize) -> Vec<(bool, String)> {
    later
        .bridge
        .slack
        .wait_for(&format!("{times} reminders"), |state| {
            let lines = state.thread(CHANNEL, &card.ts);
            (lines.filter(|line| line.text.contains('⏰')).count() == times).then_some(())
        })
        .await;
    later.is_through().await;
    reminders(later, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_nobody_claims_is_brought_up_louder_each_time() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "10"), ("ESCALATE_TO", "S0BOSSES")];
    let later = Later::start(&settings).await;
    let (ticket, card) = later.bridge.ticket("Maria", "Oi").await;
    later.passes(Duration::from_mins(9)).await;
    assert!(reminders(&later, &card).is_empty());
    for round in 1..=3 {
        later.passes(Duration::from_mins(11)).await;
        let told = reminded(&later, &card, round).await;
        let (is_seen_by_all, words) = &told[round - 1];
        assert!(is_seen_by_all, "nobody follows the thread: {told:?}");
        let number = later.bridge.blip.ticket(&ticket).unwrap().number;
        assert!(words.contains(&format!("Maria #{number} has been waiting for")), "{words}");
        let waited = [20, 31, 42][round - 1];
        assert!(words.contains(&format!("for {waited} min: nobody")), "{words}");
        assert_eq!(told[round - 1].1.contains("<!subteam^S0BOSSES>"), round > 2, "{told:?}");
    }
    later.passes(Duration::from_hours(10)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, &card).len(), 3, "three times is enough");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_answers_in_time_hears_nothing_and_who_does_not_is_named() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "5"), ("REMIND_UNANSWERED_MINUTES", "10")];
    let later = Later::start(&settings).await;
    // Else there were always something to ask Blip for soon.
    later.bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = later.bridge.ticket("Maria", "Oi").await;
    later.says(ANA, &card, "Olá!").await;
    later.passes(Duration::from_mins(30)).await;
    later.bridge.idle().await;
    assert!(reminders(&later, &card).is_empty());
    later.bridge.blip.says(&ticket, "E o pedido?").await.unwrap();
    later.passes(Duration::from_mins(11)).await;
    let told = reminded(&later, &card, 1).await;
    assert!(told[0].1.contains(&format!("<@{ANA}>, Maria #")), "{told:?}");
    // Slack calls nobody for what stands in the text of a post with blocks.
    let lines = later.bridge.replies(&card);
    let reminder = lines.iter().find(|line| line.text.contains('⏰')).unwrap();
    let blocks = json!(reminder.blocks).to_string();
    assert!(blocks.contains(&format!(r#""user_id":"{ANA}""#)), "an element: {blocks}");
    assert!(!told[0].0, "the holder, and not yet everybody: {told:?}");
    later.says(ANA, &card, "A caminho!").await;
    later.passes(Duration::from_mins(30)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, &card).len(), 1);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_was_released_is_brought_up_again() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "10"), ("REMIND_UNANSWERED_MINUTES", "0")];
    let later = Later::start(&settings).await;
    let (_, card) = later.bridge.ticket("Maria", "Oi").await;
    later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.passes(Duration::from_mins(30)).await;
    later.bridge.idle().await;
    assert!(reminders(&later, &card).is_empty(), "somebody has it");
    later.bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.passes(Duration::from_mins(11)).await;
    let told = reminded(&later, &card, 1).await;
    assert!(told[0].1.contains("nobody"), "{told:?}");
    later.bridge.finish().await;
}

/// The reminders that stand in the channel itself.
fn rounds(later: &Later) -> Vec<Message> {
    let posts = later.bridge.slack.cards(CHANNEL).into_iter();
    posts.filter(|post| post.text.contains('⏰')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_post_in_a_channel_names_all_its_tickets_that_nobody_has_claimed() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "10"), ("ESCALATE_TO", "S0BOSSES")];
    let later = Later::start(&settings).await;
    let bridge = &later.bridge;
    let mut cards = Vec::new();
    for name in ["Maria", "João", "Rita"] {
        cards.push(bridge.ticket(name, "Oi").await);
        later.passes(Duration::from_mins(2)).await;
    }
    // She has just come when the first of them is due.
    later.passes(Duration::from_mins(2)).await;
    let (_, late) = bridge.ticket("Tina", "Oi").await;
    let (_, held) = bridge.ticket("Vera", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &held.ts, "eyes").await.unwrap();
    for round in 1..=3 {
        later.passes(Duration::from_mins(if round == 1 { 3 } else { 11 })).await;
        bridge.until("a round", || rounds(&later).len() == round).await;
        later.is_through().await;
        let told = rounds(&later);
        assert_eq!(told.len(), round, "{told:?}");
        let words = told[round - 1].words();
        for name in ["Maria", "João", "Rita"] {
            assert!(words.contains(name), "{name} in {words}");
        }
        assert!(!words.contains("Vera"), "{words}");
        assert_eq!(words.contains("Tina"), round > 1, "{words}");
        assert_eq!(told[round - 1].text.starts_with("⏰ <!subteam^S0BOSSES> "), round > 2);
        assert_eq!(told[round - 1].text.contains("S0BOSSES"), round > 2);
    }
    for (_, card) in cards.iter().chain([&(String::new(), late)]) {
        assert!(reminders(&later, card).is_empty(), "{}", card.text);
    }
    later.bridge.finish().await;
}

/// Settings of a team that works from Monday to Friday, from nine to six.
const OFFICE: [(&str, &str); 4] = [
    ("BUSINESS_HOURS", "mon-fri 09:00-18:00"),
    ("TIMEZONE", "America/Sao_Paulo"),
    ("REMIND_UNCLAIMED_MINUTES", "30"),
    ("ESCALATE_TO", "S0BOSSES"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weekend_is_no_time_to_remind_anybody() {
    let later = Later::start(&OFFICE).await;
    later.reaches(Weekday::Friday, time(17, 50, 0, 0)).await;
    let (_, card) = later.bridge.ticket("Maria", "Oi").await;
    for (day, time) in [
        (Weekday::Friday, time(18, 30, 0, 0)),
        (Weekday::Saturday, time(12, 0, 0, 0)),
        (Weekday::Monday, time(8, 59, 0, 0)),
        (Weekday::Monday, time(9, 19, 0, 0)),
    ] {
        later.reaches(day, time).await;
        later.bridge.idle().await;
        assert!(reminders(&later, &card).is_empty(), "{day:?} {time}");
    }
    // Ten minutes on Friday and twenty on Monday: twice to the channel, then to the bosses.
    later.reaches(Weekday::Monday, time(9, 21, 0, 0)).await;
    assert!(reminded(&later, &card, 1).await[0].0);
    later.reaches(Weekday::Monday, time(9, 52, 0, 0)).await;
    let told = reminded(&later, &card, 2).await;
    assert!(told[1].0 && !told[1].1.contains("S0BOSSES"), "{told:?}");
    later.reaches(Weekday::Monday, time(10, 23, 0, 0)).await;
    let told = reminded(&later, &card, 3).await;
    assert!(told[2].0 && told[2].1.contains("<!subteam^S0BOSSES>"), "{told:?}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_said_in_time_comes_first_thing_in_the_morning() {
    let mut later = Later::start(&OFFICE).await;
    later.reaches(Weekday::Thursday, time(17, 20, 0, 0)).await;
    let (_, card) = later.bridge.ticket("Maria", "Oi").await;
    later.bridge.idle().await;
    // The bridge was down when it was due, and comes back at night.
    later.bridge.stop_bridge().await;
    later.reaches(Weekday::Thursday, time(23, 0, 0, 0)).await;
    later.bridge.start_bridge().await.unwrap();
    later.bridge.idle().await;
    assert!(reminders(&later, &card).is_empty());
    later.reaches(Weekday::Friday, time(9, 0, 1, 0)).await;
    reminded(&later, &card, 1).await;
    // A pause of some hours does not bring all of them at once.
    later.reaches(Weekday::Friday, time(15, 0, 0, 0)).await;
    reminded(&later, &card, 2).await;
    later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    later.reaches(Weekday::Friday, time(17, 0, 0, 0)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, &card).len(), 2, "somebody has it now");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_at_night_waits_from_the_morning_on() {
    let settings = [("REMIND_UNANSWERED_MINUTES", "30"), OFFICE[0], OFFICE[1], OFFICE[3]];
    let later = Later::start(&settings).await;
    later.bridge.blip.configure(|setup| setup.sends_receipts = true);
    later.reaches(Weekday::Tuesday, time(16, 0, 0, 0)).await;
    let (ticket, card) = later.bridge.ticket("Maria", "Oi").await;
    later.says(ANA, &card, "Olá!").await;
    later.bridge.idle().await;
    later.reaches(Weekday::Tuesday, time(22, 0, 0, 0)).await;
    later.bridge.blip.says(&ticket, "Ainda aí?").await.unwrap();
    later.reaches(Weekday::Wednesday, time(9, 29, 0, 0)).await;
    later.bridge.idle().await;
    assert!(reminders(&later, &card).is_empty());
    later.reaches(Weekday::Wednesday, time(9, 31, 0, 0)).await;
    let told = reminded(&later, &card, 1).await;
    assert!(told[0].1.contains(&format!("<@{ANA}>, Maria #")), "{told:?}");
    assert!(!told[0].0, "the holder, and not yet everybody: {told:?}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reminders_are_on_unless_they_are_switched_off() {
    let defaults = ["REMIND_UNCLAIMED_MINUTES", "REMIND_UNANSWERED_MINUTES"].map(|name| (name, ""));
    let later = Later::start(&defaults).await;
    later.bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (_, unclaimed) = later.bridge.ticket("Maria", "Oi").await;
    let (ticket, unanswered) = later.bridge.ticket("João", "Oi").await;
    later.says(ANA, &unanswered, "Olá!").await;
    later.bridge.idle().await;
    later.bridge.blip.says(&ticket, "E o pedido?").await.unwrap();
    later.passes(Duration::from_mins(6)).await;
    let told = reminded(&later, &unclaimed, 1).await;
    assert!(told[0].1.contains("Maria") && told[0].1.contains("for 6 min"), "{told:?}");
    assert!(reminders(&later, &unanswered).is_empty());
    later.passes(Duration::from_mins(5)).await;
    let told = reminded(&later, &unanswered, 1).await;
    assert!(told[0].1.contains("for an answer for 11 min"), "{told:?}");
    later.bridge.finish().await;
}
