//! Items that are committed and, as far as we know, not on the disk.
//!
//! They are handled all the same, up to the first call that is made once (`Store::begin`), which
//! waits until the item cannot be lost any more. Otherwise its sender, who was told nothing, would
//! repeat it to a bridge that has forgotten it, and the call would be made twice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::store::ItemId;

/// The items that are committed and not yet on the disk.
#[derive(Default)]
pub(super) struct UnsyncedItems(Mutex<HashMap<ItemId, SyncState>>);

enum SyncState {
    /// The disk was asked for it, and these wait, too.
    Asked(Vec<oneshot::Sender<bool>>),
    /// The disk was not asked, or has failed.
    Unasked,
}

impl UnsyncedItems {
    /// An item was committed just now; `asks` says whether the disk is asked for it.
    pub(super) fn add_item(&self, item: ItemId, asks: bool) {
        let state = if asks { SyncState::Asked(Vec::new()) } else { SyncState::Unasked };
        self.lock_items().insert(item, state);
    }

    /// The disk has an item, or has failed.
    pub(super) fn resolve_item(&self, item: ItemId, is_stored: bool) {
        let before = {
            let mut items = self.lock_items();
            if is_stored { items.remove(&item) } else { items.insert(item, SyncState::Unasked) }
        };
        let callers =
            if let Some(SyncState::Asked(callers)) = before { callers } else { Vec::new() };
        for caller in callers {
            // Whoever has gone need not know.
            caller.send(is_stored).ok();
        }
    }

    /// Waits for the disk, if it was asked for this item. False if it must be asked.
    pub(super) async fn wait_until_synced(&self, item: ItemId) -> bool {
        let answer = match self.lock_items().get_mut(&item) {
            None => return true,
            // A job is a soft write, for which nobody has asked the disk; and after a failed sync
            // nobody may believe an earlier question.
            Some(SyncState::Unasked) => return false,
            Some(SyncState::Asked(callers)) => {
                let (caller, answer) = oneshot::channel();
                callers.push(caller);
                answer
            }
        };
        answer.await.unwrap_or(false)
    }

    /// These items are finished: no call will be made for them any more.
    pub(super) fn remove_items(&self, finished: &[ItemId]) {
        let mut items = self.lock_items();
        for item in finished {
            items.remove(item);
        }
    }

    /// The items, also after a panic: each change of them is whole.
    fn lock_items(&self) -> MutexGuard<'_, HashMap<ItemId, SyncState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
