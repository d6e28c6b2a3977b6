//! What we were told of a reaction before: Slack promises no order (`slack.md` B.1), and tells nothing
//! of what happened while nobody heard.

use crate::inbox::Handling;
use std::sync::Arc;

use jiff::Timestamp;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::transit::longest_transit;
use crate::model::{ChannelId, MessageTs, SlackUserId, Thread};
use crate::slack::parse;
use crate::store::Source;

/// How a person last put a reaction on a message or took it off, as far as we were told.
pub(crate) struct LastReaction {
    at: i64,
    received: Timestamp,
}

/// Knows by their keys in the inbox which reactions were put on and taken off.
pub(crate) struct ReactionHistory {
    pub(crate) calls: Arc<Calls>,
}

impl ReactionHistory {
    /// Whether a reaction that is on the card, or not, is so against all that we were told: what
    /// Slack told of just now may not be seen there yet.
    pub(crate) async fn is_missed_reaction(
        &self,
        thread: &Thread,
        who: (&str, &str),
        is_on: bool,
        asked: Timestamp,
    ) -> PipeResult<bool> {
        let like_this = self.find_last_reaction(thread, who, is_on).await?;
        let Some(other) = self.find_last_reaction(thread, who, !is_on).await? else {
            // Nobody takes off what was never put on.
            return Ok(is_on && like_this.is_none());
        };
        // What Slack told of seconds ago may not be in what it shows yet, and would seem undone.
        let is_settled = other.received + longest_transit(&self.calls) < asked;
        Ok(is_settled && like_this.is_none_or(|like_this| like_this.at < other.at))
    }

    async fn find_last_reaction(
        &self,
        thread: &Thread,
        (user, name): (&str, &str),
        added: bool,
    ) -> PipeResult<Option<LastReaction>> {
        let prefix = parse::reaction_key(&thread.channel, &thread.root, user, name, added);
        let found = self.calls.store.greatest_key(Source::Slack, &prefix).await?;
        Ok(found.map(|(key, received)| LastReaction {
            at: parse::reaction_time(&key).unwrap_or_default(),
            received,
        }))
    }

    /// Whether a reaction was put on or taken off again before we were told of this: Slack promises
    /// no order (`slack.md` B.1).
    pub(crate) async fn is_outdated_reaction(
        &self,
        item: &Handling,
        (channel, ts): (&ChannelId, &MessageTs),
        (user, name): (&SlackUserId, &str),
    ) -> PipeResult<bool> {
        let Some(at) = parse::reaction_time(&item.key) else { return Ok(false) };
        let message = Thread { channel: channel.clone(), root: ts.clone() };
        for added in [true, false] {
            let last = self.find_last_reaction(&message, (user.as_str(), name), added).await?;
            if last.is_some_and(|last| last.at > at && last.received < item.received) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
