//! From the inbox to the far ends: two straight pipes and what the bridge does of its own accord.
//!
//! ```text
//!  item from Blip  ──→ blip_to_slack ──→ slack::Client
//!  item from Slack ──→ slack_to_blip ──→ blip::Client      (moves: claim, release, close)
//!  job             ──→ jobs          ──→ slack::Client      (card, marks, context, checks)
//! ```
//!
//! Handling an item is a straight function from top to bottom. It asks for its outside calls by
//! name through `Bridge::call_once`; after a failure or a crash it runs again from the top, and what
//! was done already answers at once.
//!
//! Invariant: no call with an effect on a far end is made again unless a look at the far end has
//! shown that it did not take effect
//! (`what_took_effect_but_cannot_be_seen_at_once_is_not_sent_again`).

#![warn(clippy::wildcard_enum_match_arm)]

mod agent_files;
mod blip_to_slack;
mod catch_up;
mod clicks;
mod compare;
mod customer;
mod customer_files;
mod deliveries;
pub mod fault_point;
mod forget;
mod gaps;
mod health;
mod hold;
mod jobs;
mod moves;
mod order;
mod origins;
mod outgoing;
mod quotes;
mod receipts;
mod remind;
mod slack_to_blip;
mod submissions;
mod sweeper;
mod thread;
mod transfer;
mod window;

use fault_point::FaultMoment;

pub(crate) use agent_files::FileRelay;
pub(crate) use compare::ThreadComparison;
pub(crate) use customer::CustomerDetails;
pub(crate) use gaps::EventGaps;
pub(crate) use origins::{BotOrigin, OriginChanges};
pub(crate) use remind::ReminderRules;
pub(crate) use sweeper::Sweeper;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Clock;
use crate::inbox::{Handled, Handler, ItemOutcome};
use crate::locale::Texts;
use crate::model::reply::ReplyRules;
use crate::model::{BotName, ChannelId, ChannelRef, Failure, Fault, SlackUserId, Thread, TicketId};
use crate::store::{self, CallState, Item, PostRate, SharedStore, Source};
use crate::{blip, slack};

/// The bridge's own namespace for ids that are derived, so that the same event gets the same id
/// whenever it is handled.
const ID_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_9c1e_7a42_4d53_9f0b_b1a6_51ac_4e07);

/// How often a call is made again whose effect the platform will never tell of.
const MAX_BLIND_RETRIES: u32 = 10;

/// How soon it is looked again for a bot that is not configured: it takes a new start.
const MISSING_BOT_PAUSE: Duration = Duration::from_secs(5);

/// Handles the items of the inbox.
pub(crate) struct Bridge {
    /// The memory.
    pub(crate) store: SharedStore,
    /// Calls Slack.
    pub(crate) slack: Arc<slack::SlackClient>,
    /// Calls Blip, for each bot.
    pub(crate) bots: HashMap<BotName, Arc<blip::BlipClient>>,
    /// Passes files on.
    pub(crate) files: FileRelay,
    /// The time.
    pub(crate) clock: Clock,
    /// What people read.
    pub(crate) texts: Texts,
    /// How the team wants it.
    pub(crate) rules: Rules,
    /// How long after a call that may have taken effect its effect may still come or be seen.
    pub(crate) unknown_outcome_wait: Duration,
    /// When a bot last told by itself what became of a message.
    pub(crate) receipts_heard: DashMap<BotName, Timestamp>,
    /// When a bot was last asked for receipts, for each of the looks at a reply.
    pub(crate) receipts_asked: DashMap<(BotName, usize), Timestamp>,
    /// Whether cards that show something else than they should are drawn at the start; of more, each
    /// is drawn when its ticket changes.
    pub(crate) has_few_cards: bool,
    /// What was learnt of the customers of tickets whose cards are under way: a card that has to wait
    /// for Slack is posted without asking Blip again.
    pub(crate) customer_details: DashMap<TicketId, CustomerDetails>,
    /// Ids of channels that are configured by name.
    pub(crate) channel_ids: DashMap<String, ChannelId>,
    /// Whether even the channel for tickets that have no other cannot be posted to.
    pub(crate) is_default_channel_missing: AtomicBool,
    /// Whether Slack knows no such user group as agents are to be in.
    pub(crate) is_agent_group_missing: AtomicBool,
    /// What an operator has to know of the settings and the database, by what it is about.
    pub(crate) warnings: DashMap<String, String>,
    /// Channels for tickets that are shared with other companies.
    pub(crate) shared_channels: DashMap<ChannelId, ()>,
    /// Told when Slack says that something about us or a channel has changed.
    pub(crate) slack_changed: Arc<Notify>,
    /// The times in which Slack told us nothing.
    pub(crate) gaps: Arc<EventGaps>,
    /// How threads were the last time that they were compared with Slack's.
    pub(crate) compared_threads: DashMap<Thread, ThreadComparison>,
}

