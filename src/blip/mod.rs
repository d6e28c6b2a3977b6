//! Everything that knows Blip: its calls, its envelopes and its content types.
//!
//! Uses `model`; knows nothing of Slack or of the store.

mod card;
mod carried_ticket;
pub(crate) mod client;
pub(crate) mod contact;
pub mod content;
pub(crate) mod desk;
pub(crate) mod documents;
pub(crate) mod envelope;
pub(crate) mod error;
mod head;
mod hours;
pub(crate) mod key;
mod lenient;
pub(crate) mod lime;
pub(crate) mod limits;
mod media_link;
mod native;
mod object;
pub(crate) mod offer;
mod outgoing;
pub mod parse;
mod reader;
mod sensitive;
pub(crate) mod template;
pub mod text;
mod transport;

pub(crate) use client::{BlipClient, ReceiptLog};
pub(crate) use contact::ContactDocument;
pub(crate) use documents::{ReceiptDocument, TicketDocument};
pub(crate) use error::Error;
pub(crate) use outgoing::OutgoingDocument;
pub(crate) use transport::BlipAccess;
