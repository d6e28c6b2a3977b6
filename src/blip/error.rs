//! What can go wrong in a call to Blip, and what that means.
//!
//! Descriptions that Blip writes into its answers may hold what people wrote: they are shown to people
//! and never logged ([`RefusalWords`]).

use std::fmt;
use std::time::Duration;

use crate::model::{Failure, Fault};

/// A failed call to Blip.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Blip asks to wait, or we know from an earlier answer that it would.
    #[error("{operation}: blip asks to wait")]
    Busy {
        /// What was to be done.
        operation: &'static str,
        after: Option<Duration>,
    },
    /// No connection to Blip; nothing was sent.
    #[error("{operation}: blip cannot be reached")]
    Unreachable {
        /// What was to be done.
        operation: &'static str,
    },
    /// No answer, or none that can be understood: it may have taken effect.
    #[error("{operation}: outcome unknown ({what})")]
    OutcomeUnknown {
        /// What was to be done.
        operation: &'static str,
        /// What was seen instead of an answer.
        what: String,
    },
    /// Blip does not accept our key.
    #[error("{operation}: blip does not accept the key of this bot")]
    Credentials {
        /// What was to be done.
        operation: &'static str,
    },
    #[error("{operation}: blip answered {code}")]
    Refused {
        /// What was to be done.
        operation: &'static str,
        /// A LIME reason code (`blip.md` §2.6), `http-…` for a status, or `none`.
        code: String,
        /// What Blip says about it, if anything.
        said: RefusalWords,
    },
}

/// Blip's own words for a refusal, which stay out of every log.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct RefusalWords(String);

impl fmt::Debug for RefusalWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalWords")
    }
}

/// Reason codes of processing trouble at Blip: general, dispatch, processing, and those of a
/// gateway that is slow or busy. The effect may have come about (`blip.md` §2.6).
const UNKNOWN_OUTCOME_REASONS: [i64; 6] = [1, 51, 61, 81, 85, 86];

impl Error {
    /// Reads the reason with which a command failed.
    pub(super) fn from_reason(
        operation: &'static str,
        code: Option<i64>,
        said: Option<String>,
    ) -> Self {
        let said = RefusalWords(said.unwrap_or_default());
        match code {
            Some(code) if UNKNOWN_OUTCOME_REASONS.contains(&code) => {
                Self::OutcomeUnknown { operation, what: format!("reason {code}") }
            }
            Some(code) => Self::Refused { operation, code: code.to_string(), said },
            // `code` may be missing (`blip.md` §1.1); that it failed is certain all the same.
            None => Self::Refused { operation, code: "none".to_owned(), said },
        }
    }

    /// Reads an HTTP status that is not a success.
    pub(super) fn from_status(
        operation: &'static str,
        status: u16,
        after: Option<Duration>,
    ) -> Self {
        match status {
            401 | 403 => Self::Credentials { operation },
            429 => Self::Busy { operation, after },
            // A redirect is not followed with an envelope in hand, and is no more than a wrong
            // address. 408 may come from in front of Blip after it has taken the request.
            300..=499 if status != 408 => {
                let said = RefusalWords::default();
                Self::Refused { operation, code: format!("http-{status}"), said }
            }
            _ => Self::OutcomeUnknown { operation, what: format!("HTTP {status}") },
        }
    }

    /// Reads a request that got no answer.
    pub(super) fn from_request(operation: &'static str, error: &reqwest::Error) -> Self {
        if error.is_connect() {
            Self::Unreachable { operation }
        } else if error.is_timeout() {
            Self::OutcomeUnknown { operation, what: "no answer in time".to_owned() }
        } else {
            Self::OutcomeUnknown { operation, what: "connection lost".to_owned() }
        }
    }

    /// That we know no such bot.
    pub(crate) fn no_such_bot(operation: &'static str) -> Self {
        let (code, said) = ("no_such_bot".to_owned(), RefusalWords::default());
        Self::Refused { operation, code, said }
    }

    /// That the ticket has ended, which Blip need not be asked for.
    pub(crate) fn ticket_closed(operation: &'static str) -> Self {
        let (code, said) = ("ticket_closed".to_owned(), RefusalWords::default());
        Self::Refused { operation, code, said }
    }

    /// What Blip said about its refusal; empty if nothing.
    pub(crate) fn refusal_words(&self) -> &str {
        match self {
            Self::Refused { said, .. } => &said.0,
            _ => "",
        }
    }

    /// Whether Blip said no because of the key: what it may, and how much (`blip.md` §2.6). Another key
    /// may be answered.
    pub(crate) fn is_about_key(&self) -> bool {
        const CODES: [&str; 4] = ["31", "32", "34", "35"];
        self.code().is_some_and(|code| CODES.contains(&code))
    }

    /// The code with which Blip said no.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl Failure for Error {
    fn to_fault(&self) -> Fault {
        match self {
            Self::Busy { after, .. } => Fault::Busy { after: *after },
            Self::Unreachable { .. } => Fault::Down,
            Self::OutcomeUnknown { .. } => Fault::OutcomeUnknown,
            Self::Credentials { .. } => Fault::Credentials,
            Self::Refused { code, .. } => Fault::Refused { code: code.clone() },
        }
    }

    fn is_lookup_impossible(&self) -> bool {
        // Whatever the code: a Blip that answers, but not this, will not answer it later either.
        matches!(self, Self::Refused { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_and_reason_leads_to_one_decision() {
        let refused = |code: &str| Fault::Refused { code: code.to_owned() };
        for (status, fault) in [
            (400, refused("http-400")),
            (401, Fault::Credentials),
            (408, Fault::OutcomeUnknown),
            (429, Fault::Busy { after: None }),
            (500, Fault::OutcomeUnknown),
            (504, Fault::OutcomeUnknown),
        ] {
            assert_eq!(Error::from_status("send", status, None).to_fault(), fault, "{status}");
        }
        for (code, fault) in [
            (Some(61), Fault::OutcomeUnknown),
            (Some(64), refused("64")),
            (Some(131_047), refused("131047")),
            (None, refused("none")),
        ] {
            let error = Error::from_reason("send", code, Some("Maria".to_owned()));
            assert_eq!(error.to_fault(), fault, "{code:?}");
            assert!(!format!("{error} {error:?}").contains("Maria"), "{error}");
        }
    }
}
