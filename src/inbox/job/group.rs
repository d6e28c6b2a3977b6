//! What the groups of jobs have in common: how one is stored.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::TicketId;
use crate::store::{Lane, NewItem, Source};

/// Jobs that one runner does.
pub(super) trait JobGroup: Serialize {
    /// The ticket that this job is about; none if it is about several, or none of ours. The lanes of
    /// most jobs do not tell, and each line of the log is to.
    fn ticket_id(&self) -> Option<TicketId>;

    /// What the inbox takes: this job, in a lane, at its time.
    fn to_new_item(&self, lane: Lane, key: String, due: Timestamp) -> NewItem {
        let body = serde_json::to_vec(self).expect("a job has no keys that are not strings");
        NewItem { source: Source::Internal, lane, key, body, received: due, due }
    }
}
