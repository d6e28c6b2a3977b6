//! A PostgreSQL server in trouble: it loses connections around every commit, is full, has no connection
//! left, is slow, is shut down, or is looked at for an hour. What was acknowledged arrives, once and in
//! order; what cannot be stored is refused, and told.
//!
//! Skipped, and said so, where there is no server. `LOST_EVERY=1` loses a connection around every single
//! exchange.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use crate::cut::Play;
use crate::support::{Bridge, CutMoment, DatabaseProxy, PostgresSchema, draw_first, note, wish};

/// How many bridges are played at the same time, each with up to a dozen connections.
const AT_ONCE: usize = 2;
/// How many of a play's exchanges lose their connections, on either side, if nobody says.
const USUAL: usize = 5;

/// A bridge behind a server in trouble, whose platforms send again what was not taken.
async fn start(schema: &PostgresSchema) -> (Bridge, DatabaseProxy) {
    let proxy = DatabaseProxy::start(schema.url()).await;
    let bridge = Bridge::with(&[("DATABASE_URL", proxy.url())]).await;
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(20); 500]);
    (bridge, proxy)
}

/// Plays with a connection that is lost around the exchange with this number; says how many there were.
async fn survive(lost: Option<(usize, CutMoment)>) -> usize {
    let Some(schema) = PostgresSchema::make().await else { return 0 };
    let (bridge, proxy) = start(&schema).await;
    let (number, moment) = lost.unwrap_or((usize::MAX, CutMoment::Before));
    proxy.cut_at(number, moment);
    let ticket = Play::Ticket.play(&bridge).await;
    bridge.idle().await;
    let exchanges = proxy.exchanges();
    let name = format!("{moment:?} exchange {number} of {exchanges}");
    Play::Ticket.check(&bridge, &ticket, &name);
    // There may be fewer this time than there were the first time.
    assert!(lost.is_none() || proxy.has_cut() || number > exchanges, "{name} was not lost");
    bridge.finish().await;
    exchanges
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not yet played often enough beside other work (docs/postgresql.md)"]
async fn a_connection_that_is_lost_before_or_after_any_commit_costs_nothing() {
    let exchanges = survive(None).await;
    let every = wish("LOST_EVERY").and_then(|every| every.parse().ok());
    let every = every.unwrap_or((exchanges / USUAL).max(1));
    let first = 1 + draw_first(every);
    note(&format!("{exchanges} exchanges, from {first}, every {every}"));
    let numbers = (first..=exchanges).step_by(every);
    let losses = numbers
        .flat_map(|number| [CutMoment::Before, CutMoment::After].map(|moment| (number, moment)));
    let survived = stream::iter(losses).map(|lost| async move {
        AssertUnwindSafe(survive(Some(lost))).catch_unwind().await.is_err().then_some(lost)
    });
    let fatal: Vec<_> = survived.buffer_unordered(AT_ONCE).collect().await;
    let fatal: Vec<_> = fatal.into_iter().flatten().collect();
    assert!(fatal.is_empty(), "fatal around these of {exchanges}: {fatal:?}; told of above");
}

/// What was said of each number, in the order in which it stands in the thread.
fn numbers_in(said: &str) -> Vec<usize> {
    let words = said.split_whitespace().filter_map(|word| word.strip_prefix("text-"));
    words.map(|number| number.parse().unwrap()).collect()
}

/// Waits until the server has refused something, and lets it work again.
async fn recovers(bridge: &Bridge, proxy: &DatabaseProxy) {
    let before = proxy.refusals();
    bridge.until("a refusal", || proxy.refusals() > before).await;
    proxy.refuse(None);
}

/// A server is full, out of memory, without a free connection, restarted, or has become a standby.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_is_waited_for_then_told_and_caught_up_with() {
    for code in ["53100", "53200", "53300", "57P03", "25006"] {
        let Some(schema) = PostgresSchema::make().await else { return };
        let (bridge, proxy) = start(&schema).await;
        let (ticket, card) = bridge.ticket("Maria", "Oi").await;
        bridge.idle().await;
        // A moment of it nobody notices: what is refused once is asked again.
        bridge.blip.configure_delivery(|policy| policy.retries = Vec::new());
        proxy.refuse(Some(code));
        let late = bridge.blip.says(&ticket, "text-0");
        let (late, ()) = tokio::join!(late, recovers(&bridge, &proxy));
        assert_eq!(late.unwrap().status, Some(200), "{code}: it is waited for");
        bridge.until("the text", || bridge.said(&card).concat().contains("text-0")).await;
        // All of a minute everybody does.
        proxy.refuse(Some(code));
        if ["53300", "57P03"].contains(&code) {
            proxy.cut_all();
        }
        let refused = bridge.blip.says(&ticket, "text-1").await.unwrap().status;
        assert_eq!(refused, Some(503), "{code}: it cannot be taken");
        bridge.becomes(false, "DATABASE_URL").await;
        bridge.blip.retries_until_taken();
        let late = bridge.blip.says(&ticket, "text-2");
        let written = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "reply-1");
        let (late, written, ()) = tokio::join!(late, written, recovers(&bridge, &proxy));
        assert_eq!(late.unwrap().status, Some(200), "{code}: it is sent again");
        assert_eq!(written.unwrap().status, Some(200), "{code}: it is sent again");
        bridge.becomes(true, "ready").await;
        bridge.until("the reply", || bridge.received(&ticket) == ["reply-1"]).await;
        // Blip does not repeat the first one: it is fetched, as after a time without a bridge.
        let shown = || numbers_in(&bridge.said(&card).join("\n"));
        bridge.until("what was refused", || shown().len() == 3).await;
        bridge.idle().await;
        assert_eq!(shown(), [0, 2, 1], "{code}");
        let told = bridge.said(&card).concat().matches("while the integration was down").count();
        assert_eq!(told, 1, "{code}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_keeps_everything_and_its_order() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let (bridge, proxy) = start(&schema).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    // As on another continent, and as one that is out of breath.
    proxy.delay(Duration::from_millis(150));
    for number in 0..6 {
        bridge.blip.says(&ticket, &format!("text-{number}")).await.unwrap();
        let words = format!("reply-{number}");
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words).await.unwrap();
    }
    bridge.until("all replies", || bridge.received(&ticket).len() == 6).await;
    // Longer than anybody waits for an answer: what was asked is lost, or is done all the same.
    proxy.delay(Duration::from_secs(3));
    bridge.blip.configure_delivery(|policy| policy.timeout = Duration::from_secs(5));
    let late = bridge.blip.says(&ticket, "text-6");
    let ends = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        proxy.delay(Duration::ZERO);
    };
    let (late, ()) = tokio::join!(late, ends);
    assert_eq!(late.unwrap().status, Some(200));
    bridge.becomes(true, "ready").await;
    bridge.idle().await;
    let shown = numbers_in(&bridge.said(&card).join("\n"));
    assert_eq!(shown, (0..=6).collect::<Vec<_>>());
    let replies: Vec<String> = (0..6).map(|number| format!("reply-{number}")).collect();
    assert_eq!(bridge.received(&ticket), replies);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_again_and_again_cost_nothing() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let (bridge, proxy) = start(&schema).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let talks = async {
        for number in 0..20 {
            let words = format!("text-{number}");
            assert_eq!(bridge.blip.says(&ticket, &words).await.unwrap().status, Some(200));
            let words = format!("reply-{number}");
            bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words).await.unwrap();
        }
    };
    let cuts = async {
        loop {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(5..120))).await;
            proxy.cut_all();
        }
    };
    tokio::select! {
        () = talks => {}
        () = cuts => {}
    }
    bridge.until("all replies", || bridge.received(&ticket).len() == 20).await;
    bridge.idle().await;
    let all: Vec<usize> = (0..20).collect();
    assert_eq!(numbers_in(&bridge.said(&card).join("\n")), all);
    let replies: Vec<String> = all.iter().map(|number| format!("reply-{number}")).collect();
    assert_eq!(bridge.received(&ticket), replies);
    bridge.finish().await;
}
