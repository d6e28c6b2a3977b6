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
use super::ticket_cache::TicketCache;
use super::unsynced::UnsyncedItems;
use super::{erased_ids, items, steps, tickets};
use crate::clock::Clock;
use crate::model::ChannelId;
use crate::store::row::{self, TicketRow};
use crate::store::writes::Decision;
use crate::store::{
    Accepted, CallState, Ending, Item, ItemId, Lane, LaneRelease, Lease, Link, NewItem, Places,
    Result, Source, StoredOutcome, Writes,
};

/// How long after it was asked for a call may be made without another note of when.
const MAX_CALL_DELAY: SignedDuration = SignedDuration::from_millis(100);

/// The items of the file, and who has leased them.
pub(super) struct ItemQueue {
    database: Arc<WriterThread>,
    memory: QueueMemory,
}

/// What this process knows beside the file.
#[derive(Clone)]
struct QueueMemory {
    leases: Arc<Mutex<Leases>>,
    unsynced: Arc<UnsyncedItems>,
    /// The ids to come, if nobody else gives any.
    item_ids: Option<Arc<ItemIds>>,
    tickets: Arc<TicketCache>,
    wake: Arc<Notify>,
    clock: Clock,
}

/// The lease of an idle lane into which an item comes. If that is not committed, the lane is free again.
struct LaneOffer {
    lease: Option<Lease>,
    leases: Arc<Mutex<Leases>>,
}

impl LaneOffer {
    /// The item is there: whoever asks next gets its lane.
    fn put_ready(mut self) {
        if let Some(lease) = self.lease.take() {
            lock_leases(&self.leases).put_ready(lease);
        }
    }
}

impl Drop for LaneOffer {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lock_leases(&self.leases).release_lease(&lease);
        }
    }
}

impl QueueMemory {
    /// Inserts an item, if it is new, and offers its lane if nothing waited there. Says its id and
    /// its lane. `asks_disk` tells whether the disk is asked for it once it is committed.
    fn insert_item(
        &self,
        tx: &Transaction<'_>,
        item: &NewItem,
        asks_disk: bool,
    ) -> Result<Option<(ItemId, String)>> {
        let Some(new) = items::insert_item(tx, item, self.item_ids.as_deref())? else {
            return Ok(None);
        };
        let (id, unsynced) = (new.id, Arc::clone(&self.unsynced));
        // Before anybody is answered; and not if it is undone.
        tx.on_commit(move || unsynced.add_item(id, asks_disk));
        if new.was_idle {
            let (now, due) = (self.clock.now(), item.due);
            let lease = (due <= now)
                .then(|| {
                    let item = to_item(new.id, &new.lane, item);
                    lock_leases(&self.leases).offer_lease(&new.lane, item, now)
                })
                .flatten();
            let is_offered = lease.is_some();
            let offer = LaneOffer { lease, leases: Arc::clone(&self.leases) };
            let wake = Arc::clone(&self.wake);
            tx.on_commit(move || {
                if !is_offered {
                    lock_leases(&offer.leases).note_due(due);
                }
                offer.put_ready();
                wake.notify_one();
            });
        }
        Ok(Some((new.id, new.lane)))
    }

    /// Writes what was gathered.
    fn write_all(&self, tx: &Transaction<'_>, writes: &Writes) -> Result<()> {
        let Writes { decisions, links, tickets, first_words, drawn_cards, jobs } = writes;
        for Decision { item, step, result } in decisions {
            steps::put_decision(tx, *item, step, result, self.clock.now().as_millisecond())?;
        }
        for (link, opened) in links {
            self.write_link(tx, link, *opened)?;
        }
        for ticket in tickets {
            tickets::write_ticket(tx, &ticket.id, &TicketRow::from(ticket))?;
            let (known, ticket) = (Arc::clone(&self.tickets), ticket.clone());
            tx.on_commit(move || known.insert(ticket));
        }
        for (ticket, words) in first_words {
            tickets::insert_first_words(tx, ticket, words)?;
        }
        for (ticket, drawn) in drawn_cards {
            tickets::write_drawn_card(tx, ticket, drawn.as_ref())?;
        }
        for job in jobs {
            // Also an event that is handed on: it was on the disk where it came from.
            self.insert_item(tx, job, false)?;
        }
        Ok(())
    }

    fn write_link(&self, tx: &Transaction<'_>, link: &Link, opened: Timestamp) -> Result<()> {
        let from = Lane::Message(link.channel.clone(), link.ts.clone()).name();
        let to = Lane::Replies(link.ticket.clone()).name();
        erased_ids::refuse_erased(tx, &link.ticket, opened.as_millisecond())?;
        if tickets::insert_link(tx, link)? {
            self.reorder_lanes(tx, &[from, to]);
        }
        Ok(())
    }

