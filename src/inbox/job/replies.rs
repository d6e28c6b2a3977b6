//! Replies that are held for a while, in which their writer can change them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use crate::model::{ChannelId, MessageTs, SlackUserId, TicketId};
use crate::store::{Lane, NewItem};

/// What the keys of jobs that send an agent's words begin with.
const SEND_KEY_PREFIX: &str = "send:";

/// A reply that was held before it is sent (`SEND_DELAY_SECONDS`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum ReplyJob {
    /// Let a reply that was held take its place in the ticket's lane towards Blip.
    Hold(HeldReply),
    /// Send a reply that was held.
    Send(HeldReply),
}

impl JobGroup for ReplyJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Hold(held) | Self::Send(held) => Some(held.ticket.clone()),
        }
    }
}

/// A reply that is held before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldReply {
    pub(crate) ticket: TicketId,
    pub(crate) channel: ChannelId,
    pub(crate) ts: MessageTs,
    pub(crate) user: SlackUserId,
}

impl ReplyJob {
    /// A reply is to be held until the given time. Those of a ticket are let go in their order.
    pub(crate) fn hold_reply(held: HeldReply, due: Timestamp) -> NewItem {
        let (lane, key) =
            (format!("hold:{}", held.ticket), format!("hold:{}:{}", held.channel, held.ts));
        Self::Hold(held).to_new_item(Lane::for_later(&lane), key, due)
    }

    /// A reply that was held is to be sent, in the order of the ticket's events.
    pub(crate) fn send_reply(held: HeldReply, now: Timestamp) -> NewItem {
        let key = format!("{SEND_KEY_PREFIX}{}:{}", held.channel, held.ts);
        let lane = Lane::Replies(held.ticket.clone());
        Self::Send(held).to_new_item(lane, key, now)
    }

    /// Whether the job with this key sends an agent's words: people wait for what becomes of it.
    pub(crate) fn is_send(key: &str) -> bool {
        key.starts_with(SEND_KEY_PREFIX)
    }
}
