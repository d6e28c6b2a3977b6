//! Edits and deletions of what has gone out: no channel takes back what was sent, so agents are told
//! the truth.

use crate::inbox::Handling;
use crate::slack::find;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::holds::Holds;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::outgoing::written::WrittenMessage;
use crate::handlers::people::People;
use crate::handlers::posts::Posts;
use crate::model::{AgentMessage, Button, ChannelId, MessageTs, SlackUserId, Ticket};
use crate::slack::{SlackClient, card};
use crate::store::{Link, Role};

/// Tells agents what became of an edit or a deletion.
pub(crate) struct Corrections {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) people: Arc<People>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) holds: Arc<Holds>,
}

impl Corrections {
    /// A message that is held is not sent if it was deleted. One that was sent cannot be taken back,
    /// and who wrote it is told so.
    pub(crate) async fn handle_deletion(
        &self,
        item: &Handling,
        ticket: &Ticket,
        link: &Link,
        (channel, ts): (&ChannelId, &MessageTs),
    ) -> PipeResult<()> {
        match &link.user {
            _ if link.role == Role::Held => {
                self.holds.cancel_held_reply(item, ticket, channel, ts).await
            }
            Some(user) if link.role.is_sent() => {
                let text = self.people.texts_for(user).await.text("ask-deleted", &[]);
                self.posts.post_ephemeral(item, ticket, user, Some(ts), (&text, &[])).await;
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// No channel takes back what was sent, so the agent is told the truth and may send it anew.
    pub(crate) async fn offer_correction(
        &self,
        item: &Handling,
        ticket: &Ticket,
        user: &SlackUserId,
        (channel, root, ts): (&ChannelId, &MessageTs, &MessageTs),
    ) -> PipeResult<()> {
        if let Ok(Some(message)) = find::fetch_message(&self.slack, channel, root, ts).await {
            let (message, version) = (&AgentMessage::default(), &message.version());
            // Place and version make the id, and the words do not.
            let written = WrittenMessage { channel, ts, message, version };
            let id = written.blip_message_id("0");
            // Parts of a version have ids of their own, so an id that is linked says that this
            // version has gone out.
            if !self.calls.links_of(item, &ticket.id, &id).await?.is_empty() {
                // It was changed before it was sent, or sent again since.
                return Ok(());
            }
        }
        let words = self.people.texts_for(user).await;
        let text = words.text("ask-edited", &[]);
        let answer = Button::Correct(ts.clone());
        let answers = if ticket.is_closed() { Vec::new() } else { vec![answer] };
        let blocks = card::build_question(&text, &answers, &ticket.id, &words);
        self.posts.post_ephemeral(item, ticket, user, None, (&text, &blocks)).await;
        Ok(())
    }
}
