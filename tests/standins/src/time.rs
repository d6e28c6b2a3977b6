//! The stand-ins' own time: the machine's, moved forward on demand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time of one stand-in.
#[derive(Debug, Default)]
pub(super) struct Time {
    shift_ms: AtomicI64,
}

impl Time {
    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a platform does not share our clock")]
        let now = Timestamp::now();
        let shift = jiff::SignedDuration::from_millis(self.shift_ms.load(Ordering::Relaxed));
        now.checked_add(shift).unwrap_or(now)
    }

    /// Moves the time forward.
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift_ms.fetch_add(by, Ordering::Relaxed);
    }
}
