//! Files that are slow to come: from where a customer's link leads, or to Slack's threads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{ChannelId, LinkedFile, MessageTs, TicketId};
use crate::store::{Lane, NewItem};

/// A file that is slow to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum FileJob {
    /// Bring a customer's file that was slow to come, whose place in the thread a line has taken.
    File(LateFile),
    /// Look for a file that Slack is slow to show.
    // The name under which stored jobs have it.
    #[serde(rename = "late")]
    Unshown(UnshownFile),
}

impl JobGroup for FileJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::File(late) => Some(late.ticket.clone()),
            Self::Unshown(unshown) => Some(unshown.ticket.clone()),
        }
    }
}

/// A customer's file that was slow to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LateFile {
    pub(crate) ticket: TicketId,
    /// What tells it from all others.
    pub(crate) key: String,
    /// The channel of the line that has taken its place.
    pub(crate) channel: ChannelId,
    pub(crate) line: MessageTs,
    pub(crate) media: LinkedFile,
    /// Most bytes that it may have.
    pub(crate) left: u64,
    /// Blip's ids of the message.
    pub(crate) blip_ids: Vec<String>,
}

/// A file that Slack has taken and not shown yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnshownFile {
    pub(crate) ticket: TicketId,
    /// The channel of the thread that it belongs in.
    pub(crate) channel: ChannelId,
    /// The root of that thread.
    pub(crate) root: MessageTs,
    /// Its id in Slack.
    pub(crate) file: String,
    pub(crate) name: String,
    /// Where it can be had otherwise.
    pub(crate) url: String,
    /// What the customer wrote with it, below their name, unless that stands elsewhere: it is not shown
    /// before the file is.
    #[serde(default)]
    pub(crate) comment: Option<String>,
    /// Whether the file is brought anew, as its thread is gone: it is only taken back if Slack shows it
    /// after all.
    #[serde(default)]
    pub(crate) is_replaced: bool,
    /// Blip's ids of the message.
    pub(crate) blip_ids: Vec<String>,
}

impl FileJob {
    /// A customer's file is to follow the line that has taken its place, after those of its ticket
    /// that were late before.
    pub(crate) fn bring_late_file(late: LateFile, now: Timestamp) -> NewItem {
        let (lane, key) = (Self::late_file_lane(&late.ticket), format!("file:{}", late.key));
        Self::File(late).to_new_item(lane, key, now)
    }

    /// A file is to follow its line by itself: it has taken so long that others go before it.
    pub(crate) fn bring_slow_file(late: LateFile, now: Timestamp) -> NewItem {
        let key = format!("slow-file:{}", late.key);
        // Its name begins like that of the ticket's, so that it is in the same pool, and the same
        // bot's (`store/pools.rs`).
        let lane = Lane::Own(format!("file:{}:{key}", late.ticket));
        Self::File(late).to_new_item(lane, key, now)
    }

    /// Where the late files of a ticket wait for each other.
    pub(crate) fn late_file_lane(ticket: &TicketId) -> Lane {
        Lane::Own(format!("file:{ticket}"))
    }

    /// A file is to be looked for until Slack shows it.
    pub(crate) fn find_unshown_file(unshown: UnshownFile, now: Timestamp) -> NewItem {
        let key = format!("late:{}", unshown.file);
        Self::Unshown(unshown).to_new_item(Lane::Own(key.clone()), key, now)
    }
}
