//! Notices to a channel or a person: what is parked, who reads along, how a week went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use super::replies::ReplyJob;
use crate::model::{ChannelId, MessageTs, SlackUserId, TicketId};
use crate::store::{Item, ItemId, Lane, NewItem, Source};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Word to a channel or a person that no ticket waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum NoticeJob {
    /// Show a parked item to people.
    Parked(ParkedEvent),
    /// Tell a channel that it is shared with another company.
    Shared { channel: ChannelId },
    /// Tell somebody that no customer reads what they wrote outside of any thread.
    Outside { channel: ChannelId, user: SlackUserId },
    /// Post how a week went.
    Weekly {
        /// The Monday after it.
        monday: String,
    },
}

impl JobGroup for NoticeJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Parked(parked) => Lane::ticket_of(&parked.lane),
            Self::Shared { .. } | Self::Outside { .. } | Self::Weekly { .. } => None,
        }
    }
}

/// An item that was parked, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParkedEvent {
    pub(crate) item: ItemId,
    /// Whether a person in Slack did it, or the customer.
    pub(crate) by_agent: bool,
    /// What makes the item the same event as another one.
    #[serde(default)]
    pub(crate) key: String,
    /// The lane it came from.
    pub(crate) lane: String,
    /// Why it is parked.
    pub(crate) reason: String,
}

impl NoticeJob {
    /// A parked item is to be shown to people.
    pub(crate) fn report_parked(item: &Item, reason: &str, now: Timestamp) -> NewItem {
        // With the time: what was tried again and is parked once more is told once more.
        let key = format!("parked:{}:{}", item.id, now.as_millisecond());
        let by_agent = item.source == Source::Slack || ReplyJob::is_send(&item.key);
        let (lane, reason) = (item.lane.clone(), reason.to_owned());
        let parked = ParkedEvent { item: item.id, by_agent, key: item.key.clone(), lane, reason };
        Self::Parked(parked).to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// A channel is to be told that it is shared with another company.
    pub(crate) fn announce_sharing(channel: &ChannelId, now: Timestamp) -> NewItem {
        let key = format!("shared:{channel}");
        Self::Shared { channel: channel.clone() }.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// Somebody is to be told that no customer reads what they wrote outside of any thread: once a
    /// day, as the key says.
    pub(crate) fn warn_outside(
        channel: &ChannelId,
        user: &SlackUserId,
        ts: &MessageTs,
        now: Timestamp,
    ) -> NewItem {
        let seconds: i64 = ts.as_str().split('.').next().unwrap_or_default().parse().unwrap_or(0);
        let key = format!("outside:{channel}:{user}:{}", seconds / SECONDS_PER_DAY);
        let job = Self::Outside { channel: channel.clone(), user: user.clone() };
        job.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// How the week before this Monday went is to be posted then, once.
    pub(crate) fn post_week(monday: &str, due: Timestamp) -> NewItem {
        let key = format!("weekly:{monday}");
        let job = Self::Weekly { monday: monday.to_owned() };
        job.to_new_item(Lane::for_later(&key), key, due)
    }
}
