//! The order in which people did something is the order in which it takes effect, whatever the order
//! in which the platforms tell of it or show it.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::store::{InboxDepth, Source};
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;

use crate::support::later::{Later, Running};
use crate::support::{Bridge, samples, tuning};

/// A ticket that Ana holds.
async fn held_ticket(bridge: &Bridge) -> (String, Message) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    (ticket, card)
}

/// Two messages of which Slack tells in the wrong order.
async fn says_swapped(bridge: &Bridge, card: &Message) {
    bridge.slack.settled().await;
    bridge.slack.hold();
    for words in ["A", "B"] {
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap();
    }
    bridge.slack.release(|order| order.reverse()).await;
    bridge.slack.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_held_go_out_by_their_time() {
    let bridge = Bridge::with(&[("SEND_DELAY_SECONDS", "1")]).await;
    let (ticket, card) = held_ticket(&bridge).await;
    says_swapped(&bridge, &card).await;
    bridge.until("both", || bridge.received(&ticket).len() == 2).await;
    assert_eq!(bridge.received(&ticket), ["A", "B"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_wait_for_blip_go_out_by_their_time() {
    let bridge = Bridge::start().await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.blip.faults().from_now("/messages", Fault::RateLimited { retry_after: 1 });
    says_swapped(&bridge, &card).await;
    // Whichever was first has been refused, so that both wait when Blip takes replies again.
    bridge.until("a refusal", || !bridge.blip.calls("/messages").is_empty()).await;
    bridge.blip.faults().clear();
    bridge.until("both", || bridge.received(&ticket).len() == 2).await;
    assert_eq!(bridge.received(&ticket), ["A", "B"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_taken_back_before_we_heard_of_it_is_none() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.hold();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    // One after the other, so that the first one is dealt with before the second one comes.
    bridge.slack.release(|order| order.reverse()).await;
    bridge.slack.settled().await;
    bridge.idle().await;
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().agent, None);
    let words = || bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(words().contains("unclaimed"), "{}", words());
    // A later one counts as ever.
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.until("the claim", || words().contains("<@U0ANA>")).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_customer_says_after_a_photo_is_shown_after_it() {
    let bridge = Bridge::with(&[("REACTIONS_ON", "thread")]).await;
    let (ticket, card) = held_ticket(&bridge).await;
    bridge.slack.configure(|setup| setup.shares_after = Some(Duration::from_millis(300)));
    for (name, words) in [("a.png", "words-1"), ("b.png", "words-2")] {
        let file = (name, "image/png");
        bridge.blip.sends_file(&ticket, file, &samples::png(), None).await.unwrap();
        bridge.blip.says(&ticket, words).await.unwrap();
    }
    bridge.idle().await;
    let shown: Vec<String> = bridge
        .replies(&card)
        .iter()
        // The first tells who has claimed the ticket.
        .skip(1)
        .map(|message| match message.files.first() {
            Some(id) => bridge.slack.look(|state| state.files[id].name.clone()),
            None => message.words().split(' ').next_back().unwrap_or_default().to_owned(),
        })
        .collect();
    assert_eq!(shown, ["a.png", "words-1", "b.png", "words-2"]);
    // The photo is known, so that a reaction on it is one on the ticket.
    let photo = bridge.replies(&card).into_iter().find(|reply| !reply.files.is_empty()).unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &photo.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_that_slack_never_shows_holds_nobody_up_for_long_and_is_told() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = held_ticket(bridge).await;
    bridge.slack.configure(|setup| setup.shares_after = None);
    bridge
        .blip
        .sends_file(&ticket, ("a.png", "image/png"), &samples::png(), Some("veja isto"))
        .await
        .unwrap();
    bridge.blip.says(&ticket, "words-1").await.unwrap();
    let is_said = |words: &str| bridge.said(&card).join("\n").contains(words);
    later.skips_pauses_until("the words", || is_said("words-1")).await;
    assert!(!is_said("does not show it"));
    later.skips_pauses_until("the truth", || is_said("does not show it")).await;
    assert!(is_said("a.png") && is_said("veja isto"), "{:?}", bridge.said(&card));
    assert_eq!(bridge.slack.calls("files.completeUploadExternal").len(), 1);
    later.bridge.finish().await;
}

/// What the channel shows outside of the first card's thread, line by line, and which lines have files.
fn shown_elsewhere(bridge: &Bridge, card: &Message) -> Vec<(String, usize)> {
    let roots = bridge.slack.cards(CHANNEL).into_iter().filter(|root| root.ts != card.ts);
    let lines = roots.flat_map(|root| {
        let replies = bridge.replies(&root);
        std::iter::once(root).chain(replies)
    });
    lines.map(|line| (line.words(), line.files.len())).collect()
}

/// Ten times as fast, and a ticket whose thread is gone without a trace once its card is deleted.
async fn hurried_ticket() -> (Running, Bridge, String, Message) {
    let running = Running::start(10);
    let bridge = Bridge::tuned(&[], Tuning { clock: running.clock.clone(), ..tuning() }).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    (running, bridge, ticket, card)
}

async fn sends_photo(bridge: &Bridge, ticket: &str, shown_after: Duration) {
    bridge.slack.configure(|setup| setup.shares_after = Some(shown_after));
    let (photo, caption) = (("a.png", "image/png"), Some("veja isto"));
    bridge.blip.sends_file(ticket, photo, &samples::png(), caption).await.unwrap();
    let is_handed_over = || bridge.slack.calls("files.completeUploadExternal").len() == 1;
    bridge.until("the upload", is_handed_over).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_with_a_photo_that_misses_its_thread_is_shown_in_the_new_one() {
    let (_running, bridge, ticket, card) = hurried_ticket().await;
    // Later than its event waits.
    sends_photo(&bridge, &ticket, Duration::from_secs(4)).await;
    let store = bridge.app().unwrap().store();
    let waits = |depth: InboxDepth| depth.queues.iter().any(|queue| queue.source == Source::Blip);
    while waits(store.inbox_depth().await.unwrap()) {
        tokio::task::yield_now().await;
    }
    bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
    let count = || {
        let lines = shown_elsewhere(&bridge, &card);
        lines.iter().filter(|(words, _)| words.contains("veja isto")).count()
    };
    let is_told = || {
        let lines = shown_elsewhere(&bridge, &card);
        lines.iter().any(|(words, _)| words.contains("does not show it"))
    };
    bridge.until("the truth", is_told).await;
    bridge.idle().await;
    assert_eq!(count(), 1, "{:#?}", shown_elsewhere(&bridge, &card));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_whose_thread_is_gone_is_brought_anew_in_its_place_and_once() {
    for shown_after in [300, 1500].map(Duration::from_millis) {
        let (_running, bridge, ticket, card) = hurried_ticket().await;
        sends_photo(&bridge, &ticket, shown_after).await;
        // If it comes in time it is taken back, and nobody knows that it was.
        bridge.slack.faults().next("chat.delete", Fault::LostAnswer);
        bridge.slack.configure(|setup| setup.shares_after = Some(Duration::ZERO));
        bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
        bridge.blip.says(&ticket, "words-1").await.unwrap();
        let place = |what: &str| {
            let lines = shown_elsewhere(&bridge, &card);
            lines.iter().position(|(words, _)| words.contains(what))
        };
        bridge.until("the words", || place("words-1").is_some()).await;
        bridge.until("the photo taken back", || bridge.slack.faults().are_spent()).await;
        bridge.idle().await;
        let lines = shown_elsewhere(&bridge, &card);
        let with: Vec<_> = lines.iter().filter(|(words, _)| words.contains("veja isto")).collect();
        assert!(matches!(with[..], [(_, 1)]), "once, and with the photo: {lines:#?}");
        assert!(place("veja isto") < place("words-1"), "{lines:#?}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_that_slack_shows_late_is_known_all_the_same() {
    let later = Later::start(&[("REACTIONS_ON", "thread")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = held_ticket(bridge).await;
    bridge.slack.configure(|setup| setup.shares_after = Some(Duration::from_millis(900)));
    bridge.blip.sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None).await.unwrap();
    bridge.blip.says(&ticket, "words-1").await.unwrap();
    let is_said = |words: &str| bridge.said(&card).join("\n").contains(words);
    later.skips_pauses_until("the words", || is_said("words-1")).await;
    let photo = || bridge.replies(&card).into_iter().find(|reply| !reply.files.is_empty());
    bridge.until("the photo", || photo().is_some()).await;
    bridge.slack.reacts(BIA, CHANNEL, &photo().unwrap().ts, "white_check_mark").await.unwrap();
    let is_closed = || bridge.blip.ticket(&ticket).unwrap().is_closed();
    later.skips_pauses_until("the end", is_closed).await;
    later.bridge.finish().await;
}
