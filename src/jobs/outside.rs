//! Words in a channel of tickets, outside of any thread: they look like an answer and reach nobody.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::channels::Channels;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::people::People;
use crate::model::{ChannelId, SlackUserId};
use crate::slack::SlackClient;

/// Tells people that no customer reads such words.
pub(crate) struct OutsideNotices {
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) people: Arc<People>,
}

impl OutsideNotices {
    /// Tells an agent, if tickets go to the channel. Nobody else could answer a customer anyway.
    pub(crate) async fn tell_writer(
        &self,
        item: &Handling,
        (channel, user): (&ChannelId, &SlackUserId),
    ) -> PipeResult<()> {
        // Our own posts in the channel come back as events (`slack.md` D.3).
        if self.slack.is_us(user) || !self.channels.is_for_tickets(channel).await? {
            return Ok(());
        }
        let person = self.people.look_up_person_in(item, channel, user).await?;
        if !person.is_agent() {
            return Ok(());
        }
        let text = person.texts.text("ask-outside", &[]);
        if let Err(error) = self.slack.post_ephemeral(channel, None, user, &text, &[]).await {
            tracing::warn!(slack.channel = %channel, %error, "a person could not be told something");
        }
        Ok(())
    }
}
