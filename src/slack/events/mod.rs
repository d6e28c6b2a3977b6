//! What Slack sends: its signature, and payload → typed event. No calls.

pub mod dialog;
pub mod message;
pub mod parse;
pub(crate) mod verify;
pub(crate) mod workspace;
