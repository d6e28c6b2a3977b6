//! Files pass through: however large one is and however slow its reader, only a little of it is
//! on its way at any time.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use blip_slack::breaker::CircuitBreaker;
use blip_slack::clock::Clock;
use blip_slack::media::{AddressGuard, ExpectedFile, FetchRequest, Fetcher};
use blip_slack::slack::{SlackClient, Upload, upload_file};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::samples;

/// The piece in which the far end writes.
const CHUNK: usize = 64 << 10;
/// What the buffers of two connections may hold, those of the kernel included.
const BUFFERS: u64 = 24 << 20;

/// The size of the file, well above that.
fn megabytes() -> u64 {
    3 * samples::megabytes() as u64
}

/// How much the far ends have written and read so far.
#[derive(Default)]
struct Meter {
    url: String,
    written: AtomicU64,
    read: AtomicU64,
}

/// A far end that makes a file up while it is read, and one that reads an upload slowly.
async fn far_ends() -> Arc<Meter> {
    // Whoever came first in this process may have done it already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let meter = Arc::new(Meter { url, ..Meter::default() });
    let router = Router::new()
        .route("/file", get(file))
        .route("/slow", get(slow))
        .route("/api/files.getUploadURLExternal", any(place))
        .route("/upload", post(upload))
        .with_state(Arc::clone(&meter));
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    meter
}

async fn file(State(meter): State<Arc<Meter>>) -> Response {
    let chunks = 3 * (samples::megabytes() << 20) / CHUNK;
    let bytes = stream::iter(0..chunks).map(move |number| {
        meter.written.fetch_add(CHUNK as u64, Ordering::Relaxed);
        Ok::<_, Infallible>(vec![u8::try_from(number % 256).unwrap(); CHUNK])
    });
    ([(CONTENT_LENGTH, (chunks * CHUNK).to_string())], Body::from_stream(bytes)).into_response()
}

/// A byte now and then.
async fn slow() -> Response {
    let bytes = stream::iter(0..10).then(|number: u8| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(vec![number])
    });
    Body::from_stream(bytes).into_response()
}

async fn place(State(meter): State<Arc<Meter>>) -> String {
    let upload = format!("{}/upload", meter.url);
    json!({"ok": true, "file_id": "F1", "upload_url": upload}).to_string()
}

async fn upload(State(meter): State<Arc<Meter>>, body: Body) -> &'static str {
    meter.stall().await;
    let mut bytes = body.into_data_stream();
    while let Some(chunk) = bytes.next().await {
        meter.took(chunk.unwrap().len());
    }
    "OK"
}

impl Meter {
    /// Reads nothing until nothing more comes.
    async fn stall(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let mut before = u64::MAX;
        while before != self.written.load(Ordering::Relaxed) {
            before = self.written.load(Ordering::Relaxed);
            tick.tick().await;
        }
        self.took(0);
    }

    /// Counts what was read, and holds what is on its way against the limit.
    fn took(&self, bytes: usize) {
        let read = self.read.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let under_way = self.written.load(Ordering::Relaxed).saturating_sub(read);
        assert!(under_way <= BUFFERS, "{under_way} bytes are on their way");
    }

    async fn fetched(&self) -> blip_slack::media::FetchedFile {
        self.asked("/file", None).await
    }

    async fn asked(&self, path: &str, within: Option<Duration>) -> blip_slack::media::FetchedFile {
        let fetcher = Fetcher::new(AddressGuard::new(true)).unwrap();
        let url = format!("{}{path}", self.url);
        fetcher
            .fetch_file(FetchRequest { url: &url, within, ..FetchRequest::default() })
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_file_is_never_held_as_a_whole() {
    let far = far_ends().await;
    let source = far.fetched().await.into_file_body(u64::MAX).await.unwrap();
    let http = reqwest::Client::builder().build().unwrap();
    let token = "xoxb-1".to_owned().into();
    let gate = CircuitBreaker::new(Clock::system(), Duration::from_secs(1));
    let slack = SlackClient::new(http, &format!("{}/api", far.url), &token, Clock::system(), gate);
    let (length, body) = (source.length, source.body);
    let within = Duration::from_mins(2);
    let upload = Upload { name: "a.bin".to_owned(), mime: None, length, body, within };
    assert_eq!(upload_file(&slack, upload).await.unwrap(), "F1");
    assert_eq!(far.read.load(Ordering::Relaxed), megabytes() << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_file_is_never_held_as_a_whole() {
    let far = far_ends().await;
    let claim = ExpectedFile { mime: None, size: Some(megabytes() << 20) };
    let bytes = far.fetched().await.into_checked_bytes(claim).await;
    let Ok(bytes) = bytes else { panic!("nothing comes") };
    let mut bytes = Box::pin(bytes);
    far.stall().await;
    while let Some(chunk) = bytes.next().await {
        far.took(chunk.unwrap().len());
    }
    assert_eq!(far.read.load(Ordering::Relaxed), megabytes() << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_takes_as_long_as_it_needs_unless_somebody_waits_for_its_end() {
    let far = far_ends().await;
    for (within, comes) in [(None, true), (Some(Duration::from_millis(60)), false)] {
        let pieces: Vec<_> = far.asked("/slow", within).await.into_bytes().collect().await;
        assert_eq!(pieces.iter().all(Result::is_ok), comes, "{within:?}: {pieces:?}");
    }
}
