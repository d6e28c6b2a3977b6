//! Strict models of the two platforms, for the demo, the tests and the benchmarks.
//!
//! [`slack::Slack`] and [`blip::Blip`] are small HTTP servers on this machine, each with a model
//! of what the real platform would know. They refuse what the platform refuses, they forget and
//! repeat where it may, and they fail on demand ([`faults::Faults`]). They know nothing of the
//! bridge: whatever they believe about the wire comes from `slack.md` and `blip.md` alone, so a
//! mistake of ours cannot cancel itself out.

#![warn(unreachable_pub)]
#![expect(
    clippy::indexing_slicing,
    reason = "JSON answers null to an unknown key, and is written to only where it is an object"
)]

pub mod blip;
pub mod by_hand;
pub mod faults;
pub mod slack;

mod courier;
mod host;
#[cfg(test)]
mod probe;
mod server;
mod time;
mod watched;
mod wire;

pub use courier::{Delivery, Policy};
pub use host::{Host, Model};
pub use wire::Exchange;

use serde::Serialize;
use serde_json::Value;

/// One request that a stand-in received.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// What was asked for: a Slack method, or a Blip path with the command's method and URI.
    pub method: String,
    /// When, in milliseconds since 1970 by the stand-in's time.
    pub at_ms: i64,
    /// What was sent along; the query of a request without a body.
    pub body: Value,
}

/// Why a person's deed is not possible: no such message, no such button, not in the channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(String);

impl Impossible {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
