//! One connection: hears, has kept, acknowledges.
//!
//! Invariant: an envelope is acknowledged only after what it holds is on the disk
//! (`what_cannot_be_stored_is_not_acknowledged_and_comes_again`).

use std::pin::pin;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::frame::{self, Frame};
use super::handshake::Wire;
use super::line::Open;
use super::{End, NotTaken, Take, Taken, Timing};
use crate::clock::Clock;
use crate::telemetry;

/// Envelopes that are kept at the same time. With so many under way nothing more is read, and the
/// network holds the rest back.
const AT_ONCE: usize = 64;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// A connection that has said hello.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) take: Take,
    pub(super) timing: Timing,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
    /// When the other side was heard last.
    pub(super) heard: Timestamp,
    /// Whether it has been asked for a sign of life since.
    pub(super) probed: bool,
    pub(super) _open: Open,
}

/// When a connection is to end.
pub(super) struct Until {
    /// The program ends: nothing more is read.
    pub(super) stop: CancellationToken,
    /// There is another connection: what is still on its way is read for a while.
    pub(super) replaced: CancellationToken,
}

/// An envelope that was dealt with.
struct Kept {
    id: String,
    received: Timestamp,
    taken: Taken,
}

/// What follows from what was heard.
enum Step {
    Nothing,
    Keep { id: String, payload: Vec<u8> },
    Replace,
    Stop(End),
}

/// The other side cannot be talked to.
struct Gone;

impl Connection {
    /// Serves until the connection ends; `tell` is told at once when another one is needed.
    pub(super) async fn serve(mut self, until: Until, tell: oneshot::Sender<End>) {
        let mut tell = Some(tell);
        let mut tell = move |end| tell.take().map(|tell| tell.send(end).ok());
        let mut work = FuturesUnordered::new();
        let mut over = pin!(until.over(self.clock.clone(), self.timing.linger));
        let end = loop {
            let has_room = work.len() < AT_ONCE;
            let probe_at = self.next_probe();
            let step = tokio::select! {
                biased;
                () = &mut over => break None,
                Some(kept) = work.next() => self.acknowledge(kept).await,
                message = self.wire.next(), if has_room => self.hear(message),
                () = self.clock.sleep_until(probe_at), if has_room => self.probe().await,
            };
            match step {
                Step::Nothing => {}
                Step::Keep { id, payload } => work.push(self.keep(id, payload)),
                Step::Replace => _ = tell(End::Refresh),
                Step::Stop(end) => break Some(end),
            }
        };
        _ = end.map(tell);
        if end != Some(End::Lost) {
            let goodbye = self.say_goodbye(work);
            tokio::time::timeout(GOODBYE, goodbye).await.ok();
        }
    }

    fn hear(&mut self, message: Option<tungstenite::Result<Message>>) -> Step {
        self.heard = self.clock.now();
        self.probed = false;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                return Step::Nothing;
            }
            Some(Ok(Message::Binary(_))) => return unreadable(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Step::Stop(End::Lost),
        };
        match frame::read(&text) {
            None => unreadable(),
            Some(Frame::Hello | Frame::Other) => Step::Nothing,
            Some(Frame::Envelope { id, payload }) => Step::Keep { id, payload },
            Some(Frame::Disconnect(End::SwitchedOff)) => Step::Stop(End::SwitchedOff),
            Some(Frame::Disconnect(End::Refresh | End::Lost)) => Step::Replace,
        }
    }

    /// In a task of its own, so that nothing that happens in it can end the connection.
    fn keep(&self, id: String, payload: Vec<u8>) -> impl Future<Output = Kept> + use<> {
        let received = self.heard;
        let kept = self.tasks.spawn((self.take)(payload));
        async move { Kept { id, received, taken: kept.await.unwrap_or(Err(NotTaken)) } }
    }

    async fn acknowledge(&mut self, kept: Kept) -> Step {
        let now = self.clock.now();
        self.heard = self.heard.max(now);
        let Ok(answer) = kept.taken else { return Step::Nothing };
        let words = frame::acknowledgement(&kept.id, answer.as_ref());
        if let Err(Gone) = self.say(Message::text(words)).await {
            return Step::Stop(End::Lost);
        }
        let took = now.duration_since(kept.received).unsigned_abs();
        telemetry::acknowledged("slack", took);
        Step::Nothing
    }

    fn next_probe(&self) -> Timestamp {
        self.heard + if self.probed { self.timing.quiet } else { self.timing.quiet / 2 }
    }

    /// Asks a silent connection for a sign of life; gives it up if there was none.
    async fn probe(&mut self) -> Step {
        if self.probed {
            tracing::warn!("the connection to slack is dead");
            return Step::Stop(End::Lost);
        }
        self.probed = true;
        match self.say(Message::Ping(tungstenite::Bytes::new())).await {
            Ok(()) => Step::Nothing,
            Err(Gone) => Step::Stop(End::Lost),
        }
    }

    async fn say(&mut self, message: Message) -> Result<(), Gone> {
        let said = tokio::time::timeout(self.timing.answer, self.wire.send(message)).await;
        said.ok().and_then(Result::ok).ok_or(Gone)
    }

    /// Acknowledges what is still being kept, then closes in both directions.
    async fn say_goodbye(mut self, mut work: FuturesUnordered<impl Future<Output = Kept>>) {
        while let Some(kept) = work.next().await {
            if let Step::Stop(_) = self.acknowledge(kept).await {
                return;
            }
        }
        if self.wire.close(None).await.is_ok() {
            while let Some(Ok(_)) = self.wire.next().await {}
        }
    }
}

impl Until {
    async fn over(self, clock: Clock, linger: Duration) {
        let replaced = async {
            self.replaced.cancelled().await;
            clock.sleep_until(clock.now() + linger).await;
        };
        self.stop.run_until_cancelled(replaced).await;
    }
}

/// What we cannot read may be readable to a later release, so it is not acknowledged.
fn unreadable() -> Step {
    tracing::error!("slack sent a frame that cannot be read; it is not acknowledged");
    telemetry::unreadable();
    Step::Nothing
}
