//! Recorded calls: an outside call that must take effect once, whatever is killed or lost.
//!
//! A call is written down before it is made, and its result after. Where the result is missing, the
//! far end is asked whether the call took effect before it is made again: `docs/unknown-outcomes.md`.

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
use crate::model::{ChannelId, Failure};
use crate::store;
use crate::store::{CallState, CallTry, Item, SharedStore};
use crate::telemetry;

/// How much younger than the present, in times of settling, a customer's message must be to be on
/// its way still, so that nobody needs to fetch it.
pub(crate) const IN_TRANSIT_FACTOR: u32 = 10;

/// How far before the event a look at Slack begins, so that clocks may differ.
pub(crate) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(300);

/// The bridge's own namespace for ids that are derived, so that the same event gets the same id
/// whenever it is handled.
pub(crate) const ID_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_7a42_4d53_9f0b_b1a6_51ac_4e07);

/// How long after a look at the store a call may begin without another one: far shorter than it takes
/// until others get the work of an instance that is not heard of.
const MAX_UNCHECKED: SignedDuration = SignedDuration::from_secs(1);

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

/// Others have the event of a call that was made just now, and may have made it as well.
fn tell_of_doubled_call(step: &str, channel: Option<&ChannelId>) {
    let platform = if channel.is_some() { "slack" } else { "blip" };
    let call = step.split(':').next().unwrap_or_default();
    telemetry::count_doubled_call(platform, call);
    tracing::error!(
        call,
        platform,
        "a call was made for an event that another instance has by now, since this one was held up \
        before it; it may have been made twice"
    );
}

impl Calls {
    /// Makes an outside call that must take effect once, however often the item is handled.
    ///
    /// `look` finds the effect at the far end; it is asked only if the call may have been made
    /// before without us knowing how it ended. As an effect may come late, or be seen late, its
    /// absence is believed only some time after the last try. A call that certainly had no effect
    /// leaves no trace.
    #[tracing::instrument(level = "error", name = "recorded_call", skip_all, fields(call = step))]
    pub(crate) async fn call_once<T, E>(
        &self,
        item: &Item,
        step: &str,
        channel: Option<&ChannelId>,
        look: impl Future<Output = Result<Option<T>, E>> + Send,
        send: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, CallError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Failure,
    {
        // From before the look at the store: this process may be stopped at any point.
        let mut checked = self.clock.now();
        let begun = self.store.begin_call(item.id, step, channel, checked).await?;
        let last_try = match begun {
            CallState::Done(result) => match serde_json::from_str(&result) {
                Ok(result) => return Ok(result),
                Err(_) => return Err(store::Error::Unreadable { what: "result of a call" }.into()),
            },
            CallState::OutcomeUnknown(last_try) => Some(last_try),
            CallState::Fresh => {
                item.may_have_unrecorded_calls.then_some(CallTry::Ended(item.received))
            }
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
                self.record_result(item, step, &found).await?;
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
                if let Err(error) = self.record_result(item, step, &result).await {
                    if !matches!(error, store::Error::LeaseLost { .. }) {
                        return Err(error.into());
                    }
                    tell_of_doubled_call(step, channel);
                    return Err(CallError::Doubled);
                }
                Ok(result)
            }
            Err(error) => {
                if error.to_fault().is_outcome_unknown() || last_try.is_some() {
                    let ended = CallTry::Ended(self.clock.now());
                    self.store.touch_call(item.id, step, ended).await?;
                } else {
                    self.store.forget_call(item.id, step).await?;
                }
                // An earlier call may still have taken effect, however this one ended.
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

    /// The outside calls that were begun when the item was handled before, each with its result if
    /// it is known.
    pub(crate) async fn read_begun_calls(
        &self,
        item: &Item,
    ) -> store::Result<Vec<(String, Option<String>)>> {
        if item.has_begun_calls { self.store.calls_of(item.id).await } else { Ok(Vec::new()) }
    }

    /// What was found out or decided when the item was handled before, under this name.
    pub(crate) async fn recall<T: DeserializeOwned>(
        &self,
        item: &Item,
        name: &str,
    ) -> store::Result<Option<T>> {
        let known = self.read_begun_calls(item).await?.into_iter().find(|(step, _)| step == name);
        Ok(known.and_then(|(_, value)| serde_json::from_str(&value?).ok()))
    }

    /// Keeps what was found out or decided, so that it is the same should the item be handled again:
    /// a message in several posts, for one, must be cut the same way.
    pub(crate) async fn remember<T: Serialize>(
        &self,
        item: &Item,
        name: &str,
        value: &T,
    ) -> store::Result<()> {
        self.store.begin_call(item.id, name, None, self.clock.now()).await?;
        self.record_result(item, name, value).await
    }

    /// Notes how a recorded call ended.
    pub(crate) async fn record_result<T: Serialize>(
        &self,
        item: &Item,
        step: &str,
        result: &T,
    ) -> store::Result<()> {
        let result = serde_json::to_string(result);
        let result =
            result.map_err(|_unwritable| store::Error::Unreadable { what: "result of a call" })?;
        self.store.record_call_result(item.id, step, &result).await
    }

    /// Whether sending a message has begun: then it goes on, whatever happened meanwhile.
    pub(crate) async fn has_begun_sending(&self, item: &Item) -> PipeResult<bool> {
        let under_way = |step: &str| step.starts_with("send:");
        Ok(self.read_begun_calls(item).await?.iter().any(|(step, _)| under_way(step)))
    }

    /// Sets the bridge something to do.
    pub(crate) async fn enqueue_item(&self, item: store::NewItem) -> store::Result<()> {
        self.store.accept(item).await.map(drop)
    }
}

/// What a post can be found by at Slack: the same for the same step of the same event.
pub(crate) fn derive_delivery_id(item: &Item, step: &str) -> String {
    let name = format!("{}:{}:{step}", item.source.name(), item.key);
    Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string()
}
