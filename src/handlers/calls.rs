//! Recorded calls: an outside call that must take effect once, whatever is killed or lost.
//!
//! A call is written down before it is made, and its result with what is written next. Where the
//! result is missing, the far end is asked whether the call took effect before it is made again:
//! `docs/unknown-outcomes.md`.

use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::clock::Clock;
use crate::handlers::fault_point;
use crate::handlers::fault_point::FaultMoment;
use crate::handlers::interrupt::{CallError, PipeResult};
use crate::handlers::known_steps::KnownSteps;
use crate::inbox::Handling;
use crate::model::ids::stored_id;
use crate::model::{ChannelId, Failure, MessageTs, Ticket, TicketId};
use crate::store;
use crate::store::{
    CallState, CallTry, DrawnCard, Item, Lane, Link, Role, SharedStore, Source, Store,
};

/// How far before the event a look at Slack begins, so that clocks may differ.
pub(crate) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(300);

/// The bridge's own namespace for ids that are derived, so that the same event gets the same id
/// whenever it is handled.
pub(crate) const ID_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_7a42_4d53_9f0b_b1a6_51ac_4e07);

/// How long after a look at the store a call may begin without another one: far shorter than it takes
/// until others get the work of an instance that is not heard of.
const MAX_UNCHECKED: SignedDuration = SignedDuration::from_secs(1);

/// How many writes are gathered at most before they are written.
const MAX_GATHERED: usize = 100;

/// How often a call is made again whose effect the platform will never tell of.
pub(crate) const MAX_BLIND_RETRIES: u32 = 10;

/// Makes recorded calls. Handlers reach the store and the clock through it, since whatever they note
/// belongs to the event that they handle.
pub(crate) struct Calls {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
    pub(crate) unknown_outcome_wait: Duration,
    /// How long a platform may take to answer.
    pub(crate) call_timeout: Duration,
    /// When this process began to make calls: those of the one before it have ended.
    pub(crate) started: Timestamp,
}

/// Whether a call that begins is one to the platform of its lane: no lane waits for the other platform
/// (`docs/lanes.md`, each lane calls its own platform). Posts name their channel, and nothing else does.
fn is_call_of_lane(item: &Item, step: &str, channel: Option<&ChannelId>) -> bool {
    match Lane::parse(&item.lane) {
        // A file is handed to Slack before it is shown in a channel. What people did stands here if a
        // release before this one has begun it.
        Some(Lane::Ticket(_)) => {
            let is_older = item.has_begun_calls && item.source != Source::Blip;
            channel.is_some() || step.starts_with("upload-") || is_older
        }
        // An active message begins its thread itself: nothing can wait behind it, as there is no ticket
        // and nowhere to write yet. What a release before this one has begun goes on here.
        Some(Lane::Replies(id)) => {
            channel.is_none() || id.active_target().is_some() || item.has_begun_calls
        }
        Some(Lane::Message(..) | Lane::Own(_)) | None => true,
    }
}

impl Calls {
    /// Makes an outside call that must take effect once, however often the item is handled.
    ///
    /// `look` finds the effect at the far end, or takes it back where it missed its place; it is asked
    /// only if the call may have been made before without us knowing how it ended. As an effect may come
    /// late, or be seen late, its absence is believed only some time after the last try. A call that
    /// certainly had no effect leaves no trace. The result is gathered: it is written with the next call
    /// that begins, or with the end of handling.
    pub(crate) fn call_once<T, E>(
        &self,
        item: &Handling,
        step: &str,
        channel: Option<&ChannelId>,
        look: impl Future<Output = Result<Option<T>, E>> + Send,
        send: impl Future<Output = Result<T, E>> + Send,
    ) -> impl Future<Output = Result<T, CallError<E>>>
    where
        T: Serialize + DeserializeOwned,
        E: Failure,
    {
        self.call_after(item, step, (channel, None), look, send)
    }

