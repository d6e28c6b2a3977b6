//! One connection: hears, has kept, acknowledges.
//!
//! Invariant: an envelope is acknowledged only after what it holds is on the disk
//! (`what_cannot_be_stored_is_not_acknowledged_and_comes_again`).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::frame::{self, ConnectionEnd, Frame};
use super::handshake::SlackWebSocket;
use super::health::OpenSocket;
use super::payload::{PayloadNotStored, PayloadResult, PayloadTaker};
use super::timing::SocketTiming;
use crate::clock::Clock;
use crate::telemetry;

/// Envelopes that are kept at the same time. With so many under way nothing more is read, and the
/// network holds the rest back.
const MAX_ENVELOPES_AT_ONCE: usize = 64;
/// How long saying goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that has said hello.
pub(super) struct Connection {
    pub(super) wire: SlackWebSocket,
    pub(super) taker: Arc<dyn PayloadTaker>,
    pub(super) timing: SocketTiming,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
    /// When the other side was heard last.
    pub(super) heard: Timestamp,
    /// Whether it has been asked for a sign of life since.
    pub(super) probed: bool,
    pub(super) _open: OpenSocket,
}

/// When a connection is to end.
pub(super) struct StopConditions {
    /// The program ends: nothing more is read.
    pub(super) stop: CancellationToken,
    /// There is another connection: what is still on its way is read for a while.
    pub(super) replaced: CancellationToken,
}

/// An envelope of which it is known whether its payload was stored.
struct HandledEnvelope {
    id: String,
    received: Timestamp,
    taken: PayloadResult,
}

/// What follows from what was heard.
enum FrameAction {
    Nothing,
    Store { id: String, payload: Vec<u8> },
    Replace,
    Stop(ConnectionEnd),
}

/// The other side cannot be talked to.
struct PeerGone;

impl Connection {
    /// Serves until the connection ends; `tell` is told at once when another one is needed.
    pub(super) async fn serve_until_end(
        mut self,
        until: StopConditions,
        tell: oneshot::Sender<ConnectionEnd>,
    ) {
        let mut tell = Some(tell);
        let mut tell = move |end| tell.take().map(|tell| tell.send(end).ok());
        let mut work = FuturesUnordered::new();
        let mut over = pin!(until.wait_until_over(self.clock.clone(), self.timing.linger));
        let end = loop {
            let has_room = work.len() < MAX_ENVELOPES_AT_ONCE;
            let probe_at = self.next_probe_at();
            let step = tokio::select! {
                // In this order: stopping comes before all else, and what is stored is acknowledged
                // before more is read, as Slack repeats what it has to wait for (`slack.md` B.3).
                biased;
                () = &mut over => break None,
                Some(kept) = work.next() => self.acknowledge_envelope(kept).await,
                // While there is no room, nothing is read and nobody is asked for a sign of life:
                // the answer would stand behind what we do not read, and a busy connection would
                // count as dead.
                message = self.wire.next(), if has_room => self.handle_frame(message),
                () = self.clock.sleep_until(probe_at), if has_room => self.probe_peer().await,
            };
            match step {
                FrameAction::Nothing => {}
                FrameAction::Store { id, payload } => work.push(self.store_envelope(id, payload)),
                // The old connection is still read while the new one is opened: Slack sends each
                // payload to any of them (`slack.md` B.3).
                FrameAction::Replace => _ = tell(ConnectionEnd::Refresh),
                FrameAction::Stop(end) => break Some(end),
            }
        };
        _ = end.map(tell);
        // What is stored still gets its acknowledgement, or Slack would send it again over the next
        // one; the library drops these (`slack.md` A.6).
        if end != Some(ConnectionEnd::Lost) {
            let goodbye = self.close_gracefully(work);
            tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await.ok();
        }
    }

