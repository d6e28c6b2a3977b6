//! blip-slack: answer Blip Desk tickets without leaving Slack.
//!
//! Two straight pipes, and a durable inbox between receiving and doing:
//!
//! ```text
//!  Blip  ──→ intake/blip.rs  ──→ ┌─────────────┐ ──→ handlers/to_slack ──→ slack/api      ──→ Slack
//!            check · store · 200 │   inbox/    │     parse · decide · call
//!  Slack ──→ intake/slack.rs ──→ └─ (durable) ─┘ ──→ handlers/to_blip  ──→ blip/client.rs ──→ Blip
//!                                      ↑ ↓
//!                                     jobs/  what the bridge gives itself to do
//! ```
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`model`] | tickets, threads, agents, content, events: neither HTTP nor SQL |
//! | [`clock`] | the time, as an input |
//! | [`bounded`] | JSON of strangers, read without taking more memory than is good |
//! | [`config`] | every setting; the only reader of the environment |
//! | [`telemetry`] | logs and metrics |
//! | [`locale`] | what people read, in three languages |
//! | `cache` | what was true lately, kept for a while and in a bounded number |
//! | [`breaker`] | when a platform may be called again |
//! | [`media`] | files on their way through, and where they may come from |
//! | [`store`] | what is remembered, and how safely |
//! | [`inbox`] | lanes, leases, retries: from accepted to handled |
//! | [`blip`], [`slack`] | everything that knows one platform; neither knows the other |
//! | [`handlers`] | what is done about an event: the product itself |
//! | `jobs` | what the bridge does of its own accord: cards, reminders, comparisons |
//! | `dispatch` | which of them handles an event |
//! | [`dialog`] | what people are answered on the spot: dialogs and lists |
//! | [`intake`] | the doors: check, store, answer |
//! | [`manifest`] | the Slack app as Slack creates it from a file |
//! | [`control`] | commands beside a running bridge: parked, retry, privacy |
//! | [`healthcheck`] | whether a running bridge is alive, for container engines |
//! | [`doctor`] | what stands between these settings and an answered ticket |
//! | [`init`] | asks for the settings, checks them and writes the file |
//! | [`app`] | puts it together, starts it, stops it |
//! | `demo` | the bridge between the stand-ins for both platforms (`tests/standins`): one ticket, or a page for people |
//!
//! What always holds, each with a test of its own:
//!
//! - An event is on the disk before its sender is told so ([`store`], [`intake`]).
//! - Nobody keeps others out by being slow or many ([`intake::server`]).
//! - Items of one ticket are handled one at a time and in order; tickets do not wait for each
//!   other ([`inbox`]).
//! - No call with an effect is made again unless a lookup has shown that the first had none; where the
//!   far end refuses to be looked at, it is said twice rather than never ([`handlers`]).
//! - What a customer wrote takes no effect in Slack, and nothing of Slack's mark-up reaches a
//!   customer ([`slack::rich_text`], [`blip::text`]).
//! - A number that the operator hides is nowhere in what Slack is shown ([`slack::api::mask`]).
//! - Who may use whom is a table that a test compares with the code (`tests/it/layers.rs`).
//!
//! `docs/walks.md` follows a customer's text and an agent's reply file by file; `CONTRIBUTING.md` says
//! which words are used here, and what to touch for the most usual changes.
//!
//! Comments name the source of what they say of a platform: `blip.md` and `slack.md` with a section are
//! the maintainers' notes on Blip and on Slack, which are not part of the repository. Such a mark says
//! that a fact was read or tried out there, and is not a guess; where it matters to the bridge, a
//! stand-in in `tests/standins` behaves by it, and its README lists the facts with public sources.

#![warn(unreachable_pub)]

pub mod model;

pub mod bounded;
pub mod clock;
pub mod config;
pub mod locale;
pub mod telemetry;

pub mod breaker;
pub(crate) mod cache;
pub mod media;
pub mod store;

pub mod inbox;

pub mod blip;
pub mod slack;

pub mod handlers;
pub(crate) mod jobs;

pub(crate) mod dispatch;

pub mod dialog;
pub mod intake;

pub mod manifest;

pub mod app;
pub mod control;
pub mod doctor;
pub mod healthcheck;
pub mod init;

#[cfg(feature = "demo")]
pub mod demo;
