//! A bridge in a time that tests can let pass.

use std::time::{Duration, Instant};

use blip_slack::app::Tuning;
use blip_slack::clock::Clock;
use blip_slack::demo::CHANNEL;
use blip_slack::store::Places;
use blip_slack_standins::slack::Message;
use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{Bridge, PATIENCE, tuning};

/// How finely the clock of a test runs along.
const TICK: Duration = Duration::from_millis(5);

/// No shorter than a lease of the inbox.
const LEASE: Duration = Duration::from_mins(6);

/// For how long nothing must have ended for nothing to be under way.
const STILL: Duration = Duration::from_secs(3);

/// For how long nothing must have been posted for the next post to be waiting for its turn.
const SETTLED: Duration = Duration::from_millis(40);

/// No shorter than a channel that cannot be posted to is left alone, and shorter than a lease.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A clock of a test that runs along, until this is dropped.
pub struct Running {
    pub clock: Clock,
    _ended_by_drop: DropGuard,
}

impl Running {
    /// A clock that runs so many times as fast as the machine's.
    pub fn start(speed: u32) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let (ticking, ended) = (clock.clone(), CancellationToken::new());
        TaskTracker::new().spawn(ended.clone().run_until_cancelled_owned(async move {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                ticking.advance(TICK * speed);
            }
        }));
        Self { clock, _ended_by_drop: ended.drop_guard() }
    }
}

/// A bridge, and the clock that it goes by.
pub struct Later {
    pub bridge: Bridge,
    running: Running,
}

impl Later {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::tuned(settings, tuning()).await
    }

    pub async fn tuned(settings: &[(&str, &str)], tuning: Tuning) -> Self {
        let running = Running::start(1);
        let tuning = Tuning { clock: running.clock.clone(), ..tuning };
        Self { bridge: Bridge::tuned(settings, tuning).await, running }
    }

    /// Lets time pass for the bridge and for both platforms.
    pub async fn passes(&self, time: Duration) {
        if self.bridge.app().is_some() {
            self.bridge.idle().await;
        }
        self.all_clocks_run(time);
    }

    /// Waits until the bridge has done what it had set itself for earlier: time that passes in the
    /// middle of it would take its lease away.
    pub async fn is_through(&self) {
        let store = self.bridge.app().unwrap().store();
        let mut tick = tokio::time::interval(TICK);
        let through = async {
            let (mut next, mut since) = (None, Instant::now());
            loop {
                let (due, now) =
                    (store.next_due(Places::any(1)).await.unwrap(), self.running.clock.now());
                // What is under way is due again when its lease runs out.
                if due.is_none_or(|due| due >= now + LEASE) {
                    break;
                }
                // Something is set for before a lease would run out: nothing is under way if
                // nothing has ended for long.
                if due != next {
                    (next, since) = (due, Instant::now());
                } else if due > Some(now) && since.elapsed() > STILL {
                    break;
                }
                tick.tick().await;
            }
        };
        let is_through = tokio::time::timeout(Duration::from_secs(10), through).await.is_ok();
        assert!(is_through, "{}", self.bridge.slack.transcript());
    }

    /// Waits until something is so, and passes over every pause that the bridge makes meanwhile.
    pub async fn skips_pauses_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut tick = tokio::time::interval(TICK);
        let became = async {
            while !is_so() {
                tick.tick().await;
                let due =
                    self.bridge.app().unwrap().store().next_due(Places::any(1)).await.unwrap();
                let pause = due.map(|due| due.duration_since(self.running.clock.now()));
                let pause = pause.and_then(|pause| Duration::try_from(pause).ok());
                // What is under way is due again when its lease runs out.
                if let Some(pause) = pause.filter(|pause| *pause <= LONGEST_PAUSE) {
                    self.all_clocks_run(pause);
                }
            }
        };
        let became = tokio::time::timeout(PATIENCE, became).await.is_ok();
        assert!(became, "waited in vain for {what}\n{}", self.bridge.slack.transcript());
    }

    /// The same, but for one pause after the other: the next one is passed over only when nothing
    /// has been posted for a while, so that posts keep the distance that the bridge gives them.
    pub async fn skips_pauses_in_turn_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut tick = tokio::time::interval(TICK);
        let count_posts = || self.bridge.slack.calls("chat.postMessage").len();
        let became = async {
            let (mut posts, mut since) = (count_posts(), Instant::now());
            while !is_so() {
                tick.tick().await;
                if count_posts() != posts {
                    (posts, since) = (count_posts(), Instant::now());
                }
                let due =
                    self.bridge.app().unwrap().store().next_due(Places::any(1)).await.unwrap();
                let pause = due.map(|due| due.duration_since(self.running.clock.now()));
                let pause = pause.and_then(|pause| Duration::try_from(pause).ok());
                let pause = pause.filter(|pause| !pause.is_zero() && *pause <= LONGEST_PAUSE);
                if let Some(pause) = pause.filter(|_| since.elapsed() > SETTLED) {
                    self.all_clocks_run(pause);
                    since = Instant::now();
                }
            }
        };
        let became = tokio::time::timeout(PATIENCE, became).await.is_ok();
        assert!(became, "waited in vain for {what}\n{}", self.bridge.slack.transcript());
    }

    /// Lets time pass until it is the next such day and time where the team works.
    pub async fn reaches(&self, day: Weekday, time: Time) {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let now = self.running.clock.now();
        let mut at = now.to_zoned(zone).with().time(time).build().unwrap();
        while at.weekday() != day || at.timestamp() <= now {
            at = at.tomorrow().unwrap();
        }
        self.passes(at.timestamp().duration_since(now).unsigned_abs()).await;
    }

    /// Lets time pass for the bridge and for both platforms, busy or not.
    pub fn all_clocks_run(&self, time: Duration) {
        self.bridge.blip.advance(time);
        self.bridge.slack.advance(time);
        self.running.clock.advance(time);
    }

    /// The time by the bridge's clock.
    pub fn now(&self) -> Timestamp {
        self.running.clock.now()
    }

    /// Lets time pass for the bridge alone, busy or not: its clock goes wrong, or right again.
    pub fn clock_jumps(&self, time: Duration) {
        self.running.clock.advance(time);
    }

    /// Somebody sets the bridge's clock back.
    pub fn clock_is_set_back(&self, time: Duration) {
        self.running.clock.set_back(time);
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
