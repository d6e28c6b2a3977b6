//! What strangers could fill the log with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often one thing is worth a line.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What is told now and then only, however often it happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct RejectedRequestLog {
    /// Somebody was turned away.
    pub(super) unauthorized: LogThrottle,
    /// Somebody had a signature of another time.
    pub(super) stale_signature: LogThrottle,
    /// A file was not handed out because many are.
    pub(super) busy_downloads: LogThrottle,
}

/// One thing that happens, perhaps often.
#[derive(Clone, Debug, Default)]
pub(super) struct LogThrottle(Arc<Mutex<ThrottleCount>>);

#[derive(Debug, Default)]
struct ThrottleCount {
    last_logged: Option<Instant>,
    unlogged: u64,
}

impl LogThrottle {
    /// It happened. If that is to be told: how often it has happened since it was told last.
    pub(super) fn note_occurrence(&self) -> Option<u64> {
        self.note_occurrence_at(Instant::now())
    }

    fn note_occurrence_at(&self, now: Instant) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.unlogged += 1;
        // Strangers can knock thousands of times a second, and a full disk would stop the store.
        if count.last_logged.is_some_and(|told| now < told + LOG_INTERVAL) {
            return None;
        }
        count.last_logged = Some(now);
        Some(std::mem::take(&mut count.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_seldom_and_counted() {
        let seldom = LogThrottle::default();
        let now = Instant::now();
        assert_eq!(seldom.note_occurrence_at(now), Some(1));
        for _ in 0..99 {
            assert_eq!(seldom.note_occurrence_at(now + LOG_INTERVAL / 2), None);
        }
        assert_eq!(seldom.note_occurrence_at(now + LOG_INTERVAL), Some(100));
    }
}
