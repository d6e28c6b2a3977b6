//! What strangers could fill the log with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often one thing is worth a line.
const SELDOM: Duration = Duration::from_secs(10);

/// What is told now and then only, however often it happens.
#[derive(Clone, Debug, Default)]
pub struct Nuisance {
    /// Somebody was turned away.
    pub(super) stranger: Seldom,
    /// Somebody had a signature of another time.
    pub(super) stale: Seldom,
    /// A file was not handed out because many are.
    pub(super) busy: Seldom,
}

/// One thing that happens, perhaps often.
#[derive(Clone, Debug, Default)]
pub(super) struct Seldom(Arc<Mutex<Count>>);

#[derive(Debug, Default)]
struct Count {
    told: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// It happened. If that is to be told: how often it has happened since it was told last.
    pub(super) fn happened(&self) -> Option<u64> {
        self.happened_at(Instant::now())
    }

    fn happened_at(&self, now: Instant) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.since += 1;
        if count.told.is_some_and(|told| now < told + SELDOM) {
            return None;
        }
        count.told = Some(now);
        Some(std::mem::take(&mut count.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_seldom_and_counted() {
        let seldom = Seldom::default();
        let now = Instant::now();
        assert_eq!(seldom.happened_at(now), Some(1));
        for _ in 0..99 {
            assert_eq!(seldom.happened_at(now + SELDOM / 2), None);
        }
        assert_eq!(seldom.happened_at(now + SELDOM), Some(100));
    }
}
