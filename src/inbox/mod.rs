//! Between receiving and doing: durable, in order, one ticket at a time.
//!
//! `intake` puts events in through [`crate::store::Store::accept`] and answers the sender; the
//! [`Worker`] takes them out, lane by lane, and hands them to a [`Handler`]. What "durable" means is
//! said in [`crate::store`]; what happens after a failure, in [`retry`].
//!
//! Invariant: an item leaves the inbox in exactly one way: done, ignored (it was none of ours), forgotten
//! (done, and the same may come again) or parked for a person.

mod forgetting;
mod handling;
mod hands;
mod job;
pub mod retry;
mod worker;

pub use forgetting::ForgettingReport;
pub(crate) use forgetting::{ForgettingProgress, ForgottenMessage, LeftOver};
pub(crate) use handling::{Gathered, Handling, MadeCalls};
pub(crate) use hands::Hands;
pub(crate) use job::{
    Absence, Assignment, AssignmentJob, CardJob, CheckJob, CloseConcern, CloseQuestion,
    CustomerJob, DelayedReply, DeliveryMark, DoubledPost, FileJob, Forgetting, HeldReply, Job,
    LateFile, LineToSay, MarkJob, MarkOccasion, MoveLine, NoticeJob, Overdue, ParkedEvent,
    ReadReply, ReceiptJob, RefusedWish, Reminder, ReminderJob, ReminderTopic, ReplyJob,
    SENT_POST_CALL, SecondPost, SentWords, ThreadJob, ThreadLine, TransferNotice, UNREAD_POST_CALL,
    UnknownJob, UnsentPart, UnshownFile,
};
pub(crate) use worker::Worker;

use std::future::Future;

use jiff::Timestamp;

use crate::model::Fault;
use crate::store;

/// Handles the items of lanes, one lane at a time each.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Puts the waiting items of a lane, which come in the order in which they were accepted, in the
    /// order in which they are to be handled.
    fn sort_items(&self, items: Vec<Handling>) -> Vec<Handling>;

    /// The kind of an item in a constant word, for metrics.
    fn kind_of_item(&self, item: &Handling) -> &'static str;

    /// Handles the first of these items, or the first few if they belong together.
    ///
    /// `items` are of one lane and one source, in order, and never empty. After a failure the
    /// same items are handed over again, so a handler starts by reading how far it came. What they
    /// gathered is written afterwards.
    fn handle_items(&self, items: &[Handling]) -> impl Future<Output = Handled> + Send;

    /// Mends what handling these items may have done: their lease was lost meanwhile, and another
    /// instance may have shown something newer before, or have made the same calls.
    ///
    /// # Errors
    ///
    /// Those of the store.
    fn mend_lost_items(&self, items: &[Handling])
    -> impl Future<Output = store::Result<()>> + Send;
}

/// What a handler did with the items that it was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handled {
    /// How many of them this is about, from the first; at least one.
    pub(crate) items: usize,
    /// What became of them.
    pub(crate) outcome: ItemOutcome,
}

/// What became of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemOutcome {
    /// Handled; the key is kept, so that a repeat is recognised.
    Done,
    /// None of ours; the body is erased at once.
    Ignored,
    /// Handled, and the same may be set out again.
    Forgotten,
    /// It is not their turn yet; this is no failure.
    Wait(Timestamp),
    /// Their ticket was changed meanwhile: they are handled again, with it as it is now. This is no
    /// failure either, and what was called already is not called again.
    Conflict,
    /// A call failed: it is tried again, or parked.
    Failed(Fault),
}

impl ItemOutcome {
    /// Whether nothing is left to be done.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done | Self::Ignored | Self::Forgotten)
    }
}

impl Handled {
    /// The first item had this ending.
    pub(crate) const fn for_first_item(outcome: ItemOutcome) -> Self {
        Self { items: 1, outcome }
    }
}
