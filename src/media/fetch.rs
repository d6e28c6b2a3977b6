//! Asking for a file, and following where the answer leads.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RANGE,
};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use url::Url;

use super::guard::{AddressGuard, AddressRefused};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a far end may send nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Most addresses that one file may lead through.
const MAX_HOPS: usize = 5;
/// What a file without a name takes at a time of the room for such files.
const ROOM_PIECE: u64 = 1 << 20;
/// How much room there is for files without a name, unless it is set.
const DEFAULT_ROOM_BYTES: u64 = 400 << 20;

/// Fetches customers' files from public addresses, within bounds of size, speed and time.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: reqwest::Client,
    guard: AddressGuard,
    least: LeastSpeed,
    room: Arc<Semaphore>,
}

/// How fast a file must come at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeastSpeed {
    /// The bytes that may arrive,
    pub bytes: u64,
    /// in each such time that was spent waiting for them.
    pub time: Duration,
}

impl Default for LeastSpeed {
    /// 8 KiB a second over a minute, as for files that we hand out.
    fn default() -> Self {
        Self { bytes: 60 * 8 * 1024, time: Duration::from_mins(1) }
    }
}

/// A token, and the hosts that it is for.
#[derive(Clone, Copy, Debug)]
pub struct FetchToken<'a> {
    pub(crate) secret: &'a SecretString,
    /// Whether it may be shown to the host of this address.
    pub(crate) is_for: fn(&Url) -> bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct FetchRequest<'a> {
    /// Where the file is.
    pub url: &'a str,
    /// Which part of it; all of it if there is none.
    pub range: Option<&'a str>,
    /// What shows that we may have it.
    pub token: Option<FetchToken<'a>>,
    /// How long all of it may take. Without an end it takes as long as something keeps coming.
    pub within: Option<Duration>,
}

/// Why a file could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is in a place that we do not go to.
    #[error("not an address that files are fetched from")]
    Address,
    /// It is not there any more, or only for others: a link may have run out.
    #[error("HTTP {0}")]
    Gone(u16),
    /// It is over the limit.
    #[error("over the limit of size")]
    TooLarge,
    /// A web page came instead of it.
    #[error("a web page instead of a file")]
    WebPage,
    /// It is empty, which is no file for Slack.
    #[error("empty")]
    Empty,
    /// It came too slowly, and would hold up others.
    #[error("too slow")]
    TooSlow,
    /// It could not be had now.
    #[error("no answer, or none that is complete")]
    Later,
}

impl FetchError {
    /// The constant word by which metrics know it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Gone(_) => "gone",
            Self::TooLarge => "too_large",
            Self::WebPage => "web_page",
            Self::Empty => "empty",
            Self::TooSlow => "too_slow",
            Self::Later => "unavailable",
        }
    }
}

/// A file that has begun to come.
#[derive(Debug)]
pub struct FetchedFile {
    response: Response,
    least: LeastSpeed,
    room: Arc<Semaphore>,
}

/// A file's bytes, to be passed on, and how many they are.
pub struct FileBody {
    /// How many bytes there will be.
    pub length: u64,
    /// The content, as it arrives.
    pub body: reqwest::Body,
    /// Why they stopped to come before their end, if they did.
    pub(crate) broken: Arc<OnceLock<FetchError>>,
}