/// How the team wants it.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// What a thread message is.
    pub(crate) reply: ReplyRules,
    /// The reaction that claims.
    pub(crate) claim_reaction: String,
    /// The reaction that closes.
    pub(crate) close_reaction: String,
    /// Whether reactions count on any message of the thread, or on the card only.
    pub(crate) reactions_anywhere: bool,
    /// The user group whose members are agents; all full members if there is none.
    pub(crate) agent_group: Option<String>,
    /// Blip's identities of agents whose e-mail address differs.
    pub(crate) agent_map: HashMap<SlackUserId, String>,
    /// Blip's identity for agents without one of their own.
    pub(crate) default_agent: Option<String>,
    /// The channel for tickets that have no other.
    pub(crate) channel: ChannelRef,
    /// Names of bots that have other names now: the same bots once more, for their open tickets.
    pub(crate) former_bots: HashSet<BotName>,
    /// The channels of bots.
    pub(crate) bot_channels: HashMap<BotName, ChannelRef>,
    /// The channels of teams.
    pub(crate) team_channels: HashMap<String, ChannelRef>,
    /// How fast to post to one channel; `None` posts as fast as Slack takes it.
    pub(crate) pace: Option<PostRate>,
    /// When people are reminded.
    pub(crate) reminders: ReminderRules,
    /// Whether Blip is told of what agents were shown.
    pub(crate) tells_seen: bool,
    /// How long a reply is held before it is sent; not at all if there is none.
    pub(crate) send_delay: Option<Duration>,
    /// How many messages from before the handoff are shown.
    pub(crate) context_messages: u32,
    /// The largest file that is taken over from a customer, in bytes.
    pub(crate) media_max: u64,
}

/// Why handling an item stops before its end.
#[derive(Debug)]
enum Interrupt {
    /// It is not its turn yet.
    Wait(Timestamp),
    /// A call failed.
    Call { fault: Fault, error: String },
    /// The store failed.
    Store(store::Error),
}

type PipeResult<T> = Result<T, Interrupt>;

/// Why a call that is made once did not succeed.
#[derive(Debug)]
enum CallError<E> {
    /// The far end.
    Call(E),
    /// It may be in effect already without being seen yet: not before this time.
    TooEarly(Timestamp),
    /// The store.
    Store(store::Error),
}

impl<E: Failure> From<CallError<E>> for Interrupt {
    fn from(failed: CallError<E>) -> Self {
        match failed {
            CallError::Call(error) => {
                Self::Call { fault: error.to_fault(), error: error.to_string() }
            }
            CallError::TooEarly(until) => Self::Wait(until),
            CallError::Store(error) => Self::Store(error),
        }
    }
}

impl<E> From<store::Error> for CallError<E> {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<store::Error> for Interrupt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<slack::Error> for Interrupt {
    fn from(error: slack::Error) -> Self {
        CallError::Call(error).into()
    }
}

impl From<blip::Error> for Interrupt {
    fn from(error: blip::Error) -> Self {
        CallError::Call(error).into()
    }
}

/// How handling went: what became of the first so many items.
type HandlerResult = PipeResult<Handled>;

impl Handler for Bridge {
    fn sort_items(&self, items: &mut [Item]) {
        order::sort_by_slack_time(items);
    }

