//! What is answered to a request that is not taken.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// No token or signature, or a wrong one.
    #[error("unauthorized")]
    Unauthorized,
    /// There is no such bot.
    #[error("no such bot")]
    NoSuchBot,
    /// Slack is connected over Socket Mode and has no business here.
    #[error("slack is connected over Socket Mode")]
    SocketMode,
    /// The body is not JSON, or not of an envelope's form.
    #[error("not an event in JSON")]
    NotAnEvent,
    /// The body could not be read to its end.
    #[error("body unreadable")]
    Unreadable,
    /// The body did not come in time.
    #[error("body too slow")]
    TooSlow,
    /// Others send large bodies at the same time.
    #[error("too much at once, please try again")]
    TooMuch,
    /// The body is over the limit.
    #[error("body too large")]
    TooLarge,
    /// The body is of a kind that we do not take.
    #[error("unsupported media type")]
    UnsupportedType,
    /// The store failed; the sender is to try again.
    #[error("not stored, please try again")]
    NotStored,
}

impl Error {
    fn status_code(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoSuchBot | Self::SocketMode => StatusCode::NOT_FOUND,
            Self::NotAnEvent | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMuch | Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status_code(), self.to_string()).into_response();
        let header = match self {
            Self::NotStored => (RETRY_AFTER, HeaderValue::from_static("5")),
            Self::TooMuch => (RETRY_AFTER, HeaderValue::from_static("1")),
            // A wrong secret or clock may be mended before Slack's last repeat.
            Self::Unauthorized | Self::SocketMode | Self::TooSlow => return response,
            // A repeat would be turned away again; Slack stops repeating when it sees this.
            Self::NoSuchBot
            | Self::NotAnEvent
            | Self::Unreadable
            | Self::TooLarge
            | Self::UnsupportedType => {
                (HeaderName::from_static("x-slack-no-retry"), HeaderValue::from_static("1"))
            }
        };
        response.headers_mut().insert(header.0, header.1);
        response
    }
}
