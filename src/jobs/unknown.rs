//! Jobs that a newer release has set out, while both run or before it was taken back.

use std::time::Duration;

use dashmap::DashSet;

use crate::clock::Clock;
use crate::inbox::{Handled, ItemOutcome, UnknownJob};
use crate::store::Source;
use crate::telemetry;

/// How soon it is looked whether a newer release has done it. Between two looks any instance may have it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Lets jobs wait for a release that knows them.
pub(crate) struct UnknownJobs {
    pub(crate) clock: Clock,
    /// The kinds that were told of.
    pub(crate) told: DashSet<String>,
}

impl UnknownJobs {
    /// Leaves a job where it is, with what follows in its lane, and tells once of each kind.
    pub(crate) fn leave_for_newer_release(&self, job: UnknownJob) -> Handled {
        let UnknownJob { kind } = job;
        if self.told.insert(kind.clone()) {
            telemetry::count_unknown(Source::Internal.name());
            tracing::error!(
                kind,
                "a job of a kind that this release does not know waits for one that does: a newer \
                release has set it out; start that one again"
            );
        }
        Handled::for_first_item(ItemOutcome::Wait(self.clock.now() + LOOK_INTERVAL))
    }
}
