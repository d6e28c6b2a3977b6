//! The names of every button, field, list and dialog, and what they carry.
//!
//! They live in Slack for weeks: a card that was posted before an update still has its buttons.

use crate::model::TransferTarget;

/// The names of our buttons, and what each carries.
pub(crate) mod action {
    /// Claims the ticket that the button carries.
    pub(crate) const CLAIM: &str = "claim";
    /// Claims the ticket that the button carries, even from another agent.
    pub(crate) const TAKE_OVER: &str = "take_over";
    /// Releases the ticket that the button carries.
    pub(crate) const RELEASE: &str = "release";
    /// Asks how to close the ticket that the button carries.
    pub(crate) const CLOSE: &str = "close";
    /// Asks where to hand the ticket on that the button carries.
    pub(crate) const TRANSFER: &str = "transfer";
    /// The menu on a card with all that needs a dialog; each entry is the name of one.
    pub(crate) const MORE: &str = "more";
    /// Keeps a message from being sent, as far as there is still time.
    pub(crate) const NOTE: &str = "note";
    /// Sends the message that the button carries, before its ticket, to the customer.
    pub(crate) const SEND: &str = "send";
    /// Claims the ticket and sends the message that the button carries, before its ticket.
    pub(crate) const TAKE_OVER_AND_SEND: &str = "take_over_and_send";
    /// Leaves the message that the button carries, before its ticket, a note.
    pub(crate) const KEEP: &str = "keep";
    /// Sends the message that the button carries, before its ticket, again as it is now.
    pub(crate) const CORRECT: &str = "correct";
    /// Puts the parked item that the button carries, before its ticket, back.
    pub(crate) const RETRY: &str = "retry";
    /// Sends the failed message that the button carries, before its ticket, once more.
    pub(crate) const RESEND: &str = "resend";
    /// Gives the parked item that the button carries, before its ticket, up.
    pub(crate) const SKIP: &str = "skip";
}

/// The elements of our dialogs.
pub(crate) mod element {
    /// Where a ticket is handed on to.
    pub(crate) const DESTINATION: &str = "destination";
    /// A ticket's tags.
    pub(crate) const TAGS: &str = "tags";
    /// Which canned reply.
    pub(crate) const REPLY: &str = "canned_reply";
    /// What the customer is told.
    pub(crate) const MESSAGE_TEXT: &str = "words";
}

/// The name of the second page.
pub(crate) const SEND_CALLBACK_ID: &str = "compose_send";
/// The list from which the kind is chosen.
pub(crate) const KIND_ACTION_ID: &str = "compose_kind";

/// The command.
pub(crate) const SLASH_COMMAND: &str = "/blip";

/// A dialog of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// To close the ticket, with tags and a farewell.
    Close,
    /// To hand the ticket on.
    Transfer,
    /// To change its tags.
    Tags,
    /// To send a canned reply; once one is chosen, with its id.
    Reply(Option<String>),
    /// To compose something that is more than words, of this kind.
    Compose(ComposeKind),
    /// The customer's earlier tickets, and what was said.
    History,
    /// All that is known of the ticket.
    Details,
}

/// A list from which people choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ChoiceList {
    /// Teams and agents.
    Destinations,
    /// Tags.
    Tags,
    /// Canned replies.
    Replies,
}

/// What can be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComposeKind {
    /// A question with a few answers as buttons.
    Quick,
    /// A question with a list of answers.
    Menu,
    /// A place on the map.
    Place,
    /// A link with what is known of its target.
    Link,
}

impl Dialog {
    /// The name that menus, shortcuts and submissions carry.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Transfer => "transfer",
            Self::Tags => "tags",
            Self::Reply(_) => "reply",
            Self::Compose(_) => "compose",
            Self::History => "history",
            Self::Details => "details",
        }
    }

    /// Reads [`Dialog::name`] back.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Close,
            Self::Transfer,
            Self::Tags,
            Self::Reply(None),
            Self::Compose(ComposeKind::Quick),
            Self::History,
            Self::Details,
        ];
        all.into_iter().find(|dialog| dialog.name() == name)
    }
}

impl ChoiceList {
    pub(crate) fn from_element(element: &str) -> Option<Self> {
        match element {
            element::DESTINATION => Some(Self::Destinations),
            element::TAGS => Some(Self::Tags),
            element::REPLY => Some(Self::Replies),
            _ => None,
        }
    }
}

impl ComposeKind {
    pub(crate) const ALL: [Self; 4] = [Self::Quick, Self::Menu, Self::Place, Self::Link];

    /// The name that comes back when it is chosen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Menu => "menu",
            Self::Place => "place",
            Self::Link => "link",
        }
    }

    /// Reads [`ComposeKind::name`] back.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What the value of a team begins with.
pub(crate) const TEAM_PREFIX: &str = "team:";
/// What the value of an agent begins with; the identity follows, and after a blank the name.
pub(crate) const AGENT_PREFIX: &str = "agent:";

/// Reads to whom a ticket is to be handed on.
pub(crate) fn parse_destination(value: &str) -> Option<TransferTarget> {
    if let Some(team) = value.strip_prefix(TEAM_PREFIX) {
        return Some(TransferTarget::Team(team.to_owned()));
    }
    let agent = value.strip_prefix(AGENT_PREFIX)?;
    let (identity, name) = agent.split_once(' ').unwrap_or((agent, agent));
    Some(TransferTarget::Agent { identity: identity.to_owned(), name: name.to_owned() })
}
