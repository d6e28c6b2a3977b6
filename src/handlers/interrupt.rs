//! Why handling an event stops before its end, and what becomes of the event then.

use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;

use crate::inbox::{Handled, Handling, ItemOutcome};
use crate::model::{Failure, Fault};
use crate::{blip, slack, store};

/// How soon it is looked again for a bot that is not configured: it takes a new start.
pub(crate) const MISSING_BOT_PAUSE: Duration = Duration::from_secs(5);

/// Why handling an item stops before its end.
#[derive(Debug)]
pub(crate) enum Interrupt {
    /// It is not its turn yet.
    Wait(Timestamp),
    Call {
        fault: Fault,
        error: String,
    },
    Store(store::Error),
}

/// What a function gives on the way of an event to the other platform, unless handling it stops there.
pub(crate) type PipeResult<T> = Result<T, Interrupt>;

/// Why a call that is made once did not succeed.
#[derive(Debug)]
pub(crate) enum CallError<E> {
    /// The far end did not take it, or its answer did not come.
    Call(E),
    /// It may be in effect already without being seen yet: not before this time.
    TooEarly(Timestamp),
    Store(store::Error),
}

impl<E: Failure> From<CallError<E>> for Interrupt {
    fn from(failed: CallError<E>) -> Self {
        match failed {
            CallError::Call(error) => {
                Self::Call { fault: error.to_fault(), error: error.to_string() }
            }
            CallError::TooEarly(until) => Self::Wait(until),
            CallError::Store(error) => Self::Store(error),
        }
    }
}

impl<E> From<store::Error> for CallError<E> {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<store::Error> for Interrupt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<slack::Error> for Interrupt {
    fn from(error: slack::Error) -> Self {
        CallError::Call(error).into()
    }
}

impl From<blip::Error> for Interrupt {
    fn from(error: blip::Error) -> Self {
        CallError::Call(error).into()
    }
}

/// How handling went: what became of the first so many items.
pub(crate) type HandlerResult = PipeResult<Handled>;

impl Interrupt {
    pub(crate) fn broken(what: impl Display) -> Self {
        Self::Call { fault: Fault::Broken, error: what.to_string() }
    }

    pub(crate) fn into_outcome(self, item: &Handling) -> ItemOutcome {
        match self {
            Self::Wait(until) => ItemOutcome::Wait(until),
            Self::Call { fault, error } => {
                tracing::warn!(item.id, item.source = item.source.name(), error, "a call failed");
                ItemOutcome::Failed(fault)
            }
            // The other lane of the ticket has written first. That is how two lanes share one row
            // (`docs/lanes.md`, between the two lanes), and no failure.
            Self::Store(store::Error::Conflict { .. }) => {
                tracing::debug!(item.id, "its ticket was changed meanwhile; it is handled again");
                ItemOutcome::Conflict
            }
            Self::Store(error) => {
                // Like a platform that is down: the event is sound, and is tried again until the
                // store works.
                tracing::error!(item.id, %error, "the store failed while an item was handled");
                ItemOutcome::Failed(Fault::Down)
            }
        }
    }
}
