//! The promises of [`Store`], each kept by the statements of the file that is about it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::accept::Inserted;
use super::{PostgresStore, items, privacy, slots, tickets, turns, writes};
use crate::model::{
    BotName, ChannelId, CustomerKey, MessageTs, SlackUserId, Thread, Ticket, TicketId,
};
use crate::store::{
    Accepted, CallState, CallTry, Cutoffs, DrawnCard, Ending, Error, InboxDepth, ItemId,
    KeptTicket, KnownReplies, Lane, LaneRelease, Lease, Link, NewItem, ParkedItem, Places,
    PostRate, Result, Source, Store, Turn, TurnPass, TurnRequest, Writes, row,
};

/// How long after it was asked for a call may be made without another note of when.
const MAX_CALL_DELAY: SignedDuration = SignedDuration::from_millis(100);

#[async_trait]
impl Store for PostgresStore {
    async fn accept(&self, item: NewItem) -> Result<Accepted> {
        self.refuse_if_closed()?;
        let queue = if item.source == Source::Internal { &self.jobs } else { &self.doors };
        let is_due = item.due <= self.instance.clock.now();
        let inserted = queue.accept(self.to_new_row(item)).await?;
        if inserted == Inserted::NewInIdleLane {
            if is_due {
                self.announce_work().await;
            } else {
                // Whoever waits in this process waits for what was due before.
                self.watch.wake.notify_one();
            }
        }
        Ok(match inserted {
            Inserted::Repeat => Accepted::Repeat,
            Inserted::New | Inserted::NewInIdleLane => Accepted::New,
        })
    }

    async fn find_accepted(&self, source: Source, prefixes: &[String]) -> Result<Vec<bool>> {
        items::find_key_prefixes(&self.database, source.name(), prefixes).await
    }

    async fn greatest_key(
        &self,
        source: Source,
        prefix: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        let (given, now) = (self.instance.given_time(), self.now_millis());
        let found = items::read_greatest_key(&self.database, given, source.name(), prefix).await?;
        let read = |(key, received_in): (String, i64)| {
            Ok((key, row::parse_timestamp(now.saturating_add(received_in))?))
        };
        found.map(read).transpose()
    }

    async fn lease_lanes(
        &self,
        places: Places,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        if self.watch.is_clock_off() {
            return Ok(Vec::new());
        }
        let _turn = self.leasing.lock().await;
        let today = self.instance.clock.now();
        let taken = {
            let mut held = self.held();
            held.drop_expired(today);
            held.lanes(today)
        };
        let term = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let times = (self.millis_until(now), term);
        let leased =
            items::lease_lanes(&self.database, &self.instance, times, &taken, &places).await?;
        let mut held = self.held();
        let until = today + lease;
        let to_lease = |(lane, token, items)| {
            let lease = Lease { lane, token, until, items };
            held.add_lease(&lease);
            lease
        };
        Ok(leased.into_iter().map(to_lease).collect())
    }

    async fn commit(&self, lease: &Lease, ending: &Ending, writes: &Writes) -> Result<()> {
        self.held().check_lease(lease)?;
        let statements = self.to_statements(writes, Some(&lease.lane));
        let committed = writes::commit(&self.database, &self.instance, (lease, ending), statements);
        let committed = committed.await;
        let is_over = matches!(committed, Ok(_) | Err(Error::LeaseLost { .. }));
        if ending.release != LaneRelease::Keep && is_over {
            // Only now: until then nobody in this process is to have it.
            self.held().release_lease(lease);
            self.watch.wake.notify_one();
        }
        self.announce_written(committed?).await;
        Ok(())
    }

