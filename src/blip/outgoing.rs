//! What goes to a customer.

use std::borrow::Cow;

use serde_json::Value;

/// A document for a customer: a type of LIME's and its content.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingDocument {
    /// The media type, as `application/vnd.lime.media-link+json`.
    pub(crate) kind: Cow<'static, str>,
    pub(super) content: Value,
}
