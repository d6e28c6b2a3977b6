//! The body of a request, and what its head says of it.

use axum::body::Body;
use axum::http::HeaderMap;
use http_body_util::LengthLimitError;
use tower_http::timeout::TimeoutError;

use super::error::Error;
use super::server::BodyMemoryFull;

/// The largest body that is taken, in bytes. Neither platform documents a limit; what they send
/// is far smaller, as files come as links.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Reads a body that is not larger than [`BODY_LIMIT`].
pub(super) async fn read_body(body: Body) -> Result<Vec<u8>, Error> {
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(to_body_error(&error)),
    }
}

/// Why a body could not be read.
fn to_body_error(error: &axum::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error {
            // The layers wrap each other's errors, so the reason is somewhere below the first one.
            error if error.is::<TimeoutError>() => return Error::TooSlow,
            error if error.is::<BodyMemoryFull>() => return Error::TooMuch,
            error if error.is::<LengthLimitError>() => return Error::TooLarge,
            error => cause = error.source(),
        }
    }
    Error::Unreadable
}

/// The media type of a request without its parameters, in lower case; empty if it has none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(axum::http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.and_then(|v| v.split(';').next()).unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Names of the headers of a request that was turned away, for the operator's log: a token may be
/// in another one than expected. Never their values, and no more of them than a platform sends.
pub(super) fn header_names(headers: &HeaderMap) -> String {
    let names = headers.keys().map(axum::http::HeaderName::as_str);
    names.filter(|name| name.len() <= 40).take(30).collect::<Vec<_>>().join(" ")
}
