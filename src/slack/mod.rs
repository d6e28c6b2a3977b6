//! Everything that knows Slack: its calls, its events, its text and how a ticket looks there.
//!
//! Uses `model` and the texts that people read; knows nothing of Blip or of the store.

pub mod bounds;
pub mod card;
pub mod client;
pub mod compose;
pub mod dialog;
mod directory;
pub mod emoji;
pub mod error;
pub mod files;
mod find;
mod health;
pub mod home;
pub mod mask;
mod members;
pub mod message;
pub mod modal;
pub mod mrkdwn;
pub mod parse;
mod renames;
pub mod render;
pub mod rich_text;
pub mod socket;
mod transport;
pub mod verify;
pub mod workspace;

pub use client::{Post, Posted, SlackClient};
pub use directory::Profile;
pub use error::Error;
pub use files::Upload;
pub use health::ChannelAccess;
pub use mask::{Mask, MaskedAnswer};
pub use members::AgentStatus;
pub use renames::ChannelRenames;

/// The names of our buttons, and what each carries.
pub mod action {
    /// Claims the ticket that the button carries.
    pub const CLAIM: &str = "claim";
    /// Claims the ticket that the button carries, even from another agent.
    pub const TAKE_OVER: &str = "take_over";
    /// Releases the ticket that the button carries.
    pub const RELEASE: &str = "release";
    /// Asks how to close the ticket that the button carries.
    pub const CLOSE: &str = "close";
    /// Asks where to hand the ticket on that the button carries.
    pub const TRANSFER: &str = "transfer";
    /// The menu on a card with all that needs a dialog; each entry is the name of one.
    pub const MORE: &str = "more";
    /// Keeps a message from being sent, as far as there is still time.
    pub const NOTE: &str = "note";
    /// Sends the message that the button carries, before its ticket, to the customer.
    pub const SEND: &str = "send";
    /// Claims the ticket and sends the message that the button carries, before its ticket.
    pub const TAKE_OVER_AND_SEND: &str = "take_over_and_send";
    /// Leaves the message that the button carries, before its ticket, a note.
    pub const KEEP: &str = "keep";
    /// Sends the message that the button carries, before its ticket, again as it is now.
    pub const CORRECT: &str = "correct";
    /// Puts the parked item that the button carries, before its ticket, back.
    pub const RETRY: &str = "retry";
    /// Sends the failed message that the button carries, before its ticket, once more.
    pub const RESEND: &str = "resend";
    /// Gives the parked item that the button carries, before its ticket, up.
    pub const SKIP: &str = "skip";
}