    async fn handle_items(&self, lane: &str, items: &[Item]) -> Handled {
        let Some(first) = items.first() else { return Handled::for_first_item(ItemOutcome::Done) };
        fault_point::pass_item(FaultMoment::Before, first);
        let outcome = match first.source {
            Source::Blip => self.handle_blip_items(lane, items).await,
            Source::Slack => self.handle_slack_item(lane, first).await,
            Source::Internal => self.run_job(lane, items).await,
        };
        if matches!(&outcome, Ok(handled) if handled.outcome.is_done()) {
            fault_point::pass_item(FaultMoment::After, first);
        }
        outcome.unwrap_or_else(|interrupt| Handled::for_first_item(interrupt.into_outcome(first)))
    }
}

impl Interrupt {
    fn broken(what: impl Display) -> Self {
        Self::Call { fault: Fault::Broken, error: what.to_string() }
    }

    fn into_outcome(self, item: &Item) -> ItemOutcome {
        match self {
            Self::Wait(until) => ItemOutcome::Wait(until),
            Self::Call { fault, error } => {
                tracing::warn!(item.id, item.source = item.source.name(), error, "a call failed");
                ItemOutcome::Failed(fault)
            }
            Self::Store(error) => {
                tracing::error!(item.id, %error, "the store failed while an item was handled");
                ItemOutcome::Failed(Fault::Down)
            }
        }
    }
}

impl Bridge {
    /// Makes an outside call that must take effect once, however often the item is handled.
    ///
    /// `look` finds the effect at the far end; it is asked only if the call may have been made
    /// before without us knowing how it ended. As an effect may come late, or be seen late, its
    /// absence is believed only some time after the last try. A call that certainly had no effect
    /// leaves no trace.
    #[tracing::instrument(level = "error", name = "recorded_call", skip_all, fields(call = step))]
    async fn call_once<T, E>(
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
        let begun = self.store.begin_call(item.id, step, channel, self.clock.now()).await?;
        let tried = match begun {
            CallState::Done(result) => match serde_json::from_str(&result) {
                Ok(result) => return Ok(result),
                Err(_) => return Err(store::Error::Unreadable { what: "result of a call" }.into()),
            },
            CallState::OutcomeUnknown(tried) => Some(tried),
            CallState::Fresh => item.may_have_unrecorded_calls.then_some(item.received),
        };
        if let Some(tried) = tried {
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
            let now = self.clock.now();
            if now < tried {
                // By a clock that has been set back since: it counts from now on.
                self.store.touch_call(item.id, step, now).await?;
            }
            if now < tried + self.unknown_outcome_wait {
                return Err(CallError::TooEarly(tried.min(now) + self.unknown_outcome_wait));
            }
            self.store.touch_call(item.id, step, now).await?;
        }
        fault_point::pass_call(FaultMoment::Before, step);
        match send.await {
            Ok(result) => {
                fault_point::pass_call(FaultMoment::After, step);
                self.record_result(item, step, &result).await?;
                Ok(result)
            }
            Err(error) => {
                if error.to_fault().is_outcome_unknown() {
                    self.store.touch_call(item.id, step, self.clock.now()).await?;
                } else if tried.is_none() {
                    self.store.forget_call(item.id, step).await?;
                }
                // An earlier call may still have taken effect, however this one ended.
                Err(CallError::Call(error))
            }
        }
    }

    /// The outside calls that were begun when the item was handled before, each with its result if
    /// it is known.
    async fn read_begun_calls(&self, item: &Item) -> store::Result<Vec<(String, Option<String>)>> {
        if item.has_begun_calls { self.store.calls_of(item.id).await } else { Ok(Vec::new()) }
    }

    async fn record_result<T: Serialize>(
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

    /// The client of a ticket's bot. While there is none, the ticket waits: the operator was told
    /// at the start.
    fn require_bot(&self, ticket: &TicketId) -> PipeResult<&blip::BlipClient> {
        let waits = || Interrupt::Wait(self.clock.now() + MISSING_BOT_PAUSE);
        self.bots.get(ticket.bot()).map(Arc::as_ref).ok_or_else(waits)
    }

    /// Sets the bridge something to do.
    async fn enqueue_item(&self, item: store::NewItem) -> store::Result<()> {
        self.store.accept(item).await.map(drop)
    }
}

/// What a post can be found by at Slack: the same for the same step of the same event.
fn derive_delivery_id(item: &Item, step: &str) -> String {
    let name = format!("{}:{}:{step}", item.source.name(), item.key);
    Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string()
}
