//! Checks: what Blip or Slack says of a ticket, compared with what is kept here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{ChannelId, TicketId};
use crate::store::{Lane, NewItem};

/// A comparison of what is kept here with a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum CheckJob {
    /// Compare a ticket with what Blip says of it.
    Check { ticket: TicketId },
    /// Compare the threads of open tickets in a channel with what Slack says of them.
    Compare { channel: ChannelId },
    /// Look for what people did in a ticket's thread while nobody told us.
    CatchUp { ticket: TicketId },
}

impl JobGroup for CheckJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Check { ticket } | Self::CatchUp { ticket } => Some(ticket.clone()),
            // It looks at all threads of a channel.
            Self::Compare { .. } => None,
        }
    }
}

impl CheckJob {
    /// A ticket is to be compared with what Blip says of it.
    pub(crate) fn check_ticket(ticket: &TicketId, now: Timestamp) -> NewItem {
        // Without a time: all who want a check share the one that waits.
        let key = format!("check:{ticket}");
        Self::Check { ticket: ticket.clone() }.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }

    /// The threads of a channel are to be compared: never the same as a comparison under way,
    /// which may have read them before something was missed.
    pub(crate) fn compare_threads(channel: &ChannelId, now: Timestamp) -> NewItem {
        let lane = format!("compare:{channel}");
        let key = format!("{lane}@{}", now.as_millisecond());
        Self::Compare { channel: channel.clone() }.to_new_item(Lane::Own(lane), key, now)
    }

    /// A ticket's thread is to be searched for what nobody told us.
    pub(crate) fn catch_up(ticket: &TicketId, now: Timestamp) -> NewItem {
        let lane = format!("catch-up:{ticket}");
        let key = format!("{lane}@{}", now.as_millisecond());
        Self::CatchUp { ticket: ticket.clone() }.to_new_item(Lane::Own(lane), key, now)
    }
}