    /// The same for a call that may have been made for another item, of which that is not known for
    /// sure: the last time before `earlier`.
    #[tracing::instrument(level = "error", name = "recorded_call", skip_all, fields(call = step))]
    pub(crate) async fn call_after<T, E>(
        &self,
        item: &Handling,
        step: &str,
        (channel, earlier): (Option<&ChannelId>, Option<Timestamp>),
        look: impl Future<Output = Result<Option<T>, E>> + Send,
        send: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, CallError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Failure,
    {
        // From before the look at the store: this process may be stopped at any point.
        let mut checked = self.clock.now();
        let begun = self.begin_call(item, step, channel, checked).await?;
        let earlier = item.may_have_unrecorded_calls.then_some(item.received).or(earlier);
        debug_assert!(begun != CallState::Fresh || is_call_of_lane(item, step, channel), "{step}");
        let last_try = match begun {
            CallState::Done(result) => match serde_json::from_str(&result) {
                Ok(result) => return Ok(result),
                Err(_) => return Err(store::Error::Unreadable { what: "result of a call" }.into()),
            },
            CallState::OutcomeUnknown(last_try) => Some(last_try),
            CallState::Fresh => earlier.map(CallTry::Ended),
        };
        if let Some(last_try) = last_try {
            let found = match look.await {
                // Better said twice than never.
                Err(error) if error.is_lookup_impossible() && item.attempts < MAX_BLIND_RETRIES => {
                    None
                }
                found => found.map_err(CallError::Call)?,
            };
            if let Some(found) = found {
                item.remember(step, &found)?;
                return Ok(found);
            }
            checked = self.clock.now();
            let certain = self.find_certain_time(item, step, last_try, checked).await?;
            if checked < certain {
                return Err(CallError::TooEarly(certain));
            }
            self.store.touch_call(item.id, step, CallTry::Begun(checked)).await?;
        }
        fault_point::pass_call(FaultMoment::Before, step);
        let now = self.clock.now();
        if now.duration_since(checked) > MAX_UNCHECKED {
            // This process may have been stopped, and others may have its work by now.
            self.store.touch_call(item.id, step, CallTry::Begun(now)).await?;
        }
        fault_point::pass_call(FaultMoment::Sending, step);
        match send.await {
            Ok(result) => {
                fault_point::pass_call(FaultMoment::After, step);
                item.note_made_call(step, channel.is_some());
                item.remember(step, &result)?;
                Ok(result)
            }
            Err(error) => {
                // An earlier try may still have taken effect, however this one ended.
                if error.to_fault().is_outcome_unknown() || last_try.is_some() {
                    let ended = CallTry::Ended(self.clock.now());
                    self.store.touch_call(item.id, step, ended).await?;
                } else {
                    self.forget_calls(item, &[step]).await?;
                }
                Err(CallError::Call(error))
            }
        }
    }

    /// From when on it is certain that the last try of a call had no effect, if none can be seen.
    async fn find_certain_time(
        &self,
        item: &Item,
        step: &str,
        last_try: CallTry,
        now: Timestamp,
    ) -> store::Result<Timestamp> {
        if now < last_try.time() {
            // By a clock that has been set back since: it counts from now on.
            let last_try = match last_try {
                CallTry::Begun(_) => CallTry::Begun(now),
                CallTry::Ended(_) => CallTry::Ended(now),
            };
            self.store.touch_call(item.id, step, last_try).await?;
        }
        Ok(self.latest_end_of(last_try, now) + self.unknown_outcome_wait)
    }

    /// When the last try of a call had ended at the latest. A request that began may be under way for as
    /// long as an answer is waited for, since whoever made it may only be slow.
    fn latest_end_of(&self, last_try: CallTry, now: Timestamp) -> Timestamp {
        match last_try {
            CallTry::Begun(at) => at.min(now) + self.call_timeout + MAX_UNCHECKED,
            // By a clock that was set back since, this process has yet to start: that tells nothing.
            CallTry::Ended(at) if self.started > now => at.min(now),
            CallTry::Ended(at) => at.max(self.started).min(now),
        }
    }

    /// When whatever anybody else has begun by now can be seen, if it took effect.
    pub(crate) fn next_certain_look(&self) -> Timestamp {
        let now = self.clock.now();
        self.latest_end_of(CallTry::Begun(now), now) + self.unknown_outcome_wait
    }

    /// Begins a call or a wait, and writes what was gathered until now with it.
    pub(crate) async fn begin_call(
        &self,
        item: &Handling,
        step: &str,
        channel: Option<&ChannelId>,
        now: Timestamp,
    ) -> store::Result<CallState> {
        // What follows from the calls before must be on record when this one takes effect: whoever
        // goes on after a crash would otherwise see the later effect without the earlier.
        let (writes, made) = (item.gathered().take(), item.gathered().take_made_calls());
        let begun = self.store.begin_call(item.id, step, channel, now, &writes).await;
        if begun.is_err() {
            item.gathered().restore(writes);
            item.gathered().restore_made_calls(made);
        }
        begun
    }

    /// Notes that calls did certainly not take effect, or that what they led to is gone. Those that
    /// build on one another are forgotten together: one that is left would be taken for an effect.
    pub(crate) async fn forget_calls(&self, item: &Handling, steps: &[&str]) -> store::Result<()> {
        for step in steps {
            item.gathered().lock().forget_decision(item.id, step);
        }
        self.store.forget_calls(item.id, steps).await
    }

    /// Writes what was gathered until now, so that others see it.
    pub(crate) async fn write_gathered(&self, item: &Handling) -> store::Result<()> {
        let writes = item.gathered().take();
        let written = self.store.write(&writes).await;
        if written.is_err() {
            item.gathered().restore(writes);
        }
        written
    }

    /// The store, to read from: what was gathered is written first, unless it is decisions only, which nobody
    /// else reads.
    pub(crate) async fn read(&self, item: &Handling) -> store::Result<&dyn Store> {
        if !item.gathered().lock().is_decisions_only() {
            self.write_gathered(item).await?;
        }
        Ok(&*self.store)
    }

    /// Reads a ticket, as it will be.
    pub(crate) async fn load_ticket(
        &self,
        item: &Handling,
        id: &TicketId,
    ) -> store::Result<Option<Ticket>> {
        // What this event has changed is not written yet, and what it does next has to build on
        // that.
        let known = item.gathered().lock().tickets.iter().find(|known| known.id == *id).cloned();
        if known.is_some() { Ok(known) } else { self.store.load_ticket(id).await }
    }

    /// Makes sure that nobody else has written a ticket since it was read, where something was looked
    /// at since then that is written together with it.
    ///
    /// # Errors
    ///
    /// [`store::Error::Conflict`] if somebody has.
    pub(crate) async fn require_unchanged(
        &self,
        item: &Handling,
        ticket: &Ticket,
    ) -> store::Result<()> {
        match self.load_ticket(item, &ticket.id).await? {
            Some(newest) if newest.version != ticket.version => {
                Err(store::Error::Conflict { ticket: ticket.id.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// What a Slack message is to the bridge, if anything.
    pub(crate) async fn find_link(
        &self,
        item: &Handling,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> store::Result<Option<Link>> {
        let is_it = |link: &Link| link.channel == *channel && link.ts == *ts;
        let known = item.gathered().lock().links().rev().find(|link| is_it(link)).cloned();
        if known.is_some() { Ok(known) } else { self.store.find_link(channel, ts).await }
    }

    /// The Slack messages of a Blip message, oldest first.
    pub(crate) async fn links_of(
        &self,
        item: &Handling,
        ticket: &TicketId,
        blip_id: &str,
    ) -> store::Result<Vec<Link>> {
        let mut links = self.store.links_of(ticket, blip_id).await?;
        let wanted = stored_id(blip_id);
        for link in item.gathered().lock().links() {
            if let Some(known) =
                links.iter_mut().find(|known| known.channel == link.channel && known.ts == link.ts)
            {
                *known = Link { blip_id: known.blip_id.take(), ..link.clone() };
            } else if link.ticket == *ticket
                && link.blip_id.as_deref().is_some_and(|id| stored_id(id) == wanted)
            {
                links.push(link.clone());
            }
        }
        links.sort_by(|one, other| one.ts.cmp(&other.ts));
        Ok(links)
    }

    /// Whether Slack shows something that the customer of a ticket said which is newer than this.
    pub(crate) async fn has_words_after(
        &self,
        item: &Handling,
        ticket: &TicketId,
        ts: &MessageTs,
    ) -> store::Result<bool> {
        let is_newer =
            |link: &Link| link.ticket == *ticket && link.role == Role::Customer && link.ts > *ts;
        if item.gathered().lock().links().any(is_newer) {
            return Ok(true);
        }
        self.store.has_words_after(ticket, ts).await
    }

    /// The steps that were on record when handling the item began: the outside calls that were begun
    /// before, and what was decided.
    pub(crate) async fn read_earlier_steps(&self, item: &Handling) -> store::Result<KnownSteps> {
        // Most events are handled once, and then nothing is on record: a read of the store is
        // saved.
        if item.has_begun_calls {
            self.read_all_steps(item).await
        } else {
            Ok(KnownSteps::default())
        }
    }

    /// The steps that are on record by now.
    pub(crate) async fn read_all_steps(&self, item: &Handling) -> store::Result<KnownSteps> {
        let mut steps = self.store.calls_of(item.id).await?;
        let gathered = item.gathered().lock();
        for decision in gathered.decisions.iter().filter(|known| known.item == item.id) {
            let result = Some(decision.result.clone());
            match steps.iter_mut().find(|(step, _)| *step == decision.step) {
                Some((_, known)) => *known = result,
                None => steps.push((decision.step.clone(), result)),
            }
        }
        drop(gathered);
        Ok(KnownSteps(steps))
    }

    /// What was found out or decided when the item was handled before, under this name.
    pub(crate) async fn recall<T: DeserializeOwned>(
        &self,
        item: &Handling,
        name: &str,
    ) -> store::Result<Option<T>> {
        let known = self.read_earlier_steps(item).await?;
        Ok(known.result_of(name).and_then(|value| serde_json::from_str(value).ok()))
    }

    /// Whether sending a message has begun: then it goes on, whatever happened meanwhile.
    pub(crate) async fn has_begun_sending(&self, item: &Handling) -> PipeResult<bool> {
        Ok(self.read_earlier_steps(item).await?.has_with_prefix("send:"))
    }

    /// Sets the bridge something to do.
    pub(crate) async fn enqueue_item(
        &self,
        item: &Handling,
        job: store::NewItem,
    ) -> store::Result<()> {
        item.gathered().lock().put_job(job);
        self.write_if_many(item).await
    }

    /// Has a ticket written, new or changed.
    pub(crate) async fn put_ticket(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
    ) -> store::Result<()> {
        item.gathered().lock().put_ticket(ticket)?;
        self.write_if_many(item).await
    }

    /// Has a Slack message tied to a ticket.
    pub(crate) async fn link_message(
        &self,
        item: &Handling,
        link: Link,
        opened: Timestamp,
    ) -> store::Result<()> {
        item.gathered().lock().put_link(link, opened);
        self.write_if_many(item).await
    }

    /// Has kept what a customer said to begin with.
    pub(crate) async fn keep_first_words(
        &self,
        item: &Handling,
        ticket: &TicketId,
        words: &str,
    ) -> store::Result<()> {
        item.gathered().lock().first_words.push((ticket.clone(), words.to_owned()));
        self.write_if_many(item).await
    }

    /// Has kept what a card shows.
    pub(crate) async fn keep_drawn_card(
        &self,
        item: &Handling,
        ticket: &TicketId,
        drawn: Option<DrawnCard>,
    ) -> store::Result<()> {
        item.gathered().lock().drawn_cards.push((ticket.clone(), drawn));
        self.write_if_many(item).await
    }

    /// Keeps what one transaction has to write within bounds.
    async fn write_if_many(&self, item: &Handling) -> store::Result<()> {
        let count = item.gathered().lock().count();
        if count >= MAX_GATHERED { self.write_gathered(item).await } else { Ok(()) }
    }
}

/// What a post can be found by at Slack: the same for the same step of the same event.
pub(crate) fn derive_delivery_id(item: &Item, step: &str) -> String {
    let name = format!("{}:{}:{step}", item.source.name(), item.key);
    Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string()
}
