//! What arrives over a connection, and what becomes of it.

use futures_util::future::BoxFuture;
use serde_json::Value;

/// Takes what arrives. In the bridge that is the door that takes Slack's requests over HTTP
/// (`intake/slack.rs`): a payload means the same whichever way it came.
pub trait PayloadTaker: Send + Sync {
    /// Takes a payload; resolves to what is answered, which is nothing in most cases. It is acknowledged
    /// only then.
    fn take_payload(&self, payload: Vec<u8>) -> BoxFuture<'_, PayloadResult>;
}

/// What becomes of a payload.
pub type PayloadResult = Result<Option<Value>, PayloadNotStored>;

/// A payload could not be kept and has to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not taken")]
pub struct PayloadNotStored;
