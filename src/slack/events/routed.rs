//! What an event is about, for whoever only has to put it in order.

use crate::model::{ChannelId, MessageTs, SlackEvent, TicketId};

/// An event and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutedSlackEvent {
    /// What makes it the same event as another one, whatever delivery id it came with.
    pub key: String,
    /// The message whose ticket it belongs to: the root of a thread, the message reacted to.
    pub(crate) about: Option<(ChannelId, MessageTs)>,
    /// The ticket it belongs to, where a button of ours says so.
    pub(crate) ticket: Option<TicketId>,
    pub(crate) event: SlackEvent,
}
