//! A post that two instances have made: the second one is taken back.
//!
//! An instance that was held up between its last look at the store and its request cannot be kept from
//! sending (`docs/postgresql.md`). It finds out when it notes the answer, and leaves this job.

use std::sync::Arc;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::inbox::{CardJob, DoubledPost};
use crate::slack::{Posted, SlackClient, find};

/// Takes back what was posted twice.
pub(crate) struct DoubledPosts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
}

impl DoubledPosts {
    /// Takes a post back if there is another one with its delivery id, and has the card shown again: what
    /// was counted on it may be that post.
    pub(crate) async fn remove_doubled_post(&self, doubled: &DoubledPost) -> PipeResult<()> {
        let DoubledPost { channel, root, ts, delivery, is_named, since } = doubled;
        let since = Timestamp::from_millisecond(*since)
            .map_err(|_out_of_range| Interrupt::broken("a stored job has an impossible time"))?;
        let mut posts =
            find::find_all_posts(&self.slack, (channel, root.as_ref()), delivery, since).await?;
        posts.retain(|other| other != ts);
        let Some(other) = posts.first() else {
            tracing::info!(slack.channel = %channel, slack.ts = %ts, "it was posted once only");
            return Ok(());
        };
        let store = &self.calls.store;
        // What is tied to its ticket is what others went on with.
        let (own, others) =
            (store.find_link(channel, ts).await?, store.find_link(channel, other).await?);
        let second = if own.is_some() && others.is_none() { other } else { ts };
        let posted = Posted { channel: channel.to_string(), ts: second.to_string() };
        find::remove_post(&self.slack, &posted, *is_named).await?;
        tracing::info!(slack.channel = %channel, slack.ts = %second, "a second post was taken back");
        let Some(link) = own.or(others) else { return Ok(()) };
        if let Some(ticket) = store.load_ticket(&link.ticket).await? {
            let card = CardJob::refresh_card(&ticket, self.calls.clock.now());
            self.calls.enqueue_item(card).await?;
        }
        Ok(())
    }
}
