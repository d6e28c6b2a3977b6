//! The listening side of a stand-in: it can go down and come back on the same port.

use std::future::IntoFuture as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long going down waits for connections to end.
const GRACE: Duration = Duration::from_secs(1);

/// Serves a router on a port of this machine until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    router: Router,
    tasks: TaskTracker,
    running: Mutex<CancellationToken>,
}

/// Takes this port of this machine; any free one for 0.
pub(super) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

impl Server {
    /// Begins to serve.
    pub(super) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        let server = Self {
            address: listener.local_addr()?,
            router,
            tasks: TaskTracker::new(),
            running: Mutex::new(CancellationToken::new()),
        };
        server.serve(listener);
        Ok(server)
    }

    /// Closes the port and cuts every connection; requests under way get no answer.
    pub(super) async fn go_down(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).cancel();
        self.tasks.close();
        // A client may hold a connection open for longer; it is cut at its next request.
        tokio::time::timeout(GRACE, self.tasks.wait()).await.ok();
        self.tasks.reopen();
    }

    /// Serves again on the same port.
    pub(super) async fn come_back(&self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
        self.serve(listener);
        Ok(())
    }

    fn serve(&self, listener: TcpListener) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ended = running.clone().cancelled_owned();
        let router = self.router.clone().layer(from_fn(move |request: Request, next: Next| {
            let running = running.clone();
            async move {
                tokio::select! {
                    biased;
                    () = running.cancelled() => reset(),
                    response = next.run(request) => response,
                }
            }
        }));
        self.tasks.spawn(axum::serve(listener, router).with_graceful_shutdown(ended).into_future());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

/// Answers with a file, or with the part of it that is asked for.
pub(super) fn ranged(headers: &HeaderMap, mime: &str, bytes: Vec<u8>) -> Response {
    let all = bytes.len();
    let wanted = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let kind = (header::CONTENT_TYPE, mime.to_owned());
    let Some(wanted) = wanted.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'))
    else {
        return ([kind, (header::ACCEPT_RANGES, "bytes".to_owned())], bytes).into_response();
    };
    let last = all.saturating_sub(1);
    let (first, last) = match (wanted.0.parse::<usize>(), wanted.1.parse::<usize>()) {
        (Ok(first), Ok(end)) => (first, end.min(last)),
        (Ok(first), Err(_)) => (first, last),
        (Err(_), Ok(count)) => (all.saturating_sub(count), last),
        (Err(_), Err(_)) => (0, last),
    };
    let place = |span: String| (header::CONTENT_RANGE, format!("bytes {span}/{all}"));
    match bytes.get(first..=last) {
        Some(part) if !part.is_empty() => {
            let headers = [kind, place(format!("{first}-{last}"))];
            (StatusCode::PARTIAL_CONTENT, headers, part.to_vec()).into_response()
        }
        _ => (StatusCode::RANGE_NOT_SATISFIABLE, [place("*".to_owned())]).into_response(),
    }
}

/// Ends the connection without an answer.
///
/// Unwinding ends the task of the connection, which closes the socket; without the panic hook,
/// because nothing is wrong.
pub(super) fn reset() -> Response {
    std::panic::resume_unwind(Box::new("the stand-in cuts this connection"))
}