    /// Something else may come first in these lanes from now on.
    fn reorder_lanes(&self, tx: &Transaction<'_>, lanes: &[String]) {
        // Before the commit: what lies ready by then is of the past.
        let mut leases = lock_leases(&self.leases);
        for lane in lanes {
            leases.revoke_offer(lane);
        }
        // A due time that was read before this commit may be wrong after it. None can be read in between,
        // as one thread has the connection.
        leases.forget_next_due();
        let wake = Arc::clone(&self.wake);
        tx.on_commit(move || wake.notify_one());
    }

    /// Records what became of items of a lane.
    fn settle_items(
        &self,
        tx: &Transaction<'_>,
        lane: &str,
        (ids, outcome): (Vec<ItemId>, &StoredOutcome),
    ) -> Result<()> {
        items::write_outcome(tx, lane, &ids, outcome, self.clock.now().as_millisecond())?;
        if outcome.is_final() {
            let unsynced = Arc::clone(&self.unsynced);
            tx.on_commit(move || unsynced.remove_items(&ids));
        }
        Ok(())
    }

    /// Gives a lane back.
    fn release_lane(&self, tx: &Transaction<'_>, lease: Lease, due: Timestamp) -> Result<()> {
        let has_more = items::set_due(tx, &lease.lane, due.as_millisecond())?;
        let (leases, wake) = (Arc::clone(&self.leases), Arc::clone(&self.wake));
        // Only then: who leases next must find the lane as it was left, and who was woken before
        // would have found it taken.
        tx.on_commit(move || {
            let mut leases = lock_leases(&leases);
            leases.release_lease(&lease);
            if has_more {
                leases.note_due(due);
            }
            drop(leases);
            wake.notify_one();
        });
        Ok(())
    }
}

impl ItemQueue {
    /// Nothing is leased. `item_ids` are the ids to come, if nobody else gives any.
    pub(super) fn new(
        database: &Arc<WriterThread>,
        clock: Clock,
        item_ids: Option<ItemIds>,
        tickets: &Arc<TicketCache>,
    ) -> Self {
        let memory = QueueMemory {
            item_ids: item_ids.map(Arc::new),
            leases: Arc::default(),
            unsynced: Arc::default(),
            tickets: Arc::clone(tickets),
            wake: Arc::default(),
            clock,
        };
        Self { database: Arc::clone(database), memory }
    }

    /// See [`crate::store::Store::accept`].
    pub(super) async fn accept_item(&self, item: NewItem) -> Result<Accepted> {
        let is_event = item.source != Source::Internal;
        let durability = if is_event { Durability::Hard } else { Durability::Soft };
        let memory = self.memory.clone();
        let insert = move |tx: &Transaction<'_>| memory.insert_item(tx, &item, is_event);
        let QueueMemory { leases, unsynced, wake, .. } = self.memory.clone();
        let follow = move |new: Option<(ItemId, String)>, certain: Result<()>| {
            let Some((id, lane)) = new else { return certain.map(|()| Accepted::Repeat) };
            if is_event {
                unsynced.resolve_item(id, certain.is_ok());
            }
            if certain.is_err() {
                // The offer of what may not be there; whatever is there is leased as usual.
                lock_leases(&leases).revoke_offer(&lane);
                wake.notify_one();
            }
            certain.map(|()| Accepted::New)
        };
        self.database.write_then(durability, insert, follow).await
    }

