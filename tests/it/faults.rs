//! Trouble on the way to either platform: the conversation still ends with the right messages,
//! each once and in order, on both sides.
//!
//! One whole conversation is played while the calls of one kind go wrong in one way; then with
//! trouble of all kinds at random.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::{Fault, Faults};
use blip_slack_standins::slack::Message;
use blip_slack_standins::slack::Setup;
use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::support::{Bridge, draw, note, tuning, wish};

/// How often the calls of a kind go wrong in a row.
const IN_A_ROW: usize = 2;

/// The command that claims and closes.
const MOVES: &str = "/commands set /tickets/change-status";

/// What may happen to any call. After some of them it is not known whether it took effect.
fn troubles() -> Vec<Fault> {
    vec![
        Fault::Status(500),
        Fault::Hang,
        Fault::Reset,
        Fault::Html,
        Fault::Torn,
        Fault::Garbage,
        Fault::LostAnswer,
        Fault::LostAnswer500,
        Fault::RateLimited { retry_after: 1 },
        Fault::Slow(Duration::from_millis(150)),
    ]
}

/// A bridge that gives an answer up soon, but not because many tests share the machine: what is
/// only a courtesy is not tried again.
async fn bridge(settings: &[(&str, &str)]) -> Bridge {
    let tuning = Tuning { call_timeout: Duration::from_millis(1500), ..tuning() };
    Bridge::tuned(settings, tuning).await
}

async fn card_saying(bridge: &Bridge, words: &str) -> Message {
    bridge
        .slack
        .wait_for(&format!("a card that says {words}"), |state| {
            state.cards(CHANNEL).find(|card| card.words().contains(words)).cloned()
        })
        .await
}

/// What customers are seen to say in a thread, in order.
fn customer_lines(bridge: &Bridge, card: &Message) -> Vec<String> {
    let said = bridge.said(card).join("\n");
    let words = said.split(|c: char| c.is_whitespace());
    words.filter(|word| word.starts_with("customer-")).map(str::to_owned).collect()
}

/// Plays a whole conversation and checks both ends.
async fn converse(bridge: &Bridge) {
    let opened = bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "help-0"));
    let ticket = opened.await.id;
    let card = card_saying(bridge, "help-0").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
    bridge.blip.says(&ticket, "customer-2").await.unwrap();
    let mentions = format!("see <@{BIA}> in <#{CHANNEL}> reply-2");
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &mentions).await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "// our secret").await.unwrap();
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-3").await.unwrap();
    bridge.idle().await;
    bridge.blip.says(&ticket, "customer-3").await.unwrap();
    bridge.idle().await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;

    let mentions = "see @Bia Souza in #atendimento reply-2";
    assert_eq!(bridge.received(&ticket), ["reply-1", mentions, "reply-3"]);
    assert_eq!(customer_lines(bridge, &card), ["customer-1", "customer-2", "customer-3"]);
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{}", bridge.slack.transcript());
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    let card = bridge.slack.message(CHANNEL, &card.ts).unwrap();
    assert!(card.buttons().is_empty() && card.words().contains("Ana Lima"), "{}", card.words());
    let note = bridge.replies(&card).into_iter().find(|reply| reply.text == "// our secret");
    assert_eq!(note.unwrap().reacted("lock").len(), 1);
}

/// Where calls go wrong.
#[derive(Clone, Copy)]
enum Side {
    Slack,
    Blip,
}

impl Side {
    fn faults(self, bridge: &Bridge) -> &Faults {
        match self {
            Self::Slack => bridge.slack.faults(),
            Self::Blip => bridge.blip.faults(),
        }
    }

    /// Refusals that do not mean never.
    fn transient(self) -> Vec<Fault> {
        let codes: &[&str] = match self {
            Self::Slack => &["service_unavailable", "internal_error", "fatal_error"],
            Self::Blip => &["1", "61", "81", "86"],
        };
        codes.iter().map(|code| Fault::Code((*code).to_owned())).collect()
    }
}

