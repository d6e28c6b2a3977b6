//! The order keys of items, and where items come from.

use crate::model::{ChannelId, MessageTs, TicketId};

/// Who sent an item: Blip, Slack, or the bridge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Blip: notifications and messages, as it posted them.
    Blip,
    /// Slack: events, presses and dialogs, by HTTP or Socket Mode.
    Slack,
    /// What the bridge set itself to do: the card, marks, checks.
    Internal,
}

impl Source {
    /// All who send items.
    pub(crate) const ALL: [Self; 3] = [Self::Blip, Self::Slack, Self::Internal];

    /// The word used in the store and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blip => "blip",
            Self::Slack => "slack",
            // As it has been stored since the first release; it has nothing to do with Blip Desk.
            Self::Internal => "desk",
        }
    }

    /// Reads back what [`Source::name`] gave.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// The order key of an item: items of one lane are handled one at a time, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A ticket's lane towards Slack: what happens at Blip, in the order in which it is shown.
    Ticket(TicketId),
    /// A ticket's lane towards Blip: what people do in Slack, in the order in which they did it.
    Replies(TicketId),
    /// Everything about a Slack message. The store turns this into [`Lane::Replies`] as soon as
    /// the message is linked to a ticket, also for items that wait already.
    Message(ChannelId, MessageTs),
    /// A lane of its own, for what belongs to no ticket or must not delay one.
    Own(String),
}

impl Lane {
    /// The name under which the store keeps it.
    pub fn name(&self) -> String {
        match self {
            Self::Ticket(id) => format!("ticket:{id}"),
            Self::Replies(id) => format!("reply:{id}"),
            Self::Message(channel, ts) => format!("slack:{channel}:{ts}"),
            Self::Own(name) => format!("own:{name}"),
        }
    }

    /// The ticket of the lane with this name, if it is one of a ticket's two.
    pub(crate) fn ticket_of(name: &str) -> Option<TicketId> {
        match Self::parse(name)? {
            Self::Ticket(id) | Self::Replies(id) => Some(id),
            Self::Message(..) | Self::Own(_) => None,
        }
    }

    /// Both lanes of a ticket.
    pub(crate) fn both_of(ticket: &TicketId) -> [Self; 2] {
        [Self::Ticket(ticket.clone()), Self::Replies(ticket.clone())]
    }

    /// A lane of its own for something that is set for later: it does not count as waiting
    /// ([`super::Store::inbox_depth`]).
    pub(crate) fn for_later(name: &str) -> Self {
        Self::Own(format!("later:{name}"))
    }

    /// Whether a lane's name is that of one for something that is set for later.
    pub(crate) fn is_later(name: &str) -> bool {
        name.starts_with("own:later:")
    }

    /// Reads back what [`Lane::name`] gave; none if no lane has such a name.
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once(':')?;
        match kind {
            "ticket" => TicketId::parse(rest).map(Self::Ticket),
            "reply" => TicketId::parse(rest).map(Self::Replies),
            "slack" => {
                let (channel, ts) = rest.split_once(':')?;
                Some(Self::Message(ChannelId::parse(channel)?, MessageTs::parse(ts)?))
            }
            "own" => Some(Self::Own(rest.to_owned())),
            _ => None,
        }
    }
}
