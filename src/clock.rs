//! Time as an input.
//!
//! Nobody else asks the system for the time, so a test can hold it still or move it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time. The system's in production; a test's own in tests.
#[derive(Clone, Debug)]
pub struct Clock(ClockSource);

#[derive(Clone, Debug)]
enum ClockSource {
    /// The machine's, and by how much it is wrong.
    System(SignedDuration),
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(ClockSource::System(SignedDuration::ZERO))
    }

    /// The clock of a machine on which it is set wrong, for tests.
    pub fn ahead_by(distance: SignedDuration) -> Self {
        Self(ClockSource::System(distance))
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(ClockSource::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// Whether a test moves it.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, ClockSource::Manual(_))
    }

    /// The time now, in whole milliseconds: what the store gives back of a time is what it was
    /// given.
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            ClockSource::System(distance) => Timestamp::now() + *distance,
            ClockSource::Manual(now) => *now.borrow(),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Waits until the given time has come.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        match &self.0 {
            ClockSource::System(_) => {
                let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
                tokio::time::sleep(wait).await;
            }
            ClockSource::Manual(now) => {
                let mut changes = now.subscribe();
                // Marks the time as seen: one that is set between the look and the wait ends the
                // wait at once.
                while *changes.borrow_and_update() < until {
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Moves a manual clock back, as when somebody corrects it; the machine's stays as it is.
    pub fn set_back(&self, by: Duration) {
        if let ClockSource::Manual(now) = &self.0 {
            now.send_modify(|now| *now -= by);
        }
    }

    /// Moves a manual clock forward; the machine's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let ClockSource::Manual(now) = &self.0 {
            now.send_modify(|now| *now += by);
        }
    }
}
