//! A bridge in a time that tests can let pass.

use std::time::Duration;

use blip_slack::app::Tuning;
use blip_slack::clock::Clock;
use blip_slack::demo::CHANNEL;
use blip_slack::standin::slack::Message;
use tokio_util::task::TaskTracker;

use super::{Bridge, tuning};

/// How finely the clock of a test runs along.
const TICK: Duration = Duration::from_millis(5);

/// A bridge, and the clock that it goes by.
pub struct Later {
    pub bridge: Bridge,
    clock: Clock,
}

impl Later {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let tuning = Tuning { clock: clock.clone(), ..tuning() };
        let ticking = clock.clone();
        TaskTracker::new().spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                ticking.advance(TICK);
            }
        });
        Self { bridge: Bridge::tuned(settings, tuning).await, clock }
    }

    /// Lets time pass for the bridge and for Blip. Slack's stays: its signatures go by the time
    /// of the machine.
    pub async fn passes(&self, time: Duration) {
        self.bridge.idle().await;
        self.bridge.blip.advance(time);
        self.clock.advance(time);
    }

    pub async fn says(&self, user: &str, card: &Message, words: &str) -> String {
        self.bridge.slack.says(user, CHANNEL, Some(&card.ts), words).await.unwrap().ts
    }

    /// Waits until this has reached the customer.
    pub async fn reached(&self, ticket: &str, words: &[&str]) {
        let what = format!("{words:?} at the customer");
        self.bridge
            .blip
            .wait_for(&what, |state| {
                let received = state.received(ticket).map(|message| message.content.as_str());
                (received.eq(words.iter().copied().map(Some))).then_some(())
            })
            .await;
    }
}
