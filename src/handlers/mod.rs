//! What is done about an event: the product itself.
//!
//! ```text
//!  event from Blip  ──→ to_slack ──→ threads, posts ──→ slack::SlackClient
//!  event from Slack ──→ to_blip  ──→ moves, outgoing ──→ blip::BlipClient
//! ```
//!
//! Handling an event is a straight function from top to bottom. It asks for its outside calls by
//! name through [`calls::Calls::call_once`]; after a failure or a crash it runs again from the top,
//! and what was done already answers at once. What happens later or elsewhere is not called from
//! here: it is a [`crate::inbox::Job`] that is put into the inbox, and `jobs` does it.
//!
//! Each service here holds what it needs and nothing else: what it may use stands in its fields, or in
//! theirs.
//! From bottom to top: [`calls`] and [`bots`]; [`channels`] and [`posts`]; [`thread`] and
//! [`people`]; [`timers`], [`thread_lines`], [`window`] and [`endings`]; [`outgoing`]; [`moves`] and
//! [`composed`], as a close may say goodbye; and the two ways themselves.
//!
//! Invariant: no call with an effect on a far end is made again unless a look at the far end has
//! shown that it did not take effect
//! (`what_took_effect_but_cannot_be_seen_at_once_is_not_sent_again`). Where the far end refuses to be
//! looked at, it is made again, ten times at most (`what_can_never_be_looked_up_is_said_again`).

#![warn(clippy::wildcard_enum_match_arm)]

pub(crate) mod answer;
pub(crate) mod bots;
pub(crate) mod calls;
pub(crate) mod channel_pace;
pub(crate) mod channels;
pub(crate) mod composed;
pub(crate) mod contacts;
pub(crate) mod desk_hours;
pub(crate) mod endings;
pub(crate) mod events;
pub(crate) mod excerpts;
pub mod fault_point;
pub(crate) mod heard_receipts;
pub(crate) mod holds;
pub(crate) mod interrupt;
pub(crate) mod item_kind;
pub(crate) mod known_steps;
pub(crate) mod moves;
pub(crate) mod outgoing;
pub(crate) mod people;
pub(crate) mod posts;
pub(crate) mod thread;
pub(crate) mod thread_lines;
pub(crate) mod timers;
pub(crate) mod to_blip;
pub(crate) mod to_slack;
pub(crate) mod transit;
pub(crate) mod window;
