//! When a platform may be called again.
//!
//! A platform that asks to wait is not asked again before, and one that refuses our credentials is
//! asked once in a while only: hammering would not help and may get us blocked. What is kept here
//! is a cache: with all of it gone, the service would only ask once more than needed.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use crate::clock::Clock;

/// How long a platform fails before it is told: what is shorter passes before anybody can look.
const MIN_OUTAGE: Duration = Duration::from_mins(1);
/// How long a platform may go without a call: then one is made, so that trouble is found out before
/// somebody needs the platform.
const MAX_SILENCE: Duration = Duration::from_mins(1);

/// How long a platform is believed to want no call: it is asked again then, whatever it said.
const MAX_PAUSE: Duration = Duration::from_mins(15);

/// How long a platform asks to wait before the next call, from its `Retry-After`, if that can be
/// read. What it says may be any number, and no number shuts the bridge for long.
pub(crate) fn parse_retry_after(seconds: &str) -> Option<Duration> {
    Some(Duration::from_secs(seconds.trim().parse().ok()?).min(MAX_PAUSE))
}

/// Keeps calls to one platform back while they cannot succeed.
#[derive(Debug)]
pub struct CircuitBreaker {
    clock: Clock,
    lockout: Duration,
    pauses: DashMap<String, Timestamp>,
    has_refused_credentials: AtomicBool,
    refused_until: AtomicI64,
    outcomes: Mutex<Outcomes>,
}

/// How calls have ended lately.
#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    /// When the last one ended, however.
    last: Option<Timestamp>,
    /// Since when none has been answered.
    failing_since: Option<Timestamp>,
}

/// Why a call must not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CircuitOpen {
    /// The platform asked to wait, for this much longer.
    Paused(Duration),
    /// The credentials were refused a short while ago.
    CredentialsRefused,
}

impl CircuitBreaker {
    /// A breaker that lets everything pass. After the credentials were refused, it lets nothing pass
    /// for as long as `lockout`.
    pub fn new(clock: Clock, lockout: Duration) -> Self {
        Self {
            clock,
            lockout,
            pauses: DashMap::new(),
            has_refused_credentials: AtomicBool::new(false),
            refused_until: AtomicI64::new(i64::MIN),
            outcomes: Mutex::default(),
        }
    }

    /// Says whether calls of this kind may be made now.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn check_call(&self, kind: &str) -> Result<(), CircuitOpen> {
        let now = self.clock.now();
        if now.as_millisecond() < self.refused_until.load(Ordering::Relaxed) {
            return Err(CircuitOpen::CredentialsRefused);
        }
        let until = self.pauses.get(kind).map(|until| *until);
        match until.map(|until| until.duration_since(now)) {
            Some(rest) if rest.is_positive() => Err(CircuitOpen::Paused(rest.unsigned_abs())),
            Some(_) => {
                // Only if it is still over: another call may have been asked to wait just now.
                self.pauses.remove_if(kind, |_, until| *until <= now);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Lets no call of this kind pass for a while.
    pub(crate) fn pause_calls(&self, kind: &str, wait: Duration) {
        self.pauses.insert(kind.to_owned(), self.clock.now() + wait);
    }

    /// Notes that the credentials were refused.
    pub(crate) fn note_credentials_refused(&self) {
        let until = self.clock.now() + self.lockout;
        self.refused_until.store(until.as_millisecond(), Ordering::Relaxed);
        self.has_refused_credentials.store(true, Ordering::Relaxed);
        // A refusal is an answer: the platform is well, only not to us.
        self.note_answer();
    }

    /// Notes that a call was answered, so the credentials are good.
    pub(crate) fn note_credentials_accepted(&self) {
        self.has_refused_credentials.store(false, Ordering::Relaxed);
        self.refused_until.store(i64::MIN, Ordering::Relaxed);
        self.note_answer();
    }

    /// Notes that the platform has answered, if only with a refusal: it works.
    pub(crate) fn note_answer(&self) {
        *self.lock_outcomes() = Outcomes { last: Some(self.clock.now()), failing_since: None };
    }

    /// Notes that a call was not answered, or put off.
    pub(crate) fn note_failure(&self) {
        let now = self.clock.now();
        let mut outcomes = self.lock_outcomes();
        outcomes.last = Some(now);
        outcomes.failing_since.get_or_insert(now);
    }

    /// Since when the platform has answered nothing, once that is for long enough to be told.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        let since = self.lock_outcomes().failing_since?;
        (since + MIN_OUTAGE <= self.clock.now()).then_some(since)
    }

    /// Whether somebody should ask the platform whether it works: nothing was heard of it for long
    /// or, if it fails, for a short time.
    pub(crate) fn needs_probe(&self) -> bool {
        let Outcomes { last, failing_since } = *self.lock_outcomes();
        let patience = if failing_since.is_some() { self.lockout } else { MAX_SILENCE };
        last.is_none_or(|last| last + patience <= self.clock.now())
    }

    fn lock_outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last word of the platform was that our credentials are not accepted.
    pub(crate) fn has_refused_credentials(&self) -> bool {
        self.has_refused_credentials.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKOUT: Duration = Duration::from_secs(15);

    #[test]
    fn what_a_platform_asks_to_wait_is_read_and_bounded() {
        for (said, wait) in [
            ("7", Some(Duration::from_secs(7))),
            (" 30 ", Some(Duration::from_secs(30))),
            ("18446744073709551615", Some(MAX_PAUSE)),
            ("31536000", Some(MAX_PAUSE)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(parse_retry_after(said), wait, "{said}");
        }
    }

    #[test]
    fn a_pause_ends_by_itself_and_holds_back_its_own_kind_only() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let breaker = CircuitBreaker::new(clock.clone(), LOCKOUT);
        breaker.pause_calls("chat.update", Duration::from_secs(3));
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            breaker.check_call("chat.update"),
            Err(CircuitOpen::Paused(Duration::from_secs(2)))
        );
        assert_eq!(breaker.check_call("users.info"), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(breaker.check_call("chat.update"), Ok(()));
    }

    #[test]
    fn refused_credentials_are_tried_again_after_a_while() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let breaker = CircuitBreaker::new(clock.clone(), LOCKOUT);
        breaker.note_credentials_refused();
        assert_eq!(breaker.check_call("users.info"), Err(CircuitOpen::CredentialsRefused));
        clock.advance(LOCKOUT);
        assert_eq!(breaker.check_call("users.info"), Ok(()));
        assert!(breaker.has_refused_credentials(), "one probe is no proof");
        breaker.note_credentials_refused();
        breaker.note_credentials_accepted();
        assert!(!breaker.has_refused_credentials());
        assert_eq!(breaker.check_call("users.info"), Ok(()), "an answer opens it at once");
    }

    #[test]
    fn an_outage_begins_with_the_first_failure_and_ends_with_the_first_answer() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let breaker = CircuitBreaker::new(clock.clone(), LOCKOUT);
        assert!(breaker.needs_probe(), "nothing was heard yet");
        breaker.note_answer();
        clock.advance(Duration::from_secs(30));
        assert!(!breaker.needs_probe());
        let began = clock.now();
        for _ in 0..4 {
            breaker.note_failure();
            assert!(!breaker.needs_probe(), "it was called just now");
            assert_eq!(breaker.failing_since(), None);
            clock.advance(LOCKOUT);
            assert!(breaker.needs_probe());
        }
        assert_eq!(breaker.failing_since(), Some(began));
        breaker.note_credentials_refused();
        assert_eq!(breaker.failing_since(), None, "it has answered");
    }
}
