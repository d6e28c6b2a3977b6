//! A thread that somebody deletes while the bridge says something in it: what was said goes on in
//! one new thread, and nothing of it stays at the root of the channel.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;

use crate::support::later::Running;
use crate::support::{Bridge, tuning};

/// How often a word is on show in the channel.
fn count(bridge: &Bridge, word: &str) -> usize {
    bridge.slack.look(|state| {
        let messages = state.channels[CHANNEL].messages.values();
        messages.filter(|message| message.words().contains(word)).count()
    })
}

/// Deletes a card, of which Slack leaves a mark if there are replies, and has the customer write
/// while the calls of these methods go wrong in this way.
async fn says_after_loss(replies: usize, troubles: &[(&str, Fault)]) {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "first-word").await;
    for number in 0..replies {
        bridge.blip.says(&ticket, &format!("before-{number}")).await.unwrap();
    }
    bridge.idle().await;
    bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
    for (method, fault) in troubles {
        bridge.slack.faults().next(method, fault.clone());
    }
    bridge.blip.says(&ticket, "after").await.unwrap();
    bridge.idle().await;
    assert!(bridge.slack.faults().are_spent(), "{troubles:?}");
    let card = bridge.card_of("Maria").await;
    let thread: Vec<String> = bridge.replies(&card).iter().map(Message::words).collect();
    let told = format!("{troubles:?}\n{}", bridge.slack.transcript());
    assert!(thread.iter().any(|words| words.contains("after")), "{told}");
    assert_eq!(count(&bridge, "after"), 1, "{told}");
    assert_eq!(count(&bridge, "thread was deleted"), 1, "{told}");
    assert_eq!(bridge.slack.cards(CHANNEL).iter().filter(|c| !c.buttons().is_empty()).count(), 1);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_missed_its_thread_without_an_answer_is_taken_back() {
    for replies in [0, 1] {
        for fault in [Fault::LostAnswer, Fault::LostAnswer500, Fault::Garbage] {
            says_after_loss(replies, &[("chat.postMessage", fault)]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_missed_its_thread_is_taken_back_even_if_that_fails_at_first() {
    let busy = Fault::RateLimited { retry_after: 1 };
    for fault in [Fault::Status(500), Fault::Reset, busy, Fault::LostAnswer] {
        says_after_loss(1, &[("chat.update", fault.clone())]).await;
        says_after_loss(0, &[("conversations.replies", fault)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_find_a_thread_lost_at_the_same_time_make_one_new_one() {
    let bridge = Bridge::with(&[("CONTEXT_MESSAGES", "5")]).await;
    let (earlier, _) = bridge.ticket("Maria", "earlier-words").await;
    bridge.blip.says(&earlier, "more-words").await.unwrap();
    bridge.idle().await;
    bridge.blip.closes(&earlier, "ClosedClient").await.unwrap();
    bridge.idle().await;
    let slow = || Fault::Slow(Duration::from_millis(300));
    bridge.blip.faults().next("/commands get /threads/*", slow());
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "first-word");
    let ticket = bridge.blip.opens_ticket(new).await.id;
    let cards = || {
        let cards = bridge.slack.cards(CHANNEL).into_iter();
        cards.filter(|card| card.words().contains("first-word")).collect::<Vec<_>>()
    };
    bridge.until("the card", || !cards().is_empty()).await;
    let lost = cards().remove(0);
    bridge.slack.deletes(ANA, CHANNEL, &lost.ts).await.unwrap();
    // Both posts miss the thread, and both are told so at about the same time.
    for _ in 0..2 {
        bridge.slack.faults().next("chat.postMessage", slow());
    }
    bridge.blip.says(&ticket, "after").await.unwrap();
    bridge.idle().await;
    assert_eq!(cards().len(), 1, "{}", bridge.slack.transcript());
    let thread: Vec<String> = bridge.replies(&cards()[0]).iter().map(Message::words).collect();
    for words in ["thread was deleted", "Before the handoff", "after"] {
        let count = thread.iter().filter(|line| line.contains(words)).count();
        assert_eq!(count, 1, "{words} in {thread:?}");
    }
    bridge.finish().await;
}

/// The app is removed from the channel and invited again before anybody looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_back_at_once_goes_on_in_the_old_threads() {
    let removed = || Fault::Code("not_in_channel".to_owned());
    // A channel that is lost is left alone for half a minute.
    let running = Running::start(60);
    let tuning = Tuning { clock: running.clock.clone(), ..tuning() };
    let bridge = Bridge::tuned(&[("CONTEXT_MESSAGES", "5")], tuning).await;
    let (earlier, card) = bridge.ticket("Maria", "earlier-words").await;
    let said = |card: &Message, words: &str| bridge.said(card).join(" ").contains(words);
    bridge.slack.faults().next("chat.postMessage", removed());
    bridge.blip.says(&earlier, "more-words").await.unwrap();
    bridge.until("the message", || said(&card, "more-words")).await;
    bridge.idle().await;
    bridge.blip.closes(&earlier, "ClosedClient").await.unwrap();
    bridge.idle().await;
    // The same for what is said from beside the ticket.
    bridge.slack.faults().next("chat.postMessage", Fault::Pass);
    bridge.slack.faults().next("chat.postMessage", removed());
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "first-word");
    bridge.blip.opens_ticket(new).await;
    let is_new = |card: &Message| card.words().contains("first-word");
    let card = || bridge.slack.cards(CHANNEL).into_iter().find(is_new);
    bridge.until("the card", || card().is_some()).await;
    let card = card().unwrap();
    bridge.until("the context", || said(&card, "Before the handoff")).await;
    bridge.idle().await;
    assert!(bridge.slack.faults().are_spent());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 2, "{}", bridge.slack.transcript());
    bridge.finish().await;
}
