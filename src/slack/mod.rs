//! Everything that knows Slack: its calls, its events, its text and how a ticket looks there.
//!
//! Uses `model` and the texts that people read; knows nothing of Blip or of the store.

pub mod card;
pub mod client;
pub mod emoji;
pub mod error;
pub mod mrkdwn;
pub mod parse;
pub mod render;
pub mod rich_text;
mod transport;
pub mod verify;

pub use client::{Client, Post, Posted, Profile};
pub use error::Error;
