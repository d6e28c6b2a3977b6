//! What Slack messages are to the bridge.

use crate::model::{ChannelId, MessageTs, SlackUserId, Thread, TicketId};

/// What a Slack message is to the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The root of a ticket's thread.
    Card,
    /// What a customer said.
    Customer,
    /// What an agent wrote to a customer.
    Reply,
    /// What an agent wrote to a customer who got a part of it only.
    PartOfReply,
    /// What an agent wrote to a customer, as long as there is time for second thoughts.
    Held,
    /// What stays in Slack.
    Note,
}

impl Role {
    /// Whether the customer has got it, or a part of it.
    pub(crate) fn is_sent(self) -> bool {
        matches!(self, Self::Reply | Self::PartOfReply)
    }
}

/// What the card of a ticket showed when it was last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnCard {
    /// The revision of the ticket that it showed.
    pub revision: i64,
    /// A hash of text and blocks.
    pub look: i64,
}

/// Ties a Slack message to a ticket and, where there is one, to a Blip message. A Slack message may
/// be tied to several Blip messages, one after the other, and a Blip message to several of Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ticket in whose thread the message stands, or whose card it is.
    pub ticket: TicketId,
    /// The channel that the message is in.
    pub channel: ChannelId,
    /// The message's time stamp.
    pub ts: MessageTs,
    /// What the message is.
    pub role: Role,
    /// Blip's id of the same message, without leading `fwd:`.
    pub blip_id: Option<String>,
    /// Who wrote it in Slack.
    pub user: Option<SlackUserId>,
}

impl Link {
    /// That of a ticket's card, which is the root of its thread.
    pub(crate) fn of_card(ticket: &TicketId, thread: &Thread) -> Self {
        Self {
            ticket: ticket.clone(),
            channel: thread.channel.clone(),
            ts: thread.root.clone(),
            role: Role::Card,
            blip_id: None,
            user: None,
        }
    }
}

/// What is known of the answers in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReplies {
    /// The root of the thread.
    pub(crate) root: MessageTs,
    /// How many of them are tied to a ticket.
    pub(crate) count: u32,
    /// The newest of these.
    pub(crate) latest: MessageTs,
}
