//! The listening side of the doors: who is let in, for how long, and how many at once.
//!
//! Nobody can keep others out by being slow. A request's head and its body have to come in a
//! bounded time, an answer has to be read at a least pace, and when every place is taken, whoever
//! has kept one waiting the longest makes room: a connection that is idle, whose request is still
//! on its way, or whose answer is not read. A request that has come to its end is cut off for
//! nothing else.
//!
//! Invariant: what a stranger can make us hold is bounded, in connections and in bytes
//! (`bodies_that_are_never_finished_do_not_fill_the_memory`).

mod body_limit;
mod connections;
mod io;
mod limits;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io as std_io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, EXPECT, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use tower_http::timeout::DeadlineBody;

use self::body_limit::{BodyMemoryLimit, BodyReservation, RequestBody, ResponseBody, UnreadBody};
use self::connections::{Admission, Connections, TrackedConnection};
use self::io::{DeadlineTimer, WatchedStream};
use super::rejected_requests::LogThrottle;

pub(super) use self::body_limit::BodyMemoryFull;
pub use self::limits::ServerLimits;

/// The largest head of a request, in bytes, and how much is read ahead.
const HEAD_BYTES: usize = 64 * 1024;
/// What of an answer is held for whoever reads it slowly, in bytes. The system alone would hold
/// megabytes, and we would learn of a slow reader's progress only now and then.
const UNREAD_BYTES: usize = 128 * 1024;
/// How long accepting rests when the system has no connection for us.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// What is asked on behalf of those who run the bridge.
const OPERATOR_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// From where a request comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

#[derive(Clone)]
pub(crate) struct Server {
    router: Router,
    limits: ServerLimits,
    connections: Connections,
    body_memory: BodyMemoryLimit,
    stop: CancellationToken,
    tasks: TaskTracker,
    full_log: LogThrottle,
    exhausted_log: LogThrottle,
}

impl Server {
    /// Answers with this router until `stop` is cancelled; connections are on `tasks` and are to be
    /// waited for.
    pub(crate) fn new(
        router: Router,
        limits: ServerLimits,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let (connections, body_memory) =
            (Connections::new(limits), BodyMemoryLimit::new(limits.bytes));
        let (full_log, exhausted_log) = (LogThrottle::default(), LogThrottle::default());
        Self { router, limits, connections, body_memory, stop, tasks, full_log, exhausted_log }
    }

    /// Lets connections in until it is to stop; the port is closed then.
    pub(crate) async fn run(self, listener: TcpListener) {
        while let Some(accepted) = self.stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, from)) => {
                    self.accept_connection(stream, from.ip());
                    // Not accepted is not closed: the system's queue holds the next ones for that
                    // moment.
                    self.stop.run_until_cancelled(self.connections.wait_for_room()).await;
                }
                Err(error) => self.recover_from_accept_error(&error).await,
            }
        }
    }

    fn accept_connection(&self, stream: TcpStream, from: IpAddr) {
        let set = SockRef::from(&stream).set_send_buffer_size(UNREAD_BYTES);
        // Answers are small, and their reader waits: Nagle would hold them back for more.
        if let Err(error) = set.and_then(|()| stream.set_nodelay(true)) {
            tracing::debug!(%error, "a connection stays slow");
        }
        match self.connections.admit_connection() {
            Some(entry) => {
                drop(self.tasks.spawn(self.clone().serve_connection((stream, from), entry)));
            }
            None => {
                if let Some(times) = self.full_log.note_occurrence() {
                    tracing::warn!(times, "too many connections; a further one was closed at once");
                }
            }
        }
    }

    /// After a failed accept. A client that went away in between is nothing; what concerns us is a
    /// system that has no more connections to give.
    async fn recover_from_accept_error(&self, error: &std_io::Error) {
        use std_io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind()) {
            return;
        }
        if let Some(times) = self.exhausted_log.note_occurrence() {
            tracing::error!(times, %error, "no further connection can be opened; one makes room");
        }
        // Out of open files, accepting fails at once and again: somebody has to go, or the loop
        // spins.
        self.connections.make_room();
        tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
    }

    /// Answers all requests of a connection.
    async fn serve_connection(self, (stream, from): (TcpStream, IpAddr), entry: Admission) {
        let connection = Arc::clone(entry.connection());
        let io = WatchedStream::new(stream, Arc::clone(&connection));
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(from));
            self.route_request(request, &connection, entry.is_for_operators())
        });
        let exchange = http1::Builder::new()
            // Ours below tells an idle connection from a slow head.
            .header_read_timeout(None)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(io), service);
        let (mut exchange, mut timer) = (pin!(exchange), DeadlineTimer::default());
        let mut is_last = false;
        loop {
            // Whatever moves the deadline happens while the connection is polled.
            let ended = poll_fn(|cx| {
                if let Poll::Ready(ended) = exchange.as_mut().poll(cx) {
                    return Poll::Ready(ended.err().map(|error| error.to_string()));
                }
                timer.poll_late(&connection, &self.limits, cx).map(|()| Some("too slow".to_owned()))
            });
            tokio::select! {
                ended = ended => {
                    if let Some(why) = ended {
                        tracing::debug!(why, "a connection was ended");
                    }
                    return;
                }
                // Stopping waits for whoever has sent a request, and for nobody else
                // (`connections_that_ask_for_nothing_do_not_hold_up_stopping`).
                () = self.stop.cancelled(), if !is_last => {
                    if !connection.has_request() {
                        return;
                    }
                }
                () = connection.wait_for_eviction(), if !is_last => {
                    if !connection.is_served() {
                        return;
                    }
                }
            }
            is_last = true;
            exchange.as_mut().graceful_shutdown();
        }
    }

    fn route_request(
        &self,
        request: Request<Incoming>,
        connection: &Arc<TrackedConnection>,
        is_crowded: bool,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + use<> {
        let load = Arc::new(BodyReservation::new(self.body_memory.clone()));
        let rest = UnreadBody::default();
        // Whoever asks first whether to send a body does not send one that nobody wants.
        let sends_at_once = !request.headers().contains_key(EXPECT);
        let arriving = |body| {
            let load = Arc::clone(&load);
            RequestBody::new((body, rest.clone()), Arc::clone(connection), load)
        };
        // From the end of the head to the end of the body: a byte now and then gives no more time.
        let time = self.limits.body;
        let request = request.map(|body| Body::new(DeadlineBody::new(time, arriving(body))));
        let connection = Arc::clone(connection);
        let is_for_operators = OPERATOR_PATHS.contains(&request.uri().path());
        let answering =
            (!is_crowded || is_for_operators).then(|| self.router.clone().call(request));
        async move {
            let response = match answering {
                Some(answering) => answering.await?,
                None => respond_busy(),
            };
            drop(load);
            let status = response.status();
            // Closed while its sender still writes, a connection is reset, and the status is lost
            // with it.
            if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT && sends_at_once {
                rest.drain_body().await;
            }
            Ok(response.map(|body| ResponseBody::new(body, connection)))
        }
    }
}

/// Whoever comes when every place is taken is to come again.
fn respond_busy() -> Response<Body> {
    let headers = [
        (RETRY_AFTER, HeaderValue::from_static("1")),
        (CONNECTION, HeaderValue::from_static("close")),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, "too many connections\n").into_response()
}