impl Fetcher {
    /// Goes where the guard lets it.
    ///
    /// A proxy of the system is not used: it would resolve names behind the guard's back.
    ///
    /// # Errors
    ///
    /// The TLS provider is missing.
    pub fn new(guard: AddressGuard) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // Followed by hand, as each further address has to pass the guard and the question
            // whose token it may see (`a_token_stays_with_its_host`).
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(guard)
            .no_proxy()
            .user_agent(concat!("blip-slack/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let room = build_room(DEFAULT_ROOM_BYTES);
        Ok(Self { http, guard, least: LeastSpeed::default(), room })
    }

    /// With another bound for how slowly a file may come.
    #[must_use]
    pub fn with_least_speed(self, least: LeastSpeed) -> Self {
        Self { least, ..self }
    }

    /// With so many bytes of room for files whose length is not said, all together: they rest on
    /// the disk until that is known.
    #[must_use]
    pub fn with_room(self, bytes: u64) -> Self {
        Self { room: build_room(bytes), ..self }
    }

    /// Asks for a file; the answer has succeeded, and its bytes are still to come.
    ///
    /// # Errors
    ///
    /// Why the file cannot be had.
    #[tracing::instrument(level = "error", name = "fetch_file", skip_all)]
    pub async fn fetch_file(&self, ask: FetchRequest<'_>) -> Result<FetchedFile, FetchError> {
        let mut url = Url::parse(ask.url).map_err(|_unreadable| FetchError::Address)?;
        for _ in 0..MAX_HOPS {
            let response = self.send_get(&url, ask).await?;
            let Some(further) = find_redirect(&url, &response)? else {
                let (least, room) = (self.least, Arc::clone(&self.room));
                return Ok(FetchedFile { response, least, room });
            };
            url = further;
        }
        Err(FetchError::Address)
    }

    async fn send_get(&self, url: &Url, ask: FetchRequest<'_>) -> Result<Response, FetchError> {
        // At each hop: a public page may lead to an address inside of the operator's network.
        if !self.guard.may_fetch(url) {
            return Err(FetchError::Address);
        }
        let mut request = self.http.get(url.clone());
        if let Some(range) = ask.range {
            request = request.header(RANGE, range);
        }
        if let Some(time) = ask.within {
            request = request.timeout(time);
        }
        if let Some(token) = ask.token.filter(|token| (token.is_for)(url)) {
            request = request.header(AUTHORIZATION, build_bearer_header(token.secret));
        }
        request.send().await.map_err(|error| {
            let mut cause = error.source();
            // The client wraps what the resolver said. It must be told from a network that fails:
            // one is tried again, the other never.
            while let Some(inner) = cause {
                if inner.is::<AddressRefused>() {
                    return FetchError::Address;
                }
                cause = inner.source();
            }
            FetchError::Later
        })
    }
}

/// Where the answer leads; `None` if it is the file.
fn find_redirect(url: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let status = response.status();
    match status.as_u16() {
        // 416 is an answer to a player that asks for more than there is, and is passed on.
        200 | 206 | 416 => Ok(None),
        301 | 302 | 303 | 307 | 308 => {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            to.map(Some).ok_or(FetchError::Gone(status.as_u16()))
        }
        // These say of themselves that they are for now; anything else stays as it is.
        408 | 425 | 429 | 500..=599 => Err(FetchError::Later),
        code => Err(FetchError::Gone(code)),
    }
}

fn build_bearer_header(token: &SecretString) -> HeaderValue {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
    let mut value = value.unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

impl FetchedFile {
    /// The status of the answer: all of the file, a part of it, or no such part.
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// What is said about the file.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Its MIME type without parameters, in lower case.
    pub(crate) fn mime_type(&self) -> Option<String> {
        let value = self.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        (!essence.is_empty()).then_some(essence)
    }

    /// How many bytes are to come, if that is said. (What is compressed on its way is not asked
    /// for.)
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }

    /// The bytes as they come.
    pub fn into_bytes(self) -> impl Stream<Item = Result<Vec<u8>, reqwest::Error>> + Send + use<> {
        self.response.bytes_stream().map_ok(Vec::from)
    }

    /// The bytes as they come, as long as they come fast enough.
    fn into_watched_bytes(self) -> impl Stream<Item = Result<Vec<u8>, FetchError>> + Send + use<> {
        let least = self.least;
        watch_speed(self.into_bytes().map_err(|_lost| FetchError::Later), least)
    }

    /// The bytes with their number. Where that is not said beforehand they go through a file
    /// without a name, which ends with its use.
    ///
    /// # Errors
    ///
    /// The file has more than `max` bytes, none, comes too slowly, or does not come to its end.
    pub async fn into_file_body(self, max: u64) -> Result<FileBody, FetchError> {
        match self.content_length() {
            // Slack refuses an upload of no bytes (`slack.md` C.3).
            Some(0) => Err(FetchError::Empty),
            Some(length) if length > max => Err(FetchError::TooLarge),
            Some(length) => {
                let broken = Arc::new(OnceLock::new());
                let seen = Arc::clone(&broken);
                let bytes = self.into_watched_bytes().inspect_err(move |why| {
                    seen.set(*why).ok();
                });
                Ok(FileBody { length, body: reqwest::Body::wrap_stream(bytes), broken })
            }
            // Slack wants the length before the first byte (`slack.md` C.3), and memory has no room
            // for a file of unknown size.
            None => self.spool_to_file(max).await,
        }
    }

    async fn spool_to_file(self, max: u64) -> Result<FileBody, FetchError> {
        let later = |_: std::io::Error| FetchError::Later;
        // Without a name, so that nothing is left of it however the process ends.
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(later)?);
        let room = Arc::clone(&self.room);
        // Taken as it fills, not as it is claimed: nobody can have all of it with a promise.
        let mut taken: Option<SemaphorePermit<'_>> = None;
        let mut length = 0_u64;
        let mut bytes = Box::pin(self.into_watched_bytes());
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk?;
            length += chunk.len() as u64;
            if length > max {
                return Err(FetchError::TooLarge);
            }
            let needed = usize::try_from(length.div_ceil(ROOM_PIECE)).unwrap_or(usize::MAX);
            while taken.as_ref().map_or(0, SemaphorePermit::num_permits) < needed {
                // If several wait for each other, the time that a file may take ends it.
                let more = room.acquire().await.map_err(|_closed| FetchError::Later)?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    None => taken = Some(more),
                }
            }
            file.write_all(&chunk).await.map_err(later)?;
        }
        if length == 0 {
            return Err(FetchError::Empty);
        }
        file.flush().await.map_err(later)?;
        file.rewind().await.map_err(later)?;
        let count = taken.map_or(0, |taken| {
            let count = taken.num_permits();
            // The permit borrows the semaphore and cannot go along with the stream; `RoomTaken`
            // gives back what is forgotten here.
            taken.forget();
            count
        });
        let room = RoomTaken { room, count };
        let bytes = ReaderStream::new(file).inspect(move |_| {
            // Given back with the stream.
            let _ = &room;
        });
        Ok(FileBody { length, body: reqwest::Body::wrap_stream(bytes), broken: Arc::default() })
    }
}

