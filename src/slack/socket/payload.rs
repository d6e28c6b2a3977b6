//! What arrives over a connection, and what becomes of it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

/// Takes a payload; resolves to what is answered, which is nothing in most cases.
pub type PayloadHandler = Arc<dyn Fn(Vec<u8>) -> BoxFuture<'static, PayloadResult> + Send + Sync>;

/// What becomes of a payload.
pub(crate) type PayloadResult = Result<Option<Value>, PayloadNotStored>;

/// A payload could not be kept and has to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not taken")]
pub struct PayloadNotStored;
