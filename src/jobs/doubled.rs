//! A post that two instances have made: the second one is taken back.
//!
//! An instance that was held up between its last look at the store and its request cannot be kept from
//! sending (`docs/postgresql.md`). It finds out when it writes the result, and leaves this job.

use std::sync::Arc;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::inbox::{CardJob, DoubledPost, Handling, MadeCalls, SecondPost, ThreadJob};
use crate::model::Thread;
use crate::slack::{Posted, SlackClient, files, find, forget};
use crate::store::{Lane, Source};
use crate::{store, telemetry};

/// Takes back what was posted twice.
pub(crate) struct DoubledPosts {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
}

impl DoubledPosts {
    /// Tells of calls that were made for events which others have by now, and sets out a comparison with
    /// Slack of what they have posted.
    pub(crate) async fn leave_comparisons(&self, made: MadeCalls) -> store::Result<()> {
        for call in made.calls {
            let platform = if call.is_to_slack { "slack" } else { "blip" };
            let call = call.step.split(':').next().unwrap_or_default();
            telemetry::count_doubled_call(platform, call);
            tracing::error!(
                call,
                platform,
                "a call was made for an event that another instance has by now, since this one was \
                held up before it; it may have been made twice"
            );
        }
        for mut doubled in made.posts {
            if let Some(ticket) = Lane::ticket_of(&doubled.lane)
                && self.calls.store.erased_at(&ticket).await?.is_some()
            {
                // Nobody has the event of a customer who was erased, and nothing may be kept that names
                // their ticket.
                (doubled.lane, doubled.key) = (String::new(), String::new());
            }
            // Whoever has the event now may be about to post.
            let due = self.calls.next_certain_look();
            self.calls.store.accept(ThreadJob::remove_doubled_post(doubled, due)).await?;
        }
        Ok(())
    }

    /// Takes a post back that others have made as well, or went on without, and has the card shown again:
    /// what was counted on it may be that post.
    pub(crate) async fn remove_doubled_post(
        &self,
        item: &Handling,
        doubled: &DoubledPost,
    ) -> PipeResult<()> {
        if self.is_event_waiting(doubled).await? {
            return Err(Interrupt::Wait(self.calls.next_certain_look()));
        }
        match &doubled.post {
            SecondPost::Message { .. } => self.remove_second_message(item, doubled).await,
            SecondPost::File { file } => self.remove_second_file(doubled, file).await,
        }
    }

    /// Whether those who have the event now are about to post for it, or to find what was posted.
    async fn is_event_waiting(&self, doubled: &DoubledPost) -> PipeResult<bool> {
        let Some(lane) = Lane::parse(&doubled.lane) else { return Ok(false) };
        for source in Source::ALL {
            if self.calls.store.has_waiting(&lane, source, &doubled.key).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn remove_second_message(
        &self,
        item: &Handling,
        doubled: &DoubledPost,
    ) -> PipeResult<()> {
        let DoubledPost { channel, root, post, since, .. } = doubled;
        let SecondPost::Message { ts, delivery, is_named, is_card } = post else { return Ok(()) };
        let since = parse_time(*since)?;
        let mut posts =
            find::find_all_posts(&self.slack, (channel, root.as_ref()), delivery, since).await?;
        posts.retain(|other| other != ts);
        let store = &self.calls.store;
        // What is tied to its ticket is what others went on with.
        let own = store.find_link(channel, ts).await?;
        let (second, others) = match posts.first() {
            Some(other) => {
                let others = store.find_link(channel, other).await?;
                (if own.is_some() && others.is_none() { other } else { ts }, others)
            }
            // Somebody has deleted the card that the others made.
            None if *is_card && own.is_none() => (ts, None),
            None => {
                tracing::info!(slack.channel = %channel, slack.ts = %ts, "it was posted once only");
                return Ok(());
            }
        };
        let posted = Posted { channel: channel.to_string(), ts: second.to_string() };
        find::remove_post(&self.slack, &posted, *is_named).await?;
        tracing::info!(slack.channel = %channel, slack.ts = %second, "a second post was taken back");
        let Some(link) = own.or(others) else { return Ok(()) };
        if let Some(ticket) = store.load_ticket(&link.ticket).await? {
            let card = CardJob::refresh_card(&ticket, self.calls.clock.now());
            self.calls.enqueue_item(item, card).await?;
        }
        Ok(())
    }

    /// A file is tied to its ticket if it is the one that the others have found.
    async fn remove_second_file(&self, doubled: &DoubledPost, file: &str) -> PipeResult<()> {
        let DoubledPost { channel, root: Some(root), since, .. } = doubled else { return Ok(()) };
        let thread = Thread { channel: channel.clone(), root: root.clone() };
        let since = parse_time(*since)?;
        let shown = files::find_or_take_back_file(&self.slack, &thread, file, since).await?;
        let Some((posted, ts)) = shown.and_then(|it| it.message_ts().map(|ts| (it, ts))) else {
            return Ok(());
        };
        if self.calls.store.find_link(channel, &ts).await?.is_some() {
            tracing::info!(slack.channel = %channel, slack.ts = %ts, "it is shown once only");
            return Ok(());
        }
        find::remove_post(&self.slack, &posted, false).await?;
        forget::delete_file(&self.slack, file).await?;
        tracing::info!(slack.channel = %channel, slack.ts = %ts, "a second file was taken back");
        Ok(())
    }
}

fn parse_time(since: i64) -> PipeResult<Timestamp> {
    Timestamp::from_millisecond(since)
        .map_err(|_out_of_range| Interrupt::broken("a stored job has an impossible time"))
}
