//! How far it is to replace what Slack shows of customers who were erased.
//!
//! One fact of the store, written by one lane only. It holds ids and no words, so that it may stay
//! when the customer is erased.

use serde::{Deserialize, Serialize};

use super::job::Forgetting;
use crate::model::{ChannelId, MessageTs};
use crate::store::{Error, Result, SharedStore, Source};

/// The fact's name: a format.
const FACT: &str = "forgotten in slack";
/// Of how many erasures it is kept what could not be replaced.
const MAX_KEPT: usize = 50;

/// What was found of one customer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ForgettingProgress {
    /// The id that [`Forgetting::job`] has.
    pub(crate) job: String,
    /// The messages, until it is over; then those which could not be replaced.
    pub(crate) messages: Vec<ForgottenMessage>,
    /// How many were replaced.
    pub(crate) replaced: usize,
    /// Whether nothing is left to be done.
    pub(crate) is_over: bool,
    /// Whether the cards were replaced once more.
    #[serde(default)]
    pub(crate) has_repeated_cards: bool,
}

/// A message of ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ForgottenMessage {
    pub(crate) channel: ChannelId,
    /// The root of its thread.
    pub(crate) root: MessageTs,
    pub(crate) ts: MessageTs,
    /// Whether it stands under a name that we gave it.
    pub(crate) has_author: bool,
    /// The files that we uploaded with it.
    pub(crate) files: Vec<String>,
    /// Whether nothing is left to be done about it.
    pub(crate) is_done: bool,
    /// What could not be replaced of it.
    pub(crate) left: Option<LeftOver>,
}

/// Something that could not be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOver {
    /// Where it is on the web.
    pub(crate) permalink: String,
    /// Slack's codes for why it could not be replaced, with commas between them.
    pub(crate) reason: String,
}

impl ForgettingProgress {
    /// The progress of this job, and that of all others.
    pub(crate) async fn load(store: &SharedStore, job: &str) -> Result<(Self, Vec<Self>)> {
        let mut all = Self::load_all(store).await?;
        let at = all.iter().position(|progress| progress.job == job);
        let new = || Self { job: job.to_owned(), ..Self::default() };
        let progress = at.map_or_else(new, |at| all.remove(at));
        Ok((progress, all))
    }

    /// What is known of all jobs, oldest first.
    pub(crate) async fn load_all(store: &SharedStore) -> Result<Vec<Self>> {
        let Some(fact) = store.read_fact(FACT).await? else { return Ok(Vec::new()) };
        serde_json::from_str(&fact)
            .map_err(|_unreadable| Error::Unreadable { what: "progress of an erasure" })
    }

    /// Keeps it beside the others.
    pub(crate) async fn save(&self, store: &SharedStore, others: &[Self]) -> Result<()> {
        // Bounded, as one fact is one row: the oldest erasures are forgotten first.
        let from = (others.len() + 1).saturating_sub(MAX_KEPT);
        let all: Vec<&Self> = others.iter().skip(from).chain([self]).collect();
        let fact = serde_json::to_string(&all)
            .map_err(|_unwritable| Error::Unreadable { what: "progress of an erasure" })?;
        store.put_fact(FACT, Some(&fact)).await
    }

    /// Takes messages in that are not known yet; says whether there are any.
    pub(crate) fn add_messages(&mut self, found: Vec<ForgottenMessage>) -> bool {
        let before = self.messages.len();
        for message in found {
            let is_it =
                |it: &ForgottenMessage| it.channel == message.channel && it.ts == message.ts;
            if !self.messages.iter().any(is_it) {
                self.messages.push(message);
            }
        }
        self.messages.len() > before
    }

    /// Has the cards replaced once more, one time only; says whether there are any.
    pub(crate) fn repeat_cards(&mut self) -> bool {
        if std::mem::replace(&mut self.has_repeated_cards, true) {
            return false;
        }
        let is_card = |it: &&mut ForgottenMessage| it.ts == it.root && it.left.is_none();
        let mut count = 0;
        for card in self.messages.iter_mut().filter(is_card) {
            card.is_done = false;
            count += 1;
        }
        // Each is counted again.
        self.replaced = self.replaced.saturating_sub(count);
        count > 0
    }

    /// Notes that nothing is left to do. Of the messages only those stay that could not be
    /// replaced.
    pub(crate) fn finish(&mut self) {
        self.is_over = true;
        self.messages.retain(|message| message.left.is_some());
    }
}

/// How far it is, as commands tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgettingReport {
    /// Whether there is anything left to be done.
    pub is_running: bool,
    /// How many messages are known that are still to be replaced.
    pub to_do: usize,
    /// How many were replaced.
    pub replaced: usize,
    /// What could not be replaced: where it is, and why.
    pub left: Vec<(String, String)>,
}

impl ForgettingReport {
    /// Reads how far this job is, or all of them.
    pub(crate) async fn read(store: &SharedStore, job: Option<&str>) -> Result<Self> {
        let key = Forgetting::key_of(job.unwrap_or_default());
        let is_running = store.has_accepted(Source::Internal, &key).await?;
        let mut report = Self { is_running, ..Self::default() };
        let all = ForgettingProgress::load_all(store).await?;
        for progress in all.iter().filter(|progress| job.is_none_or(|job| progress.job == job)) {
            report.replaced += progress.replaced;
            report.to_do += progress.messages.iter().filter(|message| !message.is_done).count();
            let left = progress.messages.iter().filter_map(|message| message.left.clone());
            report.left.extend(left.map(|left| (left.permalink, left.reason)));
        }
        Ok(report)
    }
}