    fn handle_frame(&mut self, message: Option<tungstenite::Result<Message>>) -> FrameAction {
        self.heard = self.clock.now();
        self.probed = false;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                return FrameAction::Nothing;
            }
            Some(Ok(Message::Binary(_))) => return report_unreadable(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                return FrameAction::Stop(ConnectionEnd::Lost);
            }
        };
        match frame::parse_frame(&text) {
            None => report_unreadable(),
            Some(Frame::Hello | Frame::Other) => FrameAction::Nothing,
            Some(Frame::Envelope { id, payload }) => FrameAction::Store { id, payload },
            Some(Frame::Disconnect(ConnectionEnd::SwitchedOff)) => {
                FrameAction::Stop(ConnectionEnd::SwitchedOff)
            }
            Some(Frame::Disconnect(ConnectionEnd::Refresh | ConnectionEnd::Lost)) => {
                FrameAction::Replace
            }
        }
    }

    /// In a task of its own, so that nothing that happens in it can end the connection.
    fn store_envelope(
        &self,
        id: String,
        payload: Vec<u8>,
    ) -> impl Future<Output = HandledEnvelope> + use<> {
        let received = self.heard;
        let taker = Arc::clone(&self.taker);
        let kept = self.tasks.spawn(async move { taker.take_payload(payload).await });
        async move {
            HandledEnvelope { id, received, taken: kept.await.unwrap_or(Err(PayloadNotStored)) }
        }
    }

    async fn acknowledge_envelope(&mut self, kept: HandledEnvelope) -> FrameAction {
        let now = self.clock.now();
        self.heard = self.heard.max(now);
        // Not acknowledged, so that Slack sends it again: the store is full or away, and only the
        // sender has it (`what_cannot_be_stored_is_not_acknowledged_and_comes_again`).
        let Ok(answer) = kept.taken else { return FrameAction::Nothing };
        let words = frame::format_acknowledgement(&kept.id, answer.as_ref());
        if let Err(PeerGone) = self.send_message(Message::text(words)).await {
            return FrameAction::Stop(ConnectionEnd::Lost);
        }
        let took = now.duration_since(kept.received).unsigned_abs();
        telemetry::record_ack("slack", took);
        FrameAction::Nothing
    }

    fn next_probe_at(&self) -> Timestamp {
        // Asked at half of the time, so that an answer has the other half.
        self.heard + if self.probed { self.timing.quiet } else { self.timing.quiet / 2 }
    }

    /// Asks a silent connection for a sign of life; gives it up if there was none.
    async fn probe_peer(&mut self) -> FrameAction {
        if self.probed {
            tracing::warn!("the connection to slack is dead");
            return FrameAction::Stop(ConnectionEnd::Lost);
        }
        self.probed = true;
        match self.send_message(Message::Ping(tungstenite::Bytes::new())).await {
            Ok(()) => FrameAction::Nothing,
            Err(PeerGone) => FrameAction::Stop(ConnectionEnd::Lost),
        }
    }

    async fn send_message(&mut self, message: Message) -> Result<(), PeerGone> {
        let said = tokio::time::timeout(self.timing.answer, self.wire.send(message)).await;
        said.ok().and_then(Result::ok).ok_or(PeerGone)
    }

    /// Acknowledges what is still being kept, then closes in both directions.
    async fn close_gracefully(
        mut self,
        mut work: FuturesUnordered<impl Future<Output = HandledEnvelope>>,
    ) {
        while let Some(kept) = work.next().await {
            if let FrameAction::Stop(_) = self.acknowledge_envelope(kept).await {
                return;
            }
        }
        // Read until the other side has closed, too: a socket that is dropped with unread bytes may
        // reset, and take acknowledgements with it that are on their way.
        if self.wire.close(None).await.is_ok() {
            while let Some(Ok(_)) = self.wire.next().await {}
        }
    }
}

impl StopConditions {
    async fn wait_until_over(self, clock: Clock, linger: Duration) {
        let replaced = async {
            self.replaced.cancelled().await;
            clock.sleep_until(clock.now() + linger).await;
        };
        self.stop.run_until_cancelled(replaced).await;
    }
}

/// What we cannot read may be readable to a later release, so it is not acknowledged.
fn report_unreadable() -> FrameAction {
    tracing::error!("slack sent a frame that cannot be read; it is not acknowledged");
    telemetry::count_unreadable();
    FrameAction::Nothing
}
