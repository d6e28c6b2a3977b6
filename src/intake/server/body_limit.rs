//! Bodies on their way in and out, and how much of them is held.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connections::{Phase, TrackedConnection};

/// What of each body is held without asking. Nearly every event is smaller than this, so small ones
/// come through while large ones have to wait.
const FREE_BODY_BYTES: usize = 64 * 1024;

/// A body ends before its end, because too many bytes of large bodies are held already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much at once")]
pub(crate) struct BodyMemoryFull;

/// How many bytes of large bodies may be held, by all together.
#[derive(Clone, Debug)]
pub(super) struct BodyMemoryLimit(Arc<Semaphore>);

impl BodyMemoryLimit {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }
}

/// What one request has taken of the budget; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct BodyReservation {
    limit: BodyMemoryLimit,
    taken: Mutex<(usize, Option<OwnedSemaphorePermit>)>,
}

impl BodyReservation {
    pub(super) fn new(limit: BodyMemoryLimit) -> Self {
        Self { limit, taken: Mutex::new((0, None)) }
    }

    /// Takes so many bytes more.
    fn reserve_bytes(&self, bytes: usize) -> Result<(), BodyMemoryFull> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, permit) = &mut *taken;
        let large = |bytes: usize| bytes.saturating_sub(FREE_BODY_BYTES);
        let more = large(before.saturating_add(bytes)) - large(*before);
        *before = before.saturating_add(bytes);
        if more > 0 {
            let more = u32::try_from(more).map_err(|_huge| BodyMemoryFull)?;
            let budget = Arc::clone(&self.limit.0);
            // Refused and not waited for: who waits holds its bytes, and many who wait hold each
            // other's.
            let more = budget.try_acquire_many_owned(more).map_err(|_none| BodyMemoryFull)?;
            match permit {
                Some(permit) => permit.merge(more),
                None => *permit = Some(more),
            }
        }
        Ok(())
    }
}

/// How long the rest of a body is awaited that nobody wants, if it keeps coming.
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a sender of such a body may pause.
const UNREAD_BODY_PAUSE: Duration = Duration::from_millis(300);
/// The largest such body that is awaited, in bytes.
const MAX_UNREAD_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// What is left of a body that was not read to its end. While it is on its way, its sender may not
/// be listening: an answer that does not wait for it is lost with the connection.
#[derive(Clone, Default)]
pub(super) struct UnreadBody(Arc<Mutex<Option<Incoming>>>);

impl UnreadBody {
    /// Reads it and drops it, within bounds of time and size, so that its sender reads the answer.
    pub(super) async fn drain_body(&self) {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Who announces more than that is not waited for at all.
        let fits = |body: &Incoming| body.size_hint().lower() <= MAX_UNREAD_BODY_BYTES;
        let Some(mut body) = body.filter(fits) else { return };
        let pass = async {
            let mut bytes = 0;
            while bytes <= MAX_UNREAD_BODY_BYTES {
                let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
                let Ok(Some(Ok(frame))) = tokio::time::timeout(UNREAD_BODY_PAUSE, frame).await
                else {
                    return;
                };
                bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
        };
        tokio::time::timeout(UNREAD_BODY_TIMEOUT, pass).await.ok();
    }
}

/// A request's body on its way in.
pub(super) struct RequestBody {
    body: Option<Incoming>,
    unread: UnreadBody,
    connection: Arc<TrackedConnection>,
    reservation: Arc<BodyReservation>,
}

impl RequestBody {
    pub(super) fn new(
        (body, unread): (Incoming, UnreadBody),
        connection: Arc<TrackedConnection>,
        reservation: Arc<BodyReservation>,
    ) -> Self {
        // A request without a body is whole at its head, and must not be cut off as one that is on
        // its way.
        connection.set_phase(if body.is_end_stream() { Phase::Served } else { Phase::Body });
        Self { body: Some(body), unread, connection, reservation }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                let added = self.reservation.reserve_bytes(frame.data_ref().map_or(0, Bytes::len));
                if self.is_end_stream() {
                    self.connection.set_phase(Phase::Served);
                }
                Poll::Ready(Some(added.map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.connection.set_phase(Phase::Served);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

/// An answer's body on its way out; when it has gone, the connection is idle.
pub(super) struct ResponseBody {
    body: Body,
    connection: Arc<TrackedConnection>,
}

impl ResponseBody {
    pub(super) fn new(body: Body, connection: Arc<TrackedConnection>) -> Self {
        connection.set_phase(Phase::Served);
        Self { body, connection }
    }
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.connection.set_phase(Phase::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_need_no_budget_and_large_ones_give_theirs_back() {
        let budget = BodyMemoryLimit::new(FREE_BODY_BYTES);
        let load = || BodyReservation::new(budget.clone());
        let large = load();
        large.reserve_bytes(FREE_BODY_BYTES).unwrap();
        large.reserve_bytes(FREE_BODY_BYTES).unwrap();
        assert_eq!(large.reserve_bytes(1), Err(BodyMemoryFull));
        load().reserve_bytes(FREE_BODY_BYTES).unwrap();
        assert_eq!(load().reserve_bytes(FREE_BODY_BYTES + 1), Err(BodyMemoryFull));
        drop(large);
        load().reserve_bytes(2 * FREE_BODY_BYTES).unwrap();
    }
}
