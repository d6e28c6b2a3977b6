//! Items of the inbox: on their way in, leased, and with their outcome.

use jiff::Timestamp;

use super::lane::{Lane, Source};

/// The number of an item, in order of acceptance.
pub type ItemId = i64;

/// Most items that one lease hands out.
pub const LEASE_ITEMS: usize = 64;

/// An event on its way into the inbox.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Who sent it: Blip, Slack, or the bridge itself.
    pub source: Source,
    /// In which lane it waits.
    pub lane: Lane,
    /// What makes it the same event as another one; unique per source.
    pub key: String,
    /// What the far end sent, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived here, by the clock of the bridge.
    pub received: Timestamp,
    /// When it may be handled at the earliest; [`NewItem::received`] in nearly all cases.
    pub due: Timestamp,
}

/// Whether an event was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on the disk, and waits for its turn or is handled already.
    New,
    /// The same event was accepted before; nothing was written.
    Repeat,
}

/// An event in the inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its number: younger ones have greater numbers.
    pub id: ItemId,
    /// Who sent it: Blip, Slack, or the bridge itself.
    pub source: Source,
    /// The name of the lane that it was leased in.
    pub lane: String,
    /// What makes it the same event as another one.
    pub key: String,
    /// What the far end sent, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived here, by the clock of the bridge.
    pub received: Timestamp,
    /// How often handling it has failed.
    pub attempts: u32,
    /// Whether any call for it may have been made without a trace, because the machine went down.
    pub may_have_unrecorded_calls: bool,
    /// Whether a call for it was begun before it was leased, see [`super::Store::calls_of`].
    pub has_begun_calls: bool,
}

/// The right to handle the waiting items of one lane, until it is released or runs out.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The lane's name, as from [`Lane::name`].
    pub lane: String,
    /// Shown when settling; a later lease of the same lane has another one.
    pub token: i64,
    /// When it runs out.
    pub until: Timestamp,
    /// The first waiting items of the lane, oldest first; never empty, at most [`LEASE_ITEMS`].
    pub items: Vec<Item>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOutcome {
    /// Handled. Its key is kept, its body until [`super::Store::erase_expired`] erases it.
    Done,
    /// None of ours. Its key is kept, its body is erased at once.
    Ignored,
    /// Handled, and not even its key is kept: the same may be accepted again.
    Forgotten,
    /// It could not be handled and waits for a person.
    Parked {
        /// Why, in a word that is safe to show and to log.
        reason: String,
    },
    /// It stays at the head of its lane and its attempts are counted up.
    Failed,
}

impl StoredOutcome {
    /// Whether nothing is left to be done, and nobody is waited for.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Ignored | Self::Forgotten)
    }

    /// The word used in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Forgotten => "forgotten",
            Self::Parked { .. } => "parked",
            Self::Failed => "failed",
        }
    }
}

/// How far an outside call of an item has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It was never tried; now it is marked as begun.
    Fresh,
    /// It was begun before, and nothing is known of how it ended.
    OutcomeUnknown(CallTry),
    /// It was made, with this result.
    Done(String),
}

/// The last try of an outside call whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTry {
    /// It began then. Whoever made it may only be slow, and its request still under way.
    Begun(Timestamp),
    /// It had ended by then; where only one process has the store, it had when that started.
    Ended(Timestamp),
}

impl CallTry {
    /// When it began or had ended.
    pub fn time(self) -> Timestamp {
        match self {
            Self::Begun(at) | Self::Ended(at) => at,
        }
    }
}
