//! Items from acceptance to outcome: what is in the file of them, and what this process knows beside it.
//!
//! Leases are not in the file (`leases`). An item may be leased before it is on the disk, but no call
//! begins for it before then (`unsynced`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio::sync::Notify;

use super::database::{Durability, Transaction, WriteWork, WriterThread};
use super::item_ids::ItemIds;
use super::leases::Leases;
use super::unsynced::UnsyncedItems;
use super::{items, steps};
use crate::clock::Clock;
use crate::model::ChannelId;
use crate::store::{
    Accepted, CallState, Item, ItemId, Lease, NewItem, Places, Result, Source, StoredOutcome, row,
};

/// How long after it was asked for a call may be made without another note of when.
const MAX_CALL_DELAY: SignedDuration = SignedDuration::from_millis(100);

/// The items of the file, and who has leased them.
pub(super) struct ItemQueue {
    database: Arc<WriterThread>,
    leases: Arc<Mutex<Leases>>,
    unsynced: Arc<UnsyncedItems>,
    /// The ids to come, if nobody else gives any.
    item_ids: Option<Arc<ItemIds>>,
    wake: Arc<Notify>,
    clock: Clock,
}

impl ItemQueue {
    /// Nothing is leased. `item_ids` are the ids to come, if nobody else gives any.
    pub(super) fn new(
        database: &Arc<WriterThread>,
        clock: Clock,
        item_ids: Option<ItemIds>,
    ) -> Self {
        Self {
            database: Arc::clone(database),
            item_ids: item_ids.map(Arc::new),
            leases: Arc::default(),
            unsynced: Arc::default(),
            wake: Arc::default(),
            clock,
        }
    }

