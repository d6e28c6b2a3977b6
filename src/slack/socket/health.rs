//! Whether Slack can reach us over a socket.

use std::sync::Arc;

use tokio::sync::watch;

use crate::telemetry;

/// What holds until the first connection, and whenever the last one is lost.
const NO_CONNECTION: &str = "slack: there is no Socket Mode connection";

/// Knows how many connections there are and why there are none.
#[derive(Clone, Debug, Default)]
pub struct SocketHealth(Arc<watch::Sender<SocketState>>);

#[derive(Debug, Default)]
struct SocketState {
    open: usize,
    /// How often there was a connection again, or at last.
    returns: u64,
    refusal: Option<&'static str>,
}

/// Counts as a connection until it is dropped.
#[derive(Debug)]
pub(super) struct OpenSocket(SocketHealth);

impl SocketHealth {
    /// What keeps events from arriving, in one line.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let state = self.0.borrow();
        // With one connection still open all is well, whatever was said of the next one.
        (state.open == 0).then(|| state.refusal.unwrap_or(NO_CONNECTION))
    }

    /// How often there was a connection after a time without one.
    pub(crate) fn reconnect_count(&self) -> u64 {
        self.0.borrow().returns
    }

    /// Waits until there is a connection after a time without one, other than these.
    pub(crate) async fn wait_for_reconnect(&self, known: u64) {
        // The sender is ours, so it cannot be gone.
        self.0.subscribe().wait_for(|state| state.returns != known).await.ok();
    }

    /// Waits until there is a connection or Slack has refused one.
    pub(crate) async fn wait_for_first_outcome(&self) {
        let settled = |state: &SocketState| state.open > 0 || state.refusal.is_some();
        // The sender is ours, so it cannot be gone.
        self.0.subscribe().wait_for(settled).await.ok();
    }

    /// Notes that Slack does not want us to connect. The first reason is the one to be mended, and
    /// holds until there is a connection again.
    pub(super) fn note_refusal(&self, why: &'static str) {
        self.0.send_modify(|state| _ = state.refusal.get_or_insert(why));
    }

    pub(super) fn add_connection(&self) -> OpenSocket {
        self.update_count(|open| open + 1);
        self.0.send_modify(|state| {
            state.refusal = None;
            // Before anything is read from it: what comes over it is newer than what was missed.
            state.returns += u64::from(state.open == 1);
        });
        OpenSocket(self.clone())
    }

    fn update_count(&self, change: impl FnOnce(usize) -> usize) {
        self.0.send_modify(|state| {
            state.open = change(state.open);
            telemetry::record_sockets(state.open);
        });
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.update_count(|open| open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_connection_is_enough_and_a_refusal_is_forgotten_with_the_next() {
        let line = SocketHealth::default();
        assert_eq!(line.trouble(), Some(NO_CONNECTION));
        line.note_refusal("no");
        line.note_refusal("never");
        assert_eq!(line.trouble(), Some("no"));
        let (old, new) = (line.add_connection(), line.add_connection());
        drop(old);
        assert_eq!(line.trouble(), None);
        assert_eq!(
            line.reconnect_count(),
            1,
            "while one is replaced by the next, nothing is missed"
        );
        drop(new);
        assert_eq!(line.trouble(), Some(NO_CONNECTION));
        let _again = line.add_connection();
        assert_eq!(line.reconnect_count(), 2);
    }
}
