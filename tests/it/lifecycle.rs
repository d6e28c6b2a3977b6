//! What the platforms do to the bridge as a whole: credentials that end, channels and threads that
//! go. Each is seen, and recovers by itself once its cause is gone.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::standin::blip::NewTicket;
use blip_slack::standin::faults::Fault;

use crate::support::Bridge;

/// Asks whether the bridge is ready.
async fn is_ready(bridge: &Bridge) -> bool {
    let url = format!("http://{}/readyz", bridge.app().unwrap().address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().status().is_success()
}

async fn becomes_ready(bridge: &Bridge, ready: bool) {
    let became = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while is_ready(bridge).await != ready {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert!(became.await.is_ok(), "ready: {}", !ready);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_keeps_the_queue_until_there_is_a_good_one() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.idle().await;
    bridge.slack.faults().from_now("*", Fault::Code("token_revoked".to_owned()));
    bridge.blip.says(&ticket, "one").await.unwrap();
    bridge.blip.says(&ticket, "two").await.unwrap();
    becomes_ready(&bridge, false).await;
    bridge.slack.faults().clear();
    bridge.idle().await;
    becomes_ready(&bridge, true).await;
    let said = bridge.said(&card).join("\n");
    assert!(said.find("one").unwrap() < said.find("two").unwrap(), "{said}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_becomes_ready_again_even_if_there_is_nothing_to_do() {
    let bridge = Bridge::start().await;
    let refused = Fault::Code("token_revoked".to_owned());
    bridge.slack.faults().next("chat.postEphemeral", refused.clone());
    bridge.slack.faults().from_now("auth.test", refused);
    bridge.blip.faults().next("/commands get /contacts/*", Fault::Status(401));
    bridge.blip.faults().from_now("/commands get /ping", Fault::Status(401));
    bridge.blip.opens_ticket(NewTicket::saying("Maria", "maria@0mn.io", "Oi")).await;
    let card = bridge.card_of("Oi").await;
    becomes_ready(&bridge, false).await;
    bridge.blip.faults().clear();
    becomes_ready(&bridge, true).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.slack.reacts(BIA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    becomes_ready(&bridge, false).await;
    bridge.slack.faults().clear();
    becomes_ready(&bridge, true).await;
    bridge.finish().await;
}
