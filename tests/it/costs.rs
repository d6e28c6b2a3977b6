//! What a message costs: how often the store is asked for it, and how often it is written to.
//!
//! Counted, not timed: the same on every machine. `docs/performance.md` tells the figures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use blip_slack::app::Tuning;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::store::SharedStore;

use crate::support::watched::{Use, Watched, Witness};
use crate::support::{Bridge, note, tuning};

/// How many messages each count is the mean of.
const MESSAGES: usize = 10;

/// What looks for work, and how things stand: as often as time passes, not as messages come.
const POLLS: [&str; 5] =
    ["lease_lanes", "next_due", "wait_for_work", "inbox_depth", "open_tickets"];

/// How often each method of the store was used.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<(Use, &'static str), usize>>);

#[async_trait]
impl Witness for Arc<Tally> {
    async fn used(&self, method: &'static str, kind: Use) {
        if !POLLS.contains(&method) {
            *self.0.lock().unwrap().entry((kind, method)).or_default() += 1;
        }
    }
}

impl Tally {
    /// Uses and writes for each message since the last time.
    fn take(&self, what: &str) -> (f64, f64) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap());
        let mean = |kind: Option<Use>| {
            let counted = counts.iter().filter(|((it, _), _)| kind.is_none_or(|kind| kind == *it));
            let count: usize = counted.map(|(_, count)| count).sum();
            f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(MESSAGES).unwrap())
        };
        let (uses, writes) = (mean(None), mean(Some(Use::Write)));
        note(&format!("{what}: {uses} uses of the store, {writes} of them writes: {counts:?}"));
        (uses, writes)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_costs_few_uses_of_the_store() {
    let tally = Arc::new(Tally::default());
    let counted = Arc::clone(&tally);
    let wrap =
        move |store| -> SharedStore { Arc::new(Watched { store, witness: Arc::clone(&counted) }) };
    let bridge = Bridge::tuned(&[], Tuning { wrap: Some(Arc::new(wrap)), ..tuning() }).await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Hello").await.unwrap();
    bridge.until("the first reply", || bridge.received(&ticket).len() == 1).await;
    bridge.idle().await;
    tally.take("the beginning");
    // One after the other: what waits together may share what it costs.
    for number in 1..=MESSAGES {
        bridge.blip.says(&ticket, &format!("text {number}")).await.unwrap();
        bridge.idle().await;
    }
    let (text_uses, text_writes) = tally.take("a customer's text");
    for number in 1..=MESSAGES {
        let words = format!("reply {number}");
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), &words).await.unwrap();
        bridge.until("a reply", || bridge.received(&ticket).len() == number + 1).await;
        bridge.idle().await;
    }
    let (reply_uses, reply_writes) = tally.take("an agent's reply");
    assert!(text_uses <= 6.5 && text_writes <= 4.5, "{text_uses}, {text_writes}");
    assert!(reply_uses <= 11.5 && reply_writes <= 4.5, "{reply_uses}, {reply_writes}");
    bridge.finish().await;
}