    /// See [`crate::store::Store::accept`].
    pub(super) async fn accept_item(&self, item: NewItem) -> Result<Accepted> {
        let is_event = item.source != Source::Internal;
        let safety = if is_event { Durability::Hard } else { Durability::Soft };
        let (leases, uncertain) = (Arc::clone(&self.leases), Arc::clone(&self.unsynced));
        let (wake, now) = (Arc::clone(&self.wake), self.clock.now());
        let ids = self.item_ids.clone();
        let insert = move |tx: &Transaction<'_>| {
            let Some(new) = items::insert_item(tx, &item, ids.as_deref())? else { return Ok(None) };
            uncertain.add_item(new.id, is_event);
            let mut lease = None;
            if new.was_idle && item.due <= now {
                let item = into_item(new.id, &new.lane, item);
                lease = lock_leases(&leases).offer_lease(&new.lane, item, now);
            }
            if new.was_idle {
                tx.on_commit(move || {
                    put_ready_if_any(&leases, lease);
                    wake.notify_one();
                });
            }
            Ok(Some((new.id, new.lane)))
        };
        let (leases, uncertain) = (Arc::clone(&self.leases), Arc::clone(&self.unsynced));
        let wake = Arc::clone(&self.wake);
        let follow = move |new: Option<(ItemId, String)>, certain: Result<()>| {
            let Some((id, lane)) = new else { return certain.map(|()| Accepted::Repeat) };
            if is_event {
                uncertain.resolve_item(id, certain.is_ok());
            }
            if certain.is_err() {
                // The offer of what may not be there; whatever is there is claimed as usual.
                lock_leases(&leases).revoke_offer(&lane);
                wake.notify_one();
            }
            certain.map(|()| Accepted::New)
        };
        self.database.write_then(safety, insert, follow).await
    }

    /// See [`crate::store::Store::lease_lanes`].
    pub(super) async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        // Leases run out by the clock; somebody may claim what is due later.
        let clock = self.clock.clone();
        let ready = {
            let (mut leases, now) = (self.leases(), clock.now());
            leases.drop_expired(now);
            if leases.note_lease_request(lease) {
                leases.take_ready(places, now)
            } else {
                Vec::new()
            }
        };
        if !ready.is_empty() {
            return Ok(ready);
        }
        let leases = Arc::clone(&self.leases);
        let claim = move |db: &Connection| {
            // Held from before the read until the leases are entered: otherwise a lane could be
            // given back, changed and leased again in between, and what was read would be of the
            // past.
            let (mut leases, today) = (lock_leases(&leases), clock.now());
            leases.drop_expired(today);
            let taken = leases.leased_lanes(today);
            let heads = items::read_due_lanes(db, now.as_millisecond(), taken, places)?;
            if heads.is_empty() {
                return Ok(leases.take_ready(places, today));
            }
            let until = now + lease;
            Ok(heads
                .into_iter()
                .map(|(lane, items)| leases.grant_lease(lane, items, until))
                .collect())
        };
        self.database.run_read(claim).await
    }

    /// See [`crate::store::Store::record_outcome`].
    pub(super) async fn record_outcome(
        &self,
        lease: &Lease,
        items: &[ItemId],
        outcome: StoredOutcome,
    ) -> Result<()> {
        self.leases().check_lease(lease)?;
        let (lane, ids, now) = (lease.lane.clone(), items.to_vec(), self.now_millis());
        let is_finished = matches!(
            outcome,
            StoredOutcome::Done | StoredOutcome::Ignored | StoredOutcome::Forgotten
        );
        self.database
            .run_write(move |tx| items::write_outcome(tx, &lane, &ids, &outcome, now))
            .await?;
        if is_finished {
            self.unsynced.remove_items(items);
        }
        Ok(())
    }

    /// See [`crate::store::Store::release_lane`].
    pub(super) async fn release_lane(&self, lease: Lease, due: Option<Timestamp>) -> Result<()> {
        self.leases().check_lease(&lease)?;
        let due = due.map_or_else(|| self.now_millis(), Timestamp::as_millisecond);
        let lane = lease.lane.clone();
        self.database.run_write(move |tx| items::set_due(tx, &lane, due)).await?;
        // Only now: who claims next must find the lane as it was left, and who was woken before
        // would have found it taken.
        self.leases().release_lease(&lease);
        self.wake.notify_one();
        Ok(())
    }

    /// See [`crate::store::Store::next_due`].
    pub(super) async fn find_next_due(&self, places: Places) -> Result<Option<Timestamp>> {
        let now = self.clock.now();
        let (taken, lease_end) = {
            let leases = self.leases();
            if leases.has_ready(places) {
                return Ok(Some(now));
            }
            (leases.leased_lanes(now), leases.next_expiry(now))
        };
        let due = self.database.run_read(move |db| items::read_next_due(db, taken, places)).await?;
        let due = due.map(row::parse_timestamp).transpose()?;
        Ok(due.into_iter().chain(lease_end).min())
    }

    /// See [`crate::store::Store::begin_call`].
    pub(super) async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
    ) -> Result<CallState> {
        let asked = self.clock.now();
        let mark = {
            let (step, channel) = (step.to_owned(), channel.cloned());
            move |tx: &Transaction<'_>| {
                let channel = channel.as_ref().map(ChannelId::as_str);
                steps::mark_begun(tx, item, &step, channel, now.as_millisecond())
            }
        };
        // The disk may be busy with the item meanwhile.
        let begun = self.database.run_write(mark).await?;
        if let Err(error) = self.wait_until_durable(item).await {
            if begun == CallState::Fresh {
                // If not even this is possible, the call is looked up before it is made.
                self.forget_call(item, step).await.ok();
            }
            return Err(error);
        }
        let now = self.clock.now();
        if begun == CallState::Fresh && now.duration_since(asked) > MAX_CALL_DELAY {
            // The call is made only now, and that is what counts when it is looked for.
            self.touch_call(item, step, now).await?;
        }
        Ok(begun)
    }

    /// See [`crate::store::Store::touch_call`].
    pub(super) async fn touch_call(&self, item: ItemId, step: &str, now: Timestamp) -> Result<()> {
        let (step, now) = (step.to_owned(), now.as_millisecond());
        self.database.run_write(move |tx| steps::update_tried(tx, item, &step, now)).await
    }

    /// See [`crate::store::Store::forget_call`].
    pub(super) async fn forget_call(&self, item: ItemId, step: &str) -> Result<()> {
        let step = step.to_owned();
        self.database.run_write(move |tx| steps::delete_call(tx, item, &step)).await
    }

    /// Does a write after which something else may come first in the lanes that it names. False if
    /// it names none.
    pub(super) async fn reorder_lanes(&self, work: impl WriteWork<Vec<String>>) -> Result<bool> {
        let (leases, wake) = (Arc::clone(&self.leases), Arc::clone(&self.wake));
        let reorder = move |tx: &Transaction<'_>| {
            let lanes = work(tx)?;
            let has_any = !lanes.is_empty();
            if has_any {
                // Before the commit: what lies ready by then is of the past.
                let mut leases = lock_leases(&leases);
                for lane in &lanes {
                    leases.revoke_offer(lane);
                }
                tx.on_commit(move || wake.notify_one());
            }
            Ok(has_any)
        };
        self.database.run_write(reorder).await
    }

    /// Waits until an item cannot be lost any more.
    async fn wait_until_durable(&self, item: ItemId) -> Result<()> {
        if !self.unsynced.wait_until_synced(item).await {
            self.database.sync_log().await?;
            self.unsynced.resolve_item(item, true);
        }
        Ok(())
    }

    fn now_millis(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Resolves when there may be something new to lease.
    pub(super) async fn wait_for_work(&self) {
        self.wake.notified().await;
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        lock_leases(&self.leases)
    }
}

/// An item that was just accepted.
fn into_item(id: ItemId, lane: &str, item: NewItem) -> Item {
    let NewItem { source, key, body, received, .. } = item;
    Item {
        id,
        source,
        lane: lane.to_owned(),
        key,
        body,
        received,
        attempts: 0,
        may_have_unrecorded_calls: false,
        has_begun_calls: false,
    }
}

/// The leases, also after a panic: each change of them is whole.
fn lock_leases(leases: &Mutex<Leases>) -> MutexGuard<'_, Leases> {
    leases.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets a lease that was offered be taken.
fn put_ready_if_any(leases: &Mutex<Leases>, lease: Option<Lease>) {
    if let Some(lease) = lease {
        lock_leases(leases).put_ready(lease);
    }
}
