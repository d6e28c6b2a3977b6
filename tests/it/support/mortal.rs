//! A bridge on a runtime of its own, so that it can be gone in an instant.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use blip_slack::app::{App, Tuning};
use blip_slack::config::Config;
use blip_slack::model::{ChannelId, MessageTs};
use blip_slack::store::{InboxDepth, SharedStore};
use tokio::runtime::Runtime;

use super::Bridge;

/// How long the one before may take to let go of the file.
const PATIENCE: Duration = Duration::from_mins(1);

/// A bridge that ends wherever it is, without a word, when it is dropped.
pub struct Mortal {
    url: String,
    store: SharedStore,
    runtime: Option<Runtime>,
}

impl Mortal {
    /// Starts it where the stage's own bridge was.
    pub async fn start(bridge: &Bridge, tuning: Tuning) -> Self {
        bridge.buries_the_dead().await;
        let mortal = Self::beside(bridge, tuning).await;
        bridge.slack.deliver_to(&format!("{}/slack/events", mortal.url));
        bridge.blip.deliver_to(&format!("{}/blip/webhook", mortal.url));
        mortal
    }

    /// Starts another instance on the same database; nothing is delivered to it yet.
    pub async fn beside(bridge: &Bridge, tuning: Tuning) -> Self {
        let settings: HashMap<String, String> = bridge.settings().clone();
        let live = tokio::task::spawn_blocking(move || live(&settings, &tuning));
        let (runtime, app) = live.await.unwrap();
        let url = format!("http://{}", app.address());
        Self { url, store: SharedStore::clone(app.store()), runtime: Some(runtime) }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it knows what a message of Slack is.
    pub async fn knows(&self, channel: &str, ts: &str) -> bool {
        let (channel, ts) = (ChannelId::parse(channel).unwrap(), MessageTs::parse(ts).unwrap());
        let store = SharedStore::clone(&self.store);
        let runtime = self.runtime.as_ref().unwrap();
        let linked = runtime.spawn(async move { store.find_link(&channel, &ts).await });
        linked.await.unwrap().unwrap().is_some()
    }

    /// How much it has left to do.
    pub async fn depth(&self) -> InboxDepth {
        let store = SharedStore::clone(&self.store);
        let runtime = self.runtime.as_ref().unwrap();
        runtime.spawn(async move { store.inbox_depth().await }).await.unwrap().unwrap()
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn live(settings: &HashMap<String, String>, tuning: &Tuning) -> (Runtime, App) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let lookup = |name: &str| settings.get(name).cloned();
    let config = Config::load(&lookup, &|path| std::fs::read_to_string(path)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match runtime.block_on(App::start(&config, tuning.clone())) {
            Ok(app) => return (runtime, app),
            Err(error) => assert!(Instant::now() < deadline, "not started: {error:#}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
