//! What a runner is handed, and how a job ends.

use crate::inbox::{Handled, Handling, ItemOutcome};

/// Jobs of one lane that a worker has leased.
#[derive(Clone, Copy)]
pub(crate) struct LeasedJobs<'a> {
    /// The one that is to be done.
    pub(crate) first: &'a Handling,
    /// It, and those that wait behind it.
    pub(crate) items: &'a [Handling],
}

/// The job is done, and the same may be set out again.
pub(super) const FORGOTTEN: Handled = Handled::for_first_item(ItemOutcome::Forgotten);
/// The job is done, and the same is never done again.
pub(super) const DONE_FOR_GOOD: Handled = Handled::for_first_item(ItemOutcome::Done);
