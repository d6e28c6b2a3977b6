//! The HTTP calls of a stand-in as they went by, for whoever watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

/// How many calls are remembered.
const KEPT: usize = 200;

/// One call that went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Counts up.
    pub number: u64,
    /// When it began, in milliseconds since 1970.
    pub at_ms: i64,
    /// How long it took, in milliseconds; none while it is under way.
    pub took_ms: Option<i64>,
    /// Made by the platform, to the application; else by the application.
    pub is_delivery: bool,
    /// The method, or what was delivered.
    pub what: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was none, in a word.
    pub lost: Option<String>,
}

/// Remembers the calls that went by last.
#[derive(Debug)]
pub(super) struct Wire {
    calls: Mutex<VecDeque<Exchange>>,
    count: watch::Sender<u64>,
}

/// A call under way. Dropped before its end, it had no answer.
pub(super) struct UnderWay {
    wire: Arc<Wire>,
    number: u64,
    has_ended: bool,
}

impl Wire {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), count: watch::Sender::new(0) })
    }

    /// Takes note of a call that begins.
    pub(super) fn begin(self: &Arc<Self>, is_delivery: bool, what: &str) -> UnderWay {
        let mut number = 0;
        self.count.send_modify(|count| {
            *count += 1;
            number = *count;
            let mut calls = self.lock();
            let excess = (calls.len() + 1).saturating_sub(KEPT);
            calls.drain(..excess);
            calls.push_back(Exchange {
                number,
                at_ms: now_ms(),
                took_ms: None,
                is_delivery,
                what: what.to_owned(),
                status: None,
                lost: None,
            });
        });
        UnderWay { wire: Arc::clone(self), number, has_ended: false }
    }

    /// The calls that went by last, oldest first.
    pub(super) fn calls(&self) -> Vec<Exchange> {
        self.lock().iter().cloned().collect()
    }

    /// Told of each beginning and end.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    fn end(&self, number: u64, outcome: Result<u16, &str>) {
        let at = now_ms();
        let mut calls = self.lock();
        if let Some(call) = calls.iter_mut().find(|call| call.number == number) {
            call.took_ms = Some(at - call.at_ms);
            call.status = outcome.ok();
            call.lost = outcome.err().map(str::to_owned);
        }
        drop(calls);
        self.count.send_modify(|_| {});
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// Takes note of how the call ended.
    pub(super) fn end(mut self, outcome: Result<u16, &str>) {
        self.has_ended = true;
        self.wire.end(self.number, outcome);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.has_ended {
            self.wire.end(self.number, Err("cut"));
        }
    }
}

/// The time of whoever watches, which no stand-in moves.
fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "nothing depends on it, it is only shown")]
    let now = Timestamp::now();
    now.as_millisecond()
}