/// Plays a conversation in which the first calls of a method go wrong; `cause` is what makes the
/// bridge call it, if it does not by itself.
async fn survives(side: Side, method: &str, cause: (&str, Vec<Fault>), fault: Fault) {
    let bridge = bridge(&[]).await;
    let faults = side.faults(&bridge);
    for fault in cause.1 {
        faults.next(cause.0, fault);
    }
    // What is only a courtesy is not tried again, and what is only slow need not be.
    let courtesy = ["chat.postEphemeral", "/commands get /contacts/*"].contains(&method);
    let in_a_row = if courtesy || matches!(fault, Fault::Slow(_)) { 1 } else { IN_A_ROW };
    for _ in 0..in_a_row {
        faults.next(method, fault.clone());
    }
    converse(&bridge).await;
    assert!(faults.are_spent(), "{method} was not called often enough for {fault:?}");
    bridge.finish().await;
}

async fn survives_all(side: Side, method: &str, cause: &str, before: Vec<Fault>) {
    let codes = if method == "/messages" { Vec::new() } else { side.transient() };
    let is_read = ["get ", "info", "conversations."].iter().any(|part| method.contains(part));
    let mut faults: Vec<Fault> = troubles().into_iter().chain(codes).collect();
    // A call without effect has no answer that could be lost after the effect.
    faults.retain(|fault| !is_read || !matches!(fault, Fault::LostAnswer | Fault::LostAnswer500));
    let cases = faults.into_iter().map(async |fault| {
        let case = survives(side, method, (cause, before.clone()), fault.clone());
        AssertUnwindSafe(case).catch_unwind().await.is_err().then_some(fault)
    });
    let failed: Vec<Fault> = join_all(cases).await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{method} with {failed:?}; each is told of above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_with_slacks_methods_loses_or_repeats_a_word() {
    let essential = ["chat.postMessage", "chat.update", "reactions.add", "users.info"];
    let methods = essential.into_iter().chain(["chat.postEphemeral", "conversations.info"]);
    join_all(methods.map(|method| survives_all(Side::Slack, method, method, Vec::new()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_with_who_is_in_a_channel_loses_or_repeats_a_word() {
    let method = "conversations.members";
    survives_all(Side::Slack, method, method, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_with_a_look_at_slack_loses_or_repeats_a_word() {
    // The first post is the card, the second one goes into the thread.
    let causes = [
        ("conversations.history", vec![Fault::LostAnswer]),
        ("conversations.replies", vec![Fault::Pass, Fault::LostAnswer500]),
    ];
    let look = |(look, cause)| survives_all(Side::Slack, look, "chat.postMessage", cause);
    join_all(causes.map(look)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_with_blips_methods_loses_or_repeats_a_word() {
    let methods = ["/messages", MOVES, "/commands get /contacts/*"];
    join_all(methods.map(|method| survives_all(Side::Blip, method, method, Vec::new()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_with_a_look_at_blip_loses_or_repeats_a_word() {
    let causes = [("/commands get /tickets/*", "/messages"), ("/commands get /ticket/*", MOVES)];
    let lost = || vec![Fault::LostAnswer];
    let look = |(look, cause)| survives_all(Side::Blip, look, cause, lost());
    join_all(causes.map(look)).await;
}

/// Plays several conversations at once while any call may go wrong.
async fn conversations_in_trouble(seed: u64) {
    note(&format!("seed {seed}"));
    let bridge = bridge(&[]).await;
    let kinds = || {
        let all =
            troubles().into_iter().filter(|fault| !matches!(fault, Fault::RateLimited { .. }));
        all.map(|fault| (0.03, fault)).collect()
    };
    bridge.slack.faults().at_random(seed, kinds());
    bridge.blip.faults().at_random(seed + 1, kinds());
    let tickets = ["one", "two", "three", "four"];
    join_all(tickets.map(|name| exchange(&bridge, name))).await;
    bridge.finish().await;
}

/// A customer and an agent write several messages each; whoever reads them finds each once.
async fn exchange(bridge: &Bridge, name: &str) {
    let (identity, first) = (format!("{name}@0mn.io"), format!("help-{name}"));
    let ticket = bridge.blip.opens_ticket(NewTicket::saying(name, &identity, &first)).await.id;
    let card = card_saying(bridge, &first).await;
    let expected = |who: &str| (0..6).map(|n| format!("{who}-{name}-{n}")).collect::<Vec<_>>();
    for (customer, reply) in expected("customer").iter().zip(&expected("reply")) {
        bridge.blip.says(&ticket, customer).await.unwrap();
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), reply).await.unwrap();
    }
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), expected("reply"), "{}", bridge.blip.transcript());
    assert_eq!(customer_lines(bridge, &card), expected("customer"));
    let once_said = |card: &Message| card.words().contains(&first);
    assert_eq!(bridge.slack.cards(CHANNEL).into_iter().filter(once_said).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_of_all_kinds_at_once_loses_or_repeats_no_word() {
    let seeds = wish("FAULT_SEEDS").and_then(|seeds| seeds.parse().ok());
    for nth in 0..seeds.unwrap_or(2) {
        conversations_in_trouble(draw("FAULT_SEED", nth, 1 << 32)).await;
    }
}

/// Plays a conversation in a workspace that behaves like this.
async fn converse_where(change: impl FnOnce(&mut Setup)) {
    let bridge = bridge(&[]).await;
    bridge.slack.configure(change);
    bridge.blip.configure(|setup| setup.sends_twice = true);
    converse(&bridge).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_come_twice_under_other_ids_count_once() {
    converse_where(|setup| setup.sends_twice = true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_overtake_the_answer_to_our_own_post_are_matched_later() {
    converse_where(|setup| setup.events_first = true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_found_again_where_slack_forgets_metadata() {
    for before in [vec![], vec![Fault::Pass]] {
        let bridge = bridge(&[]).await;
        bridge.slack.configure(|setup| setup.drops_metadata = true);
        for fault in before.into_iter().chain([Fault::LostAnswer, Fault::LostAnswer500]) {
            bridge.slack.faults().next("chat.postMessage", fault);
        }
        converse(&bridge).await;
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_took_effect_but_cannot_be_seen_at_once_is_not_sent_again() {
    let bridge = bridge(&[]).await;
    bridge.slack.configure(|setup| setup.shows_after = Duration::from_millis(60));
    bridge.blip.configure(|setup| setup.shows_after = Duration::from_millis(60));
    for fault in [Fault::LostAnswer, Fault::LostAnswer500, Fault::Garbage] {
        bridge.slack.faults().next("chat.postMessage", fault.clone());
        bridge.slack.faults().next("chat.postMessage", Fault::Pass);
        bridge.blip.faults().next("/messages", fault);
    }
    converse(&bridge).await;
    bridge.finish().await;
}

/// Slack answers a post late, and people react and reply to it before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_and_a_reply_that_overtake_the_answer_to_the_card_are_not_lost() {
    for answer in [Fault::Slow(Duration::from_millis(300)), Fault::LostAnswer] {
        let bridge = bridge(&[]).await;
        bridge.slack.faults().next("chat.postMessage", answer);
        bridge
            .slack
            .faults()
            .next("conversations.history", Fault::Slow(Duration::from_millis(300)));
        let new = NewTicket::saying("Maria", "maria@0mn.io", "help-0");
        let ticket = bridge.blip.opens_ticket(new).await.id;
        let card = card_saying(&bridge, "help-0").await;
        bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-2").await.unwrap();
        bridge.idle().await;
        assert_eq!(bridge.received(&ticket), ["reply-1", "reply-2"]);
        bridge.finish().await;
    }
}

/// A reply waits for the card to become known, a click names its ticket by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_does_not_overtake_a_reply_that_came_before_the_card_was_known() {
    let bridge = bridge(&[]).await;
    bridge.slack.faults().from_now("conversations.*", Fault::Status(500));
    bridge.slack.faults().next("chat.postMessage", Fault::LostAnswer);
    let new = NewTicket::saying("Maria", "maria@0mn.io", "help-0");
    let ticket = bridge.blip.opens_ticket(new).await.id;
    let card = card_saying(&bridge, "help-0").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
    bridge.slack.clicks(BIA, CHANNEL, &card.ts, "claim").await.unwrap();
    bridge.slack.faults().lift("conversations.*");
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["reply-1"]);
    let told = bridge.slack.ephemerals(BIA);
    assert!(told[0].words().contains("Ana Lima already has"), "{told:?}");
    bridge.finish().await;
}
