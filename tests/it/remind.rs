//! Reminders: in the thread, to the channel, to a user group; in working time only.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::standin::slack::Message;

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
    later.bridge.idle().await;
    reminders(later, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_nobody_claims_is_brought_up_louder_each_time() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "10"), ("ESCALATE_TO", "S0BOSSES")];
    let later = Later::start(&settings).await;
    let (_, card) = later.bridge.ticket("Maria", "Oi").await;
    later.passes(Duration::from_mins(9)).await;
    assert!(reminders(&later, &card).is_empty());
    for round in 1..=3 {
        later.passes(Duration::from_mins(11)).await;
        let told = reminded(&later, &card, round).await;
        assert_eq!(told[round - 1].0, round > 1, "the channel from the second time on: {told:?}");
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
    let (ticket, card) = later.bridge.ticket("Maria", "Oi").await;
    later.says(ANA, &card, "Olá!").await;
    later.passes(Duration::from_mins(30)).await;
    later.bridge.idle().await;
    assert!(reminders(&later, &card).is_empty());
    later.bridge.blip.says(&ticket, "E o pedido?").await.unwrap();
    later.passes(Duration::from_mins(11)).await;
    let told = reminded(&later, &card, 1).await;
    assert!(told[0].1.contains("Ana Lima"), "{told:?}");
    later.says(ANA, &card, "A caminho!").await;
    later.passes(Duration::from_mins(30)).await;
    later.bridge.idle().await;
    assert_eq!(reminders(&later, &card).len(), 1);
    later.bridge.finish().await;
}
