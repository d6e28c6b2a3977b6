//! What a newer release has left in the store: this one leaves it to that one, and goes on with the rest.

use blip_slack::clock::Clock;
use blip_slack::demo::CHANNEL;
use blip_slack::store::{Lane, NewItem, Source};
use blip_slack::telemetry;
use rusqlite::Connection;

use crate::support::{Bridge, PostgresSchema, TestBackend, tuning};

/// A job of a kind that nobody knows yet.
const UNKNOWN_JOB: &str = r#"{"chore":"of_tomorrow","ticket":"default/t"}"#;

/// How many kinds of jobs were told of that nobody knows.
fn unknown_kinds() -> f64 {
    let metrics = telemetry::render_metrics();
    let name = r#"blip_slack_events_unknown_total{source="desk"} "#;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    value.map_or(0.0, |value| value.parse().unwrap())
}

async fn leave_and_find(backend: TestBackend) {
    let mut bridge = Bridge::on(backend, &[], tuning()).await;
    let before = unknown_kinds();
    let now = Clock::system().now();
    let job = NewItem {
        source: Source::Internal,
        lane: Lane::Own("tomorrow".to_owned()),
        key: "tomorrow".to_owned(),
        body: UNKNOWN_JOB.as_bytes().to_vec(),
        received: now,
        due: now,
    };
    bridge.app().unwrap().store().accept(job).await.unwrap();
    bridge.until("a word of it", || unknown_kinds() > before).await;
    // All else is done.
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.blip.says(&ticket, "Tudo bem?").await.unwrap();
    bridge.until("more words", || bridge.said(&card).concat().contains("Tudo bem?")).await;
    // It waits over a start, too.
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    bridge.until("a word after the start", || unknown_kinds() > before + 1.0).await;
    let store = bridge.app().unwrap().store();
    assert_eq!(store.parked_items(None).await.unwrap(), []);
    assert!(store.inbox_depth().await.unwrap().waiting() > 0);
    bridge.stop_bridge().await;
    // A release comes that knows it, by the name of something that this one knows.
    let known = format!(r#"{{"chore":"compare","channel":"{CHANNEL}"}}"#);
    let becomes_known =
        |body: &str| format!("UPDATE item SET body = {body} WHERE key = 'tomorrow'");
    if bridge.is_on_postgres() {
        let schema = bridge.schema().unwrap();
        schema.run(&becomes_known(&format!("convert_to('{known}', 'UTF8')"))).await;
    } else {
        let file = Connection::open(bridge.folder().join("bridge.db")).unwrap();
        file.execute_batch(&becomes_known(&format!("CAST('{known}' AS BLOB)"))).unwrap();
    }
    bridge.start_bridge().await.unwrap();
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_kind_that_a_newer_release_brings_waits_for_it_and_is_told() {
    drop(telemetry::render_metrics());
    leave_and_find(TestBackend::Sqlite).await;
    if PostgresSchema::make().await.is_some() {
        leave_and_find(TestBackend::Postgres).await;
    }
}
