//! What happened, already checked: the events of both sides.

use super::agent_message::AgentMessage;
use super::button::Button;
use super::contact::ContactChange;
use super::content::{Content, Offer, RichText};
use super::ids::{ChannelId, MessageTs, SlackUserId, TicketId};
use super::moves::Move;
use super::template::FilledTemplate;
use super::ticket::TicketSnapshot;

/// Something that happened at Blip.
#[derive(Clone, Debug, PartialEq)]
pub enum BlipEvent {
    /// A ticket is new or has changed its status.
    Ticket(Box<TicketSnapshot>),
    /// The customer said something.
    Message {
        /// The ticket that it belongs to.
        ticket: TicketId,
        /// The node to answer to, verbatim.
        address: String,
        /// Blip's message id without any leading `fwd:`; absent if it sent none.
        id: Option<String>,
        /// The id exactly as it was delivered, as Blip wants it in receipts (`blip.md` §5).
        delivered_id: Option<String>,
        /// The content, as read from LIME.
        content: Content,
        /// Whether we have fetched it after words of the same customer that nobody delivered.
        is_after_gap: bool,
    },
    /// Blip tells what became of a message of ours.
    Receipt {
        /// The ticket that it belongs to.
        ticket: TicketId,
        /// Our message id, without any leading `fwd:`.
        id: String,
        /// What became of it.
        kind: ReceiptKind,
        /// Why it failed: code and description.
        reason: Option<(i64, String)>,
        /// Whether we asked for it: it proves nothing of whether Blip tells by itself.
        is_requested: bool,
    },
    /// Somebody who leads the team has ended the standby of a ticket at Blip.
    StandbyEnd {
        /// The ticket that is not on standby any more.
        ticket: TicketId,
    },
    /// Nothing that anybody needs to see, such as the customer typing.
    Quiet,
    /// Well-formed, but of a kind we do not know.
    Unknown {
        /// Its type, as sent.
        kind: String,
    },
}

/// What became of a message that we sent to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// Blip has taken it, which says nothing of the customer.
    Accepted,
    /// The customer's device has it.
    Received,
    /// The customer has read it.
    Consumed,
    /// It will not arrive.
    Failed,
}

impl BlipEvent {
    /// Whether a message of ours has come further than to Blip.
    pub(crate) fn is_arrival(&self) -> bool {
        // Without `Accepted`: Blip's `202` says only that it has taken the message (`blip.md`
        // §1.1).
        let arrivals = [ReceiptKind::Received, ReceiptKind::Consumed];
        matches!(self, Self::Receipt { kind, .. } if arrivals.contains(kind))
    }

    /// Whether nothing more is to be heard of a message of ours after this.
    pub(crate) fn is_last_receipt(&self) -> bool {
        let last = ReceiptKind::Consumed;
        matches!(self, Self::Receipt { kind, .. } if *kind == last || *kind == ReceiptKind::Failed)
    }
}