fn build_room(bytes: u64) -> Arc<Semaphore> {
    let pieces = usize::try_from(bytes.div_ceil(ROOM_PIECE)).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(pieces.clamp(1, Semaphore::MAX_PERMITS)))
}

/// Room on the disk, until this is dropped.
struct RoomTaken {
    room: Arc<Semaphore>,
    count: usize,
}

impl Drop for RoomTaken {
    fn drop(&mut self) {
        self.room.add_permits(self.count);
    }
}

/// Ends a stream that comes too slowly. Only the time spent waiting for it counts: how fast its
/// bytes are taken is not its fault.
fn watch_speed(
    bytes: impl Stream<Item = Result<Vec<u8>, FetchError>> + Send,
    least: LeastSpeed,
) -> impl Stream<Item = Result<Vec<u8>, FetchError>> + Send {
    let start = (Box::pin(bytes), Duration::ZERO, 0_u64);
    futures_util::stream::try_unfold(start, move |(mut bytes, mut waited, mut came)| async move {
        loop {
            let began = Instant::now();
            let next = tokio::time::timeout(least.time.saturating_sub(waited), bytes.next()).await;
            // Only this wait counts: a slow Slack at the other end must not make a good source look
            // slow.
            waited += began.elapsed();
            match next {
                Ok(None) => return Ok(None),
                Ok(Some(piece)) => {
                    let piece = piece?;
                    came += piece.len() as u64;
                    return Ok(Some((piece, (bytes, waited, came))));
                }
                Err(_elapsed) if came < least.bytes => return Err(FetchError::TooSlow),
                Err(_elapsed) => (waited, came) = (Duration::ZERO, 0),
            }
        }
    })
}

/// Whether this is the beginning of a web page, and so of no other file.
pub fn is_web_page(beginning: &[u8]) -> bool {
    let text = beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(beginning).trim_ascii_start();
    // Slack answers with its sign-in page and a success where it does not let us in (`slack.md`
    // C.3).
    [b"<!doctype html".as_slice(), b"<html"]
        .iter()
        .any(|mark| text.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_known_by_its_first_words() {
        for page in ["<!DOCTYPE html><html>", "\n  <html lang=en>", "\u{feff}<!doctype HTML>"] {
            assert!(is_web_page(page.as_bytes()), "{page}");
        }
        for other in ["", "<", "%PDF-1.7", "OggS", "<svg xmlns", "see <html>"] {
            assert!(!is_web_page(other.as_bytes()), "{other}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_to_an_address_that_is_not_public() {
        // Another test may have done so already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fetcher = Fetcher::new(AddressGuard::default()).unwrap();
        for address in ["127.0.0.1", "localhost", "[::1]", "0x7f.1"] {
            let url = format!("https://{address}:{port}/file");
            let fetched =
                fetcher.fetch_file(FetchRequest { url: &url, ..FetchRequest::default() }).await;
            assert_eq!(fetched.err(), Some(FetchError::Address), "{address}");
        }
        let quiet = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(quiet.is_err(), "somebody knocked");
    }
}
