//! What customers thought of a ticket: on its card, once Blip tells.

use blip_slack::demo::{ANA, CHANNEL};
use serde_json::json;

use crate::support::Bridge;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rating_that_comes_after_the_end_stands_on_the_card() {
    // The answer to the survey comes by hand: the stand-in knows nothing to confirm.
    let bridge = Bridge::with(&[("SEND_READ_RECEIPTS", "false")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    assert!(bridge.blip.rates(&ticket, 4).await.is_err(), "not before the end");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    let words = || bridge.slack.message(CHANNEL, &card.ts).unwrap().words();
    assert!(!words().contains('⭐'), "{}", words());
    assert_eq!(bridge.blip.rates(&ticket, 4).await.unwrap(), Some(200));
    bridge.until("a rating", || words().contains("⭐ rating 4 ")).await;
    bridge.idle().await;
    let replies = bridge.replies(&card).len();
    // The answer to a survey says out of how many, and wins; the same again changes nothing.
    let survey = json!({ "type": "csat", "scale": 5, "question": "Good?", "score": 3 });
    let kind = "application/vnd.lime.satisfaction-survey+json";
    let from = format!("{ticket}@desk.msging.net/Webhook");
    let answer = json!({ "id": "fwd:fwd:survey-1", "from": from, "to": "loja@msging.net",
        "type": kind, "content": survey });
    assert_eq!(bridge.blip.emits(answer).await, Some(200));
    bridge.until("what was chosen", || words().contains("⭐ rating 3/5 ")).await;
    bridge.idle().await;
    assert_eq!(bridge.replies(&card).len(), replies + 1, "the answer itself, too");
    let updates = bridge.slack.calls("chat.update").len();
    bridge.blip.rates(&ticket, 4).await.unwrap();
    bridge.idle().await;
    assert!(words().contains("⭐ rating 3/5 "), "{}", words());
    assert!(bridge.slack.calls("chat.update").len() <= updates + 1);
    bridge.finish().await;
}