    async fn write(&self, writes: &Writes) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let statements = self.to_statements(writes, None);
        let written = writes::write_all(&self.database, statements).await?;
        self.announce_written(written).await;
        Ok(())
    }

    async fn next_due(&self, places: Places) -> Result<Option<Timestamp>> {
        let now = self.instance.clock.now();
        let (taken, lease_end) = {
            let held = self.held();
            (held.lanes(now), held.next_expiry(now))
        };
        let given = self.instance.given_time();
        let due_in = items::read_next_due(&self.database, given, &taken, &places).await?;
        let to_time =
            |due_in: i64| row::parse_timestamp(now.as_millisecond().saturating_add(due_in));
        Ok(due_in.map(to_time).transpose()?.into_iter().chain(lease_end).min())
    }

    async fn begin_call(
        &self,
        item: ItemId,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
        first: &Writes,
    ) -> Result<CallState> {
        let (token, lane) = {
            let held = self.held();
            let token = held.token_of(item)?;
            (token, held.lane_of(token))
        };
        let asked = self.instance.clock.now();
        let call = items::NewCall { item, token, step, channel, now: now.as_millisecond() };
        let first = self.to_statements(first, lane.as_deref());
        let begun = items::mark_begun(&self.database, &self.instance, call, first).await;
        let (begun, written) = begun?;
        self.announce_written(written).await;
        let now = self.instance.clock.now();
        if begun == CallState::Fresh && now.duration_since(asked) > MAX_CALL_DELAY {
            // The call is made only now, and that is what counts when it is looked for.
            self.touch_call(item, step, CallTry::Begun(now)).await?;
        }
        Ok(begun)
    }

    async fn touch_call(&self, item: ItemId, step: &str, last_try: CallTry) -> Result<()> {
        let (token, time) = (self.held().token_of(item)?, last_try.time());
        let times = match self.given(time) {
            Some(given) => (Some(given), 0),
            None => (None, self.millis_until(time)),
        };
        let has_ended = matches!(last_try, CallTry::Ended(_));
        items::update_tried(&self.database, (item, token), step, (times, has_ended)).await
    }

    async fn forget_calls(&self, item: ItemId, steps: &[&str]) -> Result<()> {
        // Without a lease there is nothing of ours to forget.
        let Ok(token) = self.held().token_of(item) else { return Ok(()) };
        items::delete_calls(&self.database, (item, token), steps).await
    }

    async fn calls_of(&self, item: ItemId) -> Result<Vec<(String, Option<String>)>> {
        items::read_calls(&self.database, item).await
    }

    async fn is_posting(&self, channel: &ChannelId, before: Timestamp) -> Result<bool> {
        let times = (self.instance.given_time(), self.millis_until(before));
        items::has_begun_post(&self.database, channel, times).await
    }

    async fn first_words(&self, ticket: &TicketId) -> Result<Option<String>> {
        tickets::read_first_words(&self.database, ticket).await
    }

    async fn drawn_card(&self, ticket: &TicketId) -> Result<Option<DrawnCard>> {
        tickets::read_drawn_card(&self.database, ticket).await
    }

    async fn load_ticket(&self, id: &TicketId) -> Result<Option<Ticket>> {
        tickets::read_ticket(&self.database, id).await
    }

    async fn ticket_by_number(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        tickets::read_by_number(&self.database, bot, number).await
    }

    async fn latest_ticket_of(&self, customer: &str, except: &TicketId) -> Result<Option<Ticket>> {
        let newest = tickets::read_all_of(&self.database, customer, except, 1).await?;
        Ok(newest.into_iter().next())
    }

    async fn tickets_of(
        &self,
        customer: &str,
        except: &TicketId,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        tickets::read_all_of(&self.database, customer, except, limit).await
    }

    async fn ticket_after(&self, bot: &BotName, number: i64) -> Result<Option<Ticket>> {
        tickets::read_successor(&self.database, bot, number).await
    }

    async fn find_tickets(&self, text: &str, limit: u32) -> Result<Vec<Ticket>> {
        tickets::search_tickets(&self.database, text, limit).await
    }

    async fn open_tickets(&self) -> Result<Vec<Ticket>> {
        tickets::read_open_tickets(&self.database).await
    }

    async fn closed_tickets(&self, since: Timestamp) -> Result<Vec<Ticket>> {
        tickets::read_closed_since(&self.database, since.as_millisecond()).await
    }

    async fn customer_tickets(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        privacy::find_customer_tickets(&self.database, customer).await
    }

    async fn load_kept_ticket(&self, ticket: &TicketId) -> Result<KeptTicket> {
        let times = (self.instance.given_time(), self.now_millis());
        privacy::read_kept_ticket(&self.database, times, ticket).await
    }

    async fn erase_customer(&self, customer: &CustomerKey) -> Result<Vec<TicketId>> {
        let ids = privacy::find_customer_tickets(&self.database, customer).await?;
        let how = (self.salt.as_str(), self.now_millis());
        privacy::delete_customer(&self.database, customer, &ids, how).await?;
        self.remove_traces().await?;
        Ok(ids)
    }

    async fn erased_at(&self, ticket: &TicketId) -> Result<Option<Timestamp>> {
        let at = privacy::read_erased_at(&self.database, &self.hashes_of(ticket)).await?;
        at.map(row::parse_timestamp).transpose()
    }

    async fn has_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<bool> {
        items::has_waiting(&self.database, &lane.name(), source.name(), key).await
    }

    async fn count_waiting(&self, lane: &Lane, source: Source, key: &str) -> Result<u64> {
        let count = items::count_waiting(&self.database, &lane.name(), source.name(), key).await;
        count.map(i64::cast_unsigned)
    }

    async fn has_begun(&self, lane: &Lane, steps: &[&str]) -> Result<bool> {
        items::has_begun(&self.database, &lane.name(), steps).await
    }

    async fn held_replies(&self, ticket: &TicketId, before: &MessageTs) -> Result<Vec<Link>> {
        tickets::read_held(&self.database, ticket, before).await
    }

    async fn has_words_after(&self, ticket: &TicketId, ts: &MessageTs) -> Result<bool> {
        tickets::has_words_after(&self.database, ticket, ts).await
    }

    async fn find_link(&self, channel: &ChannelId, ts: &MessageTs) -> Result<Option<Link>> {
        tickets::read_link(&self.database, channel, ts).await
    }

    async fn links_of(&self, ticket: &TicketId, blip_id: &str) -> Result<Vec<Link>> {
        tickets::read_links(&self.database, ticket, blip_id).await
    }

    async fn blip_ids_of(&self, ticket: &TicketId) -> Result<Vec<String>> {
        tickets::read_blip_ids(&self.database, ticket).await
    }

    async fn known_replies(
        &self,
        channel: &ChannelId,
        since: &MessageTs,
    ) -> Result<Vec<KnownReplies>> {
        tickets::read_known_replies(&self.database, channel, since).await
    }

    async fn has_replies(
        &self,
        ticket: &TicketId,
        thread: &Thread,
        gone: Option<&MessageTs>,
    ) -> Result<bool> {
        tickets::has_linked_replies(&self.database, ticket, thread, gone).await
    }

    async fn count_unanswered(&self, ticket: &TicketId) -> Result<u64> {
        tickets::count_unanswered(&self.database, ticket).await.map(i64::cast_unsigned)
    }

    async fn rename_channel(&self, later: &ChannelId, first: &ChannelId) -> Result<()> {
        tickets::insert_channel_rename(&self.database, later, first).await
    }

    async fn renamed_channels(&self) -> Result<Vec<(ChannelId, ChannelId)>> {
        tickets::read_channel_renames(&self.database).await
    }

    async fn take_slot(
        &self,
        lane: &str,
        channel: &ChannelId,
        pace: PostRate,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let given = self.given(now);
        let slot_in = slots::reserve_slot(&self.database, given, lane, channel, pace).await?;
        row::parse_timestamp(now.as_millisecond().saturating_add(slot_in))
    }

    async fn hold_channel(
        &self,
        refused: ItemId,
        channel: &ChannelId,
        pace: PostRate,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let until_in = until.as_millisecond().saturating_sub(now.as_millisecond());
        let given = self.given(now);
        slots::shift_slots(&self.database, given, refused, channel, pace, until_in).await
    }

    async fn take_turn(&self, ticket: &TicketId, wanted: &TurnRequest) -> Result<Option<Turn>> {
        turns::take_turn(&self.database, ticket, wanted).await
    }

    async fn pass_turn(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        pass: TurnPass,
        now: Timestamp,
    ) -> Result<()> {
        turns::pass_turn(&self.database, ticket, agent, (pass, now.as_millisecond())).await
    }

    async fn has_written_after(
        &self,
        ticket: &TicketId,
        agent: &SlackUserId,
        ts: &MessageTs,
    ) -> Result<bool> {
        turns::has_written_after(&self.database, ticket, agent, ts).await
    }

    async fn parked_items(&self, ticket: Option<&TicketId>) -> Result<Vec<ParkedItem>> {
        let lanes = ticket.map(|ticket| Lane::both_of(ticket).map(|lane| lane.name()));
        let times = (self.instance.given_time(), self.now_millis());
        items::read_parked(&self.database, times, lanes).await
    }

    async fn parked_body(&self, item: ItemId) -> Result<Option<Vec<u8>>> {
        items::read_parked_body(&self.database, item).await
    }

    async fn retry_parked(&self, item: ItemId, now: Timestamp) -> Result<bool> {
        let sql = "SELECT retry_parked($1, $2)";
        let has_revived = self.database.one_value(sql, &[&self.given(now), &item]).await?;
        if has_revived {
            self.announce_work().await;
        }
        Ok(has_revived)
    }

    async fn skip_parked(&self, item: ItemId) -> Result<bool> {
        items::finish_parked(&self.database, self.instance.given_time(), item).await
    }

    async fn inbox_depth(&self) -> Result<InboxDepth> {
        let times = (self.instance.given_time(), self.now_millis());
        items::read_depth(&self.database, times).await
    }

    async fn erase_expired(&self, before: Cutoffs) -> Result<()> {
        let Cutoffs { bodies, tickets, keys } = before;
        let erased = [
            self.erase_in_batches(items::ERASE_BODIES, bodies).await?,
            self.erase_in_batches(items::DELETE_FINISHED, keys).await?,
            self.erase_in_batches(tickets::ERASE_FIRST_WORDS, bodies).await?,
            self.erase_in_batches("DELETE FROM erased WHERE at < $1 RETURNING 1", keys).await?,
            self.erase_in_batches(items::EXPIRE_PARKED, tickets).await?,
            self.erase_in_batches(tickets::DELETE_OLD_TICKETS, tickets).await?,
        ];
        if erased.contains(&true) {
            self.remove_traces().await?;
        }
        Ok(())
    }

    async fn read_fact(&self, name: &str) -> Result<Option<String>> {
        privacy::read_meta(&self.database, &row::fact_key(name)).await
    }

    async fn put_fact(&self, name: &str, value: Option<&str>) -> Result<()> {
        privacy::put_meta(&self.database, &row::fact_key(name), value).await
    }

    async fn check_health(&self) -> Result<()> {
        self.refuse_if_closed()?;
        if self.watch.is_clock_off() {
            return Err(Error::ClocksApart);
        }
        let now = self.instance.clock.now().to_string();
        privacy::put_meta(&self.database, "checked", Some(&now)).await?;
        self.has_accepted(Source::Blip, "readiness").await?;
        self.open_tickets().await?;
        self.next_due(Places::any(1)).await?;
        self.inbox_depth().await.map(drop)
    }

    async fn wait_for_work(&self) {
        self.watch.wake.notified().await;
    }

    async fn close(&self) {
        if self.is_closed.swap(true, Ordering::Relaxed) {
            return;
        }
        self.stop.cancel();
        if self.serves {
            // Otherwise the others wait until it counts as dead.
            let sql = "DELETE FROM instance WHERE id = $1";
            self.database.query("", sql, &[&self.instance.id]).await.ok();
        }
        self.database.close();
    }
}
