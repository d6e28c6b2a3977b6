//! The moves on a ticket: what agents do to one, and all that is told of each move.
//!
//! Reaction, button, shortcut, command and reply all become a [`Move`]; [`check_move`] says whether it is
//! legal now. A legal move changes the ticket only after Blip has agreed (`handlers/moves`).

use super::content::RichText;
use super::ids::SlackUserId;
use super::ticket::{Agent, Ticket, TicketState};

/// What somebody wants to do with a ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Take the ticket; with `over`, even from another agent.
    Claim {
        /// Whether a holder is to be replaced.
        over: bool,
    },
    /// Give the ticket back.
    Release,
    /// Finish the ticket for good: Blip opens none again.
    Close(Closing),
    /// Hand the ticket on: it ends, and a new one follows it.
    Transfer(TransferTarget),
    /// Replace the ticket's tags.
    Tag(Vec<String>),
    /// Put the ticket on standby: Blip does not close it for inactivity then.
    StartStandby,
    /// End the standby of the ticket.
    EndStandby,
}

/// A move that a press makes: nothing is to be filled in first, or what is has a dialog of its own
/// where Slack opens one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PressedMove {
    /// Claims a ticket that nobody holds.
    Claim,
    /// Claims the ticket, even from another agent.
    TakeOver,
    /// Releases the ticket: nobody holds it then.
    Release,
    /// Asks how to close the ticket; closes it where no dialog can be opened.
    Close,
    /// Puts the ticket on standby.
    StartStandby,
    /// Ends the standby of the ticket.
    EndStandby,
}

/// The recorded calls by which moves are made at Blip, by the names that are stored of them.
pub(crate) mod move_call {
    pub(crate) const OPEN: &str = "open";
    /// The same for the default agent, where Blip does not know who claims the ticket.
    pub(crate) const OPEN_DEFAULT: &str = "open-default";
    pub(crate) const CLOSE: &str = "close";
    pub(crate) const TRANSFER: &str = "transfer";
    pub(crate) const TAG: &str = "tag";
    pub(crate) const STANDBY: &str = "standby";

    pub(crate) const ALL: [&str; 6] = [OPEN, OPEN_DEFAULT, CLOSE, TRANSFER, TAG, STANDBY];
    /// Those after which the ticket is over.
    pub(crate) const ENDING: [&str; 2] = [CLOSE, TRANSFER];
}

impl Move {
    /// What people call it, as a text's key.
    pub(crate) fn label_key(&self) -> &'static str {
        match self {
            Self::Claim { over: false } => "button-claim",
            Self::Claim { over: true } => "button-take-over",
            Self::Release => "menu-release",
            Self::Close(_) => "button-close",
            Self::Transfer(_) => "button-transfer",
            Self::Tag(_) => "dialog-tags-label",
            Self::StartStandby => "menu-standby",
            Self::EndStandby => "menu-standby-end",
        }
    }
}

impl PressedMove {
    const ALL: [Self; 6] = [
        Self::Claim,
        Self::TakeOver,
        Self::Release,
        Self::Close,
        Self::StartStandby,
        Self::EndStandby,
    ];

    /// The move that it makes.
    pub(crate) fn to_move(self) -> Move {
        match self {
            Self::Claim => Move::Claim { over: false },
            Self::TakeOver => Move::Claim { over: true },
            Self::Release => Move::Release,
            Self::Close => Move::Close(Closing::default()),
            Self::StartStandby => Move::StartStandby,
            Self::EndStandby => Move::EndStandby,
        }
    }

    /// The name of its button. It lives in Slack for weeks and never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::TakeOver => "take_over",
            Self::Release => "release",
            Self::Close => "close",
            Self::StartStandby => "start_standby",
            Self::EndStandby => "end_standby",
        }
    }

    /// Reads back what [`PressedMove::name`] gave; none if it is no move's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pressed| pressed.name() == name)
    }

    /// What tells below a list that it was done, as a text's key; none where lists do not offer it.
    pub(crate) fn listed_key(self) -> Option<&'static str> {
        match self {
            Self::Claim => Some("done-claimed"),
            Self::TakeOver => Some("done-taken-over"),
            Self::Release => Some("done-released"),
            Self::Close => Some("done-closed"),
            Self::StartStandby | Self::EndStandby => None,
        }
    }
}

/// How a ticket is to be finished.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closing {
    /// The tags that it ends with; those that it has if there are none.
    pub(crate) tags: Option<Vec<String>>,
    /// What the customer is told before.
    pub(crate) farewell: Option<RichText>,
    /// Whether it is closed even if the customer has said something that nobody has seen.
    pub(crate) is_confirmed: bool,
}

/// Where a ticket is handed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTarget {
    /// A team, by its name.
    Team(String),
    /// An agent, by Blip's identity.
    Agent {
        /// Blip's identity of the agent.
        identity: String,
        /// The name to show.
        name: String,
    },
}

impl TransferTarget {
    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Team(name) | Self::Agent { name, .. } => name,
        }
    }
}

/// Why a move is not legal now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveRefusal {
    /// Somebody else holds the ticket.
    HeldBy(Agent),
    /// The ticket is over.
    Closed,
    /// It is so already; nothing is to be done or said.
    Already,
}

/// Says whether `user` may make this move on a ticket now.
///
/// # Errors
///
/// The reason to tell the person, or [`MoveRefusal::Already`] if there is nothing to do.
pub(crate) fn check_move(
    ticket: &Ticket,
    user: &SlackUserId,
    r#move: &Move,
) -> Result<(), MoveRefusal> {
    match (&ticket.state, r#move) {
        // Two may close at the same time, or Blip by itself: who comes second has got what they
        // wanted (`blip.md` §10 #7).
        (TicketState::Closed { .. }, Move::Close(_)) | (TicketState::Unclaimed, Move::Release) => {
            Err(MoveRefusal::Already)
        }
        (TicketState::Closed { .. }, _) => Err(MoveRefusal::Closed),
        // A dialog that is handed in without a change, and a press that comes twice, are neither
        // told nor sent to Blip.
        (_, Move::Tag(tags)) if *tags == ticket.tags => Err(MoveRefusal::Already),
        (_, Move::StartStandby) if ticket.is_on_standby => Err(MoveRefusal::Already),
        (_, Move::EndStandby) if !ticket.is_on_standby => Err(MoveRefusal::Already),
        // Anybody may close, hand on, tag or put aside what another holds: agents cover for each
        // other.
        (TicketState::Unclaimed, Move::Claim { .. })
        | (
            _,
            Move::Close(_)
            | Move::Transfer(_)
            | Move::Tag(_)
            | Move::StartStandby
            | Move::EndStandby,
        ) => Ok(()),
        (TicketState::Claimed { holder, .. }, Move::Claim { over }) => {
            if holder.user == *user {
                Err(MoveRefusal::Already)
            } else if *over {
                Ok(())
            } else {
                Err(MoveRefusal::HeldBy(holder.clone()))
            }
        }
        (TicketState::Claimed { holder, .. }, Move::Release) => {
            if holder.user == *user {
                Ok(())
            } else {
                Err(MoveRefusal::HeldBy(holder.clone()))
            }
        }
    }
}
