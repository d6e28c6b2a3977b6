//! Everything that knows Blip: its calls, its envelopes and its content types.
//!
//! Uses `model`; knows nothing of Slack or of the store.

mod card;
pub(crate) mod client;
pub mod content;
pub(crate) mod documents;
pub(crate) mod envelope;
pub(crate) mod error;
mod head;
mod lenient;
pub(crate) mod limits;
mod native;
mod object;
pub(crate) mod offer;
pub mod parse;
mod sensitive;
pub(crate) mod template;
pub mod text;

pub(crate) use client::{BlipClient, ReceiptLog};
pub(crate) use documents::{ContactDocument, OutgoingDocument, ReceiptDocument, TicketDocument};
pub(crate) use error::Error;
