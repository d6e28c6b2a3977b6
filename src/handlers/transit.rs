//! How long an event of a platform may be on its way to us: what is younger is not missed yet.

use std::time::Duration;

use crate::handlers::calls::Calls;

/// How many times as long as an effect takes to be seen an event may take to arrive.
const IN_TRANSIT_FACTOR: u32 = 10;

/// The longest that an event counts as being on its way, so that nobody needs to fetch it.
pub(crate) fn longest_transit(calls: &Calls) -> Duration {
    calls.unknown_outcome_wait * IN_TRANSIT_FACTOR
}
