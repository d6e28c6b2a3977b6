//! Bodies on their way in and out: how long they may take, and how much of them is held.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use super::guests::{Guest, Phase};

/// What of each body is held without asking. Nearly every event is smaller than this, so small ones
/// come through while large ones have to wait.
const SMALL: usize = 64 * 1024;

/// Why a body ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Spoiled {
    /// It did not come in time.
    #[error("too slow")]
    TooSlow,
    /// Too many large bodies are held already.
    #[error("too much at once")]
    TooMuch,
}

/// How many bytes of large bodies may be held, by all together.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }
}

/// What one request has taken of the budget; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Load {
    budget: Budget,
    taken: Mutex<(usize, Option<OwnedSemaphorePermit>)>,
}

impl Load {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, taken: Mutex::new((0, None)) }
    }

    /// Takes so many bytes more.
    fn add(&self, bytes: usize) -> Result<(), Spoiled> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, permit) = &mut *taken;
        let large = |bytes: usize| bytes.saturating_sub(SMALL);
        let more = large(before.saturating_add(bytes)) - large(*before);
        *before = before.saturating_add(bytes);
        if more > 0 {
            let more = u32::try_from(more).map_err(|_huge| Spoiled::TooMuch)?;
            let budget = Arc::clone(&self.budget.0);
            let more = budget.try_acquire_many_owned(more).map_err(|_none| Spoiled::TooMuch)?;
            match permit {
                Some(permit) => permit.merge(more),
                None => *permit = Some(more),
            }
        }
        Ok(())
    }
}

/// How long the rest of a body is awaited that nobody wants, if it keeps coming.
const LINGER: Duration = Duration::from_secs(2);
/// How long a sender of such a body may pause.
const SILENCE: Duration = Duration::from_millis(300);
/// The largest such body that is awaited, in bytes.
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

/// What is left of a body that was not read to its end. While it is on its way, its sender may not
/// be listening: an answer that does not wait for it is lost with the connection.
#[derive(Clone, Default)]
pub(super) struct Rest(Arc<Mutex<Option<Incoming>>>);

impl Rest {
    /// Lets it come, as far as that can be expected of us.
    pub(super) async fn pass(&self) {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fits = |body: &Incoming| body.size_hint().lower() <= LINGER_BYTES;
        let Some(mut body) = body.filter(fits) else { return };
        let pass = async {
            let mut bytes = 0;
            while bytes <= LINGER_BYTES {
                let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
                let Ok(Some(Ok(frame))) = tokio::time::timeout(SILENCE, frame).await else {
                    return;
                };
                bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
        };
        tokio::time::timeout(LINGER, pass).await.ok();
    }
}

/// A request's body on its way in.
pub(super) struct Arriving {
    body: Option<Incoming>,
    rest: Rest,
    guest: Arc<Guest>,
    load: Arc<Load>,
    time: Pin<Box<Sleep>>,
}

impl Arriving {
    pub(super) fn new(
        (body, rest): (Incoming, Rest),
        guest: Arc<Guest>,
        load: Arc<Load>,
        time: Duration,
    ) -> Self {
        guest.is_now(if body.is_end_stream() { Phase::Served } else { Phase::Body });
        Self { body: Some(body), rest, guest, load, time: Box::pin(tokio::time::sleep(time)) }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending if self.time.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(Spoiled::TooSlow.into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                let added = self.load.add(frame.data_ref().map_or(0, Bytes::len));
                if self.is_end_stream() {
                    self.guest.is_now(Phase::Served);
                }
                Poll::Ready(Some(added.map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.guest.is_now(Phase::Served);
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
pub(super) struct Leaving {
    body: Body,
    guest: Arc<Guest>,
}

impl Leaving {
    pub(super) fn new(body: Body, guest: Arc<Guest>) -> Self {
        guest.is_now(Phase::Served);
        Self { body, guest }
    }
}

impl hyper::body::Body for Leaving {
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

impl Drop for Leaving {
    fn drop(&mut self) {
        self.guest.is_now(Phase::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_need_no_budget_and_large_ones_give_theirs_back() {
        let budget = Budget::new(SMALL);
        let load = || Load::new(budget.clone());
        let large = load();
        large.add(SMALL).unwrap();
        large.add(SMALL).unwrap();
        assert_eq!(large.add(1), Err(Spoiled::TooMuch));
        load().add(SMALL).unwrap();
        assert_eq!(load().add(SMALL + 1), Err(Spoiled::TooMuch));
        drop(large);
        load().add(2 * SMALL).unwrap();
    }
}
