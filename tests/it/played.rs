//! The demo's script: one ticket from the first word to the close, on either kind of database.

use std::future::pending;

use blip_slack::demo::play_demo;

use crate::support::{PostgresSchema, TestBackend};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_of_the_demo_is_played_to_its_end() {
    let backend = TestBackend::asked_of_service();
    backend.tell_use();
    match backend {
        TestBackend::Sqlite => play_demo(&[], pending()).await.unwrap(),
        TestBackend::Postgres => {
            let schema = PostgresSchema::make().await.expect("a server");
            play_demo(&[("DATABASE_URL", schema.url())], pending()).await.unwrap();
        }
    }
}
