//! Everything that knows Blip: its calls, its envelopes and its content types.
//!
//! Uses `model`; knows nothing of Slack or of the store.

mod card;
pub mod client;
pub mod content;
pub mod envelope;
pub mod error;
mod head;
mod lenient;
pub mod limits;
mod native;
mod object;
pub mod offer;
pub mod parse;
mod sensitive;
pub mod text;

pub use client::{BlipClient, ReceiptLog};
pub use error::Error;
