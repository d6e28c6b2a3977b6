//! What the bridge forgets, and that nothing of it is left in any file.

use std::fs;

use blip_slack::demo::{ANA, CHANNEL};

use crate::support::{Bridge, a_day_passes};

/// The files in the bridge's folder that hold any of these.
fn files_with(bridge: &Bridge, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(bridge.folder()).unwrap() {
        let path = entry.unwrap().path();
        // A file of SQLite's may go meanwhile.
        let Ok(bytes) = fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let held = words.iter().filter(|word| text.contains(**word));
        found.extend(held.map(|word| format!("{word} in {}", path.display())));
    }
    found
}

#[tokio::test]
async fn words_are_in_no_file_any_more_once_they_are_not_kept() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "secret-opening").await;
    bridge.blip.says(&ticket, "secret-question").await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "secret-answer").await.unwrap();
    bridge.until("the answer", || bridge.received(&ticket) == ["secret-answer"]).await;
    let secrets = ["secret-opening", "secret-question", "secret-answer"];
    bridge.idle().await;
    assert_ne!(files_with(&bridge, &secrets).len(), 0, "they are kept for some days");
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.set("RETAIN_BODIES_DAYS", "0");
    bridge.start_bridge().await.unwrap();
    bridge.until("nothing to be left", || files_with(&bridge, &secrets).is_empty()).await;
    bridge.finish().await;
}

#[tokio::test]
async fn closed_tickets_are_in_no_file_any_more_once_they_are_not_kept() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.ticket("Rui Costa", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    bridge.set("RETAIN_BODIES_DAYS", "0");
    bridge.set("RETAIN_TICKETS_DAYS", "1");
    bridge.start_bridge().await.unwrap();
    bridge.idle().await;
    assert_ne!(files_with(&bridge, &["Maria Silva"]).len(), 0, "it was closed just now");
    bridge.stop_bridge().await;
    a_day_passes(&bridge.folder().join("bridge.db"));
    bridge.start_bridge().await.unwrap();
    let maria = ["Maria", "maria.silva"];
    bridge.until("nothing to be left", || files_with(&bridge, &maria).is_empty()).await;
    assert_ne!(files_with(&bridge, &["Rui Costa"]).len(), 0, "it is open");
    bridge.finish().await;
}
