//! How a move ended.

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MoveOutcome {
    /// As asked, now or before.
    Done,
    /// Not, and the person has been told why.
    Refused,
}
