//! `GET`, `HEAD /media/{token}`: one file of Slack's, for whoever was sent its address.
//!
//! What a token is worth is decided elsewhere; here it becomes HTTP. Nothing is rendered in our
//! name: what a browser would run is saved instead.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, RANGE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::downloads::{Download, Downloads};
use super::rejected_requests::RejectedRequestLog;
use super::server::Peer;
use crate::media::{ExpectedFile, FileRequest, FileUnavailable, ServedFile};
use crate::telemetry::FileOnItsWay;

/// Kinds that are shown where they are; all others are saved.
const INLINE_TYPES: [&str; 3] = ["audio/", "image/", "video/"];

/// Finds the file behind an address of ours: the one thing here that is answered by asking somebody
/// else. `handlers/outgoing/agent_files.rs` does, which makes the addresses, too.
pub(crate) trait FileProvider: Send + Sync {
    /// The file, or why nobody gets it.
    fn provide_file(
        &self,
        wanted: FileRequest,
    ) -> BoxFuture<'_, Result<ServedFile, FileUnavailable>>;
}

pub(crate) struct MediaDoor {
    pub(crate) files: Arc<dyn FileProvider>,
    /// How many files are handed out at once.
    pub(crate) downloads: Downloads,
    /// What would fill the log if strangers had their way.
    pub(crate) rejected_log: RejectedRequestLog,
}

/// Hands one file out.
#[tracing::instrument(level = "error", name = "request", skip_all, fields(from = "media"))]
pub(super) async fn serve_file(
    State(door): State<Arc<MediaDoor>>,
    Path(token): Path<String>,
    peer: Option<Extension<Peer>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let mut on_its_way = FileOnItsWay::begin("slack");
    let Some(download) =
        door.downloads.begin_download(peer.map(|Extension(Peer(peer))| peer), &token)
    else {
        on_its_way.end_as("busy");
        if let Some(times) = door.rejected_log.busy_downloads.note_occurrence() {
            tracing::warn!(times, "too many files are read at once; a further one is put off");
        }
        return refuse_download(FileUnavailable::Later);
    };
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    // Several parts at once would come back as one body of another type, with the file's bytes
    // inside.
    let range = range.filter(|range| is_one_part(range)).map(str::to_owned);
    let wanted = FileRequest { token, range, bytes: method == Method::GET };
    let served = match door.files.provide_file(wanted).await {
        Ok(handout) => build_file_response(handout, (download, on_its_way)).await,
        Err(withheld) => Err((withheld, on_its_way)),
    };
    served.unwrap_or_else(|(withheld, mut on_its_way)| {
        match withheld.code() {
            Some(code) => on_its_way.end_as(code),
            // A guessed address is no file.
            None => on_its_way.forget(),
        }
        refuse_download(withheld)
    })
}

fn refuse_download(withheld: FileUnavailable) -> Response {
    match withheld {
        FileUnavailable::Unknown => (StatusCode::NOT_FOUND, "there is no such file\n"),
        FileUnavailable::Gone => (StatusCode::GONE, "this file is no longer there\n"),
        FileUnavailable::Later => {
            let again = [(RETRY_AFTER, HeaderValue::from_static("10"))];
            return (StatusCode::SERVICE_UNAVAILABLE, again, "please try again\n").into_response();
        }
    }
    .into_response()
}

async fn build_file_response(
    handout: ServedFile,
    (download, on_its_way): (Download, FileOnItsWay),
) -> Result<Response, (FileUnavailable, FileOnItsWay)> {
    let ServedFile { name, mime, size, fetched } = handout;
    let mut headers = build_file_headers(&name, &mime);
    let mut put = |name: HeaderName, value: String| {
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    };
    // `HEAD`: what is known of the file is told without asking Slack for its bytes.
    let Some(fetched) = fetched else {
        if let Some(size) = size {
            put(CONTENT_LENGTH, size.to_string());
        }
        on_its_way.forget();
        return Ok((headers, Body::empty()).into_response());
    };
    let status = fetched.status();
    let length = fetched.content_length();
    if let Some(length) = length {
        put(CONTENT_LENGTH, length.to_string());
    }
    if let Some(range) = fetched.content_range() {
        put(CONTENT_RANGE, range.to_owned());
    }
    let bytes = fetched.into_checked_bytes(ExpectedFile { mime: Some(&mime), size }).await;
    let Ok(bytes) = bytes else { return Err((FileUnavailable::Later, on_its_way)) };
    let bytes = download.hold_during(bytes, length, on_its_way);
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// What is said of a file, whichever part of it is wanted.
fn build_file_headers(name: &str, mime: &str) -> HeaderMap {
    // SVG is a picture that may carry scripts, which would run in our name.
    let shown = INLINE_TYPES.iter().any(|kind| mime.starts_with(kind)) && !mime.contains("svg");
    let manner = if shown { "inline" } else { "attachment" };
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let mut headers = HeaderMap::new();
    for (header, value) in [
        (CONTENT_TYPE, mime.to_owned()),
        (CONTENT_DISPOSITION, format!("{manner}; filename*=UTF-8''{name}")),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ] {
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (header, value)));
    }
    headers
}

/// Whether a `Range` asks for one part in bytes; what else it may ask for is answered with all.
fn is_one_part(range: &str) -> bool {
    let digits = |text: &str| text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = range.trim().strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    ends.is_some_and(|(first, last)| {
        digits(first) && digits(last) && !(first.is_empty() && last.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_part_is_asked_for() {
        for (range, is) in [
            ("bytes=0-", true),
            ("bytes=10-19", true),
            ("bytes=-5", true),
            ("bytes=-", false),
            ("bytes=0-1,4-5", false),
            ("items=0-1", false),
            ("bytes=0-1\r\nx", false),
            ("", false),
        ] {
            assert_eq!(is_one_part(range), is, "{range}");
        }
    }

    #[test]
    fn what_a_browser_would_run_is_saved_instead() {
        for (mime, manner) in [
            ("image/png", "inline"),
            ("image/svg+xml", "attachment"),
            ("text/html", "attachment"),
            ("application/pdf", "attachment"),
        ] {
            let headers = build_file_headers("nota \"fiscal\".x", mime);
            let disposition = headers[CONTENT_DISPOSITION].to_str().unwrap();
            assert!(disposition.starts_with(manner), "{mime}: {disposition}");
            assert!(!disposition.contains('"'), "{disposition}");
        }
    }
}
