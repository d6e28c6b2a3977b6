//! One connection per instance that says that it is alive, and passes on that there is work.
//!
//! Nothing rests on what it hears: the worker looks by itself after a while, and so does whoever
//! was not connected for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_postgres::{Client, Statement};
use tokio_util::sync::CancellationToken;

use super::connect::{DatabaseServer, prepare_session};
use super::fault::PostgresFault;
use super::text::keepable_if_any;
use crate::clock::Clock;

/// How long after it was last heard of an instance counts as dead, and its lanes go to others.
pub(super) const INSTANCE_TERM: Duration = Duration::from_secs(8);
/// How often an instance says that it is alive.
const BEAT_INTERVAL: Duration = Duration::from_secs(2);
/// How soon after one notification the next one may go out: each takes a lock on the whole server
/// when it is committed.
const NOTIFY_INTERVAL: Duration = Duration::from_millis(20);
/// The pause before the server is asked for a connection again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How far two clocks may be apart: Slack's signatures are good for five minutes (`slack.md` B.2),
/// and what is compared with the times of others must not be off by more.
const MAX_CLOCK_DISTANCE_MS: u64 = 4 * 60 * 1000;

const BEAT: &str = "SELECT server_now, others FROM beat($1, $2, $3, $4)";

/// This instance, one of those that share the database.
pub(super) struct Instance {
    pub(super) id: i64,
    /// How long it counts as alive.
    pub(super) term: Duration,
    pub(super) clock: Clock,
    /// Whether the clock of this process counts instead of the server's, as in tests.
    pub(super) clock_counts: bool,
    /// Tells one history of the database from another, besides what the server knows of it.
    pub(super) era: Option<String>,
}

/// What is known of the other instances, and what they are to know.
#[derive(Default)]
pub(super) struct Watch {
    /// Somebody in this process is to look for work.
    pub(super) wake: Notify,
    has_news: Notify,
    has_others: AtomicBool,
    is_clock_off: AtomicBool,
}

impl Instance {
    /// The time, if this process is to tell it.
    pub(super) fn given_time(&self) -> Option<i64> {
        self.clock_counts.then(|| self.clock.now().as_millisecond())
    }

    /// How long it counts as alive, in milliseconds.
    pub(super) fn term_millis(&self) -> i64 {
        i64::try_from(self.term.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Watch {
    /// Lets this process and all others look for work.
    pub(super) fn tell_all(&self) {
        self.wake.notify_one();
        if self.has_others.load(Ordering::Relaxed) {
            self.has_news.notify_one();
        }
    }

    /// Whether this machine's clock and the server's are so far apart that nothing may be done.
    pub(super) fn is_clock_off(&self) -> bool {
        self.is_clock_off.load(Ordering::Relaxed)
    }

    /// Says that this instance is alive until it is stopped.
    pub(super) async fn run_until_stopped(
        self: Arc<Self>,
        server: DatabaseServer,
        instance: Arc<Instance>,
        channel: String,
        stop: CancellationToken,
    ) {
        let mut is_told = false;
        while !stop.is_cancelled() {
            let watched = stop.run_until_cancelled(self.watch(&server, &instance, &channel));
            if let Some(Err(fault)) = watched.await
                && !std::mem::replace(&mut is_told, true)
            {
                tracing::warn!(error = %fault, "the database was lost; connecting again");
            } else {
                is_told = false;
            }
            tokio::select! {
                () = tokio::time::sleep(RECONNECT_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Goes on until the connection is lost.
    async fn watch(
        &self,
        server: &DatabaseServer,
        instance: &Instance,
        channel: &str,
    ) -> Result<(), PostgresFault> {
        let (client, drive, mut hears) = server.connect().await?;
        let work = async {
            prepare_session(&client).await?;
            client.batch_execute(&format!("LISTEN {channel}")).await?;
            let beat = client.prepare(BEAT).await?;
            // What happened while nobody listened.
            self.wake.notify_one();
            let listen = async {
                while hears.recv().await.is_some() {
                    self.wake.notify_one();
                }
                Err(PostgresFault::Timeout)
            };
            let speak = self.speak(&client, &beat, instance, channel);
            match select(std::pin::pin!(listen), std::pin::pin!(speak)).await {
                Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
            }
        };
        match select(std::pin::pin!(drive), std::pin::pin!(work)).await {
            Either::Left(((), _)) => Err(PostgresFault::Timeout),
            Either::Right((ended, _)) => ended,
        }
    }

    async fn speak(
        &self,
        client: &Client,
        beat: &Statement,
        instance: &Instance,
        channel: &str,
    ) -> Result<(), PostgresFault> {
        let notify = format!("NOTIFY {channel}");
        let mut next_beat = Instant::now();
        loop {
            if Instant::now() >= next_beat {
                let beaten = self.beat(client, beat, instance);
                // A host that is gone does not say so, and a term is eight seconds: better a new
                // connection, perhaps to another host, while there is time.
                let beaten = tokio::time::timeout(BEAT_INTERVAL, beaten).await;
                beaten.unwrap_or(Err(PostgresFault::Timeout))?;
                next_beat = Instant::now() + BEAT_INTERVAL;
            }
            tokio::select! {
                () = tokio::time::sleep_until(next_beat) => {}
                () = self.has_news.notified() => {
                    client.batch_execute(&notify).await?;
                    // What comes meanwhile is in one notification. One for each event would take
                    // the lock that undoes the grouping of commits.
                    tokio::time::sleep(NOTIFY_INTERVAL).await;
                }
            }
        }
    }

    /// Says once that this instance is alive, and learns of the others.
    async fn beat(
        &self,
        client: &Client,
        statement: &Statement,
        instance: &Instance,
    ) -> Result<(), PostgresFault> {
        let (given, before) = (instance.given_time(), instance.clock.now());
        let era = keepable_if_any(instance.era.as_ref());
        let row = client
            .query_one(statement, &[&given, &instance.id, &instance.term_millis(), &era])
            .await?;
        let (server_now, others): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        self.has_others.store(others > 0, Ordering::Relaxed);
        self.compare_clocks(server_now, before);
        Ok(())
    }

    /// Learns what the server's clock said when this machine's said `before`.
    pub(super) fn compare_clocks(&self, server_now: i64, before: Timestamp) {
        let distance = server_now.abs_diff(before.as_millisecond());
        let is_off = distance > MAX_CLOCK_DISTANCE_MS;
        if self.is_clock_off.swap(is_off, Ordering::Relaxed) != is_off {
            tracing::error!(
                distance_ms = distance,
                is_off,
                "the clocks of this machine and of the \
                database; nothing is done while they are minutes apart"
            );
        }
    }
}
