//! A model behind a lock that tells when it has changed, so that nobody needs to sleep.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// How long a wait may last before it counts as a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// A model and the news of its changes.
#[derive(Debug)]
pub(super) struct Watched<S> {
    state: Mutex<S>,
    changes: watch::Sender<u64>,
}

impl<S> Watched<S> {
    /// Takes charge of a model.
    pub(super) fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changes: watch::Sender::new(0) }
    }

    /// Looks at the model.
    pub(super) fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the model and tells everybody who waits.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Counts the changes; the receiver is told of each.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until the model shows what is looked for; `None` if it takes too long.
    pub(super) async fn wait_for<T>(&self, mut look: impl FnMut(&S) -> Option<T>) -> Option<T> {
        let mut changes = self.subscribe();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = self.read(&mut look) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        });
        found.await.ok().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        // A reset is a panic on purpose, never while the model is half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
