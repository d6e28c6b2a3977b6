//! Marks: reactions that tell of a message how far it has come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{ChannelId, MessageTs, SlackUserId, TicketId};
use crate::store::{Lane, NewItem};

/// Work on the reactions of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum MarkJob {
    /// Put a reaction on a message.
    Mark {
        /// Whose message it is; releases before 0.2.0 did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<TicketId>,
        channel: ChannelId,
        ts: MessageTs,
        /// The emoji's name, without colons.
        name: String,
        /// Whether it may be dropped when Slack is busy.
        droppable: bool,
        /// Whether it is to be taken off instead.
        #[serde(default)]
        off: bool,
    },
    /// Show on a reply how far it has come.
    Delivered(DeliveryMark),
    /// Show on the last reply that the customer has read it, if they say nothing to it.
    Read(ReadReply),
    /// Show that a reply waits, and when it does so no longer.
    Delayed(DelayedReply),
}

impl JobGroup for MarkJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Mark { ticket, .. } => ticket.clone(),
            Self::Delivered(mark) => Some(mark.ticket.clone()),
            Self::Read(read) => Some(read.ticket.clone()),
            Self::Delayed(delayed) => Some(delayed.ticket.clone()),
        }
    }
}

/// The mark on a reply is to say how far the reply has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryMark {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    /// Blip's ids of its parts.
    pub(crate) messages: Vec<String>,
    /// Whether the customer gets all of it.
    pub(crate) is_whole: bool,
    /// What the mark is set for.
    pub(crate) occasion: MarkOccasion,
}

/// What a mark is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkOccasion {
    /// It went out: the message bears no mark yet.
    Sent,
    /// It went out once more.
    Resent,
    /// It did not arrive.
    Failed,
    /// The customer has read it.
    Read,
}

/// A reply that the customer has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadReply {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    /// The part that was read, by Blip's id.
    pub(crate) message: String,
}

/// A reply that could not be sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DelayedReply {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    pub(crate) user: SlackUserId,
    /// Whether it is a move that waits, and the message is the card.
    #[serde(default)]
    pub(crate) is_move: bool,
    /// The key of the event that the move is, which is looked for until it is through; none in what a
    /// release before this one has set itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
}

impl MarkJob {
    /// A reaction is to be put on a message.
    pub(crate) fn add_reaction(
        ticket: &TicketId,
        (channel, ts): (&ChannelId, &MessageTs),
        name: &str,
        droppable: bool,
        now: Timestamp,
    ) -> NewItem {
        let key = format!("mark:{channel}:{ts}:{name}");
        let job = Self::Mark {
            ticket: Some(ticket.clone()),
            channel: channel.clone(),
            ts: ts.clone(),
            name: name.to_owned(),
            droppable,
            off: false,
        };
        job.to_new_item(Lane::Own(format!("mark:{channel}:{ts}")), key, now)
    }

    /// A reaction is to be taken off a message.
    pub(crate) fn remove_reaction(
        ticket: &TicketId,
        (channel, ts): (&ChannelId, &MessageTs),
        name: &str,
        now: Timestamp,
    ) -> NewItem {
        let key = format!("unmark:{channel}:{ts}:{name}");
        let lane = Lane::Own(format!("mark:{channel}:{ts}"));
        let job = Self::Mark {
            ticket: Some(ticket.clone()),
            channel: channel.clone(),
            ts: ts.clone(),
            name: name.to_owned(),
            droppable: false,
            off: true,
        };
        job.to_new_item(lane, key, now)
    }

    /// The mark on a reply is to be set. All marks of a message are in one lane: a failure is shown
    /// after what it takes the place of.
    pub(crate) fn show_delivery(mark: DeliveryMark, due: Timestamp) -> NewItem {
        let key = Self::delivery_mark_key(&mark);
        let lane = Lane::Own(format!("mark:{}:{}", mark.channel, mark.ts));
        Self::Delivered(mark).to_new_item(lane, key, due)
    }

    fn delivery_mark_key(mark: &DeliveryMark) -> String {
        let DeliveryMark { channel, ts, messages, occasion, .. } = mark;
        let first = messages.first().map_or("", String::as_str);
        format!("delivered:{channel}:{ts}:{first}:{occasion:?}")
    }

    /// It is to be shown that a reply was read. Those of a ticket wait together, as the last one says
    /// enough.
    pub(crate) fn show_read(read: ReadReply, due: Timestamp) -> NewItem {
        let key = format!("read:{}:{}", read.channel, read.ts);
        let lane = Lane::for_later(&format!("read:{}", read.ticket));
        Self::Read(read).to_new_item(lane, key, due)
    }

    /// It is to be shown that a reply waits, from the given time on.
    pub(crate) fn show_delay(delayed: DelayedReply, due: Timestamp) -> NewItem {
        let mut key = format!("delayed:{}:{}", delayed.channel, delayed.ts);
        if let Some(event) = &delayed.event {
            // The card may bear one move after the other.
            key = format!("{key}:{event}");
        }
        Self::Delayed(delayed).to_new_item(Lane::for_later(&key), key, due)
    }
}
