//! Whose turn it is to be given a ticket.

use jiff::Timestamp;

use crate::model::SlackUserId;

/// How often in a row Blip may refuse those who were given a ticket, before it is left to people: each
/// refusal is told in the thread.
pub(super) const MOST_REFUSALS: i64 = 3;

/// Who may be given a ticket, and on which terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRequest {
    /// The agents who may have it, each with whether they are to come before the others.
    pub agents: Vec<(SlackUserId, bool)>,
    /// How many open tickets each of them may have.
    pub slots: u32,
    /// Who let this ticket pass after this time is not asked again.
    pub passed_after: Timestamp,
}

/// A ticket is given to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who is to take the ticket.
    pub agent: SlackUserId,
    /// The number of the turn: greater than those before.
    pub number: i64,
}

/// Why somebody does not take a ticket that they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnPass {
    /// They gave it back, or did not answer.
    Declined,
    /// Blip does not let them have it.
    Refused,
}
