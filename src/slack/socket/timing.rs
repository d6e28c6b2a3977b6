//! How long the socket waits for what.

use std::time::Duration;

use crate::model::backoff::compute_backoff;

/// How patient the socket is.
#[derive(Clone, Copy, Debug)]
pub struct SocketTiming {
    /// The least pause after a failure; it doubles with each further one.
    pub first: Duration,
    /// The longest pause; a connection that has lasted longer than this was no failure.
    pub longest: Duration,
    /// How long Slack may take to answer and to say hello.
    pub answer: Duration,
    /// How long the other side may be silent, although asked for a sign of life.
    pub quiet: Duration,
    /// How long a connection is still read after it was replaced.
    pub linger: Duration,
}

impl Default for SocketTiming {
    /// How often Slack lets us ask for a connection is told differently in different places, so
    /// failures are 5 s apart at least; it warns 10 s before it closes one (`slack.md` B.3).
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_mins(1),
            answer: Duration::from_secs(15),
            quiet: Duration::from_secs(40),
            linger: Duration::from_secs(10),
        }
    }
}

impl SocketTiming {
    /// The pause after so many failures, spread so that many bridges do not come back together.
    pub(super) fn backoff_pause(&self, failures: u32) -> Duration {
        let before = failures.saturating_sub(1);
        compute_backoff(self.first, self.longest, before, fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_never_shorter_than_slack_asks_for_and_do_not_grow_without_end() {
        let timing = SocketTiming::default();
        for failures in 1..100 {
            let pause = timing.backoff_pause(failures);
            assert!(pause >= timing.first && pause <= timing.longest.mul_f64(1.5), "{pause:?}");
        }
        assert!(timing.backoff_pause(u32::MAX) >= timing.longest);
    }
}
