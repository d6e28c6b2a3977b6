//! Threads: a new one for a ticket that has lost its own, and what is posted into one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::JobGroup;
use super::lines::LineToSay;
use crate::model::{ChannelId, MessageTs, Thread, TicketId};
use crate::store::{Lane, NewItem};

/// Work on a ticket's thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub(crate) enum ThreadJob {
    /// Show what was said before the handoff.
    Context { ticket: TicketId },
    /// Tell the agent to whom a ticket was handed.
    Handed(TransferNotice),
    /// Give a ticket a new thread, unless it has one by now.
    Move {
        ticket: TicketId,
        /// The root of the thread that is lost.
        root: MessageTs,
        /// Whether its whole channel is lost.
        with_channel: bool,
    },
    /// Take a post back that was made a second time.
    Doubled(DoubledPost),
    /// Tell a ticket's thread of what was done towards Blip.
    Say(LineToSay),
}

impl JobGroup for ThreadJob {
    fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::Context { ticket } | Self::Move { ticket, .. } => Some(ticket.clone()),
            Self::Handed(notice) => Some(notice.ticket.clone()),
            Self::Doubled(doubled) => Lane::ticket_of(&doubled.lane),
            Self::Say(said) => Some(said.ticket.clone()),
        }
    }
}

/// A ticket was handed to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferNotice {
    /// The ticket that the agent is to take.
    pub(crate) ticket: TicketId,
    /// Blip's identity of the agent.
    pub(crate) to: String,
    pub(crate) name: String,
    /// The name of the one who handed it on.
    pub(crate) by: String,
}

/// A post that was made while another instance had its event, and may have made it as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoubledPost {
    pub(crate) channel: ChannelId,
    /// The root of the thread that it belongs in, if it does in one.
    pub(crate) root: Option<MessageTs>,
    #[serde(flatten)]
    pub(crate) post: SecondPost,
    /// Since when the other one may be there, in milliseconds since 1970.
    pub(crate) since: i64,
    /// The lane of the event for which it was posted; empty if its customer was erased.
    #[serde(default)]
    pub(crate) lane: String,
    /// The key of that event, by which it is looked for in its lane.
    #[serde(default)]
    pub(crate) key: String,
}

/// What may have been posted twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SecondPost {
    Message {
        ts: MessageTs,
        /// What both posts can be found by.
        delivery: String,
        /// Whether it goes by a name of its own, and so cannot be deleted.
        is_named: bool,
        /// Whether it is a ticket's card, which is tied to the ticket if it is the one to stay.
        #[serde(default)]
        is_card: bool,
    },
    /// Each instance has brought a file of its own; Slack does not name the message that shows it.
    File { file: String },
}

impl ThreadJob {
    /// What the keys of jobs that tell a thread something begin with.
    pub(crate) const SAY_KEY_PREFIX: &str = "say:";

    /// A ticket's thread is to be told something, in the order of what goes to Slack. The key is made of
    /// the event that it tells of: it is said once, however often that is handled.
    pub(crate) fn say_line(said: LineToSay, now: Timestamp) -> NewItem {
        let key = format!("{}{}:{}", Self::SAY_KEY_PREFIX, said.ticket, said.delivery);
        let lane = Lane::Ticket(said.ticket.clone());
        Self::Say(said).to_new_item(lane, key, now)
    }

    /// A post is to be taken back if it is there a second time.
    pub(crate) fn remove_doubled_post(doubled: DoubledPost, due: Timestamp) -> NewItem {
        let what = match &doubled.post {
            SecondPost::Message { ts, .. } => ts.as_str(),
            SecondPost::File { file } => file,
        };
        let key = format!("doubled:{}:{what}", doubled.channel);
        Self::Doubled(doubled).to_new_item(Lane::Own(key.clone()), key, due)
    }

    /// What was said before the handoff is to be shown.
    pub(crate) fn show_context(ticket: &TicketId, now: Timestamp) -> NewItem {
        let key = format!("context:{ticket}");
        Self::Context { ticket: ticket.clone() }.to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// The agent to whom a ticket was handed is to be told.
    pub(crate) fn announce_transfer(handed: TransferNotice, now: Timestamp) -> NewItem {
        let key = format!("handed:{}", handed.ticket);
        Self::Handed(handed).to_new_item(Lane::Own(key.clone()), key, now)
    }

    /// A ticket that has lost its thread, or even the channel of it, is to have a new one.
    pub(crate) fn move_thread(
        ticket: &TicketId,
        lost: &Thread,
        with_channel: bool,
        now: Timestamp,
    ) -> NewItem {
        // Both lanes of a ticket may find the same thread lost
        // (`two_who_find_a_thread_lost_at_the_same_time_make_one_new_one`).
        let key = format!("move:{ticket}:{}", lost.root);
        let (id, root) = (ticket.clone(), lost.root.clone());
        let job = Self::Move { ticket: id, root, with_channel };
        job.to_new_item(Lane::Ticket(ticket.clone()), key, now)
    }
}
