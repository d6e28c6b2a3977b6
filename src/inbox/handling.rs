//! An item that is being handled, and what is gathered meanwhile.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::job::DoubledPost;
use crate::model::{BlipEvent, StoredSlackEvent};
use crate::store::{self, Item, Lane, NewItem, Writes};

/// An item that is being handled, with what is to be written because of it: in one transaction, with
/// the next call that is begun or when handling ends. Items of one lease share what they gather, as
/// several of them may be handled together.
pub(crate) struct Handling {
    item: Item,
    gathered: Gathered,
    /// What it says if it is an event, kept once somebody has asked: it is looked at when the lane is put
    /// in order, when those before it are handled, and when it is handled itself.
    blip_event: OnceLock<BlipEvent>,
    slack_event: OnceLock<StoredSlackEvent>,
}

/// What was gathered and is not written yet.
#[derive(Clone, Default)]
pub(crate) struct Gathered {
    writes: Arc<Mutex<Writes>>,
    made: Arc<Mutex<MadeCalls>>,
}

/// Calls that took effect, whose results are not written yet. Should the lease be lost by then, another
/// instance may have made them as well.
#[derive(Default)]
pub(crate) struct MadeCalls {
    pub(crate) calls: Vec<MadeCall>,
    /// What they have posted, and is to be taken back if it is there a second time.
    pub(crate) posts: Vec<DoubledPost>,
}

/// A call that took effect.
pub(crate) struct MadeCall {
    /// The name of the call.
    pub(crate) step: String,
    /// Whether it was made to Slack, and not to Blip.
    pub(crate) is_to_slack: bool,
}

impl Handling {
    /// Nothing was done for the item yet.
    pub(crate) fn new(item: Item, gathered: Gathered) -> Self {
        let (blip_event, slack_event) = (OnceLock::new(), OnceLock::new());
        Self { item, gathered, blip_event, slack_event }
    }

    /// What it says as an event of Blip's, parsed by the first who asks.
    pub(crate) fn blip_event(&self, parse: impl FnOnce(&[u8]) -> BlipEvent) -> &BlipEvent {
        // How an event is parsed is known to the platform's own folder, which the inbox does not
        // use.
        self.blip_event.get_or_init(|| parse(&self.item.body))
    }

    /// What it says as an event of Slack's, parsed by the first who asks.
    pub(crate) fn slack_event(
        &self,
        parse: impl FnOnce(&[u8]) -> StoredSlackEvent,
    ) -> &StoredSlackEvent {
        self.slack_event.get_or_init(|| parse(&self.item.body))
    }

    /// Keeps what was found out or decided, so that it is the same should the item be handled again:
    /// a message in several posts, for one, must be cut the same way. It is kept before the next call
    /// is made.
    ///
    /// # Errors
    ///
    /// [`store::Error::Unreadable`] if it cannot be kept.
    pub(crate) fn remember<T: Serialize>(&self, name: &str, value: &T) -> store::Result<()> {
        let value = store::to_kept(value)?;
        self.gathered.lock().put_decision(self.item.id, name, &value);
        Ok(())
    }

    /// The same event for another lane, behind what waits there.
    pub(crate) fn to_lane(&self, lane: Lane, due: Timestamp) -> NewItem {
        // A key of its own, as the event's first one is taken by this item; but the same each time, so
        // that a second try hands on nothing twice.
        let key = format!("{}>{}", self.key, lane.name());
        let (source, body, received) = (self.source, self.body.clone(), self.received);
        NewItem { source, lane, key, body, received, due }
    }

    /// Whether it was put into this lane by [`Self::to_lane`].
    pub(crate) fn has_changed_lane(&self) -> bool {
        self.key.ends_with(&format!(">{}", self.lane))
    }

    /// Notes that a call was made just now.
    pub(crate) fn note_made_call(&self, step: &str, is_to_slack: bool) {
        self.gathered.lock_made().calls.push(MadeCall { step: step.to_owned(), is_to_slack });
    }

    /// Notes what a call has posted just now.
    pub(crate) fn note_made_post(&self, post: DoubledPost) {
        self.gathered.lock_made().posts.push(post);
    }

    /// What handling it has led to so far, and those of its lease with it.
    pub(crate) fn gathered(&self) -> &Gathered {
        &self.gathered
    }
}

impl Deref for Handling {
    type Target = Item;

    fn deref(&self) -> &Item {
        &self.item
    }
}

impl Gathered {
    /// Adds to it, or looks at it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Writes> {
        // Also after a panic: each change is whole.
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_made(&self) -> MutexGuard<'_, MadeCalls> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out the calls whose results are about to be written.
    pub(crate) fn take_made_calls(&self) -> MadeCalls {
        std::mem::take(&mut *self.lock_made())
    }

    /// Puts back calls whose results could not be written.
    pub(crate) fn restore_made_calls(&self, made: MadeCalls) {
        let mut since = self.lock_made();
        since.calls.splice(..0, made.calls);
        since.posts.splice(..0, made.posts);
    }

    /// Takes all of it out, to be written.
    pub(crate) fn take(&self) -> Writes {
        std::mem::take(&mut *self.lock())
    }

    /// Puts back what could not be written, before what came since.
    pub(crate) fn restore(&self, mut unwritten: Writes) {
        let mut writes = self.lock();
        unwritten.append(std::mem::take(&mut *writes));
        *writes = unwritten;
    }
}