    /// See [`crate::store::Store::write`].
    pub(super) async fn write(&self, writes: &Writes) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let (memory, writes) = (self.memory.clone(), writes.clone());
        self.database.run_write(move |tx| memory.write_all(tx, &writes)).await
    }

    /// See [`crate::store::Store::commit`].
    pub(super) async fn commit(
        &self,
        lease: &Lease,
        ending: &Ending,
        writes: &Writes,
    ) -> Result<()> {
        self.leases().check_lease(lease)?;
        let (memory, writes, ending) = (self.memory.clone(), writes.clone(), ending.clone());
        let lease = Lease { items: Vec::new(), ..lease.clone() };
        let commit = move |tx: &Transaction<'_>| {
            memory.write_all(tx, &writes)?;
            if let Some((ids, outcome)) = &ending.settled {
                memory.settle_items(tx, &lease.lane, (ids.clone(), outcome))?;
            }
            match ending.release {
                LaneRelease::Keep => Ok(()),
                LaneRelease::AtOnce => memory.release_lane(tx, lease.clone(), memory.clock.now()),
                LaneRelease::At(due) => memory.release_lane(tx, lease.clone(), due),
            }
        };
        self.database.run_write(commit).await
    }

    /// See [`crate::store::Store::lease_lanes`].
    pub(super) async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        // Leases run out by the clock; somebody may ask for what is due later.
        let clock = self.memory.clock.clone();
        {
            let (mut leases, today) = (self.leases(), clock.now());
            leases.drop_expired(today);
            let is_nothing_due = leases.next_due_after(now.max(today)).is_some();
            let ready = if leases.note_lease_request(lease) || is_nothing_due {
                leases.take_ready(places.clone(), today)
            } else {
                Vec::new()
            };
            if is_nothing_due || !ready.is_empty() {
                return Ok(ready);
            }
        }
        let leases = Arc::clone(&self.memory.leases);
        let select_due = move |db: &Connection| {
            // Held from before the read until the leases are entered: otherwise a lane could be
            // given back, changed and leased again in between, and what was read would be of the
            // past.
            let (mut leases, today) = (lock_leases(&leases), clock.now());
            leases.drop_expired(today);
            let is_taken = |lane: &str| leases.is_taken(lane, today);
            let heads = items::read_due_lanes(db, now.as_millisecond(), is_taken, &places)?;
            if heads.is_empty() {
                return Ok(leases.take_ready(places, today));
            }
            leases.forget_next_due();
            let until = now + lease;
            Ok(heads
                .into_iter()
                .map(|(lane, items)| leases.grant_lease(lane, items, until))
                .collect())
        };
        self.database.run_read(select_due).await
    }

    /// See [`crate::store::Store::next_due`].
    pub(super) async fn find_next_due(&self, places: Places) -> Result<Option<Timestamp>> {
        let now = self.memory.clock.now();
        let lease_end = {
            let leases = self.leases();
            if leases.has_ready(&places) {
                return Ok(Some(now));
            }
            let lease_end = leases.next_expiry(now);
            if let Some(due) = leases.next_due_after(now) {
                let due = Some(due).filter(|due| *due < Timestamp::MAX);
                return Ok(due.into_iter().chain(lease_end).min());
            }
            lease_end
        };
        let (leases, clock) = (Arc::clone(&self.memory.leases), self.memory.clock.clone());
        let read_next_due = move |db: &Connection| {
            // Held for as long as in `lease_lanes`, and for the same reason.
            let mut leases = lock_leases(&leases);
            let now = clock.now();
            let due = items::read_next_due(db, |lane| leases.is_taken(lane, now), &places)?;
            let due = due.map(row::parse_timestamp).transpose()?;
            if places.is_any_lane_welcome() {
                leases.keep_next_due(due);
            }
            Ok(due)
        };
        let due = self.database.run_read(read_next_due).await?;
        Ok(due.into_iter().chain(lease_end).min())
    }

    /// See [`crate::store::Store::begin_call`].
    pub(super) async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
        first: &Writes,
    ) -> Result<CallState> {
        let asked = self.memory.clock.now();
        let mark = {
            let (step, channel) = (step.to_owned(), channel.cloned());
            let (memory, first) = (self.memory.clone(), first.clone());
            move |tx: &Transaction<'_>| {
                memory.write_all(tx, &first)?;
                let channel = channel.as_ref().map(ChannelId::as_str);
                steps::mark_begun(tx, item, &step, channel, now.as_millisecond())
            }
        };
        // The disk may be busy with the item meanwhile.
        let begun = self.database.run_write(mark).await?;
        if let Err(error) = self.wait_until_durable(item).await {
            if begun == CallState::Fresh {
                // If not even this is possible, the call is looked up before it is made.
                self.forget_calls(item, &[step]).await.ok();
            }
            return Err(error);
        }
        let now = self.memory.clock.now();
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

    /// See [`crate::store::Store::forget_calls`].
    pub(super) async fn forget_calls(&self, item: ItemId, steps: &[&str]) -> Result<()> {
        let steps: Vec<_> = steps.iter().map(|&step| step.to_owned()).collect();
        let delete = move |tx: &Transaction<'_>| {
            steps.iter().try_for_each(|step| steps::delete_call(tx, item, step))
        };
        self.database.run_write(delete).await
    }

    /// Does a write after which something else may come first in the lanes that it names. False if
    /// it names none.
    pub(super) async fn reorder_lanes(&self, work: impl WriteWork<Vec<String>>) -> Result<bool> {
        let memory = self.memory.clone();
        let reorder = move |tx: &Transaction<'_>| {
            let lanes = work(tx)?;
            if !lanes.is_empty() {
                memory.reorder_lanes(tx, &lanes);
            }
            Ok(!lanes.is_empty())
        };
        self.database.run_write(reorder).await
    }

    /// Waits until an item cannot be lost any more.
    async fn wait_until_durable(&self, item: ItemId) -> Result<()> {
        if !self.memory.unsynced.wait_until_synced(item).await {
            self.database.sync_log().await?;
            self.memory.unsynced.resolve_item(item, true);
        }
        Ok(())
    }

    /// Resolves when there may be something new to lease.
    pub(super) async fn wait_for_work(&self) {
        self.memory.wake.notified().await;
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        lock_leases(&self.memory.leases)
    }
}

/// An item that was just accepted.
fn to_item(id: ItemId, lane: &str, item: &NewItem) -> Item {
    let NewItem { source, key, body, received, .. } = item.clone();
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
