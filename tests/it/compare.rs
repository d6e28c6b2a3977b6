//! Threads are compared with Slack's: what was lost without a word is found, cheaply.

use std::time::{Duration, Instant};

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::Message;
use serde_json::json;

use crate::support::Bridge;
use crate::support::later::Later;

/// How many messages are in a huge thread.
const HUGE: usize = 2100;
/// What a deed never takes unless it waits for a comparison that is over.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A ticket that Ana holds.
async fn held_ticket(bridge: &Bridge, name: &str) -> (String, Message) {
    let (ticket, card) = bridge.ticket(name, "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    (ticket, card)
}

/// Somebody writes what Slack never delivers.
async fn says_unheard(bridge: &Bridge, card: &Message, words: &str) {
    unheard(bridge, async { drop(bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await) })
        .await;
}

async fn unheard(bridge: &Bridge, deed: impl Future<Output = ()>) {
    bridge.slack.settled().await;
    let mut policy = None;
    bridge.slack.configure_delivery(|current| {
        policy = Some(current.clone());
        (current.url, current.retries) = (None, Vec::new());
    });
    deed.await;
    bridge.slack.settled().await;
    bridge.slack.configure_delivery(|current| *current = policy.unwrap());
}

fn reads(bridge: &Bridge) -> (usize, usize) {
    let calls = |method| bridge.slack.calls(method).len();
    (calls("conversations.history"), calls("conversations.replies"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ten_minutes_one_look_at_the_channel_finds_the_threads_that_differ() {
    let later = Later::start(&[("RECONCILE_SECONDS", "86400")]).await;
    let bridge = &later.bridge;
    let (ticket, card) = held_ticket(bridge, "Maria Silva").await;
    let (_, quiet) = held_ticket(bridge, "Jo Souza").await;
    for words in ["heard-1", "// a note"] {
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), words).await.unwrap();
    }
    bridge.slack.says(ANA, CHANNEL, Some(&quiet.ts), "heard-2").await.unwrap();
    bridge.blip.says(&ticket, "and I").await.unwrap();
    let compares = async || {
        bridge.idle().await;
        let before = reads(bridge);
        later.passes(Duration::from_secs(601)).await;
        bridge.until("a comparison", || reads(bridge).0 > before.0).await;
        bridge.idle().await;
        let after = reads(bridge);
        (after.0 - before.0, after.1 - before.1)
    };
    assert_eq!(compares().await, (1, 0), "nothing was lost");
    says_unheard(bridge, &card, "lost").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "heard-3").await.unwrap();
    assert_eq!(compares().await, (1, 1), "one thread differs");
    assert_eq!(bridge.received(&ticket), ["heard-1", "heard-3", "lost"]);
    assert_eq!(compares().await, (1, 0), "and was read");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_drops_because_there_is_too_much_is_looked_for_at_once_and_after_the_minute() {
    let later = Later::start(&[]).await;
    let bridge = &later.bridge;
    let (ticket, card) = held_ticket(bridge, "Maria Silva").await;
    says_unheard(bridge, &card, "lost-1").await;
    let told = json!({ "type": "app_rate_limited", "token": "t", "team_id": "T0001",
        "minute_rate_limited": 1_518_467_820, "api_app_id": "A0001" });
    assert_eq!(bridge.slack.sends(told).await, Some(200));
    bridge.until("what was lost", || bridge.received(&ticket) == ["lost-1"]).await;
    bridge.idle().await;
    says_unheard(bridge, &card, "lost-2").await;
    later.passes(Duration::from_secs(62)).await;
    bridge.until("the rest", || bridge.received(&ticket) == ["lost-1", "lost-2"]).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_huge_thread_a_post_is_found_and_a_missed_reply_is_sent() {
    let mut bridge = Bridge::start().await;
    bridge.slack.configure(|setup| setup.most_on_page = 15);
    let (ticket, card) = held_ticket(&bridge, "Maria Silva").await;
    bridge.slack.fills_thread(CHANNEL, &card.ts, HUGE);
    bridge.slack.faults().next("chat.postMessage", Fault::LostAnswer);
    bridge.blip.says(&ticket, "words-1").await.unwrap();
    bridge.blip.says(&ticket, "words-2").await.unwrap();
    bridge.until("both", || bridge.said(&card).join(" ").contains("words-2")).await;
    assert_eq!(bridge.said(&card).join(" ").matches("words-1").count(), 1);
    assert!(
        bridge
            .slack
            .calls("conversations.replies")
            .iter()
            .all(|call| { call.body["oldest"].as_str().is_some_and(|oldest| oldest > "1") })
    );
    bridge.idle().await;
    bridge.stop_bridge().await;
    unheard(&bridge, async {
        drop(bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "missed").await);
    })
    .await;
    bridge.start_bridge().await.unwrap();
    bridge.until("what was missed", || bridge.received(&ticket) == ["missed"]).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_taken_back_unheard_is_a_release_and_one_made_again_a_claim() {
    let mut later = Later::start(&[]).await;
    let (_, card) = held_ticket(&later.bridge, "Maria Silva").await;
    let shows = |bridge: &Bridge, words: &str| {
        bridge.slack.message(CHANNEL, &card.ts).unwrap().words().contains(words)
    };
    // What was told of just now may not be seen in the channel yet.
    let restarts = async |later: &mut Later, puts_on: bool| {
        later.bridge.idle().await;
        later.passes(Duration::from_millis(1100)).await;
        later.bridge.stop_bridge().await;
        unheard(&later.bridge, async {
            if puts_on {
                drop(later.bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await);
            } else {
                drop(later.bridge.slack.unreacts(ANA, CHANNEL, &card.ts, "eyes").await);
            }
        })
        .await;
        later.bridge.start_bridge().await.unwrap();
    };
    restarts(&mut later, false).await;
    later.bridge.until("the release", || shows(&later.bridge, "unclaimed")).await;
    restarts(&mut later, true).await;
    later.bridge.until("the claim", || shows(&later.bridge, "with  <@U0ANA>")).await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_deleted_releases_nobody() {
    let mut later = Later::start(&[]).await;
    let (ticket, card) = held_ticket(&later.bridge, "Maria Silva").await;
    later.bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
    later.bridge.idle().await;
    later.passes(Duration::from_millis(1100)).await;
    later.bridge.stop_bridge().await;
    unheard(&later.bridge, async {
        drop(later.bridge.slack.deletes(ANA, CHANNEL, &card.ts).await);
    })
    .await;
    later.bridge.start_bridge().await.unwrap();
    later.bridge.until("a comparison", || reads(&later.bridge).0 > 0).await;
    later.bridge.idle().await;
    later.bridge.blip.says(&ticket, "customer-1").await.unwrap();
    let is_held = |card: &Message| card.words().contains("with  <@U0ANA>");
    later
        .bridge
        .until("the new card", || later.bridge.slack.cards(CHANNEL).iter().any(is_held))
        .await;
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_gets_another_id_keeps_its_threads_and_settings() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = held_ticket(&bridge, "Maria Silva").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.slack.changes_channel_id(CHANNEL, "C0SUPPORT9").await, Some(200));
    let new = "C0SUPPORT9";
    bridge.slack.says(ANA, new, Some(&card.ts), "reply-2").await.unwrap();
    bridge.until("the second", || bridge.received(&ticket).len() == 2).await;
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    let said = |bridge: &Bridge, words: &str| {
        let thread = bridge.slack.thread(new, &card.ts);
        thread.iter().filter(|message| message.words().contains(words)).count()
    };
    bridge.until("the customer's words", || said(&bridge, "customer-1") == 1).await;
    bridge.idle().await;
    // The setting has the old id still.
    bridge.stop_bridge().await;
    unheard(&bridge, async { drop(bridge.slack.says(ANA, new, Some(&card.ts), "missed").await) })
        .await;
    bridge.start_bridge().await.unwrap();
    bridge.slack.says(ANA, new, Some(&card.ts), "reply-3").await.unwrap();
    bridge.until("all of them", || bridge.received(&ticket).len() == 4).await;
    assert_eq!(bridge.received(&ticket), ["reply-1", "reply-2", "missed", "reply-3"]);
    bridge.blip.says(&ticket, "customer-2").await.unwrap();
    bridge.until("the customer's words", || said(&bridge, "customer-2") == 1).await;
    bridge.slack.picks(BIA, new, &card.ts, ("more", "release")).await.unwrap();
    bridge.slack.reacts(ANA, new, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    let opened = NewTicket::saying("Jo Souza", "jo@0mn.io", "Oi");
    bridge.blip.opens_ticket(opened).await;
    bridge.until("a card", || bridge.slack.cards(new).len() == 2).await;
    bridge.finish().await;
}

/// Of what is too large to be read, the channel is known by its first id all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_in_a_channel_with_another_id_is_told_to_its_writer() {
    let bridge = Bridge::start().await;
    let (ticket, card) = held_ticket(&bridge, "Maria Silva").await;
    let new = "C0SUPPORT9";
    assert_eq!(bridge.slack.changes_channel_id(CHANNEL, new).await, Some(200));
    let blocks = vec![json!({"type": "divider"}); 40_000];
    let event = json!({"type": "message", "channel": new, "ts": "9999999999.000100",
        "thread_ts": card.ts, "user": ANA, "text": "xyzzy", "blocks": blocks});
    let told = || bridge.slack.calls("chat.postEphemeral");
    let sent = json!({"type": "event_callback", "event_id": "Ev9", "event": event});
    assert_eq!(bridge.slack.sends(sent).await, Some(200));
    bridge.until("the writer to be told", || !told().is_empty()).await;
    assert!(told()[0].body.to_string().contains("too large to be read"));
    bridge.idle().await;
    assert!(bridge.received(&ticket).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_moves_to_another_channel_before_it_is_compared_waits_for_nothing() {
    let mut bridge = Bridge::with(&[("SLACK_TEAM_CHANNELS", "Vendas=C0VENDAS")]).await;
    bridge.slack.add_channel("C0VENDAS", "vendas", &[ANA]);
    let new = NewTicket::saying("Maria Silva", "maria@wa.gw.msging.net", "Oi");
    let ticket = bridge.blip.opens_ticket(NewTicket { team: "Vendas".to_owned(), ..new }).await.id;
    bridge.until("the card", || !bridge.slack.cards("C0VENDAS").is_empty()).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.slack.faults().from_now("conversations.history", Fault::Status(503));
    bridge.start_bridge().await.unwrap();
    bridge.until("a comparison that fails", || reads(&bridge).0 > 0).await;
    bridge.slack.change_channel("C0VENDAS", |channel| channel.archived = true);
    bridge.blip.says(&ticket, "customer-1").await.unwrap();
    let card = bridge.card_of("Maria Silva").await;
    bridge.until("the move", || bridge.said(&card).join(" ").contains("customer-1")).await;
    bridge.slack.faults().lift("conversations.history");
    bridge.idle().await;
    let began = Instant::now();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["reply-1"]).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    bridge.finish().await;
}

/// A ticket that was transferred stays open for us until Blip says that it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tickets_in_one_thread_neither_waits_once_it_was_compared() {
    for is_lost in [false, true] {
        let mut bridge = Bridge::start().await;
        let (old, card) = held_ticket(&bridge, "Maria Silva").await;
        let reply = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1").await.unwrap();
        bridge.idle().await;
        let of_old = format!("/commands get /ticket/{old}");
        bridge.blip.faults().from_now(&of_old, Fault::Status(503));
        let new = bridge.blip.transfers_unended(&old, "Suporte").await.unwrap().id;
        let root = || bridge.slack.message(CHANNEL, &card.ts).unwrap();
        let goes_on = || root().words().contains("continued from ticket");
        bridge.until("the next ticket", goes_on).await;
        bridge.stop_bridge().await;
        if is_lost {
            says_unheard(&bridge, &card, "lost").await;
        }
        bridge.start_bridge().await.unwrap();
        bridge.until("a comparison", || reads(&bridge).0 > 0).await;
        if is_lost {
            bridge.until("what was lost", || bridge.received(&new) == ["lost"]).await;
        }
        let began = Instant::now();
        bridge.slack.edits(ANA, CHANNEL, &reply.ts, "reply-2").await.unwrap();
        bridge.until("the question", || !bridge.slack.ephemerals(ANA).is_empty()).await;
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        bridge.blip.faults().lift(&of_old);
        bridge.finish().await;
    }
}
