//! Socket Mode: events come over a connection that we open, for installations that Slack cannot
//! reach (`slack.md` B.3).
//!
//! One connection is enough; before Slack closes it, a second one is open. Payloads are those of
//! the requests that Slack sends otherwise, and are handed on without being looked at. Knows
//! neither the inbox nor what an event means.
//!
//! Invariant: while one connection is replaced by the next, nothing is lost
//! (`a_refresh_in_the_middle_of_a_burst_loses_nothing_and_says_nothing_twice`).

mod connection;
mod frame;
mod handshake;
mod health;
mod payload;
mod run;
mod timing;

pub use health::SocketHealth;
pub use payload::{PayloadNotStored, PayloadResult, PayloadTaker};
pub use run::Socket;
pub(crate) use run::request_connection_url;
pub use timing::SocketTiming;
