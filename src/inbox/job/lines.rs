//! Lines: what the thread is told of what was done towards Blip.
//!
//! They are kept as what happened, not as a text, and are worded when they are posted; but for words
//! that are not ours: Blip's own, and what went to the customer.

use serde::{Deserialize, Serialize};

use crate::model::{KeptPart, Move, SlackUserId, TicketId};

/// The step of the post that shows what went out.
pub(crate) const SENT_POST_CALL: &str = "sent";
/// The step of the post that asks whether to close all the same.
pub(crate) const UNREAD_POST_CALL: &str = "unread";

/// A line that a ticket's thread is to be told, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineToSay {
    pub(crate) ticket: TicketId,
    /// What the post can be found by at Slack. It is derived from the event that the line tells of, as
    /// what went out is sent again by it.
    pub(crate) delivery: String,
    /// When the event arrived, in milliseconds since 1970, if this may have been said before without
    /// that being on record.
    pub(crate) in_doubt_since: Option<i64>,
    pub(crate) line: ThreadLine,
}

/// What the thread is told. People are those in Slack, or the names by which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(crate) enum ThreadLine {
    Claimed {
        holder: SlackUserId,
        /// Whether it was given to them, and not taken.
        is_given: bool,
    },
    TakenOver {
        holder: SlackUserId,
        previous: SlackUserId,
    },
    /// Its holder is told that somebody else has closed the ticket.
    Closed {
        holder: SlackUserId,
        by: String,
        /// When, in milliseconds since 1970.
        at: i64,
    },
    Transferred {
        by: String,
        to: String,
        /// Whether it is known which ticket follows.
        is_known: bool,
        /// Who held it, if somebody else.
        holder: Option<SlackUserId>,
    },
    TakenBack {
        holder: SlackUserId,
        /// How long they had it, in milliseconds.
        waited: i64,
    },
    /// Blip did not take something.
    Refused {
        by: String,
        wish: RefusedWish,
        /// The code with which Blip refused it: LIME's, or one that a gateway has added.
        code: String,
        /// What Blip said of it, where that may be shown.
        words: Option<String>,
    },
    CloseQuestion(CloseQuestion),
    /// The customer cannot be written to any more.
    TooLate {
        by: String,
    },
    /// Parts of a message do not reach the customer.
    Unsent {
        by: String,
        parts: Vec<UnsentPart>,
    },
    /// A file does not reach the customer.
    UnsentFile {
        /// Slack's id of it.
        file: String,
        name: String,
        reason: String,
    },
    /// The customer was told that nobody works.
    Away,
    Sent(SentWords),
    /// A move was made, of which no more is told than who made it. It is stored as if its variants stood
    /// here.
    #[serde(untagged)]
    Moved(MoveLine),
}

/// Moves of which the thread is told who made them, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(crate) enum MoveLine {
    Released { by: String },
    Standby { by: String, is_on: bool },
}

/// What somebody wanted and Blip did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefusedWish {
    Claim,
    Transfer,
    Tags,
    Close,
    Standby,
    /// Standby before anybody has answered the customer.
    EarlyStandby,
    /// A change of the contact.
    Contact,
    /// A comment on the contact.
    Comment,
}

/// Whoever closes a ticket is asked about it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CloseQuestion {
    pub(crate) agent: SlackUserId,
    pub(crate) about: CloseConcern,
    /// What they wanted to say to the customer, as the customer would get it.
    pub(crate) farewell: Option<String>,
}

/// Why a ticket had better not be closed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CloseConcern {
    /// It needs a tag.
    Tag,
    /// The customer has said something that was not shown.
    Unread,
    /// The same, where what else the close is to do was chosen in a dialog, which is to open again.
    UnreadInDialog,
}

/// A part of a message that does not go to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnsentPart {
    Forwarded,
    Image,
    /// Something that we cannot read, by Slack's name for it.
    Unreadable(String),
}

/// What went to a customer from elsewhere than the thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentWords {
    /// The name of who sent it.
    pub(crate) by: String,
    /// The name of the template, if it is one.
    pub(crate) template: Option<String>,
    /// What went out, as the thread shows it.
    pub(crate) text: String,
    /// Blip's ids of its parts.
    pub(crate) blip_ids: Vec<String>,
    /// Who sent it; a release before this one noted that only of what can be read in the thread and sent
    /// again.
    pub(crate) user: Option<SlackUserId>,
}

impl ThreadLine {
    /// The step under which it is posted. An event tells each of them once.
    pub(crate) fn step(&self) -> String {
        let step = match self {
            Self::Claimed { .. } => "claimed",
            Self::TakenOver { .. } => "taken-over",
            Self::Closed { .. } => "closed",
            Self::Transferred { .. } => "transferred",
            Self::TakenBack { .. } => "taken-back",
            Self::Refused { .. }
            | Self::CloseQuestion(CloseQuestion { about: CloseConcern::Tag, .. }) => "refused",
            Self::CloseQuestion(_) => UNREAD_POST_CALL,
            Self::TooLate { .. } => "too-late",
            Self::Unsent { .. } => "unsent:parts",
            Self::UnsentFile { file, .. } => return format!("unsent:{file}"),
            Self::Away => "post:away",
            Self::Sent(_) => SENT_POST_CALL,
            Self::Moved(line) => line.step(),
        };
        step.to_owned()
    }
}

impl MoveLine {
    /// All the steps under which such lines are posted.
    pub(crate) const STEPS: [&str; 2] = ["released", "on-standby"];

    fn step(&self) -> &'static str {
        let [released, on_standby] = Self::STEPS;
        match self {
            Self::Released { .. } => released,
            Self::Standby { .. } => on_standby,
        }
    }

    /// Who made the move.
    pub(crate) fn by(&self) -> &str {
        match self {
            Self::Released { by } | Self::Standby { by, .. } => by,
        }
    }

    /// What is said of it, as a text's key.
    pub(crate) fn text_key(&self) -> &'static str {
        match self {
            Self::Released { .. } => "thread-released",
            Self::Standby { is_on: true, .. } => "thread-standby",
            Self::Standby { is_on: false, .. } => "thread-standby-ended",
        }
    }
}

impl RefusedWish {
    /// What is said where Blip does not take it, as a text's key.
    pub(crate) fn text_key(self) -> &'static str {
        match self {
            Self::Claim => "thread-claim-refused",
            Self::Transfer => "thread-transfer-refused",
            Self::Tags => "thread-tags-refused",
            Self::Close => "thread-close-refused",
            Self::Standby => "thread-standby-refused",
            // In our words alone: Blip's are English, and may not say that much (`blip.md`,
            // additions §10).
            Self::EarlyStandby => "thread-standby-too-early",
            Self::Contact => "thread-contact-refused",
            Self::Comment => "thread-comment-refused",
        }
    }
}

impl From<&Move> for RefusedWish {
    fn from(refused: &Move) -> Self {
        match refused {
            Move::Claim { .. } => Self::Claim,
            Move::Transfer(_) => Self::Transfer,
            Move::Tag(_) => Self::Tags,
            Move::StartStandby | Move::EndStandby => Self::Standby,
            Move::Release | Move::Close(_) => Self::Close,
        }
    }
}

impl From<&KeptPart> for UnsentPart {
    fn from(part: &KeptPart) -> Self {
        match part {
            KeptPart::Forwarded(_) => Self::Forwarded,
            KeptPart::Image => Self::Image,
            KeptPart::Unreadable { kind } => Self::Unreadable(kind.clone()),
        }
    }
}
