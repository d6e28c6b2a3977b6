//! When a platform may be called again.
//!
//! A platform that asks to wait is not asked again before, and one that refuses our credentials is
//! asked once in a while only: hammering would not help and may get us blocked. What is kept here
//! is a cache: with all of it gone, the service would only ask once more than needed.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;

use crate::clock::Clock;

/// Keeps calls to one platform back while they cannot succeed.
#[derive(Debug)]
pub struct CircuitBreaker {
    clock: Clock,
    lockout: Duration,
    pauses: DashMap<String, Timestamp>,
    has_refused_credentials: AtomicBool,
    refused_until: AtomicI64,
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
    /// A gate that lets everything pass. After the credentials were refused, it lets nothing pass
    /// for as long as `lockout`.
    pub fn new(clock: Clock, lockout: Duration) -> Self {
        Self {
            clock,
            lockout,
            pauses: DashMap::new(),
            has_refused_credentials: AtomicBool::new(false),
            refused_until: AtomicI64::new(i64::MIN),
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
    }

    /// Notes that a call was answered, so the credentials are good.
    pub(crate) fn note_credentials_accepted(&self) {
        self.has_refused_credentials.store(false, Ordering::Relaxed);
        self.refused_until.store(i64::MIN, Ordering::Relaxed);
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
    fn a_pause_ends_by_itself_and_holds_back_its_own_kind_only() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let gate = CircuitBreaker::new(clock.clone(), LOCKOUT);
        gate.pause_calls("chat.update", Duration::from_secs(3));
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            gate.check_call("chat.update"),
            Err(CircuitOpen::Paused(Duration::from_secs(2)))
        );
        assert_eq!(gate.check_call("users.info"), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(gate.check_call("chat.update"), Ok(()));
    }

    #[test]
    fn refused_credentials_are_tried_again_after_a_while() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let gate = CircuitBreaker::new(clock.clone(), LOCKOUT);
        gate.note_credentials_refused();
        assert_eq!(gate.check_call("users.info"), Err(CircuitOpen::CredentialsRefused));
        clock.advance(LOCKOUT);
        assert_eq!(gate.check_call("users.info"), Ok(()));
        assert!(gate.has_refused_credentials(), "one probe is no proof");
        gate.note_credentials_refused();
        gate.note_credentials_accepted();
        assert!(!gate.has_refused_credentials());
        assert_eq!(gate.check_call("users.info"), Ok(()), "an answer opens it at once");
    }
}