/// Something that a person did in Slack.
#[derive(Clone, Debug, PartialEq)]
pub enum SlackEvent {
    /// A message was written in a thread.
    Message {
        /// The channel in which it happened.
        channel: ChannelId,
        /// The message's own time stamp.
        ts: MessageTs,
        /// The root of the thread it stands in.
        thread: MessageTs,
        /// The person who wrote it, an agent or not.
        user: SlackUserId,
        /// The message, as Slack tells it.
        message: AgentMessage,
        /// What tells this version of it from its others; empty for the first.
        version: String,
    },
    /// A message was written in a thread that is too large to be read.
    Oversized {
        /// The channel in which it happened.
        channel: ChannelId,
        /// The message's own time stamp.
        ts: MessageTs,
        /// The root of the thread it stands in.
        thread: MessageTs,
        /// The person who wrote it, an agent or not.
        user: SlackUserId,
    },
    /// The writer changed what a message says.
    Edited {
        /// The channel in which it happened.
        channel: ChannelId,
        /// The message that was changed.
        ts: MessageTs,
        /// The root of the thread it stands in, or the message itself.
        thread: MessageTs,
        /// The person who changed it, an agent or not.
        user: SlackUserId,
    },
    /// A message was deleted.
    Deleted {
        /// The channel in which it happened.
        channel: ChannelId,
        /// The message that is gone.
        ts: MessageTs,
        /// The root of the thread it stood in, or the message itself.
        thread: MessageTs,
    },
    /// A reaction was put on a message or taken away.
    Reaction {
        /// The channel in which it happened.
        channel: ChannelId,
        /// The message it is on.
        ts: MessageTs,
        /// Who put it on, or took it off.
        user: SlackUserId,
        /// The emoji's name, without skin tone.
        name: String,
        /// Put on, or taken away.
        added: bool,
    },
    /// A button of ours was pressed, or a shortcut of ours was used on a message.
    Click(Click),
    /// A dialog of ours was filled in.
    Submitted(Submission),
    /// Somebody wrote in a channel, outside of any thread: what they wrote is none of ours.
    Outside {
        /// The channel in which it was written.
        channel: ChannelId,
        /// The person who wrote it, an agent or not.
        user: SlackUserId,
        /// Slack's time stamp of it.
        ts: MessageTs,
    },
    /// Nothing of ours: our own posts, other bots, joins, unfurls.
    NotOurs,
    /// Well-formed, but of a kind we do not know.
    Unknown {
        /// Its type, as sent.
        kind: String,
    },
}

/// An event of Slack's and what it is about, for whoever only has to put it in order.
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

/// What Slack sent, as it is read when its turn comes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredSlackEvent {
    /// What happened; nothing if it was no event, such as a search for options.
    pub(crate) routed: Option<RoutedSlackEvent>,
    /// When it happened, by Slack's clock: a message when it was written, a reaction or a press when it
    /// was made. Of a dialog that was handed in Slack does not tell.
    pub(crate) happened: Option<MessageTs>,
    /// What Slack calls the workspace of who did it.
    pub(crate) workspaces: Vec<String>,
}

/// A button of ours was pressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Click {
    pub(crate) user: SlackUserId,
    pub(crate) button: Button,
    /// The message that shows the button, or that the shortcut was used on; none on a home tab.
    pub(crate) on: Option<(ChannelId, MessageTs)>,
    /// Where the message that shows the button can be replaced, for 30 minutes and five times.
    pub(crate) response_url: Option<String>,
    /// Whether a shortcut was used: the message that it was used on is nothing to be replaced.
    pub(crate) is_shortcut: bool,
    /// The view that shows the button, if no message does.
    pub(crate) view: Option<PressedView>,
}

/// A view in which a button was pressed, and how its presser can be answered there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PressedView {
    /// A home tab: a dialog opens over it, by a trigger that lives for 3 s and works once.
    Home(String),
    /// A dialog, which can show something else.
    Dialog(String),
}

/// A dialog of ours was filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Who filled it in.
    pub(crate) user: SlackUserId,
    /// The ticket that it is about.
    pub(crate) ticket: TicketId,
    /// What was filled in.
    pub(crate) form: SubmittedForm,
}

/// What was filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum SubmittedForm {
    /// To make this move.
    Move(Move),
    /// To send these words to the customer.
    Reply(RichText, WhenHeld),
    /// To send this to the customer.
    Offer(Offer, WhenHeld),
    /// To send this template to the customer.
    Template(FilledTemplate),
    /// To change this of what the contact book has on the customer.
    Contact(ContactChange),
    /// To note this about the customer in the contact book.
    Comment(String),
}

/// What somebody who writes to a customer wants if another agent holds the ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenHeld {
    /// They were not asked: nothing goes out.
    #[default]
    Refuse,
    /// It goes out, and the ticket stays with its holder.
    Send,
    /// They take the ticket over.
    TakeOver,
}
