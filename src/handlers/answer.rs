//! What somebody who pressed a button reads in the place of the question.

/// What came of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has gone out to the customer.
    Sent,
    /// It has not; the thread says why.
    NotSent,
    /// It had gone out already, so it can be no note.
    AlreadySent,
    /// It stays a note.
    Kept,
    /// It is no note, so it is not sent as one.
    NotNote,
    /// It is a note of which nothing could go out.
    NothingToSend,
    /// It stays a note: the ticket is closed.
    KeptClosed,
    /// It stays a note: there is no ticket yet.
    KeptActive,
    /// It stays a note: its writer is no agent of this channel.
    KeptNoAgent,
    /// It stays a note: nobody knows the agents' user group.
    KeptNoGroup,
    /// The ticket is theirs now.
    TakenOver,
    /// What was parked is tried again.
    Retried,
    /// What was parked is left out.
    Skipped,
    /// What did not arrive cannot be sent again: the ticket is closed.
    ResendClosed,
    /// What did not arrive cannot be sent again: Slack shows it no more.
    ResendGone,
    /// The ticket is closed all the same.
    Closed,
    /// The ticket stays open.
    KeptOpen,
    /// Somebody was faster, or it is not so any more.
    Outdated,
    /// There is no such ticket.
    NoTicket,
}

impl Answer {
    /// The key of its text.
    pub(crate) fn text_key(self) -> &'static str {
        match self {
            Self::Sent => "ask-sent",
            Self::NotSent => "ask-not-sent",
            Self::AlreadySent => "ask-already-sent",
            Self::Kept => "ask-kept",
            Self::NotNote => "ask-not-note",
            Self::NothingToSend => "ask-nothing-to-send",
            Self::KeptClosed => "ask-closed-note",
            Self::KeptActive => "ask-active-note",
            Self::KeptNoAgent => "ask-not-agent-note",
            Self::KeptNoGroup => "ask-no-group",
            Self::TakenOver => "ask-taken-over",
            Self::Retried => "ask-retried",
            Self::Skipped => "ask-skipped",
            Self::ResendClosed => "ask-resend-closed",
            Self::ResendGone => "ask-resend-gone",
            Self::Closed => "ask-closed-anyway",
            Self::KeptOpen => "ask-kept-open",
            Self::Outdated => "ask-outdated",
            Self::NoTicket => "ask-no-ticket",
        }
    }
}
