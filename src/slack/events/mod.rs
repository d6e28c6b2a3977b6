//! What Slack sends: its signature, and payload → typed event. No calls.

pub(crate) mod attachment;
pub(crate) mod command;
pub(crate) mod dialog;
mod json;
pub mod message;
pub(crate) mod missed;
pub mod parse;
pub(crate) mod requester;
pub(crate) mod shown;
pub(crate) mod switches;
pub(crate) mod verify;
