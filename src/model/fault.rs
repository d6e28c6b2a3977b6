//! What a failed call means for the event that needed it.

use std::time::Duration;

/// The decision that an error of either platform carries.
///
/// Adapters translate their errors into this; the worker acts on it and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The far end asks to wait. Nothing happened there.
    Busy {
        /// How long it asked for, if it said.
        after: Option<Duration>,
    },
    /// The far end could not be reached. Nothing happened there.
    Down,
    /// The request may or may not have taken effect: look before sending again.
    OutcomeUnknown,
    /// Our credentials are not accepted. Nothing happened, and hammering would not help.
    Credentials,
    /// The far end will never accept this. Nothing happened there.
    Refused {
        /// The far end's own word for the reason: a Slack error code or a LIME reason code.
        code: String,
    },
    /// Our own mistake: a row we cannot read, a state that cannot be.
    Broken,
}

impl Fault {
    /// Whether the call may have taken effect although it failed.
    pub(crate) fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown)
    }

    /// A short constant word for metrics and logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Down => "down",
            // A label of metrics, which are not renamed: it is older than the words of the rest.
            Self::OutcomeUnknown => "unsure",
            Self::Credentials => "credentials",
            Self::Refused { .. } => "refused",
            Self::Broken => "broken",
        }
    }
}

/// An error of a call to a platform.
pub(crate) trait Failure: std::fmt::Display {
    /// What it means for the event that needed the call.
    fn to_fault(&self) -> Fault;

    /// Of a call that looks for the effect of another one: whether the platform will never tell.
    fn is_lookup_impossible(&self) -> bool {
        false
    }
}
