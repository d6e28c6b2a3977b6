//! Everything that knows Slack: its calls, its events, its text and how a ticket looks there.
//!
//! Uses `model` and the texts that people read; knows nothing of Blip or of the store.

pub(crate) mod api;
pub(crate) mod events;
pub mod socket;
pub(crate) mod text;
pub(crate) mod views;

pub use api::client::{Post, Posted, SlackClient};
pub(crate) use api::error::Error;
pub(crate) use api::files;
pub use api::files::Upload;
pub(crate) use api::mask::{Mask, MaskedAnswer};
pub(crate) use api::{AgentStatus, Profile};
pub use events::{dialog, message, parse};
pub(crate) use events::{verify, workspace};
pub use text::{emoji, mrkdwn, rich_text};
pub(crate) use views::{bounds, compose};
pub use views::{card, home, modal, render};

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
