//! Strict stand-ins for Slack and Blip, to test an application of either against.
//!
//! [`slack::Slack`] and [`blip::Blip`] are small HTTP servers on this machine, each with a model
//! of what the real platform would know. They refuse what the platform refuses, they forget and
//! repeat where it may, and they fail on demand ([`faults::Faults`]). What the application did that
//! the real platform would not have tolerated is in [`Host::violations`]: a test ends with a look at
//! it. They know nothing of the application under test: whatever they believe about the wire comes
//! from the platforms' own documents, so a mistake of the application cannot cancel itself out. The
//! README lists what they are strict about, with the sources; comments in the code cite the same
//! facts as sections of `slack.md` and `blip.md`, the notes that the stand-ins were written from.
//!
//! ```
//! use blip_slack_standins::faults::Fault;
//! use blip_slack_standins::slack::{Setup, Slack, User};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let slack = Slack::start(Setup::default()).await?;
//! slack.add_user(User::member("U1", "Ana Lima", "ana@example.com"));
//! slack.add_channel("C1", "support", &["U1"]);
//! // The next post takes effect, but its answer never comes.
//! slack.faults().next("chat.postMessage", Fault::LostAnswer);
//!
//! // Here your application would start, with slack.api_url() as the base of the Web API …
//! let post = reqwest::Client::builder().build()?.post(format!("{}/chat.postMessage", slack.api_url()))
//!     .bearer_auth(Setup::default().token)
//!     .json(&serde_json::json!({ "channel": "C1", "text": "Hello" }));
//! assert!(post.send().await.is_err());
//!
//! // … and here is what people see of it, and whether it kept Slack's rules.
//! assert_eq!(slack.cards("C1")[0].text, "Hello");
//! assert_eq!(slack.violations(), Vec::<String>::new());
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`slack`] | the workspace: Web API, events, clicks, Socket Mode; and the people in it |
//! | [`blip`] | the bot and its desk: messages, notifications, commands; and the customers |
//! | [`Host`] | what both can: deliver, fail, go down, come back, show what happened |
//! | [`faults`] | how calls go wrong |
//! | [`by_hand`] | the people's side over HTTP, for tests in any language |
//! | [`program`] | one stand-in as a program |

#![warn(unreachable_pub)]
#![expect(
    clippy::indexing_slicing,
    reason = "JSON answers null to an unknown key, and is written to only where it is an object"
)]

pub mod blip;
pub mod by_hand;
pub mod faults;
pub mod program;
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
