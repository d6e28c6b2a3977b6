//! After a failure: when to try again, and when to leave it to a person.

use std::time::Duration;

use crate::model::Fault;
use crate::model::backoff::compute_backoff;

/// How failures are retried.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause, but for the half that chance may add.
    pub longest: Duration,
    /// How long an item is retried before it is parked.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    /// Half a second at first, because most failures are short; never more than 20 s and a half of it, so that an
    /// agent sees things move soon after the far end is back; three days, so that a far end that
    /// is down over a weekend loses nothing.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            patience: Duration::from_hours(3 * 24),
        }
    }
}

/// What to do after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Try again after this pause.
    Retry {
        /// How long from now.
        after: Duration,
        /// Whether this counts as an attempt.
        counted: bool,
    },
    /// Leave it to a person, for this reason.
    Park(String),
}

impl RetryPolicy {
    /// Decides after the failure number `attempts` + 1 of an item of this age.
    ///
    /// `chance` is between 0 and 1 and spreads the pauses, so that many lanes that failed together
    /// do not come back together.
    pub(crate) fn decide_next(
        &self,
        fault: &Fault,
        attempts: u32,
        age: Duration,
        chance: f64,
    ) -> RetryDecision {
        match fault {
            Fault::Busy { after } => {
                // To be asked to wait is no failure of the event: Blip's `429` lasts for two
                // minutes (`blip.md` §1.1), and many of them must not park it.
                RetryDecision::Retry { after: after.unwrap_or(self.longest), counted: false }
            }
            // Never parked for it: once somebody has mended the token, everything goes on by
            // itself.
            Fault::Credentials => RetryDecision::Retry { after: self.longest, counted: false },
            Fault::Down | Fault::OutcomeUnknown if age < self.patience => RetryDecision::Retry {
                after: compute_backoff(self.first, self.longest, attempts, chance),
                counted: true,
            },
            Fault::Down => RetryDecision::Park("unreachable".to_owned()),
            Fault::OutcomeUnknown => RetryDecision::Park("outcome_unknown".to_owned()),
            // The same would come of it each time, so people see it at once and not after days.
            Fault::Refused { code } => RetryDecision::Park(code.clone()),
            Fault::Broken => RetryDecision::Park("internal_error".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn each_fault_leads_to_one_decision() {
        let retry = RetryPolicy::default();
        let next = |fault: Fault| retry.decide_next(&fault, 0, HOUR, 0.0);
        let again = |after, counted| RetryDecision::Retry { after, counted };
        let after = Duration::from_secs(7);
        assert_eq!(next(Fault::Busy { after: Some(after) }), again(after, false));
        assert_eq!(next(Fault::Credentials), again(retry.longest, false));
        assert_eq!(next(Fault::Down), again(retry.first, true));
        assert_eq!(next(Fault::OutcomeUnknown), again(retry.first, true));
        assert_eq!(next(Fault::Refused { code: "67".into() }), RetryDecision::Park("67".into()));
        assert_eq!(next(Fault::Broken), RetryDecision::Park("internal_error".into()));
    }

    #[test]
    fn patience_ends() {
        let retry = RetryPolicy::default();
        let next = retry.decide_next(&Fault::Down, 9, retry.patience, 0.5);
        assert_eq!(next, RetryDecision::Park("unreachable".into()));
    }
}
